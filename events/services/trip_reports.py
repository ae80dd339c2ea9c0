"""Trip reports: written as drafts by whoever was there, then published."""

import datetime as dt
from collections.abc import Mapping

from django.db import transaction

from events.models import Conference, Session, TripReport, TripReportEntry
from events.services.speakers import free_slug
from portal.accounts.models import User


@transaction.atomic
def start_report(
    *, conference: Conference, author: User, title: str, introduction: str, texts: Mapping[int, str]
) -> TripReport:
    """A new draft of ``author``; ``texts`` maps keys of sessions to what they write about them."""
    report = TripReport.objects.create(
        conference=conference,
        slug=free_slug(TripReport.objects.all(), title, otherwise="report"),
        title=title,
        author=author,
        introduction=introduction,
    )
    _save_entries(report, texts)
    return report


@transaction.atomic
def change_report(*, report: TripReport, title: str, introduction: str, texts: Mapping[int, str]) -> None:
    """Save a report; its address stays, and an entry without words is taken out."""
    report.title, report.introduction = title, introduction
    report.save(update_fields=["title", "introduction"])
    _save_entries(report, texts)


def _save_entries(report: TripReport, texts: Mapping[int, str]) -> None:
    own = Session.objects.accepted().filter(day__conference=report.conference_id)
    known = set(own.values_list("pk", flat=True))
    for session, text in texts.items():
        if session not in known:
            continue
        if text:
            TripReportEntry.objects.update_or_create(
                report=report, session_id=session, defaults={"text": text}
            )
        else:
            report.entries.filter(session=session).delete()


def publish_report(*, report: TripReport, at: dt.datetime) -> None:
    """Let everybody read it; published twice, it keeps its first time."""
    TripReport.objects.filter(pk=report.pk, published_at=None).update(published_at=at)


def take_back_report(*, report: TripReport) -> None:
    """Make it a draft again."""
    TripReport.objects.filter(pk=report.pk).update(published_at=None)
