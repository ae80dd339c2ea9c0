"""Addresses of the meetups room (mounted at the root). Words that are no slug come before slugs."""

from django.urls import URLPattern, path

from events.views import (
    attendees,
    calendars,
    care,
    chapters,
    co_hosts,
    conferences,
    follows,
    health,
    imports,
    machines,
    meetup_edit,
    meetups,
    messages,
    organizing,
    photos,
    programme,
    proposals,
    questions,
    roles,
    seats,
    series,
    speakers,
    talks,
    trip_reports,
    venues,
    volunteering,
)

app_name = "events"

_seats = [
    path("meetups/<slug:slug>/rsvp/", seats.rsvp, name="rsvp"),
    path("meetups/<slug:slug>/rsvp/leave/", seats.rsvp_leave, name="rsvp_leave"),
    path("meetups/<slug:slug>/rsvp/accept/", seats.rsvp_accept, name="rsvp_accept"),
    path("meetups/<slug:slug>/rsvp/reconfirm/", seats.rsvp_reconfirm, name="rsvp_reconfirm"),
    path("rsvp/<str:token>/", seats.rsvp_link, name="rsvp_link"),
]
_polls: list[URLPattern] = []
_check_in: list[URLPattern] = []
_organizing = [
    path("meetups/<slug:slug>/edit/", organizing.manage_meetup, name="manage_meetup"),
    path("meetups/<slug:slug>/edit/move/", organizing.move, name="move_meetup"),
    path("meetups/<slug:slug>/edit/cancel/", organizing.cancel, name="cancel_meetup"),
    path("meetups/<slug:slug>/edit/discard/", organizing.discard, name="discard_meetup"),
    path("meetups/<slug:slug>/edit/copy/", organizing.copy, name="copy_meetup"),
    path("meetups/<slug:slug>/edit/details/", meetup_edit.edit_meetup, name="edit_meetup"),
    path("meetups/<slug:slug>/edit/recap/", meetup_edit.recap, name="recap"),
    path("meetups/<slug:slug>/edit/repeat/", series.repeat, name="repeat_meetup"),
    path("meetups/<slug:slug>/edit/questions/", questions.questions, name="edit_questions"),
    path("meetups/<slug:slug>/edit/questions/<int:question>/", questions.questions, name="edit_question"),
    path(
        "meetups/<slug:slug>/edit/questions/<int:question>/remove/", questions.remove, name="remove_question"
    ),
    path("meetups/<slug:slug>/edit/questions/<int:question>/up/", questions.move_up, name="raise_question"),
    path("meetups/<slug:slug>/edit/attendees/", attendees.attendee_list, name="attendees"),
    path("meetups/<slug:slug>/edit/attendees/export/", attendees.export, name="export_attendees"),
    path(
        "meetups/<slug:slug>/edit/attendees/sponsors/",
        attendees.export_for_sponsors,
        name="export_for_sponsors",
    ),
    path("meetups/<slug:slug>/edit/attendees/<int:rsvp>/remove/", attendees.remove, name="remove_attendee"),
    path("meetups/<slug:slug>/edit/messages/", messages.meetup_messages, name="messages"),
    path("meetups/<slug:slug>/edit/co-hosts/", co_hosts.co_hosts, name="co_hosts"),
    path(
        "meetups/<slug:slug>/edit/co-hosts/<int:co_host>/withdraw/",
        co_hosts.withdraw,
        name="withdraw_co_host",
    ),
    path("meetups/<slug:slug>/edit/photos/", photos.photos, name="photos"),
    path("meetups/<slug:slug>/edit/photos/<int:photo>/remove/", photos.remove, name="remove_photo"),
    path("meetups/<slug:slug>/photos/<int:photo>.jpg", photos.picture, name="photo"),
    path("chapters/<slug:slug>/meetups/new/", meetup_edit.new_meetup, name="new_meetup"),
    path("chapters/<slug:slug>/venues/", venues.venues, name="venues"),
    path("chapters/<slug:slug>/venues/new/", venues.edit_venue, name="new_venue"),
    path("chapters/<slug:slug>/venues/<int:venue>/", venues.edit_venue, name="edit_venue"),
    path("chapters/<slug:slug>/venues/<int:venue>/remove/", venues.delete_venue, name="delete_venue"),
    path("chapters/<slug:slug>/co-hosting/", co_hosts.co_hosting, name="co_hosting"),
    path("chapters/<slug:slug>/co-hosting/<int:co_host>/", co_hosts.answer, name="answer_co_host"),
    path("chapters/<slug:slug>/series/", series.series_list, name="series_list"),
    path("chapters/<slug:slug>/series/<int:series>/", series.series_detail, name="series"),
    path("chapters/<slug:slug>/series/<int:series>/end/", series.end, name="end_series"),
    path("chapters/<slug:slug>/messages/", messages.chapter_messages, name="chapter_messages"),
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
    path("chapters/<slug:slug>/import/", imports.import_file, name="import_file"),
    path("chapters/<slug:slug>/import/confirm/", imports.import_confirm, name="import_confirm"),
    path("meetups/<slug:slug>/event.ics", calendars.meetup_file, name="meetup_file"),
]
_volunteering = [
    path("chapters/start/", volunteering.start, name="chapter_start"),
    path("chapters/propose/", volunteering.propose, name="chapter_propose"),
    path("applications/", volunteering.application_list, name="application_list"),
    path("applications/<int:pk>/", volunteering.application, name="application"),
    path("applications/<int:pk>/say/", volunteering.say, name="application_say"),
    path("applications/<int:pk>/decide/", volunteering.decide, name="application_decide"),
    path("applications/<int:pk>/withdraw/", volunteering.withdraw, name="application_withdraw"),
]
_care = [
    path("chapters/<slug:slug>/report/", care.report_problem, name="report_problem"),
    path("chapters/<slug:slug>/reports/", care.problem_reports, name="problem_reports"),
    path("chapters/<slug:slug>/reports/<int:pk>/", care.problem_report, name="problem_report"),
    path("chapters/<slug:slug>/blocks/", care.blocks, name="chapter_blocks"),
    path("chapters/<slug:slug>/blocks/<int:pk>/remove/", care.unblock, name="unblock"),
    path("chapters/<slug:slug>/acts/", care.acts, name="chapter_acts"),
]
_chapters = [
    path("chapters/", chapters.chapter_list, name="chapter_list"),
    path("chapters/health/", health.health, name="chapters_health"),
    path("chapters/<slug:slug>/status/", health.set_status, name="chapter_status"),
    path("chapters/<slug:slug>/", chapters.chapter_detail, name="chapter"),
    path("chapters/<slug:slug>/edit/", chapters.edit_chapter, name="edit_chapter"),
    path("chapters/<slug:slug>/people/", roles.people, name="chapter_people"),
    path("chapters/<slug:slug>/people/add/", roles.add_role, name="add_role"),
    path("chapters/<slug:slug>/people/<int:pk>/change/", roles.change_role, name="change_role"),
    path("chapters/<slug:slug>/people/<int:pk>/end/", roles.end_role, name="end_role"),
    path("chapters/<slug:slug>/people/<int:pk>/offer-lead/", roles.offer_lead, name="offer_lead"),
    path("chapters/<slug:slug>/people/<int:pk>/lead/", roles.answer_lead_offer, name="answer_lead_offer"),
    path("chapters/<slug:slug>/people/<int:pk>/leave/", roles.leave_role, name="leave_role"),
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
    path("conferences/<slug:slug>/reports/new/", trip_reports.new_trip_report, name="new_trip_report"),
    path("trip-reports/<slug:slug>/", trip_reports.trip_report_detail, name="trip_report"),
    path("trip-reports/<slug:slug>/edit/", trip_reports.edit_trip_report, name="edit_trip_report"),
    path("trip-reports/<slug:slug>/delete/", trip_reports.delete_trip_report, name="delete_trip_report"),
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
