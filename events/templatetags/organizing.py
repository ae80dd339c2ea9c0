"""Template tags of organizers' pages."""

from dataclasses import dataclass

from django import template
from django.urls import NoReverseMatch, reverse

from events.models import Meetup

register = template.Library()

#: name, label and URL name of each tab of a meetup's organizers, in their order
TABS = (
    ("overview", "Overview", "events:manage_meetup"),
    ("edit", "Edit", "events:edit_meetup"),
    ("questions", "Questions", "events:edit_questions"),
    ("poll", "Poll", "events:manage_poll"),
    ("talks", "Talks", "events:programme"),
    ("attendees", "Attendees", "events:attendees"),
    ("check-in", "Check-in", "events:check_in"),
    ("messages", "Messages", "events:messages"),
    ("co-hosts", "Co-hosts", "events:co_hosts"),
    ("photos", "Photos", "events:photos"),
    ("recap", "Recap", "events:recap"),
)


@dataclass(frozen=True)
class Tab:
    """One link of the navigation."""

    name: str
    label: str
    url: str


@register.simple_tag
def organizing_tabs(meetup: Meetup) -> list[Tab]:
    """The pages there are for those who organize ``meetup``."""
    tabs = []
    for name, label, address in TABS:
        try:
            tabs.append(Tab(name, label, reverse(address, args=[meetup.slug])))
        except NoReverseMatch:
            continue
    return tabs
