"""What pages about conferences and trip reports read, each in a constant number of queries."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery

from events.models import (
    Conference,
    ConferenceDay,
    Resource,
    Session,
    TalkSpeaker,
    TripReport,
    TripReportEntry,
)


@dataclass(frozen=True)
class Day:
    """One day of the schedule. Columns are wanted only where its sessions have tracks or times."""

    day: ConferenceDay
    sessions: list[Session]

    @property
    def has_tracks(self) -> bool:
        """Whether any session of the day names its track."""
        return any(session.track_id for session in self.sessions)

    @property
    def has_times(self) -> bool:
        """Whether any session of the day has a time."""
        return any(session.starts_at for session in self.sessions)


@dataclass(frozen=True)
class ConferencePage:
    """Everything that a conference's page shows."""

    conference: Conference
    days: list[Day]
    reports: list[TripReport]


@dataclass(frozen=True)
class ReportPage:
    """A trip report, its entries day by day in the order of the schedule."""

    report: TripReport
    days: list[tuple[ConferenceDay, list[TripReportEntry]]]


def conferences() -> QuerySet[Conference]:
    """All conferences, the latest first, with ``talks_known`` and ``reports_shown``."""
    accepted = Q(days__sessions__status=Session.Status.ACCEPTED)
    published = Q(trip_reports__published_at__isnull=False)
    return Conference.objects.annotate(
        talks_known=Count("days__sessions", filter=accepted, distinct=True),
        reports_shown=Count("trip_reports", filter=published, distinct=True),
    ).order_by("-year", "-starts_on", "name")


def conference_page(conference: Conference, user: object) -> ConferencePage:
    """The schedule of ``conference`` and the reports of it that ``user`` may see."""
    reports = TripReport.objects.visible_to(user).filter(conference=conference).select_related("author")
    return ConferencePage(conference=conference, days=schedule(conference), reports=list(reports))


def schedule(conference: Conference) -> list[Day]:
    """The days of ``conference`` with their accepted sessions, each with what is known of recording and slides.

    These are ``recording`` (a condition), ``recording_note``, ``recording_url`` and ``has_slides``.
    """
    resources = Resource.objects.filter(talk=OuterRef("talk")).order_by("pk")
    videos = resources.filter(kind=Resource.Kind.VIDEO)
    sessions = (
        Session.objects.accepted()
        .filter(day__conference=conference)
        .select_related("talk", "track")
        .prefetch_related(Prefetch("talk__speaking", TalkSpeaker.objects.select_related("speaker")))
        .annotate(
            recording=Subquery(videos.values("condition")[:1]),
            recording_note=Subquery(videos.values("note")[:1]),
            recording_url=Subquery(videos.values("url")[:1]),
            has_slides=Exists(resources.filter(kind=Resource.Kind.SLIDES).exclude(url="")),
        )
        .order_by(F("starts_at").asc(nulls_last=True), "position", "pk")
    )
    days = {day.pk: Day(day, []) for day in conference.days.select_related("conference")}
    for session in sessions:
        assert session.day_id is not None
        days[session.day_id].sessions.append(session)
    return list(days.values())


def report_page(report: TripReport) -> ReportPage:
    """The entries of ``report`` with the talks that they are about."""
    entries = (
        report.entries.filter(session__status=Session.Status.ACCEPTED)
        .select_related("session__talk", "session__day")
        .prefetch_related(Prefetch("session__talk__speaking", TalkSpeaker.objects.select_related("speaker")))
        .order_by(
            "session__day__number",
            F("session__starts_at").asc(nulls_last=True),
            "session__position",
            "pk",
        )
    )
    days: dict[int, tuple[ConferenceDay, list[TripReportEntry]]] = {}
    for entry in entries:
        day = entry.session.day
        assert day is not None
        days.setdefault(day.pk, (day, []))[1].append(entry)
    return ReportPage(report=report, days=list(days.values()))


def structured_data(page: ConferencePage) -> dict[str, Any]:
    """schema.org/Event of a conference with its sessions; the year alone stands where no day is known."""
    conference = page.conference
    address = settings.SITE_URL + conference.get_absolute_url()
    place = {
        "@type": "Place",
        "name": conference.city,
        "address": {
            "@type": "PostalAddress",
            "addressLocality": conference.city,
            "addressCountry": conference.country,
        },
    }
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "@id": address,
        "url": address,
        "name": conference.name,
        "description": conference.description[:300],
        "startDate": conference.starts_on.isoformat() if conference.starts_on else str(conference.year),
        "location": place,
        "subEvent": [
            _structured_session(session, day.day, place) for day in page.days for session in day.sessions
        ],
    }
    if conference.ends_on:
        data["endDate"] = conference.ends_on.isoformat()
    return data


def _structured_session(session: Session, day: ConferenceDay, place: dict[str, Any]) -> dict[str, Any]:
    zone = ZoneInfo(day.conference.time_zone)
    start = session.starts_at.astimezone(zone).isoformat() if session.starts_at else None
    data: dict[str, Any] = {
        "@type": "Event",
        "name": session.talk.title,
        "url": settings.SITE_URL + session.talk.get_absolute_url(),
        "startDate": start or (day.date.isoformat() if day.date else str(day.conference.year)),
        "location": place,
    }
    people = [
        {"@type": "Person", "name": by.speaker.name} | _works_for(by) for by in session.talk.speaking.all()
    ]
    return data | ({"performer": people} if people else {})


def _works_for(by: TalkSpeaker) -> dict[str, Any]:
    return {"affiliation": {"@type": "Organization", "name": by.affiliation}} if by.affiliation else {}
