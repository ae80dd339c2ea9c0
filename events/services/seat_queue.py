"""The queue for seats: what is free, and who gets it next. Everything here runs under the meetup's lock."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import Coalesce

from events.models import Meetup, Rsvp
from events.services import mails, seat_rules
from events.services.locks import lock_meetup

Status = Rsvp.Status


@contextmanager
def locked(meetup_pk: int) -> Iterator[Meetup]:
    """One transaction that holds the meetup's lock, with the row as it is now."""
    with transaction.atomic():
        yield lock_meetup(meetup_pk)


@dataclass(frozen=True)
class Room:
    """What one count under the lock says; ``free`` is None without a limit, and below zero after one was lowered."""

    free: int | None
    waiting: int
    overdue: int
    last_queued_at: dt.datetime | None = None

    def place(self, at: dt.datetime) -> dt.datetime:
        """The end of the queue for whoever asked at ``at``: behind all who came through the lock before, so that
        nobody who waits is overtaken by a request that took longer."""
        if self.last_queued_at is None or at > self.last_queued_at:
            return at
        return self.last_queued_at + dt.timedelta(microseconds=1)


def count_room(meetup: Meetup, at: dt.datetime) -> Room:
    """The one count of seats; only true under the lock."""
    waiting, holding = Q(status=Status.WAITLISTED), Q(status__in=Rsvp.HOLDING)
    overdue = Q(status=Status.OFFERED, offer_expires_at__lte=at)
    found = meetup.rsvps.aggregate(
        taken=Count("pk", filter=holding) + Coalesce(Sum("guests", filter=holding), 0),
        waiting=Count("pk", filter=waiting),
        overdue=Count("pk", filter=overdue),
        last_queued_at=Max("queued_at", filter=waiting | holding),
    )
    free = None if meetup.capacity is None else meetup.capacity - found["taken"]
    return Room(free, found["waiting"], found["overdue"], found["last_queued_at"])


def room_after_moving(meetup: Meetup, at: dt.datetime) -> Room:
    """The room that is left when those who wait have got what they may: nobody new goes before them."""
    room = count_room(meetup, at)
    if not room.overdue and (not room.waiting or (room.free is not None and room.free <= 0)):
        return room
    settle(meetup, at)
    return count_room(meetup, at)


def settle(meetup: Meetup, at: dt.datetime) -> list[Rsvp]:
    """End overdue offers, then give each free seat to the first who fits and has waited longest."""
    _end_offers(meetup, at)
    if not seat_rules.moves_waitlist(meetup, at):
        return []
    free = count_room(meetup, at).free
    waiting = meetup.rsvps.waiting().exclude(seat_rules.blocked(meetup)).select_related("user")
    moved: list[Rsvp] = []
    while free is None or free > 0:
        # Each takes at least one seat, so no more than ``free`` can move; those passed over fit no better later.
        batch = list(waiting if free is None else waiting.filter(guests__lt=free)[:free])
        for rsvp in batch:
            if free is not None:
                if rsvp.party > free:
                    continue
                free -= rsvp.party
            rsvp.meetup = meetup
            _promote(rsvp, at)
            moved.append(rsvp)
        if not batch or free is None:
            break
    return moved


def _promote(rsvp: Rsvp, at: dt.datetime) -> None:
    meetup = rsvp.meetup
    rsvp.changed_at = at
    if meetup.waitlist == Meetup.Waitlist.OFFER:
        rsvp.status = Status.OFFERED
        ends = at + dt.timedelta(hours=meetup.offer_hours)
        start = seat_rules.starts_at(meetup)
        rsvp.offer_expires_at = min(ends, start) if start else ends
        rsvp.save(update_fields=["status", "offer_expires_at", "changed_at"])
        mails.tell_offered(rsvp)
    else:
        rsvp.status = Status.GOING
        rsvp.save(update_fields=["status", "changed_at"])
        mails.tell_promoted(rsvp)


def _end_offers(meetup: Meetup, at: dt.datetime) -> None:
    """Whoever did not take it in time leaves the queue, and may sign up again; else one who does not read mail
    would hold the same seat day after day."""
    meetup.rsvps.filter(status=Status.OFFERED, offer_expires_at__lte=at).update(
        status=Status.MAYBE, offer_expires_at=None, changed_at=at
    )
