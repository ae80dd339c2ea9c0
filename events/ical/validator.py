"""A strict judge of calendars: what RFC 5545, 5546 and 7986 demand and what common readers let pass in silence.

``python -m events.ical.validator FILE…`` prints what is wrong with each file; the exit code is 1 if anything is.
"""

import datetime as dt
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr

from events.ical.content import Component, Problem, Property, read_content
from events.ical.values import CHECKS, TYPES, read_date, read_date_time, read_offset

#: More is not judged; a feed of ours is far smaller.
MOST_BYTES = 20 * 1024**2

_HOLDS = {
    "VCALENDAR": {"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE"},
    "VEVENT": {"VALARM"},
    "VTODO": {"VALARM"},
    "VTIMEZONE": {"STANDARD", "DAYLIGHT"},
}
_ONCE = {
    "VCALENDAR": {"PRODID", "VERSION"},
    "VEVENT": {"UID", "DTSTAMP"},
    "VTODO": {"UID", "DTSTAMP"},
    "VJOURNAL": {"UID", "DTSTAMP"},
    "VFREEBUSY": {"UID", "DTSTAMP"},
    "VTIMEZONE": {"TZID"},
    "STANDARD": {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"},
    "DAYLIGHT": {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"},
    "VALARM": {"ACTION", "TRIGGER"},
}
_AT_MOST_ONCE = {
    "VCALENDAR": {"CALSCALE", "METHOD", "URL", "LAST-MODIFIED", "REFRESH-INTERVAL", "SOURCE", "COLOR", "UID"},
    "VEVENT": {
        "CLASS",
        "CREATED",
        "DESCRIPTION",
        "DTSTART",
        "DTEND",
        "DURATION",
        "GEO",
        "LAST-MODIFIED",
        "LOCATION",
        "ORGANIZER",
        "PRIORITY",
        "SEQUENCE",
        "STATUS",
        "SUMMARY",
        "TRANSP",
        "URL",
        "RECURRENCE-ID",
        "RRULE",
        "COLOR",
    },
    "VTIMEZONE": {"LAST-MODIFIED", "TZURL"},
}
_WORDS = {
    "VERSION": {"2.0"},
    "CALSCALE": {"GREGORIAN"},
    "METHOD": {"PUBLISH", "REQUEST", "REPLY", "ADD", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER"},
    "TRANSP": {"OPAQUE", "TRANSPARENT"},
    "CLASS": {"PUBLIC", "PRIVATE", "CONFIDENTIAL"},
}
_STATUS = {
    "VEVENT": {"TENTATIVE", "CONFIRMED", "CANCELLED"},
    "VTODO": {"NEEDS-ACTION", "COMPLETED", "IN-PROCESS", "CANCELLED"},
    "VJOURNAL": {"DRAFT", "FINAL", "CANCELLED"},
}
_PARAMETER_WORDS = {
    "PARTSTAT": {"NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED"},
    "ROLE": {"CHAIR", "REQ-PARTICIPANT", "OPT-PARTICIPANT", "NON-PARTICIPANT"},
    "RSVP": {"TRUE", "FALSE"},
    "CUTYPE": {"INDIVIDUAL", "GROUP", "RESOURCE", "ROOM", "UNKNOWN"},
}
_IN_UTC = {"DTSTAMP", "CREATED", "LAST-MODIFIED", "COMPLETED"}
# RFC 7986: types that have no default and must be named.
_NAMED_TYPE = {"REFRESH-INTERVAL", "SOURCE", "CONFERENCE", "IMAGE"}
_MADE_UP = re.compile(r"X-[A-Z0-9-]+")

Found = Iterator[Problem]


def problems(data: bytes) -> list[Problem]:
    """Everything that is wrong with ``data``, a whole iCalendar object; empty when nothing is."""
    if len(data) > MOST_BYTES:
        return [Problem("size", 1, f"The calendar has {len(data)} bytes; {MOST_BYTES} are judged.")]
    top, found = read_content(data)
    if len(top) != 1 or top[0].name != "VCALENDAR":
        found.append(Problem("one-calendar", 1, "There must be one VCALENDAR and nothing beside it."))
    for calendar in top:
        if calendar.name == "VCALENDAR":
            found += _judge(calendar)
    return sorted(found, key=lambda problem: problem.line)


def _judge(calendar: Component) -> Found:
    method = calendar.first("METHOD")
    zones = {zone.value: child for child in calendar.children if (zone := child.first("TZID"))}
    for component in calendar.walk():
        yield from _structure(component)
        for entry in component.properties:
            yield from _value(component, entry)
            yield from _parameters(component, entry, zones)
    if not calendar.children:
        yield Problem("no-component", calendar.line, "The calendar has no component.")
    for event in (child for child in calendar.children if child.name == "VEVENT"):
        yield from _event(event, method.value if method else "", zones)
    yield from _repetitions(calendar)


def _structure(component: Component) -> Found:
    allowed = _HOLDS.get(component.name, set())
    for child in component.children:
        if child.name not in allowed and not _MADE_UP.fullmatch(child.name):
            yield Problem("component", child.line, f"{child.name} may not stand in {component.name}.")
    counts = Counter(entry.name for entry in component.properties)
    for name in sorted(_ONCE.get(component.name, ())):
        if counts[name] != 1:
            yield Problem(
                "once", component.line, f"{component.name} needs {name} once, not {counts[name]} times."
            )
    for name in sorted(_AT_MOST_ONCE.get(component.name, ())):
        if counts[name] > 1:
            yield Problem(
                "at-most-once", component.line, f"{component.name} has {name} {counts[name]} times."
            )
    if component.name == "VTIMEZONE" and not component.children:
        yield Problem("empty-zone", component.line, "A VTIMEZONE needs STANDARD or DAYLIGHT.")


def _value(component: Component, entry: Property) -> Found:
    if entry.name not in TYPES:
        if not _MADE_UP.fullmatch(entry.name):
            yield Problem("unknown", entry.line, f"No standard knows {entry.name}.")
        return
    types = TYPES[entry.name]
    named = entry.parameter("VALUE").upper()
    if named and named not in types:
        yield Problem("type", entry.line, f"{entry.name} has no values of type {named}.")
        return
    if entry.name in _NAMED_TYPE and not named:
        yield Problem("type", entry.line, f"{entry.name} must name its type with VALUE (RFC 7986).")
    check = CHECKS.get(named or types[0])
    if check and not check(entry.value):
        yield Problem("value", entry.line, f"{entry.name}: “{entry.value[:60]}” is no {named or types[0]}.")
    elif entry.name in _IN_UTC and not entry.value.endswith("Z"):
        yield Problem("utc", entry.line, f"{entry.name} must be in UTC.")
    words = _STATUS.get(component.name) if entry.name == "STATUS" else _WORDS.get(entry.name)
    if words and entry.value not in words:
        yield Problem("word", entry.line, f"{entry.name} may not be “{entry.value[:60]}”.")
    if entry.name == "SEQUENCE" and entry.value.startswith("-"):
        yield Problem("value", entry.line, "SEQUENCE is never negative.")


def _parameters(component: Component, entry: Property, zones: dict[str, Component]) -> Found:
    for name, values in entry.parameters.items():
        words = _PARAMETER_WORDS.get(name)
        if words and not set(values) <= words:
            yield Problem("word", entry.line, f"{name} may not be “{values[0][:60]}”.")
    tzid = entry.parameter("TZID")
    is_clock = entry.parameter("VALUE") in ("", "DATE-TIME") and "DATE-TIME" in TYPES.get(entry.name, ())
    is_observance = component.name in ("STANDARD", "DAYLIGHT")
    if is_observance and entry.name == "DTSTART" and (tzid or entry.value.endswith("Z")):
        yield Problem("onset", entry.line, "The onset of an observance is a local time.")
        return
    if not tzid:
        return
    if not is_clock or entry.value.endswith("Z"):
        yield Problem("tzid", entry.line, f"{entry.name} may not have a TZID with a date or a time in UTC.")
    elif tzid not in zones:
        yield Problem("zone", entry.line, f"There is no VTIMEZONE for {tzid}.")
    else:
        yield from _offset(entry, tzid, zones[tzid])


def _offset(entry: Property, tzid: str, zone: Component) -> Found:
    """Whether the VTIMEZONE gives the time the offset that the IANA database gives it."""
    local = read_date_time(entry.value)
    if local is None:
        return
    onsets = [
        (onset, offset)
        for observance in zone.children
        if (onset := _last_onset(observance, local)) and (offset := _offset_to(observance)) is not None
    ]
    if not onsets:
        yield Problem("zone-begins", entry.line, f"The VTIMEZONE of {tzid} begins after {entry.value}.")
        return
    try:
        expected = local.replace(tzinfo=ZoneInfo(tzid)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return  # a zone of the calendar's own making
    if max(onsets)[1] != expected:
        yield Problem("zone-offset", entry.line, f"The VTIMEZONE of {tzid} is wrong about {entry.value}.")


def _last_onset(observance: Component, local: dt.datetime) -> dt.datetime | None:
    start = observance.first("DTSTART")
    first = read_date_time(start.value) if start else None
    if first is None or first.tzinfo:
        return None
    moments = [first]
    for entry in observance.all("RDATE"):
        moments += [moment for part in entry.value.split(",") if (moment := read_date_time(part))]
    rule = observance.first("RRULE")
    if rule and CHECKS["RECUR"](rule.value) and "FREQ=YEARLY" in rule.value:
        until = re.sub(r"(UNTIL=\d{8}T\d{6})Z", r"\1", rule.value)
        last = rrulestr(until, dtstart=first, ignoretz=True).before(local, inc=True)
        moments += [last] if last else []
    return max((moment for moment in moments if not moment.tzinfo and moment <= local), default=None)


def _offset_to(observance: Component) -> dt.timedelta | None:
    entry = observance.first("TZOFFSETTO")
    return read_offset(entry.value) if entry else None


def _event(event: Component, method: str, zones: dict[str, Component]) -> Found:
    start, end = event.first("DTSTART"), event.first("DTEND")
    if not start and not method:
        yield Problem("once", event.line, "A VEVENT needs DTSTART where there is no METHOD.")
    if end and event.first("DURATION"):
        yield Problem("end-twice", event.line, "DTEND and DURATION exclude one another.")
    if start and end:
        if start.parameter("VALUE") != end.parameter("VALUE"):
            yield Problem("end-type", end.line, "DTEND must be of the type of DTSTART.")
        elif (begins := _moment(start)) and (ends := _moment(end)) and ends <= begins:
            yield Problem("end-order", end.line, "DTEND must be after DTSTART.")
    attendees = event.all("ATTENDEE")
    if method in ("PUBLISH", "REQUEST", "CANCEL") and not event.first("ORGANIZER"):
        yield Problem("method", event.line, f"{method} needs an ORGANIZER (RFC 5546).")
    if method == "PUBLISH" and attendees:
        yield Problem("method", attendees[0].line, "PUBLISH names no ATTENDEE (RFC 5546).")
    if method == "REQUEST" and not attendees:
        yield Problem("method", event.line, "REQUEST needs an ATTENDEE (RFC 5546).")
    if method == "CANCEL" and not event.first("SEQUENCE"):
        yield Problem("method", event.line, "CANCEL needs a SEQUENCE (RFC 5546).")
    if not method and (event.first("ORGANIZER") and not attendees):
        yield Problem(
            "organizer", event.line, "ORGANIZER belongs to events with attendees (section 3.8.4.3)."
        )


def _moment(entry: Property) -> dt.datetime | None:
    """The value on one time line: local times of a zone that we know as they are, others as if in UTC."""
    if entry.parameter("VALUE") == "DATE":
        day = read_date(entry.value)
        return dt.datetime.combine(day, dt.time(), dt.UTC) if day else None
    moment = read_date_time(entry.value)
    if moment is None or moment.tzinfo:
        return moment
    try:
        return moment.replace(tzinfo=ZoneInfo(entry.parameter("TZID") or "UTC")).astimezone(dt.UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        return moment.replace(tzinfo=dt.UTC)


def _repetitions(calendar: Component) -> Found:
    seen: set[tuple[str, ...]] = set()
    for component in calendar.children:
        if component.name == "VTIMEZONE":
            key: tuple[str, ...] = ("VTIMEZONE", _text(component, "TZID"))
        else:
            key = (_text(component, "UID"), _text(component, "RECURRENCE-ID"))
        if key in seen:
            yield Problem("repeated", component.line, f"{' '.join(key).strip()} is there twice.")
        seen.add(key)


def _text(component: Component, name: str) -> str:
    entry = component.first(name)
    return entry.value if entry else ""


def main(paths: list[str]) -> int:
    """Judge files; prints one line for each problem."""
    is_bad = False
    for path in paths:
        for problem in problems(Path(path).read_bytes()):
            is_bad = True
            print(f"{path}: {problem}")
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
