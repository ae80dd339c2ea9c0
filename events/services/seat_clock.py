"""What time does to seats: offers and links run out, and people are asked again whether they come. For beat."""

import datetime as dt

from django.db.models import Q

from events.models import Meetup, Rsvp, RsvpQuerySet
from events.services import mails
from events.services.links import CONFIRM_WITHIN
from events.services.seat_queue import count_room, locked, settle
from events.services.seats import RECONFIRM_BEFORE

Status = Rsvp.Status
#: A seat that was not confirmed again is free from here on, so that whoever waits can still plan.
RELEASE_BEFORE = dt.timedelta(hours=24)
#: Nobody loses a seat sooner than this after being asked.
TIME_TO_ANSWER = dt.timedelta(hours=12)
_AT_ONCE = 200


def expire_offers(*, at: dt.datetime) -> int:
    """End the offers that nobody took in time and give the seats to the next; returns how many meetups moved.

    Looks too for anybody who waits beside a free seat, whatever made it free.
    """
    overdue = Q(rsvps__status=Status.OFFERED, rsvps__offer_expires_at__lte=at)
    due = Meetup.objects.filter(Q(rsvps__status=Status.WAITLISTED) | overdue)
    moved = 0
    for meetup in due.filter(pk__in=Meetup.objects.upcoming(at=at).order_by().values("pk")).distinct():
        room = count_room(meetup, at)  # without the lock: most are full, and need none
        if not room.overdue and room.free is not None and room.free <= 0:
            continue
        with locked(meetup.pk) as current:
            ended = count_room(current, at).overdue
            moved += bool(settle(current, at) or ended)
    return moved


def forget_unconfirmed(*, at: dt.datetime) -> int:
    """Erase e-mail sign-ups that nobody confirmed while the link was good; returns how many."""
    old = Rsvp.objects.filter(status=Status.UNCONFIRMED, changed_at__lte=at - CONFIRM_WITHIN)
    return old.delete()[1].get("events.Rsvp", 0)


def ask_reconfirmations(*, at: dt.datetime) -> int:
    """Ask those who are going whether they still come, where the organizer wants it; returns how many were asked.

    Once for each start: a meetup that moves asks again.
    """
    due = Meetup.objects.filter(
        asks_reconfirmation=True,
        status=Meetup.Status.CONFIRMED,
        starts_at__gt=at,
        starts_at__lte=at + RECONFIRM_BEFORE,
    )
    asked = 0
    for meetup in due.order_by("pk"):
        while batch := _ask_some(meetup.pk, at):
            asked += batch
    return asked


def _ask_some(meetup_pk: int, at: dt.datetime) -> int:
    """A piece at a time: others want the lock too."""
    with locked(meetup_pk) as meetup:
        unanswered = meetup.rsvps.filter(status=Status.GOING).exclude(reconfirmed_for=meetup.starts_at)
        rows = list(
            unanswered.exclude(reconfirm_asked_for=meetup.starts_at).select_related("user")[:_AT_ONCE]
        )
        for rsvp in rows:
            rsvp.meetup = meetup
            rsvp.reconfirm_asked_for, rsvp.reconfirm_asked_at = meetup.starts_at, at
            rsvp.save(update_fields=["reconfirm_asked_for", "reconfirm_asked_at"])
            mails.tell_reconfirm(rsvp)
    return len(rows)


def release_unconfirmed(*, at: dt.datetime) -> int:
    """Free the seats of those who were asked in good time and did not answer; returns how many people.

    They are maybe coming from then on, are told so, and may sign up again as long as there is room.
    """
    due = Meetup.objects.filter(
        asks_reconfirmation=True,
        status=Meetup.Status.CONFIRMED,
        starts_at__gt=at,
        starts_at__lte=at + RELEASE_BEFORE,
    )
    released = 0
    for meetup in due.order_by("pk"):
        if _silent(meetup, at).exists():
            with locked(meetup.pk) as current:
                silent = list(_silent(current, at).select_related("user"))
                for rsvp in silent:
                    rsvp.meetup, rsvp.status, rsvp.changed_at = current, Status.MAYBE, at
                    rsvp.save(update_fields=["status", "changed_at"])
                    mails.tell_released(rsvp)
                settle(current, at)
                released += len(silent)
    return released


def _silent(meetup: Meetup, at: dt.datetime) -> RsvpQuerySet:
    asked = meetup.rsvps.filter(
        status=Status.GOING,
        reconfirm_asked_for=meetup.starts_at,
        reconfirm_asked_at__lte=at - TIME_TO_ANSWER,
    )
    return asked.exclude(reconfirmed_for=meetup.starts_at)
