"""What the mails of this room share: subjects that fit, a reader's key, and a meetup's facts as words."""

import datetime as dt
import unicodedata
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.dateformat import format as format_date

from events.models import Meetup, Rsvp
from events.queries.calendars import has_calendar_day, invitation
from events.services.links import rsvp_url, ticket_url
from portal.mail.services import Attachment

_LONGEST_SUBJECT = 200
#: Characters that turn the direction of what follows them: a title must not rearrange the words around it.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Link:
    """Something to press in a mail."""

    label: str
    url: str


@dataclass(frozen=True)
class Facts:
    """A meetup in words: the same in every mail. ``online`` is the link, for those alone who may have it."""

    title: str
    city: str
    url: str
    when: str
    where: tuple[str, ...]
    notes: str
    access: str
    map_url: str
    online: str
    is_online: bool


def subject_line(news: str, title: str = "") -> str:
    """A subject of one line, whatever ``title`` holds, cut where it would not fit."""
    words = f"{news}: {title}" if title else news
    shown = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in words if c not in _TURNING
    )
    line = " ".join(shown.split())
    return line if len(line) <= _LONGEST_SUBJECT else f"{line[: _LONGEST_SUBJECT - 1].rstrip()}…"


def reader_key(address: str) -> str:
    """Names the reader in a dedupe key, which is kept longer than the address may be."""
    return salted_hmac("events.mail.reader", address.lower(), algorithm="sha256").hexdigest()[:24]


def facts_of(meetup: Meetup, *, shows_online: bool = False) -> Facts:
    """What a mail says of ``meetup``; it needs ``chapter`` and ``venue``."""
    venue = meetup.venue if meetup.mode != Meetup.Mode.ONLINE else None
    lines = [line.strip() for line in venue.address.splitlines() if line.strip()] if venue else []
    where = [venue.name, *lines] if venue else []
    if not where and meetup.mode != Meetup.Mode.ONLINE:
        where = [meetup.chapter.city if meetup.venue_notes else f"{meetup.chapter.city}. The venue is open."]
    return Facts(
        title=" ".join(meetup.title.split()),
        city=meetup.chapter.city,
        url=settings.SITE_URL + meetup.get_absolute_url(),
        when=when_text(meetup),
        where=tuple(where),
        notes=meetup.venue_notes.strip(),
        access=venue.accessibility.strip() if venue else "",
        map_url=venue.map_url if venue else "",
        online=meetup.online_url if shows_online else "",
        is_online=meetup.mode != Meetup.Mode.IN_PERSON,
    )


def when_text(meetup: Meetup) -> str:
    """The meetup's time on the wall clock of its own zone, with the zone's letters and offset.

    Never the reader's zone: people arrange to be at a place, and its clock is the one that they meet by.
    """
    return time_text(meetup.starts_at, meetup.ends_at, meetup.date_precision, meetup.time_zone)


def time_text(
    starts_at: dt.datetime | None, ends_at: dt.datetime | None, precision: str, time_zone: str
) -> str:
    """``Saturday 12 December 2026, 18:00 to 20:00 IST (UTC+05:30)``, or as much of it as ``precision`` knows."""
    if starts_at is None or precision == Meetup.DatePrecision.NONE:
        return "The date is open."
    zone = ZoneInfo(time_zone)
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone) if ends_at else None
    if precision == Meetup.DatePrecision.MONTH:
        return f"{format_date(start, 'F Y')}, day open"
    day = format_date(start, "l j F Y")
    if precision == Meetup.DatePrecision.DAY:
        return f"{day}, time open"
    begins = f"{day}, {start:%H:%M}"
    if end is None:
        return f"{begins} {zone_text(start)}"
    if end.utcoffset() != start.utcoffset():  # the clocks change in between
        begins = f"{begins} {zone_text(start)}"
    ends = f"{end:%H:%M}" if end.date() == start.date() else f"{format_date(end, 'l j F Y')}, {end:%H:%M}"
    return f"{begins} to {ends} {zone_text(end)}"


def zone_text(moment: dt.datetime) -> str:
    """``IST (UTC+05:30)``; zones without letters of their own have the offset alone."""
    offset = _offset(moment)
    name = moment.tzname() or ""
    if name[:1] in "+-" or not name:
        return f"UTC{offset}"
    return "UTC" if name == "UTC" else f"{name} (UTC{offset})"


def _offset(moment: dt.datetime) -> str:
    minutes = int((moment.utcoffset() or dt.timedelta()).total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def calendar_file(rsvp: Rsvp, method: str) -> tuple[Attachment, ...]:
    """The iCalendar object for the reader's own calendar program; none while there is no day for it."""
    if not has_calendar_day(rsvp.meetup):
        return ()
    name = "cancellation.ics" if method == "CANCEL" else "invitation.ics"
    mime_type = f"text/calendar; method={method}; charset=utf-8"
    return (Attachment(name, mime_type, invitation(rsvp.meetup, method=method, rsvp=rsvp)),)


_LEAVING = {
    Rsvp.Status.WAITLISTED.value: "Leave the waitlist",
    Rsvp.Status.OFFERED.value: "I am not coming",
    Rsvp.Status.MAYBE.value: "I am not coming",
}


def own_links(rsvp: Rsvp) -> tuple[Link, ...]:
    """What somebody who has a sign-up can do about it from the mail, without signing in."""
    leave = Link(_LEAVING.get(rsvp.status, "Cancel my place"), rsvp_url(rsvp, "cancel"))
    if rsvp.status == Rsvp.Status.OFFERED:
        return (Link("Take the seat", rsvp_url(rsvp, "accept")), leave)
    own = Link("See or change my sign-up", rsvp_url(rsvp, "view"))
    if rsvp.status == Rsvp.Status.GOING:
        return (Link("My ticket for the door", ticket_url(rsvp)), own, leave)
    return (own, leave)
