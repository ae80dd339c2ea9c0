"""Bringing a chapter's archive back. The file may come from anywhere: everything is bounded before it is read."""

import io
import zipfile
import zlib
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from pydantic import ValidationError as ShapeError

from events.archive_shapes import ChapterShape, MeetupShape, SessionShape, TalkShape
from events.models import (
    Chapter,
    ChapterMembership,
    Meetup,
    Question,
    Resource,
    Session,
    Speaker,
    Talk,
    TalkSpeaker,
    Topic,
    Venue,
)
from events.services.audit import note_act

Row = TypeVar("Row", bound=models.Model)

#: Bytes of the zip, files in it, and bytes of ``chapter.json`` once it is unpacked.
MOST_BYTES, MOST_FILES, MOST_JSON = 20 * 1024**2, 12_000, 32 * 1024**2


class ArchiveRefused(Exception):
    """The archive cannot be brought in; the message is a sentence for whoever tries."""


def read_archive(data: bytes) -> ChapterShape:
    """What the archive says. Only ``chapter.json`` is read, and nothing is unpacked to disk.

    Raises :class:`ArchiveRefused`.
    """
    if len(data) > MOST_BYTES:
        raise ArchiveRefused(f"An archive has at most {MOST_BYTES // 1024**2} MiB.")
    try:
        return ChapterShape.model_validate_json(_json_of(data))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, ShapeError):
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ArchiveRefused(
                f"chapter.json is not what it should be at {where}: {first['msg']}."
            ) from error
        raise ArchiveRefused("This is no zip file, or it is damaged.") from error


def _json_of(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if len(names) > MOST_FILES:
            raise ArchiveRefused("The archive has too many files.")
        if names.count("chapter.json") != 1:
            raise ArchiveRefused("An archive has exactly one chapter.json.")
        with archive.open("chapter.json") as file:
            # The size that the zip declares may be a lie; what is read is counted.
            text = file.read(MOST_JSON + 1)
    if len(text) > MOST_JSON:
        raise ArchiveRefused("chapter.json is too long.")
    return text


@transaction.atomic
def import_chapter(shape: ChapterShape) -> Chapter:
    """Make the chapter of an archive, whole or not at all. Raises :class:`ArchiveRefused`.

    It must not be here yet: an archive brings back what was lost, it does not merge. Speakers, talks and topics that
    are here under the same address stay as they are and are pointed at.
    """
    if Chapter.objects.filter(slug=shape.slug).exists():
        raise ArchiveRefused(f"There is a chapter at /chapters/{shape.slug}/ already.")
    try:
        with transaction.atomic():
            return _make_chapter(shape)
    except ValidationError as error:
        raise ArchiveRefused(f"Something in the archive is not valid: {'; '.join(error.messages)}") from error
    except (IntegrityError, IndexError) as error:
        raise ArchiveRefused("The archive contradicts itself, or something of it is here already.") from error


def _make_chapter(shape: ChapterShape) -> Chapter:
    lists = {"format", "version", "people", "venues", "meetups"}
    chapter = _save(Chapter(**shape.model_dump(exclude=lists)))
    for person in shape.people:
        _save(ChapterMembership(chapter=chapter, **person.model_dump()))
    venues = [_save(Venue(chapter=chapter, **venue.model_dump())) for venue in shape.venues]
    for meetup in shape.meetups:
        _make_meetup(meetup, chapter, venues)
    note_act("import_chapter", actor=None, chapter=chapter, meetups=len(shape.meetups))
    return chapter


def _make_meetup(shape: MeetupShape, chapter: Chapter, venues: list[Venue]) -> None:
    if shape.status == Meetup.Status.DRAFT:
        raise ValidationError("an archive has no drafts")
    fields = shape.model_dump(exclude={"venue", "topics", "questions", "sessions"})
    venue = venues[shape.venue] if shape.venue is not None else None
    meetup = _save(Meetup(chapter=chapter, venue=venue, **fields))
    for topic in shape.topics:
        known = Topic.objects.filter(slug=topic.slug).first()
        meetup.topics.add(known or _save(Topic(slug=topic.slug, name=topic.name)))
    for question in shape.questions:
        _save(Question(meetup=meetup, **question.model_dump()))
    for session in shape.sessions:
        _make_session(session, meetup)


def _make_session(shape: SessionShape, meetup: Meetup) -> None:
    talk = Talk.objects.filter(slug=shape.talk.slug).first() or _make_talk(shape.talk)
    _save(
        Session(
            talk=talk,
            chapter=meetup.chapter,
            meetup=meetup,
            status=Session.Status.ACCEPTED,
            **shape.model_dump(exclude={"talk"}),
        )
    )


def _make_talk(shape: TalkShape) -> Talk:
    talk = _save(Talk(**shape.model_dump(exclude={"speakers", "resources"})))
    for position, one in enumerate(shape.speakers):
        speaker = Speaker.objects.filter(slug=one.slug).first()
        speaker = speaker or _save(Speaker(slug=one.slug, name=one.name, affiliation=one.affiliation))
        _save(TalkSpeaker(talk=talk, speaker=speaker, position=position, affiliation=one.affiliation))
    for resource in shape.resources:
        _save(Resource(talk=talk, **resource.model_dump()))
    return talk


def _save(row: Row) -> Row:
    """Save a row that keeps every rule of its model: lengths, choices, constraints, uniqueness."""
    row.full_clean()
    row.save()
    return row
