"""Cut text into words as a shell does, and options into pairs as QEMU does, keeping where everything stood.

Nothing is run and nothing is expanded: what a shell would replace is marked as unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Piece:
    """Text with the offset of each of its characters in the source; ``unknown``: offsets the shell would replace."""

    value: str
    offsets: Sequence[int]
    unknown: frozenset[int] = frozenset()
    start: int = 0

    @property
    def begin(self) -> int:
        """Where it begins in the source."""
        return self.offsets[0] if self.offsets else self.start

    @property
    def end(self) -> int:
        """Where it ends in the source."""
        return self.offsets[-1] + 1 if self.offsets else self.start

    @property
    def is_unknown(self) -> bool:
        """Whether a shell would put something else here."""
        return bool(self.unknown) and not self.unknown.isdisjoint(self.offsets)

    def part(self, start: int, end: int) -> Piece:
        """The characters from ``start`` to ``end`` of its value."""
        offsets = self.offsets[start:end]
        at = self.offsets[start] if start < len(self.offsets) else self.end
        return Piece(self.value[start:end], offsets, self.unknown, at)


@dataclass(frozen=True, slots=True)
class Pair:
    """One ``key=value`` of an option; ``value`` is None for a bare word. The first bare word has an empty key."""

    key: Piece
    value: Piece | None


@dataclass(slots=True)
class Shell:
    """The words of one command. ``rest``: offset of what the shell would take for something else, if any."""

    words: list[Piece] = field(default_factory=list)
    starts_line: list[bool] = field(default_factory=list)
    rest: int | None = None
    open_quote: int | None = None


#: Pairs of one option that are looked at; the most that a device type of QEMU has is about 500.
MAX_PAIRS = 1_000
_SEPARATORS = ";|&<>()"


class _Cutter:
    def __init__(self, source: str, start: int) -> None:
        self.source = source
        self.at = start
        self.shell = Shell()
        self.value: list[str] = []
        self.offsets: list[int] = []
        self.unknown: set[int] = set()
        self.begin: int | None = None
        self.new_line = True
        self.has_open_json = False

    def take(self, count: int = 1) -> None:
        for _ in range(count):
            self.value.append(self.source[self.at])
            self.offsets.append(self.at)
            self.at += 1

    def finish(self) -> None:
        if self.begin is None:
            return
        unknown = frozenset(self.unknown)
        self.shell.words.append(Piece("".join(self.value), tuple(self.offsets), unknown, self.begin))
        self.shell.starts_line.append(self.new_line)
        self.value, self.offsets, self.begin, self.new_line = [], [], None, False
        self.unknown = set()

    def run(self) -> Shell:
        while self.at < len(self.source):
            sign = self.source[self.at]
            if sign in " \t\n":
                self.finish()
                self.new_line = self.new_line or sign == "\n"
                self.at += 1
            elif sign == "#" and self.begin is None and self.shell.words:
                self.skip_comment()
            elif self.is_separator(sign):
                self.shell.rest = self.at
                break
            else:
                self.step(sign)
        self.finish()
        return self.shell

    def is_separator(self, sign: str) -> bool:
        # ps prints words without quotation marks, so one inside of a word is taken as it is.
        after = self.source[self.at + 1 : self.at + 2]
        return (sign in _SEPARATORS and self.begin is None) or (
            sign in ";|&" and after in ("", " ", "\n", "&", "|")
        )

    def skip_comment(self) -> None:
        end = self.source.find("\n", self.at)
        self.at = len(self.source) if end < 0 else end

    def step(self, sign: str) -> None:
        if sign == "\\" and self.source.startswith("\\\n", self.at):
            self.at += 2
            return
        fresh = self.begin is None
        self.begin = self.at if self.begin is None else self.begin
        if fresh and sign == "{" and not self.has_open_json:
            end = json_end(self.source, self.at)
            # One that never ends was looked for to the end of the text: not again for each brace.
            self.has_open_json = end is None
            # As ps prints it: a shell would have needed quotation marks.
            self.take(end - self.at if end else 1)
        elif sign == "\\" and self.at + 1 < len(self.source):
            self.at += 1
            self.take()
        elif sign in "'\"":
            self.quoted(sign)
        elif sign in "$`":
            self.replaced()
        else:
            self.take()

    def quoted(self, quote: str) -> None:
        opened = self.at
        self.at += 1
        while self.at < len(self.source):
            sign = self.source[self.at]
            if sign == quote:
                self.at += 1
                return
            if (
                quote == '"'
                and sign == "\\"
                and self.source[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`", "\n")
            ):
                self.at += 1
                if self.source[self.at] == "\n":
                    self.at += 1
                else:
                    self.take()
            elif quote == '"' and sign in "$`":
                self.replaced()
            else:
                self.take()
        self.shell.open_quote = opened if self.shell.open_quote is None else self.shell.open_quote

    def replaced(self) -> None:
        start = self.at
        if self.source.startswith("$(", start):
            depth, end = 0, start + 1
            while end < len(self.source):
                depth += {"(": 1, ")": -1}.get(self.source[end], 0)
                end += 1
                if depth == 0:
                    break
        elif self.source[start] == "`":
            closing = self.source.find("`", start + 1)
            end = len(self.source) if closing < 0 else closing + 1
        else:
            end = start + 1
        self.unknown.update(range(start, end))
        self.take(end - start)


def split_shell(source: str, start: int = 0) -> Shell:
    """The words of the command that begins at ``start`` of ``source``, as a POSIX shell cuts them."""
    return _Cutter(source, start).run()


def json_end(source: str, start: int) -> int | None:
    """Where the JSON object that begins at ``start`` ends; None if it is none or never ends."""
    if not source.startswith("{", start) or source[start + 1 :].lstrip()[:1] not in ('"', "}"):
        return None
    depth, inside, at = 0, False, start
    while at < len(source):
        sign = source[at]
        if inside:
            at += sign == "\\"
            inside = sign != '"'
        elif sign == '"':
            inside = True
        elif sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return None


def split_option(option: Piece, *, first: bool = True) -> tuple[Pair, ...]:
    """The pairs of ``key=value,…`` as QEMU's opts_do_parse() cuts them: ``,,`` stands for a comma in a value.

    With ``first``, a first word without ``=`` is the value of the option's own first key.
    """
    pairs: list[Pair] = []
    text, at = option.value, 0
    if option.is_unknown:
        # Neither a comma nor a sign within what the shell replaces is QEMU's.
        text = "".join("?" if option.offsets[i] in option.unknown else sign for i, sign in enumerate(text))
    while at < len(text) and len(pairs) <= MAX_PAIRS:
        end = next((i for i in range(at, len(text)) if text[i] in "=,"), len(text))
        if end < len(text) and text[end] == "=":
            value, after = _value(option, text, end + 1)
            pairs.append(Pair(option.part(at, end), value))
        elif first and not pairs:
            value, after = _value(option, text, at)
            pairs.append(Pair(option.part(at, at), value))
        else:
            pairs.append(Pair(option.part(at, end), None))
            after = end
        at = after + 1
    return tuple(pairs)


def _value(option: Piece, text: str, start: int) -> tuple[Piece, int]:
    kept, at = [], start
    while at < len(text):
        if text[at] == ",":
            if text[at + 1 : at + 2] != ",":
                break
            at += 1
        kept.append(at)
        at += 1
    begin = option.offsets[start] if start < len(option.offsets) else option.end
    offsets = tuple(option.offsets[i] for i in kept)
    return Piece("".join(option.value[i] for i in kept), offsets, option.unknown, begin), at
