"""Ask the index."""

from dataclasses import dataclass, replace

from django.db import connection
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from portal.search import registry, snippets
from portal.search.engines import counted, engine
from portal.search.models import SearchDocument, SearchWord
from portal.search.parsing import Query, Term, parse_query
from portal.search.snippets import Segment
from portal.search.words import stem

PER_PAGE = 20
#: A word's suggestions are looked for among this many, and this many last letters may complete it.
MAX_NEAR, MAX_COMPLETIONS = 20_000, 25


@dataclass(frozen=True, slots=True)
class Result:
    """One thing found, its hits marked."""

    room: str
    note: str
    title: list[Segment]
    url: str
    snippet: list[Segment]

    @property
    def title_text(self) -> str:
        """The title without marks."""
        return "".join(segment.text for segment in self.title)

    @property
    def snippet_text(self) -> str:
        """The snippet without marks."""
        return "".join(segment.text for segment in self.snippet)


@dataclass(frozen=True, slots=True)
class Facet:
    """How much one room has. ``is_more``: at least that much."""

    room: str
    count: int
    is_more: bool


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of what was found."""

    query: str
    room: str
    results: list[Result]
    facets: list[Facet]
    total: int
    is_more: bool
    page: int
    pages: int
    did_you_mean: str
    has_every_term: bool
    """False: nothing has all of the terms, these have some."""


def search(text: str, *, room: str = "", page: int = 1, is_typing: bool = False) -> SearchPage:
    """What ``text`` finds in all rooms or in one; no text is an error. ``is_typing``: the last word may still grow."""
    query = _complete(parse_query(text, is_typing=is_typing))
    if not query:
        return SearchPage(query.text, room, [], [], 0, False, 1, 0, "", True)
    has_every_term = True
    limits = counted(rooms(), room)
    matches = engine().match(query, limits)
    if not matches.by_room and len(query.terms) > 1:
        has_every_term = False
        matches = engine().match(query, limits, any_term=True)
    facets = [
        Facet(name, len(pks), not matches.are_all(name)) for name, pks in sorted(matches.by_room.items())
    ]
    shown = [facet for facet in facets if not room or facet.room == room]
    found = engine().rank(matches, [facet.room for facet in shown]) if shown else {}
    pages = -(-len(found) // PER_PAGE)
    page = max(1, min(page, pages))
    ranked = sorted(found, key=lambda pk: (-found[pk], pk))[(page - 1) * PER_PAGE : page * PER_PAGE]
    return SearchPage(
        query=query.text,
        room=room,
        results=_results(ranked, query),
        facets=facets,
        total=sum(facet.count for facet in shown),
        is_more=any(facet.is_more for facet in shown),
        page=page,
        pages=pages,
        did_you_mean="" if is_typing and found else _did_you_mean(query, bool(found) and has_every_term),
        has_every_term=has_every_term,
    )


def _results(ranked: list[int], query: Query) -> list[Result]:
    documents = SearchDocument.objects.in_bulk(ranked)
    pattern = snippets.hits_of(query)
    return [
        Result(
            room=document.room,
            note=document.note,
            title=snippets.mark(document.title, pattern),
            url=document.url,
            snippet=snippets.cut(document.body, query),
        )
        for document in (documents[pk] for pk in ranked if pk in documents)
    ]


def _complete(query: Query) -> Query:
    """Let a last word that may still grow stand for what it begins: a stem may be shorter than it."""
    if not query.terms or not query.terms[-1].prefix or len(query.terms[-1].words) > 1:
        return query
    last = query.terms[-1]
    words = _between(last.prefix, last.prefix + "\U0010ffff", MAX_COMPLETIONS)
    shorter = (stem(word) for word in words)
    tokens = dict.fromkeys([*last.tokens, *(one for one in shorter if not one.startswith(last.prefix))])
    return replace(query, terms=(*query.terms[:-1], replace(last, tokens=tuple(tokens))))


def _between(first: str, last: str, most: int = MAX_NEAR) -> list[str]:
    """``most`` words of the vocabulary from ``first`` to before ``last``, by code point: an index serves this."""
    collation = ' COLLATE "C"' if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT word FROM search_searchword WHERE word{collation} >= %s AND word{collation} < %s"  # noqa: S608
            f" ORDER BY word{collation} LIMIT {most}",
            [first, last],
        )
        return [row[0] for row in cursor.fetchall()]


def _did_you_mean(query: Query, is_found: bool) -> str:
    """The query with its unknown words mended; empty where there is nothing better to ask."""
    if is_found:
        return ""
    mended, is_changed = query.text, False
    for term in query.terms:
        if term.is_phrase or _is_known(term):
            continue
        better = _nearest("-".join(term.words))
        if better:
            mended = mended.replace(term.typed, better, 1)
            is_changed = True
    return mended if is_changed else ""


def _is_known(term: Term) -> bool:
    return SearchWord.objects.filter(word__in=[*term.words, *term.tokens]).exists() and len(term.words) == 1


def _nearest(word: str) -> str:
    """The word of the vocabulary that is nearest to ``word``, by at most two slips; empty where there is none."""
    if len(word) < 3:
        return ""
    near = _between(word[0], chr(ord(word[0]) + 1))
    slips = 1 if len(word) < 6 else 2
    found = process.extract(
        word, near, scorer=DamerauLevenshtein.distance, score_cutoff=slips, limit=5, processor=None
    )
    best = [one for one, distance, _ in found if one != word and distance == found[0][1]]
    if not best:
        return ""
    counts = {one: _count(one) for one in best}
    return max(best, key=lambda one: (counts[one], one))


def _count(word: str) -> int:
    return sum(len(pks) for pks in engine().match(parse_query(word), counted(rooms())).by_room.values())


def rooms() -> list[str]:
    """The rooms that have something to be found, in the order of registration."""
    return list(dict.fromkeys(source.room for source in registry.all_sources()))
