"""Known error messages in a log that somebody pastes: what differs from host to host is taken out, the rest compared.

Pure, and in time that grows with the text alone: signatures have ``*`` and no other sign with a meaning, and every
repetition of the expressions here is bounded.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

#: Characters of a pasted text, of one of its lines, and lines that differ.
MAX_TEXT, MAX_LINE, MAX_LINES = 200_000, 2_000, 4_000
#: What stands for a path, a number, an address, an id.
GAP = "…"
#: Letters and digits that a signature must have beside its gaps: less would be found everywhere.
MIN_LITERAL = 8

_VARYING = re.compile(
    "|".join(
        (
            r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",  # UUID
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?",  # time
            r"\b(?:[0-9a-fA-F]{2}:){5,7}[0-9a-fA-F]{2}\b",  # MAC address, WWN with colons
            r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])",  # IPv6 address, time of day
            r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b",  # IPv4 address
            r"(?<![\w.+-])[\w.+-]{1,64}@[\w.-]{1,255}",  # user@host
            r"(?<![\w/<.])(?:[a-z+]{2,20}:/)?/[\w.+@%~,:/-]{1,1024}",  # path, URL
            r"\b0x[0-9a-fA-F]{1,16}\b",
            r"\b[0-9a-fA-F]{16}\b",  # WWPN
            r"(?<![\w.-])\d{1,40}(?![\w])",
        )
    )
)
_QUOTES = str.maketrans('‘’“”`"', "''''''")
_TELLING = re.compile(
    r"error|fail|cannot|can't|could not|unable|denied|not found|refused|invalid|missing|unsupported|corrupt|no such",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Signature:
    """A message with ``*`` where hosts differ. ``key`` is the caller's."""

    key: int
    pattern: str


@dataclass(frozen=True, slots=True)
class Match:
    """A signature that was found: the first line that has it, without what differs, and how many lines have it."""

    key: int
    line: str
    count: int


def read_lines(text: str) -> list[str]:
    """The distinct lines of a pasted text in their order, without paths, ids, addresses and numbers."""
    found: dict[str, None] = {}
    for line in text[:MAX_TEXT].splitlines():
        shown = " ".join(_VARYING.sub(GAP, line[:MAX_LINE]).split())
        if shown.strip(f"{GAP} .:,-[]()"):
            found[shown] = None
            if len(found) >= MAX_LINES:
                break
    return list(found)


def find_known(lines: Sequence[str], signatures: Iterable[Signature]) -> list[Match]:
    """The signatures that ``lines`` (of :func:`read_lines`) have, those with the most words of their own first."""
    compared = [_folded(line) for line in lines]
    whole = "\n".join(compared)
    found: list[tuple[int, Match]] = []
    for signature in signatures:
        pieces = _pieces(signature.pattern)
        own = sum(sign.isalnum() for piece in pieces for sign in piece)
        # Most signatures are not there, which one look at all lines together tells.
        if own < MIN_LITERAL or any(piece not in whole for piece in pieces):
            continue
        places = [number for number, line in enumerate(compared) if _has(line, pieces)]
        if places:
            found.append((own, Match(signature.key, lines[places[0]], len(places))))
    found.sort(key=lambda pair: -pair[0])
    return [match for _, match in found]


def telling_lines(lines: Iterable[str], limit: int) -> list[str]:
    """The last lines that tell of an error, the latest first: what went wrong is at the end of a log."""
    return [line for line in lines if _TELLING.search(line)][-limit:][::-1]


def search_words(line: str, limit: int = 10) -> str:
    """The words of a line by which the portal is searched: without gaps and signs with a meaning to the search."""
    words = re.findall(r"[A-Za-z][\w.-]{1,60}", line)
    return " ".join(words[:limit])


def _folded(line: str) -> str:
    return line.translate(_QUOTES).casefold()


def _pieces(pattern: str) -> list[str]:
    """What a line must have, in this order."""
    return [piece for piece in _cut(_folded(pattern)) if piece]


def _cut(pattern: str) -> Iterator[str]:
    for part in pattern.split("*"):
        yield " ".join(_VARYING.sub(GAP, part).split())


def _has(line: str, pieces: Sequence[str]) -> bool:
    """Whether ``line`` has all pieces one after the other: each is looked for once, behind the one before."""
    at = 0
    for piece in pieces:
        at = line.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True
