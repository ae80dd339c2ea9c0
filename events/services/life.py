"""The life of a meetup: which state may follow which, in one table."""

import datetime as dt

from events.models import Meetup

Status = Meetup.Status


class MeetupRefused(Exception):
    """A change that a meetup cannot take. The message is a sentence for the organizer."""


#: What may follow each state. Past is no state: a meetup that is over stays what it was (see ``refuse_move``).
MOVES: dict[str, frozenset[str]] = {
    Status.DRAFT: frozenset({Status.IDEA, Status.POLLING, Status.TENTATIVE, Status.CONFIRMED}),
    Status.IDEA: frozenset({Status.POLLING, Status.TENTATIVE, Status.CONFIRMED, Status.CANCELLED}),
    Status.POLLING: frozenset({Status.IDEA, Status.TENTATIVE, Status.CONFIRMED, Status.CANCELLED}),
    Status.TENTATIVE: frozenset({Status.IDEA, Status.POLLING, Status.CONFIRMED, Status.CANCELLED}),
    Status.CONFIRMED: frozenset({Status.IDEA, Status.POLLING, Status.TENTATIVE, Status.CANCELLED}),
    Status.CANCELLED: frozenset({Status.IDEA, Status.TENTATIVE, Status.CONFIRMED}),
}

_WHY_NOT = {
    (Status.DRAFT, Status.CANCELLED): "Nobody has seen this draft: discard it instead of cancelling it.",
    (Status.CANCELLED, Status.POLLING): (
        "A cancelled meetup cannot go straight to a vote. Bring it back as an idea, then open the vote."
    ),
}


def refuse_move(meetup: Meetup, to: str, at: dt.datetime) -> None:
    """Raise :class:`MeetupRefused` where ``meetup`` as it is now may not become ``to`` at ``at``.

    Call it before its date is changed: whether it is over is judged by the date that people know.
    """
    now = meetup.status
    if to == now:
        return
    if to not in Status.values:
        raise MeetupRefused("There is no such state.")
    if to == Status.DRAFT:
        raise MeetupRefused(
            "People have seen this meetup, so it cannot become a draft again. Cancel it instead."
        )
    if to not in MOVES[now]:
        raise MeetupRefused(
            _WHY_NOT.get(
                (Status(now), Status(to)),
                f"A meetup that is “{Status(now).label}” cannot become “{Status(to).label}”.",
            )
        )
    if now != Status.DRAFT and meetup.starts_at is not None and meetup.is_past(at):
        raise MeetupRefused("This meetup is over, so it stays what it was. Copy it to hold it again.")


def can_move(meetup: Meetup, to: str, at: dt.datetime) -> bool:
    """Whether ``meetup`` as it is now may become ``to`` at ``at``."""
    try:
        refuse_move(meetup, to, at)
    except MeetupRefused:
        return False
    return True


def refuse_unfit_date(meetup: Meetup) -> None:
    """Raise :class:`MeetupRefused` where the date of ``meetup`` does not fit its state or itself."""
    precision = meetup.date_precision
    if meetup.status == Status.CONFIRMED and precision != Meetup.DatePrecision.EXACT:
        raise MeetupRefused("A confirmed meetup needs a day and a time. Without them it can be tentative.")
    if (precision == Meetup.DatePrecision.NONE) != (meetup.starts_at is None):
        raise MeetupRefused("Give the date as exactly as it says that it is known.")
    if meetup.ends_at is not None and (meetup.starts_at is None or meetup.ends_at <= meetup.starts_at):
        raise MeetupRefused("The end must come after the start.")
