"""A member's own calendar: what they go to, wait for, and vote on."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from events.ical.writer import Calendar, Event, write_calendar
from events.models import DateVote, Meetup, Rsvp
from events.queries.calendars import (
    MOST,
    REFRESH,
    calendar_window,
    first_moment_kept,
    load_calendar_parts,
    meetup_event,
)
from portal.accounts.models import User

_TITLES = {
    Rsvp.Status.MAYBE: "Maybe",
    Rsvp.Status.WAITLISTED: "Waitlist",
    Rsvp.Status.OFFERED: "Seat offered",
}


def own_feed(user: User, *, at: dt.datetime) -> bytes:
    """The feed of ``user``. Those whom they follow are not in it: each chapter has a feed of its own.

    - Going, maybe, waitlisted, offered: the meetup, CONFIRMED only for whoever has a seat.
    - A vote of yes or if need be: the option, TENTATIVE; CANCELLED once another one was chosen or the meetup is off.
      The chosen option makes room for the meetup itself, which a voter without an answer sees as TENTATIVE.
    """
    rsvps = list(_rsvps(user, at))
    votes = list(_votes(user, at))
    answered = set(Rsvp.objects.filter(user=user).values_list("meetup_id", flat=True)) if votes else set()
    load_calendar_parts([rsvp.meetup for rsvp in rsvps] + [vote.option.poll.meetup for vote in votes])
    events = [_answered(rsvp) for rsvp in rsvps]
    for vote in votes:
        poll = vote.option.poll
        if poll.chosen_id != vote.option_id:
            events.append(_option(vote))
        elif poll.meetup_id not in answered and poll.meetup.starts_at == vote.option.starts_at:
            events.append(_chosen(vote))
    return write_calendar(
        Calendar(
            events=tuple(events),
            time_zone=user.time_zone,
            name=f"My meetups · {settings.SITE_NAME}",
            description="What I go to, wait for and vote on.",
            url=f"{settings.SITE_URL}/me/",
            refresh=REFRESH,
        )
    )


def _rsvps(user: User, at: dt.datetime) -> list[Rsvp]:
    answered = Rsvp.objects.filter(user=user).exclude(status=Rsvp.Status.DECLINED)
    meetups = Meetup.objects.filter(calendar_window(at)).values("pk")
    found = answered.filter(meetup__in=meetups).select_related("user", "meetup__chapter", "meetup__venue")
    return list(found.order_by("meetup__starts_at", "pk")[:MOST])


def _votes(user: User, at: dt.datetime) -> list[DateVote]:
    wanted = [DateVote.Choice.YES, DateVote.Choice.IF_NEED_BE]
    since = first_moment_kept(at)
    open_or_recent = Q(option__poll__closed_at=None) | Q(option__poll__closed_at__gte=since)
    found = DateVote.objects.filter(open_or_recent, ballot__user=user, choice__in=wanted)
    found = found.filter(option__starts_at__gte=since).exclude(
        option__poll__meetup__status=Meetup.Status.DRAFT
    )
    parts = found.select_related("option__poll__meetup__chapter", "option__poll__meetup__venue")
    return list(parts.order_by("option__starts_at", "option_id")[:MOST])


def _answered(rsvp: Rsvp) -> Event:
    meetup, status = rsvp.meetup, Rsvp.Status(rsvp.status)
    is_cancelled = meetup.status == Meetup.Status.CANCELLED
    is_going = status == Rsvp.Status.GOING
    prefix = "" if is_cancelled else _TITLES.get(status, "")
    return meetup_event(
        meetup,
        stamp=max(meetup.changed_at, rsvp.changed_at),
        status=None if is_going or is_cancelled else "TENTATIVE",
        summary=f"{prefix}: {meetup.title}" if prefix else "",
        notes=() if is_cancelled else tuple(_answer_notes(rsvp)),
        is_going=is_going,
        shows_reason=True,
    )


def _answer_notes(rsvp: Rsvp) -> list[str]:
    notes = {
        Rsvp.Status.GOING: "You are going.",
        Rsvp.Status.MAYBE: "You said maybe: no seat is kept for you.",
        Rsvp.Status.WAITLISTED: "You are on the waitlist.",
        Rsvp.Status.OFFERED: "A seat is offered to you.",
    }
    found = [notes[Rsvp.Status(rsvp.status)]] if Rsvp.Status(rsvp.status) in notes else []
    if rsvp.status == Rsvp.Status.OFFERED and rsvp.offer_expires_at:
        until = rsvp.offer_expires_at.astimezone(ZoneInfo(rsvp.meetup.time_zone))
        found.append(f"It is held until {until.day} {until:%B %Y, %H:%M} ({rsvp.meetup.time_zone}).")
    if rsvp.guests:
        found.append(f"Guests with you: {rsvp.guests}.")
    return found


def _option(vote: DateVote) -> Event:
    """One option of a poll: open, not chosen, or of a meetup that is off."""
    option, poll = vote.option, vote.option.poll
    meetup = poll.meetup
    zone = ZoneInfo(meetup.time_zone)
    # A meetup that was cancelled, or got its state otherwise, takes no votes, though nobody closed the vote.
    is_off = poll.closed_at is not None or meetup.status != Meetup.Status.POLLING
    stamp = max(poll.created_at, meetup.changed_at, vote.voted_at, poll.closed_at or poll.created_at)
    event = meetup_event(
        meetup,
        stamp=stamp,
        status="CANCELLED" if is_off else "TENTATIVE",
        summary=f"Not chosen: {meetup.title}" if is_off else f"Date vote: {meetup.title}",
        notes=(
            "This date was not chosen."
            if is_off
            else f"You voted “{vote.get_choice_display().lower()}”. The date is not settled.",
        ),
    )
    return replace(
        event,
        uid=option.ical_uid,
        sequence=1 if is_off else 0,
        start=option.starts_at.astimezone(zone),
        end=option.ends_at.astimezone(zone),
        created=poll.created_at,
    )


def _chosen(vote: DateVote) -> Event:
    meetup = vote.option.poll.meetup
    is_cancelled = meetup.status == Meetup.Status.CANCELLED
    return meetup_event(
        meetup,
        stamp=max(meetup.changed_at, vote.voted_at),
        status=None if is_cancelled else "TENTATIVE",
        notes=() if is_cancelled else ("A date that you voted for was chosen. You have no seat yet.",),
        shows_reason=True,
    )
