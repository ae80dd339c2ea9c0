"""The header of a stored report as rows: the dump in bytes that know their field, and the fields in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labtools.qcow2 import Span, binary_size, counted, hex_rows

HEX_BYTES = 1024
"""Bytes of the header cluster that the page shows; a sound header with its extensions has about 400."""
SNAPSHOTS = 100

Json = dict[str, Any]


@dataclass(frozen=True)
class Fact:
    """A label with its value."""

    label: str
    value: str


@dataclass(frozen=True)
class HexByte:
    """A byte of the dump. The first byte of a field has an ``anchor`` and a ``target``: the field's row."""

    hex: str
    span: str
    css: str
    label: str = ""
    anchor: str = ""
    target: str = ""


@dataclass(frozen=True)
class HexRow:
    """Sixteen bytes in two halves, after their offset."""

    offset: str
    halves: tuple[tuple[HexByte, ...], ...]


@dataclass(frozen=True)
class FieldRow:
    """A field, or an extension. ``bytes_link`` is empty where its bytes are not shown."""

    id: str
    span: str
    name: str
    place: str
    bytes_link: str
    raw: str
    human: str
    meaning: str
    rule: str
    state: str
    tone: str
    problems: tuple[str, ...]
    details: tuple[Fact, ...] = ()
    details_more: int = 0
    css: str = ""


def dump_of(header: Json | None) -> tuple[bytes, list[Span]]:
    if not header:
        return b"", []
    data = bytes.fromhex(header["dump"]["data"])[:HEX_BYTES]
    return data, [Span(**span) for span in header["dump"]["spans"]]


def is_cut(header: Json) -> bool:
    return bool(header["dump"]["cut"]) or len(header["dump"]["data"]) > 2 * HEX_BYTES


def colours_of(header: Json | None) -> dict[str, str]:
    """Four colours in turn, so that neighbours differ; bytes that belong to nothing have none."""
    spans = [span for span in header["dump"]["spans"] if span["kind"] != "unused"] if header else []
    return {span["id"]: f"byte-{index % 4 + 1}" for index, span in enumerate(spans)}


def hex_rows_of(
    dump: tuple[bytes, list[Span]], colours: dict[str, str], broken: set[str]
) -> Iterator[HexRow]:
    data, spans = dump
    labels = {span.id: span.label for span in spans}
    seen: set[str] = set()
    for row in hex_rows(data, [_cut(span, len(data)) for span in spans]):
        cells = []
        for cell in row.cells:
            css = "byte-bad" if cell.span in broken else colours.get(cell.span, "")
            first = cell.span not in seen and cell.span in colours
            seen.add(cell.span)
            if first:
                cells.append(
                    HexByte(cell.hex, cell.span, css, labels[cell.span], f"b-{cell.offset}", cell.span)
                )
            else:
                cells.append(HexByte(cell.hex, cell.span, css))
        yield HexRow(f"{row.offset:08x}", (tuple(cells[:8]), tuple(cells[8:])))


def _cut(span: Span, end: int) -> Span:
    return Span(span.id, span.kind, min(span.start, end), min(span.stop, end), span.label)


_TONES = {"kept": "good", "broken": "bad"}


def field_rows(header: Json | None) -> Iterator[FieldRow]:
    colours = colours_of(header)
    for field in header["fields"] if header else ():
        last = field["offset"] + field["length"] - 1
        yield FieldRow(
            id=field["span"],
            span=field["span"],
            name=field["name"],
            place=f"{field['offset']}–{last}",
            bytes_link=f"#b-{field['offset']}" if field["raw"] else "",
            raw=_spaced(field["raw"]),
            human=field["human"],
            meaning=field["meaning"],
            rule=field["rule"],
            state="absent" if not field["raw"] else _state(field),
            tone=_field_tone(field),
            problems=tuple(problem["sentence"] for problem in field["problems"]),
            css=colours.get(field["span"], ""),
        )


def _state(part: Json) -> str:
    if part["state"] == "not applicable":
        return "does not apply" if part["rule"] else "no rule"
    return str(part["state"])


def _field_tone(part: Json) -> str:
    tone = _TONES.get(part["state"], "")
    if tone == "bad" and all(problem["severity"] != "error" for problem in part["problems"]):
        return "warn"
    return tone


def extension_rows(header: Json | None) -> Iterator[FieldRow]:
    for part in header["extensions"]["extensions"] if header else ():
        shown = part["offset"] < HEX_BYTES
        yield FieldRow(
            id=part["span"],
            span=part["span"],
            name=part["name"],
            place=f"{part['offset']}–{part['offset'] + 7 + part['length']}",
            bytes_link=f"#b-{part['offset']}" if shown else "",
            raw=f"type 0x{part['type']:08x}, {counted(part['length'], 'byte')} of data",
            human=part["human"],
            meaning=part["meaning"],
            rule=part["rule"],
            state=_state(part),
            tone=_field_tone(part),
            problems=tuple(problem["sentence"] for problem in part["problems"]),
            details=tuple(Fact(detail["label"], detail["human"]) for detail in part["details"]),
            details_more=part["details_more"],
        )


def _spaced(raw: str) -> str:
    return " ".join(raw[at : at + 2] for at in range(0, len(raw), 2))


def snapshot_rows(header: Json | None) -> Iterator[Json]:
    for entry in header["snapshots"]["entries"][:SNAPSHOTS] if header else ():
        disk, state = entry["disk_size"], entry["vm_state_size"]
        yield entry | {
            "disk": "not stored" if disk is None else binary_size(disk),
            "state": binary_size(state) if state else "none",
            "problems": [problem["sentence"] for problem in entry["problems"]],
        }


def snapshot_names(header: Json | None) -> dict[int, str]:
    """Names of the snapshots by their place in the table, as far as the report has them."""
    entries = header["snapshots"]["entries"] if header else []
    return {number: str(entry["name"]) for number, entry in enumerate(entries)}


def snapshots_more(header: Json | None) -> int:
    if not header:
        return 0
    table = header["snapshots"]
    return int(table["more"]) + max(0, len(table["entries"]) - SNAPSHOTS)
