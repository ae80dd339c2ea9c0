"""Entries of tables taken apart: every byte and bit of them with its meaning. Pure functions of a few bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from . import entries, layout
from .text import visible

LONGEST: Final = 128
"""Bytes of an entry with names in it that are taken apart."""
_KNOWN_FEATURES: Final = {
    feature.bit: feature for feature in layout.FEATURES if feature.set is layout.FeatureSet.INCOMPATIBLE
}
_COMPRESSED: Final = entries.L2_ENTRY["compressed"].mask


@dataclass(frozen=True, slots=True)
class Part:
    """Some bits, or a field in bytes, of an entry. ``is_broken``: reserved and not 0, or against the format.

    ``value`` is text where the image stores text, its invisible characters escaped.
    """

    place: str
    name: str
    value: int | str
    meaning: str
    is_broken: bool = False


def bit_parts(
    kind: entries.EntryLayout, data: bytes, cluster_size: int, before: str = ""
) -> tuple[Part, ...]:
    """The bits of an entry of 8 bytes. An offset that is not on a cluster boundary is against the format."""
    entry = int.from_bytes(data)
    parts = []
    for bits in kind.bits:
        value = entry & bits.mask if bits.name == "offset" else bits.of(entry)
        broken = bits.is_reserved and value != 0
        if bits.name == "offset" and kind.id != "compressed-l2-entry":
            broken = value % cluster_size != 0
        parts.append(Part(before + _bits(bits.low, bits.high), bits.name, value, bits.meaning, broken))
    return tuple(parts)


def l2_parts(data: bytes, cluster_bits: int) -> tuple[str, tuple[Part, ...]]:
    """The id of the layout and the parts of an L2 entry of 8 or 16 bytes."""
    is_compressed = int.from_bytes(data[:8]) & _COMPRESSED
    kind = entries.compressed_l2_entry(cluster_bits) if is_compressed else entries.L2_ENTRY
    parts = bit_parts(kind, data[:8], 1 << cluster_bits)
    if len(data) == 16:
        parts += bit_parts(entries.SUBCLUSTER_BITMAP, data[8:], 1, "second 8 bytes, ")
    return kind.id, parts


def bitmap_table_parts(data: bytes, cluster_size: int) -> tuple[Part, ...]:
    """The bits of a bitmap table entry; with an offset, "all ones" is against the format."""
    parts = bit_parts(entries.BITMAP_TABLE_ENTRY, data, cluster_size)
    leads = any(part.name == "offset" and part.value for part in parts)
    return tuple(
        Part(part.place, part.name, part.value, part.meaning, bool(part.value))
        if leads and part.name == "all ones"
        else part
        for part in parts
    )


def refcount_parts(data: bytes, cluster: int, low: int, bits: int) -> tuple[Part, ...]:
    """The refcount of ``cluster``: ``bits`` bits from bit ``low`` of ``data`` on, and what of its byte is others'."""
    value = int.from_bytes(data) >> low & (1 << bits) - 1
    meaning = f"How many references cluster {cluster:,} is said to have."
    parts = [Part(_bits(low, low + bits - 1), "refcount", value, meaning)]
    if bits < 8:
        rest = int.from_bytes(data) & ~(((1 << bits) - 1) << low)
        parts.append(Part("other bits", "neighbours", rest, "Refcounts of clusters beside it."))
    return tuple(parts)


def snapshot_size(data: bytes) -> int:
    """How long the entry is whose first 40 bytes are ``data``, with its padding."""
    read = layout.SNAPSHOT_ENTRY.decode(data)
    size = layout.SNAPSHOT_ENTRY.size + int(read["extra_data_size"])
    return -(-(size + int(read["id_str_size"]) + int(read["name_size"])) // 8) * 8


def snapshot_parts(data: bytes, cluster_size: int) -> tuple[Part, ...]:
    """The fields of a snapshot table entry, as far as ``data`` has them; the first 40 bytes it must have."""
    fields = layout.SNAPSHOT_ENTRY
    read = fields.decode(data)
    at, extra = fields.size, int(read["extra_data_size"])
    parts = [
        Part(
            _bytes(field.offset, field.end),
            field.name,
            int(read[field.name]),
            field.meaning,
            field.name == "l1_table_offset" and int(read[field.name]) % cluster_size != 0,
        )
        for field in fields.fields
    ]
    for field in layout.SNAPSHOT_EXTRA:
        if field.end <= extra and at + field.end <= len(data):
            value = int.from_bytes(data[at + field.offset : at + field.end])
            parts.append(Part(_bytes(at + field.offset, at + field.end), field.name, value, field.meaning))
    known = max((field.end for field in layout.SNAPSHOT_EXTRA if field.end <= extra), default=0)
    ends = (
        ("extra data", extra - known, "Extra data that QEMU does not know.", False),
        ("id", int(read["id_str_size"]), "Its ID, which is text.", True),
        ("name", int(read["name_size"]), "Its name.", True),
    )
    return (*parts, *_tail(data, at + known, ends))


def bitmap_entry_size(data: bytes) -> int:
    """How long the entry is whose first 24 bytes are ``data``, with its padding."""
    read = layout.BITMAP_ENTRY.decode(data)
    size = layout.BITMAP_ENTRY.size + int(read["extra_data_size"]) + int(read["name_size"])
    return -(-size // 8) * 8


def bitmap_parts(data: bytes, faults: Collection[str] = ()) -> tuple[Part, ...]:
    """The fields of a bitmap directory entry, as far as ``data`` has them. ``faults`` names those against the format.

    The first 24 bytes it must have.
    """
    fields = layout.BITMAP_ENTRY
    read = {name: int(value) for name, value in fields.decode(data).items()}
    parts: list[Part] = []
    for field in fields.fields:
        place, value = _bytes(field.offset, field.end), read[field.name]
        if field.name == "flags":
            parts += (
                Part(
                    f"{place}, {_bits(bits.low, bits.high)}",
                    f"flag {bits.name}" if not bits.is_reserved else "flags, reserved",
                    bits.of(value),
                    bits.meaning,
                    bits.low > 1 and bits.of(value) != 0,
                )
                for bits in entries.BITMAP_FLAGS
            )
            continue
        meaning = f"{field.meaning} Rule: {field.rule}"
        parts.append(Part(place, field.name, value, meaning, field.name in faults))
    ends = (
        ("extra data", read["extra_data_size"], "Extra data, which QEMU does not know.", False),
        ("name", read["name_size"], "Its name. No two bitmaps have the same.", True),
    )
    tail = (
        Part(part.place, part.name, part.value, part.meaning, part.name in faults)
        for part in _tail(data, fields.size, ends)
    )
    return (*parts, *tail)


def header_parts(data: bytes, fields: Collection[layout.Field]) -> tuple[Part, ...]:
    """Neighbouring fields of the header, ``data`` being theirs; the incompatible features bit by bit."""
    start = min(field.offset for field in fields)
    parts: list[Part] = []
    for field in fields:
        place = _bytes(field.offset - start, field.end - start)
        raw = data[field.offset - start : field.end - start]
        if field.kind is layout.Kind.MAGIC:
            parts.append(Part(place, field.name, visible(raw), field.meaning))
        elif field.name == "incompatible_features":
            parts += _features(place, int.from_bytes(raw))
        else:
            meaning = f"{field.meaning} Rule: {field.rule}" if field.rule else field.meaning
            parts.append(Part(place, field.name, int.from_bytes(raw), meaning))
    return tuple(parts)


def extension_parts(data: bytes, fields: layout.Layout) -> tuple[Part, ...]:
    """A header extension whose data is ``fields``, its type and length before it."""
    head, parts = layout.EXTENSION_HEADER, []
    for where, start in ((head, 0), (fields, head.size)):
        for field in where.fields:
            begin, end = start + field.offset, start + field.end
            value = int.from_bytes(data[begin:end])
            broken = field.name == "reserved" and value != 0
            parts.append(Part(_bytes(begin, end), field.name, value, field.meaning, broken))
    return tuple(parts)


def _features(place: str, value: int) -> Iterator[Part]:
    for bit, feature in _KNOWN_FEATURES.items():
        # A sound image that nobody has open is not marked as corrupt; all else may be as it is.
        broken = feature.bit == layout.Incompatible.CORRUPT.bit_length() - 1 and bool(value >> bit & 1)
        yield Part(f"{place}, bit {bit}", feature.name, value >> bit & 1, feature.meaning, broken)
    rest = value >> len(_KNOWN_FEATURES)
    low = len(_KNOWN_FEATURES)
    yield Part(f"{place}, bits {low}–63", "reserved", rest, "Must be 0.", rest != 0)


def _tail(data: bytes, at: int, pieces: tuple[tuple[str, int, str, bool], ...]) -> Iterator[Part]:
    """Pieces of ``data`` from ``at`` on, each with its length, then padding; what is not in ``data`` is left out."""
    for name, length, meaning, is_text in pieces:
        raw = data[at : at + length]
        if raw:
            cut = "" if len(raw) == length else f" It is {length:,} bytes long; here are the first of them."
            value = visible(raw) if is_text else raw.hex(" ")
            yield Part(_bytes(at, at + len(raw)), name, value, meaning + cut)
        at += length
    if padding := data[at:]:
        yield Part(_bytes(at, len(data)), "padding", padding.hex(" "), "Fills up to a multiple of 8 bytes.")


def _bits(low: int, high: int) -> str:
    return f"bits {low}–{high}" if high > low else f"bit {low}"


def _bytes(start: int, stop: int) -> str:
    return f"bytes {start}–{stop - 1}" if stop - start > 1 else f"byte {start}"
