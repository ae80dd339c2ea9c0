"""The two homes of the index: SQLite's FTS5 and PostgreSQL's ``tsvector``, behind one interface.

Both get tokens ready-made (:mod:`portal.search.words`), so their own parsing never sees text. Ranking is theirs:
bm25 with column weights, ``ts_rank`` with weights. A word that half of all documents have would make them rank half of
all documents, so a search ranks at most :data:`MAX_TITLES` with a match in the title and :data:`MAX_RANKED` others, a
share of each room.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.db import connection, transaction

from portal.search.parsing import Query, Term

#: How many matches are ranked: by their titles, by the whole. The rooms that have some share these between them.
MAX_TITLES, MAX_RANKED = 150, 250
#: How many are counted, in the room that was chosen or in all, which share these too, but for so many of each.
MAX_COUNTED, MIN_COUNTED = 500, 100
#: How many titles a room has ranked even where there are many rooms.
MIN_TITLES = 40


@dataclass(frozen=True, slots=True)
class Tokens:
    """A document as tokens: of its title, of its keywords and headings, of its body; and the room where it stands."""

    title: Sequence[str]
    head: Sequence[str]
    body: Sequence[str]
    room: str


@dataclass(frozen=True, slots=True)
class Matches:
    """Documents that match, by room: no more of each than ``limits`` say. ``expression`` is the engine's own."""

    expression: str
    by_room: Mapping[str, Sequence[int]]
    limits: Mapping[str, int]

    def are_all(self, room: str) -> bool:
        """Whether ``room`` has no more than these."""
        return len(self.by_room[room]) < self.limits[room]


class Engine(Protocol):
    """What the search asks of a database."""

    def put(self, documents: Sequence[tuple[int, Tokens]]) -> None:
        """Index documents by their primary key, in place of what was there."""

    def remove(self, pks: Sequence[int]) -> None:
        """Forget documents."""

    def match(self, query: Query, limits: Mapping[str, int], *, any_term: bool = False) -> Matches:
        """Documents that have every term, or, with ``any_term``, one of them: the first of each room in ``limits``."""

    def rank(self, matches: Matches, rooms: Sequence[str]) -> dict[int, float]:
        """The best of what matches in ``rooms``, none of which is without a match, with their rank; more is better."""


def room_token(room: str) -> str:
    """The token that every document of a room has. It begins as none of a text does, see :mod:`portal.search.words`.

    An index that had to look a match's room up elsewhere would look up those of all others, too: what is in the
    smallest room would be found last, or never.
    """
    return f"-{hashlib.sha256(room.encode()).hexdigest()[:16]}"


def counted(rooms: Sequence[str], chosen: str = "") -> dict[str, int]:
    """How many matches are counted of each room, of the one that was chosen more."""
    each = max(MIN_COUNTED, MAX_COUNTED // max(1, len(rooms)))
    return {room: MAX_COUNTED if room == chosen else each for room in rooms}


def shares(matches: Mapping[str, Sequence[int]], most: int) -> dict[str, int]:
    """How many of each room are ranked if ``most`` are in all: as many of each, and what one leaves is the others'."""
    found: dict[str, int] = {}
    for room in sorted(matches, key=lambda one: len(matches[one])):
        found[room] = min(len(matches[room]), (most - sum(found.values())) // (len(matches) - len(found)))
    return found


def engine() -> Engine:
    """The engine of this database."""
    return PostgresEngine() if connection.vendor == "postgresql" else SqliteEngine()


class SqliteEngine:
    """FTS5 (https://sqlite.org/fts5.html) with a tokenizer that splits at spaces."""

    #: Weights of title, head, body and room.
    _RANK = "bm25(search_index, 12.0, 4.0, 1.0, 0.0)"
    #: Titles have an index of their own: in that of the whole they are found by reading the positions of every match.
    _TITLE_RANK = "bm25(search_title, 12.0, 0.0)"

    def put(self, documents: Sequence[tuple[int, Tokens]]) -> None:
        self.remove([pk for pk, _ in documents])
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO search_index (rowid, title, head, body, room) VALUES (%s, %s, %s, %s, %s)",
                [
                    [pk, *(" ".join(one) for one in (its.title, its.head, its.body)), room_token(its.room)]
                    for pk, its in documents
                ],
            )
            cursor.executemany(
                "INSERT INTO search_title (rowid, title, room) VALUES (%s, %s, %s)",
                [[pk, " ".join(tokens.title), room_token(tokens.room)] for pk, tokens in documents],
            )

    def remove(self, pks: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            for table in ("search_index", "search_title"):
                cursor.executemany(f"DELETE FROM {table} WHERE rowid = %s", [[pk] for pk in pks])  # noqa: S608

    def match(self, query: Query, limits: Mapping[str, int], *, any_term: bool = False) -> Matches:
        match = (" OR " if any_term else " AND ").join(self._term(term) for term in query.terms)
        return Matches(match, self._found("search_index", match, limits), limits)

    def _found(self, table: str, match: str, limits: Mapping[str, int]) -> dict[str, list[int]]:
        """The first of each room, which cost no ranking."""
        of_room = f"SELECT rowid, %s FROM (SELECT rowid FROM {table} WHERE {table} MATCH %s LIMIT %s)"  # noqa: S608
        return _by_room(
            of_room,
            [(room, f'({match}) AND room : "{room_token(room)}"', limit) for room, limit in limits.items()],
        )

    def rank(self, matches: Matches, rooms: Sequence[str]) -> dict[int, float]:
        match = matches.expression
        share = shares({room: matches.by_room[room] for room in rooms}, MAX_RANKED)
        whole = [pk for room, count in share.items() for pk in matches.by_room[room][:count]]
        each = max(MIN_TITLES, MAX_TITLES // len(rooms))
        found = self._found("search_title", match, dict.fromkeys(rooms, each))
        titles = [pk for pks in found.values() for pk in pks]
        return self._ranked("search_index", self._RANK, match, whole) | self._ranked(
            "search_title", self._TITLE_RANK, match, titles
        )

    def _ranked(self, table: str, rank: str, match: str, pks: Sequence[int]) -> dict[int, float]:
        """One statement, however many rooms: each that ranks counts first how many documents have each word."""
        if not pks:
            return {}
        with connection.cursor() as cursor:
            # CROSS: SQLite would go through the documents and ask of each whether it matches. And with its keys it
            # would ask again for each of them, which the plus prevents.
            cursor.execute(
                f"SELECT {table}.rowid, -{rank} * document.weight FROM {table}"  # noqa: S608
                f" CROSS JOIN search_searchdocument AS document ON document.id = {table}.rowid"
                f" WHERE {table} MATCH %s AND {table}.rowid BETWEEN %s AND %s"
                f" AND +{table}.rowid IN (SELECT value FROM json_each(%s))",
                [match, min(pks), max(pks), json.dumps(list(pks))],
            )
            return dict(cursor.fetchall())

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
            room = f" '{room_token(tokens.room)}'"
            rows.append((pk, self._vector(whole[0]) + room, self._vector(*whole) + room))
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

    def match(self, query: Query, limits: Mapping[str, int], *, any_term: bool = False) -> Matches:
        match = (" | " if any_term else " & ").join(self._term(term) for term in query.terms)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, document.room FROM"  # noqa: S608
                f" (SELECT id FROM search_index WHERE whole @@ %s::tsquery LIMIT {MAX_COUNTED}) AS found"
                " JOIN search_searchdocument AS document USING (id)",
                [match],
            )
            rows = cursor.fetchall()
        first = {room: [pk for pk, its in rows if its == room][:limit] for room, limit in limits.items()}
        if len(rows) >= MAX_COUNTED:  # others may have kept these out
            short = {room: limit for room, limit in limits.items() if len(first[room]) < limit}
            first |= self._in_rooms("search_index", "whole", match, short)
        return Matches(match, {room: pks for room, pks in first.items() if pks}, limits)

    def _in_rooms(
        self, table: str, column: str, match: str, limits: Mapping[str, int]
    ) -> dict[str, list[int]]:
        """Matches of each room by the GIN index. Reading rows until enough are found is fast where a room's documents
        are anywhere, as the planner thinks that they are; they came together, and lie together.
        """
        of_room = f"(SELECT id, %s FROM {table} WHERE {column} @@ %s::tsquery LIMIT %s)"  # noqa: S608
        asked = [(room, f"({match}) & '{room_token(room)}'", limit) for room, limit in limits.items()]
        if not asked:
            return {}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            found = _by_room(of_room, asked)
            cursor.execute("SET LOCAL enable_seqscan = on")
        return found

    def rank(self, matches: Matches, rooms: Sequence[str]) -> dict[int, float]:
        match = matches.expression
        share = shares({room: matches.by_room[room] for room in rooms}, MAX_RANKED)
        # What was found is not looked for a second time: GIN finds all that match before it gives the first.
        known = [pk for room, count in share.items() for pk in matches.by_room[room][:count]]
        each = max(MIN_TITLES, MAX_TITLES // len(rooms))
        titles = self._in_rooms("search_title", "title", match, dict.fromkeys(rooms, each))
        return self._ranked(match, {*known, *(pk for pks in titles.values() for pk in pks)})

    def _ranked(self, match: str, pks: Iterable[int]) -> dict[int, float]:
        with connection.cursor() as cursor:
            # 1: a long document is not better for being long.
            cursor.execute(
                "SELECT id, ts_rank('{0.1, 0.2, 0.5, 1.0}', whole, %s::tsquery, 1) * document.weight"
                " FROM search_index JOIN search_searchdocument AS document USING (id) WHERE id = ANY(%s)",
                [match, list(pks)],
            )
            return dict(cursor.fetchall())

    def _term(self, term: Term) -> str:
        if term.is_phrase:
            return "(" + " & ".join(f"'{token}'" for token in term.tokens) + ")"
        begun = [f"'{term.prefix}':*"] if term.prefix else []
        return "(" + " | ".join([f"'{token}'" for token in term.tokens] + begun) + ")"


def _by_room(of_room: str, asked: Sequence[tuple[str, str, int]]) -> dict[str, list[int]]:
    """What ``of_room`` finds, a statement that takes a room, an expression and a limit: for all ``asked`` at once."""
    by_room: dict[str, list[int]] = {}
    if not asked:
        return by_room
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([of_room] * len(asked)), [value for one in asked for value in one])
        for pk, room in cursor.fetchall():
            by_room.setdefault(room, []).append(pk)
    return by_room
