"""Checking people in at the door, also with a phone that sends later what was done while it had no network.

Each act carries a random key: an act that arrives twice is done once, also if it was undone in between. Of two
check-ins of one sign-up the earlier moment counts. Everything happens under the meetup's lock, and the log of
organizers' acts keeps each act with its key.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied

from events.models import AuditLog, Meetup, Person, Rsvp, new_code
from events.permissions import can_check_in, can_manage_meetup
from events.queries.care import is_blocked
from events.queries.check_in import clock, expected_rsvps
from events.queries.people import member_with
from events.services.audit import note_act
from events.services.seat_queue import count_room, locked
from events.services.seats import row_of_member
from portal.accounts.models import User

#: The most acts that one request brings.
MOST_ACTS = 200
#: A phone's clock is believed within these bounds: not after now, and not longer ago than this.
_OLDEST = dt.timedelta(hours=48)
#: Somebody who came without giving an address; nobody can send mail there (RFC 6761, section 6.4).
NO_ADDRESS = "@forgotten.invalid"


class CheckInRefused(Exception):
    """Somebody cannot be let in this way. The message is a sentence for the helper at the door."""


class HouseFull(CheckInRefused):
    """No seat is left; an organizer may let the person in all the same."""


@dataclass(frozen=True)
class Act:
    """One thing that a helper did: ``in`` or ``undo`` of a sign-up, named by its primary key or by its code."""

    key: str
    what: str
    at: dt.datetime
    rsvp_pk: int | None = None
    code: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of an act: ``done``, ``already``, ``undone`` meanwhile, ``no_seat``, or ``unknown``.

    ``sentence`` says it to the helper.
    """

    key: str
    outcome: str
    sentence: str


def new_key() -> str:
    """A key for an act that happens here and now."""
    return str(uuid.uuid4())


def act_at_door(*, meetup: Meetup, actor: User, acts: Sequence[Act], at: dt.datetime) -> list[Outcome]:
    """Do what is new of ``acts``, in their order, and say what became of each. Raises :class:`CheckInRefused`."""
    if len(acts) > MOST_ACTS:
        raise CheckInRefused(f"At most {MOST_ACTS} at once.")
    with locked(meetup.pk) as row:
        _demand(actor, row)
        if row.status == Meetup.Status.CANCELLED:
            raise CheckInRefused("This meetup is cancelled.")
        known = AuditLog.objects.filter(meetup=row, detail__key__in=[act.key for act in acts])
        done = set(known.values_list("detail__key", flat=True))
        outcomes = []
        for act in acts:
            outcomes.append(_do(row, actor, act, at, is_repeated=act.key in done))
            done.add(act.key)
        return outcomes


def admit_walk_in(
    *,
    meetup: Meetup,
    actor: User,
    name: str,
    email: str = "",
    over: bool = False,
    at: dt.datetime,
) -> Rsvp:
    """Let in somebody who is not on the list, or is on it without a seat; they are checked in at once.

    Raises :class:`HouseFull` where no seat is left, unless ``over`` is said by somebody who manages the meetup, and
    :class:`CheckInRefused` for whoever is blocked.
    """
    with locked(meetup.pk) as row:
        _demand(actor, row)
        if row.status == Meetup.Status.CANCELLED:
            raise CheckInRefused("This meetup is cancelled.")
        person = Person(email=email.strip().lower() or f"walk-in-{new_code().lower()}{NO_ADDRESS}", name=name)
        if is_blocked(person, row.chapter):
            raise CheckInRefused(f"The organizers in {row.chapter.city} have blocked this person.")
        # The owner of the address may have signed up as a member: one person has one seat.
        owner = member_with(person.email)
        known = row_of_member(row, owner) if owner else row.rsvps.filter(person.key).first()
        rsvp = known or Rsvp(**person.fields)
        return _admit(row, rsvp, actor, over, at)


def admit_without_seat(
    *, meetup: Meetup, actor: User, rsvp_pk: int, over: bool = False, at: dt.datetime
) -> Rsvp:
    """Let in somebody on the waitlist, or who said maybe. Raises as :func:`admit_walk_in` does."""
    with locked(meetup.pk) as row:
        _demand(actor, row)
        rsvp = expected_rsvps(row).filter(pk=rsvp_pk).select_related("user").first()
        if rsvp is None or row.status == Meetup.Status.CANCELLED:
            raise CheckInRefused("This sign-up is no longer there.")
        if is_blocked(rsvp.person, row.chapter):
            raise CheckInRefused(f"The organizers in {row.chapter.city} have blocked this person.")
        return _admit(row, rsvp, actor, over, at)


def _admit(meetup: Meetup, rsvp: Rsvp, actor: User, over: bool, at: dt.datetime) -> Rsvp:
    is_over = False
    if rsvp.status not in Rsvp.HOLDING:
        rsvp.guests = 0
        free = count_room(meetup, at).free
        is_over = free is not None and free < 1
        if is_over and not (over and can_manage_meetup(actor, meetup)):
            raise HouseFull(
                f"All {meetup.capacity} seats are taken. An organizer can let {rsvp.shown_name} in all the same."
            )
    rsvp.meetup, rsvp.status, rsvp.offer_expires_at, rsvp.changed_at = meetup, Rsvp.Status.GOING, None, at
    rsvp.checked_in_at = rsvp.checked_in_at or at
    rsvp.checked_in_by = rsvp.checked_in_by or actor
    rsvp.save()
    note_act("admit_walk_in", actor=actor, meetup=meetup, rsvp=rsvp.pk, over_capacity=is_over, key=new_key())
    return rsvp


def _do(meetup: Meetup, actor: User, act: Act, at: dt.datetime, *, is_repeated: bool) -> Outcome:
    rsvp = _found(meetup, act)
    if rsvp is None:
        return Outcome(act.key, "unknown", "This code belongs to nobody on the list of this meetup.")
    name = rsvp.shown_name
    if is_repeated:
        return Outcome(act.key, "done", f"{name}: noted before.")
    moment = max(min(act.at, at), at - _OLDEST)
    if act.what == "undo":
        return _undo(meetup, rsvp, actor, act, moment)
    if rsvp.status != Rsvp.Status.GOING:
        return Outcome(act.key, "no_seat", f"{name} has no seat: {rsvp.get_status_display().lower()}.")
    if rsvp.checked_in_at is not None:
        return _again(meetup, rsvp, actor, act, moment)
    if undone := _undone_after(meetup, rsvp, moment):
        by = undone.actor.name if undone.actor else "somebody"
        return Outcome(act.key, "undone", f"{name} was checked in, and {by} undid that afterwards.")
    rsvp.checked_in_at, rsvp.checked_in_by = moment, actor
    rsvp.save(update_fields=["checked_in_at", "checked_in_by"])
    _note("check_in", meetup, rsvp, actor, act, moment)
    return Outcome(act.key, "done", f"{name} is checked in{_with(rsvp)}.")


def _again(meetup: Meetup, rsvp: Rsvp, actor: User, act: Act, moment: dt.datetime) -> Outcome:
    """Two helpers, or two phones: the earlier moment stays, and both hear of it."""
    held = rsvp.checked_in_at
    assert held
    by = rsvp.checked_in_by.name if rsvp.checked_in_by else "somebody"
    if moment < held:
        rsvp.checked_in_at, rsvp.checked_in_by = moment, actor
        rsvp.save(update_fields=["checked_in_at", "checked_in_by"])
    _note("check_in", meetup, rsvp, actor, act, moment)
    sentence = f"{rsvp.shown_name} was already checked in at {clock(held, meetup)} by {by}."
    return Outcome(act.key, "already", sentence)


def _undo(meetup: Meetup, rsvp: Rsvp, actor: User, act: Act, moment: dt.datetime) -> Outcome:
    name = rsvp.shown_name
    if rsvp.checked_in_at is None:
        _note("undo_check_in", meetup, rsvp, actor, act, moment)
        return Outcome(act.key, "done", f"{name} is not checked in.")
    if rsvp.checked_in_at > moment:
        by = rsvp.checked_in_by.name if rsvp.checked_in_by else "somebody"
        return Outcome(
            act.key,
            "already",
            f"{name} was checked in later, at {clock(rsvp.checked_in_at, meetup)} by {by}.",
        )
    rsvp.checked_in_at, rsvp.checked_in_by = None, None
    rsvp.save(update_fields=["checked_in_at", "checked_in_by"])
    _note("undo_check_in", meetup, rsvp, actor, act, moment)
    return Outcome(act.key, "done", f"{name} is no longer checked in.")


def _undone_after(meetup: Meetup, rsvp: Rsvp, moment: dt.datetime) -> AuditLog | None:
    """An undoing that happened later than a check-in which arrives only now."""
    undoings = AuditLog.objects.filter(meetup=meetup, act="undo_check_in", detail__rsvp=rsvp.pk)
    for one in undoings.select_related("actor"):
        if dt.datetime.fromisoformat(one.detail["at"]) > moment:
            return one
    return None


def _found(meetup: Meetup, act: Act) -> Rsvp | None:
    rows = expected_rsvps(meetup).select_related("user", "checked_in_by")
    if act.rsvp_pk is not None:
        return rows.filter(pk=act.rsvp_pk).first()
    code = act.code.strip().upper()
    # What is typed comes as it is, and PostgreSQL takes no NUL in text.
    return rows.filter(code=code).first() if code.isalnum() else None


def _note(verb: str, meetup: Meetup, rsvp: Rsvp, actor: User, act: Act, moment: dt.datetime) -> None:
    note_act(verb, actor=actor, meetup=meetup, rsvp=rsvp.pk, key=act.key, at=moment.isoformat())


def _with(rsvp: Rsvp) -> str:
    return f", with {rsvp.guests} guest{'s' if rsvp.guests != 1 else ''}" if rsvp.guests else ""


def _demand(actor: User, meetup: Meetup) -> None:
    if not can_check_in(actor, meetup):
        raise PermissionDenied
