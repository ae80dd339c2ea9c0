"""Which entries a finding names, kind by kind, and their bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Final

import numpy as np

from labtools.qcow2 import annotated, layout
from labtools.qcow2.checking import ENTRIES, CheckReport, Finding
from labtools.qcow2.entries import REFCOUNT_TABLE_ENTRY
from labtools.qcow2.evidence import Evidence, Gathered
from labtools.qcow2.layout import ExtensionType
from labtools.qcow2.readings import HeaderReport
from labtools.qcow2.rules import HeaderValues
from labtools.qcow2.text import counted

from .bitmaps import broken_entries, unloadable, walk_directory
from .entry_bytes import EntryBytes, touched
from .reading import Reader
from .references import Entry, EntryKind, Referrers, Tables

_L1: Final = (EntryKind.L1, 8)
_L2: Final = (EntryKind.L2, 0)
_REFCOUNT_TABLE: Final = (EntryKind.REFCOUNT_TABLE, 8)
_SNAPSHOT: Final = (EntryKind.SNAPSHOT, layout.SNAPSHOT_ENTRY.size)
NAMED: Final = {
    "l1-entry-reserved": _L1,
    "l2-copied-flag": _L1,
    "l2-entry-reserved": _L2,
    "l2-zero-flag-version-2": _L2,
    "l2-zero-flag-extended": _L2,
    "l2-copied-alone": _L2,
    "data-copied-flag": _L2,
    "data-unaligned": _L2,
    "data-outside": _L2,
    "raw-data-misplaced": _L2,
    "mapped-beyond-end": _L2,
    "subclusters-data-and-zero": _L2,
    "subclusters-unallocated": _L2,
    "compressed-copied": _L2,
    "compressed-with-data-file": _L2,
    "compressed-with-subclusters": _L2,
    "compressed-outside": _L2,
    "refcount-table-reserved": _REFCOUNT_TABLE,
    "refcount-block-unaligned": _REFCOUNT_TABLE,
    "refcount-block-outside": _REFCOUNT_TABLE,
    "snapshot-l1-unaligned": _SNAPSHOT,
    "snapshot-l1-too-large": _SNAPSHOT,
    "snapshot-l1-unreadable": _SNAPSHOT,
    "snapshot-l1-too-small": _SNAPSHOT,
    "snapshot-vm-state-lost": _SNAPSHOT,
    "snapshot-entry-incomplete": _SNAPSHOT,
    "snapshot-table-broken": _SNAPSHOT,
    "bitmap-in-use": (EntryKind.BITMAP, layout.BITMAP_ENTRY.size),
}
"""Findings whose places are the entries themselves: kind and size, 0 for that of an L2 entry of the image."""
CLUSTERS: Final = frozenset(
    {
        "refcount-too-low",
        "leaked-clusters",
        "lost-l2-table",
        "leaked-tables",
        "refcount-unreadable",
        "refcount-overflow",
        "refcount-block-shared",
        "data-shared",
        "data-cluster-cut",
        "roles-conflict",
        "metadata-shared",
        "metadata-cut",
        "bitmap-data-outside",
    }
)
"""Findings whose places are clusters: the entries are those that count them and lead to them."""
FIELDS: Final = {
    "refcount-table-outside": ("refcount_table_offset", "refcount_table_clusters"),
    "snapshot-table-outside": ("nb_snapshots", "snapshots_offset"),
    "snapshots-with-data-file": ("nb_snapshots", "snapshots_offset", "incompatible_features"),
    "header-outside": ("cluster_bits",),
    "corrupt-bit": ("incompatible_features",),
    "dirty-bit": ("incompatible_features",),
}
"""Findings that fields of the header cause."""
EXTENSIONS: Final = {
    "luks-header-outside": ExtensionType.FULL_DISK_ENCRYPTION,
    "luks-header-broken": ExtensionType.FULL_DISK_ENCRYPTION,
    "luks-no-key-slot": ExtensionType.FULL_DISK_ENCRYPTION,
    "luks-key-slot-outside": ExtensionType.FULL_DISK_ENCRYPTION,
    "bitmap-directory-outside": ExtensionType.BITMAPS,
}
"""Findings of what a header extension leads to."""
_WANTED: Final = ENTRIES
"""Clusters of one finding for which the tables are gone through."""
_TABLE_ENTRIES: Final = 3
"""Entries of a lost table that are shown."""
_FEWEST: Final = 4
"""Entries of a kind of finding that are kept even where there are many kinds."""


@dataclass(frozen=True, slots=True)
class _Thing:
    """What a finding counts as one: the entries that tell of it, about the cluster at ``subject`` if that is set."""

    entries: tuple[Entry, ...]
    subject: int | None = None


def gather(
    reader: Reader, header: HeaderReport, values: HeaderValues, report: CheckReport, most: int
) -> Gathered:
    """The entries behind the findings of ``report``; see :func:`labtools.qcow2.gather_evidence`."""
    # A rule of the header and one of the tables may have the same code; the second comes later, and has places.
    findings = {finding.code: finding for finding in report.findings}
    tables = Tables(reader, header, values)
    planner = _Planner(tables, findings.values())
    share = max(_FEWEST, min(ENTRIES, most // len(findings)))
    plans = {code: planner.plan(finding, share) for code, finding in findings.items()}
    kept = _fitting(plans, share, most)
    guests = tables.guests(np.array([*_clusters_of(kept, tables)], dtype=np.int64))
    bytes_of = EntryBytes(tables, guests)
    found: list[Evidence] = []
    more, withheld = {}, {}
    for code, (things, total) in plans.items():
        shown = 0
        for thing in kept[code]:
            read = [one for entry in thing.entries if (one := bytes_of.evidence(code, entry, thing.subject))]
            found += read
            shown += bool(read)
        if things:
            more[code] = max(0, total - shown)
        if bytes_of.withheld:
            withheld[code], bytes_of.withheld = bytes_of.withheld, 0
    return Gathered(
        tuple(found), tuple((code, count) for code, count in more.items() if count), tuple(withheld.items())
    )


def _fitting(plans: dict[str, tuple[list[_Thing], int]], share: int, most: int) -> dict[str, list[_Thing]]:
    """As many things of each finding as fit into its share, the first of them in any case."""
    kept: dict[str, list[_Thing]] = {}
    for code, (things, _) in plans.items():
        room = min(share, most)
        here: list[_Thing] = []
        for thing in things:
            entries = thing.entries[:room]
            if not entries or (here and len(entries) < len(thing.entries)):
                break
            here.append(_Thing(entries, thing.subject))
            room -= len(entries)
            most -= len(entries)
        kept[code] = here
    return kept


def _clusters_of(kept: dict[str, list[_Thing]], tables: Tables) -> Iterator[int]:
    for things in kept.values():
        for thing in things:
            for entry in thing.entries:
                yield from touched(entry.offset, annotated.LONGEST, tables.geometry.cluster_bits)


class _Planner:
    """Says which entries belong to a finding."""

    def __init__(self, tables: Tables, findings: Iterable[Finding]) -> None:
        self._tables = tables
        self._geometry = tables.geometry
        self._wanted = {
            finding.code: list(islice(self._clusters(finding), _WANTED))
            for finding in findings
            if finding.code in CLUSTERS
        }
        wanted = [cluster for clusters in self._wanted.values() for cluster in clusters]
        self._referrers = tables.referrers(np.array(wanted, dtype=np.int64))

    def plan(self, finding: Finding, share: int) -> tuple[list[_Thing], int]:
        """What a finding counts, a few of it; and how many there are."""
        code, count = finding.code, finding.count
        if finding.l2_entries:
            things = [_Thing((Entry(EntryKind.L2, place),)) for place in finding.l2_entries]
            return things, len(things) + finding.l2_entries_more
        if code in NAMED:
            return [_Thing((entry,)) for entry in islice(self._named(finding), share)], count
        if code in CLUSTERS:
            things = [self._cluster(cluster) for cluster in self._wanted[code]]
            if code == "lost-l2-table":
                things = self._lost(finding, things)
            return things, count
        if code in FIELDS:
            return [_Thing((Entry(EntryKind.HEADER, 0, fields=FIELDS[code]),))], 1
        if code in EXTENSIONS:
            return self._extension(EXTENSIONS[code]), 1
        if code in OTHERS:
            things = OTHERS[code](self, finding)
            return things, max(len(things), count)
        return self._of_header(code)

    def _clusters(self, finding: Finding) -> Iterator[int]:
        """Its host clusters: the first of each place, then the second of each, and so on."""
        bits = self._geometry.cluster_bits
        places = [touched(place.offset, max(1, place.length), bits) for place in finding.host_ranges]
        for row in zip_longest(*(islice(clusters, _WANTED) for clusters in places)):
            yield from (cluster for cluster in row if cluster is not None)

    def _named(self, finding: Finding) -> Iterator[Entry]:
        kind, size = NAMED[finding.code]
        step = size or self._geometry.l2_entry_size
        for place in finding.host_ranges:
            for offset in range(place.offset, place.offset + place.length, step):
                yield Entry(kind, offset)

    def _cluster(self, cluster: int) -> _Thing:
        leads = self._referrers.get(cluster, Referrers())
        told = "nothing leads there"
        if leads.total:
            told = f"{counted(leads.references, 'reference')} by {counted(leads.total, 'entry', 'entries')}"
        if leads.total > len(leads.entries):
            told += f", of which {len(leads.entries)} are shown"
        counts = self._count_of(cluster, f"stored refcount; {told}")
        return _Thing((*counts, *leads.entries), cluster << self._geometry.cluster_bits)

    def _count_of(self, cluster: int, words: str) -> tuple[Entry, ...]:
        """The refcount of a cluster, or the entry that should lead to it."""
        geometry, table = self._geometry, self._tables.refcounts
        index, within = divmod(cluster, geometry.block_entries)
        if index >= len(table):
            return ()
        place = self._tables.values["refcount_table_offset"] + index * 8
        block = int(table[index]) & REFCOUNT_TABLE_ENTRY["offset"].mask
        if not block or block % geometry.cluster_size:
            return (Entry(EntryKind.REFCOUNT_TABLE, place, f"where its refcount should be; {words}"),)
        byte, low = divmod(within * geometry.refcount_bits, 8)
        return (Entry(EntryKind.REFCOUNT, block + byte, words, cluster=cluster, low=low),)

    def _lost(self, finding: Finding, things: list[_Thing]) -> list[_Thing]:
        """With the place where the table belongs, if one is known, and some entries of each table."""
        size, step = self._geometry.cluster_size, self._geometry.l2_entry_size
        whole = []
        for number, thing in enumerate(things):
            start = thing.subject or 0
            rows = self._tables.reader.numbers(start, size // 8)[:: step // 8]
            used = np.flatnonzero(rows)[:_TABLE_ENTRIES].tolist()
            inside = [Entry(EntryKind.L2, start + at * step, f"its entry {at:,}") for at in used]
            belongs = [] if number else [part for window in self.windows(finding) for part in window.entries]
            whole.append(_Thing((*thing.entries, *inside, *belongs[:1]), thing.subject))
        return whole

    def windows(self, finding: Finding) -> list[_Thing]:
        """The L1 entries of the parts of the disk that it names."""
        span = self._geometry.l2_entries * self._geometry.cluster_size
        entries = len(self._tables.l2.layers[0].entries)
        return [
            _Thing((self._tables.l1_entry(index),))
            for part in finding.guest_ranges
            if part.snapshot is None
            for index in range(part.offset // span, min(entries, -(-(part.offset + part.length) // span)))[
                :ENTRIES
            ]
        ]

    def l2_tables(self, finding: Finding) -> list[_Thing]:
        """The L1 entries that lead to L2 tables which lie where they must not."""
        tables, size = self._tables.l2, self._geometry.cluster_size
        if finding.code == "l2-table-unaligned":
            wrong = tables.offsets & (size - 1) != 0
        elif finding.code == "l2-table-outside":
            wrong = tables.offsets + size - self._geometry.file_length >= size
        else:
            table_of = np.repeat(np.arange(len(tables.offsets)), np.diff(tables.starts))
            elsewhere = tables.owner_index != tables.owner_index[tables.starts[:-1]][table_of]
            wrong = np.isin(np.arange(len(tables.offsets)), table_of[elsewhere])
        return [
            _Thing(tuple(self._tables.holders(table)), int(tables.offsets[table]))
            for table in np.flatnonzero(wrong)[:ENTRIES].tolist()
        ]

    def l1_outside(self, finding: Finding) -> list[_Thing]:
        """The header's fields, or the snapshots, that say where such a table is."""
        size, length = self._geometry.cluster_size, self._geometry.file_length
        things: list[_Thing] = []
        for number, layer in enumerate(self._tables.l2.layers):
            end = layer.offset + len(layer.entries) * 8
            if end - length < size or len(things) == ENTRIES:
                continue
            if number == 0:
                things.append(_Thing((Entry(EntryKind.HEADER, 0, fields=("l1_size", "l1_table_offset")),)))
            else:
                entry = self._tables.snapshots.entries[layer.snapshot or 0]
                things.append(_Thing((Entry(EntryKind.SNAPSHOT, entry.entry_offset),)))
        return things

    def behind(self, finding: Finding) -> list[_Thing]:
        """The refcount of the highest cluster: the block says which one it is."""
        if finding.host_offset is None:
            return []
        bits, geometry = self._geometry.refcount_bits, self._geometry
        start = finding.host_offset & -geometry.cluster_size
        blocks = np.flatnonzero(
            self._tables.refcounts & np.uint64(REFCOUNT_TABLE_ENTRY["offset"].mask) == start
        )
        raw = self._tables.reader.source.pread(finding.host_offset, 1)
        if not len(blocks) or not raw:
            return []
        within = (finding.host_offset - start) * 8
        low = (raw[0].bit_length() - 1) // bits * bits if bits < 8 and raw[0] else 0
        cluster = int(blocks[-1]) * geometry.block_entries + (within + low) // bits
        return [
            _Thing((Entry(EntryKind.REFCOUNT, finding.host_offset, "of the last", cluster=cluster, low=low),))
        ]

    def _extension(self, kind: ExtensionType) -> list[_Thing]:
        found = self._tables.extension(kind)
        return [_Thing((Entry(EntryKind.EXTENSION, found.offset),))] if found else []

    def bitmaps(self, finding: Finding) -> list[_Thing]:
        """The directory's extension, and the entries at fault."""
        things = self._extension(ExtensionType.BITMAPS)
        directory, tables = self._tables.directory, self._tables
        if directory is None:
            return things
        if directory.broken:
            walked = walk_directory(tables.reader, self._geometry, directory.offset, directory.size)
            wrong = [(entry.offset, entry.faults) for entry in walked if entry.faults]
        else:
            wrong = [
                (bitmap.entry_offset, (field,) if field else ())
                for bitmap, field in islice(unloadable(tables.reader, self._geometry, directory), ENTRIES)
            ]
        entries = [_Thing((Entry(EntryKind.BITMAP, place, fields=fields),)) for place, fields in wrong]
        # The extension is part of the same finding, not one more of its kind.
        return (
            [_Thing((*things[0].entries, *entries[0].entries)), *entries[1:]]
            if things and entries
            else things
        )

    def bitmaps_outside(self, finding: Finding) -> list[_Thing]:
        """The bitmaps whose table lies there."""
        size, length = self._geometry.cluster_size, self._geometry.file_length
        return [
            _Thing((Entry(EntryKind.BITMAP, bitmap.entry_offset),))
            for bitmap in (self._tables.directory.bitmaps if self._tables.directory else ())
            if bitmap.table_offset + bitmap.table_size * 8 - length >= size
        ][:ENTRIES]

    def bitmap_tables(self, finding: Finding) -> list[_Thing]:
        """The entries of tables that break the format, or the bitmap whose table cannot be read."""
        things: list[_Thing] = []
        for bitmap in self._tables.directory.bitmaps if self._tables.directory else ():
            if len(things) >= ENTRIES:
                break
            self._tables.reader.tick()
            broken = broken_entries(self._tables.reader, self._geometry, bitmap)
            if broken is None:
                things.append(_Thing((Entry(EntryKind.BITMAP, bitmap.entry_offset),)))
                continue
            for index in broken[:ENTRIES].tolist():
                words = f"bitmap table entry {index:,}"
                things.append(
                    _Thing((Entry(EntryKind.BITMAP_TABLE, bitmap.table_offset + index * 8, words),))
                )
        return things

    def _of_header(self, code: str) -> tuple[list[_Thing], int]:
        """The snapshots of which the header's rules say something: their table is no part of the header's dump."""
        table, seen, places = self._tables.header.snapshots, set[str](), []
        for snapshot in table.entries:
            twice = code == "snapshot-id-duplicate" and snapshot.id in seen
            seen.add(snapshot.id)
            if twice or any(problem.code == code for problem in snapshot.problems):
                places.append(snapshot.offset)
        if code == "snapshot-extra-too-long":
            last = table.entries[-1] if table.entries else None
            places.append(
                last.offset + last.entry_length if last else self._tables.values["snapshots_offset"]
            )
        return [_Thing((Entry(EntryKind.SNAPSHOT, place),)) for place in places[:ENTRIES]], len(places)


OTHERS: Final[dict[str, Callable[[_Planner, Finding], list[_Thing]]]] = {
    "l1-table-outside": _Planner.l1_outside,
    "l2-table-outside": _Planner.l2_tables,
    "l2-table-unaligned": _Planner.l2_tables,
    "l2-table-shared": _Planner.l2_tables,
    "leaks-like-lost-table": _Planner.windows,
    "refcount-behind-the-end": _Planner.behind,
    "bitmaps-not-loadable": _Planner.bitmaps,
    "bitmap-directory-broken": _Planner.bitmaps,
    "bitmap-table-outside": _Planner.bitmaps_outside,
    "bitmap-table-broken": _Planner.bitmap_tables,
}
"""Findings whose entries are found in a way of their own."""
