"""Hand-written makers of chapters and meetups."""

import datetime as dt
from itertools import count
from typing import Any

from events.models import Chapter, ChapterMembership, Meetup

_numbers = count(1)
NOW = dt.datetime(2026, 12, 13, 6, 0, tzinfo=dt.UTC)


def make_chapter(slug: str = "", **fields: Any) -> Chapter:
    """An active chapter of its own city."""
    slug = slug or f"city-{next(_numbers)}"
    return Chapter.objects.create(**({"slug": slug, "city": slug.title(), "status": "active"} | fields))


def make_organizer(chapter: Chapter, **fields: Any) -> ChapterMembership:
    """Somebody who runs ``chapter``, by name unless ``user`` is given."""
    if "user" not in fields:
        fields.setdefault("name", f"Organizer {next(_numbers)}")
    return ChapterMembership.objects.create(chapter=chapter, **({"role": "organizer"} | fields))


def make_meetup(chapter: Chapter | None = None, **fields: Any) -> Meetup:
    """An idea of a meetup without a date, in a chapter of its own unless one is given."""
    number = next(_numbers)
    defaults = {"slug": f"meetup-{number}", "title": f"Meetup {number}", "status": "idea"}
    return Meetup.objects.create(chapter=chapter or make_chapter(), **(defaults | fields))


def make_dated_meetup(start: dt.datetime, *, hours: float | None = 3, **fields: Any) -> Meetup:
    """A confirmed meetup that starts at ``start`` and lasts ``hours``; None leaves its end open."""
    end = start + dt.timedelta(hours=hours) if hours is not None else None
    defaults: dict[str, Any] = {
        "status": "confirmed",
        "date_precision": "exact",
        "starts_at": start,
        "ends_at": end,
    }
    return make_meetup(**(defaults | fields))
