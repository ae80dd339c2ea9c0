"""What ``chapter.json`` of a chapter's archive holds: the public side of a chapter, and nothing about its members.

Left out on purpose: who follows, signed up or voted, mail addresses, links of online meetups, drafts, talks that
were not accepted, reports, blocks, and the log of acts.
"""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

#: The only version there is. A reader refuses others instead of guessing.
VERSION: Literal[1] = 1


def _without_nul(text: str) -> str:
    if "\x00" in text:  # which PostgreSQL cannot keep
        raise ValueError("A text must not hold a NUL character.")
    return text


Text = Annotated[str, Field(max_length=20_000), AfterValidator(_without_nul)]
Line = Annotated[str, Field(max_length=500), AfterValidator(_without_nul)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Moment = AwareDatetime | None


class Shape(BaseModel):
    """A part of the archive; a field that is not known is an error, not a surprise later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VenueShape(Shape):
    """A place where the chapter meets."""

    name: Line
    address: Text
    accessibility: Text
    map_url: Line
    latitude: Decimal | None
    longitude: Decimal | None
    room_for: Count | None


class ResourceShape(Shape):
    """Slides, a recording or code of a talk."""

    kind: Line
    url: Line
    condition: Line
    note: Line


class SpeakerShape(Shape):
    """Who gives a talk, and where they worked then."""

    slug: Line
    name: Line
    affiliation: Line


class TalkShape(Shape):
    """A talk as it was accepted."""

    slug: Line
    title: Line
    abstract: Text
    topic: Line
    speakers: Annotated[list[SpeakerShape], Field(max_length=50)]
    resources: Annotated[list[ResourceShape], Field(max_length=100)]


class SessionShape(Shape):
    """A talk at a meetup."""

    kind: Line
    position: Count
    starts_at: Moment
    ends_at: Moment
    talk: TalkShape


class QuestionShape(Shape):
    """Something that a meetup asks; the answers are its guests' own."""

    position: Count
    text: Line
    kind: Line
    choices: Annotated[list[Line], Field(max_length=100)]
    is_required: bool
    counted_as: Line


class TopicShape(Shape):
    """What a meetup is about."""

    slug: Line
    name: Line


class MeetupShape(Shape):
    """A meetup that is not a draft. ``venue`` counts from 0 in the archive's venues."""

    slug: Line
    title: Line
    summary: Line
    description: Text
    mode: Line
    topics: Annotated[list[TopicShape], Field(max_length=50)]
    venue: Count | None
    venue_notes: Text
    time_zone: Line
    starts_at: Moment
    ends_at: Moment
    date_precision: Line
    status: Line
    ical_uid: Line
    ical_sequence: Count
    takes_rsvps: bool
    capacity: Count | None
    waitlist: Line
    offer_hours: Count
    guests_allowed: Count
    registration_opens_at: Moment
    registration_closes_at: Moment
    asks_reconfirmation: bool
    recap: Text
    recap_path: Line
    cancel_reason: Text
    announced_at: Moment
    created_at: AwareDatetime
    changed_at: AwareDatetime
    questions: Annotated[list[QuestionShape], Field(max_length=100)]
    sessions: Annotated[list[SessionShape], Field(max_length=200)]


class PersonShape(Shape):
    """Somebody whom the chapter's page names. By name alone: accounts belong to people, not to chapters."""

    name: Line
    role: Line
    since: dt.date | None
    until: dt.date | None
    takes_reports: bool


class ChapterShape(Shape):
    """The whole archive."""

    format: Literal["osvi-chapter"]
    version: Literal[1]
    slug: Line
    city: Line
    country: Line
    time_zone: Line
    status: Line
    summary: Line
    description: Text
    latitude: Decimal | None
    longitude: Decimal | None
    code_of_conduct: Text
    how_to_help: Text
    created_at: AwareDatetime
    people: Annotated[list[PersonShape], Field(max_length=500)]
    venues: Annotated[list[VenueShape], Field(max_length=1000)]
    meetups: Annotated[list[MeetupShape], Field(max_length=10_000)]
