"""Voting on a date: as a member, or by an address whose owner makes the votes count by a link."""

import datetime as dt
from collections.abc import Iterable, Mapping

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Exists, OuterRef

from events.models import Chapter, DateBallot, DatePoll, DateVote, Meetup, Person
from events.queries.care import is_blocked
from events.queries.people import member_with, rows_of
from events.services import mails
from events.services.poll_links import CONFIRM_WITHIN
from events.services.polls import PollRefused, held_poll, in_words
from portal.accounts.models import User

#: What is said to each date, by the date's primary key; dates that are left out keep what was said before.
Choices = Mapping[int, str]


def cast_votes(
    *, poll: DatePoll, user: User, choices: Choices, hides_name: bool = False, at: dt.datetime
) -> DateBallot:
    """A member's votes, or changes of them. Raises :class:`PollRefused`.

    A vote keeps the moment at which its choice was made: saying the same again loses no place.
    """
    with held_poll(poll) as row:
        person = Person.of(user)
        _refuse(row, choices, at)
        _refuse_blocked(person, row.meetup.chapter)
        ballot = _ballot_of_member(row, user) or DateBallot(
            poll=row, **person.fields, confirmed_at=at, created_at=at
        )
        ballot.hides_name = hides_name
        ballot.save()
        _write(ballot, choices, at)
        return ballot


def ask_to_vote(
    *,
    poll: DatePoll,
    email: str,
    name: str,
    choices: Choices,
    hides_name: bool = False,
    at: dt.datetime,
) -> None:
    """Somebody without an account votes: a mail with a link goes to ``email``, and nothing counts before its button.

    Votes that count are changed by the owner of the address alone. Whether the address has voted, belongs to a
    member or is blocked looks the same from outside. Raises :class:`PollRefused` for what concerns everybody.
    """
    with held_poll(poll) as row:
        _refuse(row, choices, at)
        person = Person(email=email.strip().lower(), name=name)
        if is_blocked(person, row.meetup.chapter):
            return
        ballot = row.ballots.filter(person.key).first()
        if ballot is None or ballot.confirmed_at is None:
            ballot = ballot or DateBallot(poll=row, **person.fields)
            ballot.name, ballot.hides_name, ballot.created_at = name, hides_name, at
            ballot.save()
            _write(ballot, choices, at)
        mails.tell_confirm_ballot(ballot)


def confirm_votes(
    *, ballot: DateBallot, choices: Choices, hides_name: bool = False, at: dt.datetime
) -> DateBallot:
    """The owner of the address says that these are their votes: they count from now. Raises :class:`PollRefused`.

    An address that a member has verified makes them the member's own, beside what they voted as a member.
    """
    with held_poll(ballot.poll) as row:
        mine = row.ballots.filter(pk=ballot.pk).select_related("user").first()
        if mine is None:
            raise PollRefused("These votes are no longer kept. You can vote again.")
        mine.poll = row
        _refuse(row, choices, at)
        _refuse_blocked(mine.person, row.meetup.chapter)
        mine.hides_name = hides_name
        mine.confirmed_at = mine.confirmed_at or at
        mine.save(update_fields=["hides_name", "confirmed_at"])
        _write(mine, choices, at)
        owner = None if mine.user_id else member_with(mine.email)
        return (_ballot_of_member(row, owner) if owner else None) or mine


def withdraw_votes(*, ballot: DateBallot, at: dt.datetime) -> None:
    """Take one's votes back. Twice is once. Raises :class:`PollRefused` once the vote is closed."""
    with held_poll(ballot.poll) as row:
        _refuse_late(row, at)
        row.ballots.filter(pk=ballot.pk).delete()


@transaction.atomic
def adopt_ballots(*, user: User) -> int:
    """Make the member's own what was voted with one of their verified addresses; returns how many ballots it were."""
    waiting = DateBallot.objects.filter(rows_of(user), user=None, confirmed_at__isnull=False)
    polls = list(DatePoll.objects.filter(ballots__in=waiting).order_by("meetup", "pk").distinct())
    for poll in polls:
        with held_poll(poll) as row:
            _ballot_of_member(row, user)
    return len(polls)


def adopt_all_ballots() -> int:
    """The same for every member who has verified an address since; a beat task calls it. Returns how many members."""
    owned = EmailAddress.objects.filter(verified=True, email__iexact=OuterRef("email"))
    rows = DateBallot.objects.filter(Exists(owned), user=None, confirmed_at__isnull=False)
    found = {member_with(email) for email in rows.values_list("email", flat=True)[:500]}
    members = [member for member in found if member]
    for member in members:
        adopt_ballots(user=member)
    return len(members)


def erase_votes(*, user: User) -> None:
    """Erase a member's votes, also those of their addresses. Dates that were chosen stay, and seats are not votes."""
    DateBallot.objects.filter(rows_of(user)).delete()


def forget_unconfirmed_ballots(*, at: dt.datetime) -> int:
    """Delete votes that no owner of an address has confirmed in time; returns how many ballots it were."""
    late = DateBallot.objects.filter(confirmed_at=None, user=None, created_at__lt=at - CONFIRM_WITHIN)
    return late.delete()[1].get("events.DateBallot", 0)


def _ballot_of_member(poll: DatePoll, user: User) -> DateBallot | None:
    """The member's one ballot. What they voted with their addresses, and confirmed, becomes part of it."""
    found = poll.ballots.filter(rows_of(user)).exclude(confirmed_at=None)
    ballots = sorted(found.select_related("user"), key=lambda one: (one.user_id is None, one.pk))
    if not ballots:
        return None
    own, *others = ballots
    if own.user_id is None:
        own.user, own.email, own.name = user, "", ""
        own.save(update_fields=["user", "email", "name"])
    for other in others:
        _merge(own, other)
    own.poll = poll
    return own


def _merge(own: DateBallot, other: DateBallot) -> None:
    """The newer choice of two; where both are the same, the earlier moment. Hidden once is hidden."""
    held = {vote.option_id: vote for vote in own.votes.all()}
    for vote in other.votes.all():
        mine = held.get(vote.option_id)
        if mine is None:
            DateVote.objects.filter(pk=vote.pk).update(ballot=own)
        elif mine.choice == vote.choice:
            _set(mine, vote.choice, min(mine.voted_at, vote.voted_at))
        elif vote.voted_at > mine.voted_at:
            _set(mine, vote.choice, vote.voted_at)
    if other.hides_name and not own.hides_name:
        own.hides_name = True
        own.save(update_fields=["hides_name"])
    other.delete()


def _set(vote: DateVote, choice: str, voted_at: dt.datetime) -> None:
    vote.choice, vote.voted_at = choice, voted_at
    vote.save(update_fields=["choice", "voted_at"])


def _write(ballot: DateBallot, choices: Choices, at: dt.datetime) -> None:
    """Note what is new or has changed, with this moment; what is the same keeps its own."""
    held = dict(ballot.votes.values_list("option", "choice"))
    changed = {option: choice for option, choice in choices.items() if held.get(option) != choice}
    ballot.votes.filter(option__in=changed).delete()
    DateVote.objects.bulk_create(
        DateVote(ballot=ballot, option_id=option, choice=choice, voted_at=at)
        for option, choice in changed.items()
    )


def _refuse(poll: DatePoll, choices: Choices, at: dt.datetime) -> None:
    _refuse_late(poll, at)
    if not choices:
        raise PollRefused("Say yes, if need be or no to at least one date.")
    _refuse_gone(choices, poll.options.values_list("pk", flat=True))
    if not set(choices.values()) <= set(DateVote.Choice.values):
        raise ValueError("A vote is yes, if need be or no.")


def _refuse_gone(choices: Choices, known: Iterable[int]) -> None:
    if not set(choices) <= set(known):
        raise PollRefused(
            "An organizer has changed the dates while you voted. Look at them again: nothing was saved yet."
        )


def _refuse_late(poll: DatePoll, at: dt.datetime) -> None:
    if sentence := refusal_of_votes(poll, at):
        raise PollRefused(sentence)


def refusal_of_votes(poll: DatePoll, at: dt.datetime) -> str:
    """Why no vote counts at ``at``, or an empty string."""
    meetup = poll.meetup
    if meetup.status == Meetup.Status.CANCELLED:
        return "This meetup is cancelled, so there is nothing to vote on any more."
    if poll.closed_at is not None:
        if poll.chosen is None:
            return "This vote is closed, without a date being chosen."
        return f"This vote is closed: {in_words(poll.chosen.starts_at, meetup)} was chosen."
    if poll.closes_at is not None and poll.closes_at <= at:
        return f"This vote ended on {in_words(poll.closes_at, meetup)}. The organizers choose a date now."
    if meetup.status != Meetup.Status.POLLING:
        return "The date of this meetup is no longer put to the vote."
    return ""


def _refuse_blocked(person: Person, chapter: Chapter) -> None:
    if is_blocked(person, chapter):
        raise PollRefused(f"The organizers in {chapter.city} have blocked you from their votes.")
