"""What ``qemu-img check`` would cost on a file, estimated before it is run on a hostile one.

A check holds a refcount for every cluster of the file's *length*, which a sparse file gives away for nothing,
and reads every L2 table once for each L1 entry that leads to it, however many lead to the same. So a few KiB
on disk can ask for gigabytes and hours. The estimate reads the header, the heads of the snapshot table and
the L1 tables, never an L2 table, within bounds of its own; what it cannot bound, it refuses.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from . import layout
from .extensions import read_extensions
from .header import read_values
from .rules import HeaderValues
from .snapshots import snapshot_l1_tables
from .source import ImageSource
from .text import binary_size, counted

_QEMU_BASE_BYTES: Final = 48 << 20
"""qemu-img beside its tables: 8 to 16 MiB resident were measured with 7.2, and its L2 cache may take 32."""
_SNAPSHOT_BYTES: Final = 256
"""A snapshot in QEMU's memory, beside its table entry."""
_MAX_BITMAP_TABLE_BYTES: Final = 8 << 20
_MAX_UNIQUE: Final = 1 << 18
"""L2 tables told apart, 16 TiB of guest with 64 KiB clusters; beyond, ``l2_tables`` is a lower bound."""

# Seconds of qemu-img 7.2 on one core of a busy small server. An L2 table costs little more for being read
# again: what counts is how often one is read, and how many entries are gone through.
_SECONDS_PER_CLUSTER: Final = 30e-9
_SECONDS_PER_L2_VISIT: Final = 60e-6
_SECONDS_PER_L2_ENTRY: Final = 30e-9


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """The most that a check may ask for: memory and time of qemu-img, and bytes of L1 tables that we read."""

    memory_bytes: int = 1 << 30
    seconds: float = 600.0
    table_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class CheckEstimate:
    """What ``qemu-img check`` would take.

    ``clusters`` is the file's length in clusters, ``refcount_bytes`` the refcounts held in memory for them,
    ``memory_bytes`` that with tables and program. ``l2_tables`` counts different L2 tables, ``l2_visits`` how
    often one is read: twice for each entry of the active L1 table, once for each of a snapshot's. ``seconds``
    is a rough upper guess for one core. ``complete`` is False where counting stopped at a bound: the numbers
    are then least values. ``refused`` is a sentence if a limit is passed, else None.
    """

    clusters: int
    refcount_bytes: int
    memory_bytes: int
    l1_tables: int
    l1_bytes: int
    l2_tables: int
    l2_visits: int
    l2_entries: int
    seconds: float
    complete: bool
    refused: str | None


def estimate_check(source: ImageSource, limits: CheckLimits | None = None) -> CheckEstimate:
    """Estimate the cost of ``qemu-img check``; raises as :func:`.read_header` does.

    Reads at most ``limits.table_bytes`` of L1 tables, and none if the file's length alone passes a limit.
    """
    limits = limits or CheckLimits()
    values = read_values(source)
    cluster = values.cluster_size
    if cluster is None:
        # QEMU refuses such a header before it allocates anything.
        return CheckEstimate(0, 0, _QEMU_BASE_BYTES, 0, 0, 0, 0, 0, 0.0, True, None)
    clusters = -(-source.length // cluster)
    refcount_bytes = (clusters << min(values["refcount_order"], layout.MAX_REFCOUNT_ORDER)) + 7 >> 3
    work = _L1Work()
    if refcount_bytes <= limits.memory_bytes:
        work.count(source, values, limits.table_bytes)
    else:
        work.complete = False
    memory = _QEMU_BASE_BYTES + refcount_bytes + _table_bytes(source, values) + work.largest_bytes * 2
    entries = work.visits * (cluster // values.l2_entry_size)
    seconds = (
        clusters * _SECONDS_PER_CLUSTER
        + work.visits * _SECONDS_PER_L2_VISIT
        + entries * _SECONDS_PER_L2_ENTRY
    )
    return CheckEstimate(
        clusters=clusters,
        refcount_bytes=refcount_bytes,
        memory_bytes=memory,
        l1_tables=work.tables,
        l1_bytes=work.bytes,
        l2_tables=len(work.unique),
        l2_visits=work.visits,
        l2_entries=entries,
        seconds=round(seconds, 3),
        complete=work.complete and len(work.unique) < _MAX_UNIQUE,
        refused=_refusal(limits, memory, seconds, clusters, work),
    )


def _table_bytes(source: ImageSource, values: HeaderValues) -> int:
    """Tables that QEMU holds whole, each at most as large as QEMU lets it be."""
    cluster = values.cluster_size or 0
    snapshots = min(values["nb_snapshots"], layout.MAX_SNAPSHOTS)
    size = min(values["refcount_table_clusters"] * cluster, layout.MAX_REFCOUNT_TABLE_BYTES)
    size += snapshots * (_SNAPSHOT_BYTES + layout.SNAPSHOT_ENTRY.size)
    for extension in read_extensions(source, values).extensions:
        for detail in extension.details:
            if detail.label == "bitmap_directory_size":
                # The directory, its parsed list, and one bitmap's table at a time.
                size += (
                    2 * min(int(detail.value), layout.MAX_BITMAP_DIRECTORY_BYTES) + _MAX_BITMAP_TABLE_BYTES
                )
    return size


def _refusal(limits: CheckLimits, memory: int, seconds: float, clusters: int, work: _L1Work) -> str | None:
    if memory > limits.memory_bytes:
        return (
            f"qemu-img check would take about {binary_size(memory)} of memory for this file of "
            f"{counted(clusters, 'cluster')}; the limit here is {binary_size(limits.memory_bytes)}."
        )
    if not work.complete:
        return (
            "The L1 tables of the image and its snapshots are larger than the "
            f"{binary_size(limits.table_bytes)} "
            "that are read here, so the cost of qemu-img check cannot be bounded."
        )
    if seconds > limits.seconds:
        return (
            f"qemu-img check would read {counted(work.visits, 'L2 table')}, "
            f"{counted(len(work.unique), 'different one')}, "
            f"which would take about {seconds:,.0f} seconds; the limit here is {limits.seconds:,.0f}."
        )
    return None


class _L1Work:
    """Counts L1 entries in use over the active table and the snapshots', each table read once."""

    def __init__(self) -> None:
        self.tables = 0
        self.bytes = 0
        self.largest_bytes = 0
        self.visits = 0
        self.unique: set[int] = set()
        self.complete = True
        self._used: dict[tuple[int, int], int] = {}

    def count(self, source: ImageSource, values: HeaderValues, budget: int) -> None:
        """Count until done or until ``budget`` bytes have been read."""
        for offset, size, times in _l1_tables(source, values):
            if size * 8 > layout.MAX_L1_BYTES:
                # QEMU refuses the table unread.
                continue
            key = (offset, size)
            if key not in self._used:
                if self.bytes + size * 8 > budget:
                    self.complete = False
                    return
                self._used[key] = self._entries_in_use(source, offset, size * 8)
                self.bytes += size * 8
            self.tables += 1
            self.largest_bytes = max(self.largest_bytes, size * 8)
            self.visits += self._used[key] * times

    def _entries_in_use(self, source: ImageSource, offset: int, size: int) -> int:
        used = 0
        for _, data in source.chunks(offset, size):
            # Most of a hostile table is a hole: counting zero bytes is a hundred times faster than a loop.
            if data.count(0) == len(data):
                continue
            entries = array("Q")
            entries.frombytes(data[: len(data) // 8 * 8])
            if sys.byteorder == "little":
                entries.byteswap()
            pointers = [entry for entry in entries if entry]
            used += len(pointers)
            if len(self.unique) < _MAX_UNIQUE:
                self.unique.update(pointer & 0x00FFFFFFFFFFFE00 for pointer in pointers)
        return used


def _l1_tables(source: ImageSource, values: HeaderValues) -> Iterator[tuple[int, int, int]]:
    """Offset, entries and number of readings of each L1 table: the active one is gone through twice."""
    yield values["l1_table_offset"], values["l1_size"], 2
    for offset, size in snapshot_l1_tables(source, values):
        yield offset, size, 1
