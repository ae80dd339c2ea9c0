"""What people left is not kept longer than we say on the about page. Every number is a setting."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from events.models import (
    Answer,
    AuditLog,
    ChapterFollow,
    DateBallot,
    Meetup,
    ProblemReport,
    Question,
    Rsvp,
)

#: Where a forgotten address pointed: a domain that never exists (RFC 6761, section 6.4).
_NOWHERE = "@forgotten.invalid"


def forget_old(*, at: dt.datetime) -> dict[str, int]:
    """Do all of it; a beat task calls this. Returns how many rows of each kind were touched."""
    return {
        "follows": forget_unconfirmed_follows(at=at),
        "reports": forget_closed_reports(at=at),
        "addresses": forget_addresses(at=at),
        "acts": forget_acts(at=at),
    }


def forget_unconfirmed_follows(*, at: dt.datetime) -> int:
    """Addresses that somebody typed and nobody confirmed."""
    kept = at - dt.timedelta(days=settings.FOLLOW_CONFIRM_DAYS)
    rows = ChapterFollow.objects.filter(user=None, confirmed_at=None, created_at__lt=kept)
    return rows.delete()[0]


def forget_closed_reports(*, at: dt.datetime) -> int:
    """Reports of problems, with everything that was noted about them."""
    kept = at - dt.timedelta(days=settings.REPORT_CLOSED_KEEP_DAYS)
    rows = ProblemReport.objects.filter(status=ProblemReport.Status.CLOSED, closed_at__lt=kept)
    return rows.delete()[1].get("events.ProblemReport", 0)


def forget_addresses(*, at: dt.datetime) -> int:
    """Names and addresses of people without an account who signed up to a meetup, or voted on its date.

    How many came stays, who they were goes, and what they wrote in answer to a question goes too.
    """
    over = _over_since(at - dt.timedelta(days=settings.RSVP_ADDRESS_KEEP_DAYS))
    known = Q(user=None) & ~Q(email__endswith=_NOWHERE)
    sign_ups = Rsvp.objects.filter(known, meetup__in=over)
    Answer.objects.filter(
        question__kind=Question.Kind.TEXT, rsvp__in=sign_ups.order_by().values("pk")
    ).delete()
    nobody = Concat(Cast(F("pk"), CharField()), Value(_NOWHERE))
    forgotten = sign_ups.update(email=nobody, name="")
    ballots = DateBallot.objects.filter(known, poll__meetup__in=over)
    return forgotten + ballots.update(email=nobody, name="")


def _over_since(moment: dt.datetime) -> "QuerySet[Meetup, Any]":
    """Meetups that were over at ``moment``; one without a date counts from its cancellation."""
    past = Meetup.objects.past(at=moment).filter(Q(starts_at__isnull=False) | Q(changed_at__lte=moment))
    return past.order_by().values("pk")


def forget_acts(*, at: dt.datetime) -> int:
    """Old lines of the log of organizers' acts."""
    kept = at - dt.timedelta(days=settings.ACT_KEEP_DAYS)
    return AuditLog.objects.filter(created_at__lt=kept).delete()[0]
