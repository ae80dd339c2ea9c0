"""What organizers do with a vote on the date: open it, change its dates, close it, take it up again.

Every change, and every vote (``services/votes.py``), happens under the meetup's lock: a vote counts before the
closing or is refused after it, never between the two.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.formats import date_format

from events.models import DateOption, DatePoll, DateVote, Meetup, Person, new_ical_uid, when_there
from events.permissions import can_manage_meetup
from events.services import mails, seats
from events.services.audit import note_act
from events.services.life import MeetupRefused
from events.services.locks import lock_meetup
from events.services.meetups import set_date
from portal.accounts.models import User

Status = Meetup.Status
FEWEST, MOST = 2, 20
#: A meetup of more than this is a conference, or a slip of the keyboard.
LONGEST = dt.timedelta(days=7)
#: A date: its start and its end.
Span = tuple[dt.datetime, dt.datetime]


class PollRefused(Exception):
    """Something that a vote on the date cannot take. The message is a sentence for the person."""


@contextmanager
def held_poll(poll: DatePoll) -> Iterator[DatePoll]:
    """The vote as it is under its meetup's lock, with the locked meetup. Raises :class:`PollRefused` if it is gone."""
    with transaction.atomic():
        meetup = lock_meetup(poll.meetup_id)
        row = DatePoll.objects.filter(pk=poll.pk).first()
        if row is None:
            raise PollRefused("This vote is no longer there.")
        row.meetup = meetup
        yield row


def open_poll(
    *,
    meetup: Meetup,
    actor: User,
    dates: Sequence[Span],
    closes_at: dt.datetime | None = None,
    at: dt.datetime,
) -> DatePoll:
    """Put 2 to 20 dates to the vote. The meetup's own date is open from now, a month that is known stays.

    Raises :class:`PollRefused`, and ``MeetupRefused`` where the meetup cannot go to the vote.
    """
    with transaction.atomic():
        row = lock_meetup(meetup.pk)
        _demand(actor, row)
        if row.polls.filter(closed_at=None).exists():
            raise PollRefused("There is a vote on this meetup's date already.")
        if not FEWEST <= len(dates) <= MOST:
            raise PollRefused(f"Give {FEWEST} to {MOST} dates to vote on.")
        for span in dates:
            _refuse_span(span, at)
        if len({start for start, _ in dates}) < len(dates):
            raise PollRefused("Two of these dates are the same. Give each once.")
        _refuse_close_time(closes_at, max(start for start, _ in dates), at)
        poll = DatePoll.objects.create(meetup=row, closes_at=closes_at, created_by=actor, created_at=at)
        DateOption.objects.bulk_create(
            DateOption(poll=poll, starts_at=start, ends_at=end) for start, end in dates
        )
        _put_to_the_vote(row, actor, at)
        note_act("open_poll", actor=actor, meetup=row, dates=[start.isoformat() for start, _ in dates])
    meetup.refresh_from_db()
    return poll


def add_option(*, poll: DatePoll, actor: User, span: Span, at: dt.datetime) -> DateOption:
    """One more date. Those who have voted already have no vote on it yet. Raises :class:`PollRefused`."""
    with held_poll(poll) as row:
        _demand(actor, row.meetup)
        _refuse_closed(row)
        _refuse_span(span, at)
        if row.options.count() >= MOST:
            raise PollRefused(f"A vote has at most {MOST} dates. Remove one first.")
        if row.options.filter(starts_at=span[0]).exists():
            raise PollRefused("This date is among those to vote on already.")
        option = DateOption.objects.create(poll=row, starts_at=span[0], ends_at=span[1])
        note_act("add_poll_date", actor=actor, meetup=row.meetup, starts_at=span[0].isoformat())
        return option


def remove_option(*, poll: DatePoll, actor: User, option_pk: int, at: dt.datetime) -> int:
    """Take a date away, and the votes on it with it; returns how many these were. Twice is once.

    Raises :class:`PollRefused` where fewer than two dates would be left.
    """
    with held_poll(poll) as row:
        _demand(actor, row.meetup)
        _refuse_closed(row)
        option = row.options.filter(pk=option_pk).first()
        if option is None:
            return 0
        if row.options.count() <= FEWEST:
            raise PollRefused(
                f"A vote needs at least {FEWEST} dates. Add another one first, or end the vote."
            )
        votes = option.votes.filter(ballot__confirmed_at__isnull=False).count()
        note_act(
            "remove_poll_date",
            actor=actor,
            meetup=row.meetup,
            starts_at=option.starts_at.isoformat(),
            votes=votes,
        )
        option.delete()
        return votes


def set_close_time(*, poll: DatePoll, actor: User, closes_at: dt.datetime | None, at: dt.datetime) -> None:
    """No votes after ``closes_at``; None takes votes until the vote is closed. Raises :class:`PollRefused`."""
    with held_poll(poll) as row:
        _demand(actor, row.meetup)
        _refuse_closed(row)
        if closes_at == row.closes_at:
            return
        _refuse_close_time(closes_at, max(option.starts_at for option in row.options.all()), at)
        row.closes_at = closes_at
        row.save(update_fields=["closes_at"])
        note_act(
            "set_poll_end", actor=actor, meetup=row.meetup, closes_at=closes_at and closes_at.isoformat()
        )


def close_poll(*, poll: DatePoll, actor: User, option_pk: int, status: str, at: dt.datetime) -> DatePoll:
    """Choose a date: it is the meetup's, ``confirmed`` or ``tentative``, and a yes to it a seat, in vote order.

    All of it or nothing, in one transaction. Choosing the same date again changes nothing; where somebody else
    chose another one first, theirs stays and :class:`PollRefused` says so.
    """
    if status not in (Status.CONFIRMED, Status.TENTATIVE):
        raise ValueError(f"A date that is chosen is confirmed or tentative, not {status!r}.")
    with held_poll(poll) as row:
        _demand(actor, row.meetup)
        if row.closed_at is not None:
            if row.chosen_id == option_pk:
                return row
            raise PollRefused(_closed_by_somebody(row))
        if row.meetup.status != Status.POLLING:
            raise PollRefused("This meetup is not put to the vote at the moment. Take votes again first.")
        option = row.options.filter(pk=option_pk).first()
        if option is None:
            raise PollRefused("This date is no longer among those to vote on. Choose another one.")
        if option.starts_at <= at:
            raise PollRefused("This date is over. Choose one that is still to come.")
        row.closed_at, row.chosen = at, option
        row.save(update_fields=["closed_at", "chosen"])
        set_date(
            meetup=row.meetup,
            actor=actor,
            starts_at=option.starts_at,
            ends_at=option.ends_at,
            precision=Meetup.DatePrecision.EXACT,
            status=status,
            at=at,
        )
        seats.seat_voters(meetup=row.meetup, votes=_yes_votes(option), at=at)
        note_act("close_poll", actor=actor, meetup=row.meetup, chosen=option.starts_at.isoformat())
        mails.tell_date_decided(row.meetup)
        return row


def end_poll(*, poll: DatePoll, actor: User, at: dt.datetime) -> DatePoll:
    """Close it without a choice: the meetup is an idea again. Twice is once; a choice that was made stays.

    A meetup that is no longer put to the vote, because it was cancelled or got its date otherwise, stays as it is.
    """
    with held_poll(poll) as row:
        _demand(actor, row.meetup)
        if row.closed_at is not None:
            if row.chosen_id is None:
                return row
            raise PollRefused(_closed_by_somebody(row))
        row.closed_at = at
        row.save(update_fields=["closed_at"])
        if row.meetup.status == Status.POLLING:
            _move(row.meetup, actor, Status.IDEA, at)
        note_act("end_poll", actor=actor, meetup=row.meetup)
        return row


def reopen_poll(*, poll: DatePoll, actor: User, closes_at: dt.datetime | None, at: dt.datetime) -> DatePoll:
    """Take votes again, those there are kept; the meetup's date is open again. Seats that people have stay theirs.

    Each date gets a new UID: calendars that were told of its end would take no news of the old one.
    Raises :class:`PollRefused`, and ``MeetupRefused`` where the meetup cannot go to the vote.
    """
    with held_poll(poll) as row:
        _demand(actor, row.meetup)
        newest = row.meetup.polls.order_by("-pk").first()
        if newest != row:
            raise PollRefused("There is a newer vote on this meetup's date.")
        if row.closed_at is None and row.meetup.status == Status.POLLING:
            return row
        options = list(row.options.all())
        if not any(option.starts_at > at for option in options):
            raise PollRefused("All dates of this vote are over. Start a new vote.")
        _refuse_close_time(closes_at, max(option.starts_at for option in options), at)
        for option in options:
            option.ical_uid = new_ical_uid()
        DateOption.objects.bulk_update(options, ["ical_uid"])
        row.closed_at, row.chosen, row.closes_at = None, None, closes_at
        row.save(update_fields=["closed_at", "chosen", "closes_at"])
        _put_to_the_vote(row.meetup, actor, at)
        note_act("reopen_poll", actor=actor, meetup=row.meetup)
        return row


def _put_to_the_vote(meetup: Meetup, actor: User, at: dt.datetime) -> None:
    if meetup.status == Status.DRAFT:
        raise MeetupRefused("Publish the meetup first, as an idea; then put its date to the vote.")
    keeps_month = meetup.date_precision == Meetup.DatePrecision.MONTH
    set_date(
        meetup=meetup,
        actor=actor,
        starts_at=meetup.starts_at if keeps_month else None,
        ends_at=None,
        precision=Meetup.DatePrecision.MONTH if keeps_month else Meetup.DatePrecision.NONE,
        status=Status.POLLING,
        at=at,
    )


def _move(meetup: Meetup, actor: User, status: str, at: dt.datetime) -> None:
    set_date(
        meetup=meetup,
        actor=actor,
        starts_at=meetup.starts_at,
        ends_at=meetup.ends_at,
        precision=meetup.date_precision,
        status=status,
        at=at,
    )


def _yes_votes(option: DateOption) -> list[tuple[Person, dt.datetime]]:
    """Who said yes to it and when, the first first; addresses that were never confirmed left out."""
    found = option.votes.filter(choice=DateVote.Choice.YES, ballot__confirmed_at__isnull=False)
    ordered = found.select_related("ballot__user").order_by("voted_at", "pk")
    return [(vote.ballot.person, vote.voted_at) for vote in ordered]


def in_words(moment: dt.datetime, meetup: Meetup) -> str:
    """A moment on the wall clock of the meetup's zone, for a sentence."""
    when = when_there(moment, None, Meetup.DatePrecision.EXACT, meetup.time_zone)
    return f"{date_format(when.start, 'l j F Y, H:i') if when.start else ''} {when.zone}"


def _demand(actor: User, meetup: Meetup) -> None:
    if not can_manage_meetup(actor, meetup):
        raise PermissionDenied


def _refuse_closed(poll: DatePoll) -> None:
    if poll.closed_at is not None:
        raise PollRefused("This vote is closed. Take it up again before you change it.")


def _closed_by_somebody(poll: DatePoll) -> str:
    if poll.chosen is None:
        return "This vote was closed in the meantime, without a choice."
    return f"This vote was closed in the meantime: {in_words(poll.chosen.starts_at, poll.meetup)} was chosen."


def _refuse_span(span: Span, at: dt.datetime) -> None:
    start, end = span
    if start <= at:
        raise PollRefused("Give dates that are still to come.")
    if end <= start:
        raise PollRefused("Each date must end after it starts.")
    if end - start > LONGEST:
        raise PollRefused(f"A meetup lasts at most {LONGEST.days} days.")


def _refuse_close_time(closes_at: dt.datetime | None, last: dt.datetime, at: dt.datetime) -> None:
    if closes_at is None:
        return
    if closes_at <= at:
        raise PollRefused("The vote must end in the future.")
    if closes_at > last:
        raise PollRefused("The vote must end before the last of its dates.")
