"""How chapters fare, for the portal's staff."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, Max, Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from events.models import Chapter, ChapterMembership, Meetup, OrganizerApplication
from events.queries.chapters import count_of_followers

#: A chapter without a meetup for so long, and with none to come, has gone quiet.
QUIET_AFTER = dt.timedelta(days=180)


@dataclass(frozen=True)
class ChapterHealth:
    """One line of the table. ``people`` counts those who lead or organize and can sign in."""

    chapter: Chapter
    last_meetup: dt.datetime | None
    next_meetup: dt.datetime | None
    undated: int
    leads: int
    people: int
    waiting: int
    followers: int
    suggestion: str

    @property
    def warnings(self) -> list[str]:
        """What somebody should look at, in words."""
        if self.chapter.status == Chapter.Status.PROPOSED:
            return ["Nobody leads it yet"] if not self.leads else []
        if self.people == 0:
            return ["No organizer with an account"]
        found = [] if self.leads else ["No lead"]
        return [*found, "Depends on one person"] if self.people == 1 else found


def chapters_health(*, at: dt.datetime) -> list[ChapterHealth]:
    """Every chapter that is not archived, by city, in one query."""
    shown = Meetup.objects.visible_to(None).exclude(status=Meetup.Status.CANCELLED)
    own = {"chapter": OuterRef("pk")}
    past = shown.past(at=at).order_by().filter(**own).values("chapter").annotate(n=Max("starts_at"))
    coming = shown.upcoming(at=at).order_by().filter(**own).values("chapter")
    held = ChapterMembership.objects.leading().current(timezone.localdate(at))
    held = held.filter(user__is_active=True, **own)
    waiting = OrganizerApplication.objects.filter(status__in=OrganizerApplication.OPEN, **own)
    found = Chapter.objects.listed().annotate(
        last_meetup=Subquery(past.values("n")),
        next_meetup=Subquery(coming.annotate(n=Min("starts_at")).values("n")),
        undated=_count(coming.filter(starts_at__isnull=True)),
        leads=_count(held.filter(role=ChapterMembership.Role.LEAD)),
        people=_count(held),
        waiting=_count(waiting),
        followers=count_of_followers(),
    )
    return [_line(chapter, at) for chapter in found.order_by("city")]


def open_offers_for_new_cities() -> int:
    """Offers that wait and belong to no chapter's line."""
    return OrganizerApplication.objects.filter(
        status__in=OrganizerApplication.OPEN, chapter__isnull=True
    ).count()


def _count(rows: "QuerySet[Any, Any]") -> Coalesce:
    counted = rows.order_by().values("chapter").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _line(chapter: Chapter, at: dt.datetime) -> ChapterHealth:
    read = vars(chapter)  # the annotations, which the model does not declare
    names = ("last_meetup", "next_meetup", "undated", "leads", "people", "waiting", "followers")
    return ChapterHealth(
        chapter=chapter,
        suggestion=_suggestion(chapter, read["last_meetup"], read["next_meetup"], read["undated"], at),
        **{name: read[name] for name in names},
    )


def _suggestion(
    chapter: Chapter,
    last: dt.datetime | None,
    coming: dt.datetime | None,
    undated: int,
    at: dt.datetime,
) -> str:
    """The status that fits better, or an empty string."""
    if chapter.status == Chapter.Status.QUIET and coming:
        return Chapter.Status.ACTIVE.value
    since = max(filter(None, [last, chapter.created_at]))
    if chapter.status == Chapter.Status.ACTIVE and not coming and not undated and at - since > QUIET_AFTER:
        return Chapter.Status.QUIET.value
    return ""
