"""Makers of those who read mail, and a worker in the test's own process."""

import datetime as dt
from typing import Any

from events.models import Chapter, ChapterFollow, MailRound, Meetup, Rsvp
from events.services import mail_rounds
from events.tests.factories import NOW
from portal.accounts.models import User
from portal.mail.models import OutboxMessage


def make_rsvp(meetup: Meetup, person: User | str, status: str = "going", **fields: Any) -> Rsvp:
    """A sign-up long ago, of a member or of an address."""
    whose = {"user": person} if isinstance(person, User) else {"email": person, "name": "A Guest"}
    long_ago = NOW - dt.timedelta(days=10)
    if status == "offered":
        fields.setdefault("offer_expires_at", NOW + dt.timedelta(hours=5))
    values = {"changed_at": long_ago, "created_at": long_ago, **whose, **fields}
    return Rsvp.objects.create(meetup=meetup, status=status, **values)


def make_follow(chapter: Chapter, person: User | str, notify: str = "each", **fields: Any) -> ChapterFollow:
    """Somebody who follows ``chapter`` and has confirmed it."""
    whose = {"user": person} if isinstance(person, User) else {"email": person}
    values = {"confirmed_at": NOW - dt.timedelta(days=30), **whose, **fields}
    return ChapterFollow.objects.create(chapter=chapter, notify=notify, **values)


def work(at: dt.datetime) -> int:
    """Do every round that is due at ``at``, piece after piece; returns how many pieces that took."""
    pieces = 0
    while due := mail_rounds.due_rounds(at=at):
        for round_pk in due:
            mail_rounds.send_piece(round_pk, at=at)
            pieces += 1
        assert pieces < 1000
    return pieces


def mails(kind: str = "") -> list[OutboxMessage]:
    """What is in the outbox, in order."""
    found = OutboxMessage.objects.order_by("pk")
    return list(found.filter(kind=kind) if kind else found)


def readers(kind: str = "") -> list[str]:
    """To whom it goes, sorted."""
    return sorted(mail.to_email for mail in mails(kind))


def rounds() -> list[MailRound]:
    """All rounds, the oldest first."""
    return list(MailRound.objects.order_by("pk"))
