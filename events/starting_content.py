"""What the room starts with: the community's announcement as three chapters, each with its first meetup.

The facts are those of the announcement and no more: three cities, two organizers by name, no dates and no
venues yet. What people changed or took away later is left as they left it.
"""

import uuid
from dataclasses import dataclass

from django.db import transaction

from events.models import Chapter, ChapterMembership, Meetup
from events.starting_content_conference import load_conference

_UIDS = uuid.UUID("5d1a1f5c-5b0c-4a5e-9d59-4f2b8d4c7a10")


@dataclass(frozen=True)
class Start:
    """One city of the announcement. ``organizer`` is empty where the announcement names none. Degrees, WGS 84."""

    slug: str
    city: str
    organizer: str
    latitude: str
    longitude: str


STARTS = (
    Start("bangalore", "Bangalore", "", "12.97160", "77.59460"),
    Start("pune", "Pune", "Anil Vettathu", "18.52040", "73.85670"),
    Start("aurangabad", "Aurangabad", "Ashutosh Sudhakar Bhakare", "19.87620", "75.34330"),
)


def load() -> list[str]:
    """Make what is not there yet; return a line for each thing made. A second run makes nothing."""
    return [line for start in STARTS for line in _load_chapter(start)] + load_conference()


@transaction.atomic
def _load_chapter(start: Start) -> list[str]:
    defaults = {
        "city": start.city,
        "status": Chapter.Status.ACTIVE,
        "summary": f"KVM, Xen, oVirt, libvirt and their friends in {start.city}.",
        "description": _chapter_description(start),
        "latitude": start.latitude,
        "longitude": start.longitude,
    }
    chapter, is_new = Chapter.objects.get_or_create(slug=start.slug, defaults=defaults)
    if not is_new:  # organizers and meetups that somebody took out of a chapter stay out
        return []
    made = [f"chapter {chapter.city}"]
    if start.organizer:
        ChapterMembership.objects.create(
            chapter=chapter, name=start.organizer, role=ChapterMembership.Role.ORGANIZER
        )
    _, is_new = Meetup.objects.get_or_create(
        ical_uid=str(uuid.uuid5(_UIDS, f"first-{start.slug}-meetup")), defaults=_first_meetup(chapter, start)
    )
    return [*made, f"first meetup of {chapter.city}"] if is_new else made


def _chapter_description(start: Start) -> str:
    return (
        f"{start.city} is one of the three cities in which this community begins. Its people have long answered "
        "one another’s questions about KVM, Xen, oVirt, libvirt, virt-manager and their friends by mail and on "
        "IRC. The chapter is for doing that in one room."
    )


def _first_meetup(chapter: Chapter, start: Start) -> dict[str, object]:
    return {
        "chapter": chapter,
        "slug": f"first-{start.slug}-meetup",
        "title": f"First {start.city} meetup",
        "summary": f"The people who run open source virtualization in {start.city} meet for the first time.",
        "description": (
            f"The first meetup in {start.city} is announced, and its date is open. It is for everybody who runs, "
            "builds or wants to learn open source virtualization: KVM, Xen, oVirt, libvirt, virt-manager and "
            "their friends.\n\n"
            "Volunteers are welcome: a room, a talk, or an evening of your time brings the date nearer."
        ),
        "time_zone": chapter.time_zone,
        "status": Meetup.Status.IDEA,
    }
