"""What pages about chapters read."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from events.models import (
    Chapter,
    ChapterFollow,
    ChapterMembership,
    ChapterQuerySet,
    Meetup,
    MembershipQuerySet,
    Session,
)
from portal.accounts.models import User


@dataclass(frozen=True)
class HeldTalk:
    """A talk that was given at one of the chapter's meetups."""

    title: str
    slug: str
    speakers: tuple[str, ...]
    meetup_title: str
    meetup_slug: str
    day: dt.date | None


@dataclass(frozen=True)
class ChapterPage:
    """Everything that a chapter's page shows. What is only for one reader is None or empty for others."""

    chapter: Chapter
    organizers: list[ChapterMembership]
    named_for_reports: list[ChapterMembership]
    upcoming: list[Meetup]
    past: list[Meetup]
    talks: list[HeldTalk]
    followers: int
    follow: ChapterFollow | None
    roles: list[ChapterMembership]


def listed_chapters(*, at: dt.datetime) -> ChapterQuerySet:
    """Chapters with ``organizers``, ``meetups_to_come`` (public, and to take place as it stands) and ``followers``."""
    coming = Meetup.objects.visible_to(None).upcoming(at=at).exclude(status=Meetup.Status.CANCELLED)
    # A count for each chapter: joined, it would go through every meetup that there ever was.
    own = coming.filter(chapter=OuterRef("pk")).order_by().values("chapter")
    counted = own.annotate(n=Count("pk")).values("n")
    return (
        Chapter.objects.listed()
        .order_by("city")
        .annotate(meetups_to_come=Coalesce(Subquery(counted), 0), followers=count_of_followers())
        .prefetch_related(Prefetch("memberships", organizers(at), to_attr="organizers"))
    )


def count_of_followers() -> Coalesce:
    """How many follow a chapter, for its row: members, and addresses that were confirmed."""
    rows = ChapterFollow.objects.filter(chapter=OuterRef("pk"), confirmed_at__isnull=False)
    counted = rows.order_by().values("chapter").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def organizers_of(chapter: Chapter, *, at: dt.datetime) -> list[ChapterMembership]:
    """Those who lead ``chapter`` at ``at``."""
    return list(organizers(at).filter(chapter=chapter))


def readable_chapters(user: object) -> ChapterQuerySet:
    """Chapters whose page ``user`` may open, with ``followers``, which :func:`chapter_page` reads."""
    return Chapter.objects.visible_to(user).annotate(followers=count_of_followers())


def chapter_page(chapter: Chapter, user: object, *, at: dt.datetime) -> ChapterPage:
    """The page of ``chapter``, one of :func:`readable_chapters`, as ``user`` may see it."""
    seen = Meetup.objects.visible_to(user).of_chapter(chapter)
    people = list(_shown_people(chapter, user, at))
    member = user if isinstance(user, User) else None
    return ChapterPage(
        chapter=chapter,
        organizers=[one for one in people if one.role in ChapterMembership.LEADING_ROLES],
        named_for_reports=[one for one in people if one.takes_reports],
        upcoming=list(seen.upcoming(at=at)[:10]),
        past=list(seen.past(at=at)[:12]),
        talks=held_talks(chapter, at=at),
        followers=getattr(chapter, "followers", 0),
        follow=ChapterFollow.objects.filter(chapter=chapter, user=member).first() if member else None,
        roles=[one for one in people if member and one.user_id == member.pk],
    )


def _shown_people(chapter: Chapter, user: object, at: dt.datetime) -> MembershipQuerySet:
    """Those whom everybody sees: who leads, and who takes reports; and the reader's own roles."""
    shown = Q(role__in=ChapterMembership.LEADING_ROLES) | Q(takes_reports=True)
    if isinstance(user, User):
        shown |= Q(user=user)
    held = ChapterMembership.objects.filter(shown, chapter=chapter).current(timezone.localdate(at))
    return held.select_related("user", "lead_offered_by")


def held_talks(chapter: Chapter, *, at: dt.datetime, limit: int = 30) -> list[HeldTalk]:
    """Talks that were given at the chapter's past meetups, the latest first: one query, a row for each speaker."""
    past = Meetup.objects.visible_to(None).past(at=at).exclude(status=Meetup.Status.CANCELLED)
    rows = (
        Session.objects.filter(
            chapter=chapter, status=Session.Status.ACCEPTED, meetup__in=past.order_by().values("pk")
        )
        .order_by("-meetup__starts_at", "position", "pk", "talk__speaking__position", "talk__speaking__pk")
        .values_list(
            "pk",
            "talk__title",
            "talk__slug",
            "talk__speaking__speaker__name",
            "meetup__title",
            "meetup__slug",
            "meetup__starts_at",
            "meetup__time_zone",
        )[: limit * 3]
    )
    firsts: dict[int, Any] = {}
    speakers: dict[int, list[str]] = {}
    for row in rows:
        firsts.setdefault(row[0], row)
        speakers.setdefault(row[0], []).extend([row[3]] if row[3] else [])
    return [
        HeldTalk(
            title=row[1],
            slug=row[2],
            speakers=tuple(speakers[pk]),
            meetup_title=row[4],
            meetup_slug=row[5],
            day=row[6].astimezone(ZoneInfo(row[7])).date() if row[6] else None,
        )
        for pk, row in list(firsts.items())[:limit]
    ]


def members_who_lead(chapter: Chapter, *, at: dt.datetime) -> list[User]:
    """Those of the people who run ``chapter`` who have an account: who is asked and told."""
    held = organizers(at).filter(chapter=chapter, user__is_active=True)
    return list(User.objects.filter(pk__in=held.order_by().values("user")).order_by("pk"))


def organizers(at: dt.datetime) -> MembershipQuerySet:
    """Those who lead a chapter at ``at``."""
    return ChapterMembership.objects.leading().current(timezone.localdate(at)).select_related("user")
