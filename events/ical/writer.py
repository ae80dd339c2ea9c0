"""Calendars as bytes: the one place that escapes, folds and orders what RFC 5545 wants.

The same calendar always gives the same bytes, so that an ETag over them holds.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from events.ical.zones import local_stamp, zone_lines

#: RFC 5545, section 3.7.3. The same for ever: clients tell calendars of one maker by it.
PRODID = "-//Open Source Virtualization India//Portal//EN"

# Every way to end a line that some reader knows: Python's splitlines, which vdirsyncer calls, ends one at each of
# these, so that a title with U+2028 in it could write properties of its own.
_LINE_ENDS = re.compile("\r\n|[\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
# What CONTROL of section 3.1 forbids; tabs stay.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Party:
    """An ORGANIZER or ATTENDEE: a name, an address, and the answer (PARTSTAT) of whoever is invited."""

    name: str
    address: str
    answer: str = ""


@dataclass(frozen=True)
class Event:
    """A VEVENT. ``start`` and ``end`` are aware in the event's own zone, or dates; ``end`` is exclusive.

    ``stamp`` is when its content last changed; ``status`` is empty only where a CANCEL withdraws one invitation.
    """

    uid: str
    sequence: int
    stamp: dt.datetime
    summary: str
    status: str = "CONFIRMED"
    start: dt.datetime | dt.date | None = None
    end: dt.datetime | dt.date | None = None
    changed: dt.datetime | None = None
    created: dt.datetime | None = None
    description: str = ""
    location: str = ""
    geo: tuple[float, float] | None = None
    url: str = ""
    join_url: str = ""
    categories: tuple[str, ...] = ()
    contact: str = ""
    organizer: Party | None = None
    attendee: Party | None = None
    is_busy: bool = False


@dataclass(frozen=True)
class Calendar:
    """A VCALENDAR. ``time_zone`` is that of its home; ``url`` and ``refresh`` make it a feed, ``method`` a message."""

    events: tuple[Event, ...]
    time_zone: str
    name: str = ""
    description: str = ""
    url: str = ""
    refresh: dt.timedelta | None = None
    method: str = ""


def write_calendar(calendar: Calendar) -> bytes:
    """The calendar as RFC 5545 wants it: UTF-8, CRLF, no line over 75 octets."""
    return b"".join(folded(line) for line in _calendar_lines(calendar))


def clean(text: str) -> str:
    """``text`` with one kind of line end, and without what no calendar may hold."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text)).encode("utf-8", "ignore").decode()


def escaped(text: str) -> str:
    """A TEXT value (section 3.3.11)."""
    # Four replacements take a quarter of the time of str.translate.
    return clean(text).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def quoted(text: str) -> str:
    """A quoted parameter value (section 3.2); what cannot stand in one is written as RFC 6868 says."""
    return '"' + clean(text).replace("^", "^^").replace("\n", "^n").replace('"', "^'") + '"'


def folded(line: str) -> bytes:
    """A content line in pieces of at most 75 octets (section 3.1), never cut within a character."""
    data = line.encode()
    pieces, start, room = [], 0, 75
    while len(data) - start > room:
        end = start + room
        while data[end] & 0xC0 == 0x80:  # a continuation byte of UTF-8
            end -= 1
        pieces.append(data[start:end])
        start, room = end, 74  # the space that continues a line counts too
    pieces.append(data[start:])
    return b"\r\n ".join(pieces) + b"\r\n"


def _calendar_lines(calendar: Calendar) -> Iterator[str]:
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield f"PRODID:{PRODID}"
    yield "CALSCALE:GREGORIAN"
    if calendar.method:
        yield f"METHOD:{calendar.method}"
    if calendar.name:
        yield f"NAME:{escaped(calendar.name)}"  # RFC 7986, section 5.1
        yield f"X-WR-CALNAME:{escaped(calendar.name)}"
    if calendar.description:
        yield f"DESCRIPTION:{escaped(calendar.description)}"
        yield f"X-WR-CALDESC:{escaped(calendar.description)}"
    if calendar.url:
        yield f"URL:{_uri(calendar.url)}"
    if calendar.refresh:
        period = _duration(calendar.refresh)
        yield f"REFRESH-INTERVAL;VALUE=DURATION:{period}"  # RFC 7986, section 5.7
        yield f"X-PUBLISHED-TTL:{period}"
        yield f"X-WR-TIMEZONE:{calendar.time_zone}"
    for tzid, years in sorted(_zones(calendar).items()):
        yield from zone_lines(tzid, years)
    for event in calendar.events:
        yield from _event_lines(event)
    yield "END:VCALENDAR"


def _zones(calendar: Calendar) -> dict[str, set[int]]:
    """The zones that its times name, with the years concerned.

    A calendar without events names its home's: a VCALENDAR without a component is not valid (section 3.6).
    """
    zones: dict[str, set[int]] = {}
    for event in calendar.events:
        for moment in (event.start, event.end):
            if isinstance(moment, dt.datetime) and _tzid(moment):
                zones.setdefault(_tzid(moment), set()).add(moment.year)
    return zones or ({calendar.time_zone: set()} if not calendar.events else {})


def _tzid(moment: dt.datetime) -> str:
    """The zone that the value names; empty where it is written in UTC.

    UTC needs no VTIMEZONE, and an hour that the clocks run through twice is written in UTC the second time: a local
    time means the first (section 3.3.5).
    """
    key = moment.tzinfo.key if isinstance(moment.tzinfo, ZoneInfo) else ""
    return "" if key in ("UTC", "Etc/UTC") or moment.fold else key


def _event_lines(event: Event) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escaped(event.uid)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"DTSTAMP:{utc_stamp(event.stamp)}"
    if event.changed:
        yield f"LAST-MODIFIED:{utc_stamp(event.changed)}"
    if event.created:
        yield f"CREATED:{utc_stamp(event.created)}"
    if event.status:
        yield f"STATUS:{event.status}"
    if event.start is not None:
        yield f"DTSTART{_time(event.start)}"
        if event.end is not None:
            yield f"DTEND{_time(event.end)}"
    yield f"SUMMARY:{escaped(event.summary)}"
    yield from _optional_lines(event)
    yield f"TRANSP:{'OPAQUE' if event.is_busy else 'TRANSPARENT'}"
    yield "END:VEVENT"


def _optional_lines(event: Event) -> Iterator[str]:
    for name, text in (
        ("DESCRIPTION", event.description),
        ("LOCATION", event.location),
        ("CONTACT", event.contact),
    ):
        if text:
            yield f"{name}:{escaped(text)}"
    if event.geo:
        yield "GEO:{:.5f};{:.5f}".format(*event.geo)
    if event.url:
        yield f"URL:{_uri(event.url)}"
    if event.join_url:  # RFC 7986, section 5.11
        yield f"CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO:{_uri(event.join_url)}"
    if event.categories:
        yield f"CATEGORIES:{','.join(escaped(name) for name in event.categories)}"
    if event.organizer:
        yield f"ORGANIZER;CN={quoted(event.organizer.name)}:mailto:{_uri(event.organizer.address)}"
    if event.attendee:
        person = event.attendee
        yield (
            f"ATTENDEE;CN={quoted(person.name)};ROLE=REQ-PARTICIPANT;PARTSTAT={person.answer};RSVP=FALSE"
            f":mailto:{_uri(person.address)}"
        )


def utc_stamp(moment: dt.datetime) -> str:
    """A DATE-TIME value in form 2, UTC."""
    return f"{local_stamp(moment.astimezone(dt.UTC))}Z"


def _time(moment: dt.datetime | dt.date) -> str:
    """The rest of a DTSTART or DTEND after its name."""
    if not isinstance(moment, dt.datetime):
        return f";VALUE=DATE:{moment.year:04}{moment:%m%d}"
    tzid = _tzid(moment)
    return f";TZID={tzid}:{local_stamp(moment)}" if tzid else f":{utc_stamp(moment)}"


def _uri(text: str) -> str:
    """A URI value: no escapes of TEXT, and nothing that ends a line or is not ASCII."""
    return "".join(_uri_part(text))


def _uri_part(text: str) -> Iterable[str]:
    for byte in text.encode("utf-8", "ignore"):
        yield chr(byte) if 0x21 <= byte <= 0x7E and byte not in b'"<>\\^`{|}' else f"%{byte:02X}"


def _duration(length: dt.timedelta) -> str:
    """A DURATION value of whole minutes (section 3.3.6)."""
    minutes = int(length.total_seconds() // 60)
    return f"PT{minutes // 60}H" if minutes % 60 == 0 else f"PT{minutes}M"
