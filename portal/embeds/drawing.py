"""A room's template as HTML that may stand in an article: sanitised by a list of its own.

The list is not the authors': what marks a live block as such no author can write.
"""

from collections.abc import Mapping
from typing import Any

import nh3
from django.template.loader import render_to_string

_ELEMENTS = (
    "a abbr br caption code div em h3 h4 li ol p section span strong table tbody td th thead time tr ul"
)
_ATTRIBUTES = {
    "*": {"class"},
    "a": {"href", "title"},
    "td": {"colspan", "data-label"},
    "th": {"colspan", "scope"},
    "time": {"datetime"},
    "div": {"role", "tabindex", "aria-label"},
    "section": {"aria-label"},
}


def _filter(tag: str, attribute: str, value: str) -> str | None:
    # A block leads to pages of this portal only.
    if attribute == "href" and (not value.startswith("/") or value[1:2] in ("/", "\\")):
        return None
    return value


#: How a block begins that has no answer, because its argument means nothing to the room: see ``nothing.html`` of each.
_NOTHING = '<section class="live-block nothing '


def says_nothing(block: str) -> bool:
    """Whether ``block``, as :func:`draw` made it, tells readers only that there is no answer."""
    return block.startswith(_NOTHING)


def draw(template: str, context: Mapping[str, Any]) -> str:
    """The template's HTML, cleaned. Nothing in it runs, and its links stay in this portal."""
    return nh3.clean(
        render_to_string(template, dict(context)),
        tags=set(_ELEMENTS.split()),
        attributes=_ATTRIBUTES,
        attribute_filter=_filter,
        link_rel=None,
    ).strip()
