"""Addresses of the meetups room (mounted at the root). Words that are no slug come before slugs."""

from django.urls import URLPattern, path

from events.views import (
    calendars,
    chapters,
    conferences,
    follows,
    machines,
    meetups,
    organizing,
    programme,
    proposals,
    speakers,
    talks,
)

app_name = "events"

_seats: list[URLPattern] = []
_polls: list[URLPattern] = []
_check_in: list[URLPattern] = []
_organizing = [
    path("meetups/<slug:slug>/edit/", organizing.manage_meetup, name="manage_meetup"),
]
_meetups = [
    path("meetups/", meetups.meetup_list, name="meetup_list"),
    path("meetups/<slug:slug>/", meetups.meetup_detail, name="meetup"),
]
_machines = [
    path("meetups/feed.atom", machines.meetup_feed, name="meetup_feed"),
    path("meetups/<slug:slug>/picture.png", machines.meetup_picture, name="meetup_picture"),
    path("chapters/<slug:slug>/feed.atom", machines.chapter_feed, name="chapter_feed"),
    path("chapters/<slug:slug>/embed/", machines.chapter_embed, name="chapter_embed"),
]
_calendars = [
    path("calendar/", calendars.calendar_list, name="calendar_list"),
    path("calendar.ics", calendars.all_calendar, name="all_calendar"),
    path("calendar/<slug:token>.ics", calendars.own_calendar, name="own_calendar"),
    path("me/calendar/", calendars.my_calendar, name="my_calendar"),
    path("me/calendar/new/", calendars.my_calendar_new, name="my_calendar_new"),
    path("me/calendar/delete/", calendars.my_calendar_delete, name="my_calendar_delete"),
    path("chapters/<slug:slug>/calendar.ics", calendars.chapter_calendar, name="chapter_calendar"),
    path("meetups/<slug:slug>/event.ics", calendars.meetup_file, name="meetup_file"),
]
_volunteering: list[URLPattern] = []
_care: list[URLPattern] = []
_chapters = [
    path("chapters/", chapters.chapter_list, name="chapter_list"),
    path("chapters/<slug:slug>/", chapters.chapter_detail, name="chapter"),
    path("chapters/<slug:slug>/follow/", follows.follow, name="follow"),
    path("chapters/<slug:slug>/unfollow/", follows.unfollow, name="unfollow"),
    path("follows/<str:token>/", follows.follow_link, name="follow_link"),
]
_talks = [
    path("talks/", talks.talk_list, name="talk_list"),
    path("talks/<slug:slug>/", talks.talk_detail, name="talk"),
    path("talks/<slug:slug>/edit/", proposals.edit_talk, name="edit_talk"),
    path("talks/<slug:slug>/propose/", proposals.propose_again, name="propose_again"),
    path("talks/<slug:slug>/leave/", proposals.leave_talk, name="leave_talk"),
    path("talks/<slug:slug>/withdraw/<int:session>/", proposals.withdraw_talk, name="withdraw_talk"),
    path("chapters/<slug:slug>/talks/", programme.chapter_talks, name="chapter_talks"),
    path("chapters/<slug:slug>/talks/propose/", proposals.propose_talk, name="propose_talk"),
    path("chapters/<slug:slug>/talks/<int:session>/decide/", programme.decide_talk, name="decide_talk"),
    path("meetups/<slug:slug>/talks/", programme.meetup_programme, name="programme"),
    path("meetups/<slug:slug>/talks/<int:session>/add/", programme.put_on_programme, name="add_to_programme"),
    path(
        "meetups/<slug:slug>/talks/<int:session>/remove/",
        programme.take_off_programme,
        name="remove_from_programme",
    ),
    path("meetups/<slug:slug>/talks/<int:session>/move/", programme.move_on_programme, name="move_talk"),
    path("meetups/<slug:slug>/talks/<int:session>/times/", programme.set_times, name="time_talk"),
    path("speakers/<slug:slug>/", speakers.speaker_detail, name="speaker"),
    path("speakers/<slug:slug>/edit/", speakers.edit_speaker, name="edit_speaker"),
    path("speakers/<slug:slug>/claim/", speakers.claim_speaker, name="claim_speaker"),
    path("speakers/<slug:slug>/claims/<int:claim>/decide/", speakers.decide_claim, name="decide_claim"),
    path("conferences/", conferences.conference_list, name="conference_list"),
    path("conferences/<slug:slug>/", conferences.conference_detail, name="conference"),
    path("trip-reports/<slug:slug>/", conferences.trip_report_detail, name="trip_report"),
]

urlpatterns = [
    *_seats,
    *_polls,
    *_check_in,
    *_organizing,
    *_meetups,
    *_machines,
    *_calendars,
    *_volunteering,
    *_care,
    *_chapters,
    *_talks,
]
