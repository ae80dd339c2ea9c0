"""Value types (RFC 5545, section 3.3): their shapes, and which property has which."""

import datetime as dt
import re
from collections.abc import Callable

_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")
_DATE_TIME = re.compile(r"(\d{8})T(\d\d)(\d\d)(\d\d)(Z?)")
_DURATION = re.compile(
    r"[+-]?P(\d+W|\d+D(T(\d+H(\d+M(\d+S)?)?|\d+M(\d+S)?|\d+S))?|T(\d+H(\d+M(\d+S)?)?|\d+M(\d+S)?|\d+S))"
)
_UTC_OFFSET = re.compile(r"[+-](?!0000(00)?$)([01]\d|2[0-3])[0-5]\d([0-5]\d)?|\+0000(00)?")
_TEXT = re.compile(r"(?:[^\\;,]|\\[\\;,nN])*")
_TEXTS = re.compile(r"(?:[^\\;]|\\[\\;,nN])*")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~%]+")
_INTEGER = re.compile(r"[+-]?\d{1,10}")
_FLOATS = re.compile(r"([+-]?\d+(?:\.\d+)?);([+-]?\d+(?:\.\d+)?)")
_RECUR_PART = re.compile(
    r"(FREQ=(SECONDLY|MINUTELY|HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY)|UNTIL=\d{8}(T\d{6}Z?)?|(COUNT|INTERVAL)=[1-9]\d*"
    r"|WKST=(SU|MO|TU|WE|TH|FR|SA)|BYDAY=[+-]?\d{0,2}(SU|MO|TU|WE|TH|FR|SA)(,[+-]?\d{0,2}(SU|MO|TU|WE|TH|FR|SA))*"
    r"|BY(SECOND|MINUTE|HOUR|MONTHDAY|YEARDAY|WEEKNO|MONTH|SETPOS)=[+-]?\d{1,3}(,[+-]?\d{1,3})*)"
)


def read_date(value: str) -> dt.date | None:
    """A DATE; None where it is none, such as 31 February."""
    found = _DATE.fullmatch(value)
    try:
        return dt.date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None


def read_date_time(value: str) -> dt.datetime | None:
    """A DATE-TIME: aware for form 2 (UTC), naive for the others; None where it is none."""
    found = _DATE_TIME.fullmatch(value)
    day = read_date(found[1]) if found else None
    if not found or not day or int(found[2]) > 23 or int(found[3]) > 59 or int(found[4]) > 60:
        return None
    clock = dt.time(int(found[2]), int(found[3]), min(int(found[4]), 59))
    return dt.datetime.combine(day, clock, dt.UTC if found[5] else None)


def read_offset(value: str) -> dt.timedelta | None:
    """A UTC-OFFSET; ``-0000`` is none (section 3.3.14)."""
    if not _UTC_OFFSET.fullmatch(value):
        return None
    hours, minutes, seconds = int(value[1:3]), int(value[3:5]), int(value[5:7] or 0)
    length = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -length if value[0] == "-" else length


def _is_place(value: str) -> bool:
    found = _FLOATS.fullmatch(value)
    return bool(found and abs(float(found[1])) <= 90 and abs(float(found[2])) <= 180)


def _is_rule(value: str) -> bool:
    parts = value.split(";")
    names = [part.partition("=")[0] for part in parts]
    return (
        all(_RECUR_PART.fullmatch(part) for part in parts)
        and len(names) == len(set(names))
        and "FREQ" in names
        and not {"UNTIL", "COUNT"} <= set(names)
    )


def _each(check: Callable[[str], object]) -> Callable[[str], bool]:
    return lambda value: all(check(part) for part in value.split(","))


#: For each type, whether a value has its shape.
CHECKS: dict[str, Callable[[str], object]] = {
    "BOOLEAN": re.compile("TRUE|FALSE", re.IGNORECASE).fullmatch,
    "CAL-ADDRESS": _URI.fullmatch,
    "DATE": _each(read_date),
    "DATE-TIME": _each(read_date_time),
    "DURATION": _DURATION.fullmatch,
    "FLOATS": _is_place,
    "INTEGER": _INTEGER.fullmatch,
    "RECUR": _is_rule,
    "TEXT": _TEXT.fullmatch,
    "TEXTS": _TEXTS.fullmatch,
    "URI": _URI.fullmatch,
    "UTC-OFFSET": lambda value: read_offset(value) is not None,
}

#: For each property its types, the first one being the default. FLOATS and TEXTS are our words for GEO and for lists.
TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        [
            "CALSCALE",
            "METHOD",
            "PRODID",
            "VERSION",
            "NAME",
            "CLASS",
            "COMMENT",
            "DESCRIPTION",
            "LOCATION",
            "STATUS",
            "SUMMARY",
            "TRANSP",
            "UID",
            "CONTACT",
            "RELATED-TO",
            "TZID",
            "TZNAME",
            "ACTION",
            "COLOR",
            "REQUEST-STATUS",
        ],
        ("TEXT",),
    ),
    **dict.fromkeys(("CATEGORIES", "RESOURCES"), ("TEXTS",)),
    **dict.fromkeys(("URL", "TZURL", "SOURCE", "CONFERENCE"), ("URI",)),
    **dict.fromkeys(("ATTACH", "IMAGE"), ("URI", "BINARY")),
    **dict.fromkeys(("PRIORITY", "SEQUENCE", "REPEAT", "PERCENT-COMPLETE"), ("INTEGER",)),
    **dict.fromkeys(("DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "EXDATE"), ("DATE-TIME", "DATE")),
    **dict.fromkeys(("DTSTAMP", "CREATED", "LAST-MODIFIED", "COMPLETED"), ("DATE-TIME",)),
    **dict.fromkeys(("DURATION", "REFRESH-INTERVAL"), ("DURATION",)),
    **dict.fromkeys(("ATTENDEE", "ORGANIZER"), ("CAL-ADDRESS",)),
    **dict.fromkeys(("TZOFFSETFROM", "TZOFFSETTO"), ("UTC-OFFSET",)),
    "RDATE": ("DATE-TIME", "DATE", "PERIOD"),
    "RRULE": ("RECUR",),
    "GEO": ("FLOATS",),
    "TRIGGER": ("DURATION", "DATE-TIME"),
}
