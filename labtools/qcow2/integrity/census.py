"""Who uses each host cluster, counted as QEMU counts, and for what."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from labtools.qcow2.checking import CheckBoundError, CheckBounds, Role
from labtools.qcow2.text import binary_size, counted

from .geometry import Geometry
from .reading import I64, U8, Counts
from .tally import Tally

_SHAREABLE: Final = (Role.DATA, Role.COMPRESSED, Role.L2_TABLE)
"""Roles of which several entries may lead to one cluster: snapshots share tables and data."""
_WRITTEN_WHOLE: Final = (
    Role.REFCOUNT_TABLE,
    Role.REFCOUNT_BLOCK,
    Role.L1_TABLE,
    Role.BITMAP_DIRECTORY,
    Role.BITMAP_TABLE,
    Role.BITMAP_DATA,
)
"""Roles whose regions the file must hold to the last byte, and that no rule of the header has judged."""
_PART: Final = 1 << 17
"""Clusters looked at together, few enough to stay in the processor's cache."""


def count_type(bits: int) -> np.dtype[Any]:
    """The type that holds refcounts of ``bits`` bits. 64-bit ones are held in 32, which no image can pass."""
    return np.dtype(np.uint8 if bits <= 8 else np.uint16 if bits == 16 else np.uint32)


class Census:
    """References to each host cluster, and its first role.

    ``counts`` saturate at the largest refcount that fits, each reference beyond counting as a corruption, as in
    ``qemu-img check``. ``size`` is the number of clusters that QEMU would hold: the file's, and one more where a
    region reaches behind the end.
    """

    def __init__(self, geometry: Geometry, bounds: CheckBounds, tally: Tally) -> None:
        kind = count_type(geometry.refcount_bits)
        need = geometry.clusters * (2 * kind.itemsize + 2)
        if need > bounds.memory_bytes:
            raise CheckBoundError(
                f"A check of {counted(geometry.clusters, 'cluster')} would take about {binary_size(need)} of memory; "
                f"the limit here is {binary_size(bounds.memory_bytes)}."
            )
        self.geometry = geometry
        self.tally = tally
        self.size = geometry.clusters
        self.maximum = min(geometry.refcount_max, int(np.iinfo(kind).max))
        self.counts: Counts = np.zeros(geometry.clusters + 1, dtype=kind)
        self.conflicts: list[I64] = []
        """Clusters with a second role, in parts."""
        self._pairs: dict[str, set[tuple[int, int]]] = {}
        self.roles: U8 = np.zeros(geometry.clusters + 1, dtype=np.uint8)

    def fits(self, offset: int, size: int) -> bool:
        """Whether a region ends less than a cluster behind the end of the file, as the last one may."""
        return offset + size - self.geometry.file_length < self.geometry.cluster_size

    def region(self, offset: int, size: int, role: Role, code: str, weight: int = 1) -> bool:
        """Count a region of metadata ``weight`` times and give its clusters a role.

        One that leads out of the file is a corruption instead, and a finding of kind ``code``; returns False then.
        """
        if size <= 0 or weight == 0:
            return True
        if not self.fits(offset, size):
            self.tally.corruptions += weight
            self.tally.find(code, offset, size)
            return False
        if offset + size > self.geometry.file_length and role in _WRITTEN_WHOLE:
            self.tally.find("metadata-cut", offset, self.geometry.file_length - offset)
        first = offset >> self.geometry.cluster_bits
        last = offset + size - 1 >> self.geometry.cluster_bits
        clusters = np.arange(first, last + 1, dtype=np.int64)
        self.claim(clusters, role)
        self.count(clusters, weight)
        return True

    def claim(self, clusters: I64, role: Role) -> None:
        """Give clusters a role; one that has another already, or one that cannot be shared, is a finding."""
        present = self.roles[clusters]
        taken = present != 0
        if taken.any():
            other = taken & (present != role) if role in _SHAREABLE else taken
            if other.any():
                for before in np.unique(present[other]).tolist():
                    hosts = np.unique(clusters[other & (present == before)])
                    code = "roles-conflict" if before != role else "metadata-shared"
                    self.conflicts.append(hosts)
                    self.tally.find_clusters(code, hosts)
                    self._pairs.setdefault(code, set()).add((min(before, role), max(before, role)))
        self.roles[clusters] = np.where(taken, present, np.uint8(role))

    def name_pairs(self) -> None:
        """Say in the findings which roles met."""
        for code, pairs in self._pairs.items():
            words = [
                Role(one).words if one == other else f"{Role(one).words} and {Role(other).words}"
                for one, other in sorted(pairs)
            ]
            self.tally.find(code, count=0, detail=f"Here: {', '.join(words)}.")

    def count(self, clusters: I64, weight: int = 1) -> None:
        """Count ``weight`` references to each of ``clusters``, in which one may stand several times."""
        if not len(clusters) or weight == 0:
            return
        self.size = max(self.size, int(clusters.max()) + 1)
        if (clusters[1:] > clusters[:-1]).all():
            self._add(clusters, np.full(len(clusters), weight, dtype=np.int64))
        else:
            unique, times = np.unique(clusters, return_counts=True)
            self._add(unique, times * weight)

    def _add(self, clusters: I64, times: I64) -> None:
        total = self.counts[clusters] + times
        beyond = total - self.maximum
        over = beyond > 0
        if over.any():
            self.tally.corruptions += int(beyond[over].sum())
            self.tally.find_clusters("refcount-overflow", clusters[over])
            np.minimum(total, self.maximum, out=total)
        self.counts[clusters] = total

    def add_run(self, first: int, stop: int, weight: int, stored: Counts, copied: bool) -> bool:
        """Count the data clusters from ``first`` up to ``stop`` if there is nothing at all to say about them.

        The swift way for what most tables hold. Returns False, with nothing changed, if there is something.
        """
        counts = self.counts[first:stop]
        # All that has a role by now has been counted too.
        if weight > self.maximum or counts.max():
            return False
        ones = stored[first:stop] == 1
        if not (ones.all() if copied else not ones.any()):
            return False
        self.roles[first:stop] = Role.DATA
        counts[:] = weight
        return True

    def clusters_by_role(self) -> dict[Role, int]:
        """How many host clusters have each role."""
        counts = np.zeros(len(Role), dtype=np.int64)
        # In parts: bincount makes each byte a number of eight, and most parts are all data.
        for first in range(0, self.size, _PART):
            part = self.roles[first : min(first + _PART, self.size)]
            if (data := np.count_nonzero(part == Role.DATA)) == len(part):
                counts[Role.DATA] += data
            else:
                counts += np.bincount(part, minlength=len(Role))
        return {role: int(counts[role]) for role in Role if counts[role]}
