"""Meetups of other systems made ours: first a plan that people read, then the same plan carried out."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Count, Q

from events.imports.entries import MOST_BYTES, Entry, ImportRefused, LeftOut, Place, Reading
from events.imports.from_ics import read_ics
from events.imports.from_meetup_com import read_meetup_csv, read_meetup_json
from events.models import ASSUMED_LENGTH, Chapter, Meetup, Rsvp, Venue
from events.permissions import can_manage_chapter
from events.services.audit import note_act
from events.services.locks import lock_meetup
from events.services.meetups import free_slug, save_meetup
from portal.accounts.models import User

Status = Meetup.Status
Precision = Meetup.DatePrecision

#: What a newer state of an imported meetup changes.
_UPDATED = (
    "title",
    "description",
    "starts_at",
    "ends_at",
    "date_precision",
    "time_zone",
    "status",
    "mode",
    "venue",
    "venue_notes",
    "online_url",
)


@dataclass(frozen=True)
class Step:
    """What becomes of one entry: a new meetup with ``status``, or a newer state of ``meetup``."""

    entry: Entry
    status: str
    meetup: Meetup | None = None

    @property
    def status_label(self) -> str:
        """The status as people read it."""
        return str(Status(self.status).label)


@dataclass(frozen=True)
class Plan:
    """Everything that an import does, and what it leaves out with the reason."""

    new: list[Step]
    changed: list[Step]
    kept: list[Entry]
    left_out: list[LeftOut]

    @property
    def does_something(self) -> bool:
        """Whether there is anything to carry out."""
        return bool(self.new or self.changed)


def read_file(data: bytes, *, chapter: Chapter, at: dt.datetime) -> Reading:
    """What is in a file: a calendar, events of meetup.com as JSON, or a table. Raises :class:`ImportRefused`."""
    if len(data) > MOST_BYTES:
        raise ImportRefused(
            f"The file is larger than {MOST_BYTES // 1024} KiB. Export fewer meetups at once."
        )
    head = data[:1000].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head:
        raise ImportRefused("The file is empty.")
    if head.startswith(b"pk\x03\x04"):
        raise ImportRefused("This is a zip archive. Unpack it, and send the file in it that has the events.")
    if head.startswith(b"begin:vcalendar"):
        reading = read_ics(data, zone=chapter.time_zone, at=at)
        if not reading.entries and not reading.left_out:
            raise ImportRefused("There is no event in this calendar.")
        return reading
    if head.startswith((b"{", b"[")):
        return read_meetup_json(data, zone=chapter.time_zone)
    return read_meetup_csv(data, zone=chapter.time_zone)


def plan_import(*, chapter: Chapter, reading: Reading, shows_coming: bool, at: dt.datetime) -> Plan:
    """What an import would do now. Meetups to come are drafts unless ``shows_coming``."""
    plan = Plan([], [], [], list(reading.left_out))
    known = _known(reading.entries)
    seen: set[str] = set()
    for entry in reading.entries:
        meetup = known.get(entry.source) or known.get(entry.uid or entry.source)
        if entry.source in seen:
            plan.left_out.append(LeftOut(entry.title, "It is in the file twice; the first one counts."))
        elif meetup is not None:
            _plan_known(plan, chapter, entry, meetup)
        else:
            _plan_new(plan, entry, shows_coming, at)
        seen.add(entry.source)
    return plan


@transaction.atomic
def import_meetups(
    *, chapter: Chapter, actor: User, reading: Reading, shows_coming: bool, at: dt.datetime
) -> Plan:
    """Carry out what :func:`plan_import` says now, whole or not at all, and mail nobody.

    Raises :class:`ImportRefused` where somebody else imports the same at this moment.
    """
    if not can_manage_chapter(actor, chapter):
        raise PermissionDenied
    plan = plan_import(chapter=chapter, reading=reading, shows_coming=shows_coming, at=at)
    try:
        with transaction.atomic():
            for step in plan.new:
                _make(chapter, step, at)
            for step in plan.changed:
                _change(chapter, step, at)
    except IntegrityError:
        raise ImportRefused("Somebody imports the same meetups at this moment. Try again.") from None
    if plan.does_something:
        note_act("import_meetups", actor=actor, chapter=chapter, new=len(plan.new), changed=len(plan.changed))
    return plan


def _known(entries: Iterable[Entry]) -> dict[str, Meetup]:
    """Meetups that entries may be, by source and by UID; each with ``people``, how many hold or want a seat."""
    sources = {entry.source for entry in entries}
    uids = {entry.uid for entry in entries if entry.uid}
    wants = [*Rsvp.HOLDING, Rsvp.Status.WAITLISTED, Rsvp.Status.MAYBE]
    found = (
        Meetup.objects.filter(Q(source__in=sources) | Q(ical_uid__in=uids))
        .select_related("chapter")
        .annotate(people=Count("rsvps", filter=Q(rsvps__status__in=wants)))
    )
    known: dict[str, Meetup] = {}
    for meetup in found:
        known[meetup.ical_uid] = meetup
        if meetup.source:
            known[meetup.source] = meetup
    return known


def _plan_known(plan: Plan, chapter: Chapter, entry: Entry, meetup: Meetup) -> None:
    is_newer = meetup.source == entry.source and entry.sequence > meetup.ical_sequence
    if meetup.chapter_id != chapter.pk:
        reason = "Another chapter has it already."
    elif not is_newer:
        plan.kept.append(entry)
        return
    elif meetup.people:  # type: ignore[attr-defined]  # annotated by _known
        reason = "People have signed up for it here. Change it on its own page, so that they are told."
    elif meetup.status == Status.DRAFT and entry.status == Status.CANCELLED:
        reason = "It is cancelled, and a draft here that nobody has seen. Discard it on its own page."
    else:
        status = meetup.status if meetup.status == Status.DRAFT else entry.status
        plan.changed.append(Step(entry, status, meetup))
        return
    plan.left_out.append(LeftOut(entry.title, reason))


def _plan_new(plan: Plan, entry: Entry, shows_coming: bool, at: dt.datetime) -> None:
    is_shown = shows_coming or _is_past(entry, at)
    if entry.status == Status.CANCELLED and not is_shown:
        plan.left_out.append(LeftOut(entry.title, "It is cancelled before it took place."))
        return
    plan.new.append(Step(entry, entry.status if is_shown else Status.DRAFT))


def _is_past(entry: Entry, at: dt.datetime) -> bool:
    if entry.start is None:
        return False
    return (entry.end or entry.start + ASSUMED_LENGTH[_precision(entry)]) <= at


def _precision(entry: Entry) -> str:
    if entry.start is None:
        return str(Precision.NONE)
    return str(Precision.DAY if entry.is_day else Precision.EXACT)


def _make(chapter: Chapter, step: Step, at: dt.datetime) -> None:
    entry = step.entry
    fields = _fields(chapter, step)
    if 0 < len(entry.uid) <= 255:
        fields["ical_uid"] = entry.uid
    if entry.signed_up and _is_past(entry, at):
        fields["recap"] = f"{entry.signed_up} people had signed up on meetup.com."
    Meetup.objects.create(
        chapter=chapter,
        slug=free_slug(f"{chapter.slug} {entry.title}"),
        source=entry.source,
        ical_sequence=entry.sequence,
        changed_at=at,
        # Followers are not told of what was elsewhere before; a draft is announced when somebody publishes it.
        announced_at=None if step.status == Status.DRAFT else at,
        **fields,
    )


def _change(chapter: Chapter, step: Step, at: dt.datetime) -> None:
    assert step.meetup
    meetup = lock_meetup(step.meetup.pk)
    for name, value in _fields(chapter, step).items():
        setattr(meetup, name, value)
    save_meetup(meetup=meetup, fields=_UPDATED, at=at)
    # Both ways of counting go on: programs that know the entry from elsewhere must see a newer one.
    newest = max(meetup.ical_sequence, step.entry.sequence)
    Meetup.objects.filter(pk=meetup.pk).update(ical_sequence=newest)


def _fields(chapter: Chapter, step: Step) -> dict[str, Any]:
    entry = step.entry
    venue, notes = _venue(chapter, entry.place)
    has_place = venue is not None or bool(notes)
    mode = Meetup.Mode.IN_PERSON
    if entry.online_url:
        mode = Meetup.Mode.HYBRID if has_place else Meetup.Mode.ONLINE
    parts = [entry.description, f"First announced at {entry.url}" if entry.url else ""]
    return {
        "title": entry.title,
        "description": "\n\n".join(part for part in parts if part),
        "starts_at": entry.start,
        "ends_at": entry.end,
        "date_precision": _precision(entry),
        "time_zone": entry.time_zone,
        "status": step.status,
        "mode": mode,
        "venue": venue,
        "venue_notes": notes,
        "online_url": entry.online_url,
    }


def _venue(chapter: Chapter, place: Place) -> tuple[Venue | None, str]:
    """The chapter's venue of that name, a new one, or the place in words where it has no name."""
    if not place.name:
        return None, place.address
    venue = chapter.venues.filter(name__iexact=place.name).first()
    if venue is None:
        venue = Venue.objects.create(
            chapter=chapter,
            name=place.name,
            address=place.address,
            latitude=_degrees(place.latitude),
            longitude=_degrees(place.longitude),
        )
    return venue, ""


def _degrees(value: float | None) -> Decimal | None:
    return None if value is None else round(Decimal(value), 5)
