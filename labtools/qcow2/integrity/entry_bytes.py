"""The bytes of an entry, read and taken apart; none of the guest's data, none of a LUKS header.

Where data of the guest lies on a table, by any L2 entry, what is read as an entry may be that data. There only two
kinds are shown: refcounts, which are nothing but numbers that the map of the file has anyway, and entries that were
found by where they lead, whose bytes say no more than that.
"""

from __future__ import annotations

from collections.abc import Callable

from labtools.qcow2 import annotated, layout
from labtools.qcow2.annotated import Part
from labtools.qcow2.entries import L1_ENTRY, REFCOUNT_TABLE_ENTRY
from labtools.qcow2.evidence import Evidence
from labtools.qcow2.layout import ExtensionType

from .references import Entry, EntryKind, Tables


def touched(offset: int, size: int, cluster_bits: int) -> range:
    """The numbers of the clusters in which ``size`` bytes from ``offset`` on lie."""
    return range(offset >> cluster_bits, (offset + size - 1 >> cluster_bits) + 1)


class EntryBytes:
    """Reads entries, each bounded, and takes them apart; ``withheld`` counts those that it must not show."""

    def __init__(self, tables: Tables, guests: set[int]) -> None:
        self._tables = tables
        self._geometry = tables.geometry
        self._source = tables.reader.source
        self._guests = guests
        self._secret = range(0)
        self._anywhere = False
        self.withheld = 0
        found = tables.extension(ExtensionType.FULL_DISK_ENCRYPTION)
        if found and len(found.details) == 2:
            offset, length = (int(detail.value) for detail in found.details)
            self._secret = range(offset, offset + length)

    def evidence(self, code: str, entry: Entry, subject: int | None) -> Evidence | None:
        """The entry with its bytes; None where the file has none or they are not to be shown."""
        found = self._read(entry)
        if not found:
            return None
        key, offset, data, parts = found
        return Evidence(code, key, offset, data, parts, subject, entry.words)

    def _read(self, entry: Entry) -> tuple[str, int, bytes, tuple[Part, ...]] | None:
        size, at = self._geometry.cluster_size, entry.offset
        self._anywhere = entry.leads or entry.kind is EntryKind.REFCOUNT
        match entry.kind:
            case EntryKind.HEADER:
                fields = [field for field in layout.HEADER_FIELDS if field.name in entry.fields]
                start, stop = fields[0].offset, fields[-1].end
                data = self._source.pread(start, stop - start)
                return "header", start, data, annotated.header_parts(data, fields)
            case EntryKind.EXTENSION:
                return self._extension(at)
            case EntryKind.L1 | EntryKind.REFCOUNT_TABLE:
                kind = L1_ENTRY if entry.kind is EntryKind.L1 else REFCOUNT_TABLE_ENTRY
                data = self._bytes(at, 8)
                return (kind.id, at, data, annotated.bit_parts(kind, data, size)) if data else None
            case EntryKind.L2:
                if data := self._bytes(at, self._geometry.l2_entry_size):
                    key, parts = annotated.l2_parts(data, self._geometry.cluster_bits)
                    return key, at, data, parts
            case EntryKind.REFCOUNT:
                bits = self._geometry.refcount_bits
                if data := self._bytes(at, max(1, bits // 8)):
                    parts = annotated.refcount_parts(data, entry.cluster, entry.low, bits)
                    return "refcount", at, data, parts
            case EntryKind.SNAPSHOT:
                if data := self._named(at, layout.SNAPSHOT_ENTRY.size, annotated.snapshot_size):
                    return "snapshot", at, data, annotated.snapshot_parts(data, size)
            case EntryKind.BITMAP:
                if data := self._named(at, layout.BITMAP_ENTRY.size, annotated.bitmap_entry_size):
                    return "bitmap-entry", at, data, annotated.bitmap_parts(data, entry.fields)
            case EntryKind.BITMAP_TABLE:
                if data := self._bytes(at, 8):
                    return "bitmap-table-entry", at, data, annotated.bitmap_table_parts(data, size)
        return None

    def _named(self, offset: int, head: int, size_of: Callable[[bytes], int]) -> bytes:
        """An entry with names in it, as long as it says, within bounds and within the file."""
        data = self._bytes(offset, head)
        if not data:
            return b""
        whole = min(size_of(data), annotated.LONGEST, self._source.length - offset)
        return self._bytes(offset, whole)

    def _extension(self, offset: int) -> tuple[str, int, bytes, tuple[Part, ...]] | None:
        for extension in layout.EXTENSIONS:
            if extension.layout and extension.type == int.from_bytes(self._source.pread(offset, 4)):
                data = self._source.pread(offset, layout.EXTENSION_HEADER.size + extension.layout.size)
                parts = annotated.extension_parts(data, extension.layout)
                return f"data-{extension.type:08x}", offset, data, parts
        return None

    def _bytes(self, offset: int, size: int) -> bytes:
        if not 0 <= offset <= self._source.length - size:
            return b""
        hidden = offset < self._secret.stop and self._secret.start < offset + size
        if not self._anywhere:
            clusters = touched(offset, size, self._geometry.cluster_bits)
            hidden = hidden or not self._guests.isdisjoint(clusters)
        if hidden:
            self.withheld += 1
            return b""
        data = self._source.pread(offset, size)
        return data if len(data) == size else b""
