"""Who may act in this room. Pages answer 404 where these say no; services ask again."""

from collections.abc import Iterable

from django.utils import timezone

from events.models import (
    Chapter,
    ChapterMembership,
    CoHost,
    Meetup,
    OrganizerApplication,
    ProblemReport,
    Session,
    Speaker,
    Talk,
)
from portal.accounts.models import User

Role = ChapterMembership.Role


def _holds(user: object, chapters: Iterable[int], roles: tuple[str, ...]) -> bool:
    if not isinstance(user, User) or not user.is_active:
        return False
    held = ChapterMembership.objects.filter(user=user, role__in=roles, chapter__in=chapters)
    return held.current(timezone.localdate()).exists()


def can_manage_chapter(user: object, chapter: Chapter) -> bool:
    """Edit the chapter, its venues and meetups, answer its volunteers: those who lead it today, and staff."""
    if isinstance(user, User) and user.is_active and user.is_staff:
        return True
    return _holds(user, [chapter.pk], ChapterMembership.LEADING_ROLES)


def can_lead_chapter(user: object, chapter: Chapter) -> bool:
    """Give and take roles, hand the chapter over, archive it: its lead organizers, and staff."""
    if isinstance(user, User) and user.is_active and user.is_staff:
        return True
    return _holds(user, [chapter.pk], (Role.LEAD,))


def can_manage_meetup(user: object, meetup: Meetup) -> bool:
    """Change, cancel and staff a meetup, and read who comes: those who lead its own chapter, and staff."""
    return can_manage_chapter(user, meetup.chapter)


def can_check_in(user: object, meetup: Meetup) -> bool:
    """Check people in: whoever manages it, helps at its chapter's door, or leads a chapter that co-hosts it."""
    if can_manage_meetup(user, meetup) or _holds(user, [meetup.chapter_id], (Role.CHECK_IN, Role.VOLUNTEER)):
        return True
    agreed = CoHost.objects.filter(meetup=meetup, status=CoHost.Status.ACCEPTED).values_list(
        "chapter", flat=True
    )
    return _holds(user, agreed, ChapterMembership.LEADING_ROLES)


def can_give_talk(user: object, talk: Talk) -> bool:
    """Propose it, propose it again, withdraw it: whoever proposed it, and its speakers with an account."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return talk.proposed_by_id == user.pk or talk.speakers.filter(user=user).exists()


def can_edit_talk(user: object, talk: Talk) -> bool:
    """Change a talk and what is known of its slides: those who give it, those who took it on, and staff.

    A chapter that declined a talk has no say in it, nor has one to which it is only proposed.
    """
    if not isinstance(user, User) or not user.is_active:
        return False
    if user.is_staff or can_give_talk(user, talk):
        return True
    chapters = talk.sessions.filter(chapter__isnull=False, status=Session.Status.ACCEPTED)
    return _holds(user, chapters.values_list("chapter", flat=True), ChapterMembership.LEADING_ROLES)


def can_decide_claim(user: object, speaker: Speaker) -> bool:
    """Say whether a speaker's page is about somebody: staff, and those who lead a chapter where the speaker spoke."""
    if not isinstance(user, User) or not user.is_active:
        return False
    if user.is_staff:
        return True
    given = Session.objects.accepted().filter(chapter__isnull=False, talk__speakers=speaker)
    return _holds(user, given.values_list("chapter", flat=True), ChapterMembership.LEADING_ROLES)


def can_decide_application(user: object, application: OrganizerApplication) -> bool:
    """Judge somebody's offer: staff, and for help in a chapter its leads. Nobody their own, a superuser excepted."""
    if not isinstance(user, User) or not user.is_active:
        return False
    if user.pk == application.applicant_id:
        return user.is_superuser
    return user.is_staff or (application.chapter is not None and can_lead_chapter(user, application.chapter))


def takes_reports(user: object, chapter: Chapter) -> bool:
    """Read what is reported to ``chapter``: the people whom its page names for that, and staff.

    Leading the chapter is not enough: a report may be about whoever leads it. Of one report they may be left out.
    """
    if not isinstance(user, User) or not user.is_active:
        return False
    named = ChapterMembership.objects.filter(user=user, chapter=chapter, takes_reports=True)
    return user.is_staff or named.current(timezone.localdate()).exists()


def can_read_report(user: object, report: ProblemReport) -> bool:
    """Read and handle one report: those who take the chapter's reports, unless it was kept from them."""
    if not isinstance(user, User) or not takes_reports(user, report.chapter):
        return False
    return not report.kept_from.filter(pk=user.pk).exists()
