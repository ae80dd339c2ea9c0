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
    """The next meetups, drafts and cancelled ones left out: those with a date first, then those whose date is open.

    Each meetup's ``chapter`` has ``organizers``.
    """
    shown = Meetup.objects.visible_to(user).exclude(status=Meetup.Status.DRAFT)
    coming = shown.upcoming(at=at).exclude(status=Meetup.Status.CANCELLED)
    return list(_with_organizers(coming, at)[:limit])


def meetups(
    user: object, *, at: dt.datetime, past: bool, chapter: Chapter | None, status: str
) -> MeetupQuerySet:
    """The list of meetups to come or past that ``user`` may see, narrowed where a filter is set.

    Each meetup's ``chapter`` has ``organizers``.
    """
    found = _with_organizers(Meetup.objects.visible_to(user), at)
    if chapter:
        found = found.filter(chapter=chapter)
    if status:
        found = found.filter(status=status)
    return found.past(at=at) if past else found.upcoming(at=at)


def listed_chapters(*, at: dt.datetime) -> ChapterQuerySet:
    """Chapters with ``organizers`` and ``meetups_to_come``: how many public meetups will take place, as it stands."""
    coming = Meetup.objects.visible_to(None).upcoming(at=at).exclude(status=Meetup.Status.CANCELLED)
    return (
        Chapter.objects.listed()
        .order_by("city")
        .annotate(meetups_to_come=Count("meetups", filter=Q(meetups__in=coming.order_by().values("pk"))))
        .prefetch_related(Prefetch("memberships", _organizers(at), to_attr="organizers"))
    )


def organizers_of(chapter: Chapter, *, at: dt.datetime) -> list[ChapterMembership]:
    """Those who lead ``chapter`` at ``at``."""
    return list(_organizers(at).filter(chapter=chapter))


def chapter_page(chapter: Chapter, user: object, *, at: dt.datetime) -> ChapterPage:
    """The page of ``chapter`` as ``user`` may see it."""
    seen = Meetup.objects.visible_to(user).filter(chapter=chapter)
    return ChapterPage(
        chapter=chapter,
        organizers=organizers_of(chapter, at=at),
        upcoming=list(seen.upcoming(at=at)[:50]),
        past=list(seen.past(at=at)[:12]),
    )


def _organizers(at: dt.datetime) -> MembershipQuerySet:
    return ChapterMembership.objects.leading().current(timezone.localdate(at)).select_related("user")


def _with_organizers(found: MeetupQuerySet, at: dt.datetime) -> MeetupQuerySet:
    people = Prefetch("chapter__memberships", _organizers(at), to_attr="organizers")
    return found.select_related("chapter").prefetch_related(people)
