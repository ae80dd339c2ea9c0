"""The atlas, drawn from its runs; see :mod:`labtools.qcow2.atlas`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from labtools.qcow2.atlas import Cell, ClusterFacts, GuestFacts, GuestState, LayerFacts, Owner, OwnerKind
from labtools.qcow2.checking import Role

from .packing import pack, unpack
from .reading import I64
from .runs import Runs

DAMAGED: Final = 1 << 4
"""Set in the values of both maps, beside a role or a state, which are below."""
REFCOUNT_SHIFT: Final = 8
"""In the map of the file, the stored refcount stands above."""
_KINDS: Final = 1 << 6
_LEAKED: Final = 1 << 5
_MAX_OWNERS: Final = 64
"""Owners of one cluster that are named."""


@dataclass(frozen=True, slots=True, eq=False)
class Owners:
    """Who leads to which host clusters, in runs by host cluster.

    Run i is of ``hosts[i]`` clusters from ``host[i]``, which the ``guests[i]`` things from ``guest[i]`` lead to: guest
    clusters, or places in an L1 or the refcount table. They go side by side, save for compressed clusters, of which
    all those of a run begin in its first host cluster. ``layers[i]`` is a place in the atlas's ``sets``.
    """

    host: I64
    hosts: I64
    guest: I64
    guests: I64
    layers: I64
    kind: I64

    def __len__(self) -> int:
        return len(self.host)

    def columns(self) -> tuple[I64, ...]:
        """In the order of the fields."""
        return self.host, self.hosts, self.guest, self.guests, self.layers, self.kind

    def only(self, kept: I64 | np.typing.NDArray[np.bool_]) -> Owners:
        """Those of the runs."""
        return Owners(*(column[kept] for column in self.columns()))


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """``file`` maps the host clusters, ``disks[i]`` the guest's disk in ``layers[i]``; ``owners`` joins the two.

    ``sets`` are the layers that share an owner: numbers of snapshots, and how many more there are. ``layers_more`` is
    how many layers have no map, ``owners_lost`` how many host clusters have owners that were too scattered to be kept.
    ``backed`` says that what is unallocated is in a backing file, ``external`` that data is in an external data file.
    """

    cluster_size: int
    file_length: int
    l2_entries: int
    block_entries: int
    backed: bool
    external: bool
    file: Runs
    file_grain: int
    layers: tuple[LayerFacts, ...]
    disks: tuple[Runs, ...]
    layers_more: int
    sets: tuple[tuple[tuple[int | None, ...], int], ...]
    owners: Owners
    owners_lost: int

    @property
    def clusters(self) -> int:
        """Host clusters of the file."""
        return self.file.end

    def encode(self) -> bytes:
        """To be read by :meth:`decode`."""
        facts = {
            "cluster_size": self.cluster_size,
            "file_length": self.file_length,
            "l2_entries": self.l2_entries,
            "block_entries": self.block_entries,
            "backed": self.backed,
            "external": self.external,
            "clusters": self.file.end,
            "file_grain": self.file_grain,
            "layers": [[layer.snapshot, layer.clusters, layer.grain] for layer in self.layers],
            "layers_more": self.layers_more,
            "sets": self.sets,
            "owners_lost": self.owners_lost,
        }
        owners = self.owners
        # Differences are small and often alike, which packs well.
        columns = [
            np.diff(self.file.starts, prepend=0),
            self.file.values & 0xFF,
            self.file.values >> REFCOUNT_SHIFT,
            np.diff(owners.host, prepend=0),
            owners.hosts,
            owners.guest,
            np.where(owners.kind == OwnerKind.COMPRESSED, owners.guests, 0),
            owners.layers,
            owners.kind,
        ]
        for disk in self.disks:
            columns += [np.diff(disk.starts, prepend=0), disk.values]
        return pack(facts, columns)

    @classmethod
    def decode(cls, data: bytes) -> Atlas:
        """From the bytes of :meth:`encode`. Raises :class:`~labtools.qcow2.AtlasError`."""
        facts, columns = unpack(data)
        starts, low, high, host, hosts, guest, guests, sets, kind, *rest = columns
        owners = Owners(
            np.cumsum(host),
            hosts,
            guest,
            np.where(kind == OwnerKind.COMPRESSED, guests, hosts),
            sets,
            kind,
        )
        layers = tuple(LayerFacts(*layer) for layer in facts["layers"])
        disks = tuple(
            Runs(np.cumsum(rest[2 * number]), rest[2 * number + 1], layer.clusters)
            for number, layer in enumerate(layers)
        )
        return cls(
            cluster_size=facts["cluster_size"],
            file_length=facts["file_length"],
            l2_entries=facts["l2_entries"],
            block_entries=facts["block_entries"],
            backed=facts["backed"],
            external=facts["external"],
            file=Runs(np.cumsum(starts), low | high << REFCOUNT_SHIFT, facts["clusters"]),
            file_grain=facts["file_grain"],
            layers=layers,
            disks=disks,
            layers_more=facts["layers_more"],
            sets=tuple((tuple(members), more) for members, more in facts["sets"]),
            owners=owners,
            owners_lost=facts["owners_lost"],
        )

    # ----------------------------------------------------------------------------------------- drawing

    def file_cells(self, first: int, stop: int, per_cell: int) -> tuple[Cell, ...]:
        """The host clusters from ``first`` up to ``stop`` in cells of ``per_cell``."""
        values = self.file.values
        kinds = values & (DAMAGED | 0x0F)
        kinds = np.where((kinds == Role.FREE) & (values >> REFCOUNT_SHIFT > 0), _LEAKED, kinds)
        return _cells(self.file, kinds, first, stop, per_cell)

    def disk_cells(self, layer: int, first: int, stop: int, per_cell: int) -> tuple[Cell, ...]:
        """The guest's clusters of ``layers[layer]``, the same way."""
        disk = self.disks[layer]
        return _cells(disk, disk.values, first, stop, per_cell)

    def file_damage(self, first: int, stop: int, most: int) -> tuple[tuple[tuple[int, int], ...], int]:
        """Runs of damaged host clusters, as first and count, and how many more there are."""
        return _damage(self.file, first, stop, most)

    def disk_damage(
        self, layer: int, first: int, stop: int, most: int
    ) -> tuple[tuple[tuple[int, int], ...], int]:
        """Runs of damaged clusters of the guest's disk, the same way."""
        return _damage(self.disks[layer], first, stop, most)

    # ------------------------------------------------------------------------------------- one cluster

    def cluster(self, number: int) -> ClusterFacts:
        """What a host cluster is for. Raises ``IndexError`` where the file has no such cluster."""
        if not 0 <= number < self.clusters:
            raise IndexError(number)
        value = self.file.at(number)
        owners = self.owners
        hits = np.flatnonzero((owners.host <= number) & (number < owners.host + owners.hosts))
        return ClusterFacts(
            cluster=number,
            role=Role(value & 0x0F),
            refcount=value >> REFCOUNT_SHIFT,
            damaged=bool(value & DAMAGED),
            grain=self.file_grain,
            owners=tuple(self._owner(hit, number) for hit in hits[:_MAX_OWNERS].tolist()),
            owners_more=max(0, len(hits) - _MAX_OWNERS),
        )

    def _owner(self, run: int, number: int) -> Owner:
        owners = self.owners
        kind = OwnerKind(int(owners.kind[run]))
        layers, more = self.sets[int(owners.layers[run])]
        first, count = int(owners.guest[run]), int(owners.guests[run])
        if kind is not OwnerKind.COMPRESSED:
            first, count = first + number - int(owners.host[run]), 1
        covers = {
            OwnerKind.L2_TABLE: self.l2_entries,
            OwnerKind.REFCOUNT_BLOCK: self.block_entries,
        }.get(kind, 1)
        return Owner(kind, layers, more, first * covers, count * covers)

    def guest_cluster(self, layer: int, number: int) -> GuestFacts:
        """Where a cluster of the guest's disk comes from. Raises ``IndexError`` where there is none."""
        disk, facts = self.disks[layer], self.layers[layer]
        if not 0 <= number < disk.end:
            raise IndexError(number)
        value, owners = disk.at(number), self.owners
        here = (owners.guest <= number) & (number < owners.guest + owners.guests)
        hosts = []
        for hit in np.flatnonzero(here & (owners.kind <= OwnerKind.COMPRESSED)).tolist():
            if facts.snapshot in self.sets[int(owners.layers[hit])][0]:
                host = int(owners.host[hit])
                is_data = owners.kind[hit] == OwnerKind.DATA
                hosts.append(host + number - int(owners.guest[hit]) if is_data else host)
        return GuestFacts(
            number, GuestState(value & 0x0F), bool(value & DAMAGED), facts.grain, tuple(hosts[:_MAX_OWNERS])
        )


def _cells(runs: Runs, kinds: I64, first: int, stop: int, per_cell: int) -> tuple[Cell, ...]:
    if first >= stop:
        return ()
    edges = np.append(np.arange(first, stop, per_cell, dtype=np.int64), stop)
    counts = runs.counts(edges, kinds, _KINDS)
    cells = []
    for place, row in enumerate(counts.tolist()):
        found = [(kind, count) for kind, count in enumerate(row) if count]
        shares: dict[int, int] = {}
        for kind, count in found:
            shares[kind & 0x0F] = shares.get(kind & 0x0F, 0) + count
        cells.append(
            Cell(
                first=int(edges[place]),
                count=int(edges[place + 1] - edges[place]),
                shares=tuple(sorted(shares.items(), key=lambda share: -share[1])),
                damaged=sum(count for kind, count in found if kind & DAMAGED),
                leaked=row[_LEAKED],
            )
        )
    return tuple(cells)


def _damage(runs: Runs, first: int, stop: int, most: int) -> tuple[tuple[tuple[int, int], ...], int]:
    if first >= stop:
        return (), 0
    starts, stops, values = runs.between(first, stop)
    hit = np.flatnonzero(values & DAMAGED)
    if not len(hit):
        return (), 0
    # Neighbours that differ in role or refcount are one piece of damage.
    fresh = np.append(True, starts[hit[1:]] != stops[hit[:-1]])
    begins, ends = starts[hit[fresh]], stops[hit[np.append(fresh[1:], True)]]
    found = [(begin, end - begin) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
    return tuple(found[:most]), max(0, len(found) - most)
