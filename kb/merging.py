"""Putting together what two people made of one text: a three-way merge of whole documents.

Pure. The text is merged by lines as diff3 does it (Khanna, Kunal, Pierce: "A Formal Investigation of Diff3", 2007):
both sides are compared with the base, and what only one of them changed is taken from it. The head is merged field by
field, tags and versions one by one. Lines are paired by the patience method, which takes lines that occur once on
either side for anchors: its time is bounded whatever the text, and people find its pairs the natural ones.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TypeVar

from kb.documents import AppliesToRange, Document

#: Pieces without an anchor are compared pair by pair up to this size; larger ones count as rewritten.
_MOST_PAIRS = 40_000
#: What one comparison may cost, in lines looked at; a text made to cost more counts as rewritten where it ran out.
_MOST_WORK = 4_000_000
_WHOLE_FIELDS = ("title", "kind", "abstract")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Conflict:
    """What both changed, each in another way. Texts as they stood: lines with their ends, or a field in words.

    ``field`` is a name of ``Document``'s; of versions with the component, as in ``applies_to.qemu``. ``line`` says
    where in ``mine`` the lines begin, from 1; 0 in the head. ``base`` is None where nobody knows what both began with.
    """

    field: str
    base: str | None
    mine: str
    theirs: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Merge:
    """Both changes in one ``document``; where they conflict it has what ``mine`` has.

    ``pieces`` is the content in order, text on which both agree between conflicts, for pages that let one choose.
    """

    document: Document
    conflicts: tuple[Conflict, ...]
    pieces: tuple[str | Conflict, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left to decide."""
        return not self.conflicts


def merge_documents(base: Document | None, mine: Document, theirs: Document) -> Merge:
    """What ``mine`` and ``theirs`` changed since ``base``, in one document.

    Without a base every difference is a conflict. Sides change places without changing what is merged and what
    conflicts. Never raises; line ends and the like are made equal first (``Document.normalised``).
    """
    base = base.normalised() if base else None
    mine, theirs = mine.normalised(), theirs.normalised()
    head, conflicts = _merge_heads(base, mine, theirs)
    pieces = tuple(merge_lines(base.content if base else None, mine.content, theirs.content))
    content = "".join(piece if isinstance(piece, str) else piece.mine for piece in pieces)
    conflicts += [piece for piece in pieces if isinstance(piece, Conflict)]
    return Merge(replace(head, content=content).normalised(), tuple(conflicts), pieces)


# ------------------------------------------------------------------------------------------- the head


def _merge_heads(base: Document | None, mine: Document, theirs: Document) -> tuple[Document, list[Conflict]]:
    """``mine`` with what ``theirs`` changed in the head, and the fields that both changed."""
    taken: dict[str, object] = {}
    conflicts = []
    for field in _WHOLE_FIELDS:
        own, other, old = getattr(mine, field), getattr(theirs, field), getattr(base, field, None)
        if own != other and old == own:
            taken[field] = other
        elif own != other and old != other:
            conflicts.append(Conflict(field, old, own, other))
    # A part means something only together with its series.
    places = [(one.series, one.part) for one in (mine, theirs)]
    place = (base.series, base.part) if base else None
    if places[0] != places[1] and place == places[0]:
        taken |= {"series": theirs.series, "part": theirs.part}
    elif places[0] != places[1] and place != places[1]:
        conflicts.append(Conflict("series", _place(base) if base else None, _place(mine), _place(theirs)))
    taken["tags"] = tuple(_merge_sets(base.tags if base else None, mine.tags, theirs.tags))
    ranges, disputed = _merge_ranges(base, mine, theirs)
    taken["applies_to"] = ranges
    return replace(mine, **taken), [*conflicts, *disputed]  # type: ignore[arg-type]  # fields by their names


def _place(document: Document) -> str:
    if not document.series:
        return "none"
    return f"{document.series}, part {document.part}" if document.part else document.series


def _merge_sets(base: Sequence[T] | None, mine: Sequence[T], theirs: Sequence[T]) -> set[T]:
    """Added by either, taken away by either; without a base all of both."""
    old = set(base or ()) & set(mine) & set(theirs)
    return old | (set(mine) - set(base or ())) | (set(theirs) - set(base or ()))


def _merge_ranges(
    base: Document | None, mine: Document, theirs: Document
) -> tuple[tuple[AppliesToRange, ...], list[Conflict]]:
    """Versions of one component belong together: 5.2 made 6.0 here and 7.0 there is one question, not two answers."""
    merged: list[AppliesToRange] = []
    conflicts = []
    named = {one.component for document in (mine, theirs) for one in document.applies_to}
    for component in sorted(named):
        own, other = _ranges_of(mine, component), _ranges_of(theirs, component)
        old = _ranges_of(base, component) if base else None
        if own != other and old not in (own, other) and own and other:
            conflicts.append(
                Conflict(
                    f"applies_to.{component}",
                    None if old is None else _words(old),
                    _words(own),
                    _words(other),
                )
            )
        untouched = old == own or (base is None and not own)
        merged += other if untouched else own or (() if old == other else other)
    return tuple(sorted(merged)), conflicts


def _ranges_of(document: Document, component: str) -> tuple[AppliesToRange, ...]:
    return tuple(one for one in document.applies_to if one.component == component)


def _words(ranges: Sequence[AppliesToRange]) -> str:
    return (
        ", ".join(f"{one.component} {one.minimum or '…'} to {one.maximum or '…'}" for one in ranges) or "none"
    )


# ------------------------------------------------------------------------------------------ the lines


def merge_lines(base: str | None, mine: str, theirs: str) -> Iterator[str | Conflict]:
    """The merged text in order: strings are settled, conflicts are not. Joined strings lose no line of either side."""
    own, other = _lines(mine), _lines(theirs)
    settled: list[str] = []
    for piece in _chunks(None if base is None else _lines(base), own, other):
        if isinstance(piece, Conflict):
            if settled:
                yield "".join(settled)
                settled = []
            yield piece
        else:
            settled += piece
    if settled:
        yield "".join(settled)


def _lines(text: str) -> list[str]:
    """Cut after each line feed alone: other characters that Python takes for line ends are text to Markdown."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def _chunks(base: list[str] | None, mine: list[str], theirs: list[str]) -> Iterator[list[str] | Conflict]:
    if base is None:
        yield from _two_sides(mine, theirs)
        return
    in_mine, in_theirs = dict(matches(base, mine)), dict(matches(base, theirs))
    stable = [line for line in range(len(base)) if line in in_mine and line in in_theirs]
    at = [0, 0, 0]
    for line in [*stable, len(base)]:
        place_mine = in_mine.get(line, len(mine)) if line < len(base) else len(mine)
        place_theirs = in_theirs.get(line, len(theirs)) if line < len(base) else len(theirs)
        old, own, other = base[at[0] : line], mine[at[1] : place_mine], theirs[at[2] : place_theirs]
        if own in (old, other):
            yield other
        elif other == old:
            yield own
        else:
            yield Conflict("content", "".join(old), "".join(own), "".join(other), at[1] + 1)
        if line < len(base):
            yield [base[line]]
        at = [line + 1, place_mine + 1, place_theirs + 1]


def _two_sides(mine: list[str], theirs: list[str]) -> Iterator[list[str] | Conflict]:
    """Where nobody knows the base: what is the same, and every difference as a conflict."""
    own_at = other_at = 0
    for own, other in [*matches(mine, theirs), (len(mine), len(theirs))]:
        if own > own_at or other > other_at:
            texts = "".join(mine[own_at:own]), "".join(theirs[other_at:other])
            yield Conflict("content", None, *texts, own_at + 1)
        yield mine[own : own + 1]
        own_at, other_at = own + 1, other + 1


def matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places with equal lines, both rising: the common part by which two texts are compared."""
    found: list[tuple[int, int]] = []
    work = 0
    todo = [(0, len(old), 0, len(new))]
    while todo:
        start, stop, new_start, new_stop = todo.pop()
        while start < stop and new_start < new_stop and old[start] == new[new_start]:
            found.append((start, new_start))
            start, new_start = start + 1, new_start + 1
        while start < stop and new_start < new_stop and old[stop - 1] == new[new_stop - 1]:
            stop, new_stop = stop - 1, new_stop - 1
            found.append((stop, new_stop))
        work += stop - start + new_stop - new_start
        if start == stop or new_start == new_stop or work > _MOST_WORK:
            continue
        anchors = _anchors(old, new, (start, stop, new_start, new_stop))
        if anchors:
            ends = [*anchors, (stop, new_stop)]
            starts = [(start, new_start), *((a + 1, b + 1) for a, b in anchors)]
            todo += [(a, c, b, d) for (a, b), (c, d) in zip(starts, ends, strict=True)]
            found += anchors
        elif (pairs := (stop - start) * (new_stop - new_start)) <= _MOST_PAIRS:
            work += 10 * pairs
            matcher = SequenceMatcher(None, old[start:stop], new[new_start:new_stop], autojunk=False)
            for block in matcher.get_matching_blocks():
                found += [(start + block.a + i, new_start + block.b + i) for i in range(block.size)]
    return sorted(found)


def _anchors(
    old: Sequence[str], new: Sequence[str], window: tuple[int, int, int, int]
) -> list[tuple[int, int]]:
    """Lines that occur once on either side of the window, as many as rise on both."""
    start, stop, new_start, new_stop = window
    counts, new_counts = Counter(old[start:stop]), Counter(new[new_start:new_stop])
    place = {new[index]: index for index in range(new_start, new_stop) if new_counts[new[index]] == 1}
    pairs = [
        (index, place[old[index]])
        for index in range(start, stop)
        if counts[old[index]] == 1 and old[index] in place
    ]
    return _longest_rising(pairs)


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of ``pairs``, sorted by the first, that rises in the second too (patience sorting)."""
    tops: list[int] = []  # the least last value of a run of each length
    ends: list[int] = []  # and which pair that is
    before: list[int] = []
    for index, (_, value) in enumerate(pairs):
        length = bisect_left(tops, value)
        tops[length : length + 1] = [value]
        ends[length : length + 1] = [index]
        before.append(ends[length - 1] if length else -1)
    run = []
    index = ends[-1] if ends else -1
    while index >= 0:
        run.append(pairs[index])
        index = before[index]
    return run[::-1]
