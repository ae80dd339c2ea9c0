"""What a file is read into, and how much of it."""

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from events.ical.writer import clean

#: The most that a file may have, and what it may lead to.
MOST_BYTES = 1024 * 1024
MOST_ENTRIES = 500
LONGEST_TITLE = 120
LONGEST_TEXT = 10_000
FIRST_YEAR, LAST_YEAR = 1990, 2100


class ImportRefused(Exception):
    """The file as a whole cannot be read. The message is a sentence for the organizer."""


@dataclass(frozen=True)
class Place:
    """Where it is: a name that a chapter may know already, or words."""

    name: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Entry:
    """One meetup of a file. ``source`` tells it again in a later file; ``sequence`` tells a newer state of it.

    ``start`` and ``end`` are aware; of a whole day they are its first moment and the first after it. Without a
    ``start`` the date is open. ``status`` is one of ``Meetup.Status``.
    """

    source: str
    title: str
    start: dt.datetime | None
    end: dt.datetime | None
    time_zone: str
    status: str
    uid: str = ""
    sequence: int = 0
    is_day: bool = False
    description: str = ""
    place: Place = field(default_factory=Place)
    online_url: str = ""
    url: str = ""
    signed_up: int | None = None

    @property
    def wall_clock(self) -> dt.datetime | None:
        """Its start as people at the place read it, without a zone, so that no template moves it."""
        return self.start.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None) if self.start else None


@dataclass(frozen=True)
class LeftOut:
    """Something in the file that is no meetup here, and why: a sentence."""

    title: str
    reason: str


@dataclass
class Reading:
    """Everything that was found in a file."""

    entries: list[Entry] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, title: str, reason: str) -> None:
        """Note something that cannot be taken."""
        self.left_out.append(LeftOut(short(title) or "(no title)", reason))

    def add(self, entry: Entry) -> None:
        """Take an entry. Raises :class:`ImportRefused` where there are more than are taken."""
        if len(self.entries) >= MOST_ENTRIES:
            raise ImportRefused(
                f"The file has more than {MOST_ENTRIES} meetups. Split it, and send the parts one after the other."
            )
        self.entries.append(entry)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_or(name: object, fallback: str) -> str:
    """``name`` if it is a zone of the IANA database, otherwise ``fallback``."""
    return name if isinstance(name, str) and name in _zones() else fallback


def is_sane(moment: dt.datetime) -> bool:
    """Whether a meetup may be then."""
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def at_midnight(day: dt.date, zone: str) -> dt.datetime:
    """The first moment of ``day`` in ``zone``."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def short(title: str) -> str:
    """One line of at most :data:`LONGEST_TITLE` characters."""
    line = " ".join(clean(title).split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1] + "…"
