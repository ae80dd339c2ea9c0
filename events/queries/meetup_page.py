"""What the page of one meetup reads."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat

from events.models import Announcement, Chapter, ChapterMembership, CoHost, Meetup, Photo, Rsvp
from events.permissions import can_manage_meetup
from events.queries.chapters import organizers
from events.queries.people import rows_of
from events.queries.polls import Standing, standing
from events.queries.seats import Need, SeatsBox, counted_needs, seat_counts, seats_box
from events.queries.talks import ScheduledTalk, meetup_talks
from portal.accounts.models import User


@dataclass(frozen=True)
class ShownPerson:
    """Somebody who runs the chapter, as the page names them."""

    shown_name: str
    get_role_display: str


@dataclass(frozen=True)
class ShownCoHost:
    """A chapter that agreed to hold the meetup too."""

    city: str
    slug: str


@dataclass(frozen=True)
class ShownPhoto:
    """A picture; its bytes come from a view that asks who may see the meetup."""

    pk: int
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class ShownMessage:
    """A message of an organizer that anybody may read."""

    subject: str
    text: str
    created_at: dt.datetime


@dataclass(frozen=True)
class MeetupPage:
    """Everything that a meetup's page shows. Each area of the room adds the one field that its partial draws."""

    meetup: Meetup
    is_past: bool
    can_manage: bool
    shows_online_url: bool
    organizers: list[ShownPerson]
    co_hosts: list[ShownCoHost]
    photos: list[ShownPhoto]
    messages: list[ShownMessage]
    talks: list[ScheduledTalk]
    seats: SeatsBox
    poll: Standing | None


def readable_meetups(user: object) -> QuerySet[Meetup]:
    """Meetups that ``user`` may open, with what :func:`meetup_page` needs of the row itself.

    ``reader_is_going`` says whether ``user`` has a seat.
    """
    going = Rsvp.objects.filter(meetup=OuterRef("pk"), status=Rsvp.Status.GOING)
    mine = going.filter(rows_of(user)) if isinstance(user, User) else going.none()
    return (
        Meetup.objects.visible_to(user)
        .select_related("chapter", "venue")
        .annotate(reader_is_going=Exists(mine), **seat_counts())
    )


def meetup_page(meetup: Meetup, user: object, at: dt.datetime) -> MeetupPage:
    """The page of ``meetup``, one of :func:`readable_meetups`, as ``user`` may see it at ``at``."""
    manages = isinstance(user, User) and can_manage_meetup(user, meetup)
    around = _around(meetup, at)
    return MeetupPage(
        meetup=meetup,
        is_past=meetup.is_past(at),
        can_manage=manages,
        shows_online_url=bool(meetup.online_url) and (manages or getattr(meetup, "reader_is_going", False)),
        organizers=[ShownPerson(row["first"], row["second"]) for row in around if row["area"] == "organizer"],
        co_hosts=[ShownCoHost(row["first"], row["second"]) for row in around if row["area"] == "co-host"],
        photos=[
            ShownPhoto(row["n"], row["first"], row["across"], row["down"])
            for row in around
            if row["area"] == "photo"
        ],
        messages=[
            ShownMessage(row["first"], row["second"], row["moment"])
            for row in around
            if row["area"] == "message"
        ],
        talks=meetup_talks(meetup),
        seats=seats_box(
            meetup,
            user,
            needs=[Need(row["first"], row["across"]) for row in around if row["area"] == "need"],
            at=at,
        ),
        poll=standing(meetup, at=at),
    )


def _around(meetup: Meetup, at: dt.datetime) -> list[dict[str, Any]]:
    """People, co-hosts, photos and messages of a meetup in one query: a visitor's page has five in all."""
    people = _rows(
        organizers(at).filter(chapter=meetup.chapter_id),
        "organizer",
        first=Case(
            When(user__isnull=True, then=F("name")),
            When(user__display_name="", then=Concat(Value("Member "), Cast("user_id", CharField()))),
            default=F("user__display_name"),
        ),
        second=Case(
            *(When(role=role, then=Value(str(label))) for role, label in ChapterMembership.Role.choices)
        ),
    )
    agreed = CoHost.objects.filter(meetup=meetup, status=CoHost.Status.ACCEPTED)
    hosts = _rows(
        Chapter.objects.filter(pk__in=agreed.values("chapter")), "co-host", first=F("city"), second=F("slug")
    )
    photos = _rows(
        Photo.objects.filter(meetup=meetup),
        "photo",
        first=F("alt"),
        second=Value(""),
        across=F("width"),
        down=F("height"),
        moment=F("created_at"),
    )
    public = Announcement.objects.filter(meetup=meetup, is_public=True)
    messages = _rows(public, "message", first=F("subject"), second=F("text"), moment=F("created_at"))
    needs = _rows(counted_needs(meetup), "need", first=F("counted_as"), second=Value(""), across=F("have"))
    return list(people.union(hosts, photos, messages, needs, all=True).order_by("area", "moment", "n"))


def _rows(found: QuerySet[Any], area: str, **columns: Any) -> QuerySet[Any, dict[str, Any]]:
    """``found`` as rows of one shape, so that PostgreSQL can put them below those of another table."""
    shape: dict[str, Any] = {"across": Value(0), "down": Value(0), "moment": Value(None)} | columns
    types: dict[str, Any] = {
        "first": TextField(),
        "second": TextField(),
        "across": IntegerField(),
        "down": IntegerField(),
    }
    cast = {name: Cast(value, types.get(name, DateTimeField())) for name, value in shape.items()}
    named: QuerySet[Any, Any] = found.order_by().annotate(
        area=Cast(Value(area), TextField()), n=F("pk"), **cast
    )
    return named.values("area", "n", "first", "second", "across", "down", "moment")
