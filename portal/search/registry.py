"""What the rooms have to be found. A room registers its sources when it is ready; the search knows no room."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One public thing. ``head`` is what it is also called: headings, tags, aliases, other names."""

    key: str
    title: str
    url: str
    body: str = ""
    head: str = ""
    note: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Source:
    """One register of a room. ``entries`` yields all that is public; ``entry`` one of them, None where it is not.

    ``stamp``, where there is one, is cheap to make and differs when the entries may differ.
    """

    name: str
    room: str
    entries: Callable[[], Iterator[Entry]]
    entry: Callable[[str], Entry | None]
    stamp: Callable[[], str] | None = None


_sources: dict[str, Source] = {}


def register(source: Source) -> None:
    """Let the search find what ``source`` has. Rooms do this when Django is ready."""
    _sources[source.name] = source


def source(name: str) -> Source:
    """The source of that name; ``KeyError`` where no room registered it."""
    return _sources[name]


def all_sources() -> list[Source]:
    """Every source, in the order of registration."""
    return list(_sources.values())
