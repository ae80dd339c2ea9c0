"""What pages about a vote on the date read, each in a constant number of queries."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from events.models import DateBallot, DateOption, DatePoll, DateVote, Meetup
from events.queries.people import rows_of
from portal.accounts.models import User

Choice = DateVote.Choice
#: The most voters that a page names.
MOST_NAMED = 500


@dataclass(frozen=True)
class Tally:
    """One date, and how many confirmed voters said what. ``is_best`` may be true of several."""

    option: DateOption
    yes: int
    if_need_be: int
    no: int
    is_best: bool
    is_chosen: bool
    is_over: bool

    @property
    def said(self) -> int:
        """How many voted on this date."""
        return self.yes + self.if_need_be + self.no


@dataclass(frozen=True)
class Voter:
    """One voter, and what they said to each date in the order of the dates: a word, or "No answer"."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Results:
    """A vote as it stands. ``voters`` is empty where names are not shown; ``unnamed`` are those beyond the most."""

    poll: DatePoll
    tallies: list[Tally]
    takes_votes: bool
    voted: int
    voters: list[Voter]
    unnamed: int

    @property
    def best(self) -> list[Tally]:
        """The date with the most yes, then the most if need be; several where they are equal."""
        return [tally for tally in self.tallies if tally.is_best]

    @property
    def is_tied(self) -> bool:
        """Whether no single date is the best."""
        return len(self.best) > 1


def newest_poll(meetup: Meetup) -> DatePoll | None:
    """The open vote on the meetup's date, or the last that there was."""
    poll = meetup.polls.select_related("chosen").order_by("-pk").first()
    if poll:
        poll.meetup = meetup
        if poll.chosen:
            poll.chosen.poll = poll
    return poll


def results(poll: DatePoll, *, at: dt.datetime, names_for: object = None, organizes: bool = False) -> Results:
    """The vote ``poll``. Names are for members, ``names_for``; who hides theirs is named to organizers only."""
    options = list(_counted(poll.options.all()))
    voted = poll.ballots.filter(confirmed_at__isnull=False).count()
    voters = _voters(poll, options, names_for, organizes) if names_for else []
    return Results(
        poll=poll,
        tallies=_tallies(poll, options, at),
        takes_votes=takes_votes(poll, at),
        voted=voted,
        voters=voters,
        unnamed=voted - len(voters) if names_for else 0,
    )


def takes_votes(poll: DatePoll, at: dt.datetime) -> bool:
    """Whether a vote counts at ``at``: the meetup must still be put to the vote."""
    return poll.takes_votes(at) and poll.meetup.status == Meetup.Status.POLLING


@dataclass(frozen=True)
class Standing:
    """An open vote as the meetup's page shows it."""

    poll: DatePoll
    tallies: list[Tally]
    takes_votes: bool


def standing(meetup: Meetup, *, at: dt.datetime) -> Standing | None:
    """The open vote on the meetup's date in one query, and in none where the meetup is not put to the vote."""
    if meetup.status != Meetup.Status.POLLING:
        return None
    found = DateOption.objects.filter(poll__meetup=meetup, poll__closed_at=None).select_related("poll")
    options = list(_counted(found))
    if not options:
        return None
    poll = options[0].poll
    poll.meetup = meetup
    return Standing(poll, _tallies(poll, options, at), takes_votes(poll, at))


def _counted(options: QuerySet[DateOption]) -> QuerySet[DateOption]:
    counts = {
        f"said_{choice}": Count(
            "votes", filter=Q(votes__choice=choice, votes__ballot__confirmed_at__isnull=False)
        )
        for choice in Choice.values
    }
    # Said here: a grouped query has no order of its own, whatever the model says.
    return options.annotate(**counts).order_by("starts_at", "pk")


def _tallies(poll: DatePoll, options: list[DateOption], at: dt.datetime) -> list[Tally]:
    said = [[getattr(one, f"said_{choice}") for choice in Choice.values] for one in options]
    best = max(((yes, if_need_be) for yes, if_need_be, _ in said), default=(0, 0))
    found = []
    for option, (yes, if_need_be, no) in zip(options, said, strict=True):
        option.poll = poll
        found.append(
            Tally(
                option=option,
                yes=yes,
                if_need_be=if_need_be,
                no=no,
                is_best=(yes, if_need_be) == best and any(best),
                is_chosen=poll.chosen_id == option.pk,
                is_over=option.starts_at <= at,
            )
        )
    return found


def _voters(poll: DatePoll, options: list[DateOption], reader: object, organizes: bool) -> list[Voter]:
    ballots = poll.ballots.filter(confirmed_at__isnull=False).select_related("user")
    shown = list(ballots.prefetch_related("votes").order_by("confirmed_at", "pk")[:MOST_NAMED])
    labels = {choice.value: str(choice.label) for choice in Choice}
    found = []
    for ballot in shown:
        votes = {vote.option_id: labels[vote.choice] for vote in ballot.votes.all()}
        words = tuple(votes.get(option.pk, "No answer") for option in options)
        found.append(Voter(_name(ballot, reader, organizes), words))
    return found


def _name(ballot: DateBallot, reader: object, organizes: bool) -> str:
    is_own = ballot.user is not None and ballot.user == reader
    if not ballot.hides_name:
        return f"{ballot.shown_name} (you)" if is_own else ballot.shown_name
    if is_own:
        return f"{ballot.shown_name} (you; others read “Somebody”)"
    return f"{ballot.shown_name} (hidden from others)" if organizes else "Somebody"


def votes_of(ballot: DateBallot | None) -> dict[int, str]:
    """What a ballot says to each date, by the date's primary key."""
    return dict(ballot.votes.values_list("option", "choice")) if ballot else {}


def exported_votes(user: User) -> list[dict[str, Any]]:
    """Everything that a member voted, also with one of their addresses alone."""
    mine = DateBallot.objects.filter(rows_of(user))
    found = (
        DateVote.objects.filter(ballot__in=mine)
        .order_by("ballot", "option__starts_at")
        .values(
            "ballot__poll__meetup__slug",
            "ballot__email",
            "ballot__name",
            "ballot__hides_name",
            "ballot__created_at",
            "ballot__confirmed_at",
            "option__starts_at",
            "choice",
            "voted_at",
        )
    )
    return [dict(row) for row in found]
