"""What the meetups room keeps about a member: their roles in chapters."""

from typing import Any

from events.models import CalendarToken, ChapterMembership
from portal.accounts.models import User


def export_events(user: User) -> dict[str, Any]:
    """The member's roles in chapters, present and past."""
    return {
        "chapter_roles": list(
            ChapterMembership.objects.filter(user=user)
            .order_by("pk")
            .values("chapter__slug", "role", "name", "since", "until")
        ),
        "calendar_address_since": CalendarToken.objects.filter(user=user)
        .values_list("created_at", flat=True)
        .first(),
    }


def erase_events(user: User) -> None:
    """The member's roles go with the account; a row that also carries their name must not stay under it."""
    ChapterMembership.objects.filter(user=user).delete()
    CalendarToken.objects.filter(user=user).delete()


def my_chapters(user: User) -> list[ChapterMembership] | None:
    """The member's roles for their own page; None when there are none."""
    return list(ChapterMembership.objects.filter(user=user, until=None).select_related("chapter")) or None
