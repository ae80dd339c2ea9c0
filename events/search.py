"""What the search finds among meetups, chapters, talks and people who give them."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import QuerySet

from events.models import Chapter, Conference, Meetup, Speaker, Talk, TripReport
from portal.search.registry import Entry, Source, register

ROOM, TALKS = "Meetups", "Talks"


def _meetups() -> QuerySet[Meetup]:
    return Meetup.objects.visible_to(None).select_related("chapter").prefetch_related("topics")


def _meetup(meetup: Meetup) -> Entry:
    topics = " ".join(topic.name for topic in meetup.topics.all())
    return Entry(
        key=str(meetup.pk),
        title=meetup.title,
        url=meetup.get_absolute_url(),
        head=f"{meetup.summary}\n{topics}\n{meetup.chapter.city}",
        body=f"{meetup.summary}\n{meetup.description}",
        note=f"Meetup in {meetup.chapter.city}",
    )


def _chapter(chapter: Chapter) -> Entry:
    return Entry(
        key=str(chapter.pk),
        title=f"{chapter.city} chapter",
        url=chapter.get_absolute_url(),
        head=f"{chapter.summary}\n{chapter.country}",
        body=f"{chapter.summary}\n{chapter.description}\n{chapter.how_to_help}",
        note="Chapter",
        weight=1.2,
    )


def _talks() -> QuerySet[Talk]:
    return Talk.objects.visible_to(None).prefetch_related("speakers")


def _talk(talk: Talk) -> Entry:
    speakers = ", ".join(speaker.name for speaker in talk.speakers.all())
    return Entry(
        key=str(talk.pk),
        title=talk.title,
        url=talk.get_absolute_url(),
        head=f"{speakers}\n{talk.topic}",
        body=talk.abstract,
        note=f"Talk by {speakers}" if speakers else "Talk",
    )


def _speaker(speaker: Speaker) -> Entry:
    return Entry(
        key=str(speaker.pk),
        title=speaker.name,
        url=speaker.get_absolute_url(),
        head=speaker.affiliation,
        body=speaker.bio,
        note="Speaker",
    )


def _conference(conference: Conference) -> Entry:
    return Entry(
        key=str(conference.pk),
        title=conference.name,
        url=conference.get_absolute_url(),
        head=f"{conference.city} {conference.country} {conference.year}",
        body=conference.description,
        note="Conference",
        weight=1.2,
    )


def _trip_reports() -> QuerySet[TripReport]:
    return TripReport.objects.visible_to(None).prefetch_related("entries")


def _trip_report(report: TripReport) -> Entry:
    return Entry(
        key=str(report.pk),
        title=report.title,
        url=report.get_absolute_url(),
        body="\n".join([report.introduction, *(entry.text for entry in report.entries.all())]),
        note="Trip report",
    )


def _source(
    name: str, room: str, public: Callable[[], QuerySet[Any]], entry_of: Callable[[Any], Entry]
) -> Source:
    def entries() -> Iterator[Entry]:
        for row in public().order_by("pk").iterator(chunk_size=500):
            yield entry_of(row)

    def entry(key: str) -> Entry | None:
        row = public().filter(pk=key).first()
        return None if row is None else entry_of(row)

    return Source(name, room, entries, entry)


def register_all() -> None:
    """Let the search find what this room has."""
    register(_source("meetup", ROOM, _meetups, _meetup))
    register(_source("chapter", ROOM, lambda: Chapter.objects.listed(), _chapter))
    register(_source("talk", TALKS, _talks, _talk))
    register(_source("speaker", TALKS, lambda: Speaker.objects.visible_to(None), _speaker))
    register(_source("conference", TALKS, Conference.objects.all, _conference))
    register(_source("trip-report", TALKS, _trip_reports, _trip_report))
