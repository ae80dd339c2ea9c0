"""Template tags of a chapter's pages for those who run it."""

from collections.abc import Callable
from dataclasses import dataclass

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format

from events.models import AuditLog, Chapter, Meetup, when_there
from events.permissions import can_lead_chapter, can_manage_chapter, takes_reports
from portal.accounts.models import User

register = template.Library()

#: name, label, URL name, and who may open it
TABS: tuple[tuple[str, str, str, Callable[[User, Chapter], bool]], ...] = (
    ("edit", "Edit", "events:edit_chapter", can_manage_chapter),
    ("new-meetup", "New meetup", "events:new_meetup", can_manage_chapter),
    ("series", "Series", "events:series_list", can_manage_chapter),
    ("venues", "Venues", "events:venues", can_manage_chapter),
    ("co-hosting", "Co-hosting", "events:co_hosting", can_manage_chapter),
    ("messages", "Messages", "events:chapter_messages", can_manage_chapter),
    ("import", "Import", "events:import_file", can_manage_chapter),
    ("talks", "Talks", "events:chapter_talks", can_manage_chapter),
    ("people", "People", "events:chapter_people", can_lead_chapter),
    ("offers", "Offers", "events:application_list", can_lead_chapter),
    ("blocks", "Blocks", "events:chapter_blocks", can_manage_chapter),
    ("reports", "Reports", "events:problem_reports", takes_reports),
    ("acts", "Acts", "events:chapter_acts", can_lead_chapter),
    ("archive", "Archive", "events:chapter_archive", can_manage_chapter),
)


@dataclass(frozen=True)
class Tab:
    """One link of the navigation."""

    name: str
    label: str
    url: str


@register.simple_tag
def chapter_tabs(chapter: Chapter, user: User) -> list[Tab]:
    """The pages of ``chapter`` that ``user`` may open beside the one for everybody."""
    may = {check: check(user, chapter) for check in {tab[3] for tab in TABS}}
    tabs = []
    for name, label, address, check in TABS:
        if may[check]:
            try:
                of_chapter = [] if name == "offers" else [chapter.slug]
                tabs.append(Tab(name, label, reverse(address, args=of_chapter)))
            except NoReverseMatch:
                continue
    return tabs


@register.filter
def act_in_words(entry: AuditLog) -> str:
    """What was done: ``end_role`` reads “End role”."""
    return entry.act.replace("_", " ").capitalize()


@register.filter
def detail_in_words(entry: AuditLog) -> str:
    """What it was about, in one line; empty values are left out, moments are those of the place's own clock."""
    place = entry.meetup or entry.chapter
    zone = place.time_zone if place else "UTC"
    words = []
    for name, value in entry.detail.items():
        if value in ("", None, [], {}):
            continue
        parts = value if isinstance(value, list) else [value]
        shown = ", ".join(_in_words(part, zone) for part in parts)
        words.append(f"{name.replace('_', ' ')}: {shown}")
    return "; ".join(words)


def _in_words(value: object, zone: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    try:
        moment = parse_datetime(text) if "T" in text else None
    except ValueError:  # looks like a moment and is none
        moment = None
    if moment is None or timezone.is_naive(moment):
        return text.replace("_", " ") if text.isidentifier() else text
    when = when_there(moment, None, Meetup.DatePrecision.EXACT, zone)
    return f"{date_format(when.start, 'D j M Y, H:i') if when.start else ''} {when.zone}"
