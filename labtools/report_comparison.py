"""Two reports of one image side by side: before and after a repair. Reads stored JSON; no database, no HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labtools.bytes_page import words_of
from labtools.header_rows import Json
from labtools.models import ImageCheck
from labtools.qcow2 import binary_size
from labtools.reading_page import TONES

_FIXED = (("virtual_size", "virtual size"), ("cluster_size", "cluster size"), ("encryption", "encryption"))
"""What no repair and no copy changes: where these differ, so do the images."""
_NUMBERS = (
    "check-errors",
    "corruptions",
    "leaks",
    "allocated-clusters",
    "fragmented-clusters",
    "compressed-clusters",
    "image-end-offset",
)


@dataclass(frozen=True)
class Row:
    """A label with its value in the earlier and in the later report."""

    label: str
    before: str
    after: str

    @property
    def is_changed(self) -> bool:
        """Whether the two differ."""
        return self.before != self.after


@dataclass(frozen=True)
class Change:
    """A kind of finding in both reports. ``state`` is ``gone``, ``new``, ``fewer``, ``more`` or ``still there``."""

    title: str
    severity: str
    tone: str
    state: str
    before: int
    after: int


@dataclass(frozen=True)
class Comparison:
    """What became of an image. ``doubts`` say why the two may be of different images; ``note`` what cannot be told."""

    is_same_file: bool
    doubts: tuple[str, ...]
    rows: tuple[Row, ...]
    changes: tuple[Change, ...]
    note: str


def compare_reports(earlier: ImageCheck, later: ImageCheck) -> Comparison:
    """Compare two finished checks; the earlier one first."""
    before, after = earlier.result or {}, later.result or {}
    told = all((result.get("reading") or {}).get("findings") is not None for result in (before, after))
    return Comparison(
        is_same_file=bool(earlier.sha256) and earlier.sha256 == later.sha256,
        doubts=tuple(_doubts(before, after)),
        rows=tuple(_rows(earlier, later)),
        changes=tuple(_changes(before, after)) if told else (),
        note=""
        if told
        else "One of the two has no findings of our check, so only the numbers can be compared.",
    )


def _doubts(before: Json, after: Json) -> Iterator[str]:
    ours, theirs = ((result.get("header") or {}).get("facts") for result in (before, after))
    if not ours or not theirs:
        yield "One of the two has no header that could be read."
        return
    for name, words in _FIXED:
        if ours.get(name) != theirs.get(name):
            yield f"The {words} differs: {_said(name, ours.get(name))} and {_said(name, theirs.get(name))}."


def _said(name: str, value: object) -> str:
    return binary_size(value) if name.endswith("size") and isinstance(value, int) else str(value or "none")


def _rows(earlier: ImageCheck, later: ImageCheck) -> Iterator[Row]:
    pair = (earlier, later)
    results = [each.result or {} for each in pair]
    yield Row("Verdict", *(result["verdict"]["sentence"] for result in results))
    yield Row("File length", *(f"{each.length:,} bytes" for each in pair))
    yield Row("SHA-256", *(each.sha256 or "not known" for each in pair))
    versions = [(result.get("versions") or {}).get("qemu_img") or "not run" for result in results]
    yield Row("qemu-img", *versions)
    numbers = [(result.get("check") or {}).get("numbers") or {} for result in results]
    for name in _NUMBERS:
        if any(name in each for each in numbers):
            yield Row(name, *(f"{each[name]:,}" if each.get(name) is not None else "—" for each in numbers))


def _changes(before: Json, after: Json) -> Iterator[Change]:
    """Gone ones last: what there is to worry about stands first."""
    found = [{each["code"]: each for each in result["reading"]["findings"]} for result in (before, after)]
    rows = []
    for code in dict.fromkeys([*found[1], *found[0]]):
        one = found[1].get(code) or found[0][code]
        counts = [each[code]["count"] if code in each else 0 for each in found]
        rows.append(
            Change(
                words_of(code), one["severity"], TONES.get(one["severity"], "note"), _state(*counts), *counts
            )
        )
    order = ["new", "more", "still there", "fewer", "gone"]
    yield from sorted(rows, key=lambda row: order.index(row.state))


def _state(before: int, after: int) -> str:
    if not before or not after:
        return "new" if after else "gone"
    return "still there" if before == after else "more" if after > before else "fewer"
