"""A chapter's archive: read from the database, and written as a zip whose bytes depend on nothing else."""

import datetime as dt
import io
import re
import zipfile
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects

from events.archive_shapes import (
    VERSION,
    ChapterShape,
    MeetupShape,
    PersonShape,
    QuestionShape,
    ResourceShape,
    SessionShape,
    SpeakerShape,
    TalkShape,
    TopicShape,
    VenueShape,
)
from events.ical.writer import Calendar, write_calendar
from events.models import Chapter, ChapterMembership, Meetup, Session, TalkSpeaker, Venue
from events.queries.calendars import has_calendar_day, meetup_event

#: The earliest moment that a zip can say; the same in every archive, or else no two would be alike.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")
README = """# {city}

The archive of a chapter of Open Source Virtualization India.

- `chapter.json`: everything, for `manage.py chapter_import`
- `chapter.md` and `meetups/`: the same for people
- `calendar.ics`: the meetups that have a day

It holds what the chapter's pages show to everybody. It holds nothing about members: no sign-ups, no followers,
no mail addresses, no links of online meetups. Photos are not in it either.
"""


def write_archive(chapter: Chapter) -> bytes:
    """The zip: the same bytes for the same chapter, whenever and wherever it is written."""
    meetups = _meetups(chapter)
    shape = read_chapter(chapter, meetups)
    files = {
        "README.md": README.format(city=_escape(shape.city)),
        "chapter.json": shape.model_dump_json(indent=2) + "\n",
        "chapter.md": _chapter_text(shape),
        **{f"meetups/{one.slug}.md": _meetup_text(one, shape) for one in shape.meetups},
    }
    contents = {name: text.encode() for name, text in files.items()}
    contents["calendar.ics"] = _calendar(chapter, meetups)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, contents[name])
    return out.getvalue()


def _meetups(chapter: Chapter) -> list[Meetup]:
    """All but drafts, with everything that is written of them, in a constant number of queries."""
    found = Meetup.objects.filter(chapter=chapter).exclude(status=Meetup.Status.DRAFT)
    meetups = list(found.select_related("chapter", "venue").order_by("slug"))
    accepted = Session.objects.filter(status=Session.Status.ACCEPTED, chapter=chapter).select_related("talk")
    prefetch_related_objects(
        meetups,
        "topics",
        "questions",
        Prefetch("sessions", accepted, to_attr="accepted_sessions"),
        Prefetch("accepted_sessions__talk__speaking", TalkSpeaker.objects.select_related("speaker")),
        "accepted_sessions__talk__resources",
    )
    return meetups


def read_chapter(chapter: Chapter, meetups: list[Meetup]) -> ChapterShape:
    """The public side of ``chapter``, in an order that does not depend on primary keys."""
    venues = sorted(Venue.objects.filter(chapter=chapter), key=_venue_key)
    places = {venue.pk: place for place, venue in enumerate(venues)}
    return ChapterShape(
        format="osvi-chapter",
        version=VERSION,
        **_fields(ChapterShape, chapter),
        people=_people(chapter),
        venues=[VenueShape(**_fields(VenueShape, venue)) for venue in venues],
        meetups=[_meetup(meetup, places) for meetup in meetups],
    )


def _fields(shape: Any, row: Any) -> dict[str, Any]:
    """The columns of ``row`` that ``shape`` has under the same name; relations are filled in by hand."""
    columns = {field.attname: field for field in row._meta.concrete_fields if not field.is_relation}
    return {name: getattr(row, name) for name in shape.model_fields if name in columns}


def _people(chapter: Chapter) -> list[PersonShape]:
    """Those whom the page names, now or once: who leads, and who takes reports. Members and helpers are left out."""
    rows = ChapterMembership.objects.filter(chapter=chapter).select_related("user")
    shown = [one for one in rows if one.role in ChapterMembership.LEADING_ROLES or one.takes_reports]
    people = [PersonShape(**_fields(PersonShape, one) | {"name": one.shown_name}) for one in shown]
    return sorted(people, key=lambda one: one.model_dump_json())


def _venue_key(venue: Venue) -> str:
    return VenueShape(**_fields(VenueShape, venue)).model_dump_json()


def _meetup(meetup: Meetup, places: dict[int, int]) -> MeetupShape:
    sessions = vars(meetup)["accepted_sessions"]
    return MeetupShape(
        **_fields(MeetupShape, meetup),
        venue=places.get(meetup.venue_id) if meetup.venue_id else None,
        topics=[TopicShape(slug=topic.slug, name=topic.name) for topic in meetup.topics.all()],
        questions=[QuestionShape(**_fields(QuestionShape, one)) for one in meetup.questions.all()],
        sessions=[
            SessionShape(**_fields(SessionShape, session), talk=_talk(session)) for session in sessions
        ],
    )


def _talk(session: Session) -> TalkShape:
    talk = session.talk
    return TalkShape(
        **_fields(TalkShape, talk),
        speakers=[
            SpeakerShape(slug=one.speaker.slug, name=one.speaker.name, affiliation=one.affiliation)
            for one in talk.speaking.all()
        ],
        resources=[ResourceShape(**_fields(ResourceShape, one)) for one in talk.resources.all()],
    )


def _calendar(chapter: Chapter, meetups: list[Meetup]) -> bytes:
    dated = [meetup for meetup in meetups if has_calendar_day(meetup)]
    dated.sort(key=lambda meetup: (meetup.starts_at or dt.datetime.max.replace(tzinfo=dt.UTC), meetup.slug))
    events = tuple(meetup_event(meetup) for meetup in dated)
    return write_calendar(
        Calendar(events=events, time_zone=chapter.time_zone, name=f"{chapter.city} meetups")
    )


# --------------------------------------------------------------------------------------------- Markdown


def _escape(text: str) -> str:
    """One line of plain text for Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _body(text: str) -> list[str]:
    """Plain text as Markdown paragraphs; nothing in it becomes a heading, a link or HTML."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return ["\n".join(_escape(line) for line in one.split("\n")) for one in paragraphs if one.strip()]


def _chapter_text(shape: ChapterShape) -> str:
    parts = [f"# {_escape(shape.city)}", _escape(f"{shape.country}, {shape.time_zone}")]
    parts += [_escape(shape.summary)] if shape.summary else []
    parts += _body(shape.description)
    for heading, text in (("How to help", shape.how_to_help), ("What holds here", shape.code_of_conduct)):
        if text:
            parts += [f"## {heading}", *_body(text)]
    if shape.people:
        people = [f"- {_escape(one.name)}, {_escape(one.role)}" for one in shape.people]
        parts += ["## People", "\n".join(people)]
    if shape.meetups:
        listed = [f"- [{_escape(one.title)}](meetups/{one.slug}.md): {_when(one)}" for one in shape.meetups]
        parts += ["## Meetups", "\n".join(listed)]
    return "\n\n".join(parts) + "\n"


def _when(meetup: MeetupShape) -> str:
    if meetup.starts_at is None:
        return f"date open, {meetup.status}"
    row = Meetup(
        starts_at=meetup.starts_at,
        ends_at=meetup.ends_at,
        time_zone=meetup.time_zone,
        date_precision=meetup.date_precision,
    )
    return f"{row.when.stamp}, {meetup.status}"


def _meetup_text(meetup: MeetupShape, chapter: ChapterShape) -> str:
    parts = [f"# {_escape(meetup.title)}", f"{_escape(chapter.city)}, {_when(meetup)}"]
    if meetup.venue is not None:
        venue = chapter.venues[meetup.venue]
        parts.append(_escape(f"{venue.name}, {venue.address}" if venue.address else venue.name))
    parts += [*_body(meetup.description), *_body(meetup.venue_notes)]
    if meetup.cancel_reason:
        parts += ["## Cancelled", *_body(meetup.cancel_reason)]
    for session in meetup.sessions:
        speakers = ", ".join(one.name for one in session.talk.speakers)
        parts.append(f"## {_escape(session.talk.title)}")
        parts += [_escape(speakers)] if speakers else []
        parts += _body(session.talk.abstract)
        links = [f"- {_escape(one.kind)}: <{one.url}>" for one in session.talk.resources if one.url]
        parts += ["\n".join(links)] if links else []
    if meetup.recap:
        parts += ["## How it was", *_body(meetup.recap)]
    return "\n\n".join(parts) + "\n"
