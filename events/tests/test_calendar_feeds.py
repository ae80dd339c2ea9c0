"""The feeds that everybody may read: what is in them, what is not, and how they are answered."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.ical.validator import problems
from events.models import CoHost, Meetup, Rsvp, Venue
from events.queries import calendars
from events.tests.calendar_reading import read_calendar, read_events
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup
from portal.accounts.models import User

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 12, 13, 6, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ALL = "/calendar.ics"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def feed(client: Client, address: str = ALL) -> dict[str, Any]:
    """The events of the feed at ``address`` by UID."""
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    return read_events(response.content)


def test_meetup_is_told_whole_in_its_own_zone(as_stranger: Client) -> None:
    chapter = make_chapter("pune", city="Pune")
    venue = Venue.objects.create(
        chapter=chapter,
        name="Hall 3; east",
        address="1, Lane\nPune",
        latitude="18.52043",
        longitude="73.85674",
    )
    start = dt.datetime(2026, 12, 20, 4, 30, tzinfo=dt.UTC)
    meetup = make_dated_meetup(
        start, chapter=chapter, venue=venue, title="KVM, QEMU; libvirt", description="First\nSecond \\ third"
    )
    event = feed(as_stranger)[meetup.ical_uid]
    assert event["SUMMARY"] == "KVM, QEMU; libvirt"
    assert event.start == start.astimezone(ZoneInfo("Asia/Kolkata"))
    assert event["DTSTART"].params["TZID"] == "Asia/Kolkata"
    assert event["DTSTART"].to_ical() == b"20261220T100000"
    assert event.end - event.start == 3 * dt.timedelta(hours=1)
    assert event["LOCATION"] == "Hall 3; east, 1, Lane, Pune"
    assert event["GEO"].to_ical() == "18.52043;73.85674"
    assert event["STATUS"] == "CONFIRMED"
    assert event["SEQUENCE"] == 0
    assert event["URL"].endswith(meetup.get_absolute_url())
    assert "First\nSecond \\ third" in event["DESCRIPTION"]
    assert event["CATEGORIES"].to_ical() == b"Meetup,Pune"
    assert event["TRANSP"] == "TRANSPARENT"
    assert "ORGANIZER" not in event
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == meetup.changed_at.replace(microsecond=0)


def test_drafts_and_open_dates_are_left_out_and_cancelled_ones_stay(as_stranger: Client) -> None:
    chapter = make_chapter()
    make_dated_meetup(NOW + DAY, chapter=chapter, status="draft")
    make_meetup(chapter)
    make_meetup(chapter, date_precision="month", starts_at=NOW + DAY)
    gone = make_dated_meetup(
        NOW + DAY, chapter=chapter, status="cancelled", title="Rust-VMM", cancel_reason="The host is ill."
    )
    found = feed(as_stranger)
    assert list(found) == [gone.ical_uid]
    assert found[gone.ical_uid]["STATUS"] == "CANCELLED"
    assert found[gone.ical_uid]["SUMMARY"] == "Cancelled: Rust-VMM"
    assert "ill" not in found[gone.ical_uid]["DESCRIPTION"]


@pytest.mark.parametrize(
    ("status", "told"),
    [("idea", "TENTATIVE"), ("polling", "TENTATIVE"), ("tentative", "TENTATIVE"), ("confirmed", "CONFIRMED")],
)
def test_status_is_what_a_calendar_calls_it(as_stranger: Client, status: str, told: str) -> None:
    meetup = make_dated_meetup(NOW + DAY, status=status)
    event = feed(as_stranger)[meetup.ical_uid]
    assert event["STATUS"] == told
    assert ("may still change" in event["DESCRIPTION"]) is (told == "TENTATIVE")


def test_day_alone_is_a_date_and_its_end_the_day_after_the_last(as_stranger: Client) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    start = dt.datetime(2026, 12, 20, tzinfo=zone)
    one = make_dated_meetup(start, hours=None, status="tentative", date_precision="day")
    two = make_dated_meetup(start, hours=48, status="tentative", date_precision="day", chapter=one.chapter)
    found = feed(as_stranger)
    assert found[one.ical_uid].start == dt.date(2026, 12, 20)
    assert found[one.ical_uid].end == dt.date(2026, 12, 21)
    assert found[two.ical_uid].end == dt.date(2026, 12, 22)
    assert "The time is open." in found[one.ical_uid]["DESCRIPTION"]


def test_meetup_without_an_end_gets_none(as_stranger: Client) -> None:
    meetup = make_dated_meetup(NOW + DAY, hours=None)
    assert "DTEND" not in feed(as_stranger)[meetup.ical_uid]


def test_past_meetups_stay_for_ninety_days(as_stranger: Client) -> None:
    chapter = make_chapter()
    kept = make_dated_meetup(NOW - 90 * DAY, chapter=chapter)
    make_dated_meetup(NOW - 91 * DAY, chapter=chapter)
    assert list(feed(as_stranger)) == [kept.ical_uid]


def test_link_and_people_of_a_meetup_are_in_no_shared_calendar(as_stranger: Client, member: User) -> None:
    meetup = make_dated_meetup(NOW + DAY, mode="hybrid", online_url="https://meet.example/secret-room")
    Rsvp.objects.create(meetup=meetup, user=member, status="going")
    for address in (
        ALL,
        f"/chapters/{meetup.chapter.slug}/calendar.ics",
        f"/meetups/{meetup.slug}/event.ics",
    ):
        body = as_stranger.get(address).content
        assert meetup.ical_uid.encode() in body
        assert b"secret-room" not in body.replace(b"\r\n ", b"")
        assert b"ATTENDEE" not in body
        assert b"@" not in body


def test_chapter_feed_has_its_own_and_those_it_agreed_to_hold_with_others(as_stranger: Client) -> None:
    pune, bangalore = make_chapter("pune", city="Pune"), make_chapter("bangalore", city="Bangalore")
    own = make_dated_meetup(NOW + DAY, chapter=pune)
    joint = make_dated_meetup(NOW + 2 * DAY, chapter=bangalore)
    asked = make_dated_meetup(NOW + 3 * DAY, chapter=bangalore)
    CoHost.objects.create(meetup=joint, chapter=pune, status="accepted")
    CoHost.objects.create(meetup=asked, chapter=pune, status="asked")
    found = feed(as_stranger, "/chapters/pune/calendar.ics")
    assert list(found) == [own.ical_uid, joint.ical_uid]
    assert "Held together with Pune." in found[joint.ical_uid]["DESCRIPTION"]
    assert joint.ical_uid in feed(as_stranger, "/chapters/bangalore/calendar.ics")
    assert len(feed(as_stranger)) == 3


def test_feed_says_what_it_is_and_when_to_ask_again(as_stranger: Client) -> None:
    make_chapter("pune", city="Pune", summary="People; of Pune")
    calendar = read_calendar(as_stranger.get("/chapters/pune/calendar.ics").content)
    assert calendar["NAME"] == calendar["X-WR-CALNAME"]
    assert calendar["X-WR-CALNAME"].startswith("Pune meetups")
    assert calendar["DESCRIPTION"] == "People; of Pune"
    assert calendar["REFRESH-INTERVAL"].dt == dt.timedelta(hours=1)
    assert calendar["X-PUBLISHED-TTL"] == "PT1H"
    assert calendar["X-WR-TIMEZONE"] == "Asia/Kolkata"
    assert "METHOD" not in calendar


def test_feed_without_meetups_is_valid(as_stranger: Client) -> None:
    make_chapter("pune", time_zone="Europe/Berlin")
    assert feed(as_stranger) == {}
    assert feed(as_stranger, "/chapters/pune/calendar.ics") == {}


def test_unchanged_feed_is_not_sent_again(as_stranger: Client) -> None:
    meetup = make_dated_meetup(NOW + DAY)
    first = as_stranger.get(ALL)
    assert first["Cache-Control"] == "public, max-age=300"
    with time_machine.travel(NOW + dt.timedelta(hours=3)):
        again = as_stranger.get(ALL, headers={"if-none-match": first["ETag"]})
        since = as_stranger.get(ALL, headers={"if-modified-since": first["Last-Modified"]})
        assert again.status_code == since.status_code == 304
        assert again.content == b""
        assert as_stranger.get(ALL).content == first.content
    Meetup.objects.filter(pk=meetup.pk).update(title="Moved", changed_at=NOW + dt.timedelta(seconds=2))
    assert as_stranger.get(ALL, headers={"if-none-match": first["ETag"]}).status_code == 200
    assert as_stranger.get(ALL, headers={"if-modified-since": first["Last-Modified"]}).status_code == 200


def test_what_left_the_window_is_noticed_the_next_day_without_an_etag(as_stranger: Client) -> None:
    make_dated_meetup(NOW - 90 * DAY)
    first = as_stranger.get(ALL)
    with time_machine.travel(NOW + DAY):
        again = as_stranger.get(ALL, headers={"if-modified-since": first["Last-Modified"]})
    assert again.status_code == 200
    assert b"VEVENT" not in again.content


def test_head_is_answered_like_get_without_the_bytes(as_stranger: Client) -> None:
    meetup = make_dated_meetup(NOW + DAY)
    for address in (ALL, f"/meetups/{meetup.slug}/event.ics"):
        get, head = as_stranger.get(address), as_stranger.head(address)
        assert head.status_code == 200
        assert head.content == b""
        assert head["ETag"] == get["ETag"]
        assert head["Last-Modified"] == get["Last-Modified"]


def test_file_of_one_meetup_is_the_entry_of_the_feed(as_stranger: Client) -> None:
    meetup = make_dated_meetup(NOW + DAY, slug="december")
    response = as_stranger.get("/meetups/december/event.ics")
    assert response["Content-Disposition"] == 'attachment; filename="december.ics"'
    assert read_events(response.content) == feed(as_stranger)
    assert list(read_events(response.content)) == [meetup.ical_uid]


@pytest.mark.parametrize("client_of", ["as_stranger", "as_member", "as_owner"])
@pytest.mark.parametrize("fields", [{"status": "draft"}, {"status": "idea", "open": True}])
def test_draft_and_open_date_have_no_file_for_anybody(
    request: pytest.FixtureRequest, client_of: str, fields: dict[str, object]
) -> None:
    client: Client = request.getfixturevalue(client_of)
    meetup = (
        make_meetup(status="idea")
        if fields.pop("open", False)
        else make_dated_meetup(NOW + DAY, status="draft")
    )
    assert client.get(reverse("events:meetup_file", args=[meetup.slug])).status_code == 404
    assert client.get("/meetups/no-such/event.ics").status_code == 404
    assert client.get("/chapters/no-such/calendar.ics").status_code == 404


@pytest.mark.parametrize("client_of", ["as_stranger", "as_member", "as_owner"])
def test_feeds_are_only_read(request: pytest.FixtureRequest, client_of: str) -> None:
    client: Client = request.getfixturevalue(client_of)
    meetup = make_dated_meetup(NOW + DAY)
    for address in (
        ALL,
        f"/chapters/{meetup.chapter.slug}/calendar.ics",
        f"/meetups/{meetup.slug}/event.ics",
    ):
        assert client.get(address).status_code == 200
        for method in (client.post, client.put, client.patch, client.delete):
            assert method(address).status_code == 405


def test_feeds_take_as_many_queries_for_three_hundred_as_for_one(as_stranger: Client) -> None:
    chapter, other = make_chapter("pune"), make_chapter("other")
    counts = []
    for number in (1, 299):
        for index in range(number):
            venue = Venue.objects.create(chapter=chapter, name=f"Room {index}")
            meetup = make_dated_meetup(NOW + index * DAY, chapter=chapter, venue=venue)
            CoHost.objects.create(meetup=meetup, chapter=other, status="accepted")
        for address in (ALL, "/chapters/pune/calendar.ics"):
            with CaptureQueriesContext(connection) as captured:
                assert len(feed(as_stranger, address)) == (1 if number == 1 else 300)
            counts.append(len(captured))
    assert counts[:2] == counts[2:] == [3, 4]


def test_feed_holds_a_bounded_number_of_the_next_meetups(
    as_stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendars, "MOST", 3)
    chapter = make_chapter()
    meetups = [make_dated_meetup(NOW + day * DAY, chapter=chapter) for day in (4, 2, 3, 1)]
    assert list(feed(as_stranger)) == [meetups[at].ical_uid for at in (3, 1, 2)]


def test_titles_write_no_lines_of_their_own(as_stranger: Client) -> None:
    for end in ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"):
        title = f"A{end}ATTENDEE:mailto:x{end}END:VEVENT"
        meetup = make_dated_meetup(NOW + DAY, title=title)
        body = as_stranger.get(f"/meetups/{meetup.slug}/event.ics").content
        assert problems(body) == []
        # vdirsyncer reads lines as str.splitlines does.
        assert not [
            line for line in body.decode().splitlines() if line.startswith(("ATTENDEE", "END:VEVENT\\"))
        ]
        assert read_events(body)[meetup.ical_uid]["SUMMARY"] == "A\nATTENDEE:mailto:x\nEND:VEVENT"


def test_feed_is_written_once_for_all_who_ask_until_a_meetup_changes(as_stranger: Client) -> None:
    meetup = make_dated_meetup(NOW + DAY, chapter=make_chapter("pune"), title="Before")
    for address, most in ((ALL, 1), ("/chapters/pune/calendar.ics", 2)):
        first = as_stranger.get(address).content
        with CaptureQueriesContext(connection) as captured:
            assert as_stranger.get(address).content == first
        assert len(captured) == most
    later = NOW + dt.timedelta(seconds=1)
    Meetup.objects.filter(pk=meetup.pk).update(title="After", changed_at=later)
    assert feed(as_stranger)[meetup.ical_uid]["SUMMARY"] == "After"
    meetup.delete()
    assert feed(as_stranger) == feed(as_stranger, "/chapters/pune/calendar.ics") == {}
