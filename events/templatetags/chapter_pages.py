"""Template tags of a chapter's pages for those who run it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse

from events.models import AuditLog, Chapter
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
def detail_in_words(detail: dict[str, Any]) -> str:
    """What it was about, in one line; empty values are left out.

    >>> detail_in_words({"person": "Asha", "takes_reports": False, "until": ""})
    'person: Asha, takes reports: no'
    """
    words = []
    for name, value in detail.items():
        if value in ("", None, [], {}):
            continue
        shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        if isinstance(shown, list):
            shown = ", ".join(str(one) for one in shown)
        words.append(f"{re.sub('_', ' ', name)}: {shown}")
    return ", ".join(words)
