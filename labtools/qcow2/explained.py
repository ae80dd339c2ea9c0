"""The whole format in tables for people, made of the rows that decode images and of nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from . import entries, layout

EXAMPLE_CLUSTER_BITS: Final = 16
"""qemu-img's default cluster size, for the entry whose bits depend on it."""


@dataclass(frozen=True, slots=True)
class FormatRow:
    """A field, or some bits of an entry. ``place`` is in bytes from the structure's begin, or in bits.

    ``rule`` is what must hold, or is empty. ``versions`` names those that have it.
    """

    id: str
    place: str
    name: str
    meaning: str
    rule: str = ""
    versions: str = ""


@dataclass(frozen=True, slots=True)
class FormatTable:
    """One structure. ``unit`` is what its places count: bytes, bits, or a type's number."""

    id: str
    title: str
    meaning: str
    unit: str
    section: str
    rows: tuple[FormatRow, ...]


def format_tables() -> tuple[FormatTable, ...]:
    """Every structure of the format, in the order in which one meets them in a file."""
    return tuple(_tables())


def _tables() -> Iterator[FormatTable]:
    yield FormatTable(
        "header",
        "Header",
        "The file begins with it.",
        "Bytes",
        "Header",
        _fields("header", layout.HEADER_FIELDS),
    )
    yield FormatTable(
        "feature-bits",
        "Feature bits",
        "The bits of the three feature fields of a version 3 header.",
        "Bit",
        "Header",
        tuple(
            FormatRow(
                f"feature-{feature.set.name.lower()}-{feature.bit}",
                f"{feature.set.name.lower()} {feature.bit}",
                feature.name,
                feature.meaning,
            )
            for feature in layout.FEATURES
        ),
    )
    yield from _extensions()
    yield from map(
        _entry,
        (
            entries.L1_ENTRY,
            entries.L2_ENTRY,
            entries.compressed_l2_entry(EXAMPLE_CLUSTER_BITS),
            entries.SUBCLUSTER_BITMAP,
            entries.REFCOUNT_TABLE_ENTRY,
        ),
    )
    yield _bytes("snapshot", "Snapshot table entry", "One internal snapshot.", layout.SNAPSHOT_ENTRY.fields)
    yield _bytes(
        "snapshot-extra",
        "Extra data of a snapshot",
        "Follows the entry; each field is there if extra_data_size reaches that far. ID and name come next.",
        layout.SNAPSHOT_EXTRA,
    )
    yield _bytes(
        "bitmap-entry",
        "Bitmap directory entry",
        "One persistent bitmap. Extra data and name follow, then zeros up to a multiple of 8 bytes.",
        layout.BITMAP_ENTRY.fields,
    )
    yield FormatTable(
        "bitmap-flags",
        "Flags of a bitmap",
        "The bits of the field flags in a bitmap directory entry.",
        "Bits",
        "Bitmap directory",
        _bits("bitmap-flags", entries.BITMAP_FLAGS),
    )
    yield _entry(entries.BITMAP_TABLE_ENTRY)


def _extensions() -> Iterator[FormatTable]:
    yield FormatTable(
        "extensions",
        "Header extensions",
        "Each begins with its type and the length of its data, and is padded to a multiple of 8 bytes.",
        "Type",
        "Header extensions",
        tuple(
            FormatRow(f"extension-{each.type:08x}", f"0x{each.type:08x}", each.name, each.meaning, each.rule)
            for each in layout.EXTENSIONS
        ),
    )
    for each in layout.EXTENSIONS:
        if each.layout:
            yield _bytes(
                f"data-{each.type:08x}",
                f"Data of the extension: {each.name}",
                each.meaning,
                each.layout.fields,
            )


def _bytes(key: str, title: str, meaning: str, fields: Iterable[layout.Field]) -> FormatTable:
    rows = tuple(fields)
    return FormatTable(key, title, meaning, "Bytes", rows[0].section, _fields(key, rows))


def _fields(key: str, fields: Iterable[layout.Field]) -> tuple[FormatRow, ...]:
    return tuple(
        FormatRow(
            f"{key}-{field.name}",
            f"{field.offset}–{field.end - 1}" if field.size > 1 else str(field.offset),
            field.name,
            field.meaning,
            " ".join(filter(None, (field.rule, _choices(field)))),
            "2 and 3" if field.since == 2 else f"{field.since}",
        )
        for field in fields
    )


def _choices(field: layout.Field) -> str:
    named = (f"{number}: {words}" for number, words in (field.choices or {}).items())
    return f"{'; '.join(named)}." if field.choices else ""


def _entry(entry: entries.EntryLayout) -> FormatTable:
    rows = _bits(entry.id, entry.bits)
    return FormatTable(entry.id, entry.name, entry.meaning, "Bits", entry.section, rows)


def _bits(key: str, bits: Iterable[entries.Bits]) -> tuple[FormatRow, ...]:
    return tuple(
        FormatRow(
            f"{key}-{part.low}",
            f"{part.low}–{part.high}" if part.high > part.low else str(part.low),
            part.name,
            part.meaning,
        )
        for part in bits
    )
