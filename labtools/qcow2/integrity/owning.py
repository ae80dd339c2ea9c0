"""Who leads to which host clusters, gathered in runs for the atlas."""

from __future__ import annotations

import os
from typing import Final

import numpy as np

from labtools.qcow2.atlas import OwnerKind

from .atlas import Owners
from .checked import Checked
from .geometry import OFFSET_MASK
from .mapping import Entries, compressed_extent
from .reading import I64, U64
from .tables import L2Tables

_MAX_OWNER_RUNS: Final = 1 << 19
"""Runs that are kept."""
_MAX_GATHERED: Final = 1 << 21
"""Runs that are held while they are gathered."""
_MAX_SETS: Final = 1 << 12
_SET_SHOWN: Final = 64
_MAX_ELSEWHERE: Final = 64
"""Tables at several places of the guest's disk, and places of each, that are told."""


class Gathered:
    """Runs of owners as they come in. Where they are too many, short ones are dropped, and their clusters counted."""

    def __init__(self, damage: tuple[I64, I64]) -> None:
        self._damage = damage
        self._parts: list[Owners] = []
        self._held = 0
        self._least = 1
        self._lost = 0

    def add(self, kind: OwnerKind, host: I64, guest: I64, layers: I64) -> None:
        """Pairs that lead to one cluster each, neighbours to be made runs."""
        if not len(host):
            return
        fresh = np.ones(len(host), dtype=np.bool_)
        fresh[1:] = (np.diff(host) != 1) | (np.diff(guest) != 1) | (layers[1:] != layers[:-1])
        place = np.flatnonzero(fresh)
        lengths = np.diff(np.append(place, len(host)))
        self.add_runs(kind, host[place], lengths, guest[place], lengths, layers[place])

    def add_runs(self, kind: OwnerKind, host: I64, hosts: I64, guest: I64, guests: I64, layers: I64) -> None:
        """Runs that are made already."""
        if not len(host):
            return
        kinds = np.full(len(host), int(kind), dtype=np.int64)
        self._keep(Owners(host, hosts, guest, guests, layers, kinds))
        while self._held > _MAX_GATHERED:
            self._least *= 2
            parts, self._parts, self._held = self._parts, [], 0
            for part in parts:
                self._keep(part)

    def _keep(self, part: Owners) -> None:
        if self._least > 1:
            first, stop = part.host, part.host + part.hosts
            at = np.searchsorted(self._damage[1], first, side="right")
            hurt = np.append(self._damage[0], np.iinfo(np.int64).max)[at] < stop
            kept = (part.hosts >= self._least) | (part.kind > OwnerKind.COMPRESSED) | hurt
            self._lost += int(part.hosts[~kept].sum())
            part = part.only(kept)
        self._parts.append(part)
        self._held += len(part)

    def owners(self) -> tuple[Owners, int]:
        """All of them by host cluster, and how many clusters were dropped."""
        while self._held > _MAX_OWNER_RUNS and self._least < 1 << 40:
            self._least *= 2
            parts, self._parts, self._held = self._parts, [], 0
            for part in parts:
                self._keep(part)
        empty = np.zeros(0, dtype=np.int64)
        columns = [part.columns() for part in self._parts] or [(empty,) * 6]
        joined = Owners(*(np.concatenate(column) for column in zip(*columns, strict=True)))
        # What an image can make too many all the same, by damage without end, is cut.
        self._lost += int(joined.hosts[_MAX_OWNER_RUNS:].sum())
        joined = joined.only(np.arange(min(len(joined), _MAX_OWNER_RUNS)))
        return joined.only(np.argsort(joined.host, kind="stable")), self._lost


def layer_sets(tables: L2Tables) -> tuple[tuple[tuple[tuple[int | None, ...], int], ...], I64, I64]:
    """The different sets of layers that lead to a table; which of them each table, and each layer alone, has."""
    marks = np.frombuffer(os.urandom(8 * len(tables.layers)), dtype=np.uint64)
    sums = marks[tables.owner_layer]
    if len(tables.offsets):
        sums = np.add.reduceat(sums, tables.starts[:-1])
    _, first, inverse = np.unique(np.concatenate((marks, sums)), return_index=True, return_inverse=True)
    # In the order in which they first come up: what is stored must not depend on the random marks.
    rank = np.argsort(np.argsort(first))[inverse]
    order = np.sort(first)
    alone = len(tables.layers)
    sets: list[tuple[tuple[int | None, ...], int]] = []
    for place in order[:_MAX_SETS].tolist():
        if place < alone:
            sets.append(((tables.layers[place].snapshot,), 0))
            continue
        start, stop = tables.starts[place - alone : place - alone + 2].tolist()
        members = np.unique(tables.owner_layer[start:stop])
        named = tuple(tables.layers[number].snapshot for number in members[:_SET_SHOWN].tolist())
        sets.append((named, max(0, len(members) - _SET_SHOWN)))
    if len(order) > _MAX_SETS:
        sets.append(((), len(tables.layers)))
    rank = np.minimum(rank, _MAX_SETS).astype(np.int64)
    return tuple(sets), rank[alone:], rank[:alone]


def own_metadata(checked: Checked, found: Gathered, set_of_table: I64, set_of_layer: I64) -> None:
    """Who leads to L1 tables, L2 tables and refcount blocks, as far as they are in the file."""
    geometry, tables = checked.geometry, checked.tables
    bits, size = geometry.cluster_bits, checked.census.size
    for number, layer in enumerate(tables.layers):
        first, stop = layer.offset >> bits, -(-(layer.offset + len(layer.entries) * 8) >> bits)
        clusters = np.arange(first, min(stop, size), dtype=np.int64)
        sets = np.full(len(clusters), set_of_layer[number], dtype=np.int64)
        found.add(OwnerKind.L1_TABLE, clusters, clusters - first, sets)
    inside = np.flatnonzero(tables.offsets >> bits < size)
    index = tables.owner_index[tables.starts[:-1]]
    found.add(OwnerKind.L2_TABLE, tables.offsets[inside] >> bits, index[inside], set_of_table[inside])
    for table, others in _elsewhere(tables).items():
        if tables.offsets[table] >> bits < size:
            host = np.full(len(others), tables.offsets[table] >> bits)
            found.add(OwnerKind.L2_TABLE, host, others, np.full(len(others), set_of_table[table]))
    blocks = (checked.stored.offsets >> np.uint64(bits)).astype(np.int64)
    used = np.flatnonzero((checked.stored.offsets != 0) & (blocks < size))
    found.add(OwnerKind.REFCOUNT_BLOCK, blocks[used], used, np.zeros(len(used), dtype=np.int64))


def _elsewhere(tables: L2Tables) -> dict[int, I64]:
    """Tables that stand at several places of the guest's disk, which is damage: those beside the first, for some."""
    owners = np.diff(tables.starts)
    if not (owners > 1).any():
        return {}
    table_of = np.repeat(np.arange(len(owners)), owners)
    other = tables.owner_index != tables.owner_index[tables.starts[:-1]][table_of]
    found = {}
    for table in np.unique(table_of[other])[:_MAX_ELSEWHERE].tolist():
        start, stop = tables.starts[table : table + 2].tolist()
        places = np.unique(tables.owner_index[start:stop][other[start:stop]])
        found[table] = places[:_MAX_ELSEWHERE]
    return found


class Places:
    """From L2 entries to owners of host clusters within the file."""

    def __init__(self, checked: Checked, found: Gathered, set_of_table: I64) -> None:
        self._geometry = checked.geometry
        self._size = checked.census.size
        self._found = found
        self._sets = set_of_table
        tables = checked.tables
        self._index = tables.owner_index[tables.starts[:-1]]
        self._elsewhere = _elsewhere(tables)

    def whole(self, tables: I64, entries: U64) -> None:
        """Tables of which the first entry tells all others."""
        entries_each = self._geometry.l2_entries
        first = (entries & np.uint64(OFFSET_MASK)).astype(np.int64) >> self._geometry.cluster_bits
        begins = self._index[tables] * entries_each
        host, guest, sets = self._inside(first, begins, self._sets[tables])
        count = np.minimum(host + entries_each, self._size) - host
        self._found.add_runs(OwnerKind.DATA, host, count, guest, count, sets)
        for row in self._strays(tables):
            for place in self._elsewhere[int(tables[row])].tolist():
                if (length := min(int(first[row]) + entries_each, self._size) - int(first[row])) > 0:
                    one = [first[row], length, place * entries_each, length, self._sets[tables[row]]]
                    self._found.add_runs(
                        OwnerKind.DATA, *(np.array([number], dtype=np.int64) for number in one)
                    )

    def each(self, tables: I64, entries: Entries) -> None:
        """Tables of any kind."""
        if self._geometry.has_data_file:
            return
        begins = self._index[tables] * self._geometry.l2_entries
        self._each(entries, begins, self._sets[tables])
        for row in self._strays(tables):
            one = Entries(
                entries.entry[row : row + 1],
                None,
                entries.compressed[row : row + 1],
                entries.allocated[row : row + 1],
                entries.offset[row : row + 1],
            )
            for place in self._elsewhere[int(tables[row])].tolist():
                begin = np.array([place * self._geometry.l2_entries], dtype=np.int64)
                self._each(one, begin, self._sets[tables[row : row + 1]])

    def _strays(self, tables: I64) -> list[int]:
        if not self._elsewhere:
            return []
        return [row for row, table in enumerate(tables.tolist()) if table in self._elsewhere]

    def _each(self, entries: Entries, begins: I64, sets_of: I64) -> None:
        """Rows of entries, of which the first is that of a guest cluster, and leads from a set of layers."""
        row, column = np.nonzero(entries.allocated)
        host = entries.offset[row, column] >> self._geometry.cluster_bits
        self._found.add(OwnerKind.DATA, *self._inside(host, begins[row] + column, sets_of[row]))
        if not entries.compressed.any():
            return
        row, column = np.nonzero(entries.compressed)
        start, size = compressed_extent(self._geometry, entries.entry[row, column])
        bits = self._geometry.cluster_bits
        last = np.minimum(start + size - 1 >> bits, self._size - 1)[start >> bits < self._size]
        host, guest, sets = self._inside(start >> bits, begins[row] + column, sets_of[row])
        if not len(host):
            return
        fresh = np.ones(len(host), dtype=np.bool_)
        fresh[1:] = (np.diff(host) != 0) | (np.diff(guest) != 1) | (sets[1:] != sets[:-1])
        place = np.flatnonzero(fresh)
        hosts = np.maximum.reduceat(last, place) - host[place] + 1
        guests = np.diff(np.append(place, len(host)))
        self._found.add_runs(OwnerKind.COMPRESSED, host[place], hosts, guest[place], guests, sets[place])

    def _inside(self, host: I64, guest: I64, sets: I64) -> tuple[I64, I64, I64]:
        kept = host < self._size
        return host[kept], guest[kept], sets[kept]
