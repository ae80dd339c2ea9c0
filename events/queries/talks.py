"""What pages about talks and speakers read, each in a constant number of queries."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import CharField, Exists, IntegerField, Max, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Coalesce, ExtractYear
from django.urls import reverse

from events.models import (
    Chapter,
    Conference,
    Meetup,
    Resource,
    Session,
    SessionQuerySet,
    Speaker,
    Talk,
    TalkQuerySet,
    TalkSpeaker,
    TripReport,
    TripReportEntry,
)
from portal.accounts.models import User

#: In which order a talk's page shows what is kept of it.
_KINDS = [
    kind.value
    for kind in (Resource.Kind.VIDEO, Resource.Kind.SLIDES, Resource.Kind.NOTES, Resource.Kind.CODE)
]


@dataclass(frozen=True)
class TalkPage:
    """Everything that a talk's page shows."""

    talk: Talk
    speaking: list[TalkSpeaker]
    sessions: list[Session]
    resources: list[Resource]
    entries: list[TripReportEntry]

    @property
    def has_recording(self) -> bool:
        """Whether a recording is linked."""
        return any(kept.url and kept.kind == Resource.Kind.VIDEO for kept in self.resources)


@dataclass(frozen=True)
class SpeakerPage:
    """A speaker's talks across the years, the latest first."""

    speaker: Speaker
    talks: list[Talk]


@dataclass(frozen=True)
class NamedSpeaker:
    """A speaker of a list, with the affiliation of that time."""

    name: str
    slug: str
    affiliation: str


@dataclass(frozen=True)
class ScheduledTalk:
    """One talk of a meetup's programme; times are on the wall clock of the meetup's zone."""

    title: str
    slug: str
    kind: str
    starts: dt.datetime | None
    ends: dt.datetime | None
    speakers: tuple[NamedSpeaker, ...]

    @property
    def kind_name(self) -> str:
        """The kind in words."""
        return str(Session.Kind(self.kind).label)


def shown_sessions(user: object) -> SessionQuerySet:
    """Accepted sessions with where they are; a meetup that ``user`` may not see is left out as ``meetup_shown``."""
    seen = Meetup.objects.visible_to(user).filter(pk=OuterRef("meetup")).order_by()
    return (
        Session.objects.accepted()
        .select_related("chapter", "meetup", "day__conference", "track")
        .annotate(is_meetup_shown=Exists(seen))
        .annotate(year=_year())
        .order_by("-year", "-meetup__starts_at", "pk")
    )


def talks(
    user: object, *, text: str = "", topic: str = "", speaker: str = "", year: int | None = None
) -> TalkQuerySet:
    """Talks that ``user`` may see, those given last first, narrowed where a filter is set.

    Each has ``speaking`` and, as ``shown``, its accepted sessions.
    """
    found = Talk.objects.filter(pk__in=Talk.objects.visible_to(user).order_by().values("pk"))
    if text:
        found = found.filter(
            Q(title__icontains=text) | Q(abstract__icontains=text) | Q(topic__icontains=text)
        )
    if topic:
        found = found.filter(topic=topic)
    if speaker:
        found = found.filter(
            Exists(TalkSpeaker.objects.filter(talk=OuterRef("pk"), speaker__name__icontains=speaker))
        )
    if year is not None:
        given = Session.objects.accepted().annotate(year=_year()).filter(talk=OuterRef("pk"), year=year)
        found = found.filter(Exists(given))
    latest = Max(_year("sessions__"), filter=Q(sessions__status=Session.Status.ACCEPTED))
    return (
        _with_people(found, user).annotate(latest=Coalesce(latest, 9999)).order_by("-latest", "title", "pk")
    )


def topics() -> list[str]:
    """The topics of talks that everybody may see."""
    public = Talk.objects.visible_to(None).exclude(topic="").order_by("topic")
    return list(public.values_list("topic", flat=True).distinct())


def my_talks(user: User) -> TalkQuerySet:
    """Talks that ``user`` proposed or gives, the newest first.

    Each has ``speaking`` and, as ``shown``, all its sessions.
    """
    own = Q(proposed_by=user) | Exists(TalkSpeaker.objects.filter(talk=OuterRef("pk"), speaker__user=user))
    sessions = Session.objects.select_related("chapter", "meetup", "day__conference").order_by("-pk")
    return (
        Talk.objects.filter(own)
        .prefetch_related(_people(), Prefetch("sessions", sessions, to_attr="shown"))
        .order_by("-created_at", "-pk")
    )


def talk_page(talk: Talk, user: object) -> TalkPage:
    """The page of ``talk`` as ``user`` may see it."""
    return TalkPage(
        talk=talk,
        speaking=list(talk.speaking.select_related("speaker")),
        sessions=list(shown_sessions(user).filter(talk=talk)),
        resources=sorted(talk.resources.order_by("pk"), key=lambda kept: _KINDS.index(kept.kind)),
        entries=list(
            TripReportEntry.objects.filter(session__talk=talk, report__published_at__isnull=False)
            .select_related("report__author", "report__conference")
            .order_by("report__published_at", "pk")
        ),
    )


def own_sessions(talk: Talk) -> list[Session]:
    """All sessions of ``talk`` at chapters, whatever became of them, for its own people and organizers."""
    found = talk.sessions.filter(chapter__isnull=False).select_related("chapter", "meetup")
    return list(found.order_by("-created_at", "-pk"))


def speaker_page(speaker: Speaker, user: object) -> SpeakerPage:
    """The talks of ``speaker`` that ``user`` may see."""
    return SpeakerPage(speaker=speaker, talks=list(talks(user).filter(speakers=speaker)))


def meetup_talks(meetup: Meetup) -> list[ScheduledTalk]:
    """The programme of ``meetup`` in its order: one query, a row for each speaker of each talk."""
    rows = (
        Session.objects.accepted()
        .filter(meetup=meetup)
        .order_by("position", "pk", "talk__speaking__position", "talk__speaking__pk")
        .values_list(
            "pk",
            "talk__title",
            "talk__slug",
            "kind",
            "starts_at",
            "ends_at",
            "talk__speaking__speaker__name",
            "talk__speaking__speaker__slug",
            "talk__speaking__affiliation",
        )
    )
    zone = ZoneInfo(meetup.time_zone)
    people: dict[int, list[NamedSpeaker]] = {}
    firsts: dict[int, Any] = {}
    for row in rows:
        firsts.setdefault(row[0], row)
        named = people.setdefault(row[0], [])
        if row[6] is not None:
            named.append(NamedSpeaker(row[6], row[7], row[8]))
    return [
        ScheduledTalk(
            title=row[1],
            slug=row[2],
            kind=row[3],
            starts=row[4].astimezone(zone).replace(tzinfo=None) if row[4] else None,
            ends=row[5].astimezone(zone).replace(tzinfo=None) if row[5] else None,
            speakers=tuple(people[pk]),
        )
        for pk, row in firsts.items()
    ]


def proposals(chapter: Chapter) -> QuerySet[Session]:
    """All sessions of ``chapter`` for those who decide on them, the newest first."""
    found = Session.objects.filter(chapter=chapter)
    return (
        with_speakers(found)
        .select_related("talk__proposed_by", "meetup", "decided_by", "chapter")
        .order_by("-created_at", "-pk")
    )


def programme(meetup: Meetup) -> QuerySet[Session]:
    """The sessions of ``meetup`` in their order, for those who arrange them."""
    return with_speakers(Session.objects.accepted().filter(meetup=meetup)).order_by("position", "pk")


def with_speakers(found: QuerySet[Session]) -> QuerySet[Session]:
    """``found`` with the talks and who gives them."""
    people = Prefetch("talk__speaking", TalkSpeaker.objects.select_related("speaker"))
    return found.select_related("talk").prefetch_related(people)


def _year(prefix: str = "") -> Coalesce:
    return Coalesce(
        f"{prefix}day__conference__year",
        ExtractYear(f"{prefix}meetup__starts_at"),
        output_field=IntegerField(),
    )


def _people() -> Prefetch[str]:
    return Prefetch("speaking", TalkSpeaker.objects.select_related("speaker"))


def _with_people(found: TalkQuerySet, user: object) -> TalkQuerySet:
    return found.prefetch_related(_people(), Prefetch("sessions", shown_sessions(user), to_attr="shown"))


def public_addresses(*, limit: int) -> list[str]:
    """Paths of the pages of talks, speakers, conferences and published reports that everybody may read; one query."""
    pages = {
        "events:talk": Talk.objects.visible_to(None).order_by(),
        "events:speaker": Speaker.objects.visible_to(None).order_by(),
        "events:conference": Conference.objects.order_by(),
        "events:trip_report": TripReport.objects.visible_to(None).order_by(),
    }
    first, *others = [
        found.values_list(Value(name, output_field=CharField()), "slug") for name, found in pages.items()
    ]
    rows = first.union(*others).order_by()[:limit]
    return [reverse(name, args=[slug]) for name, slug in rows]
