"""What lists of meetups read, each in a constant number of queries."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils import timezone

from events.models import Chapter, Meetup, MeetupQuerySet, Topic
from events.queries.chapters import organizers


def next_meetups(user: object, *, at: dt.datetime, limit: int = 3) -> list[Meetup]:
    """The next meetups, drafts and cancelled ones left out: those with a date first, then those whose date is open.

    Each meetup's ``chapter`` has ``organizers``.
    """
    shown = Meetup.objects.visible_to(user).exclude(status=Meetup.Status.DRAFT)
    coming = shown.upcoming(at=at).exclude(status=Meetup.Status.CANCELLED)
    return list(with_organizers(coming, at)[:limit])


@dataclass(frozen=True)
class Narrowing:
    """What a list of meetups is narrowed to; what is empty does not narrow. Dates are the reader's, inclusive."""

    chapter: Chapter | None = None
    status: str = ""
    topic: Topic | None = None
    attendance: str = ""
    after: dt.date | None = None
    before: dt.date | None = None

    def __bool__(self) -> bool:
        return self != Narrowing()

    def of(self, found: MeetupQuerySet) -> MeetupQuerySet:
        """``found``, narrowed. With a date, meetups whose date is open are left out."""
        if self.chapter:
            found = found.of_chapter(self.chapter)
        if self.status:
            found = found.filter(status=self.status)
        if self.topic:
            found = found.filter(topics=self.topic)
        if self.attendance == "online":
            found = found.online()
        elif self.attendance:
            found = found.exclude(mode=Meetup.Mode.ONLINE)
        if self.after:
            found = found.filter(starts_at__gte=_midnight(self.after))
        if self.before:
            found = found.filter(starts_at__lt=_midnight(self.before + dt.timedelta(days=1)))
        return found


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


class MeetupList:
    """Meetups in their order, for a paginator: each page is read whole, and of the others only the order.

    Each meetup's ``chapter`` has ``organizers``.
    """

    def __init__(self, found: MeetupQuerySet, at: dt.datetime) -> None:
        self._found, self._at = found, at

    def count(self) -> int:
        """How many there are."""
        return self._found.count()

    def __getitem__(self, part: slice) -> MeetupQuerySet:
        # Sorting whole rows joined to their chapters would cost more with every year of meetups.
        ids = self._found.values("pk")[part]
        page = Meetup.objects.filter(pk__in=ids)
        return with_organizers(page.order_by(*self._found.query.order_by), self._at)


def meetups(user: object, *, at: dt.datetime, past: bool, narrowing: Narrowing = Narrowing()) -> MeetupList:
    """The list of meetups to come or past that ``user`` may see, narrowed where a filter is set."""
    found = narrowing.of(Meetup.objects.visible_to(user))
    return MeetupList(found.past(at=at) if past else found.upcoming(at=at), at)


def listed_topics() -> QuerySet[Topic]:
    """Topics of meetups that everybody may see, by name."""
    public = Meetup.objects.visible_to(None).filter(topics=OuterRef("pk"))
    return Topic.objects.filter(Exists(public))


def with_organizers(found: MeetupQuerySet, at: dt.datetime) -> MeetupQuerySet:
    """``found`` with each meetup's chapter and, as ``chapter.organizers``, those who lead it."""
    people = Prefetch("chapter__memberships", organizers(at), to_attr="organizers")
    return found.select_related("chapter").prefetch_related(people)
