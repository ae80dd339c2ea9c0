"""What the meetups room keeps about a member, and what it shows them of it on their own page."""

from typing import Any

from django.utils import timezone

from events.models import CalendarToken, ChapterFollow, ChapterMembership, OrganizerApplication
from events.queries.own_meetups import OwnMeetups, exported_rsvps, own_meetups
from events.queries.polls import exported_votes
from events.services import chapter_privacy, talk_privacy, votes
from events.services.seats import erase_rsvps
from portal.accounts.models import User


def export_events(user: User) -> dict[str, Any]:
    """Everything that one member has or wrote here."""
    return {
        **chapter_privacy.export_chapters(user),
        "sign_ups": exported_rsvps(user),
        **talk_privacy.export_talks(user),
        "date_votes": exported_votes(user),
        "calendar_address_since": CalendarToken.objects.filter(user=user)
        .values_list("created_at", flat=True)
        .first(),
    }


def erase_events(user: User) -> None:
    """What is the member's goes with the account; what others need stays without their name."""
    erase_rsvps(user=user, at=timezone.now())
    chapter_privacy.erase_chapters(user, at=timezone.now())
    talk_privacy.erase_talks(user)
    CalendarToken.objects.filter(user=user).delete()
    votes.erase_votes(user=user)


def warn_before_erasing(user: User) -> list[str]:
    """What others lose when the member goes."""
    return chapter_privacy.warn_before_erasing(user, at=timezone.now())


def my_chapters(user: User) -> list[ChapterMembership] | None:
    """The member's roles for their own page; None when there are none."""
    held = ChapterMembership.objects.filter(user=user).current(timezone.localdate())
    return list(held.select_related("chapter")) or None


def my_follows(user: User) -> list[ChapterFollow] | None:
    """The chapters that the member follows; None when there are none."""
    found = ChapterFollow.objects.filter(user=user).select_related("chapter")
    return list(found.order_by("chapter__city")) or None


def my_applications(user: User) -> list[OrganizerApplication] | None:
    """The member's offers to help: those that wait, and the latest that were decided; None when there are none."""
    found = OrganizerApplication.objects.filter(applicant=user).select_related("chapter")
    return list(found[:10]) or None


def my_meetups(user: User) -> OwnMeetups:
    """The member's sign-ups for their own page."""
    return own_meetups(user, at=timezone.now())
