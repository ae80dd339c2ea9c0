"""What talks keep about a member, and what becomes of it when they leave.

A talk that somebody took on is part of a programme that others read: it stays. The member's name goes with their page
as a speaker, wherever they gave a talk; so does everything that nobody else has taken on, and what they wrote to
organizers.
"""

from typing import Any

from django.db.models import Q

from events.models import Session, Speaker, SpeakerClaim, Talk, TalkSpeaker, TripReport, TripReportEntry
from portal.accounts.models import User


def export_talks(user: User) -> dict[str, Any]:
    """The member's page as a speaker, the talks that they proposed or give, their claims and trip reports."""
    own = Talk.objects.filter(Q(proposed_by=user) | Q(speakers__user=user)).distinct()
    entries = TripReportEntry.objects.filter(report__author=user).order_by("report", "pk")
    return {
        "speaker": Speaker.objects.filter(user=user).values("slug", "name", "affiliation", "bio").first(),
        "talks": list(own.order_by("pk").values("slug", "title", "abstract", "topic", "created_at")),
        "proposals": list(
            Session.objects.filter(talk__in=own)
            .order_by("pk")
            .values("talk__slug", "chapter__slug", "status", "note", "reason", "created_at", "decided_at")
        ),
        "speaker_claims": list(
            SpeakerClaim.objects.filter(user=user).values("speaker__slug", "text", "status", "created_at")
        ),
        "trip_reports": list(
            TripReport.objects.filter(author=user)
            .order_by("pk")
            .values("slug", "title", "introduction", "published_at", "created_at")
        ),
        "trip_report_entries": list(entries.values("report__slug", "session__talk__slug", "text")),
    }


def erase_talks(user: User) -> None:
    """Take the member's name off every talk, and delete what only they have in hand."""
    proposed = Talk.objects.filter(proposed_by=user)
    taken_on = Session.objects.accepted().values("talk")
    others = TalkSpeaker.objects.exclude(speaker__user=None).exclude(speaker__user=user).values("talk")
    proposed.exclude(pk__in=taken_on).exclude(pk__in=others).delete()
    given = TalkSpeaker.objects.filter(speaker__user=user).values("talk")
    Session.objects.filter(Q(talk__in=proposed) | Q(talk__in=given)).update(note="", reason="")
    Speaker.objects.filter(user=user).delete()
    TripReport.objects.filter(author=user, published_at=None).delete()
    TripReport.objects.filter(author=user).update(author=None, author_name="")
