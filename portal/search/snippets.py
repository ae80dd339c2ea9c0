"""Cut from a text the place that answers a query, in Python, so that it looks the same on both databases."""

import re
from dataclasses import dataclass

from portal.search.parsing import Query
from portal.search.words import stem

#: Characters of a snippet, and how many hits are looked at.
LENGTH, MAX_HITS = 220, 60


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a snippet; ``is_marked`` where it is what was looked for. To be escaped like any text."""

    text: str
    is_marked: bool = False


def cut(text: str, query: Query) -> list[Segment]:
    """The part of ``text`` with most of what ``query`` asks for, its hits marked; the beginning if there is none."""
    pattern = hits_of(query)
    hits = [] if pattern is None else _first_hits(pattern, text)
    start = _best_start(text, hits)
    end = min(len(text), start + LENGTH)
    if end < len(text):
        end = max(text.rfind(" ", start, end), start + LENGTH // 2)
    segments = mark(text[start:end], pattern)
    if start:
        segments.insert(0, Segment("… "))
    if end < len(text):
        segments.append(Segment(" …"))
    return segments


def hits_of(query: Query) -> re.Pattern[str] | None:
    """What to mark: the words of the query with their endings; a code token with whatever stands between its parts."""
    forms = []
    for term in query.terms:
        if len(term.words) > 1 and not term.is_phrase:
            forms.append(r"[-_./:@+~]{1,3}".join(re.escape(word) for word in term.words))
        else:
            forms += [re.escape(_root(word)) + r"\w*" for word in term.words]
    if not forms:
        return None
    return re.compile(
        r"(?<!\w)(?:" + "|".join(sorted(set(forms), key=len, reverse=True)) + ")", re.IGNORECASE
    )


def _root(word: str) -> str:
    """What a word and its other endings have in common: the stem, less what the stemmer put in place."""
    short = stem(word)
    same = 0
    while same < min(len(short), len(word)) and short[same] == word[same]:
        same += 1
    return word[: max(same, min(3, len(word)))]


def _first_hits(pattern: re.Pattern[str], text: str) -> list[tuple[int, str]]:
    hits = []
    for match in pattern.finditer(text):
        hits.append((match.start(), match.group().casefold()))
        if len(hits) >= MAX_HITS:
            break
    return hits


def _best_start(text: str, hits: list[tuple[int, str]]) -> int:
    """Where to begin so that the most different hits are seen."""
    best, most = 0, 0
    for index, (position, _) in enumerate(hits):
        inside = {form for at, form in hits[index:] if at < position + LENGTH - 40}
        if len(inside) > most:
            best, most = position, len(inside)
    if not most or best < 60:
        return 0
    space = text.find(" ", best - 60, best)
    return space + 1 if space >= 0 else best


def mark(text: str, pattern: re.Pattern[str] | None) -> list[Segment]:
    """``text`` as segments, the hits marked."""
    segments, at = [], 0
    for match in pattern.finditer(text) if pattern is not None else ():
        if match.start() > at:
            segments.append(Segment(text[at : match.start()]))
        segments.append(Segment(match.group(), True))
        at = match.end()
    if at < len(text):
        segments.append(Segment(text[at:]))
    return segments
