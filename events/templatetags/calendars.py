"""Template tags for calendars: addresses made from rows that the page has already."""

from django import template
from django.urls import reverse

from events import calendar_links
from events.models import Chapter, Meetup

register = template.Library()


@register.simple_tag
def add_to_calendar(meetup: Meetup, is_past: bool) -> calendar_links.MeetupLinks | None:
    """Links that copy ``meetup`` into a calendar; None where there is nothing to copy."""
    return calendar_links.meetup_links(meetup, is_past=is_past)


@register.simple_tag
def chapter_subscription(chapter: Chapter) -> calendar_links.Subscription:
    """The feed of ``chapter``."""
    path = reverse("events:chapter_calendar", args=[chapter.slug])
    return calendar_links.subscription(path, f"{chapter.city} meetups")


@register.simple_tag
def all_subscription() -> calendar_links.Subscription:
    """The feed of all chapters."""
    return calendar_links.subscription(reverse("events:all_calendar"))
