"""Telling many: an event becomes a round, and a worker does the round in pieces.

The row of the round is the promise, written in the transaction of the event; a message to a worker only makes it
quick, and beat finds a round whose message got lost. A piece done twice makes no second mail, because each mail's key
names the event and the reader.

What organizers may still be changing waits for ``MAIL_SETTLE_SECONDS``: a meetup that is moved twice in that time makes
one mail, that of a change taken back makes none.
"""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from events.models import Announcement, MailRound, Meetup
from events.services.mail_pieces import NOBODY_LEFT, TIME_FIELDS, queue_piece
from portal.dispatch import send_on_commit

Event = MailRound.Event
#: Changes that those who signed up are told of: when, where, how to get in, and whether it takes place.
TOLD_CHANGES = TIME_FIELDS | {"venue", "venue_notes", "mode", "online_url", "status"}
#: A piece that takes longer is taken for lost, and done again.
LEASE = dt.timedelta(minutes=5)
_TASK = "events.tasks.send_round"


def tell_new_meetup(meetup: Meetup) -> None:
    """Tell those who follow the chapters that hold it, once in the meetup's life."""
    _open(Event.NEW_MEETUP, f"new-meetup:{meetup.pk}", meetup=meetup, settle=True)


def tell_date_decided(meetup: Meetup) -> None:
    """Tell those who signed up, those who voted, and those who follow, that the date is set, once for each date."""
    start = int(meetup.starts_at.timestamp()) if meetup.starts_at else 0
    _open(Event.DATE_DECIDED, f"date-decided:{meetup.pk}:{start}:{meetup.ical_sequence}", meetup=meetup)
    # It tells the whole state of things, so what was to be told of changes before it is told too.
    _drop(meetup, Event.CHANGED)


def tell_changed(meetup: Meetup, changed: set[str], before: Meetup | None = None) -> None:
    """Tell those who signed up what changed, if it is of :data:`TOLD_CHANGES`.

    ``before`` is the meetup as it was; with it the mail says so, and a change that is taken back makes no mail.
    """
    told = changed & TOLD_CHANGES
    if not told or meetup.status == Meetup.Status.DRAFT:
        return
    known = told | TIME_FIELDS if told & TIME_FIELDS else told  # a time is told whole
    was = _before(before, meetup, known, told) if before else {}
    waiting = MailRound.objects.filter(
        meetup=meetup, event=Event.CHANGED, finished_at=None, leased_until=None, stage=0, cursor=0
    )
    with transaction.atomic():
        first = waiting.select_for_update().order_by("pk").first()
        if first:  # not begun yet: one mail tells both, and what it was before the first of them
            first.detail = {
                "changed": sorted({*first.detail["changed"], *told}),
                "before": was | first.detail["before"],
            }
            first.save(update_fields=["detail"])
            return
        _open(
            Event.CHANGED,
            f"changed:{meetup.pk}:{meetup.ical_sequence}",
            meetup=meetup,
            settle=True,
            detail={"changed": sorted(told), "before": was},
        )


def tell_cancelled(meetup: Meetup) -> None:
    """Tell those who signed up and those who voted, at once; what else was to be told of it is not any more."""
    for event in (Event.CHANGED, Event.DATE_DECIDED, Event.NEW_MEETUP, Event.REMINDER):
        _drop(meetup, event)
    _open(Event.CANCELLED, f"cancelled:{meetup.pk}:{meetup.ical_sequence}", meetup=meetup)


def tell_announcement(announcement: Announcement) -> None:
    """Send an organizer's message to its audience, once."""
    _open(
        Event.ANNOUNCEMENT,
        f"announcement:{announcement.pk}",
        meetup=announcement.meetup,
        announcement=announcement,
    )


def send_piece(round_pk: int, *, at: dt.datetime) -> bool:
    """Do the next piece of a round; whether there is more. Nothing, if it is not due or another worker has it."""
    lease = at + LEASE
    free = MailRound.objects.filter(
        Q(leased_until=None) | Q(leased_until__lte=at), finished_at=None, due_at__lte=at
    )
    if free.filter(pk=round_pk).update(leased_until=lease) != 1:
        return False
    found = MailRound.objects.select_related(
        "meetup__chapter", "meetup__venue", "announcement__chapter", "announcement__author"
    )
    round_ = found.get(pk=round_pk)
    done = queue_piece(round_, at=at)
    more = done.stage != NOBODY_LEFT
    with transaction.atomic():
        kept = MailRound.objects.filter(pk=round_pk, leased_until=lease).update(
            stage=done.stage if more else round_.stage,
            cursor=done.cursor,
            queued=round_.queued + done.queued,
            leased_until=None,
            finished_at=None if more else at,
        )
        if kept and more:
            send_on_commit(_TASK, round_pk)
    return more


def due_rounds(*, at: dt.datetime) -> list[int]:
    """Rounds that nobody has in hand although they are due: settled now, or their message to a worker was lost."""
    due = MailRound.objects.filter(
        Q(leased_until=None) | Q(leased_until__lte=at), finished_at=None, due_at__lte=at
    )
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:100])


def open_round(event: str, key: str, *, at: dt.datetime, **fields: Any) -> MailRound | None:
    """Begin a round that is due; None if that event had its round."""
    round_, is_new = MailRound.objects.get_or_create(
        key=key, defaults={"event": event, "due_at": at, "created_at": at, **fields}
    )
    if not is_new:
        return None
    send_on_commit(_TASK, round_.pk)
    return round_


def _open(event: str, key: str, *, settle: bool = False, **fields: Any) -> None:
    now = timezone.now()
    due_at = now + dt.timedelta(seconds=settings.MAIL_SETTLE_SECONDS if settle else 0)
    with transaction.atomic():
        round_, is_new = MailRound.objects.get_or_create(
            key=key, defaults={"event": event, "due_at": due_at, "created_at": now, **fields}
        )
        if is_new and due_at <= now:
            send_on_commit(_TASK, round_.pk)


def _drop(meetup: Meetup, event: str) -> None:
    MailRound.objects.filter(meetup=meetup, event=event, finished_at=None).update(finished_at=timezone.now())


def _before(
    before: Meetup, meetup: Meetup, known: frozenset[str] | set[str], told: set[str]
) -> dict[str, Any]:
    """What it was, by field. Of a venue that is described anew the field is the same, so there is nothing to keep."""
    values = {name: _plain(before, name) for name in sorted(known)}
    return {
        name: value for name, value in values.items() if name not in told or value != _plain(meetup, name)
    }


def _plain(meetup: Meetup, name: str) -> Any:
    """A field's value as JSON keeps it."""
    value = getattr(meetup, f"{name}_id" if name == "venue" else name)
    return value.isoformat() if isinstance(value, dt.datetime) else value
