"""Addresses that put a meetup into a calendar program, or let a program follow a feed. Pure: no queries."""

import datetime as dt
from dataclasses import dataclass
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from events.models import Meetup


@dataclass(frozen=True)
class Subscription:
    """One feed for people: its address, and links that open it in programs."""

    address: str
    webcal: str
    google: str
    outlook: str


@dataclass(frozen=True)
class MeetupLinks:
    """One meetup for people's calendars; each of these copies it as it is now."""

    file: str
    google: str
    outlook: str
    yahoo: str


def subscription(path: str, name: str = "") -> Subscription:
    """The feed at ``path``; ``name`` is what Outlook.com calls it."""
    address = f"{settings.SITE_URL}{path}"
    webcal = "webcal://" + address.partition("://")[2]
    outlook = {"url": address, "name": name or settings.SITE_NAME}
    return Subscription(
        address=address,
        webcal=webcal,
        google="https://calendar.google.com/calendar/r?" + urlencode({"cid": webcal}),
        outlook="https://outlook.live.com/calendar/0/addfromweb?" + urlencode(outlook),
    )


def meetup_links(meetup: Meetup, *, is_past: bool) -> MeetupLinks | None:
    """Links for a meetup that has a day and will take place, as it stands; None for others."""
    start = meetup.starts_at
    has_day = meetup.date_precision in (Meetup.DatePrecision.DAY, Meetup.DatePrecision.EXACT)
    if (
        start is None
        or not has_day
        or is_past
        or meetup.status in (Meetup.Status.CANCELLED, Meetup.Status.DRAFT)
    ):
        return None
    entry = _entry(meetup, start)
    return MeetupLinks(
        file=reverse("events:meetup_file", args=[meetup.slug]),
        google=_google(entry),
        outlook=_outlook(entry),
        yahoo=_yahoo(entry),
    )


@dataclass(frozen=True)
class _Entry:
    """What all services want: ``start`` and ``end`` on the wall clock of the meetup, ``end`` exclusive for days."""

    title: str
    start: dt.datetime
    end: dt.datetime
    is_day: bool
    zone: str
    page: str
    place: str


def _entry(meetup: Meetup, start: dt.datetime) -> _Entry:
    zone = ZoneInfo(meetup.time_zone)
    is_day = meetup.date_precision == Meetup.DatePrecision.DAY
    first = start.astimezone(zone)
    end = (meetup.ends_at or start).astimezone(
        zone
    )  # these services want an end; an unknown one is the start
    if is_day:
        last = max(first.date(), (end - dt.timedelta(microseconds=1)).date())
        end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), zone)
    return _Entry(
        title=meetup.title,
        start=first,
        end=end,
        is_day=is_day,
        zone=meetup.time_zone,
        page=f"{settings.SITE_URL}{meetup.get_absolute_url()}",
        place=_place(meetup),
    )


def _place(meetup: Meetup) -> str:
    if meetup.mode == Meetup.Mode.ONLINE:
        return "Online"
    if meetup.venue is None:
        return meetup.chapter.city
    lines = [meetup.venue.name, *meetup.venue.address.splitlines()]
    return ", ".join(line.strip() for line in lines if line.strip())


def _google(entry: _Entry) -> str:
    form = "%Y%m%d" if entry.is_day else "%Y%m%dT%H%M%S"
    dates = f"{entry.start:{form}}/{entry.end:{form}}"
    query = {"action": "TEMPLATE", "text": entry.title, "dates": dates, "ctz": entry.zone}
    query |= {"details": entry.page, "location": entry.place}
    return "https://calendar.google.com/calendar/render?" + urlencode(query)


def _outlook(entry: _Entry) -> str:
    query = {"path": "/calendar/action/compose", "rru": "addevent", "subject": entry.title}
    if entry.is_day:
        query |= {"startdt": f"{entry.start:%Y-%m-%d}", "enddt": f"{entry.end:%Y-%m-%d}", "allday": "true"}
    else:
        query |= {"startdt": _in_utc(entry.start, "%Y-%m-%dT%H:%M:%SZ")}
        query |= {"enddt": _in_utc(entry.end, "%Y-%m-%dT%H:%M:%SZ")}
    query |= {"body": entry.page, "location": entry.place}
    return "https://outlook.live.com/calendar/0/deeplink/compose?" + urlencode(query)


def _yahoo(entry: _Entry) -> str:
    query = {"v": "60", "title": entry.title, "desc": entry.page, "in_loc": entry.place}
    if entry.is_day:
        query |= {"st": f"{entry.start:%Y%m%d}", "dur": "allday"}
    else:
        query |= {"st": _in_utc(entry.start, "%Y%m%dT%H%M%SZ"), "et": _in_utc(entry.end, "%Y%m%dT%H%M%SZ")}
    return "https://calendar.yahoo.com/?" + urlencode(query)


def _in_utc(moment: dt.datetime, form: str) -> str:
    return moment.astimezone(dt.UTC).strftime(form)
