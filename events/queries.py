"""What the pages of this room read, each in a constant number of queries."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Prefetch, Q
from django.utils import timezone

from events.models import (
    Chapter,
    ChapterMembership,
    ChapterQuerySet,
    Meetup,
    MeetupQuerySet,
    MembershipQuerySet,
)


@dataclass(frozen=True)
class ChapterPage:
    """Everything that a chapter's page shows."""

    chapter: Chapter
    organizers: list[ChapterMembership]
    upcoming: list[Meetup]
    past: list[Meetup]


def next_meetups(user: object, *, at: dt.datetime, limit: int = 3) -> list[Meetup]:
    """The next meetups that ``user`` may see: those with a date first, then those whose date is open."""
    shown = Meetup.objects.visible_to(user).exclude(status=Meetup.Status.DRAFT)
    coming = shown.upcoming(at=at).exclude(status=Meetup.Status.CANCELLED)
    return list(coming.select_related("chapter")[:limit])


def meetups(
    user: object, *, at: dt.datetime, past: bool, chapter: Chapter | None, status: str
) -> MeetupQuerySet:
    """The list of meetups to come or past that ``user`` may see, narrowed where a filter is set."""
    found = Meetup.objects.visible_to(user).select_related("chapter")
    if chapter:
        found = found.filter(chapter=chapter)
    if status:
        found = found.filter(status=status)
    return found.past(at=at) if past else found.upcoming(at=at)


def listed_chapters(*, at: dt.datetime) -> ChapterQuerySet:
    """Chapters with ``organizers`` and ``meetups_to_come``, the number of public meetups that are not over."""
    coming = Meetup.objects.visible_to(None).upcoming(at=at).order_by().values("pk")
    return (
        Chapter.objects.listed()
        .annotate(meetups_to_come=Count("meetups", filter=Q(meetups__in=coming)))
        .prefetch_related(Prefetch("memberships", _organizers(at), to_attr="organizers"))
    )


def organizers_of(chapter: Chapter, *, at: dt.datetime) -> list[ChapterMembership]:
    """Those who lead ``chapter`` at ``at``."""
    return list(_organizers(at).filter(chapter=chapter))


def chapter_page(chapter: Chapter, user: object, *, at: dt.datetime) -> ChapterPage:
    """The page of ``chapter`` as ``user`` may see it."""
    seen = Meetup.objects.visible_to(user).filter(chapter=chapter).select_related("chapter")
    return ChapterPage(
        chapter=chapter,
        organizers=organizers_of(chapter, at=at),
        upcoming=list(seen.upcoming(at=at)[:50]),
        past=list(seen.past(at=at)[:12]),
    )


def _organizers(at: dt.datetime) -> MembershipQuerySet:
    return ChapterMembership.objects.leading().current(timezone.localdate(at)).select_related("user")
