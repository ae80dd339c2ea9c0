"""Changes to a meetup itself."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils.text import slugify

from events.models import Chapter, Meetup, Question
from events.permissions import can_manage_chapter
from events.services.audit import note_act
from events.services.life import MeetupRefused, refuse_move, refuse_unfit_date
from events.services.locks import lock_meetup
from portal.accounts.models import User

#: Fields whose change a calendar must hear of: time, place and status (RFC 5545, section 3.8.7.4), and the title.
CALENDAR_FIELDS = frozenset(
    {
        "title",
        "starts_at",
        "ends_at",
        "date_precision",
        "time_zone",
        "venue",
        "venue_notes",
        "mode",
        "online_url",
        "status",
    }
)
#: What an organizer may change of a meetup by :func:`change_meetup`.
EDITABLE_FIELDS = frozenset(
    {
        "title",
        "summary",
        "description",
        "mode",
        "venue",
        "venue_notes",
        "online_url",
        "time_zone",
        "starts_at",
        "ends_at",
        "date_precision",
        "takes_rsvps",
        "capacity",
        "waitlist",
        "offer_hours",
        "guests_allowed",
        "registration_opens_at",
        "registration_closes_at",
        "asks_reconfirmation",
        "recap",
        "recap_path",
    }
)
_WALL_CLOCK_FIELDS = ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at")
#: What a copy takes along; date, status, seats taken and what came after are its own.
_COPIED_FIELDS = (
    "chapter",
    "title",
    "summary",
    "description",
    "mode",
    "venue",
    "venue_notes",
    "online_url",
    "time_zone",
    "takes_rsvps",
    "capacity",
    "waitlist",
    "offer_hours",
    "guests_allowed",
    "asks_reconfirmation",
)


def save_meetup(*, meetup: Meetup, fields: Iterable[str], at: dt.datetime) -> set[str]:
    """Save those of ``fields`` whose values differ from the stored row; returns their names.

    SEQUENCE grows by one where a calendar must hear of it. Call it in a transaction that holds the meetup's lock.
    """
    stored = Meetup.objects.get(pk=meetup.pk)
    changed = {name for name in fields if getattr(stored, name) != getattr(meetup, name)}
    if not changed:
        return changed
    meetup.changed_at = at
    meetup.save(update_fields=[*changed, "changed_at"])
    if changed & CALENDAR_FIELDS:
        Meetup.objects.filter(pk=meetup.pk).update(ical_sequence=F("ical_sequence") + 1)
        meetup.refresh_from_db(fields=["ical_sequence"])
    return changed


def create_meetup(
    *, chapter: Chapter, actor: User | None, fields: Mapping[str, Any], at: dt.datetime
) -> Meetup:
    """A new draft of ``chapter``. Raises :class:`MeetupRefused` where its date does not fit."""
    _demand(actor, chapter)
    meetup = Meetup(**({"time_zone": chapter.time_zone} | dict(fields)))
    meetup.chapter, meetup.changed_at = chapter, at
    refuse_unfit_date(meetup)
    with transaction.atomic():
        meetup.slug = free_slug(f"{chapter.slug} {meetup.title}")
        meetup.save(force_insert=True)
        note_act("create_meetup", actor=actor, meetup=meetup, title=meetup.title)
    return meetup


@transaction.atomic
def change_meetup(
    *, meetup: Meetup, actor: User | None, changes: Mapping[str, Any], at: dt.datetime
) -> set[str]:
    """Change some of :data:`EDITABLE_FIELDS`; returns the names of those that differ from what was stored.

    A new time zone alone keeps the time on the wall clock. Raises :class:`MeetupRefused`.
    """
    _demand(actor, meetup.chapter)
    unknown = set(changes) - EDITABLE_FIELDS
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} cannot be changed this way.")
    row = lock_meetup(meetup.pk)
    was_over = row.is_past(at)
    if "time_zone" in changes:
        _keep_wall_clock(row, changes["time_zone"])
    for name, value in changes.items():
        setattr(row, name, value)
    refuse_unfit_date(row)
    changed = save_meetup(meetup=row, fields=EDITABLE_FIELDS, at=at)
    if (
        was_over
        and row.status != Meetup.Status.DRAFT
        and changed & {"starts_at", "ends_at", "date_precision"}
    ):
        raise MeetupRefused("This meetup is over, so its date stays what it was. Copy it to hold it again.")
    if changed:
        note_act("change_meetup", actor=actor, meetup=row, fields=sorted(changed))
    meetup.refresh_from_db()
    return changed


@transaction.atomic
def set_date(
    *,
    meetup: Meetup,
    actor: User | None,
    starts_at: dt.datetime | None,
    ends_at: dt.datetime | None,
    precision: str,
    status: str,
    at: dt.datetime,
) -> set[str]:
    """Give the meetup a date and the state that goes with it, in one step; returns the fields that changed.

    Raises :class:`MeetupRefused` where the state may not follow or the date does not fit it.
    """
    _demand(actor, meetup.chapter)
    row = lock_meetup(meetup.pk)
    refuse_move(row, status, at)
    row.starts_at, row.ends_at, row.date_precision, row.status = starts_at, ends_at, precision, status
    refuse_unfit_date(row)
    changed = save_meetup(meetup=row, fields=("starts_at", "ends_at", "date_precision", "status"), at=at)
    if changed:
        note_act("set_date", actor=actor, meetup=row, status=status, starts_at=_text(starts_at))
    meetup.refresh_from_db()
    return changed


@transaction.atomic
def move_meetup(*, meetup: Meetup, actor: User | None, status: str, at: dt.datetime) -> set[str]:
    """Take the meetup to another state of its life, its date as it is. Raises :class:`MeetupRefused`."""
    return set_date(
        meetup=meetup,
        actor=actor,
        starts_at=meetup.starts_at,
        ends_at=meetup.ends_at,
        precision=meetup.date_precision,
        status=status,
        at=at,
    )


@transaction.atomic
def publish_meetup(*, meetup: Meetup, actor: User | None, status: str, at: dt.datetime) -> set[str]:
    """Show a draft to everybody as ``status``; followers of the chapter hear of it once."""
    if meetup.status != Meetup.Status.DRAFT:
        raise MeetupRefused("This meetup is published already.")
    changed = move_meetup(meetup=meetup, actor=actor, status=status, at=at)
    Meetup.objects.filter(pk=meetup.pk, announced_at=None).update(announced_at=at)
    return changed


@transaction.atomic
def cancel_meetup(*, meetup: Meetup, actor: User | None, reason: str, at: dt.datetime) -> None:
    """Cancel it. Its sign-ups and its UID stay, so that every calendar hears of it. Raises :class:`MeetupRefused`."""
    _demand(actor, meetup.chapter)
    row = lock_meetup(meetup.pk)
    if row.status == Meetup.Status.CANCELLED:
        return
    refuse_move(row, Meetup.Status.CANCELLED, at)
    row.status, row.cancel_reason = Meetup.Status.CANCELLED, reason
    save_meetup(meetup=row, fields=("status", "cancel_reason"), at=at)
    note_act("cancel_meetup", actor=actor, meetup=row, reason=reason)
    meetup.refresh_from_db()


@transaction.atomic
def discard_meetup(*, meetup: Meetup, actor: User, at: dt.datetime) -> None:
    """Delete a draft that nobody has seen. Raises :class:`MeetupRefused` for anything else."""
    _demand(actor, meetup.chapter)
    row = lock_meetup(meetup.pk)
    if row.status != Meetup.Status.DRAFT or row.rsvps.exists():
        raise MeetupRefused("People have seen this meetup. Cancel it instead of discarding it.")
    note_act("discard_meetup", actor=actor, chapter=row.chapter, title=row.title)
    row.delete()


@transaction.atomic
def copy_meetup(
    *, meetup: Meetup, actor: User, at: dt.datetime, starts_at: dt.datetime | None = None
) -> Meetup:
    """A draft like ``meetup``, with its questions and nobody in it, and a UID of its own.

    Its date is open, or ``starts_at`` with the same length. Co-hosts are asked anew.
    """
    fields: dict[str, Any] = {name: getattr(meetup, name) for name in _COPIED_FIELDS}
    chapter = fields.pop("chapter")
    if starts_at is not None:
        length = meetup.ends_at - meetup.starts_at if meetup.ends_at and meetup.starts_at else None
        fields |= {
            "starts_at": starts_at,
            "ends_at": starts_at + length if length else None,
            "date_precision": Meetup.DatePrecision.EXACT,
        }
    copy = create_meetup(chapter=chapter, actor=actor, fields=fields, at=at)
    copy_questions(meetup, copy)
    note_act("copy_meetup", actor=actor, meetup=copy, copied=meetup.slug)
    return copy


def copy_questions(source: Meetup, target: Meetup) -> None:
    """Ask at ``target`` what ``source`` asks."""
    Question.objects.bulk_create(
        Question(
            meetup=target,
            position=one.position,
            text=one.text,
            kind=one.kind,
            choices=one.choices,
            is_required=one.is_required,
            counted_as=one.counted_as,
        )
        for one in source.questions.all()
    )


def free_slug(words: str) -> str:
    """An address for a new meetup that no other has, made of ``words``."""
    stem = slugify(words)[:70].strip("-") or "meetup"
    taken = set(Meetup.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    number = 2
    slug = stem
    while slug in taken:
        slug, number = f"{stem}-{number}", number + 1
    return slug


def _demand(actor: User | None, chapter: Chapter) -> None:
    """Ask again whether ``actor`` may act here; None is the portal itself."""
    if actor is not None and not can_manage_chapter(actor, chapter):
        raise PermissionDenied


def _keep_wall_clock(meetup: Meetup, new_zone: str) -> None:
    """Read the meetup's times on the clock of ``new_zone`` instead of its own: ten o'clock stays ten o'clock."""
    old, new = ZoneInfo(meetup.time_zone), ZoneInfo(new_zone)
    for name in _WALL_CLOCK_FIELDS:
        moment: dt.datetime | None = getattr(meetup, name)
        if moment is not None:
            setattr(meetup, name, moment.astimezone(old).replace(tzinfo=new))


def _text(moment: dt.datetime | None) -> str:
    return moment.isoformat() if moment else ""
