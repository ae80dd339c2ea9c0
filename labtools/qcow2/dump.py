"""The bytes of the first cluster with an owner for each, so that a page can join bytes and fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from . import layout
from .readings import Dump, ExtensionArea, NameReading, Span
from .rules import HeaderValues
from .source import ImageSource

MAX_DUMP: Final = 4096
"""Bytes that are shown at most."""
ROW: Final = 16


@dataclass(frozen=True, slots=True)
class HexCell:
    """A byte of the dump: two hexadecimal digits, its character or a dot, and the id of its span."""

    offset: int
    hex: str
    char: str
    span: str


@dataclass(frozen=True, slots=True)
class HexRow:
    """Sixteen bytes of the dump, or fewer in the last row."""

    offset: int
    cells: tuple[HexCell, ...]


def build_dump(
    source: ImageSource, values: HeaderValues, area: ExtensionArea, backing: NameReading | None
) -> Dump:
    """The bytes up to the end of header, extensions and backing name, at most :data:`MAX_DUMP`, with their
    owners.

    Where two claim a byte, the first keeps it: fields, then extensions, then the backing file's name.
    """
    claims = [
        Span(
            f"field-{field.name}",
            "field",
            field.offset,
            field.offset + len(values.raw[field.name]),
            field.name,
        )
        for field in layout.HEADER_FIELDS
        if values.raw[field.name]
    ]
    known = claims[-1].stop
    if values.header_length_valid and values.header_length > known:
        claims.append(
            Span("unknown-fields", "unknown-fields", known, values.header_length, "fields of a later version")
        )
    for extension in area.extensions:
        length = 0 if extension.type == layout.ExtensionType.END else extension.length
        stop = min(extension.data_offset + (length + 7) // 8 * 8, max(area.end, extension.data_offset))
        claims.append(Span(extension.span, "extension", extension.offset, stop, extension.name))
    if backing:
        claims.append(
            Span(
                backing.span,
                "backing-name",
                backing.offset,
                backing.offset + len(backing.raw),
                "backing file name",
            )
        )
    end = min(max(claim.stop for claim in claims), source.length)
    data = source.pread(0, min(end, MAX_DUMP))
    return Dump(data, end, tuple(_partition(claims, len(data))))


def _partition(claims: Sequence[Span], end: int) -> Iterator[Span]:
    """The claims cut to the bytes that no earlier claim has, in order; gaps become spans too."""
    # At most MAX_DUMP bytes and some ninety claims: painting bytes is simplest, and cannot go wrong.
    owner: list[Span | None] = [None] * end
    for claim in claims:
        for offset in range(claim.start, min(claim.stop, end)):
            owner[offset] = owner[offset] or claim
    start = 0
    while start < end:
        holder = owner[start]
        stop = start
        while stop < end and owner[stop] is holder:
            stop += 1
        if holder is None:
            yield Span("unused", "unused", start, stop, "unused")
        else:
            yield Span(holder.id, holder.kind, start, stop, holder.label)
        start = stop


def hex_rows(data: bytes, spans: Sequence[Span]) -> Iterator[HexRow]:
    """The dump in rows of sixteen bytes, each byte with the id of its span."""
    owners = [span.id for span in spans for _ in range(span.start, span.stop)]
    for start in range(0, len(data), ROW):
        yield HexRow(
            start,
            tuple(
                HexCell(at, f"{data[at]:02x}", chr(data[at]) if 32 <= data[at] < 127 else ".", owners[at])
                for at in range(start, min(start + ROW, len(data)))
            ),
        )
