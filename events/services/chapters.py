"""Changes to a chapter itself: made, proposed, described, put to sleep."""

import datetime as dt
import hashlib
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.text import slugify

from events.models import Chapter, ChapterFollow
from events.permissions import can_lead_chapter, can_manage_chapter
from events.services.audit import note_act
from events.services.locks import lock_chapter
from portal.accounts.models import User

Status = Chapter.Status
#: What organizers may change; the rest is the portal's.
EDITABLE = frozenset(
    {
        "summary",
        "description",
        "how_to_help",
        "code_of_conduct",
        "time_zone",
        "latitude",
        "longitude",
        "status",
    }
)
#: Words that stand where a slug stands in the room's addresses.
_RESERVED = frozenset({"start", "health", "propose"})


def slug_of_city(city: str) -> str:
    """The last part of the address of a city's chapter: always the same for the same city, and never a word of ours."""
    slug = slugify(city)[:40].strip("-")
    if not slug:  # a name in a script that has no ASCII letters
        slug = "city-" + hashlib.sha256(city.casefold().encode()).hexdigest()[:10]
    return f"{slug}-chapter" if slug in _RESERVED else slug


def chapter_of_city(city: str, country: str) -> Chapter | None:
    """The chapter that a city has already, whatever its state."""
    city, country = one_line(city), one_line(country)
    here = Chapter.objects.filter(country__iexact=country)
    slugs = [slug_of_city(city), slug_of_city(f"{city} {country}")]
    return here.filter(city__iexact=city).first() or here.filter(slug__in=slugs).first()


@transaction.atomic
def get_or_make_chapter(*, city: str, country: str) -> tuple[Chapter, bool]:
    """The one chapter of a city, proposed if it is new; True if it is.

    Two requests at once get the same row: its address is made from the city, and addresses are unique.
    """
    city, country = one_line(city), one_line(country)
    if found := chapter_of_city(city, country):
        return found, False
    made = {"city": city, "country": country, "status": Status.PROPOSED}
    chapter, is_new = Chapter.objects.get_or_create(slug=slug_of_city(city), defaults=made)
    if is_new or chapter.country.casefold() == country.casefold():
        return chapter, is_new
    # A city of the same name in another country has the short address.
    return Chapter.objects.get_or_create(slug=slug_of_city(f"{city} {country}"), defaults=made)


@transaction.atomic
def propose_chapter(*, city: str, country: str, user: User, at: dt.datetime) -> Chapter:
    """Put a city on the list, so that those who want a chapter there can say so; whoever proposes it is the first."""
    chapter, is_new = get_or_make_chapter(city=city, country=country)
    if is_new:
        note_act("propose_chapter", actor=user, chapter=chapter)
    ChapterFollow.objects.get_or_create(chapter=chapter, user=user, defaults={"confirmed_at": at})
    return chapter


@transaction.atomic
def change_chapter(*, chapter: Chapter, actor: User, changes: dict[str, Any]) -> set[str]:
    """Set those of :data:`EDITABLE` that differ; returns their names. Archiving is for leads and staff.

    Raises ``PermissionDenied``, and ``ValueError`` for a field that is not theirs to change.
    """
    if unknown := set(changes) - EDITABLE:
        raise ValueError(f"Organizers do not change {', '.join(sorted(unknown))}.")
    locked = lock_chapter(chapter.pk)
    changed = {name for name, value in changes.items() if getattr(locked, name) != value}
    archives = "status" in changed and Status.ARCHIVED in (locked.status, changes["status"])
    if not can_manage_chapter(actor, locked) or (archives and not can_lead_chapter(actor, locked)):
        raise PermissionDenied
    if not changed:
        return changed
    for name in changed:
        setattr(locked, name, changes[name])
    locked.save(update_fields=sorted(changed))
    if "status" in changed:
        note_act("change_chapter_status", actor=actor, chapter=locked, status=locked.status)
    if changed != {"status"}:
        note_act("edit_chapter", actor=actor, chapter=locked, fields=sorted(changed))
    return changed


def one_line(text: str) -> str:
    """``text`` without spaces at its ends and with single ones inside."""
    return " ".join(text.split())
