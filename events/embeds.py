"""Live blocks about meetups and conferences for articles, as every visitor sees them."""

import hashlib
from typing import Any

from django.urls import reverse
from django.utils import timezone

from events.models import Chapter, Meetup
from events.queries.conferences import conferences
from portal.embeds.drawing import draw
from portal.embeds.registry import Embed, register

#: Meetups of a block; the chapter's page has all.
ROWS = 5


def register_all() -> None:
    """Let articles show them."""
    register(Embed("meetups", "pune", "The next meetups of a chapter.", _meetups, _stamp_of_meetups))
    says = "A conference, its days and what is known of it."
    register(Embed("conference", "kvm-forum-2013", says, _conference, _stamp_of_conferences))


def _nothing(sentence: str, name: str, action: str) -> str:
    context = {"sentence": sentence, "url": reverse(name), "action": action}
    return draw("events/embeds/nothing.html", context)


def _meetups(argument: str) -> str:
    chapter = Chapter.objects.visible_to(None).filter(slug=argument.strip()).first()
    if chapter is None:
        return _nothing(f"There is no chapter {argument.strip()}.", "events:chapter_list", "All chapters")
    coming = Meetup.objects.visible_to(None).of_chapter(chapter).upcoming(at=timezone.now())
    shown = coming.exclude(status__in=(Meetup.Status.DRAFT, Meetup.Status.CANCELLED))
    return draw("events/embeds/meetups.html", {"chapter": chapter, "meetups": list(shown[:ROWS])})


def _stamp_of_meetups() -> str:
    """Differs when any coming meetup, or a chapter's city, does; so also when one has passed. Two queries."""
    coming = Meetup.objects.visible_to(None).upcoming(at=timezone.now()).order_by("pk")
    fields = (
        "pk",
        "slug",
        "title",
        "status",
        "starts_at",
        "ends_at",
        "date_precision",
        "time_zone",
        "chapter",
    )
    chapters = Chapter.objects.visible_to(None).order_by("pk")
    return _digest([*coming.values_list(*fields), *chapters.values_list("slug", "city")])


def _conference(argument: str) -> str:
    conference = conferences().filter(slug=argument.strip()).first()
    if conference is None:
        sentence = f"There is no conference {argument.strip()}."
        return _nothing(sentence, "events:conference_list", "All conferences")
    return draw("events/embeds/conference.html", {"conference": conference})


def _stamp_of_conferences() -> str:
    """Differs when a conference, or how much is known of one, does. One query."""
    fields = (
        "slug",
        "name",
        "city",
        "country",
        "year",
        "starts_on",
        "ends_on",
        "talks_known",
        "reports_shown",
    )
    return _digest(list(conferences().values_list(*fields)))


def _digest(rows: list[Any]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()
