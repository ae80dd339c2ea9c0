"""When a meetup takes sign-ups, and why not, in words for the person who asks. Facts of one row; no query."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils.formats import date_format

from events.models import Meetup

Status = Meetup.Status
Precision = Meetup.DatePrecision


def closes_at(meetup: Meetup) -> dt.datetime | None:
    """When sign-up ends: as the organizer set it, and never later than the start. None while that is unknown."""
    start = starts_at(meetup)
    moments = [moment for moment in (meetup.registration_closes_at, start) if moment]
    return min(moments, default=None)


def starts_at(meetup: Meetup) -> dt.datetime | None:
    """The moment of the start; None while it is known to a day or a month only."""
    return meetup.starts_at if meetup.date_precision == Precision.EXACT else None


def gives_seats(meetup: Meetup) -> bool:
    """Whether one can be going. While the date is open or put to the vote, one can be interested."""
    return meetup.date_precision != Precision.NONE and meetup.status != Status.POLLING


def moves_waitlist(meetup: Meetup, at: dt.datetime) -> bool:
    """Whether a seat that becomes free is given to somebody who waits: until the meetup starts."""
    if meetup.status in (Status.CANCELLED, Status.DRAFT) or not gives_seats(meetup) or meetup.is_past(at):
        return False
    start = starts_at(meetup)
    return start is None or at < start


def refusal_to_sign_up(meetup: Meetup, at: dt.datetime) -> str:
    """Why nobody can sign up at ``at``, or an empty string."""
    if refusal := refusal_of_state(meetup, at):
        return refusal
    if meetup.registration_opens_at and at < meetup.registration_opens_at:
        return f"Sign-up opens on {_local(meetup.registration_opens_at, meetup)}."
    end = closes_at(meetup)
    if end and at >= end:
        return f"Sign-up closed on {_local(end, meetup)}."
    return ""


def refusal_of_state(meetup: Meetup, at: dt.datetime) -> str:
    """Why nobody can come, whenever they sign up, or an empty string."""
    if meetup.status == Status.DRAFT:
        return "This meetup is not published yet."
    if meetup.status == Status.CANCELLED:
        return "This meetup is cancelled."
    if meetup.is_past(at):
        return "This meetup is over."
    if not meetup.takes_rsvps:
        return "Nobody needs to sign up for this meetup here."
    start = starts_at(meetup)
    if start and at >= start:
        return "This meetup has begun."
    return ""


def _local(moment: dt.datetime, meetup: Meetup) -> str:
    there = moment.astimezone(ZoneInfo(meetup.time_zone))
    return f"{date_format(there, 'l j F Y')} at {there:%H:%M} {meetup.time_zone}"
