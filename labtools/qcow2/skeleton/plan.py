"""Which bytes of an image a check needs, and which of those may not be what their pointers say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from labtools.qcow2 import layout
from labtools.qcow2.checking import CheckBounds, Role
from labtools.qcow2.errors import SkeletonError
from labtools.qcow2.header import read_header, read_values
from labtools.qcow2.integrity.bitmaps import Directory, count_bitmaps, read_directory
from labtools.qcow2.integrity.census import Census
from labtools.qcow2.integrity.geometry import (
    COPIED,
    L1_RESERVED,
    L2_RESERVED,
    MAX_OFFSET,
    ZERO,
    Geometry,
)
from labtools.qcow2.integrity.mapping import Entries, Mapping, compressed_extent
from labtools.qcow2.integrity.opening import refusals
from labtools.qcow2.integrity.reading import U64, Bools, Reader, native
from labtools.qcow2.integrity.refcounts import StoredRefcounts
from labtools.qcow2.integrity.snapshot_table import read_snapshot_table
from labtools.qcow2.integrity.tables import L2Tables, count_tables, find_l2_tables, read_layers
from labtools.qcow2.integrity.tally import Tally
from labtools.qcow2.layout import ExtensionType, Incompatible
from labtools.qcow2.readings import HeaderReport
from labtools.qcow2.rules import HeaderValues
from labtools.qcow2.source import ImageSource
from labtools.qcow2.text import binary_size

MAX_BYTES: Final = 1 << 30
"""The most metadata that is gathered: that of an image of six terabytes with clusters of 64 KiB."""
_REFCOUNT_RESERVED: Final = 0x1FF | COPIED
_BITMAP_RESERVED: Final = 0xFF000000000001FE
_LONGEST_NAME: Final = 1023
_STRAYING: Final = 8
"""One refcount of less than 8 bits in so many may be wrong before a block of them is taken for something else."""


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Bytes of the image file, from ``offset`` on."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """Offset of the first byte behind."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Suspect:
    """Bytes that a pointer calls metadata and that may be a guest's data: what they should be, and what speaks
    against it.
    """

    place: Range
    role: Role
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The bytes that a check reads, in order and apart: ``sure`` ones, and ``suspects``, to be asked about.

    ``luks`` is the LUKS header, which is never among them, and ``luks_extension`` where the extension stands that says
    so. ``private_names`` counts names of snapshots and bitmaps, and paths. ``has_bitmaps`` and ``complete`` matter to a
    repair: the second is False where ``qemu-img check`` gives up; ``leaked`` are clusters that it would discard.
    """

    length: int
    cluster_size: int | None
    sure: tuple[Range, ...]
    suspects: tuple[Suspect, ...]
    luks: Range | None
    luks_extension: int | None
    private_names: int
    has_bitmaps: bool
    complete: bool
    leaked: tuple[Range, ...]

    def ranges(self, *, suspects: bool) -> tuple[Range, ...]:
        """The bytes to be taken, with those under suspicion or without."""
        more = [suspect.place for suspect in self.suspects] if suspects else []
        return tuple(merged([*self.sure, *more]))

    @property
    def suspect_bytes(self) -> int:
        """How many bytes are under suspicion."""
        return sum(place.length for place in merged(suspect.place for suspect in self.suspects))


def plan_skeleton(source: ImageSource, bounds: CheckBounds | None = None) -> Plan:
    """Find the metadata of an image.

    Raises as :func:`labtools.qcow2.check_image` does, and :class:`SkeletonError` above :data:`MAX_BYTES`.
    """
    bounds = bounds or CheckBounds()
    report, values = read_header(source), read_values(source)
    draft = _Draft(source.length, values.cluster_size or 512)
    draft.header(report, values)
    complete = False
    refused = refusals(report, values)
    if all(code.startswith("snapshots-") for code in refused):
        survey = _Survey(source, bounds, report, values, draft)
        # QEMU loads bitmaps before it finds fault with the place of the snapshot table.
        complete = survey.take_bitmaps() if refused else survey.take()
    return draft.plan(values.cluster_size, complete)


def merged(ranges: Iterable[Range]) -> Iterator[Range]:
    """Ranges in order, those that touch made one; empty ones are left out."""
    start = stop = 0
    for place in sorted(ranges):
        if not place.length:
            continue
        if place.offset > stop:
            if stop > start:
                yield Range(start, stop - start)
            start = place.offset
        stop = max(stop, place.end)
    if stop > start:
        yield Range(start, stop - start)


def without(ranges: Iterable[Range], holes: Iterable[Range]) -> Iterator[Range]:
    """``ranges`` but for the bytes of ``holes``; both in order and apart, as :func:`merged` gives them."""
    holes = list(holes)
    first = 0
    for place in ranges:
        at = place.offset
        while first < len(holes) and holes[first].end <= at:
            first += 1
        for hole in holes[first:]:
            if hole.offset >= place.end:
                break
            if hole.offset > at:
                yield Range(at, hole.offset - at)
            at = max(at, hole.end)
        if at < place.end:
            yield Range(at, place.end - at)


class _Draft:
    """Gathers ranges within the file."""

    def __init__(self, length: int, cluster_size: int) -> None:
        self.length = length
        self.cluster_size = cluster_size
        self.sure: list[Range] = []
        self.suspects: list[Suspect] = []
        self.leaked: list[Range] = []
        self.luks: Range | None = None
        self.luks_extension: int | None = None
        self.names = 0
        self.has_bitmaps = False
        self._bytes = 0

    def add(self, offset: int, length: int, role: Role = Role.HEADER, reason: str = "") -> None:
        """Take a region as far as it lies in the file, under suspicion if there is a ``reason``."""
        length = min(length, self.length - offset)
        if offset < 0 or length <= 0:
            return
        self._bytes += length
        if self._bytes > MAX_BYTES:
            raise SkeletonError(
                f"The metadata that this image names is more than {binary_size(MAX_BYTES)}, "
                "the most that is gathered."
            )
        if reason:
            self.suspects.append(Suspect(Range(offset, length), role, reason))
        else:
            self.sure.append(Range(offset, length))

    def header(self, report: HeaderReport, values: HeaderValues) -> None:
        """The first cluster up to the end of the extensions, and the backing file's name."""
        area = report.extensions
        cluster = values.cluster_size or layout.KNOWN_HEADER_LENGTH
        self.add(0, min(max(layout.KNOWN_HEADER_LENGTH, area.end), cluster))
        if 0 < values["backing_file_offset"] < cluster:
            length = min(values["backing_file_size"], layout.MAX_BACKING_NAME)
            self.add(values["backing_file_offset"], min(length, cluster - values["backing_file_offset"]))
            self.names += 1
        for extension in area.extensions:
            if extension.type == ExtensionType.BITMAPS:
                self.has_bitmaps = True
            if extension.type == ExtensionType.DATA_FILE_NAME:
                self.names += 1
            if extension.type == ExtensionType.FULL_DISK_ENCRYPTION and len(extension.details) == 2:
                offset, length = (int(detail.value) for detail in extension.details)
                self.luks_extension = extension.offset
                self.luks = Range(offset, max(0, min(length, self.length - offset)))

    def plan(self, cluster_size: int | None, complete: bool) -> Plan:
        """All of it, no byte of a LUKS header among it."""
        never = [self.luks] if self.luks else []
        doubtful = list(merged(suspect.place for suspect in self.suspects))
        sure = tuple(without(without(merged(self.sure), doubtful), never))
        suspects = [
            Suspect(place, suspect.role, suspect.reason)
            for suspect in sorted(self.suspects, key=lambda suspect: suspect.place)
            for place in without([suspect.place], never)
        ]
        return Plan(
            self.length,
            cluster_size,
            sure,
            tuple(suspects),
            self.luks,
            self.luks_extension,
            self.names,
            self.has_bitmaps,
            complete,
            tuple(self.leaked),
        )


class _Survey:
    """Goes through the tables as the check does, and judges of each whether it looks like one."""

    def __init__(
        self,
        source: ImageSource,
        bounds: CheckBounds,
        report: HeaderReport,
        values: HeaderValues,
        draft: _Draft,
    ) -> None:
        self._report = report
        self._values = values
        self._draft = draft
        self._tally = Tally(draft.cluster_size, 0)
        self._geometry = Geometry.of(values)
        self._reader = Reader(source, bounds)
        self._census = Census(self._geometry, bounds, self._tally)

    def take(self) -> bool:
        """Add every table to the draft; False where ``qemu-img check`` would give up on the way."""
        reader, geometry, values, tally = self._reader, self._geometry, self._values, self._tally
        directory = read_directory(reader, geometry, values, self._report)
        stored = StoredRefcounts(reader, geometry, values)
        entries = read_snapshot_table(reader, geometry, values, tally)
        if entries is None:
            self._snapshot_table(set())
            self._table(values["l1_table_offset"], values["l1_size"], Role.L1_TABLE, L1_RESERVED, set())
            if directory:
                self._bitmaps(directory, set())
            return False
        self._census.region(0, geometry.cluster_size, Role.HEADER, "header-outside")
        if self._draft.luks:
            place = self._draft.luks
            self._census.region(place.offset, place.length, Role.LUKS_HEADER, "luks-header-outside")
        layers = read_layers(reader, geometry, values, entries, tally)
        tables = find_l2_tables(geometry, layers)
        count_tables(reader, geometry, tables, self._census, tally)
        self._census.region(entries.offset, entries.size, Role.SNAPSHOT_TABLE, "snapshot-table-outside")
        self._census.region(
            stored.table_offset, stored.table_bytes, Role.REFCOUNT_TABLE, "refcount-table-outside"
        )
        if directory:
            count_bitmaps(reader, geometry, directory, self._census, tally)
        Mapping(reader, geometry, tables, stored, self._census, tally).count()
        stored.judge_blocks(self._census)
        conflicts = self._census.conflicts
        doubtful: set[int] = set(np.unique(np.concatenate(conflicts)).tolist()) if conflicts else set()
        for layer in layers:
            self._table(layer.offset, len(layer.entries), Role.L1_TABLE, L1_RESERVED, doubtful)
        self._l2_tables(tables, doubtful)
        self._table(
            stored.table_offset,
            stored.table_bytes // 8,
            Role.REFCOUNT_TABLE,
            _REFCOUNT_RESERVED,
            doubtful,
        )
        self._refcount_blocks(stored, doubtful)
        self._snapshot_table(doubtful)
        if directory:
            self._bitmaps(directory, doubtful)
        count = min(len(stored.counts), len(self._census.counts))
        leaked = (stored.counts[:count] != 0) & (self._census.counts[:count] == 0)
        edges = np.flatnonzero(np.diff(np.concatenate(([False], leaked, [False])).astype(np.int8)))
        size = geometry.cluster_size
        self._draft.leaked = [
            Range(start * size, (stop - start) * size) for start, stop in edges.reshape(-1, 2).tolist()
        ]
        return not tally.aborted

    def take_bitmaps(self) -> bool:
        """Add the bitmaps alone; False, as the image is not opened."""
        if directory := read_directory(self._reader, self._geometry, self._values, self._report):
            self._bitmaps(directory, set())
        return False

    def _reason(self, offset: int, doubtful: set[int]) -> str:
        """What speaks against a cluster of metadata from outside it."""
        if offset % self._geometry.cluster_size:
            return "it does not begin at a cluster boundary"
        if offset // self._geometry.cluster_size in doubtful:
            return "the image uses it for something else as well"
        return ""

    def _table(self, offset: int, count: int, role: Role, reserved: int, doubtful: set[int]) -> None:
        """A table of 64-bit offsets, judged cluster by cluster."""
        per_cluster = self._geometry.cluster_size // 8
        for first in range(0, count, per_cluster):
            self._reader.tick()
            place = offset + first * 8
            if place >= self._geometry.file_length:
                return
            entries = self._reader.numbers(place, min(per_cluster, count - first))
            reason = self._reason(place, doubtful)
            if not reason and self._strange(entries, reserved).any():
                reason = f"it does not look like a part of {_named(role)}"
            self._draft.add(place, len(entries) * 8, role, reason)

    def _strange(self, entries: U64, reserved: int) -> Bools:
        """Entries that no sound table of offsets has."""
        if reserved == _BITMAP_RESERVED:
            # An entry of 1 is a cluster of ones that is not stored.
            entries = np.where(entries == 1, np.uint64(0), entries)
        offsets = entries & np.uint64(~(reserved | COPIED) % 2**64)
        strange: Bools = entries & np.uint64(reserved) != 0
        strange |= offsets & np.uint64(self._geometry.cluster_size - 1) != 0
        strange |= offsets >= np.uint64(self._geometry.file_length)
        return strange

    def _l2_tables(self, tables: L2Tables, doubtful: set[int]) -> None:
        size = self._geometry.cluster_size
        for first, rows in self._reader.tables(tables.offsets, size):
            raw = native(rows.reshape(-1)).reshape(len(rows), -1)
            strange = np.flatnonzero(self._strange_mappings(raw).any(axis=1)).tolist()
            for row in range(len(rows)):
                offset = int(tables.offsets[first + row])
                reason = self._reason(offset, doubtful)
                if not reason and row in strange:
                    reason = "it does not look like an L2 table"
                self._draft.add(offset, size, Role.L2_TABLE, reason)

    def _strange_mappings(self, raw: U64) -> Bools:
        geometry = self._geometry
        entries = Entries.of(geometry, raw)
        strange: Bools = (entries.entry & np.uint64(L2_RESERVED) != 0) & ~entries.compressed
        if geometry.extended or geometry.version == 2:
            strange |= (entries.entry & np.uint64(ZERO) != 0) & ~entries.compressed
        strange |= entries.allocated & (entries.offset & (geometry.cluster_size - 1) != 0)
        limit = geometry.virtual_size if geometry.has_data_file else geometry.file_length
        strange |= entries.allocated & (entries.offset >= limit)
        start, length = compressed_extent(geometry, entries.entry)
        beyond = start + length > geometry.file_length + geometry.cluster_size
        strange |= entries.compressed & (beyond | (entries.entry & np.uint64(COPIED) != 0))
        if entries.bitmap is not None:
            both = entries.bitmap >> np.uint64(32) & entries.bitmap & np.uint64(0xFFFFFFFF)
            strange |= (both != 0) | (entries.compressed & (entries.bitmap != 0))
            free = ~entries.allocated & ~entries.compressed
            strange |= free & (entries.bitmap & np.uint64(0xFFFFFFFF) != 0)
        return strange

    def _refcount_blocks(self, stored: StoredRefcounts, doubtful: set[int]) -> None:
        geometry, per_block = self._geometry, self._geometry.block_entries
        size = geometry.cluster_size
        for index in np.flatnonzero(stored.offsets).tolist():
            offset = int(stored.offsets[index])
            if offset % size or offset > MAX_OFFSET or offset >= geometry.file_length:
                continue
            reason = self._reason(offset, doubtful)
            if not reason and self._strays(stored, index * per_block, offset):
                reason = "it does not agree with the clusters in use"
            self._draft.add(offset, size, Role.REFCOUNT_BLOCK, reason)

    def _strays(self, stored: StoredRefcounts, first: int, offset: int) -> bool:
        """Whether a refcount block says something quite different from the references."""
        per_block, total = self._geometry.block_entries, len(stored.counts)
        if first + per_block > total:
            # What lies behind the end of the file is 0 in a sound block.
            bits = self._geometry.refcount_bits
            start = max(0, total - first) * bits // 8
            start += 1 if bits < 8 and start * 8 // bits + first < total else 0
            rest = np.empty(self._geometry.cluster_size - start, dtype=np.uint8)
            self._reader.fill(offset + start, rest)
            if rest.any():
                return True
        said = stored.counts[first : first + per_block].astype(np.int64)
        used = self._census.counts[first : first + per_block].astype(np.int64)
        most = np.maximum(used, self._values["nb_snapshots"] + 1)
        if (said > most).any():
            return True
        if self._geometry.refcount_bits >= 8 or Incompatible.DIRTY in self._values.incompatible:
            return False
        # So narrow, any bytes make plausible numbers: they must be right, most of them.
        return int(np.count_nonzero(said != used)) > max(1, int(np.count_nonzero(said | used)) // _STRAYING)

    def _snapshot_table(self, doubtful: set[int]) -> None:
        """The whole table, or as far as QEMU follows it."""
        start = offset = self._values["snapshots_offset"]
        size, reason = self._geometry.cluster_size, ""
        entry_size = layout.SNAPSHOT_ENTRY.size
        for index in range(min(self._values["nb_snapshots"], layout.MAX_SNAPSHOTS)):
            if index % 256 == 0:
                self._reader.tick()
            offset = -(-offset // 8) * 8
            head = self._reader.source.pread(offset, entry_size).ljust(entry_size, b"\0")
            l1_offset, l1_size, id_size, name_size, *_, extra = layout.SNAPSHOT_ENTRY.struct.unpack(head)
            offset += entry_size
            if extra > layout.MAX_SNAPSHOT_EXTRA or offset - start > layout.MAX_SNAPSHOT_TABLE_BYTES:
                reason = "an entry breaks the bounds of a snapshot table"
                break
            strings = self._reader.source.pread(offset + extra, id_size + name_size)
            self._draft.names += 1
            if max(id_size, name_size) > _LONGEST_NAME or not _is_text(strings):
                reason = "a name in it is no text"
            if l1_offset % size or l1_offset + l1_size * 8 >= self._geometry.file_length + size:
                reason = "an entry leads nowhere"
            offset += extra + id_size + name_size
        for first in range(start, offset, size):
            self._draft.add(
                first,
                min(size, offset - first),
                Role.SNAPSHOT_TABLE,
                reason or self._reason(first, doubtful),
            )

    def _bitmaps(self, directory: Directory, doubtful: set[int]) -> None:
        size = self._geometry.cluster_size
        reason = "it does not look like a bitmap directory" if directory.broken else ""
        for bitmap in directory.bitmaps:
            self._draft.names += 1
            reason = reason or ("" if _is_text(bitmap.name) else "a name in it is no text")
            self._table(
                bitmap.table_offset,
                bitmap.table_size,
                Role.BITMAP_TABLE,
                _BITMAP_RESERVED,
                doubtful,
            )
        for first in range(directory.offset, directory.offset + directory.size, size):
            length = min(size, directory.offset + directory.size - first)
            self._draft.add(first, length, Role.BITMAP_DIRECTORY, reason or self._reason(first, doubtful))


def _is_text(raw: bytes) -> bool:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return False
    return text.isprintable()


def _named(role: Role) -> str:
    return ("an " if role is Role.L1_TABLE else "a ") + role.words
