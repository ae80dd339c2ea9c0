"""Problems that people report, and people whom a chapter keeps out."""

import datetime as dt
from collections.abc import Sequence

from django.core.exceptions import PermissionDenied
from django.db import transaction

from events.models import Block, Chapter, ChapterFollow, Meetup, Person, ProblemReport, Rsvp
from events.permissions import can_manage_chapter, can_read_report
from events.queries.people import member_with, rows_of
from events.services import mails
from events.services.audit import note_act
from events.services.locks import lock_chapter
from portal.accounts.models import User

Status = ProblemReport.Status


class CareRefused(Exception):
    """It cannot be; the message is a sentence for whoever asks."""


@transaction.atomic
def report_problem(
    *,
    chapter: Chapter,
    text: str,
    reporter: User | None = None,
    contact: str = "",
    meetup: Meetup | None = None,
    kept_from: Sequence[User] = (),
) -> ProblemReport:
    """Tell those who take the chapter's reports, but for those whom it concerns.

    Without ``reporter`` and ``contact`` nothing says who wrote it. The log of acts does not mention it.
    """
    report = ProblemReport.objects.create(
        chapter=chapter, meetup=meetup, reporter=reporter, contact=contact, text=text.strip()
    )
    report.kept_from.set(kept_from)
    mails.tell_problem_report(report)
    return report


@transaction.atomic
def handle_report(*, report: ProblemReport, actor: User, status: str, notes: str, at: dt.datetime) -> None:
    """Note what is done about it. ``PermissionDenied``.

    The log of acts says that a report was handled, and nothing of what it says.
    """
    if not can_read_report(actor, report):
        raise PermissionDenied
    was = report.status
    report.status, report.notes, report.handled_by = Status(status), notes.strip(), actor
    report.closed_at = (report.closed_at or at) if status == Status.CLOSED else None
    report.save(update_fields=["status", "notes", "handled_by", "closed_at"])
    if was != status:
        note_act("handle_report", actor=actor, chapter=report.chapter, report=report.pk, status=status)


@transaction.atomic
def block_person(*, chapter: Chapter, actor: User, person: Person, reason: str) -> Block:
    """Keep somebody out: they can no longer sign up, vote, follow or propose there, and their follow ends.

    Seats that they hold stay until an organizer takes them: a meetup may be near, and it is for people to decide.
    Raises ``PermissionDenied``, and :class:`CareRefused` for those who run the chapter.
    """
    chapter = lock_chapter(chapter.pk)
    if not can_manage_chapter(actor, chapter):
        raise PermissionDenied
    if person.user and can_manage_chapter(person.user, chapter):
        raise CareRefused("Somebody who runs the chapter cannot be blocked. A lead can end their role first.")
    block, is_new = Block.objects.filter(person.key).get_or_create(
        chapter=chapter,
        defaults={**person.fields, "reason": reason.strip(), "blocked_by": actor},
    )
    ChapterFollow.objects.filter(person.key, chapter=chapter).delete()
    if owner := person.user or member_with(person.email):
        ChapterFollow.objects.filter(rows_of(owner), chapter=chapter).delete()
    if is_new:
        # Somebody without an account is not named: the log holds no mail address.
        note_act("block_person", actor=actor, chapter=chapter, person=block.shown_name)
    return block


@transaction.atomic
def unblock_person(*, block: Block, actor: User) -> None:
    """Let them in again. Raises ``PermissionDenied``."""
    if not can_manage_chapter(actor, block.chapter):
        raise PermissionDenied
    gone, _ = Block.objects.filter(pk=block.pk).delete()
    if gone:
        note_act("unblock_person", actor=actor, chapter=block.chapter, person=block.shown_name)


def person_of_sign_up(chapter: Chapter, pk: int) -> Person | None:
    """Whose sign-up number ``pk`` to one of the chapter's meetups is; the way to block somebody by name alone."""
    rsvp = Rsvp.objects.filter(pk=pk, meetup__chapter=chapter).select_related("user").first()
    return rsvp.person if rsvp else None
