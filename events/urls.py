"""Addresses of the meetups room (mounted at the root). Words that are no slug come before slugs."""

from django.urls import URLPattern, path

from events.views import chapters, meetups

app_name = "events"

_seats: list[URLPattern] = []
_polls: list[URLPattern] = []
_check_in: list[URLPattern] = []
_organizing: list[URLPattern] = []
_meetups = [
    path("meetups/", meetups.meetup_list, name="meetup_list"),
    path("meetups/<slug:slug>/", meetups.meetup_detail, name="meetup"),
]
_calendars: list[URLPattern] = []
_volunteering: list[URLPattern] = []
_care: list[URLPattern] = []
_chapters = [
    path("chapters/", chapters.chapter_list, name="chapter_list"),
    path("chapters/<slug:slug>/", chapters.chapter_detail, name="chapter"),
]
_talks: list[URLPattern] = []

urlpatterns = [
    *_seats,
    *_polls,
    *_check_in,
    *_organizing,
    *_meetups,
    *_calendars,
    *_volunteering,
    *_care,
    *_chapters,
    *_talks,
]
