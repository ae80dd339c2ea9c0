"""A member's own sign-ups: for their page, and for the archive of their data."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Q

from events.models import Answer, Meetup, Rsvp
from events.queries.people import rows_of
from portal.accounts.models import User

Status = Rsvp.Status
_SHOWN = 20


@dataclass(frozen=True)
class OwnMeetups:
    """What a member signed up to: meetups to come, the next first, and those they went to, the latest first."""

    upcoming: list[Rsvp]
    past: list[Rsvp]


def own_meetups(user: User, *, at: dt.datetime) -> OwnMeetups:
    """The member's sign-ups for their own page, each with its meetup."""
    mine = Rsvp.objects.filter(rows_of(user)).select_related("meetup__chapter")
    asked = mine.exclude(status__in=[Status.DECLINED, Status.UNCONFIRMED])
    # Asked of each sign-up's meetup: a list of all that are over would grow with every year.
    theirs = Meetup.objects.filter(pk=OuterRef("meetup"))
    coming = theirs.upcoming(at=at).order_by()
    went = mine.filter(Q(status=Status.GOING) | Q(checked_in_at__isnull=False))
    over = theirs.past(at=at).exclude(status=Meetup.Status.CANCELLED).order_by()
    return OwnMeetups(
        upcoming=list(
            asked.filter(Exists(coming)).order_by(F("meetup__starts_at").asc(nulls_last=True), "pk")[:_SHOWN]
        ),
        past=list(went.filter(Exists(over)).order_by("-meetup__starts_at", "-pk")[:_SHOWN]),
    )


def exported_rsvps(user: User) -> list[dict[str, Any]]:
    """Every sign-up of the member with its answers, also those made with their addresses."""
    answers = Prefetch("answers", Answer.objects.select_related("question").order_by("question"))
    rows = Rsvp.objects.filter(rows_of(user)).select_related("meetup").prefetch_related(answers)
    return [
        {
            "meetup": rsvp.meetup.slug,
            "status": rsvp.status,
            "guests": rsvp.guests,
            "name": rsvp.name,
            "email": rsvp.email,
            "hides_name": rsvp.hides_name,
            "sponsor_consent": rsvp.sponsor_consent,
            "signed_up_at": rsvp.created_at,
            "changed_at": rsvp.changed_at,
            "checked_in_at": rsvp.checked_in_at,
            "answers": [
                {"question": answer.question.text, "answer": answer.text} for answer in rsvp.answers.all()
            ],
        }
        for rsvp in rows.order_by("pk")
    ]
