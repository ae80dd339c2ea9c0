"""Who in the guest uses a host cluster: once more through the L2 tables, and only where that is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from labtools.qcow2.text import counted

from .census import Census
from .geometry import COPIED, Geometry
from .mapping import Entries, compressed_extent, entry_places, locate
from .reading import I64, Reader, native
from .tables import L2Tables
from .tally import Tally

_MAX_COMPRESSED: Final = 1 << 21
"""Compressed clusters that are held against each other: 128 GiB of guest with 64 KiB clusters."""


def uses(reader: Reader, geometry: Geometry, tables: L2Tables) -> Iterator[tuple[I64, I64, I64, I64]]:
    """For every batch of tables: table, column, and first and last host cluster of each entry that has one.

    With an external data file none has, as offsets are then places in that.
    """
    if geometry.has_data_file:
        return
    bits = geometry.cluster_bits
    for first, rows in reader.tables(tables.offsets, geometry.cluster_size):
        raw = native(rows.reshape(-1)).reshape(len(rows), -1)
        entries = Entries.of(geometry, raw)
        row, column = np.nonzero(entries.allocated)
        offset = entries.offset[row, column]
        yield first + row, column, offset >> bits, offset + geometry.cluster_size - 1 >> bits
        if entries.compressed.any():
            row, column = np.nonzero(entries.compressed)
            start, size = compressed_extent(geometry, entries.entry[row, column])
            yield first + row, column, start >> bits, start + size - 1 >> bits


def find_shared_data(
    reader: Reader, geometry: Geometry, tables: L2Tables, suspects: I64, tally: Tally
) -> I64:
    """Those of ``suspects``, data clusters with several references, that stand at two places of the guest's disk.

    In one image or in two: snapshots share a data cluster with the active image at the same place, never at another.
    """
    if not len(suspects):
        return suspects
    owner = np.zeros(len(suspects), dtype=np.int64)
    shared = np.zeros(len(suspects), dtype=np.bool_)
    index = tables.owner_index[tables.starts[:-1]]
    for table, column, first, _ in uses(reader, geometry, tables):
        place = np.minimum(np.searchsorted(suspects, first), len(suspects) - 1)
        hit = suspects[place] == first
        place, guest = place[hit], (index[table] * geometry.l2_entries + column)[hit] + 1
        fresh = owner[place] == 0
        owner[place[fresh]] = guest[fresh]
        shared[place[owner[place] != guest]] = True
    tally.find_clusters("data-shared", suspects[shared])
    return suspects[shared]


def find_shared_compressed(reader: Reader, geometry: Geometry, tables: L2Tables, tally: Tally) -> None:
    """Compressed clusters that stand at two places of the guest's disk: they begin at the same byte.

    Neighbours may share a host cluster and even a sector, the last of one being the first of the next; a next one that
    begins before the last sector of one is named too, with a lower voice, as the format lets an entry name sectors that
    it does not need. Beyond :data:`_MAX_COMPRESSED` of them the rest is passed over.
    """
    starts, guests, numbers, columns, sizes = _compressed_uses(reader, geometry, tables)
    order = np.lexsort((guests, starts))
    starts, guests, numbers, columns = starts[order], guests[order], numbers[order], columns[order]
    last_sector = np.maximum.accumulate(starts + sizes[order] - 512)
    overlapping = np.flatnonzero((starts[1:] > starts[:-1]) & (starts[1:] <= last_sector[:-1])) + 1
    if len(overlapping):
        tally.find_clusters("compressed-overlap", np.unique(starts[overlapping] >> geometry.cluster_bits))
        # Each with the one before it, into which it reaches.
        both = np.unique(np.concatenate((overlapping - 1, overlapping)))
        tally.entries("compressed-overlap", entry_places(geometry, tables, numbers[both], columns[both]))
        by_table = overlapping[np.argsort(numbers[overlapping], kind="stable")]
        locate(geometry, tables, tally, "compressed-overlap", numbers[by_table], columns[by_table])
    same = (starts[1:] == starts[:-1]) & (guests[1:] != guests[:-1])
    if not same.any():
        return
    shared = np.isin(starts, starts[1:][same])
    tally.find_clusters("compressed-shared", np.unique(starts[shared] >> geometry.cluster_bits))
    tally.entries("compressed-shared", entry_places(geometry, tables, numbers[shared], columns[shared]))
    by_table = np.flatnonzero(shared)[np.argsort(numbers[shared], kind="stable")]
    locate(geometry, tables, tally, "compressed-shared", numbers[by_table], columns[by_table])


def find_shared_external(reader: Reader, geometry: Geometry, tables: L2Tables, tally: Tally) -> None:
    """Clusters of the external data file that stand at two places of the guest's disk; passed over if too many."""
    parts, kept = [np.zeros((4, 0), dtype=np.int64)], 0
    index = tables.owner_index[tables.starts[:-1]]
    for first, rows in reader.tables(tables.offsets, geometry.cluster_size):
        entries = Entries.of(geometry, native(rows.reshape(-1)).reshape(len(rows), -1))
        row, column = np.nonzero(entries.allocated)
        guest = index[first + row] * geometry.l2_entries + column
        parts.append(np.stack((entries.offset[row, column], guest, first + row, column)))
        kept += len(row)
        if kept > _MAX_COMPRESSED:
            return
    offsets, guests, numbers, columns = np.concatenate(parts, axis=1)
    order = np.lexsort((guests, offsets))
    same = (offsets[order][1:] == offsets[order][:-1]) & (guests[order][1:] != guests[order][:-1])
    shared = np.isin(offsets, offsets[order][1:][same])
    if shared.any():
        tally.find("data-shared-external", count=len(np.unique(offsets[shared])))
        together = order[shared[order]]
        places = entry_places(geometry, tables, numbers[together], columns[together])
        tally.entries("data-shared-external", places)
        locate(geometry, tables, tally, "data-shared-external", numbers[shared], columns[shared])


def _compressed_uses(reader: Reader, geometry: Geometry, tables: L2Tables) -> tuple[I64, I64, I64, I64, I64]:
    """First byte, guest cluster, table, column and bytes of the compressed clusters, as many as are kept."""
    parts, kept = [np.zeros((5, 0), dtype=np.int64)], 0
    index = tables.owner_index[tables.starts[:-1]]
    for first, rows in reader.tables(tables.offsets, geometry.cluster_size):
        entries = Entries.of(geometry, native(rows.reshape(-1)).reshape(len(rows), -1))
        if not entries.compressed.any():
            continue
        row, column = np.nonzero(entries.compressed)
        start, size = compressed_extent(geometry, entries.entry[row, column])
        guest = index[first + row] * geometry.l2_entries + column
        parts.append(np.stack((start, guest, first + row, column, size)))
        kept += len(start)
        if kept > _MAX_COMPRESSED:
            break
    starts, guests, numbers, columns, sizes = np.concatenate(parts, axis=1)
    return starts, guests, numbers, columns, sizes


def locate_clusters(
    reader: Reader, geometry: Geometry, tables: L2Tables, wanted: Mapping[str, I64], tally: Tally
) -> None:
    """Say for each kind of finding which guest clusters its host clusters hold."""
    for table, column, first, last in uses(reader, geometry, tables):
        for code, clusters in wanted.items():
            hit = np.searchsorted(clusters, first) < np.searchsorted(clusters, last, side="right")
            if hit.any():
                locate(geometry, tables, tally, code, table[hit], column[hit])


def locate_lost_tables(geometry: Geometry, tables: L2Tables, clusters: I64, code: str, tally: Tally) -> None:
    """Say which parts of the guest's disk are mapped by L2 tables that lie in ``clusters``."""
    numbers = np.flatnonzero(np.isin(tables.offsets >> geometry.cluster_bits, clusters))
    for number in numbers[:256].tolist():
        for layer, index in tables.owners(number, 64):
            start = index * geometry.l2_entries
            stop = max(start + 1, min(start + geometry.l2_entries, geometry.guest_clusters))
            tally.locate(code, layer.snapshot, np.arange(start, stop, dtype=np.int64))
    if len(numbers) > 256:
        tally.incomplete(code)


def explain_dirty(reader: Reader, geometry: Geometry, tables: L2Tables, census: Census, tally: Tally) -> None:
    """Judge a dirty image by its references, as its stored refcounts are known to be out of date.

    Refcounts that differ, and flags that contradict only them, become part of the finding ``dirty-bit``. What stays
    is a flag that lets the guest write in place to a cluster that something else refers to as well.
    """
    codes = ("refcount-too-low", "leaked-clusters", "data-copied-flag", "l2-copied-flag")
    stale = sum(tally.drop(code) for code in codes)
    if not stale:
        return
    tally.find(
        "dirty-bit",
        count=0,
        detail=f"Here {counted(stale, 'refcount or flag', 'refcounts or flags')} differ.",
    )
    if geometry.has_data_file:
        return
    for first, rows in reader.tables(tables.offsets, geometry.cluster_size):
        raw = native(rows.reshape(-1)).reshape(len(rows), -1)
        entries = Entries.of(geometry, raw)
        numbers = first + np.arange(len(rows))
        row, column = np.nonzero(entries.allocated & (entries.entry & np.uint64(COPIED) != 0))
        cluster = entries.offset[row, column] >> geometry.cluster_bits
        inside = (tables.active[numbers[row]] > 0) & (cluster < census.size)
        row, column, cluster = row[inside], column[inside], cluster[inside]
        wrong = census.counts[cluster] > 1
        if wrong.any():
            places = entry_places(geometry, tables, numbers[row[wrong]], column[wrong])
            tally.find_clusters("data-copied-flag", np.unique(cluster[wrong]))
            tally.entries("data-copied-flag", places)
            locate(geometry, tables, tally, "data-copied-flag", numbers[row[wrong]], column[wrong])
