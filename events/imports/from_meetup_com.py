"""Meetups of meetup.com: what its programming interfaces give, as JSON, and tables of the same as CSV.

JSON: the answers of ``GET /:urlname/events`` and ``/2/events`` (``id``, ``name``, ``time`` and ``duration`` in
milliseconds, ``local_date``, ``local_time``, ``status``, ``venue``, ``description``) and of GraphQL's
``groupByUrlname`` (``id``, ``title``, ``dateTime``, ``endTime`` or ``duration``, ``status``, ``venue`` or
``venues``, ``description``, ``going``), alone, in lists or within anything else. CSV: a header that names at least a
title and a date, under any of the names in :data:`COLUMNS`.
"""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from events.imports.entries import Entry, ImportRefused, Place, Reading, is_sane, short, zone_or
from events.imports.plain_text import plain_text

_DEEPEST = 20
_MOST_VALUES = 200_000
_ISO_DURATION = re.compile(r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,5})S)?)?")
_STATUS = {
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "draft": "draft",
    "proposed": "idea",
    "suggested": "idea",
}
#: What we call a column, and the names that it may have, in lower case and with "_" between words.
COLUMNS = {
    "id": ("id", "event_id", "meetup_id"),
    "title": ("title", "name", "event_name", "event_title", "event"),
    "dateTime": ("datetime", "date_time", "start", "starts_at", "start_at", "event_time"),
    "local_date": ("date", "local_date", "event_date", "start_date"),
    "local_time": ("time", "local_time", "start_time"),
    "endTime": ("end", "end_time", "endtime", "ends_at"),
    "duration": ("duration", "duration_minutes"),
    "timezone": ("timezone", "time_zone"),
    "status": ("status", "event_status"),
    "description": ("description", "details"),
    "venue_name": ("venue", "venue_name", "location"),
    "venue_address": ("address", "venue_address", "address_1"),
    "venue_city": ("city", "venue_city"),
    "lat": ("lat", "latitude", "venue_lat"),
    "lon": ("lon", "lng", "longitude", "venue_lon"),
    "eventUrl": ("url", "link", "event_url", "eventurl"),
    "eventType": ("event_type", "eventtype"),
    "howToFindUs": ("how_to_find_us",),
    "going": ("going", "yes_rsvp_count", "rsvps", "attendees", "yes"),
}


def read_meetup_json(data: bytes, *, zone: str) -> Reading:
    """The events of a JSON file. Raises :class:`ImportRefused`."""
    try:
        root = json.loads(data)
    except (ValueError, RecursionError):
        raise ImportRefused("The file begins like JSON, but it is damaged.") from None
    reading = Reading()
    for event in _events(root):
        _read(event, zone, reading)
    if not reading.entries and not reading.left_out:
        raise ImportRefused(
            "There is no meetup in this JSON: one has an id, a name or title, and a time or dateTime."
        )
    return reading


def read_meetup_csv(data: bytes, *, zone: str) -> Reading:
    """The rows of a CSV file. Raises :class:`ImportRefused`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ImportRefused("The table is not in UTF-8. Save it as “CSV UTF-8”.") from None
    reading = Reading()
    try:
        sample = text.split("\n", 1)[0]
        separator = max(",;\t", key=sample.count)
        rows = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=separator)
        names = [_column(name) for name in next(rows, [])]
        if "title" not in names or not {"dateTime", "local_date", "local_time"} & set(names):
            raise ImportRefused(
                "This is no file that can be read here. It must be a calendar (.ics), events of meetup.com as"
                " JSON, or a table (CSV) whose first line names at least a title and a date."
            )
        for row in rows:
            if any(cell.strip() for cell in row):
                _read(_of_row(dict(zip(names, row, strict=False))), zone, reading)
    except csv.Error:
        raise ImportRefused("The table is damaged: a cell has no end, or is too long.") from None
    if not reading.entries and not reading.left_out:
        raise ImportRefused("The table has no row below its first line.")
    return reading


def _column(name: str) -> str:
    key = re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
    return next((ours for ours, theirs in COLUMNS.items() if key in theirs), "")


def _of_row(row: dict[str, str]) -> dict[str, Any]:
    """A row as JSON would have it; a column called time holds a moment where it is more than a time."""
    row = {name: cell.strip() for name, cell in row.items() if name}
    clock = row.get("local_time", "")
    if len(clock) > 8:
        row["dateTime"] = row.get("dateTime") or clock
    venue = {"name": row.get("venue_name", ""), "address": row.get("venue_address", "")}
    venue |= {"city": row.get("venue_city", ""), "lat": row.get("lat", ""), "lon": row.get("lon", "")}
    return {**row, "venue": venue}


def _events(root: Any) -> Iterator[Mapping[str, Any]]:
    """Everything in the JSON that looks like an event, wherever it is. Raises :class:`ImportRefused`."""
    waiting: list[tuple[Any, int]] = [(root, 0)]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES or depth > _DEEPEST:
            raise ImportRefused("The JSON has too many parts, or parts within parts.")
        if isinstance(value, list):
            waiting.extend((part, depth + 1) for part in reversed(value) if isinstance(part, dict | list))
        elif isinstance(value, dict):
            if _is_event(value):
                yield value
            else:
                waiting.extend(
                    (part, depth + 1) for part in reversed(value.values()) if isinstance(part, dict | list)
                )


def _is_event(value: dict[str, Any]) -> bool:
    has_title = isinstance(value.get("name"), str) or isinstance(value.get("title"), str)
    dated = ("time", "dateTime", "local_date")
    is_open = str(value.get("status", "")).lower() in ("proposed", "suggested")
    return "id" in value and has_title and (is_open or any(value.get(name) for name in dated))


def _read(event: Mapping[str, Any], home: str, reading: Reading) -> None:
    title = short(str(event.get("title") or event.get("name") or ""))
    zone = zone_or(event.get("timezone"), zone_or(_part(event, "group").get("timezone"), home))
    try:
        start = _start(event, zone)
        end = _end(event, start, zone) if start else None
    except (ValueError, OverflowError, OSError):
        reading.leave_out(title, "Its date cannot be read.")
        return
    status = _STATUS.get(str(event.get("status", "")).lower(), "confirmed")
    if start is None and status != "idea":
        reading.leave_out(title, "It has no date that can be read.")
        return
    if (start and not is_sane(start)) or (end and not is_sane(end)):
        reading.leave_out(title, "Its date is out of range.")
        return
    online = str(event.get("eventType", "")).upper() == "ONLINE" or event.get("is_online_event") is True
    reading.add(
        Entry(
            source=_source(event, title, start),
            title=title or "Meetup",
            start=start,
            end=end if end and start and end > start else None,
            time_zone=zone,
            status="idea" if start is None else status,
            description=plain_text(_description(event)),
            place=Place() if online else _place(event),
            online_url=_web(event.get("howToFindUs") or event.get("how_to_find_us")) if online else "",
            url=_web(event.get("eventUrl") or event.get("event_url") or event.get("link")),
            signed_up=_count(event),
        )
    )


def _source(event: Mapping[str, Any], title: str, start: dt.datetime | None) -> str:
    name = str(event.get("id") or "").strip()
    if re.fullmatch(r"[A-Za-z0-9_!+=-]{1,100}", name):
        return f"meetup.com:{name}"
    when = start.isoformat() if start else ""
    return f"meetup.com:{sha256(f'{name}{title}{when}'.encode()).hexdigest()}"


def _description(event: Mapping[str, Any]) -> str:
    found = str(event.get("description") or event.get("plain_text_description") or "")
    how = str(event.get("howToFindUs") or event.get("how_to_find_us") or "")
    return f"{found}\n\n{how}" if how and not _web(how) else found


def _start(event: Mapping[str, Any], zone: str) -> dt.datetime | None:
    for value in (event.get("dateTime"), event.get("time")):
        moment = _moment(value, zone)
        if moment:
            return moment
    day, clock = str(event.get("local_date") or ""), str(event.get("local_time") or "")
    if not day:
        return None
    return _moment(f"{day}T{clock}" if clock else day, zone)


def _moment(value: Any, zone: str) -> dt.datetime | None:
    """Milliseconds since 1970, or an ISO date and time. Raises ``ValueError`` for a text that is neither."""
    if isinstance(value, bool) or value in (None, ""):
        return None
    text = str(value).strip()
    if re.fullmatch(r"\d{9,14}", text):
        return dt.datetime.fromtimestamp(int(text) / 1000, dt.UTC).astimezone(ZoneInfo(zone))
    if len(text) <= 8 and ":" in text:
        return None  # a time alone
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(ZoneInfo(zone))


def _end(event: Mapping[str, Any], start: dt.datetime, zone: str) -> dt.datetime | None:
    end = _moment(event.get("endTime"), zone)
    if end:
        return end
    text = str(event.get("duration") or "").strip().upper()
    if re.fullmatch(r"\d{1,10}", text):
        number = int(text)
        # The interface counts milliseconds; a table made by hand counts minutes.
        length = dt.timedelta(milliseconds=number) if number >= 60_000 else dt.timedelta(minutes=number)
    else:
        found = _ISO_DURATION.fullmatch(text)
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0,) * 4
        length = dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return start + length if length else None


def _place(event: Mapping[str, Any]) -> Place:
    venue = _part(event, "venue")
    if not venue and isinstance(event.get("venues"), list):
        venue = next((one for one in event["venues"] if isinstance(one, dict)), {})
    lines = [_line(venue.get(name)) for name in ("address", "address_1", "address_2", "address_3", "city")]
    longitude = venue.get("lon") if venue.get("lon") not in (None, "") else venue.get("lng")
    latitude, longitude = _degrees(venue.get("lat"), 90), _degrees(longitude, 180)
    is_known = latitude is not None and longitude is not None and (latitude, longitude) != (0, 0)
    return Place(
        name=_line(venue.get("name"))[:120],
        address="\n".join(dict.fromkeys(line for line in lines if line))[:500],
        latitude=latitude if is_known else None,
        longitude=longitude if is_known else None,
    )


def _part(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _line(value: Any) -> str:
    return short(plain_text(value)) if isinstance(value, str) else ""


def _degrees(value: Any, most: int) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) <= most else None  # a NaN is no smaller than anything


def _count(event: Mapping[str, Any]) -> int | None:
    rsvps = _part(event, "rsvps")
    value = rsvps.get("yesCount", event.get("yes_rsvp_count", event.get("going")))
    if isinstance(value, dict):
        value = value.get("totalCount")
    text = str(value).strip() if value is not None else ""
    return int(text) if re.fullmatch(r"\d{1,6}", text) else None


def _web(value: Any) -> str:
    text = str(value or "").strip()[:500]
    return text if re.fullmatch(r"https?://[^\s\"<>]+", text) else ""
