"""Hand-written makers of votes on a date."""

import datetime as dt

from events.models import DateBallot, DateOption, DatePoll, DateVote, Meetup
from events.services import polls, votes
from events.tests.factories import NOW, make_meetup, make_organizer
from portal.accounts.models import User
from portal.tests.factories import make_user

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def make_dates(number: int = 3) -> list[tuple[dt.datetime, dt.datetime]]:
    """Dates ten days after NOW and on the days after, three hours each."""
    return [(NOW + (10 + n) * DAY, NOW + (10 + n) * DAY + 3 * HOUR) for n in range(number)]


def make_poll(
    organizer: User, meetup: Meetup | None = None, *, dates: int = 3, closes_at: dt.datetime | None = None
) -> DatePoll:
    """An open vote on the date of a meetup that ``organizer`` runs."""
    meetup = meetup or make_meetup()
    if not meetup.chapter.memberships.filter(user=organizer).exists():
        make_organizer(meetup.chapter, user=organizer)
    return polls.open_poll(
        meetup=meetup, actor=organizer, dates=make_dates(dates), closes_at=closes_at, at=NOW - DAY
    )


def options_of(poll: DatePoll) -> list[DateOption]:
    """Its dates, the first first."""
    return list(poll.options.all())


def vote(
    poll: DatePoll, *words: str, user: User | None = None, at: dt.datetime = NOW, **more: bool
) -> DateBallot:
    """A member, a new one unless given, says these words to the dates in their order; "" leaves one out."""
    said = {option.pk: word for option, word in zip(options_of(poll), words, strict=False) if word}
    return votes.cast_votes(poll=poll, user=user or make_user(), choices=said, at=at, **more)


def vote_by_mail(
    poll: DatePoll, *words: str, email: str = "guest@example.org", at: dt.datetime = NOW, confirm: bool = True
) -> DateBallot:
    """Somebody without an account votes, and presses the button in the mail unless not."""
    said = {option.pk: word for option, word in zip(options_of(poll), words, strict=False) if word}
    votes.ask_to_vote(poll=poll, email=email, name="Gita Guest", choices=said, at=at)
    ballot = DateBallot.objects.get(poll=poll, user=None, email=email)
    return votes.confirm_votes(ballot=ballot, choices=said, at=at) if confirm else ballot


def said_by(ballot: DateBallot) -> list[tuple[str, dt.datetime]]:
    """Choice and moment of each vote, in the order of the dates."""
    found = DateVote.objects.filter(ballot=ballot).order_by("option__starts_at")
    return list(found.values_list("choice", "voted_at"))
