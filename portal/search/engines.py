"""The two homes of the index: SQLite's FTS5 and PostgreSQL's ``tsvector``, behind one interface.

Both get tokens ready-made (:mod:`portal.search.words`), so their own parsing never sees text. Ranking is theirs:
bm25 with column weights, ``ts_rank`` with weights. A word that half of all documents have would make them rank half of
all documents, so a search ranks at most :data:`MAX_TITLES` with a match in the title and :data:`MAX_RANKED` others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.db import connection

from portal.search.parsing import Query, Term

#: How many matches are ranked: by their titles, by the whole; and how many are counted.
MAX_TITLES, MAX_RANKED, MAX_COUNTED = 150, 250, 500


@dataclass(frozen=True, slots=True)
class Tokens:
    """A document as tokens: of its title, of its keywords and headings, of its body."""

    title: Sequence[str]
    head: Sequence[str]
    body: Sequence[str]


class Engine(Protocol):
    """What the search asks of a database."""

    def put(self, documents: Sequence[tuple[int, Tokens]]) -> None:
        """Index documents by their primary key, in place of what was there."""

    def remove(self, pks: Sequence[int]) -> None:
        """Forget documents."""

    def find(self, query: Query, room: str, *, any_term: bool = False) -> dict[int, float]:
        """Documents that have every term (or, with ``any_term``, one of them), with their rank; more is better."""

    def count(self, query: Query, *, any_term: bool = False) -> dict[str, int]:
        """How many match in each room, none above :data:`MAX_COUNTED`."""


def engine() -> Engine:
    """The engine of this database."""
    return PostgresEngine() if connection.vendor == "postgresql" else SqliteEngine()


class SqliteEngine:
    """FTS5 (https://sqlite.org/fts5.html) with a tokenizer that splits at spaces."""

    #: Weights of title, head and body.
    _RANK = "bm25(search_index, 12.0, 4.0, 1.0)"
    #: Titles have an index of their own: in that of the whole they are found by reading the positions of every match.
    _TITLE_RANK = "bm25(search_title, 12.0)"

    def put(self, documents: Sequence[tuple[int, Tokens]]) -> None:
        self.remove([pk for pk, _ in documents])
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO search_index (rowid, title, head, body) VALUES (%s, %s, %s, %s)",
                [
                    [pk, " ".join(tokens.title), " ".join(tokens.head), " ".join(tokens.body)]
                    for pk, tokens in documents
                ],
            )
            cursor.executemany(
                "INSERT INTO search_title (rowid, title) VALUES (%s, %s)",
                [[pk, " ".join(tokens.title)] for pk, tokens in documents],
            )

    def remove(self, pks: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            for table in ("search_index", "search_title"):
                cursor.executemany(f"DELETE FROM {table} WHERE rowid = %s", [[pk] for pk in pks])  # noqa: S608

    def find(self, query: Query, room: str, *, any_term: bool = False) -> dict[int, float]:
        match = self._match(query, any_term)
        titles = self._ranked("search_title", self._TITLE_RANK, match, room, MAX_TITLES)
        return self._ranked("search_index", self._RANK, match, room, MAX_RANKED) | titles

    def _ranked(self, table: str, rank: str, match: str, room: str, limit: int) -> dict[int, float]:
        condition = "AND document.room = %s" if room else ""
        with connection.cursor() as cursor:
            # CROSS: SQLite would go through the room and ask of each document whether it matches.
            cursor.execute(
                f"SELECT {table}.rowid, -{rank} * document.weight FROM {table}"  # noqa: S608
                f" CROSS JOIN search_searchdocument AS document ON document.id = {table}.rowid"
                f" WHERE {table} MATCH %s {condition} LIMIT {limit}",
                [match, *([room] if room else [])],
            )
            return dict(cursor.fetchall())

    def count(self, query: Query, *, any_term: bool = False) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT document.room, count(*) FROM"  # noqa: S608
                f" (SELECT rowid FROM search_index WHERE search_index MATCH %s LIMIT {MAX_COUNTED}) AS found"
                " JOIN search_searchdocument AS document ON document.id = found.rowid GROUP BY document.room",
                [self._match(query, any_term)],
            )
            return dict(cursor.fetchall())

    def _match(self, query: Query, any_term: bool) -> str:
        return (" OR " if any_term else " AND ").join(self._term(term) for term in query.terms)

    def _term(self, term: Term) -> str:
        if term.is_phrase:
            return "(" + " AND ".join(f'"{token}"' for token in term.tokens) + ")"
        begun = [f'"{term.prefix}"*'] if term.prefix else []
        return "(" + " OR ".join([f'"{token}"' for token in term.tokens] + begun) + ")"


class PostgresEngine:
    """``tsvector`` with weights of our own (PostgreSQL manual, 8.11 and 12.3).

    A GIN index knows neither positions nor weights, so titles have a vector of their own, and phrases are pairs.
    """

    #: The last position that a lexeme can have.
    _LAST = 16_383

    def put(self, documents: Sequence[tuple[int, Tokens]]) -> None:
        rows: list[tuple[int, str, str]] = []
        for pk, tokens in documents:
            whole = (("A", tokens.title), ("B", tokens.head), ("D", tokens.body))
            rows.append((pk, self._vector(whole[0]), self._vector(*whole)))
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO search_index (id, whole) VALUES (%s, %s::tsvector)"
                " ON CONFLICT (id) DO UPDATE SET whole = EXCLUDED.whole",
                [(pk, whole) for pk, _, whole in rows],
            )
            cursor.executemany(
                "INSERT INTO search_title (id, title) VALUES (%s, %s::tsvector)"
                " ON CONFLICT (id) DO UPDATE SET title = EXCLUDED.title",
                [(pk, title) for pk, title, _ in rows],
            )

    def _vector(self, *columns: tuple[str, Sequence[str]]) -> str:
        places: dict[str, list[str]] = {}
        position = 1
        for letter, column in columns:
            for token in column:
                at = places.setdefault(token, [])
                if len(at) < 255:
                    at.append(f"{min(position, self._LAST)}{letter}")
                position += 1
        return " ".join(f"'{token}':{','.join(at)}" for token, at in places.items())

    def remove(self, pks: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            for table in ("search_index", "search_title"):
                cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [list(pks)])  # noqa: S608

    def find(self, query: Query, room: str, *, any_term: bool = False) -> dict[int, float]:
        match = self._match(query, any_term)
        titles = self._ranked(
            "search_title JOIN search_index USING (id)", "search_title.title", match, room, MAX_TITLES
        )
        return self._ranked("search_index", "whole", match, room, MAX_RANKED) | titles

    def _ranked(self, tables: str, column: str, match: str, room: str, limit: int) -> dict[int, float]:
        condition = "AND document.room = %s" if room else ""
        with connection.cursor() as cursor:
            # 1: a long document is not better for being long.
            cursor.execute(
                "SELECT id, ts_rank('{0.1, 0.2, 0.5, 1.0}', whole, %s::tsquery, 1) * weight FROM"  # noqa: S608
                f" (SELECT id, whole, document.weight FROM {tables}"
                " JOIN search_searchdocument AS document USING (id)"
                f" WHERE {column} @@ %s::tsquery {condition} LIMIT {limit}) AS found",
                [match, match, *([room] if room else [])],
            )
            return dict(cursor.fetchall())

    def count(self, query: Query, *, any_term: bool = False) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT document.room, count(*) FROM"  # noqa: S608
                f" (SELECT id FROM search_index WHERE whole @@ %s::tsquery LIMIT {MAX_COUNTED}) AS found"
                " JOIN search_searchdocument AS document ON document.id = found.id GROUP BY document.room",
                [self._match(query, any_term)],
            )
            return dict(cursor.fetchall())

    def _match(self, query: Query, any_term: bool) -> str:
        joint = " | " if any_term else " & "
        return joint.join(self._term(term) for term in query.terms)

    def _term(self, term: Term) -> str:
        if term.is_phrase:
            return "(" + " & ".join(f"'{token}'" for token in term.tokens) + ")"
        begun = [f"'{term.prefix}':*"] if term.prefix else []
        return "(" + " | ".join([f"'{token}'" for token in term.tokens] + begun) + ")"
