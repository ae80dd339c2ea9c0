"""The atlas of a check: a map of the file and one of the guest's disk for each layer, to be kept beside the report.

:func:`labtools.qcow2.check_image` makes one where ``atlas=True`` asks for it: a few bytes for each run of clusters
that are alike, compressed. :func:`read_atlas` opens it again, to draw any part in a fixed number of cells, and to
say what one cluster is for. The image itself is not needed any more.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .checking import Role
from .errors import ImageError

if TYPE_CHECKING:
    from .integrity.atlas import Atlas


class AtlasError(ImageError):
    """The bytes are no atlas, or one of a format that is not read any more."""

    code = "atlas-unreadable"


class GuestState(enum.IntEnum):
    """Where the guest's bytes of a cluster come from, in this layer alone."""

    UNALLOCATED = 0
    """Nothing is stored: the backing file has it, or it reads as zeros where there is none."""
    ZERO = 1
    """The image says that it reads as zeros."""
    COMPRESSED = 2
    DATA = 3
    """Stored as it is; of a cluster with subclusters, at least one."""


class OwnerKind(enum.IntEnum):
    """What leads to a host cluster."""

    DATA = 0
    COMPRESSED = 1
    L2_TABLE = 2
    REFCOUNT_BLOCK = 3
    L1_TABLE = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """``count`` clusters from ``first`` on, drawn as one. ``shares`` says how many of them are of each kind (a
    :class:`Role` or a :class:`GuestState`), most first; ``damaged`` and ``leaked`` how many are that besides.
    """

    first: int
    count: int
    shares: tuple[tuple[int, int], ...]
    damaged: int
    leaked: int = 0


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """A layer of which the guest's disk is mapped: ``snapshot`` as in :class:`GuestRange`, and its clusters.

    ``grain`` is how many neighbouring clusters were made one, because they were too scattered to be kept singly.
    """

    snapshot: int | None
    clusters: int
    grain: int


@dataclass(frozen=True, slots=True)
class Owner:
    """What leads to a host cluster, and from which layers, as numbers of snapshots (None for the active image).

    ``first`` and ``count`` are guest clusters for data and L2 tables, host clusters for refcount blocks, of which they
    say what the table maps or the block counts. ``layers_more`` says how many layers are not named.
    """

    kind: OwnerKind
    layers: tuple[int | None, ...]
    layers_more: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """A host cluster. ``grain`` above 1 says that role, refcount and damage are told for that many together."""

    cluster: int
    role: Role
    refcount: int
    damaged: bool
    grain: int
    owners: tuple[Owner, ...]
    owners_more: int

    @property
    def leaked(self) -> bool:
        """Whether its refcount says that it is in use, and nothing leads to it."""
        return self.role is Role.FREE and self.refcount > 0


@dataclass(frozen=True, slots=True)
class GuestFacts:
    """A cluster of the guest's disk; ``hosts`` are the clusters of the file that hold it, as far as they are kept."""

    cluster: int
    state: GuestState
    damaged: bool
    grain: int
    hosts: tuple[int, ...]


def read_atlas(data: bytes) -> Atlas:
    """Open an atlas. Raises :class:`AtlasError`. Imports NumPy."""
    from .integrity.atlas import Atlas

    return Atlas.decode(data)
