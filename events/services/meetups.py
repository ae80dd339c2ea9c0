"""Changes to a meetup itself."""

import datetime as dt
from collections.abc import Iterable

from django.db.models import F

from events.models import Meetup

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
