"""Who gets a seat. Each change happens under the meetup's lock, where seats are counted anew and never stored.

The rules are told in ``docs/decisions/0060-seats.md``.
"""

import datetime as dt
from collections.abc import Sequence

from django.core.exceptions import PermissionDenied

from events.models import Answer, DateBallot, Meetup, Person, Rsvp
from events.permissions import can_manage_meetup
from events.queries.people import member_with, rows_of
from events.services import mails, seat_rules
from events.services.audit import note_act
from events.services.seat_queue import Room, count_room, locked, room_after_moving, settle
from events.services.seat_rules import NO_ANSWERS, Answers
from events.services.seat_rules import SeatsRefused as SeatsRefused
from portal.accounts.models import User

Status = Rsvp.Status
#: Sign-ups that have or may get a seat.
CLAIMING = (Status.GOING, Status.OFFERED, Status.WAITLISTED)
#: Whoever says so this long before the start or later need not be asked again whether they come.
RECONFIRM_BEFORE = dt.timedelta(hours=48)
# The same e-mail sign-up again so soon is a double click; later it means that the mail did not arrive.
_DOUBLE_CLICK = dt.timedelta(minutes=5)
# Of two rows of one person, the one that is worth more is kept.
_WORTH = [
    Status.GOING,
    Status.OFFERED,
    Status.WAITLISTED,
    Status.MAYBE,
    Status.DECLINED,
    Status.UNCONFIRMED,
]


def join_meetup(
    *,
    meetup: Meetup,
    person: Person,
    wanted: str = Status.GOING.value,
    guests: int = 0,
    answers: Answers = NO_ANSWERS,
    hides_name: bool = False,
    sponsor_consent: bool = False,
    at: dt.datetime,
) -> Rsvp:
    """Sign ``person`` up, or change their sign-up into this one; doing it twice is doing it once.

    ``wanted`` is going, maybe or declined. A member is going, or on the waitlist where no seat is free. Whoever
    has only an address gets a mail and holds no seat until they confirm; an address that has signed up already
    gets one too, so that nobody learns of it. Raises :class:`SeatsRefused`.
    """
    with locked(meetup.pk) as current:
        user = person.user
        rsvp = row_of_member(current, user) if user else None
        if rsvp is None:
            seat_rules.refuse_sign_up(current, at)
        kept = _checked_answers(current, rsvp, answers, wanted)
        room = room_after_moving(current, at)
        if user is None:
            asked = Rsvp(
                meetup=current,
                **person.fields,
                status=Status.UNCONFIRMED,
                wanted=wanted,
                guests=guests,
                hides_name=hides_name,
                sponsor_consent=sponsor_consent,
                queued_at=at,
                changed_at=at,
            )
            return _ask_by_mail(asked, kept, room, at)
        seat_rules.refuse_blocked(current, person)
        rsvp = _fresh(current, rsvp) if rsvp else Rsvp(meetup=current, user=user, queued_at=at)
        rsvp.hides_name, rsvp.sponsor_consent = hides_name, sponsor_consent
        _want(rsvp, wanted, guests, room=room, at=at)
        _keep_answers(rsvp, kept)
        return _moved_on(rsvp, room, at)


def change_rsvp(
    *,
    rsvp: Rsvp,
    wanted: str | None = None,
    guests: int | None = None,
    answers: Answers | None = None,
    hides_name: bool | None = None,
    sponsor_consent: bool | None = None,
    at: dt.datetime,
) -> Rsvp:
    """Change what is given and leave the rest. Wanting more guests than fit is refused, and one keeps one's seats.

    An e-mail sign-up must be confirmed first. Raises :class:`SeatsRefused`.
    """
    with locked(rsvp.meetup_id) as meetup:
        room = room_after_moving(meetup, at)
        row = _fresh(meetup, rsvp)
        if row.status == Status.UNCONFIRMED:
            raise SeatsRefused("Please confirm your e-mail address first: a mail with a link went there.")
        seat_rules.refuse_blocked(meetup, row.person)
        kept = None if answers is None else _checked_answers(meetup, row, answers, wanted or row.status)
        if hides_name is not None:
            row.hides_name = hides_name
        if sponsor_consent is not None:
            row.sponsor_consent = sponsor_consent
        _want(row, wanted, row.guests if guests is None else guests, room=room, at=at)
        if kept is not None:
            _keep_answers(row, kept)
        return _moved_on(row, room, at)


def leave_meetup(*, rsvp: Rsvp, at: dt.datetime) -> Rsvp:
    """Not coming, not waiting, not taking the offer: the seats go to whoever waits. Twice is once."""
    with locked(rsvp.meetup_id) as meetup:
        row = _fresh(meetup, rsvp)
        if row.status != Status.DECLINED and meetup.is_past(at) and meetup.status != Meetup.Status.CANCELLED:
            raise SeatsRefused("This meetup is over.")
        _decline(row, at)
        settle(meetup, at)
        return row


def remove_attendee(*, rsvp: Rsvp, actor: User, at: dt.datetime) -> Rsvp:
    """An organizer takes somebody off the list; the log keeps who did. They are told, and may sign up again."""
    with locked(rsvp.meetup_id) as meetup:
        if not can_manage_meetup(actor, meetup):
            raise PermissionDenied
        row = _fresh(meetup, rsvp)
        if row.status != Status.DECLINED:
            note_act("remove_attendee", actor=actor, meetup=meetup, rsvp=row.pk, was=row.status)
        _decline(row, at)
        settle(meetup, at)
        return row


def confirm_rsvp(*, rsvp: Rsvp, at: dt.datetime) -> Rsvp:
    """The address is theirs: the sign-up counts from now. Confirming twice is once. Raises :class:`SeatsRefused`.

    An address that a member has verified makes it the member's own. What was asked for in time may be confirmed
    after sign-up has closed, until the meetup starts.
    """
    with locked(rsvp.meetup_id) as meetup:
        row = _fresh(meetup, rsvp)
        if row.status != Status.UNCONFIRMED:
            return row
        signed_up_at, wanted, guests = row.changed_at, row.wanted, row.guests
        owner = member_with(row.email)
        seat_rules.refuse_blocked(meetup, Person(user=owner) if owner else row.person)
        seat_rules.refuse_state(meetup, at)
        asked, answers = row.pk, dict(row.answers.values_list("question", "text"))
        if owner and (own := row_of_member(meetup, owner)):
            row = own
            if row.status in CLAIMING:
                return row
            if row.pk != asked:  # what was answered then is not lost with the row that goes
                _keep_answers(row, dict(row.answers.values_list("question", "text")) | answers)
        room = room_after_moving(meetup, at)
        _want(row, wanted, guests, room=room, at=at, asked_at=signed_up_at)
        return _moved_on(row, room, at)


def accept_offer(*, rsvp: Rsvp, at: dt.datetime) -> Rsvp:
    """Take the seat that is offered. Raises :class:`SeatsRefused` once it is no longer held."""
    with locked(rsvp.meetup_id) as meetup:
        row = _fresh(meetup, rsvp)
        if row.status == Status.GOING:
            return row
        seat_rules.refuse_blocked(meetup, row.person)
        room = count_room(meetup, at)
        seat_rules.refuse_expired_offer(row, at)
        _want(row, Status.GOING, row.guests, room=room, at=at)
        return row


def reconfirm_rsvp(*, rsvp: Rsvp, at: dt.datetime) -> Rsvp:
    """Say again that one comes. Whose seat is gone by then asks for one anew. Raises :class:`SeatsRefused`."""
    with locked(rsvp.meetup_id) as meetup:
        row = _fresh(meetup, rsvp)
        if row.status == Status.MAYBE:
            seat_rules.refuse_blocked(meetup, row.person)
            room = room_after_moving(meetup, at)
            _want(row, Status.GOING, row.guests, room=room, at=at)
        elif row.status != Status.GOING:
            raise SeatsRefused("You are not signed up to come any more. You can sign up again.")
        if row.status == Status.GOING and row.reconfirmed_for != meetup.starts_at:
            row.reconfirmed_for = meetup.starts_at
            row.save(update_fields=["reconfirmed_for"])
        return row


def settle_seats(*, meetup: Meetup, at: dt.datetime) -> list[Rsvp]:
    """Give free seats to those who wait, the first who fits first; returns who moved, each told by mail.

    For whatever frees seats: a raised or lifted limit, another waitlist mode. Takes the lock, or keeps the caller's.
    """
    with locked(meetup.pk) as current:
        return settle(current, at)


def seat_voters(
    *, meetup: Meetup, votes: Sequence[tuple[Person, dt.datetime]], at: dt.datetime
) -> list[Rsvp]:
    """Turn yes-votes, each with the moment it was given, into seats in their order; the rest wait.

    Those who are signed up keep what they have; whoever declined after the vote stays away, whoever is blocked is
    left out. Where the meetup has no waitlist the rest are maybe coming. Sends no mail: ``tell_date_decided``
    tells everybody once, with the date.
    """
    with locked(meetup.pk) as current:
        hidden = _hidden_voters(current)
        settle(current, at)
        seated = []
        for person, voted_at in votes:
            user = person.user or member_with(person.email)
            voter = Person(user=user) if user else person
            rsvp = _seat_voter(current, voter, voted_at, at)
            if rsvp is None:
                continue
            if (person.user.pk if person.user else person.email) in hidden and not rsvp.hides_name:
                rsvp.hides_name = True
                rsvp.save(update_fields=["hides_name"])
            seated.append(rsvp)
        return seated


def erase_rsvps(*, user: User, at: dt.datetime) -> None:
    """Erase a member's sign-ups, also those of their addresses; the seats that they held go to whoever waits."""
    mine = Rsvp.objects.filter(rows_of(user))
    # In the order of their keys, as everybody who locks several meetups must.
    held = mine.holding().order_by("meetup").values_list("meetup", flat=True).distinct()
    for pk in list(held):
        with locked(pk) as meetup:
            meetup.rsvps.filter(rows_of(user)).delete()
            settle(meetup, at)
    mine.delete()


def _moved_on(rsvp: Rsvp, room: Room, at: dt.datetime) -> Rsvp:
    """``rsvp`` after those who waited, itself perhaps among them, got what it left free."""
    if room.waiting and rsvp.pk in {moved.pk for moved in settle(rsvp.meetup, at)}:
        return _fresh(rsvp.meetup, rsvp)
    return rsvp


def _fresh(meetup: Meetup, rsvp: Rsvp) -> Rsvp:
    """The row as it is under the lock, with the locked meetup."""
    row = meetup.rsvps.select_related("user").filter(pk=rsvp.pk).first()
    if row is None:
        raise SeatsRefused("This sign-up is no longer there. You can sign up again.")
    row.meetup = meetup
    return row


def row_of_member(meetup: Meetup, user: User) -> Rsvp | None:
    """The member's one row. What they signed up with their addresses alone becomes it, or goes."""
    rows = sorted(
        meetup.rsvps.filter(rows_of(user)),
        key=lambda row: (_WORTH.index(Status(row.status)), row.queued_at, row.pk),
    )
    if not rows:
        return None
    best, *others = rows
    hidden = any(row.hides_name for row in rows)
    for row in others:
        row.delete()
    if hidden and not best.hides_name:  # hidden once is hidden, whichever row is kept
        best.hides_name = True
        best.save(update_fields=["hides_name"])
    if best.user_id is None:
        best.user, best.email, best.name = user, "", ""
        if best.status == Status.UNCONFIRMED:
            best.status = Status.DECLINED
        best.save(update_fields=["user", "email", "name", "status"])
    best.meetup = meetup
    return best


def _want(
    rsvp: Rsvp,
    wanted: str | None,
    guests: int,
    *,
    room: Room,
    at: dt.datetime,
    asked_at: dt.datetime | None = None,
) -> None:
    """Give ``rsvp`` what it asks for, save it and tell the person. ``wanted`` None keeps what it is.

    ``asked_at`` is when it was asked for, if that was before now.
    """
    meetup, before = rsvp.meetup, rsvp.status
    if wanted == Status.DECLINED:
        _decline(rsvp, at)
        return
    is_in = before in (*CLAIMING, Status.MAYBE)
    had = rsvp.guests if is_in else 0
    aims = wanted or before
    if not is_in or guests > had or (aims == Status.GOING and before == Status.MAYBE):
        seat_rules.refuse_sign_up(meetup, at if asked_at is None else asked_at)
    if (aims, guests) != (before, had):
        seat_rules.refuse_state(meetup, at)
    seat_rules.refuse_guests(meetup, guests, kept=had)
    if aims == Status.MAYBE:
        rsvp.status = Status.MAYBE
    elif aims in CLAIMING:
        _claim(rsvp, accepts=wanted == Status.GOING, more=guests - had, guests=guests, room=room, at=at)
    kept_guests, rsvp.guests = rsvp.guests, guests
    _save_and_tell(rsvp, before, changed=(rsvp.status, guests) != (before, kept_guests), at=at)


def _claim(rsvp: Rsvp, *, accepts: bool, more: int, guests: int, room: Room, at: dt.datetime) -> None:
    meetup = rsvp.meetup
    if rsvp.status in Rsvp.HOLDING:
        if more > 0 and room.free is not None and more > room.free:
            raise SeatsRefused(seat_rules.refusal_of_more_guests(room.free))
        if rsvp.status == Status.OFFERED and accepts:
            seat_rules.refuse_expired_offer(rsvp, at)
            rsvp.status = Status.GOING
    elif rsvp.status == Status.WAITLISTED:
        if more > 0:  # whoever wants more asks anew
            rsvp.queued_at = room.place(at)
    else:
        seat_rules.refuse_interest_only(meetup)
        rsvp.queued_at = room.place(at)
        if room.free is None or 1 + guests <= room.free:
            rsvp.status = Status.GOING
        elif meetup.waitlist == Meetup.Waitlist.OFF:
            raise SeatsRefused(seat_rules.refusal_of_party(room.free, guests))
        else:
            rsvp.status = Status.WAITLISTED


def _save_and_tell(rsvp: Rsvp, before: str, *, changed: bool, at: dt.datetime) -> None:
    if rsvp.status != Status.OFFERED:
        rsvp.offer_expires_at = None
    if changed:
        rsvp.changed_at = at
    start = seat_rules.starts_at(rsvp.meetup)
    if rsvp.status == Status.GOING and before != Status.GOING and start and start - at <= RECONFIRM_BEFORE:
        rsvp.reconfirmed_for = start  # said just now
    rsvp.save()
    if rsvp.status == before:
        return
    if rsvp.status == Status.GOING:
        mails.tell_going(rsvp)
    elif rsvp.status == Status.WAITLISTED:
        mails.tell_waitlisted(rsvp)


def _decline(rsvp: Rsvp, at: dt.datetime) -> None:
    before = rsvp.status
    if before == Status.DECLINED:
        return
    rsvp.status, rsvp.guests, rsvp.offer_expires_at, rsvp.changed_at = Status.DECLINED, 0, None, at
    rsvp.save()
    if before in CLAIMING:
        mails.tell_left(rsvp)


def _ask_by_mail(asked: Rsvp, answers: dict[int, str], room: Room, at: dt.datetime) -> Rsvp:
    """Note an e-mail sign-up and ask the address to confirm it.

    Nobody but the owner of the address may change a sign-up that counts, or learn that there is one: the answer is
    the same, and so is the mail that goes out.
    """
    meetup = asked.meetup
    seat_rules.refuse_guests(meetup, asked.guests)
    if asked.wanted == Status.GOING:
        seat_rules.refuse_interest_only(meetup)
        if meetup.waitlist == Meetup.Waitlist.OFF and room.free is not None and room.free < asked.party:
            raise SeatsRefused(seat_rules.refusal_of_party(room.free, asked.guests))
    row = _row_that_counts(asked)
    if row is None:
        row = meetup.rsvps.filter(user=None, email=asked.email).first()
        if row and row.status == Status.UNCONFIRMED and at - row.changed_at < _DOUBLE_CLICK:
            same = ("name", "wanted", "guests", "hides_name", "sponsor_consent")
            if all(getattr(row, field) == getattr(asked, field) for field in same):
                return row
        if row:
            asked.pk, asked.code, asked.created_at = row.pk, row.code, row.created_at
        asked.save(force_insert=row is None, force_update=row is not None)
        _keep_answers(asked, answers)
        row = asked
    mails.tell_confirm_rsvp(row)
    return row


def _row_that_counts(asked: Rsvp) -> Rsvp | None:
    """The sign-up that the owner of the address has already, as a member or by mail."""
    whose = asked.person.key
    if owner := member_with(asked.email):
        whose |= rows_of(owner)
    rows = asked.meetup.rsvps.filter(whose).exclude(status__in=[Status.UNCONFIRMED, Status.DECLINED])
    return rows.select_related("user").first()


def _checked_answers(meetup: Meetup, rsvp: Rsvp | None, answers: Answers, wanted: str) -> dict[int, str]:
    """All answers of the sign-up as they will be: given now, or before."""
    questions = list(meetup.questions.all())
    if not questions:
        return {}
    given = dict(rsvp.answers.values_list("question", "text")) if rsvp else {}
    given.update(answers)
    return seat_rules.checked_answers(questions, given, required=wanted == Status.GOING)


def _keep_answers(rsvp: Rsvp, answers: dict[int, str]) -> None:
    rsvp.answers.exclude(question__in=answers).delete()
    Answer.objects.bulk_create(
        [Answer(rsvp=rsvp, question_id=pk, text=text) for pk, text in answers.items()],
        update_conflicts=True,
        unique_fields=["question", "rsvp"],
        update_fields=["text"],
    )


def _hidden_voters(meetup: Meetup) -> set[int | str]:
    ballots = DateBallot.objects.filter(poll__meetup=meetup, hides_name=True)
    return {user or email for user, email in ballots.values_list("user", "email")}


def _seat_voter(meetup: Meetup, voter: Person, voted_at: dt.datetime, at: dt.datetime) -> Rsvp | None:
    try:
        seat_rules.refuse_blocked(meetup, voter)
    except SeatsRefused:
        return None
    rsvp = row_of_member(meetup, voter.user) if voter.user else meetup.rsvps.filter(voter.key).first()
    if rsvp and rsvp.status in CLAIMING:
        return rsvp
    if rsvp and rsvp.status == Status.DECLINED and rsvp.changed_at >= voted_at:
        return None
    if rsvp is None:
        rsvp = Rsvp(**voter.fields)
    rsvp.meetup, rsvp.queued_at, rsvp.changed_at = meetup, voted_at, at
    free = count_room(meetup, at).free
    if free is None or rsvp.party <= free:
        rsvp.status = Status.GOING
    else:
        off = meetup.waitlist == Meetup.Waitlist.OFF
        rsvp.status = Status.MAYBE if off else Status.WAITLISTED
    rsvp.save()
    return rsvp
