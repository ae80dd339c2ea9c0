"""A meetup as machines read it: schema.org for search engines, Atom for feed readers, the picture for other sites."""

import datetime as dt
import hashlib
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import escape

from events import pictures
from events.models import Chapter, Meetup, MeetupQuerySet

#: Entries of an Atom feed; a reader that asks once a week misses nothing.
FEED_ENTRIES = 50
_STATUS = {Meetup.Status.CANCELLED.value: "EventCancelled"}
_MODE = {
    Meetup.Mode.IN_PERSON.value: "OfflineEventAttendanceMode",
    Meetup.Mode.ONLINE.value: "OnlineEventAttendanceMode",
    Meetup.Mode.HYBRID.value: "MixedEventAttendanceMode",
}


def structured_data(meetup: Meetup) -> dict[str, Any] | None:
    """schema.org/Event for a meetup, or None while it has no day: an Event needs a ``startDate``.

    Times carry the offset of the meetup's own zone. The place online is the meetup's page: the address of the
    meeting itself is for those who come.
    """
    when = meetup.when
    if when.precision not in (Meetup.DatePrecision.DAY, Meetup.DatePrecision.EXACT):
        return None
    page = settings.SITE_URL + meetup.get_absolute_url()
    chapter = meetup.chapter
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "@id": page,
        "url": page,
        "name": meetup.title,
        "description": meetup.summary or meetup.description[:300],
        "startDate": when.stamp,
        "eventStatus": f"https://schema.org/{_STATUS.get(meetup.status, 'EventScheduled')}",
        "eventAttendanceMode": f"https://schema.org/{_MODE[meetup.mode]}",
        "location": _places(meetup, page),
        "image": [settings.SITE_URL + picture_address(meetup)],
        "isAccessibleForFree": True,
        "organizer": {
            "@type": "Organization",
            "name": f"{settings.SITE_NAME}, {chapter.city}",
            "url": settings.SITE_URL + chapter.get_absolute_url(),
        },
    }
    if when.end_stamp:
        data["endDate"] = when.end_stamp
    if meetup.capacity:
        data["maximumAttendeeCapacity"] = meetup.capacity
    return data


def _places(meetup: Meetup, page: str) -> list[dict[str, Any]]:
    places: list[dict[str, Any]] = []
    if meetup.mode != Meetup.Mode.ONLINE:
        venue, city = meetup.venue, meetup.chapter.city
        address = {
            "@type": "PostalAddress",
            "addressLocality": city,
            "addressCountry": meetup.chapter.country,
        }
        place: dict[str, Any] = {"@type": "Place", "name": venue.name if venue else city, "address": address}
        if venue and venue.address:
            address["streetAddress"] = " ".join(venue.address.split())
        if venue and venue.latitude is not None and venue.longitude is not None:
            place["geo"] = {
                "@type": "GeoCoordinates",
                "latitude": float(venue.latitude),
                "longitude": float(venue.longitude),
            }
        places.append(place)
    if meetup.mode != Meetup.Mode.IN_PERSON:
        places.append({"@type": "VirtualLocation", "url": page})
    return places


def picture_facts(meetup: Meetup) -> dict[str, Any]:
    """What :func:`events.pictures.draw_card` draws for a meetup."""
    return {
        "eyebrow": f"Meetup in {meetup.chapter.city}",
        "title": meetup.title,
        "lines": [when_in_words(meetup), _where_in_words(meetup)],
        "seed": meetup.ical_uid,
    }


def picture_version(meetup: Meetup) -> str:
    """Changes when the picture would look different."""
    facts = f"{pictures.VERSION}{picture_facts(meetup)}"
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def picture_address(meetup: Meetup) -> str:
    """The path of a meetup's picture; a draft has none and shows the portal's."""
    if meetup.status == Meetup.Status.DRAFT:
        return static("img/og.png")
    return f"{reverse('events:meetup_picture', args=[meetup.slug])}?v={picture_version(meetup)}"


def when_in_words(meetup: Meetup) -> str:
    """Its time on its own wall clock, in one phrase of plain text."""
    when = meetup.when
    if meetup.status == Meetup.Status.CANCELLED:
        return "Cancelled"
    if when.start is None:
        return "Date open"
    if when.precision == Meetup.DatePrecision.MONTH:
        return f"{when.start:%B %Y}, day open"
    day = f"{when.start:%A} {when.start.day} {when.start:%B %Y}"
    if when.precision == Meetup.DatePrecision.DAY:
        return f"{day}, time open"
    end = f" to {when.end:%H:%M}" if when.end and when.ends_same_day else ""
    return f"{day}, {when.start:%H:%M}{end} {when.zone}"


def _where_in_words(meetup: Meetup) -> str:
    place = meetup.venue.name if meetup.venue else meetup.chapter.city
    if meetup.mode == Meetup.Mode.ONLINE:
        return "Online"
    return f"{place}, and online" if meetup.mode == Meetup.Mode.HYBRID else place


def announced(*, chapter: Chapter | None = None) -> MeetupQuerySet:
    """What a feed reader gets: the meetups that everybody may see, the latest announced first."""
    found = Meetup.objects.visible_to(None)
    if chapter:
        found = found.of_chapter(chapter)
    return found.select_related("chapter", "venue").order_by("-pk")[:FEED_ENTRIES]


def feed_entry(meetup: Meetup) -> dict[str, Any]:
    """One entry of an Atom feed (RFC 4287) as ``feedgenerator.add_item`` takes it.

    The id never changes, whatever is renamed; ``updated`` moves with every change that a reader would notice.
    """
    # Django's Atom1Feed calls every summary HTML, so that plain text has to be escaped like it.
    summary = escape(f"{when_in_words(meetup)}. {_where_in_words(meetup)}. {meetup.summary}".strip())
    host = settings.SITE_URL.partition("//")[2].partition(":")[0]
    made = meetup.created_at.astimezone(ZoneInfo("UTC"))
    return {
        "title": meetup.title,
        "link": settings.SITE_URL + meetup.get_absolute_url(),
        "unique_id": f"tag:{host},{made:%Y-%m-%d}:meetup/{meetup.pk}",
        "description": summary,
        "pubdate": meetup.announced_at or meetup.created_at,
        "updateddate": max(meetup.changed_at, meetup.created_at),
        "categories": [meetup.chapter.city],
    }


def embedded(chapter: Chapter, *, at: dt.datetime) -> list[Meetup]:
    """The next five meetups of a chapter that everybody may see, for other sites."""
    shown = Meetup.objects.visible_to(None).of_chapter(chapter).exclude(status=Meetup.Status.CANCELLED)
    return list(shown.upcoming(at=at).select_related("chapter")[:5])
