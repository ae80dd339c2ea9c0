"""The bytes behind a finding, as stored, as rows of the page: a dump, and what each part of it says. No HTML.

A report from before there were subjects, roles and counts has entries alone, and is shown with those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from labtools.header_rows import HexByte, HexRow, Json
from labtools.qcow2 import counted

_PLACE = re.compile(
    r"(?P<second>second 8 bytes, )?(?:bytes? (?P<start>\d+)(?:–(?P<stop>\d+))?(?:, )?)?"
    r"(?:bits? (?P<low>\d+)(?:–(?P<high>\d+))?)?"
)
"""Where a part is, as :mod:`labtools.qcow2.annotated` writes it: bytes from the entry's begin, bits from its end."""


@dataclass(frozen=True)
class PartRow:
    """A field, or some bits. ``broken`` says in words what is wrong with it; ``css`` is the colour of its bytes."""

    name: str
    place: str
    value: str
    meaning: str
    broken: str
    css: str


@dataclass(frozen=True)
class EntryRow:
    """An entry: where it is, its dump, and its parts; their meanings are told once for each kind of entry."""

    place: str
    role: str
    rows: tuple[HexRow, ...]
    layout: str
    parts: tuple[PartRow, ...]
    is_explained: bool


@dataclass(frozen=True)
class SubjectRow:
    """Entries that tell of one host cluster, at ``offset``; or that stand for themselves, with None."""

    place: str
    offset: int | None
    entries: tuple[EntryRow, ...]


@dataclass(frozen=True)
class FindingBytes:
    """All entries of a finding, and what is to be said of those that are not here."""

    id: str
    title: str
    subjects: tuple[SubjectRow, ...]
    notes: tuple[str, ...]


def words_of(code: str) -> str:
    """A code as words; abbreviations keep their capitals."""
    capital = {"l1": "L1", "l2": "L2", "luks": "LUKS", "vm": "VM", "id": "ID"}
    return " ".join(capital.get(word, word) for word in code.split("-"))


def bytes_of(told: Json, code: str) -> FindingBytes | None:
    """Those of a kind of finding in the stored check ``told``; None where it has none."""
    entries = [each for each in told.get("evidence", ()) if each["code"] == code]
    notes = tuple(_notes(told, code, bool(entries)))
    if not entries and not notes:
        return None
    seen: set[str] = set()
    subjects = tuple(
        SubjectRow(
            "" if subject is None else f"0x{subject:x}", subject, tuple(_entry(one, seen) for one in here)
        )
        for subject, here in groupby(entries, key=lambda one: one.get("subject"))
    )
    return FindingBytes(f"bytes-{code}", words_of(code), subjects, notes)


def _notes(told: Json, code: str, has_some: bool) -> Iterator[str]:
    more = told.get("evidence_more", {}).get(code, 0)
    withheld = told.get("evidence_withheld", {}).get(code, 0)
    if withheld:
        yield (
            f"The bytes of {counted(withheld, 'entry', 'entries')} are left out: where a damaged pointer calls a table "
            "what holds data of the guest or a LUKS header, this page does not show it."
        )
    if more and has_some:
        yield f"{more:,} more of this kind {'is' if more == 1 else 'are'} not shown byte by byte."


def _entry(told: Json, seen: set[str]) -> EntryRow:
    data, layout = bytes.fromhex(told["data"]), told["layout"]
    is_explained = layout not in seen
    seen.add(layout)
    owners = _owners(told["parts"], data)
    # Four colours in turn, in the order of the bytes, so that neighbours differ.
    colours = {
        number: "byte-bad" if told["parts"][number]["broken"] else f"byte-{place % 4 + 1}"
        for place, number in enumerate(each for each in dict.fromkeys(owners) if each >= 0)
    }
    return EntryRow(
        place=f"0x{told['offset']:x}",
        role=told.get("role", ""),
        rows=tuple(_rows(told["offset"], data, [colours.get(owner, "") for owner in owners])),
        # A refcount is a mere number: the page on the format tells of it in words.
        layout="way" if layout == "refcount" else layout,
        parts=tuple(
            PartRow(
                name=part["name"],
                place=part["place"],
                value=part["value"],
                meaning=part["meaning"],
                broken=_fault(part),
                css=colours.get(number, ""),
            )
            for number, part in enumerate(told["parts"])
        ),
        is_explained=is_explained,
    )


def _fault(part: Json) -> str:
    if not part["broken"]:
        return ""
    zero = "reserved" in part["name"] or part["name"].endswith(("bit", "all ones"))
    return "should be 0" if zero else "breaks the format"


def _owners(parts: list[Json], data: bytes) -> list[int]:
    """For each byte the number of the part that has most of its bits; what is wrong there goes before all others."""
    best: list[tuple[int, int]] = [(0, -1)] * len(data)
    for number, part in enumerate(parts):
        for at, mask in covered(part["place"], len(data)):
            if not 0 <= at < len(data):
                continue
            wrong = part["broken"] and (mask == 0xFF or data[at] & mask)
            weight = mask.bit_count() + 8 * bool(wrong)
            if weight > best[at][0]:
                best[at] = (weight, number)
    return [number for _, number in best]


def covered(place: str, length: int) -> Iterator[tuple[int, int]]:
    """The bytes of an entry of ``length`` on which a part lies, and which of their bits it has."""
    found = _PLACE.fullmatch(place)
    if not found or not place:
        return
    start = int(found["start"] or (8 if found["second"] else 0))
    stop = int(found["stop"] or start) if found["start"] else start + min(length, 8) - 1
    if not found["low"]:
        yield from ((at, 0xFF) for at in range(start, stop + 1))
        return
    low = int(found["low"])
    bits = (1 << int(found["high"] or low) + 1) - (1 << low)
    for at in range(stop, start - 1, -1):
        if mask := bits >> (stop - at) * 8 & 0xFF:
            yield at, mask


def _rows(offset: int, data: bytes, colours: list[str]) -> Iterator[HexRow]:
    cells = [HexByte(f"{byte:02x}", "", css) for byte, css in zip(data, colours, strict=True)]
    for at in range(0, len(cells), 16):
        row = cells[at : at + 16]
        yield HexRow(f"{offset + at:08x}", tuple(tuple(half) for half in (row[:8], row[8:]) if half))
