"""The bytes behind a finding: the table entries that it names, each bit with its meaning.

The image is deleted when its check has ended, so they are gathered then: a few of each kind of finding. Where damage
makes a pointer lead astray, what is read as an entry may be 40 bytes of the guest's data; never of a LUKS header, which
has key material. What the entries say is data of the image, and trusted in nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from . import entries, layout
from .checking import CheckReport, Finding
from .errors import ImageError
from .header import read_header, read_values
from .source import ImageSource

PER_FINDING: Final = 4
"""Entries of one finding that are kept."""
MOST: Final = 64
"""Entries of one image that are kept."""

_L1: Final = {"l1-entry-reserved", "l2-copied-flag"}
_L2: Final = {
    "l2-entry-reserved",
    "l2-zero-flag-version-2",
    "l2-zero-flag-extended",
    "l2-copied-alone",
    "data-copied-flag",
    "data-unaligned",
    "data-outside",
    "subclusters-data-and-zero",
    "subclusters-unallocated",
    "compressed-copied",
    "compressed-with-data-file",
    "compressed-with-subclusters",
    "compressed-outside",
}
_REFCOUNT_TABLE: Final = {"refcount-table-reserved", "refcount-block-unaligned", "refcount-block-outside"}
_SNAPSHOT: Final = {
    "snapshot-l1-unaligned",
    "snapshot-l1-too-large",
    "snapshot-l1-unreadable",
    "snapshot-l1-too-small",
    "snapshot-vm-state-lost",
    "snapshot-entry-incomplete",
}
_COUNTED: Final = {"refcount-too-low", "leaked-clusters"}
"""Findings that name clusters: the bytes behind them are the entries that count these."""
_COMPRESSED: Final = entries.L2_ENTRY["compressed"].mask


@dataclass(frozen=True, slots=True)
class Part:
    """Some bits, or a field in bytes, of an entry. ``is_broken``: reserved, and not 0."""

    place: str
    name: str
    value: int
    meaning: str
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """One entry that a finding of kind ``code`` names: ``data`` from byte ``offset`` of the file, part by part.

    ``layout`` is the id of its table in :func:`.format_tables`, or "refcount", which that explains in words.
    """

    code: str
    layout: str
    offset: int
    data: bytes
    parts: tuple[Part, ...]


def gather_evidence(source: ImageSource, report: CheckReport) -> tuple[Evidence, ...]:
    """The entries that the findings of ``report`` name, at most :data:`PER_FINDING` of each and :data:`MOST` in all.

    ``source`` is the image that was checked. Reads some hundred bytes; what cannot be read is left out.
    """
    try:
        reader = _Entries(source)
    except ImageError:
        return ()
    found: list[Evidence] = []
    for finding in report.findings:
        for one in reader.of(finding):
            found.append(one)
            if len(found) == MOST:
                return tuple(found)
    return tuple(found)


def evidence_json(found: Iterable[Evidence]) -> list[dict[str, Any]]:
    """The same as JSON values; numbers beyond 53 bits are text, so that every reader keeps them whole."""
    return [
        {
            "code": one.code,
            "layout": one.layout,
            "offset": one.offset,
            "data": one.data.hex(),
            "parts": [
                {
                    "place": part.place,
                    "name": part.name,
                    "value": f"0x{part.value:x}",
                    "meaning": part.meaning,
                    "broken": part.is_broken,
                }
                for part in one.parts
            ],
        }
        for one in found
    ]


class _Entries:
    """Reads entries of one image, each bounded."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._values = read_values(source)
        self._secret = range(0)
        for extension in read_header(source).extensions.extensions:
            if extension.type == layout.ExtensionType.FULL_DISK_ENCRYPTION and len(extension.details) == 2:
                offset, length = (int(detail.value) for detail in extension.details)
                self._secret = range(offset, offset + length)

    def of(self, finding: Finding) -> Iterator[Evidence]:
        """The first entries that ``finding`` names."""
        code = finding.code
        size = self._values.l2_entry_size
        for place in finding.host_ranges[:PER_FINDING]:
            if code in _L1:
                yield from self._entry(code, place.offset, entries.L1_ENTRY)
            elif code in _L2 and place.length % (self._values.cluster_size or 1):
                yield from self._l2(code, place.offset, size)
            elif code in _REFCOUNT_TABLE:
                yield from self._entry(code, place.offset, entries.REFCOUNT_TABLE_ENTRY)
            elif code in _SNAPSHOT:
                yield from self._snapshot(code, place.offset)
            elif code in _COUNTED and self._values.cluster_size:
                yield from self._refcount(code, place.offset // self._values.cluster_size)

    def _read(self, offset: int, size: int) -> bytes:
        if not 0 <= offset <= self._source.length - size:
            return b""
        if offset < self._secret.stop and self._secret.start < offset + size:
            return b""
        data = self._source.pread(offset, size)
        return data if len(data) == size else b""

    def _entry(self, code: str, offset: int, kind: entries.EntryLayout) -> Iterator[Evidence]:
        if data := self._read(offset, 8):
            yield Evidence(code, kind.id, offset, data, tuple(_parts(kind, data)))

    def _l2(self, code: str, offset: int, size: int) -> Iterator[Evidence]:
        data = self._read(offset, size)
        if not data:
            return
        is_compressed = int.from_bytes(data[:8]) & _COMPRESSED
        kind = (
            entries.compressed_l2_entry(self._values["cluster_bits"]) if is_compressed else entries.L2_ENTRY
        )
        parts = tuple(_parts(kind, data[:8]))
        if size == 16:
            parts += tuple(_parts(entries.SUBCLUSTER_BITMAP, data[8:], "second 8 bytes, "))
        yield Evidence(code, kind.id, offset, data, parts)

    def _snapshot(self, code: str, offset: int) -> Iterator[Evidence]:
        data = self._read(offset, layout.SNAPSHOT_ENTRY.size)
        if not data:
            return
        read = layout.SNAPSHOT_ENTRY.decode(data)
        parts = tuple(
            Part(f"bytes {field.offset}–{field.end - 1}", field.name, int(read[field.name]), field.meaning)
            for field in layout.SNAPSHOT_ENTRY.fields
        )
        yield Evidence(code, "snapshot", offset, data, parts)

    def _refcount(self, code: str, cluster: int) -> Iterator[Evidence]:
        """The refcount of a cluster, where a block holds it."""
        bits = 1 << self._values["refcount_order"]
        size = self._values.cluster_size or 512
        index, within = divmod(cluster, size * 8 // bits)
        if index >= self._values["refcount_table_clusters"] * size // 8:
            return
        entry = self._read(self._values["refcount_table_offset"] + index * 8, 8)
        block = int.from_bytes(entry) & entries.REFCOUNT_TABLE_ENTRY["offset"].mask
        if not block or block % size:
            return
        byte, low = divmod(within * bits, 8)
        data = self._read(block + byte, max(1, bits // 8))
        if not data:
            return
        value = int.from_bytes(data) >> low & (1 << bits) - 1
        place = f"bits {low}–{low + bits - 1}" if bits > 1 else f"bit {low}"
        meaning = f"How many references cluster {cluster:,} is said to have."
        yield Evidence(code, "refcount", block + byte, data, (Part(place, "refcount", value, meaning),))


def _parts(kind: entries.EntryLayout, data: bytes, before: str = "") -> Iterator[Part]:
    entry = int.from_bytes(data)
    for bits in kind.bits:
        place = f"bits {bits.low}–{bits.high}" if bits.high > bits.low else f"bit {bits.low}"
        value = entry & bits.mask if bits.name == "offset" else bits.of(entry)
        yield Part(before + place, bits.name, value, bits.meaning, bits.is_reserved and value != 0)
