"""What lists of meetups read, each in a constant number of queries."""

import datetime as dt

from django.db.models import Prefetch

from events.models import Chapter, Meetup, MeetupQuerySet
from events.queries.chapters import organizers


def next_meetups(user: object, *, at: dt.datetime, limit: int = 3) -> list[Meetup]:
    """The next meetups, drafts and cancelled ones left out: those with a date first, then those whose date is open.

    Each meetup's ``chapter`` has ``organizers``.
    """
    shown = Meetup.objects.visible_to(user).exclude(status=Meetup.Status.DRAFT)
    coming = shown.upcoming(at=at).exclude(status=Meetup.Status.CANCELLED)
    return list(with_organizers(coming, at)[:limit])


def meetups(
    user: object, *, at: dt.datetime, past: bool, chapter: Chapter | None, status: str
) -> MeetupQuerySet:
    """The list of meetups to come or past that ``user`` may see, narrowed where a filter is set.

    Each meetup's ``chapter`` has ``organizers``.
    """
    found = with_organizers(Meetup.objects.visible_to(user), at)
    if chapter:
        found = found.filter(chapter=chapter)
    if status:
        found = found.filter(status=status)
    return found.past(at=at) if past else found.upcoming(at=at)


def with_organizers(found: MeetupQuerySet, at: dt.datetime) -> MeetupQuerySet:
    """``found`` with each meetup's chapter and, as ``chapter.organizers``, those who lead it."""
    people = Prefetch("chapter__memberships", organizers(at), to_attr="organizers")
    return found.select_related("chapter").prefetch_related(people)
