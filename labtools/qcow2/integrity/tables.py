"""Which L2 tables there are, and which L1 entries lead to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from labtools.qcow2 import layout
from labtools.qcow2.checking import CheckBoundError, Role
from labtools.qcow2.rules import HeaderValues
from labtools.qcow2.text import binary_size

from .census import Census
from .geometry import L1_RESERVED, MAX_OFFSET, OFFSET_MASK, Geometry
from .reading import I64, U64, Reader
from .snapshot_table import Snapshots
from .tally import Tally

_SHOWN: Final = 256
"""Entries of one table that are told apart; those beyond are counted."""
_MOST_LOST: Final = 1 << 19
"""Guest clusters of snapshots that are named as lost; those beyond are not gathered."""


@dataclass(frozen=True, slots=True)
class Layer:
    """An L1 table that was read: the active one (``snapshot`` None), or one that ``times`` snapshots have."""

    snapshot: int | None
    offset: int
    entries: U64
    times: int


@dataclass(frozen=True, slots=True)
class L2Tables:
    """The different L2 tables by host offset, and their owners.

    ``active`` and ``snapshot`` say how often the active L1 table and those of snapshots lead to each. The owners of
    table t are ``owner_layer`` and ``owner_index`` from ``starts[t]`` up to ``starts[t + 1]``.
    """

    layers: tuple[Layer, ...]
    offsets: I64
    active: I64
    snapshot: I64
    starts: I64
    owner_layer: I64
    owner_index: I64

    def owners(self, table: int, most: int) -> Iterator[tuple[Layer, int]]:
        """Up to ``most`` owners of a table: a layer, and the place in its L1 table."""
        start = int(self.starts[table])
        for place in range(start, min(int(self.starts[table + 1]), start + most)):
            yield self.layers[int(self.owner_layer[place])], int(self.owner_index[place])


def read_layers(
    reader: Reader, geometry: Geometry, values: HeaderValues, snapshots: Snapshots, tally: Tally
) -> list[Layer]:
    """The active L1 table and those of the snapshots, each place in the file read once."""
    if geometry.has_data_file and snapshots.entries:
        tally.corruptions += 1
        tally.find("snapshots-with-data-file", snapshots.offset)
    budget = reader.bounds.table_bytes
    layers = [_layer(reader, None, values["l1_table_offset"], values["l1_size"], 1)]
    budget -= values["l1_size"] * 8
    places: dict[tuple[int, int], tuple[int, int]] = {}
    for entry in snapshots.entries:
        if entry.l1_offset % geometry.cluster_size:
            tally.corruptions += 1
            tally.find("snapshot-l1-unaligned", entry.entry_offset, layout.SNAPSHOT_ENTRY.size)
        elif entry.l1_size * 8 > layout.MAX_L1_BYTES:
            tally.corruptions += 1
            tally.find("snapshot-l1-too-large", entry.entry_offset, layout.SNAPSHOT_ENTRY.size)
        elif entry.l1_size and entry.l1_offset + entry.l1_size * 8 > MAX_OFFSET:
            tally.check_errors += 1
            tally.aborted = True
            tally.find("snapshot-l1-unreadable", entry.entry_offset, layout.SNAPSHOT_ENTRY.size)
        elif entry.l1_size:
            place = (entry.l1_offset, entry.l1_size)
            first, times = places.get(place, (entry.index, 0))
            places[place] = (first, times + 1)
    for (offset, size), (first, times) in places.items():
        if times > 1:
            tally.find("metadata-shared", offset, size * 8, detail="Here: one L1 table of two snapshots.")
        budget -= size * 8
        if budget < 0:
            raise CheckBoundError(
                f"The L1 tables of the snapshots are larger than the {binary_size(reader.bounds.table_bytes)} "
                "that are read here."
            )
        layers.append(_layer(reader, first, offset, size, times))
    return layers


def judge_snapshots(geometry: Geometry, layers: list[Layer], snapshots: Snapshots, tally: Tally) -> None:
    """Whether each snapshot's L1 table reaches as far as its disk and its VM state do."""
    read = {layer.snapshot: layer for layer in layers}
    window, size = geometry.l2_entries * geometry.cluster_size, layout.SNAPSHOT_ENTRY.size
    room = _MOST_LOST
    for entry in snapshots.entries:
        if entry.disk_size is None or entry.l1_size * 8 > layout.MAX_L1_BYTES:
            continue
        needed = -(-entry.disk_size // window)
        if entry.l1_size < needed:
            tally.find("snapshot-l1-too-small", entry.entry_offset, size)
            first = entry.l1_size * geometry.l2_entries
            stop = -(-entry.disk_size // geometry.cluster_size)
            gathered = min(stop - first, room)
            if gathered < stop - first:
                tally.incomplete("snapshot-l1-too-small")
            room -= gathered
            lost = np.arange(first, first + gathered, dtype=np.int64)
            tally.locate("snapshot-l1-too-small", entry.index, lost)
            continue
        # The VM state follows the disk, from the next L1 entry on.
        state_end = needed + -(-entry.vm_state_size // window)
        layer = read.get(entry.index)
        there = layer.entries[needed:state_end] if layer else ()
        if entry.vm_state_size and (state_end > entry.l1_size or (layer and not np.all(there))):
            tally.find("snapshot-vm-state-lost", entry.entry_offset, size)


def _layer(reader: Reader, snapshot: int | None, offset: int, size: int, times: int) -> Layer:
    reader.tick()
    return Layer(snapshot, offset, reader.numbers(offset, size), times)


def find_l2_tables(geometry: Geometry, layers: list[Layer]) -> L2Tables:
    """Gather the L2 tables that the layers lead to, with their owners."""
    used = [np.flatnonzero(layer.entries) for layer in layers]
    entries = np.concatenate([layer.entries[index] for layer, index in zip(layers, used, strict=True)])
    index = np.concatenate(used).astype(np.int64)
    layer_of = np.repeat(np.arange(len(layers), dtype=np.int64), [len(part) for part in used])
    host = (entries & np.uint64(OFFSET_MASK)).astype(np.int64)
    order = np.argsort(host, kind="stable")
    host, index, layer_of = host[order], index[order], layer_of[order]
    offsets, starts = np.unique(host, return_index=True)
    times = np.array([layer.times for layer in layers], dtype=np.int64)[layer_of]
    of_active = layer_of == 0
    bounds = starts.astype(np.int64)
    if len(offsets):
        active = np.add.reduceat(np.where(of_active, 1, 0).astype(np.int64), bounds)
        snapshot = np.add.reduceat(np.where(of_active, 0, times).astype(np.int64), bounds)
    else:
        active = snapshot = np.zeros(0, dtype=np.int64)
    return L2Tables(tuple(layers), offsets, active, snapshot, np.append(bounds, len(host)), layer_of, index)


def count_tables(reader: Reader, geometry: Geometry, tables: L2Tables, census: Census, tally: Tally) -> None:
    """Count the L1 tables and the L2 tables, and judge the L1 entries."""
    size = geometry.cluster_size
    for layer in tables.layers:
        census.region(layer.offset, len(layer.entries) * 8, Role.L1_TABLE, "l1-table-outside", layer.times)
        reserved = np.flatnonzero(layer.entries & np.uint64(L1_RESERVED))
        tally.corruptions += layer.times * len(reserved)
        for index in reserved[:_SHOWN].tolist():
            tally.find("l1-entry-reserved", layer.offset + index * 8, 8)
            _window(geometry, tally, "l1-entry-reserved", layer, index)
        tally.more("l1-entry-reserved", len(reserved) - _SHOWN)
    cut = tables.offsets + size > geometry.file_length
    for table in np.flatnonzero(cut & (tables.offsets < geometry.file_length)).tolist():
        left = geometry.file_length - int(tables.offsets[table])
        if int(tables.offsets[table]) & (size - 1) == 0:
            tally.find("metadata-cut", int(tables.offsets[table]), left)
            for layer, index in tables.owners(table, 64):
                _window(geometry, tally, "metadata-cut", layer, index, left // geometry.l2_entry_size)
    weights = tables.active + tables.snapshot
    aligned = (tables.offsets & (size - 1)) == 0
    inside = tables.offsets < census.geometry.file_length
    plain = aligned & inside
    clusters = tables.offsets[plain] >> geometry.cluster_bits
    census.claim(clusters, Role.L2_TABLE)
    for weight in np.unique(weights[plain]).tolist():
        census.count(clusters[weights[plain] == weight], weight)
    for table in np.flatnonzero(~plain).tolist():
        reader.tick()
        offset, weight = int(tables.offsets[table]), int(weights[table])
        codes = []
        if not aligned[table]:
            tally.corruptions += weight
            tally.find("l2-table-unaligned", offset, size)
            codes.append("l2-table-unaligned")
        if not census.region(offset, size, Role.L2_TABLE, "l2-table-outside", weight):
            codes.append("l2-table-outside")
        for code in codes:
            for layer, index in tables.owners(table, 64):
                _window(geometry, tally, code, layer, index)
    _judge_sharing(geometry, tables, tally)


def _judge_sharing(geometry: Geometry, tables: L2Tables, tally: Tally) -> None:
    """An L2 table may be shared by layers, but stands at the same place in each."""
    owners = np.diff(tables.starts)
    if not (owners > 1).any():
        return
    table_of = np.repeat(np.arange(len(owners)), owners)
    first = tables.owner_index[tables.starts[:-1]][table_of]
    for table in np.unique(table_of[tables.owner_index != first]).tolist():
        tally.find("l2-table-shared", int(tables.offsets[table]), geometry.cluster_size)
        for layer, index in tables.owners(table, 64):
            _window(geometry, tally, "l2-table-shared", layer, index)


def _window(geometry: Geometry, tally: Tally, code: str, layer: Layer, index: int, skipped: int = 0) -> None:
    """Everything that one L2 table maps, but for its first ``skipped`` entries."""
    start = index * geometry.l2_entries
    first, end = start + skipped, start + geometry.l2_entries
    # A table behind the end of the disk is named by its first cluster, so that it is named at all.
    stop = min(end, max(geometry.guest_clusters, first if skipped else first + 1))
    tally.locate(code, layer.snapshot, np.arange(first, stop, dtype=np.int64))
