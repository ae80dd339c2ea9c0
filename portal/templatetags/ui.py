"""Template tags of the design system: the parts that need a little Python before they can be drawn."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from django import template
from django.core.paginator import Paginator
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

#: label and URL name of each room, in the order of the navigation
ROOMS = (
    ("Meetups", "events:meetup_list"),
    ("Knowledge base", "kb:article_list"),
    ("Lab", "labtools:index"),
    ("Search", "search"),
)


@dataclass(frozen=True)
class NavigationItem:
    """One link of the main navigation. ``current`` is the value of aria-current, empty elsewhere."""

    label: str
    url: str
    current: str


@register.simple_tag(takes_context=True)
def main_navigation(context: dict[str, Any]) -> list[NavigationItem]:
    """Return the rooms of the portal that exist, marking the one the reader is in.

    ``aria-current`` is "page" on the room's own page and "true" on a page inside it.
    """
    request = context.get("request")
    path = request.path if request is not None else ""
    match = getattr(request, "resolver_match", None)
    room = match.namespace if match else ""
    items = []
    for label, name in ROOMS:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        current = (
            "page"
            if path == url
            else "true"
            if path.startswith(url) or (room and name.startswith(f"{room}:"))
            else ""
        )
        items.append(NavigationItem(label, url, current))
    return items


@register.filter
def initials(person: object) -> str:
    """Return one or two capital letters that stand for a person, from the name that others see.

    >>> initials("Anil Vettathu")
    'AV'
    """
    words = [word for word in str(person).split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


@register.inclusion_tag("components/date.html")
def date_tile(value: dt.datetime | dt.date | None, precision: str = "exact") -> dict[str, object]:
    """Draw a date as day over month; "date open" where there is none yet.

    ``precision`` is how much of ``value`` is settled: ``none``, ``month``, ``day`` or ``exact``. Anything
    without a value is open, whatever the precision says.
    """
    if isinstance(value, dt.datetime) and timezone.is_aware(value):
        value = timezone.localtime(value)
    return {"value": value, "precision": precision if value else "none"}


@register.filter
def page_numbers(paginator: Paginator[Any], current: int) -> list[int]:
    """Return the page numbers to show: the ends and the neighbours of ``current``; 0 stands for a gap."""
    return [
        n if isinstance(n, int) else 0
        for n in paginator.get_elided_page_range(current, on_each_side=1, on_ends=1)
    ]


#: as in django.utils.html.json_script: nothing in the text can end the element
_ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


@register.filter
def json_ld(data: object) -> SafeString:
    """A script element of linked data for search engines; nothing where there is no data.

    A data block, which browsers never run and the Content-Security-Policy therefore allows.
    """
    if not data:
        return mark_safe("")
    text = json.dumps(data, ensure_ascii=False).translate(_ESCAPES)
    return mark_safe(f'<script type="application/ld+json">{text}</script>')  # noqa: S308  (escaped above)
