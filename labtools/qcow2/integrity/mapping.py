"""Every L2 entry judged and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from labtools.qcow2.checking import Role

from .census import Census
from .geometry import COMPRESSED, COPIED, L2_RESERVED, OFFSET_MASK, ZERO, Geometry
from .reading import I64, U64, Bools, Reader, native
from .refcounts import StoredRefcounts
from .tables import L2Tables
from .tally import Tally

_LOW32: Final = 0xFFFFFFFF
_PLACES: Final = 1024
"""Owners that are looked up for one kind of finding in one batch of tables; those beyond are only counted."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The L2 entries of a batch of tables, one row a table, sorted into kinds.

    ``allocated`` has a host cluster of its own, be it for data or for zeros. ``bitmap`` is the subcluster bitmap of
    extended entries, else None. ``offset`` is that of a standard entry.
    """

    entry: U64
    bitmap: U64 | None
    compressed: Bools
    allocated: Bools
    offset: I64

    @classmethod
    def of(cls, geometry: Geometry, raw: U64) -> Entries:
        """Sort the raw numbers of the rows into kinds."""
        entry, bitmap = (raw[:, ::2], raw[:, 1::2]) if geometry.extended else (raw, None)
        compressed = entry & np.uint64(COMPRESSED) != 0
        offset = (entry & np.uint64(OFFSET_MASK)).astype(np.int64)
        allocated = offset != 0
        if geometry.has_data_file:
            # Offset 0 of the data file is a place like any other; there COPIED says that the cluster is allocated.
            data = entry & np.uint64(COPIED) != 0
            if not geometry.extended:
                data &= entry & np.uint64(ZERO) == 0
            allocated |= data
        return cls(entry, bitmap, compressed, allocated & ~compressed, offset)


class Mapping:
    """Goes through the L2 tables once, counting and judging."""

    def __init__(
        self,
        reader: Reader,
        geometry: Geometry,
        tables: L2Tables,
        stored: StoredRefcounts,
        census: Census,
        tally: Tally,
    ) -> None:
        self._reader = reader
        self._geometry = geometry
        self._tables = tables
        self._stored = stored
        self._census = census
        self._tally = tally
        self._ramp = np.arange(geometry.l2_entries, dtype=np.uint64) * np.uint64(geometry.cluster_size)

    def count(self) -> None:
        """Judge and count every entry of every table."""
        geometry = self._geometry
        offsets = self._tables.offsets
        for first, rows in self._reader.tables(offsets, geometry.cluster_size):
            raw = native(rows.reshape(-1)).reshape(len(rows), -1)
            kept = np.arange(len(rows))
            if not geometry.extended and not geometry.has_data_file:
                kept = np.array(
                    [row for row in range(len(rows)) if not self._swift(first + row, raw[row])],
                    dtype=np.int64,
                )
                if not len(kept):
                    continue
            self._judge(first + kept, Entries.of(geometry, raw[kept] if len(kept) < len(rows) else raw))

    def _swift(self, table: int, row: U64) -> bool:
        """Count a table that is one run of neighbouring clusters with nothing to say about it, if it is one."""
        start, size = int(row[0]), self._geometry.cluster_size
        span = len(row) * size
        if int(row[-1]) - start != span - size:
            return False
        offset = start & OFFSET_MASK
        if start & (COMPRESSED | L2_RESERVED | ZERO) or not offset or offset % size:
            return False
        if offset + span > self._geometry.file_length or not (row - self._ramp == row[0]).all():
            return False
        active, snapshot = int(self._tables.active[table]), int(self._tables.snapshot[table])
        index = int(self._tables.owner_index[self._tables.starts[table]])
        if (
            not active
            or (index + 1) * len(row) > self._geometry.guest_clusters
            or self._stored.unreadable is not None
        ):
            return False
        first = offset >> self._geometry.cluster_bits
        counts = self._stored.counts
        if not self._census.add_run(first, first + len(row), active + snapshot, counts, bool(start & COPIED)):
            return False
        self._tally.allocated += active * len(row)
        return True

    def _judge(self, tables: I64, entries: Entries) -> None:
        active = self._tables.active[tables]
        weight = active + self._tables.snapshot[tables]
        self._reserved(tables, weight, entries)
        self._bitmaps(tables, weight, entries)
        self._compressed(tables, active, weight, entries)
        self._standard(tables, active, weight, entries)
        self._copied(tables, active, entries)
        self._flags_alone(tables, entries)
        if self._geometry.raw_data and self._geometry.has_data_file:
            self._raw_places(tables, entries)
        self._beyond_end(tables, active, entries)

    def _hit(self, code: str, tables: I64, mask: Bools, weight: I64 | None = None) -> None:
        """Count the entries of a kind; with ``weight``, as corruptions of each table's weight."""
        if not mask.any():
            return
        rows, columns = np.nonzero(mask)
        if weight is not None:
            self._tally.corruptions += int(weight[rows].sum())
        places = entry_places(self._geometry, self._tables, tables[rows], columns)
        for place in places[:_PLACES].tolist():
            self._tally.find(code, place, self._geometry.l2_entry_size)
        self._tally.more(code, len(places) - _PLACES)
        locate(self._geometry, self._tables, self._tally, code, tables[rows], columns)

    def _reserved(self, tables: I64, weight: I64, entries: Entries) -> None:
        reserved = (entries.entry & np.uint64(L2_RESERVED) != 0) & ~entries.compressed
        self._hit("l2-entry-reserved", tables, reserved, weight)
        if self._geometry.extended or self._geometry.version == 2:
            code = "l2-zero-flag-extended" if self._geometry.extended else "l2-zero-flag-version-2"
            zero = (entries.entry & np.uint64(ZERO) != 0) & ~entries.compressed
            self._hit(code, tables, zero)

    def _bitmaps(self, tables: I64, weight: I64, entries: Entries) -> None:
        if entries.bitmap is None:
            return
        data = entries.bitmap & np.uint64(_LOW32)
        both = entries.allocated & (entries.bitmap >> np.uint64(32) & data != 0)
        self._hit("subclusters-data-and-zero", tables, both, weight)
        nowhere = ~entries.allocated & ~entries.compressed & (data != 0)
        self._hit("subclusters-unallocated", tables, nowhere, weight)

    def _compressed(self, tables: I64, active: I64, weight: I64, entries: Entries) -> None:
        compressed = entries.compressed
        if not compressed.any():
            return
        self._hit("compressed-copied", tables, compressed & (entries.entry & np.uint64(COPIED) != 0), weight)
        if self._geometry.has_data_file:
            self._hit("compressed-with-data-file", tables, compressed, weight)
            return
        if entries.bitmap is not None:
            broken = compressed & (entries.bitmap != 0)
            self._hit("compressed-with-subclusters", tables, broken, weight)
            compressed = compressed & ~broken
        rows = np.nonzero(compressed)[0]
        counted = int(active[rows].sum())
        self._tally.allocated += counted
        self._tally.compressed += counted
        self._tally.fragmented += counted
        start, size = compressed_extent(self._geometry, entries.entry[compressed])
        outside = start + size - self._geometry.file_length >= self._geometry.cluster_size
        self._outside("compressed-outside", tables, compressed, outside, weight)
        start, size, rows = start[~outside], size[~outside], rows[~outside]
        bits = self._geometry.cluster_bits
        first, last = start >> bits, start + size - 1 >> bits
        for step in range(3):
            there = first + step <= last
            self._use(first[there] + step, weight[rows[there]], Role.COMPRESSED)

    def _outside(self, code: str, tables: I64, mask: Bools, outside: Bools, weight: I64) -> None:
        if outside.any():
            hit = np.zeros_like(mask)
            hit[mask] = outside
            self._hit(code, tables, hit, weight)

    def _use(self, clusters: I64, weight: I64, role: Role) -> None:
        if not len(clusters):
            return
        self._census.claim(clusters, role)
        least = int(weight.min())
        if least == int(weight.max()):
            self._census.count(clusters, least)
            return
        for value in np.unique(weight).tolist():
            self._census.count(clusters[weight == value], value)

    def _standard(self, tables: I64, active: I64, weight: I64, entries: Entries) -> None:
        mapped = entries.allocated
        rows = np.nonzero(mapped)[0]
        if not len(rows):
            return
        offset = entries.offset[mapped]
        self._tally.allocated += int(active[rows].sum())
        jumps = (offset[1:] != offset[:-1] + self._geometry.cluster_size) & (rows[1:] == rows[:-1])
        self._tally.fragmented += int(active[rows[1:][jumps]].sum())
        size = self._geometry.cluster_size
        unaligned = offset & (size - 1) != 0
        if unaligned.any():
            hit = np.zeros_like(mapped)
            hit[mapped] = unaligned
            self._hit("data-unaligned", tables, hit, weight)
        if self._geometry.has_data_file:
            return
        outside = offset + size - self._geometry.file_length >= size
        self._outside("data-outside", tables, mapped, outside, weight)
        sound = ~outside
        first = offset[sound] >> self._geometry.cluster_bits
        self._use(first, weight[rows[sound]], Role.DATA)
        if unaligned.any():
            both = sound & unaligned
            self._use((offset[both] >> self._geometry.cluster_bits) + 1, weight[rows[both]], Role.DATA)

    def _copied(self, tables: I64, active: I64, entries: Entries) -> None:
        """COPIED must say whether the stored refcount is 1, in the active image."""
        place = self._tables.offsets[tables]
        judged = (active > 0) & (place != 0)
        # QEMU passes over the table of which it cannot read the refcount.
        lost_tables = self._stored.of(place >> self._geometry.cluster_bits)[1]
        if lost_tables is not None:
            judged &= ~lost_tables
        asked = entries.allocated & judged[:, None]
        if not asked.any():
            return
        says = entries.entry[asked] & np.uint64(COPIED) != 0
        if self._geometry.has_data_file:
            wrong = ~says
        else:
            counts, lost = self._stored.of(entries.offset[asked] >> self._geometry.cluster_bits)
            wrong = says != (counts == 1)
            if lost is not None:
                wrong &= ~lost
        if wrong.any():
            hit = np.zeros_like(asked)
            hit[asked] = wrong
            self._hit("data-copied-flag", tables, hit, active)

    def _flags_alone(self, tables: I64, entries: Entries) -> None:
        """COPIED on an entry without a cluster, which is more than stale: no program writes it."""
        if self._geometry.has_data_file:
            return
        alone = entries.entry & np.uint64(COPIED | COMPRESSED | OFFSET_MASK) == np.uint64(COPIED)
        self._hit("l2-copied-alone", tables, alone)

    def _raw_places(self, tables: I64, entries: Entries) -> None:
        """Raw external data lies where it lies on the guest's disk, or else others read something different."""
        index = self._tables.owner_index[self._tables.starts[tables]]
        first = (index * self._geometry.l2_entries << self._geometry.cluster_bits)[:, None]
        expected = first + self._ramp.astype(np.int64)[None, :]
        self._hit("raw-data-misplaced", tables, entries.allocated & (entries.offset != expected))

    def _beyond_end(self, tables: I64, active: I64, entries: Entries) -> None:
        """Clusters that the active image maps behind the end of the guest's disk."""
        index = self._tables.owner_index[self._tables.starts[tables]]
        limit = self._geometry.guest_clusters - index * self._geometry.l2_entries
        if (limit >= self._geometry.l2_entries).all():
            return
        beyond = np.arange(self._geometry.l2_entries)[None, :] >= limit[:, None]
        used = (entries.allocated | entries.compressed) & beyond & (active > 0)[:, None]
        self._hit("mapped-beyond-end", tables, used)


def compressed_extent(geometry: Geometry, entry: U64) -> tuple[I64, I64]:
    """Offset and bytes of compressed clusters: up to the end of the last sector that the entry names."""
    bits = geometry.compressed_offset_bits
    start = (entry & np.uint64((1 << bits) - 1)).astype(np.int64)
    more = (entry >> np.uint64(bits) & np.uint64((1 << (geometry.cluster_bits - 8)) - 1)).astype(np.int64)
    return start, (more + 1) * 512 - (start & 511)


def entry_places(geometry: Geometry, tables: L2Tables, table: I64, column: I64) -> I64:
    """Where in the file the entries at ``column`` of each ``table`` are."""
    return tables.offsets[table] + column * geometry.l2_entry_size


def locate(geometry: Geometry, tables: L2Tables, tally: Tally, code: str, table: I64, column: I64) -> None:
    """Say which guest clusters, in which layers, the entries at ``column`` of each ``table`` map."""
    different, starts = np.unique(table, return_index=True)
    stops = np.append(starts[1:], len(table))
    for place, (number, start, stop) in enumerate(
        zip(different.tolist(), starts.tolist(), stops.tolist(), strict=True)
    ):
        if place >= _PLACES:
            tally.incomplete(code)
            return
        for layer, index in tables.owners(number, 64):
            tally.locate(code, layer.snapshot, index * geometry.l2_entries + column[start:stop])
