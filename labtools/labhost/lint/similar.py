"""“Did you mean”: the nearest of known names."""

from __future__ import annotations

from collections.abc import Collection, Iterable

#: Longer names are not compared: nobody mistypes one of these.
MAX_LENGTH = 80
#: Names that are compared for one text.
MAX_COMPARISONS = 15_000


def distance(first: str, second: str, limit: int) -> int:
    """Edits (insert, delete, replace, swap two neighbours) from one to the other; ``limit + 1`` if more than that."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, left in enumerate(first, 1):
        current = [i]
        for j, right in enumerate(second, 1):
            cost = min(row[j] + 1, current[-1] + 1, row[j - 1] + (left != right))
            if i > 1 and j > 1 and left == second[j - 2] and first[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, row = row, current
    return min(row[-1], limit + 1)


def nearest(word: str, known: Iterable[str], *, at_most: int = 3) -> tuple[str, ...]:
    """The names of ``known`` that ``word`` may have been meant to be, best first."""
    asked = _plain(word)
    if not asked or len(asked) > MAX_LENGTH:
        return ()
    limit = 1 if len(asked) < 5 else 2 if len(asked) < 12 else 3
    found = []
    for name in known:
        plain = _plain(name)
        edits = 0 if plain == asked else distance(asked, plain, limit)
        if edits <= limit:
            found.append((edits, _tail(asked, plain), name))
    best = min((edits for edits, _, _ in found), default=0)
    # A name two edits away is no answer where another is one away.
    return tuple(name for edits, _, name in sorted(found) if edits == best)[:at_most]


class Guesser:
    """“Did you mean” for one text, as long as not too much was compared: a text may be wrong in every word."""

    def __init__(self, comparisons: int = MAX_COMPARISONS) -> None:
        self._left = comparisons

    def guess(self, word: str, known: Collection[str]) -> tuple[str, ...]:
        """The nearest of ``known``, or nothing once the text had its share."""
        if len(known) > self._left:
            return ()
        self._left -= len(known)
        return nearest(word, known)

    def meant(self, word: str, known: Collection[str]) -> str:
        """The same as a question, or nothing."""
        return did_you_mean(self.guess(word, known))


def did_you_mean(names: tuple[str, ...]) -> str:
    """The question, or nothing."""
    if not names:
        return ""
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
    return f"Did you mean {listed}?"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _tail(asked: str, plain: str) -> int:
    # People mistype the middle and the end; a shared beginning is the better sign.
    shared = 0
    for left, right in zip(asked, plain, strict=False):
        if left != right:
            break
        shared += 1
    return -shared
