"""Two texts side by side: which lines differ, and which words of them. Pure, and bounded whatever the texts are."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from kb.documents import Document
from kb.merging import matches

#: Lines kept around a change; what is further away is folded.
CONTEXT = 3
#: Rows of one comparison that a page shows.
MOST_ROWS = 2_000
#: Work that picking out words may cost: pairs of words, counted up to the most that ``matches`` compares one by one.
_MOST_PAIRS, _BUDGET = 40_000, 2_000_000
#: Two lines with less than this share in common are shown as removed and added, without words picked out.
_ALIKE = 0.35
_WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a line; ``is_changed``: the other side does not have it."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One line of one of the texts; ``number`` counts from 1."""

    number: int
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The line without marks."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Row:
    """What stands beside each other. Both sides: equal, or changed. One side: added or removed. None: a fold."""

    kind: str
    """``equal``, ``changed``, ``added``, ``removed`` or ``folded``."""
    old: Side | None = None
    new: Side | None = None
    folded: int = 0
    """Equal lines that are left out here."""


@dataclass(frozen=True, slots=True)
class HeadChange:
    """A field at the head of a document that differs, in words."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Diff:
    """All that differs between two documents."""

    head: tuple[HeadChange, ...]
    rows: tuple[Row, ...]
    added: int
    removed: int
    left_out: int
    """Rows beyond :data:`MOST_ROWS`."""

    @property
    def is_empty(self) -> bool:
        """Whether the two say the same."""
        return not self.head and not self.added and not self.removed


class _Budget:
    """How much may still be spent on words."""

    def __init__(self) -> None:
        self.lines, self.pairs = MOST_ROWS, _BUDGET

    def take(self, pairs: int) -> bool:
        self.lines -= 1
        self.pairs -= min(pairs, _MOST_PAIRS)
        return self.lines >= 0 and self.pairs >= 0


def compare(
    old: Document, new: Document, *, context: int | None = CONTEXT, keep: Collection[int] = ()
) -> Diff:
    """The differences from ``old`` to ``new``.

    ``context`` None keeps every equal line; ``keep`` has lines of ``new``, from 1, that are shown whatever they are.
    Two texts of 200,000 characters take a second at the worst that was found (lines of one letter), and a tenth of
    it as people write.
    """
    budget = _Budget()
    rows = list(_rows(_lines(old.content), _lines(new.content), budget))
    added = sum(row.kind in ("added", "changed") for row in rows)
    removed = sum(row.kind in ("removed", "changed") for row in rows)
    if context is not None:
        rows = list(_fold(rows, context, keep))
    return Diff(
        head=_head(old, new),
        rows=tuple(rows[:MOST_ROWS]),
        added=added,
        removed=removed,
        left_out=max(0, len(rows) - MOST_ROWS),
    )


def _lines(text: str) -> list[str]:
    """Without the empty one after the last line feed; no other character ends a line of Markdown."""
    return text.removesuffix("\n").split("\n") if text else []


def _rows(old: Sequence[str], new: Sequence[str], budget: _Budget) -> Iterator[Row]:
    at_old = at_new = 0
    for same_old, same_new in [*matches(old, new), (len(old), len(new))]:
        yield from _changed(old, new, (at_old, same_old), (at_new, same_new), budget)
        if same_old < len(old):
            yield Row("equal", _whole(same_old, old[same_old]), _whole(same_new, new[same_new]))
        at_old, at_new = same_old + 1, same_new + 1


def _changed(
    old: Sequence[str],
    new: Sequence[str],
    old_range: tuple[int, int],
    new_range: tuple[int, int],
    budget: _Budget,
) -> Iterator[Row]:
    """Lines that became others: beside each other in their order, the surplus of one side alone."""
    lefts, rights = range(*old_range), range(*new_range)
    both = min(len(lefts), len(rights))
    for left, right in zip(lefts[:both], rights[:both], strict=True):
        left_parts, right_parts = _words(old[left], new[right], budget)
        yield Row("changed", Side(left + 1, left_parts), Side(right + 1, right_parts))
    for left in lefts[both:]:
        yield Row("removed", old=_whole(left, old[left]))
    for right in rights[both:]:
        yield Row("added", new=_whole(right, new[right]))


def _whole(index: int, line: str) -> Side:
    return Side(index + 1, (Segment(line, False),) if line else ())


def _words(old: str, new: str, budget: _Budget) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Both lines in pieces, with those marked that the other does not have."""
    lefts, rights = _WORD.findall(old), _WORD.findall(new)
    if not budget.take(len(lefts) * len(rights)):
        return _plain(old), _plain(new)
    same = matches(lefts, rights)
    if sum(len(lefts[at]) for at, _ in same) < _ALIKE * max(len(old), len(new)):
        return _plain(old), _plain(new)
    return _segments(lefts, {at for at, _ in same}), _segments(rights, {at for _, at in same})


def _plain(line: str) -> tuple[Segment, ...]:
    return (Segment(line, True),) if line else ()


def _segments(words: Sequence[str], same: set[int]) -> tuple[Segment, ...]:
    marked = ((word, at not in same) for at, word in enumerate(words))
    return tuple(
        Segment("".join(word for word, _ in some), is_changed)
        for is_changed, some in groupby(marked, key=lambda pair: pair[1])
    )


def _fold(rows: Sequence[Row], context: int, keep: Collection[int]) -> Iterator[Row]:
    """Without the equal rows that are further than ``context`` from every change."""
    shown = bytearray(len(rows))
    for index, row in enumerate(rows):
        if row.kind != "equal" or (row.new and row.new.number in keep):
            first, last = max(0, index - context), min(len(rows), index + context + 1)
            shown[first:last] = b"\1" * (last - first)
    folded = 0
    for row, is_shown in zip(rows, shown, strict=True):
        if not is_shown:
            folded += 1
            continue
        if folded:
            yield Row("folded", folded=folded)
            folded = 0
        yield row
    if folded:
        yield Row("folded", folded=folded)


def _head(old: Document, new: Document) -> tuple[HeadChange, ...]:
    pairs = (
        (label, left, right)
        for (label, left), (_, right) in zip(_head_words(old), _head_words(new), strict=True)
    )
    return tuple(HeadChange(label, left, right) for label, left, right in pairs if left != right)


def _head_words(document: Document) -> list[tuple[str, str]]:
    """The head as words, under the names that the editor has for them."""
    versions = ", ".join(
        " ".join(filter(None, [one.component, one.minimum and f"from {one.minimum}", _until(one.maximum)]))
        for one in document.applies_to
    )
    return [
        ("Title", document.title),
        ("Kind", document.kind),
        ("Summary", document.abstract),
        ("Tags", ", ".join(document.tags)),
        ("Applies to", versions),
        ("Series", document.series),
        ("Part", "" if document.part is None else str(document.part)),
    ]


def _until(maximum: str) -> str:
    return maximum and f"up to {maximum}"
