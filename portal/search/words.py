"""Make words of technical text so that a search engine keeps its code tokens whole.

Ready-made full text splits ``virtio-net-pci``, takes ``--cap`` for a negation and a path for one word. Here text
becomes plain tokens before an engine sees it, and queries become the same tokens:

- a natural word is its English stem: ``devices`` is ``devic``, as ``device`` is;
- a code token is its parts, as words, and every run of neighbouring parts: ``virtio-net-pci`` is also
  ``virtio-net``, ``net-pci`` and itself, whichever of ``-_./:@+~`` stood between; and the parts joined, so that
  ``virtmanager`` finds ``virt-manager``;
- an option keeps its mark: ``--cap`` and ``-cap`` are the token ``--cap``, which ``cap`` is not.

Tokens hold letters, digits and hyphens only. Both engines get them ready-made, so both find the same.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import snowballstemmer

#: Parts of one code token of which runs are made, and characters of one token.
MAX_PARTS, MAX_TOKEN = 10, 80

#: Letters and digits with the marks that follow letters in Indian and other scripts.
_LETTER = r"(?:[^\W_]|[\u0300-\u036f\u0900-\u0dff\u200c\u200d])"
_TOKEN = re.compile(
    r"(?<![\w-])(?P<option>--?[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*)"
    r"|(?P<code>[A-Za-z0-9]+(?:[-_./:@+~]{1,3}[A-Za-z0-9]+)+)"
    rf"|(?P<word>{_LETTER}+)"
)
_PART = re.compile(r"[A-Za-z0-9]+")
_STEMMER = snowballstemmer.stemmer("english")


@dataclass(frozen=True, slots=True)
class Token:
    """One word or code token of a text. ``start`` and ``end`` are its place in the text."""

    start: int
    end: int
    parts: tuple[str, ...]
    """Lower-case words in order: one for a natural word."""
    is_option: bool

    @property
    def is_code(self) -> bool:
        """Whether it has marks that a natural word has not."""
        return self.is_option or len(self.parts) > 1

    @property
    def whole(self) -> str:
        """The code token as one: ``virtio-net-pci``, ``--cap``."""
        return ("--" if self.is_option else "") + "-".join(self.parts)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of ``text`` in order."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        found = match.group()
        parts = tuple(_PART.findall(found.lower())) if kind != "word" else (_fold(found),)
        parts = tuple(part[:MAX_TOKEN] for part in parts if part)
        if parts:
            yield Token(match.start(), match.end(), parts, kind == "option")


def _fold(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The English stem of a lower-case word; words that are short or not English letters stay."""
    return str(_STEMMER.stemWord(word)) if len(word) > 3 and word.isascii() and word.isalpha() else word


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as tokens: ``stream`` are its words in order; ``code`` is what code tokens add."""

    stream: list[str]
    code: list[str]


def encode(text: str, *, limit: int = 20_000) -> Encoded:
    """``text`` as tokens for an index, at most ``limit`` in order."""
    stream: list[str] = []
    code: dict[str, None] = {}
    for token in tokens(text):
        stream += [stem(part) for part in token.parts]
        if token.is_code:
            code |= dict.fromkeys(runs(token))
        if len(stream) >= limit:
            break
    return Encoded(stream[:limit], list(code)[:limit])


def runs(token: Token) -> Iterator[str]:
    """What a code token adds to its parts."""
    parts = token.parts[:MAX_PARTS]
    if token.is_option:
        yield _cut(token.whole)
    for first in range(len(parts)):
        for last in range(first + 2, len(parts) + 1):
            yield _cut("-".join(parts[first:last]))
            if last - first == 2 or last - first == len(parts):
                yield _cut("".join(parts[first:last]))


def _cut(token: str) -> str:
    return token[:MAX_TOKEN]


def pairs(stream: Sequence[str]) -> list[str]:
    """Neighbours as tokens of their own, by which phrases are found: no index need compare positions.

    Two hyphens keep them apart from the runs of code tokens, which have one.
    """
    return [f"{first}--{second}"[: 2 * MAX_TOKEN] for first, second in pairwise(stream)]


def surface_words(text: str) -> set[str]:
    """The words and code tokens of ``text`` as people would type them, for suggestions."""
    found: set[str] = set()
    for token in tokens(text):
        if token.is_code:
            found.add(_cut(token.whole))
        found.update(part for part in token.parts if len(part) > 2 and not part.isdigit())
    return found
