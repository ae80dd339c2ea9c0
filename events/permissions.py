"""Who may act in this room. Pages answer 404 where these say no; services ask again."""

from collections.abc import Iterable

from django.utils import timezone

from events.models import Chapter, ChapterMembership, CoHost, Meetup
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
