"""Which table entries lead to a host cluster: once more through all tables, for few clusters."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from labtools.qcow2.layout import ExtensionType
from labtools.qcow2.readings import ExtensionReading, HeaderReport
from labtools.qcow2.rules import HeaderValues

from .bitmaps import Directory, read_directory
from .geometry import OFFSET_MASK, Geometry
from .location import uses
from .reading import I64, Reader
from .snapshot_table import Snapshots, read_snapshot_table
from .tables import L2Tables, find_l2_tables, read_layers
from .tally import Tally

_KEPT: Final = 4
"""References to one cluster that are told; those beyond are counted."""
_HIGHEST: Final = 1 << 54
"""No cluster that a table can lead to has a higher number."""


class EntryKind(enum.Enum):
    """What kind of entry it is."""

    HEADER = enum.auto()
    EXTENSION = enum.auto()
    L1 = enum.auto()
    L2 = enum.auto()
    REFCOUNT_TABLE = enum.auto()
    REFCOUNT = enum.auto()
    SNAPSHOT = enum.auto()
    BITMAP = enum.auto()
    BITMAP_TABLE = enum.auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry at ``offset`` of the file. ``words`` say to people which one it is.

    ``fields`` names those of the header that are meant, or those of a bitmap directory entry that break the format.
    A refcount is that of ``cluster``, from bit ``low`` on. ``leads`` says that it was found by where it leads.
    """

    kind: EntryKind
    offset: int
    words: str = ""
    fields: tuple[str, ...] = ()
    cluster: int = 0
    low: int = 0
    leads: bool = False


@dataclass(slots=True)
class Referrers:
    """What leads to a cluster: how many references, of how many entries, the first few of them told.

    An entry of a table that snapshots share is several references.
    """

    references: int = 0
    total: int = 0
    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """One entry, which is one reference."""
        self.count(1, 1)
        if len(self.entries) < _KEPT:
            self.entries.append(entry)

    def count(self, references: int, entries: int) -> None:
        """Some that are not told."""
        self.references += references
        self.total += entries


class Tables:
    """All tables of an image that was checked before, read again.

    Raises :class:`~labtools.qcow2.CheckBoundError` where that takes more than ``reader`` may.
    """

    def __init__(self, reader: Reader, header: HeaderReport, values: HeaderValues) -> None:
        self.reader = reader
        self.values = values
        self.geometry = geometry = Geometry.of(values)
        self.header = header
        unheard = Tally(geometry.cluster_size, 1)
        found = read_snapshot_table(reader, geometry, values, unheard)
        self.snapshots = found or Snapshots((), values["snapshots_offset"], 0)
        self.l2: L2Tables = find_l2_tables(
            geometry, read_layers(reader, geometry, values, self.snapshots, unheard)
        )
        size = values["refcount_table_clusters"] * geometry.cluster_size
        self.refcounts = reader.numbers(values["refcount_table_offset"], size // 8)
        self.directory: Directory | None = read_directory(reader, geometry, values, header)

    def extension(self, kind: ExtensionType) -> ExtensionReading | None:
        """The extension of that type, if it is there and whole."""
        for extension in self.header.extensions.extensions:
            if extension.type == kind and len(extension.raw) == extension.length:
                return extension
        return None

    def l1_entry(self, index: int) -> Entry:
        """An entry of the active L1 table."""
        layer = self.l2.layers[0]
        return Entry(EntryKind.L1, layer.offset + index * 8, f"L1 entry {index:,} of the active image")

    def holders(self, table: int) -> Iterator[Entry]:
        """The L1 entries that lead to an L2 table."""
        for layer, index in self.l2.owners(table, _KEPT):
            words = f"L1 entry {index:,} of {_layer(layer.snapshot)}"
            yield Entry(EntryKind.L1, layer.offset + index * 8, words, leads=True)

    def referrers(self, clusters: I64) -> dict[int, Referrers]:
        """What leads to each of ``clusters``."""
        wanted = np.unique(clusters[(clusters >= 0) & (clusters < _HIGHEST)])
        found = {cluster: Referrers() for cluster in wanted.tolist()}
        if not found:
            return found
        for offset, size, entry in self._regions():
            for cluster in self._within(wanted, offset, size):
                found[cluster].add(entry)
        self._l1_entries(wanted, found)
        self._refcount_entries(wanted, found)
        self._bitmap_entries(wanted, found)
        self._l2_entries(wanted, found)
        return found

    def guests(self, clusters: I64) -> set[int]:
        """Those of ``clusters`` in which, by some L2 entry, data of the guest is."""
        wanted = np.unique(clusters)
        hit = np.zeros(len(wanted) + 1, dtype=np.int64)
        for _, _, first, last in uses(self.reader, self.geometry, self.l2):
            low, high = np.searchsorted(wanted, first), np.searchsorted(wanted, last, side="right")
            some = low < high
            np.add.at(hit, low[some], 1)
            np.add.at(hit, high[some], -1)
        return set(wanted[np.cumsum(hit)[:-1] > 0].tolist())

    def _within(self, wanted: I64, offset: int, size: int) -> list[int]:
        bits = self.geometry.cluster_bits
        if size <= 0 or offset + size > _HIGHEST << 9:
            return []
        low = np.searchsorted(wanted, offset >> bits)
        high = np.searchsorted(wanted, offset + size - 1 >> bits, side="right")
        return [int(cluster) for cluster in wanted[low:high]]

    def _regions(self) -> Iterator[tuple[int, int, Entry]]:
        """What the header, its extensions, and the snapshot table lead to."""
        values, size = self.values, self.geometry.cluster_size
        header = EntryKind.HEADER
        yield 0, size, Entry(header, 0, "the header itself", ("magic", "version"))
        words = "header, the active L1 table"
        yield (
            values["l1_table_offset"],
            values["l1_size"] * 8,
            Entry(header, 0, words, ("l1_size", "l1_table_offset")),
        )
        fields = ("refcount_table_offset", "refcount_table_clusters")
        table = Entry(header, 0, "header, the refcount table", fields)
        yield values["refcount_table_offset"], len(self.refcounts) * 8, table
        if self.snapshots.entries:
            table = Entry(header, 0, "header, the snapshot table", ("nb_snapshots", "snapshots_offset"))
            yield self.snapshots.offset, self.snapshots.size, table
        for entry in self.snapshots.entries:
            words = f"the L1 table of {_layer(entry.index)}"
            yield entry.l1_offset, entry.l1_size * 8, Entry(EntryKind.SNAPSHOT, entry.entry_offset, words)
        if (luks := self.extension(ExtensionType.FULL_DISK_ENCRYPTION)) and len(luks.details) == 2:
            offset, length = (int(detail.value) for detail in luks.details)
            words = "header extension, the LUKS header"
            yield offset, length, Entry(EntryKind.EXTENSION, luks.offset, words)
        bitmaps = self.extension(ExtensionType.BITMAPS)
        if self.directory and bitmaps:
            words = "header extension, the bitmap directory"
            place = Entry(EntryKind.EXTENSION, bitmaps.offset, words)
            yield self.directory.offset, self.directory.size, place

    def _l1_entries(self, wanted: I64, found: dict[int, Referrers]) -> None:
        bits, size = self.geometry.cluster_bits, self.geometry.cluster_size
        low = np.searchsorted(wanted, self.l2.offsets >> bits)
        high = np.searchsorted(wanted, self.l2.offsets + size - 1 >> bits, side="right")
        for table in np.flatnonzero(low < high).tolist():
            holders = list(self.holders(table))
            times = int(self.l2.active[table] + self.l2.snapshot[table])
            entries = int(self.l2.starts[table + 1] - self.l2.starts[table])
            for cluster in wanted[low[table] : high[table]].tolist():
                for entry in holders:
                    found[cluster].add(entry)
                found[cluster].count(times - len(holders), entries - len(holders))

    def _refcount_entries(self, wanted: I64, found: dict[int, Referrers]) -> None:
        start = self.values["refcount_table_offset"]
        blocks = (self.refcounts >> np.uint64(self.geometry.cluster_bits)).astype(np.int64)
        used = np.flatnonzero((self.refcounts >> np.uint64(9) != 0) & np.isin(blocks, wanted))

        def entry(index: int) -> Entry:
            words = f"refcount table entry {index:,}"
            return Entry(EntryKind.REFCOUNT_TABLE, start + index * 8, words, leads=True)

        _add_each(found, blocks[used], used, entry)

    def _bitmap_entries(self, wanted: I64, found: dict[int, Referrers]) -> None:
        bits = self.geometry.cluster_bits
        for bitmap in self.directory.bitmaps if self.directory else ():
            self.reader.tick()
            place, size = bitmap.table_offset, bitmap.table_size
            words = "bitmap directory, a bitmap table"
            for cluster in self._within(wanted, place, size * 8):
                found[cluster].add(Entry(EntryKind.BITMAP, bitmap.entry_offset, words))
            table = self.reader.numbers(place, size) & np.uint64(OFFSET_MASK)
            data = (table >> np.uint64(bits)).astype(np.int64)
            used = np.flatnonzero((table != 0) & np.isin(data, wanted))
            _add_each(found, data[used], used, _bitmap_table_entry(place))

    def _l2_entries(self, wanted: I64, found: dict[int, Referrers]) -> None:
        """By one pass through the L2 tables; whatever an image does, few of its entries are looked at one by one."""
        weights = self.l2.active + self.l2.snapshot
        references, total = np.zeros((2, len(wanted) + 1), dtype=np.int64)
        for table, column, first, last in uses(self.reader, self.geometry, self.l2):
            low, high = np.searchsorted(wanted, first), np.searchsorted(wanted, last, side="right")
            hits = np.flatnonzero(low < high)
            if not len(hits):
                continue
            low, high, table, column = low[hits], high[hits], table[hits], column[hits]
            for counts, weight in ((references, weights[table]), (total, np.ones(len(hits), dtype=np.int64))):
                np.add.at(counts, low, weight)
                np.add.at(counts, high, -weight)
            for place in range(int(low.min()), int(high.max())):
                entries = found[int(wanted[place])].entries
                here = np.flatnonzero((low <= place) & (place < high))[: max(0, _KEPT - len(entries))]
                entries += [self._l2_entry(int(table[hit]), int(column[hit])) for hit in here.tolist()]
        counts = np.cumsum((references, total), axis=1)[:, :-1].T.tolist()
        for cluster, (times, entries_there) in zip(wanted.tolist(), counts, strict=True):
            found[cluster].count(times, entries_there)

    def _l2_entry(self, table: int, column: int) -> Entry:
        geometry = self.geometry
        owners = list(self.l2.owners(table, 1))
        times = int(self.l2.active[table] + self.l2.snapshot[table])
        layer, index = owners[0]
        guest = (index * geometry.l2_entries + column) * geometry.cluster_size
        more = f" and {times - 1:,} more" if times > 1 else ""
        words = f"L2 entry of {_layer(layer.snapshot)}{more}, guest offset 0x{guest:x}"
        place = int(self.l2.offsets[table]) + column * geometry.l2_entry_size
        return Entry(EntryKind.L2, place, words, leads=True)


def _bitmap_table_entry(place: int) -> Callable[[int], Entry]:
    def entry(index: int) -> Entry:
        return Entry(EntryKind.BITMAP_TABLE, place + index * 8, f"bitmap table entry {index:,}", leads=True)

    return entry


def _add_each(
    found: dict[int, Referrers], clusters: I64, indexes: I64, entry: Callable[[int], Entry]
) -> None:
    """Add to each of ``clusters``, of which one may stand there many times, the entry at the index beside it."""
    for cluster in np.unique(clusters).tolist():
        here = indexes[clusters == cluster]
        for index in here[:_KEPT].tolist():
            found[cluster].add(entry(index))
        rest = len(here[_KEPT:])
        found[cluster].count(rest, rest)


def _layer(snapshot: int | None) -> str:
    return "the active image" if snapshot is None else f"snapshot {snapshot + 1}"
