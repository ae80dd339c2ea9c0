"""What names mean to the rooms: an article's code that names a device type leads to the page of it.

A room registers a :class:`NameBook`; who asks knows no room. Everything is what every visitor may see.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word of somebody's text that may be a name. ``kind`` is empty where the text does not say what it names."""

    name: str
    kind: str = ""
    """``device``, ``option`` (then ``name`` is ``device.option``), ``machine`` or ``cpu``."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a candidate turned out to be. ``url`` is its page, ``card`` the address of its card: both of this portal."""

    kind: str
    name: str
    url: str
    card: str


@dataclass(frozen=True, slots=True)
class Loss:
    """A name that a host has lost, or that is about to go. ``where`` tells host and versions in words.

    ``sentence`` is whole. ``version`` is the one with the loss. ``since`` is when the host was first seen without; a
    reference version, which was measured with the project, ``is_reference``: it is news to texts of any time.
    """

    kind: str
    name: str
    where: str
    sentence: str
    version: tuple[int, ...]
    since: float
    """Seconds of the epoch."""
    is_reference: bool


@dataclass(frozen=True, slots=True)
class NameBook:
    """How one room answers. Each call takes a constant number of queries; unknown names are left out."""

    look_up: Callable[[Collection[Candidate]], Mapping[Candidate, Known]]
    losses: Callable[[Collection[tuple[str, str]]], list[Loss]]
    """Of names as (kind, name)."""
    stamp: Callable[[], str]
    """Cheap; differs when any answer of ``look_up`` may differ."""


_books: dict[str, NameBook] = {}


def register(room: str, book: NameBook) -> None:
    """Let ``book`` answer for the names of ``room``. Rooms do this when Django is ready."""
    _books[room] = book


def look_up(candidates: Collection[Candidate]) -> Mapping[Candidate, Known]:
    """What of ``candidates`` is a name of any room."""
    found: dict[Candidate, Known] = {}
    for book in _books.values() if candidates else ():
        for candidate, known in book.look_up(candidates).items():
            found.setdefault(candidate, known)
    return found


def losses(names: Collection[tuple[str, str]]) -> list[Loss]:
    """What of ``names`` is gone, or about to go, somewhere."""
    return [loss for book in _books.values() for loss in book.losses(names)] if names else []


def stamp() -> str:
    """Differs when any answer of :func:`look_up` may differ."""
    return ",".join(book.stamp() for book in _books.values())
