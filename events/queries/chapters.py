"""What pages about chapters read."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, OuterRef, Prefetch, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from events.models import Chapter, ChapterMembership, ChapterQuerySet, Meetup, MembershipQuerySet


@dataclass(frozen=True)
class ChapterPage:
    """Everything that a chapter's page shows."""

    chapter: Chapter
    organizers: list[ChapterMembership]
    upcoming: list[Meetup]
    past: list[Meetup]


def listed_chapters(*, at: dt.datetime) -> ChapterQuerySet:
    """Chapters with ``organizers`` and ``meetups_to_come``: how many public meetups will take place, as it stands."""
    coming = Meetup.objects.visible_to(None).upcoming(at=at).exclude(status=Meetup.Status.CANCELLED)
    # A count for each chapter: joined, it would go through every meetup that there ever was.
    own = coming.filter(chapter=OuterRef("pk")).order_by().values("chapter")
    counted = own.annotate(n=Count("pk")).values("n")
    return (
        Chapter.objects.listed()
        .order_by("city")
        .annotate(meetups_to_come=Coalesce(Subquery(counted), 0))
        .prefetch_related(Prefetch("memberships", organizers(at), to_attr="organizers"))
    )


def organizers_of(chapter: Chapter, *, at: dt.datetime) -> list[ChapterMembership]:
    """Those who lead ``chapter`` at ``at``."""
    return list(organizers(at).filter(chapter=chapter))


def chapter_page(chapter: Chapter, user: object, *, at: dt.datetime) -> ChapterPage:
    """The page of ``chapter`` as ``user`` may see it."""
    seen = Meetup.objects.visible_to(user).filter(chapter=chapter)
    return ChapterPage(
        chapter=chapter,
        organizers=organizers_of(chapter, at=at),
        upcoming=list(seen.upcoming(at=at)[:10]),
        past=list(seen.past(at=at)[:12]),
    )


def organizers(at: dt.datetime) -> MembershipQuerySet:
    """Those who lead a chapter at ``at``."""
    return ChapterMembership.objects.leading().current(timezone.localdate(at)).select_related("user")
