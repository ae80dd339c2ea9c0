"""Who is expected at the door, and who is here; read in one query."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from events.models import Meetup, Rsvp, when_there

Status = Rsvp.Status
#: The first who come are those with a seat; then those who may ask for one.
EXPECTED = (Status.GOING, Status.OFFERED, Status.WAITLISTED, Status.MAYBE)


@dataclass(frozen=True)
class Expected:
    """One sign-up as the door sees it. ``at`` and ``by`` say when it was checked in and by whom, empty before."""

    pk: int
    name: str
    guests: int
    has_seat: bool
    state: str
    code_hash: str
    checked_in_at: dt.datetime | None
    at: str
    by: str

    @property
    def party(self) -> int:
        """People it stands for."""
        return 1 + self.guests

    def as_json(self) -> dict[str, Any]:
        """For the page's script, which keeps it while there is no network: no code, no address, no answers."""
        return {
            "pk": self.pk,
            "name": self.name,
            "guests": self.guests,
            "seat": self.has_seat,
            "state": self.state,
            "hash": self.code_hash,
            "at": self.at,
            "by": self.by,
        }


@dataclass(frozen=True)
class Door:
    """The list, by name. ``here`` of ``expected`` people are in, guests included."""

    people: list[Expected]
    here: int
    expected: int


def door(meetup: Meetup) -> Door:
    """Everybody who has a seat at ``meetup`` or might ask for one, and whoever is in."""
    rows = expected_rsvps(meetup).select_related("user", "checked_in_by")
    people = sorted((seen(rsvp, meetup) for rsvp in rows), key=lambda one: (one.name.casefold(), one.pk))
    return Door(
        people=people,
        here=sum(one.party for one in people if one.checked_in_at),
        expected=sum(one.party for one in people if one.has_seat),
    )


def expected_rsvps(meetup: Meetup) -> QuerySet[Rsvp]:
    """Sign-ups that the door knows."""
    return meetup.rsvps.filter(status__in=EXPECTED)


def seen(rsvp: Rsvp, meetup: Meetup) -> Expected:
    """``rsvp``, with its user and who checked it in loaded, as the door sees it."""
    return Expected(
        pk=rsvp.pk,
        name=rsvp.shown_name,
        guests=rsvp.guests,
        has_seat=rsvp.status == Status.GOING,
        state=rsvp.get_status_display(),
        code_hash=code_hash(meetup, rsvp.code),
        checked_in_at=rsvp.checked_in_at,
        at=clock(rsvp.checked_in_at, meetup) if rsvp.checked_in_at else "",
        by=rsvp.checked_in_by.name if rsvp.checked_in_at and rsvp.checked_in_by else "",
    )


def code_hash(meetup: Meetup, code: str) -> str:
    """What the page at the door keeps instead of a code; the script computes the same from what is typed."""
    return hashlib.sha256(f"{meetup.pk}:{code.strip().upper()}".encode()).hexdigest()


def clock(moment: dt.datetime, meetup: Meetup) -> str:
    """The time on the meetup's wall clock."""
    when = when_there(moment, None, Meetup.DatePrecision.EXACT, meetup.time_zone)
    return when.start.strftime("%H:%M") if when.start else ""
