"""Changes to a meetup itself."""

import copy
import datetime as dt
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.text import slugify

from events.models import Chapter, Meetup, Question, Topic
from events.permissions import can_manage_chapter
from events.services import mails
from events.services.audit import note_act
from events.services.edit_conflicts import merged
from events.services.life import MeetupRefused, refuse_move, refuse_unfit_date
from events.services.locks import lock_meetup
from events.services.seats import settle_seats
from events.wall_clock import NoSuchTime, moment_of, same_wall_clock
from portal.accounts.models import User
from portal.search.services import index_changed

#: Fields whose change the search must hear of; it hears of the rest within minutes.
SEARCH_FIELDS = frozenset({"title", "summary", "description", "status"})
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
        "topics",
    }
)
#: What the form of a meetup edits: all but what comes after it.
FORM_FIELDS = EDITABLE_FIELDS - {"recap", "recap_path"}
#: What may free seats for those who wait.
_SEAT_FIELDS = frozenset({"capacity", "waitlist", "guests_allowed", "takes_rsvps"})
_COLUMNS = EDITABLE_FIELDS - {"topics"}
_WALL_CLOCK_FIELDS = ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at")
#: What a copy takes along; date, status, seats taken and what came after are its own.
_COPIED_FIELDS = (
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
    if changed & SEARCH_FIELDS:
        index_changed("meetup", str(meetup.pk))
    if changed & CALENDAR_FIELDS:
        Meetup.objects.filter(pk=meetup.pk).update(ical_sequence=F("ical_sequence") + 1)
        meetup.refresh_from_db(fields=["ical_sequence"])
    return changed


def create_meetup(
    *, chapter: Chapter, actor: User | None, fields: Mapping[str, Any], at: dt.datetime
) -> Meetup:
    """A new draft of ``chapter``. Raises :class:`MeetupRefused` where its date does not fit."""
    demand_organizer(actor, chapter)
    values = {"time_zone": chapter.time_zone} | dict(fields)
    topics = values.pop("topics", [])
    meetup = Meetup(chapter=chapter, changed_at=at, **values)
    refuse_unfit_date(meetup)
    with transaction.atomic():
        _insert(meetup)
        _set_topics(meetup, topics)
        note_act("create_meetup", actor=actor, meetup=meetup, title=meetup.title)
    return meetup


@transaction.atomic
def change_meetup(
    *,
    meetup: Meetup,
    actor: User | None,
    changes: Mapping[str, Any],
    at: dt.datetime,
    seen: Mapping[str, str] | None = None,
    detaches: bool = True,
) -> set[str]:
    """Change some of :data:`EDITABLE_FIELDS`; returns the names of those that differ from what was stored.

    A new time zone alone keeps the time on the wall clock. With ``seen``, the fingerprints of what the editor saw,
    what others changed since is kept. One of a series is edited alone from then on, unless ``detaches`` is false.
    Seats that become free go to those who wait. Raises :class:`MeetupRefused`, and :class:`EditConflict` where both
    changed the same.
    """
    demand_organizer(actor, meetup.chapter)
    unknown = set(changes) - EDITABLE_FIELDS
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} cannot be changed this way.")
    row = lock_meetup(meetup.pk)
    if seen is not None:
        changes = merged(row, changes, seen)
    _refuse_changes(row, changes, at)
    before = copy.copy(row)
    if "time_zone" in changes:
        _keep_wall_clock(row, changes["time_zone"])
    for name in changes.keys() - {"topics"}:
        setattr(row, name, changes[name])
    refuse_unfit_date(row)
    changed = save_meetup(meetup=row, fields=_COLUMNS & changes.keys() | set(_WALL_CLOCK_FIELDS), at=at)
    if "topics" in changes and _set_topics(row, changes["topics"]):
        changed.add("topics")
    if changed and detaches:
        _detach(row)
    if changed:
        note_act("change_meetup", actor=actor, meetup=row, fields=sorted(changed))
    if changed & _SEAT_FIELDS:
        settle_seats(meetup=row, at=at)
    tell_of_change(before=before, meetup=row, changed=changed, at=at)
    meetup.refresh_from_db()
    return changed


def _refuse_changes(row: Meetup, changes: Mapping[str, Any], at: dt.datetime) -> None:
    """Raise :class:`MeetupRefused` for what the meetup as it is now cannot take."""
    dates = ("starts_at", "ends_at", "date_precision", "time_zone")
    moves = any(name in changes and changes[name] != getattr(row, name) for name in dates)
    if moves and row.status != Meetup.Status.DRAFT and row.starts_at is not None and row.is_past(at):
        raise MeetupRefused("This meetup is over, so its date stays what it was. Copy it to hold it again.")
    if moves and row.status == Meetup.Status.POLLING and row.polls.filter(closed_at=None).exists():
        raise MeetupRefused("People are voting on the date. Close the vote first; it sets the date.")
    capacity = changes.get("capacity", row.capacity)
    if capacity is None or capacity == row.capacity:
        return
    taken = row.rsvps.holding().seats()
    if capacity < taken:
        raise MeetupRefused(
            f"{taken} seats are taken or offered, so there cannot be only {capacity}. "
            f"Nobody loses a seat this way: remove people from the attendees first, or keep {taken}."
        )


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
    demand_organizer(actor, meetup.chapter)
    row = lock_meetup(meetup.pk)
    refuse_move(row, status, at)
    before = copy.copy(row)
    row.starts_at, row.ends_at, row.date_precision, row.status = starts_at, ends_at, precision, status
    refuse_unfit_date(row)
    changed = save_meetup(meetup=row, fields=("starts_at", "ends_at", "date_precision", "status"), at=at)
    if changed - {"status"}:
        _detach(row)
    if changed:
        note_act("set_date", actor=actor, meetup=row, status=status, starts_at=_text(starts_at))
    tell_of_change(before=before, meetup=row, changed=changed, at=at)
    meetup.refresh_from_db()
    return changed


def tell_of_change(*, before: Meetup, meetup: Meetup, changed: set[str], at: dt.datetime) -> None:
    """Mail whoever the change concerns: that the date is decided, or what is different now. Nobody knows a draft."""
    if not changed or before.status == Meetup.Status.DRAFT or meetup.is_past(at):
        return
    settled = (Meetup.Status.TENTATIVE, Meetup.Status.CONFIRMED)
    exact = Meetup.DatePrecision.EXACT
    came_back = before.status == Meetup.Status.CANCELLED and before.starts_at == meetup.starts_at
    was_settled = before.date_precision == exact and (before.status in settled or came_back)
    if meetup.date_precision == exact and meetup.status in settled and not was_settled:
        mails.tell_date_decided(meetup)
    else:
        mails.tell_changed(meetup, changed, before)


@transaction.atomic
def move_meetup(*, meetup: Meetup, actor: User | None, status: str, at: dt.datetime) -> set[str]:
    """Take the meetup to another state of its life, its date as it is. Raises :class:`MeetupRefused`."""
    now = lock_meetup(meetup.pk)
    changed = set_date(
        meetup=now,
        actor=actor,
        starts_at=now.starts_at,
        ends_at=now.ends_at,
        precision=now.date_precision,
        status=status,
        at=at,
    )
    meetup.refresh_from_db()
    return changed


@transaction.atomic
def publish_meetup(*, meetup: Meetup, actor: User | None, status: str, at: dt.datetime) -> set[str]:
    """Show a draft to everybody as ``status``; followers of the chapter hear of it once."""
    if lock_meetup(meetup.pk).status != Meetup.Status.DRAFT:
        raise MeetupRefused("This meetup is published already.")
    changed = move_meetup(meetup=meetup, actor=actor, status=status, at=at)
    if not meetup.is_past(at):
        told = Meetup.objects.filter(pk=meetup.pk, announced_at=None).update(announced_at=at)
        meetup.refresh_from_db()
        if told:
            mails.tell_new_meetup(meetup)
    return changed


@transaction.atomic
def cancel_meetup(*, meetup: Meetup, actor: User | None, reason: str, at: dt.datetime) -> None:
    """Cancel it. Its sign-ups and its UID stay, so that every calendar hears of it. Raises :class:`MeetupRefused`."""
    demand_organizer(actor, meetup.chapter)
    row = lock_meetup(meetup.pk)
    if row.status == Meetup.Status.CANCELLED:
        return
    refuse_move(row, Meetup.Status.CANCELLED, at)
    row.status, row.cancel_reason = Meetup.Status.CANCELLED, reason
    save_meetup(meetup=row, fields=("status", "cancel_reason"), at=at)
    note_act("cancel_meetup", actor=actor, meetup=row, reason=reason)
    mails.tell_cancelled(row)
    meetup.refresh_from_db()


@transaction.atomic
def tell_of_place(*, meetup: Meetup, at: dt.datetime) -> None:
    """Its venue is described anew: SEQUENCE grows, as for every change of place."""
    row = lock_meetup(meetup.pk)
    row.ical_sequence, row.changed_at = row.ical_sequence + 1, at
    row.save(update_fields=["ical_sequence", "changed_at"])
    tell_of_change(before=row, meetup=row, changed={"venue"}, at=at)


@transaction.atomic
def discard_meetup(*, meetup: Meetup, actor: User, at: dt.datetime) -> None:
    """Delete a draft that nobody has seen. Raises :class:`MeetupRefused` for anything else."""
    demand_organizer(actor, meetup.chapter)
    row = lock_meetup(meetup.pk)
    if row.status != Meetup.Status.DRAFT or row.rsvps.exists():
        raise MeetupRefused("People have seen this meetup. Cancel it instead of discarding it.")
    note_act("discard_meetup", actor=actor, chapter=row.chapter, title=row.title)
    for photo in row.photos.all():
        transaction.on_commit(partial(photo.image.storage.delete, str(photo.image.name)))
    row.delete()


@transaction.atomic
def copy_meetup(
    *, meetup: Meetup, actor: User, at: dt.datetime, starts_at: dt.datetime | None = None
) -> Meetup:
    """A draft like ``meetup``, with its questions and nobody in it, and a UID of its own.

    Its date is open, or ``starts_at`` with the same length. Co-hosts are asked anew.
    """
    fields = copied_fields(meetup)
    if starts_at is not None:
        length = meetup.ends_at - meetup.starts_at if meetup.ends_at and meetup.starts_at else None
        fields |= {
            "starts_at": starts_at,
            "ends_at": starts_at + length if length else None,
            "date_precision": Meetup.DatePrecision.EXACT,
        }
    made = create_meetup(chapter=meetup.chapter, actor=actor, fields=fields, at=at)
    copy_questions(meetup, made)
    note_act("copy_meetup", actor=actor, meetup=made, copied=meetup.slug)
    return made


def copied_fields(meetup: Meetup) -> dict[str, Any]:
    """What another meetup like ``meetup`` begins with: its words, place and seats."""
    fields: dict[str, Any] = {name: getattr(meetup, name) for name in _COPIED_FIELDS}
    return fields | {"topics": [topic.name for topic in meetup.topics.all()]}


def copy_start(meetup: Meetup, day: dt.date) -> dt.datetime:
    """The start on ``day`` at the time of day of ``meetup``, on its own wall clock, whatever the season.

    Raises :class:`MeetupRefused` where the clocks leave that time out on that day.
    """
    start = meetup.when.start
    if start is None:
        raise MeetupRefused("This meetup has no time of day to copy.")
    try:
        return moment_of(dt.datetime.combine(day, start.time()), meetup.time_zone, which="first")
    except NoSuchTime as refused:
        raise MeetupRefused(str(refused)) from None


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


def _detach(row: Meetup) -> None:
    """One of a series goes its own way: what is changed in the series leaves it as it is."""
    Meetup.objects.filter(pk=row.pk, series__isnull=False).update(is_detached=True)


def _set_topics(meetup: Meetup, names: Iterable[str]) -> bool:
    """Give the meetup exactly these topics; new ones are made. Returns whether that changed anything."""
    wanted = {slugify(name)[:50]: name for name in names if slugify(name)}
    for slug, name in wanted.items():
        Topic.objects.get_or_create(slug=slug, defaults={"name": name})
    if set(meetup.topics.values_list("slug", flat=True)) == set(wanted):
        return False
    meetup.topics.set(Topic.objects.filter(slug__in=wanted))
    return True


def _insert(meetup: Meetup) -> None:
    """Store a new meetup under a free address, also where somebody else takes the same one at this moment."""
    words = f"{meetup.chapter.slug} {meetup.title}"
    for is_last in (False, False, True):
        meetup.slug = free_slug(words)
        try:
            with transaction.atomic():
                meetup.save(force_insert=True)
        except IntegrityError:
            if is_last or not Meetup.objects.filter(slug=meetup.slug).exists():
                raise
        else:
            return


def free_slug(words: str) -> str:
    """An address for a new meetup that no other has, made of ``words``."""
    stem = slugify(words)[:70].strip("-") or "meetup"
    taken = set(Meetup.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    number = 2
    slug = stem
    while slug in taken:
        slug, number = f"{stem}-{number}", number + 1
    return slug


def demand_organizer(actor: User | None, chapter: Chapter) -> None:
    """Ask again whether ``actor`` may act here; None is the portal itself."""
    if actor is not None and not can_manage_chapter(actor, chapter):
        raise PermissionDenied


def _keep_wall_clock(meetup: Meetup, new_zone: str) -> None:
    """Read the meetup's times on the clock of ``new_zone`` instead of its own: ten o'clock stays ten o'clock."""
    for name in _WALL_CLOCK_FIELDS:
        moment: dt.datetime | None = getattr(meetup, name)
        if moment is not None:
            setattr(meetup, name, same_wall_clock(moment, meetup.time_zone, new_zone))


def _text(moment: dt.datetime | None) -> str:
    return moment.isoformat() if moment else ""
