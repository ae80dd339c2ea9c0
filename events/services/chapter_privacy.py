"""What chapters keep about a member: handed over whole, and erased whole."""

import datetime as dt
from typing import Any

from django.db.models import Q

from events.models import (
    ApplicationMessage,
    AuditLog,
    Block,
    ChapterFollow,
    ChapterMembership,
    OrganizerApplication,
    ProblemReport,
)
from events.queries.people import addresses_of, rows_of
from events.services.audit import note_act
from events.services.roles import chapters_left_leaderless
from portal.accounts.models import User

#: What stands in the log of acts where the name of somebody erased stood.
FORMER = "a former member"


def export_chapters(user: User) -> dict[str, Any]:
    """Roles, follows, offers with their conversation, own reports, blocks and own acts.

    Notes among those who decide are not the applicant's, and the reason of a block is the organizers'.
    """
    return {
        "chapter_roles": list(
            ChapterMembership.objects.filter(user=user)
            .order_by("pk")
            .values("chapter__slug", "role", "since", "until", "takes_reports")
        ),
        "follows": list(
            ChapterFollow.objects.filter(rows_of(user))
            .order_by("pk")
            .values("chapter__slug", "email", "notify", "confirmed_at", "created_at")
        ),
        "offers_to_help": [
            {
                "place": one.place,
                "role": one.role,
                "motivation": one.motivation,
                "status": one.status,
                "reason": one.reason,
                "created_at": one.created_at,
                "decided_at": one.decided_at,
                "messages": list(one.messages.filter(is_note=False).values("author", "text", "created_at")),
            }
            for one in OrganizerApplication.objects.filter(applicant=user)
            .select_related("chapter")
            .order_by("pk")
        ],
        "messages_on_offers_of_others": list(
            ApplicationMessage.objects.filter(author=user)
            .exclude(application__applicant=user)
            .order_by("pk")
            .values("application", "text", "is_note", "created_at")
        ),
        "problem_reports": list(
            ProblemReport.objects.filter(Q(reporter=user) | Q(contact__in=addresses_of(user)))
            .order_by("pk")
            .values("chapter__slug", "text", "contact", "status", "created_at")
        ),
        "blocked_by_chapters": list(
            Block.objects.filter(rows_of(user)).order_by("pk").values("chapter__slug", "created_at")
        ),
        "acts": list(
            AuditLog.objects.filter(actor=user)
            .order_by("pk")
            .values("chapter__slug", "meetup__slug", "act", "detail", "created_at")
        ),
    }


def erase_chapters(user: User, *, at: dt.datetime) -> None:
    """What the account's own deletion would leave: rows by address, words written to others, the name in the log.

    A block by address stays: it protects others. A report stays with those who handle it, without its writer.
    """
    for chapter in chapters_left_leaderless(user, at=at):
        note_act("lose_lead", actor=None, chapter=chapter)
    addresses = addresses_of(user)
    ChapterFollow.objects.filter(rows_of(user)).delete()
    ChapterMembership.objects.filter(user=user).delete()
    ApplicationMessage.objects.filter(author=user).update(text="(erased with the account)")
    ProblemReport.objects.filter(contact__in=addresses).update(contact="")
    _forget_name(user)


def warn_before_erasing(user: User, *, at: dt.datetime) -> list[str]:
    """What others lose, in sentences for the page on which the member erases the account."""
    return [
        f"You are the last lead of the {chapter.city} chapter. Hand it over first on its page “People”, "
        "or it is left without one."
        for chapter in chapters_left_leaderless(user, at=at)
    ]


def _forget_name(user: User) -> None:
    for key in ("person", "former"):
        for entry in AuditLog.objects.filter(**{f"detail__{key}": user.name}):
            entry.detail[key] = FORMER
            entry.save(update_fields=["detail"])
