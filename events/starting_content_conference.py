"""Loads the conference of ``starting_content_kvm_forum``, once."""

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from events import starting_content_kvm_forum as forum
from events.models import (
    Conference,
    ConferenceDay,
    LoadedContent,
    Resource,
    Session,
    Speaker,
    Talk,
    TalkSpeaker,
    TripReport,
    TripReportEntry,
)


@transaction.atomic
def load_conference() -> list[str]:
    """Make the conference with its talks and the report of it; return a line for each thing made.

    Once only: what people changed, or took away, even the whole conference, stays as they left it.
    """
    _, is_new = LoadedContent.objects.get_or_create(name=forum.SLUG)
    if not is_new or Conference.objects.filter(slug=forum.SLUG).exists():
        return []
    conference = Conference.objects.create(
        slug=forum.SLUG,
        name=forum.NAME,
        city=forum.CITY,
        country=forum.COUNTRY,
        year=forum.YEAR,
        time_zone=forum.TIME_ZONE,
        description=forum.DESCRIPTION,
    )
    days = [
        ConferenceDay.objects.create(conference=conference, number=number, title=title)
        for number, title in enumerate(forum.DAYS, 1)
    ]
    sessions = [
        _load_session(days[told.day - 1], told, place) for place, told in enumerate(forum.SESSIONS, 1)
    ]
    _load_report(conference, sessions)
    return [f"{conference} with {len(sessions)} sessions", f"trip report of {conference}"]


def _load_session(day: ConferenceDay, told: forum.Told, position: int) -> Session:
    slug = slugify(told.title.replace("’", ""))[:80].strip("-")
    if told.kind == Session.Kind.KEYNOTE:
        slug = f"{forum.SLUG}-{slug}"
    talk = Talk.objects.create(slug=slug, title=told.title, abstract=told.abstract, topic=told.topic)
    for place, by in enumerate(told.speakers):
        # A page of that name may be there already; somebody with an account is not taken for granted.
        speaker = Speaker.objects.filter(name=by.name, user=None).first()
        if speaker is None:
            speaker = Speaker.objects.create(slug=_speaker_slug(by.name), name=by.name)
        TalkSpeaker.objects.create(talk=talk, speaker=speaker, position=place, affiliation=by.affiliation)
    session = Session.objects.create(
        talk=talk, day=day, kind=told.kind, position=position, status=Session.Status.ACCEPTED
    )
    for known in told.known:
        Resource.objects.create(
            talk=talk, session=session, kind=known.kind, condition=known.condition, note=known.note
        )
    return session


def _speaker_slug(name: str) -> str:
    slug = slugify(name)
    return f"{slug}-{forum.YEAR}" if Speaker.objects.filter(slug=slug).exists() else slug


def _load_report(conference: Conference, sessions: list[Session]) -> None:
    report = TripReport.objects.create(
        conference=conference,
        slug=forum.REPORT_SLUG,
        title=forum.REPORT_TITLE,
        author_name=forum.REPORT_AUTHOR,
        introduction=forum.REPORT_INTRODUCTION,
        published_at=timezone.now(),
    )
    for told, session in zip(forum.SESSIONS, sessions, strict=True):
        if told.experience:
            TripReportEntry.objects.create(report=report, session=session, text=told.experience)
