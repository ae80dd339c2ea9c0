"""What the linter found, and exactly where."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad: QEMU or libvirt would refuse it; it would start, but look again; good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """Zero for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the text: line and column count from 1, ``length`` characters on that line.

    ``token`` is the text that stands there; ``option`` says of which option or element it is part.
    """

    line: int
    column: int
    length: int
    token: str
    option: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about the text. ``code`` is stable, for programs; ``advice`` may be empty."""

    severity: Severity
    code: str
    place: Place
    message: str
    advice: str = ""


#: Characters of a token that a finding repeats.
MAX_TOKEN = 120


def quoted(text: str) -> str:
    """Text of the person in quotation marks, cut where it is long."""
    return f"“{text if len(text) <= 80 else text[:79] + '…'}”"


class Lines:
    """Turns offsets of a text into lines and columns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(at + 1 for at, sign in enumerate(text) if sign == "\n")]

    def place(self, start: int, end: int, *, option: str = "") -> Place:
        """The place of ``text[start:end]``; what runs over the end of a line is marked to there."""
        line = bisect.bisect_right(self._starts, start)
        begin = self._starts[line - 1]
        until = self._starts[line] - 1 if line < len(self._starts) else len(self.text)
        token = self.text[start:end].strip()
        if len(token) > MAX_TOKEN:
            token = token[: MAX_TOKEN - 1] + "…"
        return Place(
            line, start - begin + 1, max(min(end, until) - start, 1), " ".join(token.split()), option
        )

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and a column, both counted from 1."""
        return min(self._starts[min(line, len(self._starts)) - 1] + column - 1, len(self.text))


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by severity, then in the order of the text; each said once for its place."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda item: (item.severity.rank, item.place.line, item.place.column)))
