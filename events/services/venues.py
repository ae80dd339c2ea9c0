"""The places of a chapter."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from events.models import Chapter, Meetup, Venue
from events.services.audit import note_act
from events.services.life import MeetupRefused
from events.services.meetups import demand_organizer, tell_of_place
from portal.accounts.models import User

#: What a calendar shows of a venue: a change of it is a change of place for every meetup there.
_PLACE = ("name", "address", "latitude", "longitude")


@transaction.atomic
def save_venue(
    *, chapter: Chapter, actor: User, fields: Mapping[str, Any], at: dt.datetime, venue: Venue | None = None
) -> Venue:
    """Describe a new place of ``chapter``, or ``venue`` anew.

    Where its name or address changes, the calendars of the meetups to come there hear of it.
    """
    demand_organizer(actor, chapter)
    place = venue or Venue(chapter=chapter)
    changed = sorted(name for name, value in fields.items() if getattr(place, name) != value)
    if venue is not None and not changed:
        return venue
    for name in changed:
        setattr(place, name, fields[name])
    place.save()
    note_act(
        "change_venue" if venue else "create_venue",
        actor=actor,
        chapter=chapter,
        venue=place.name,
        fields=changed,
    )
    if venue is not None and set(changed) & set(_PLACE):
        # In the order of their keys, as everybody who locks several meetups must.
        for meetup in Meetup.objects.filter(venue=place).upcoming(at=at).order_by("pk"):
            tell_of_place(meetup=meetup, at=at)
    return place


@transaction.atomic
def remove_venue(*, venue: Venue, actor: User) -> None:
    """Forget a place. Raises :class:`MeetupRefused` where a meetup names it: its page would lose the address."""
    demand_organizer(actor, venue.chapter)
    used = venue.meetups.count()
    if used:
        raise MeetupRefused(
            f"{used} meetup{'s' if used > 1 else ''} took or take place there, so the venue stays. "
            "You can change its description."
        )
    note_act("remove_venue", actor=actor, chapter=venue.chapter, venue=venue.name)
    venue.delete()
