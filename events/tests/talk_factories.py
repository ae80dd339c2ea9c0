"""Hand-written makers of talks, speakers, conferences and trip reports."""

from itertools import count
from typing import Any

from django.utils import timezone

from events.models import (
    Chapter,
    Conference,
    ConferenceDay,
    Meetup,
    Session,
    Speaker,
    Talk,
    TalkSpeaker,
    TripReport,
)

_numbers = count(1)


def make_speaker(name: str = "", **fields: Any) -> Speaker:
    """Somebody who gives talks."""
    number = next(_numbers)
    return Speaker.objects.create(
        **({"slug": f"speaker-{number}", "name": name or f"Speaker {number}"} | fields)
    )


def make_talk(*speakers: Speaker, affiliation: str = "", **fields: Any) -> Talk:
    """A talk that these people give; nobody sees it before it has an accepted session."""
    number = next(_numbers)
    talk = Talk.objects.create(**({"slug": f"talk-{number}", "title": f"Talk {number}"} | fields))
    for position, speaker in enumerate(speakers):
        TalkSpeaker.objects.create(talk=talk, speaker=speaker, position=position, affiliation=affiliation)
    return talk


def make_session(
    chapter: Chapter,
    *speakers: Speaker,
    meetup: Meetup | None = None,
    talk: Talk | None = None,
    **fields: Any,
) -> Session:
    """A talk that is proposed to ``chapter``."""
    return Session.objects.create(chapter=chapter, meetup=meetup, talk=talk or make_talk(*speakers), **fields)


def make_conference(slug: str = "", *, days: int = 1, **fields: Any) -> Conference:
    """A conference of the year 2013 with its days."""
    slug = slug or f"conference-{next(_numbers)}"
    defaults = {"slug": slug, "name": slug.title(), "city": "Edinburgh", "country": "Scotland", "year": 2013}
    conference = Conference.objects.create(**(defaults | fields))
    for number in range(1, days + 1):
        ConferenceDay.objects.create(conference=conference, number=number)
    return conference


def make_conference_session(
    conference: Conference, *speakers: Speaker, day: int = 1, **fields: Any
) -> Session:
    """A session on a day of ``conference``."""
    talk = fields.pop("talk", None) or make_talk(*speakers)
    on = conference.days.get(number=day)
    return Session.objects.create(talk=talk, day=on, **({"status": "accepted"} | fields))


def make_report(conference: Conference, **fields: Any) -> TripReport:
    """A published trip report."""
    number = next(_numbers)
    defaults = {"slug": f"report-{number}", "title": f"Report {number}", "published_at": timezone.now()}
    return TripReport.objects.create(conference=conference, **(defaults | fields))
