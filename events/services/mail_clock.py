"""Mails that time brings: reminders and weekly summaries. For beat; late is still good, twice is not."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.conf import settings

from events.models import MailRound, Meetup
from events.services.mail_pieces import JUST_TOLD, TIME_FIELDS
from events.services.mail_rounds import open_round

Event = MailRound.Event
#: Before the moment of the start, however the clocks change in between.
REMIND_BEFORE = dt.timedelta(hours=24)
_MONDAY_AT = dt.time(9)
_LONGEST_LOOK_BACK = dt.timedelta(weeks=5)


def remind(*, at: dt.datetime) -> int:
    """Begin the reminders of meetups that start within :data:`REMIND_BEFORE`; returns how many.

    One round for each start: a meetup that moves reminds again, one that does not never twice, and one that has begun
    not any more. Where everybody was told of this very time within ``JUST_TOLD``, it waits that long.
    """
    soon = Meetup.objects.filter(
        status=Meetup.Status.CONFIRMED, starts_at__gt=at, starts_at__lte=at + REMIND_BEFORE
    )
    begun = 0
    for meetup in soon.order_by("starts_at", "pk"):
        if meetup.starts_at is None or _is_just_told(meetup, at):
            continue
        start = int(meetup.starts_at.timestamp())
        key = f"reminder:{meetup.pk}:{start}"
        begun += open_round(Event.REMINDER, key, at=at, meetup=meetup, detail={"start": start}) is not None
    return begun


def _is_just_told(meetup: Meetup, at: dt.datetime) -> bool:
    told = MailRound.objects.filter(
        meetup=meetup, event__in=[Event.DATE_DECIDED, Event.CHANGED], created_at__gt=at - JUST_TOLD
    )
    return any(one.event == Event.DATE_DECIDED or TIME_FIELDS & set(one.detail["changed"]) for one in told)


def summarise_week(*, at: dt.datetime) -> bool:
    """Begin the summaries of this ISO week, from Monday morning on; whether they began just now.

    They tell what came after the last ones, so a week in which nothing ran is made up for.
    """
    local = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    monday = local.date() - dt.timedelta(days=local.weekday())
    until = dt.datetime.combine(monday, _MONDAY_AT, local.tzinfo)
    if local < until:
        return False
    year, number, _ = monday.isocalendar()
    week = f"{year}-W{number:02d}"
    last = MailRound.objects.filter(event=Event.DIGEST).exclude(key=f"digest:{week}").order_by("-pk").first()
    since = dt.datetime.fromisoformat(last.detail["until"]) if last else until - dt.timedelta(weeks=1)
    detail = {
        "week": week,
        "since": max(since, until - _LONGEST_LOOK_BACK).isoformat(),
        "until": until.isoformat(),
    }
    return open_round(Event.DIGEST, f"digest:{week}", at=at, detail=detail) is not None
