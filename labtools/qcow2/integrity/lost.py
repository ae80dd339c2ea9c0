"""L2 tables that nothing leads to any more: leaks that must not be given back before somebody has looked.

``qemu-img check`` calls a cluster leaked when its refcount is higher than the number of references. After a crash a few
of them are harmless. Where an L1 entry was lost, or an L2 table was overwritten with zeros, everything that the table
mapped leaks as well, and ``-r leaks`` would hand out the only copy of the guest's data. Two signs tell: a leaked
cluster that holds an L2 table, which is read here; and leaks by the hundred within as many clusters of the file as one
L2 table maps, while the guest's disk has a place for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from labtools.qcow2.checking import Role
from labtools.qcow2.text import counted

from .census import Census
from .geometry import COPIED, L1_RESERVED, L2_RESERVED, OFFSET_MASK, ZERO, Geometry
from .mapping import Entries, compressed_extent
from .reading import I64, U64, Bools, Reader, native
from .refcounts import StoredRefcounts
from .tables import L2Tables
from .tally import Tally

_SCAN: Final = 256 << 20
"""Bytes of leaked clusters that are looked through for tables."""
_PART: Final = 1 << 20
_FEWEST_BYTES: Final = 8 << 20
_MOST: Final = 1024
"""Leaks within one window that are too many for a crash: an eighth of what an L2 table maps or as many as this, but
not less than these bytes, which may well be on their way. With small clusters no window holds as much, and only a
table that is still there tells.
"""
_PLACES: Final = 8
"""Windows of the guest's disk that are named; were they more, naming them would say nothing."""
_NO_WASTE: Final = (
    "the stored refcount is higher than the number of references. Here that may be more than wasted space: see what is "
    "said of tables."
)


class LostTables:
    """Looks for them among the clusters with too high a refcount."""

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

    def find(self) -> None:
        """Say what was found, and change the advice on the leaks where it must not be followed."""
        lost, old = self._sorted_out(self._tables_among(self._unreferenced()))
        if len(old):
            self._tally.find_clusters("leaked-tables", old)
        if len(lost):
            self._say_lost(lost)
        crowd = self._crowd(self._explained(np.concatenate((lost, old))))
        crowded = crowd >= self._too_many and self._say_crowded(crowd)
        if len(lost) or len(old) or crowded:
            self._tally.advise("leaked-clusters", "do-not-repair", _NO_WASTE)

    @property
    def _too_many(self) -> int:
        few = _FEWEST_BYTES >> self._geometry.cluster_bits
        return max(min(self._geometry.l2_entries // 8, _MOST), few)

    def _leaks(self) -> Iterator[I64]:
        """Leaked clusters to which nothing at all refers, part by part of the file."""
        for first in range(0, self._census.size, _PART):
            self._reader.tick()
            part = slice(first, min(first + _PART, self._census.size))
            here = (self._stored.counts[part] != 0) & (self._census.counts[part] == 0)
            yield first + np.flatnonzero(here)

    def _unreferenced(self) -> I64:
        """As many of them as are looked through."""
        kept: list[I64] = [np.zeros(0, dtype=np.int64)]
        room = max(1, _SCAN // self._geometry.cluster_size)
        for clusters in self._leaks():
            kept.append(clusters[:room])
            room -= len(kept[-1])
            if not room:
                break
        return np.concatenate(kept)

    def _explained(self, tables: I64) -> Bools:
        """The clusters to which these tables lead, and they themselves."""
        known = np.zeros(self._census.size, dtype=np.bool_)
        known[tables] = True
        for _, raw in self._rows(tables):
            entries = Entries.of(self._geometry, raw)
            first = entries.offset[entries.allocated] >> self._geometry.cluster_bits
            known[first[first < self._census.size]] = True
            start, size = compressed_extent(self._geometry, entries.entry[entries.compressed])
            for byte in (start, start + size - 1):
                place = byte >> self._geometry.cluster_bits
                known[place[place < self._census.size]] = True
        return known

    def _crowd(self, explained: Bools) -> int:
        """The most other leaked clusters that lie within as many clusters of the file as an L2 table maps."""
        window, crowd = self._geometry.l2_entries + 1, 0
        tail = np.zeros(0, dtype=np.int64)
        for clusters in self._leaks():
            if len(clusters):
                tail = np.concatenate((tail[tail > clusters[0] - window], clusters[~explained[clusters]]))
                ahead = np.searchsorted(tail, tail + window)
                crowd = max(crowd, int((ahead - np.arange(len(tail))).max(initial=0)))
        return crowd

    def _rows(self, clusters: I64) -> Iterator[tuple[I64, U64]]:
        geometry = self._geometry
        for first, rows in self._reader.tables(clusters << geometry.cluster_bits, geometry.cluster_size):
            yield clusters[first : first + len(rows)], native(rows.reshape(-1)).reshape(len(rows), -1)

    def _tables_among(self, clusters: I64) -> I64:
        """Those that hold a table: no entry breaks the format, and at least half of them lead to leaked clusters."""
        parts = [here[self._are_tables(raw)] for here, raw in self._rows(clusters)]
        return np.concatenate([clusters[:0], *parts])

    def _are_tables(self, raw: U64) -> Bools:
        geometry = self._geometry
        plausible: Bools = (raw != 0).any(axis=1)
        if not plausible.any():
            return plausible
        entries = Entries.of(geometry, raw)
        entry, offset, standard = entries.entry, entries.offset, entries.allocated
        bad = ~entries.compressed & (entry & np.uint64(L2_RESERVED) != 0)
        bad |= standard & (offset & (geometry.cluster_size - 1) != 0)
        bad |= ~entries.compressed & (offset == 0) & (entry & np.uint64(COPIED) != 0) & ~standard
        if geometry.extended or geometry.version == 2:
            bad |= ~entries.compressed & (entry & np.uint64(ZERO) != 0)
        if geometry.has_data_file:
            # The guest's data is elsewhere, so what leaks here can only be a table.
            plausible &= ~bad.any(axis=1) & standard.any(axis=1)
            return plausible
        first = offset >> geometry.cluster_bits
        if entries.compressed.any():
            start, _ = compressed_extent(geometry, entry[entries.compressed])
            first[entries.compressed] = start >> geometry.cluster_bits
        mapped = standard | entries.compressed
        inside = first < self._census.size
        bad |= mapped & ~inside
        known = np.where(inside, first, 0)
        leaked = mapped & inside & (self._stored.counts[known] > self._census.counts[known])
        many, leading = mapped.sum(axis=1), leaked.sum(axis=1)
        plausible &= ~bad.any(axis=1) & (many > 0) & (leading * 2 >= many)
        return plausible

    def _sorted_out(self, found: I64) -> tuple[I64, I64]:
        """L2 tables that were lost; and an L1 table that nothing leads to, with the tables to which it leads."""
        if not len(found):
            return found, found
        upper, owning = np.zeros((2, len(found)), dtype=np.bool_)
        below: list[I64] = [found[:0]]
        at = 0
        for here, raw in self._rows(found):
            looks = raw & np.uint64(L1_RESERVED) == 0
            leads = ((raw & np.uint64(OFFSET_MASK)) >> np.uint64(self._geometry.cluster_bits)).astype(
                np.int64
            )
            leads[~looks | (leads >= self._census.size)] = 0
            to_table = np.isin(leads, found) | (self._census.roles[leads] == Role.L2_TABLE)
            is_upper = looks.all(axis=1) & to_table.any(axis=1)
            upper[at : at + len(here)] = is_upper
            # Flags tell an L2 table of the active image from a bitmap table, which has offsets alone.
            owning[at : at + len(here)] = (raw >> np.uint64(62) != 0).any(axis=1)
            below.append(np.unique(leads[is_upper]))
            at += len(here)
        old = upper | np.isin(found, np.concatenate(below))
        return found[owning & ~old], found[old]

    def _say_lost(self, lost: I64) -> None:
        code, places = "lost-l2-table", self._empty_windows()
        self._tally.find_clusters(code, lost)
        mapped = sum(
            int((entries.allocated | entries.compressed).sum())
            for _, raw in self._rows(lost)
            for entries in (Entries.of(self._geometry, raw),)
        )
        detail = f"Together they map {counted(mapped, 'cluster')} of the guest's disk."
        if len(places) == 1:
            self._window(code, int(places[0]))
            detail += " Only one part of the disk has no table or an empty one, so that is where it belongs."
        elif len(places):
            detail += f" {counted(len(places), 'part')} of the disk have no table or an empty one."
        self._tally.find(code, count=0, detail=detail)

    def _say_crowded(self, crowd: int) -> bool:
        """Say that there are so many; returns False where the guest's disk has no place for them."""
        places = self._empty_windows(tables_only=True)
        if not len(places) and not len(self._empty_windows()):
            return False
        code = "leaks-like-lost-table"
        detail = f"{counted(crowd, 'leaked cluster')} lie so close together."
        if len(places):
            detail += (
                f" {counted(len(places), 'L2 table')} in use {'is' if len(places) == 1 else 'are'} empty."
            )
        self._tally.find(code, detail=detail)
        for index in places[:_PLACES].tolist():
            self._window(code, index)
        if len(places) > _PLACES:
            self._tally.incomplete(code)
        return True

    def _empty_windows(self, *, tables_only: bool = False) -> I64:
        """Places in the active L1 table, within the guest's disk, without a table or with one that is all zeros."""
        geometry, layer = self._geometry, self._tables.layers[0]
        windows = -(-geometry.guest_clusters // geometry.l2_entries)
        offsets = (layer.entries[:windows] & np.uint64(OFFSET_MASK)).astype(np.int64)
        inside = (offsets != 0) & (offsets < geometry.file_length)
        empty = ~inside if not tables_only else np.zeros(len(offsets), dtype=np.bool_)
        used = self._tables.offsets[(self._tables.active > 0) & (self._tables.offsets < geometry.file_length)]
        hollow = [
            used[first : first + len(rows)][~rows.any(axis=1)]
            for first, rows in self._reader.tables(used, geometry.cluster_size)
        ]
        empty |= inside & np.isin(offsets, np.concatenate([used[:0], *hollow]))
        return np.flatnonzero(empty).astype(np.int64)

    def _window(self, code: str, index: int) -> None:
        first = index * self._geometry.l2_entries
        stop = min(first + self._geometry.l2_entries, self._geometry.guest_clusters)
        self._tally.locate(code, None, np.arange(first, stop, dtype=np.int64))
