"""Calendars as the icalendar library reads them, once our own judge has found nothing wrong with them."""

from typing import Any

import icalendar

from events.ical.validator import problems


def read_calendar(data: bytes) -> Any:
    """The VCALENDAR of ``data``, which must be valid."""
    assert problems(data) == []
    return icalendar.Calendar.from_ical(data)


def read_events(data: bytes) -> dict[str, Any]:
    """The events of a valid calendar by UID."""
    return {str(event["UID"]): event for event in read_calendar(data).walk("VEVENT")}
