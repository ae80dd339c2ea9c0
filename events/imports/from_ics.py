"""Meetups of a calendar file (RFC 5545), as lenient with its maker as its size allows."""

import datetime as dt
import re
import time
from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from dateutil.rrule import rrulestr

from events.imports.entries import (
    Entry,
    ImportRefused,
    Place,
    Reading,
    at_midnight,
    is_sane,
    short,
    zone_or,
)
from events.imports.plain_text import plain_text

#: A rule that goes on is followed for this long after today, and no rule gives more than so many meetups.
RULE_AHEAD = dt.timedelta(days=366)
MOST_OF_A_RULE = 120
#: All rules of a file together may take so many seconds: some describe days that never come.
RULE_SECONDS = 3.0
_MOST_COMPONENTS = 4000
_DEEPEST = 4
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")
# Each of these finds its next day, or its end, within a bounded number of steps.
_RULE_PARTS = {
    "DAILY": set(),
    "WEEKLY": {"BYDAY"},
    "MONTHLY": {"BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"},
    "YEARLY": {"BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"},
}


@dataclass
class _File:
    """What holds for all events of one file."""

    zone: str
    until: dt.datetime
    reading: Reading
    rule_seconds: float = RULE_SECONDS


def read_ics(data: bytes, *, zone: str, at: dt.datetime) -> Reading:
    """The events of a file; ``zone`` is for times that name none. Raises :class:`ImportRefused`."""
    calendar = _parsed(data)
    home = zone_or(str(calendar.get("X-WR-TIMEZONE", "")), zone)
    file = _File(home, at + RULE_AHEAD, Reading())
    groups: dict[str, list[Any]] = defaultdict(list)
    for number, event in enumerate(calendar.walk("VEVENT")):
        groups[str(event.get("UID", "")) or f"?{number}"].append(event)
    for uid, events in groups.items():
        _read_group("" if uid.startswith("?") else uid, events, file)
    return file.reading


def _parsed(data: bytes) -> Any:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ImportRefused("The calendar file is not in UTF-8, the encoding of calendars.") from None
    _refuse_structure(text)
    try:
        return icalendar.Calendar.from_ical(_CONTROLS.sub("", text))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, OverflowError):
        raise ImportRefused(
            "The calendar file is damaged: it cannot be read from BEGIN:VCALENDAR to END:VCALENDAR."
        ) from None


def _refuse_structure(text: str) -> None:
    """Count what the reader would build, before it builds it."""
    depth = components = 0
    for line in re.finditer(r"^(BEGIN|END):", text, re.IGNORECASE | re.MULTILINE):
        if line[1].upper() == "END":
            depth -= 1
            continue
        depth, components = depth + 1, components + 1
        if depth > _DEEPEST or components > _MOST_COMPONENTS:
            raise ImportRefused(
                "The calendar file has too many parts, or parts within parts. Export fewer meetups at once."
            )


def _read_group(uid: str, events: list[Any], file: _File) -> None:
    """All events of one UID: a series has one without RECURRENCE-ID, and one for each day that differs."""
    master = next((event for event in events if event.get("RECURRENCE-ID") is None), None)
    span = _span(master, file.zone) if master is not None else None
    zone = span.zone if isinstance(span, _Span) else file.zone
    moved = {key: event for event in events if (key := _key(event.get("RECURRENCE-ID"), zone))}
    if master is not None and ("RRULE" in master or "RDATE" in master):
        _read_series(uid, master, moved, file)
    elif master is not None:
        _read_event(uid, master, file)
    for key, event in moved.items():
        _read_event(f"{uid}#{key}", event, file)


def _value(read: Any, name: str = "dt") -> Any:
    """What the library read a property as; None where it is missing, repeated or broken."""
    try:
        return getattr(read, name, None)
    except icalendar.error.BrokenCalendarProperty:
        return None


def _key(moment: Any, zone: str) -> str:
    """A RECURRENCE-ID as the day or moment of its series' rule, on the wall clock."""
    value = _value(moment)
    if isinstance(value, dt.datetime):
        return f"{_aware(value, zone):%Y%m%dT%H%M%S}"
    return f"{value:%Y%m%d}" if isinstance(value, dt.date) else ""


def _read_event(uid: str, event: Any, file: _File) -> None:
    title = short(str(event.get("SUMMARY", "")))
    span = _span(event, file.zone)
    if isinstance(span, str):
        file.reading.leave_out(title, span)
        return
    file.reading.add(_entry(uid, title, event, span, file))


@dataclass(frozen=True)
class _Span:
    start: dt.datetime
    end: dt.datetime | None
    zone: str
    is_day: bool


def _span(event: Any, home: str) -> _Span | str:
    """When it is, or a sentence that says why that cannot be known."""
    start = _value(event.get("DTSTART"))
    end = _value(event.get("DTEND"))
    length = _value(event.get("DURATION"))
    try:
        if isinstance(start, dt.datetime):
            zone = _zone_of(start, home)
            first = _aware(start, zone)
            last = _aware(end, zone) if isinstance(end, dt.datetime) else None
            if last is None and isinstance(length, dt.timedelta):
                last = first + length
        elif isinstance(start, dt.date):
            zone, first = home, at_midnight(start, home)
            is_long = isinstance(end, dt.date) and not isinstance(end, dt.datetime) and (end - start).days > 1
            last = at_midnight(end, home) if is_long else None
        else:
            return "It has no date that can be read."
    except (OverflowError, ValueError):
        return "Its date is out of range."
    if not is_sane(first) or (last and not is_sane(last)):
        return "Its date is out of range."
    if last is not None and last <= first:
        last = None
    return _Span(first, last, zone, not isinstance(start, dt.datetime))


def _zone_of(moment: dt.datetime, home: str) -> str:
    """The IANA zone that the time names; a zone of the file's own making is only good for the moment itself."""
    key = getattr(moment.tzinfo, "key", None)
    return home if key in ("UTC", "Etc/UTC") else zone_or(key, home)


def _aware(moment: dt.datetime, zone: str) -> dt.datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(ZoneInfo(zone))


def _entry(uid: str, title: str, event: Any, span: _Span, file: _File) -> Entry:
    place = " ".join(str(event.get("LOCATION", "")).split())[:500]
    online = _web(event.get("CONFERENCE")) or _web(event.get("X-GOOGLE-CONFERENCE"))
    if _web(place):
        place, online = "", online or place
    return Entry(
        source=_source(uid, title, span.start),
        uid=uid,
        sequence=_sequence(event),
        title=title or "Meetup",
        start=span.start,
        end=span.end,
        time_zone=span.zone,
        is_day=span.is_day,
        status=_status(event, span.is_day),
        description=plain_text(str(event.get("DESCRIPTION", ""))),
        place=Place(address="" if place.lower() == "online" else place),
        online_url=online[:500],
        url=_web(event.get("URL"))[:500],
    )


def _source(uid: str, title: str, start: dt.datetime) -> str:
    """What tells the entry again: its UID, or what it is and when where the file gives none."""
    name = uid or sha256(f"{title}\n{start.isoformat()}".encode()).hexdigest()
    return f"ics:{name}" if len(name) <= 180 else f"ics:{sha256(name.encode()).hexdigest()}"


def _sequence(event: Any) -> int:
    try:
        return min(max(int(event.get("SEQUENCE", 0)), 0), 1_000_000)
    except (TypeError, ValueError):
        return 0


def _status(event: Any, is_day: bool) -> str:
    told = str(event.get("STATUS", "")).upper()
    if told == "CANCELLED":
        return "cancelled"
    return "tentative" if told == "TENTATIVE" or is_day else "confirmed"


def _web(value: Any) -> str:
    """``value`` if it is a web address, otherwise nothing."""
    text = str((value[0] if value else "") if isinstance(value, list) else value or "").strip()
    return text if re.fullmatch(r"https?://[^\s\"<>]+", text) else ""


def _read_series(uid: str, master: Any, moved: dict[str, Any], file: _File) -> None:
    """The days of a rule as meetups of their own, each of which can be changed alone."""
    title = short(str(master.get("SUMMARY", "")))
    span = _span(master, file.zone)
    if isinstance(span, str):
        file.reading.leave_out(title, span)
        return
    days = _days(master, span, file)
    if isinstance(days, str):
        file.reading.leave_out(title, days)
        return
    skipped = _listed(master.get("EXDATE"), span)
    zone = ZoneInfo(span.zone)
    length = span.end - span.start if span.end else None
    for day in days:
        key = day.strftime("%Y%m%d" if span.is_day else "%Y%m%dT%H%M%S")
        if day in skipped or key in moved:
            continue
        start = day.replace(tzinfo=zone)
        own = _Span(start, (day + length).replace(tzinfo=zone) if length else None, span.zone, span.is_day)
        file.reading.add(_entry(f"{uid}#{key}" if uid else "", title, master, own, file))


def _days(master: Any, span: _Span, file: _File) -> list[dt.datetime] | str:
    """Starts on the wall clock of the series' zone, or a sentence that says why there are none."""
    first = span.start.replace(tzinfo=None)
    found = {first, *_listed(master.get("RDATE"), span)}
    rules = master.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        days = _days_of_rule(rule, first, span, file)
        if isinstance(days, str):
            return days
        found.update(days)
    if len(found) > MOST_OF_A_RULE:
        return f"It repeats more than {MOST_OF_A_RULE} times. Only series that end sooner are taken."
    return sorted(found)


def _days_of_rule(rule: Any, first: dt.datetime, span: _Span, file: _File) -> list[dt.datetime] | str:
    if not isinstance(rule, icalendar.vRecur):
        return "It repeats by a rule that is not understood here."
    frequency = str(next(iter(rule.get("FREQ", [])), "")).upper()
    parts = {str(name).upper() for name in rule} - {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
    if frequency not in _RULE_PARTS or not parts <= _RULE_PARTS[frequency]:
        return "It repeats by a rule that is not understood here."
    if file.rule_seconds <= 0:
        return "The rules of this file take too long to follow."
    last = min(_until(rule, span), file.until.astimezone(ZoneInfo(span.zone)).replace(tzinfo=None))
    told: bytes = rule.to_ical()  # type: ignore[no-untyped-call]  # icalendar types most, not this
    text = ";".join(part for part in told.decode().upper().split(";") if not part.startswith("UNTIL="))
    began = time.monotonic()
    try:
        every = rrulestr(text, dtstart=first)
        if getattr(every, "_interval", 1) < 1:
            return "It repeats by a rule that is not understood here."
        days = []
        for day in islice(every, MOST_OF_A_RULE + 1):
            if day > last:
                break
            days.append(day)
        return days
    except (ValueError, TypeError, OverflowError):
        return "It repeats by a rule that is not understood here."
    finally:
        file.rule_seconds -= time.monotonic() - began


def _until(rule: Any, span: _Span) -> dt.datetime:
    """The last moment of the rule on the wall clock of its zone."""
    value = next(iter(rule.get("UNTIL", [])), None)
    if isinstance(value, dt.datetime):
        return value.astimezone(ZoneInfo(span.zone)).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time(23, 59, 59))
    return dt.datetime.max


def _listed(values: Any, span: _Span) -> set[dt.datetime]:
    """The days of RDATE or EXDATE on the wall clock of the series' zone."""
    found = set()
    for value in values if isinstance(values, list) else [values] if values is not None else []:
        for entry in _value(value, "dts") or []:
            moment = entry.dt
            if isinstance(moment, dt.datetime):
                found.add(_aware(moment, span.zone).replace(tzinfo=None))
            elif isinstance(moment, dt.date):
                found.add(dt.datetime.combine(moment, span.start.time()))
    return found
