"""The programme of a meetup: which talks, in which order, at which time."""

import datetime as dt

from django.db import transaction
from django.db.models import Q

from events.models import CoHost, Meetup, Session
from events.permissions import can_manage_meetup
from events.services.audit import note_act
from events.services.locks import lock_meetup
from events.services.talks import TalkRefused
from portal.accounts.models import User


def talks_for(meetup: Meetup) -> Q:
    """Finds sessions that may be put on ``meetup``: taken on by its chapter or by one that agreed to co-host it."""
    agreed = CoHost.objects.filter(meetup=meetup, status=CoHost.Status.ACCEPTED)
    return Q(status=Session.Status.ACCEPTED) & (
        Q(chapter=meetup.chapter_id) | Q(chapter__in=agreed.values("chapter"))
    )


@transaction.atomic
def put_on_programme(*, meetup: Meetup, session: Session, actor: User) -> None:
    """Put an accepted talk that is on no meetup at the end of the programme. Raises ``TalkRefused``."""
    locked = _lock(meetup, actor)
    if locked.status == Meetup.Status.CANCELLED:
        raise TalkRefused("This meetup is cancelled.")
    last = Session.objects.filter(meetup=locked).order_by("-position").first()
    changed = Session.objects.filter(talks_for(locked), pk=session.pk, meetup=None).update(
        meetup=locked, position=last.position + 1 if last else 1, starts_at=None, ends_at=None
    )
    if not changed:
        raise TalkRefused("This talk cannot be put on the programme; perhaps it is on another one.")
    note_act("schedule_talk", actor=actor, meetup=locked, talk=session.talk.title)


@transaction.atomic
def take_off_programme(*, meetup: Meetup, session: Session, actor: User) -> None:
    """Take a talk off the programme; it stays accepted and waits for another meetup."""
    locked = _lock(meetup, actor)
    changed = Session.objects.filter(pk=session.pk, meetup=locked).update(
        meetup=None, starts_at=None, ends_at=None, position=0
    )
    if changed:
        note_act("unschedule_talk", actor=actor, meetup=locked, talk=session.talk.title)


@transaction.atomic
def move_on_programme(*, meetup: Meetup, session: Session, steps: int, actor: User) -> int:
    """Move a talk ``steps`` places down, up where it is negative. Returns its place, the first being 1.

    Raises ``TalkRefused`` where it is not on the programme.
    """
    locked = _lock(meetup, actor)
    order = list(Session.objects.filter(meetup=locked).order_by("position", "pk"))
    places = [one.pk for one in order]
    if session.pk not in places:
        raise TalkRefused("This talk is not on the programme any more.")
    at = places.index(session.pk)
    to = min(max(at + steps, 0), len(order) - 1)
    order.insert(to, order.pop(at))
    for position, one in enumerate(order, 1):
        one.position = position
    Session.objects.bulk_update(order, ["position"])
    if to != at:
        note_act("move_talk", actor=actor, meetup=locked, talk=session.talk.title, place=to + 1)
    return to + 1


@transaction.atomic
def set_times(
    *,
    meetup: Meetup,
    session: Session,
    starts_at: dt.datetime | None,
    ends_at: dt.datetime | None,
    actor: User,
) -> str:
    """Give a talk its time. Returns a warning for the organizer, empty where nothing is odd.

    Times outside the meetup's own, or those of another talk, are kept: a plan may be made before its frame is.
    Raises ``TalkRefused``.
    """
    locked = _lock(meetup, actor)
    changed = Session.objects.filter(pk=session.pk, meetup=locked).update(
        starts_at=starts_at, ends_at=ends_at
    )
    if not changed:
        raise TalkRefused("This talk is not on the programme any more.")
    note_act(
        "time_talk",
        actor=actor,
        meetup=locked,
        talk=session.talk.title,
        starts_at=starts_at.isoformat() if starts_at else "",
    )
    return _warning(locked, session, starts_at, ends_at)


def _warning(
    meetup: Meetup, session: Session, starts_at: dt.datetime | None, ends_at: dt.datetime | None
) -> str:
    if starts_at is None:
        return ""
    end = ends_at or starts_at
    if meetup.date_precision != Meetup.DatePrecision.EXACT or meetup.starts_at is None:
        return "The meetup itself has no time yet."
    if starts_at < meetup.starts_at or (meetup.ends_at and end > meetup.ends_at):
        return "This is outside the time of the meetup."
    others = Session.objects.filter(meetup=meetup, starts_at__isnull=False).exclude(pk=session.pk)
    beside = others.filter(
        Q(ends_at__isnull=False, ends_at__gt=starts_at) | Q(ends_at=None, starts_at__gte=starts_at),
        starts_at__lt=max(end, starts_at + dt.timedelta(minutes=1)),
    ).first()
    return f"This is at the same time as “{beside.talk.title}”." if beside else ""


def _lock(meetup: Meetup, actor: User) -> Meetup:
    locked = lock_meetup(meetup.pk)
    if not can_manage_meetup(actor, locked):
        raise TalkRefused("Only the organizers of the meetup change its programme.")
    return locked
