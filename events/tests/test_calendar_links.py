"""Links that put a meetup into a calendar, and the page of all addresses."""

import datetime as dt
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from events.calendar_links import meetup_links, subscription
from events.models import Venue
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 12, 20, 10, tzinfo=ZoneInfo("Asia/Kolkata"))


def query(address: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}


def test_links_say_the_same_time_in_each_services_way() -> None:
    chapter = make_chapter("pune", city="Pune")
    venue = Venue.objects.create(chapter=chapter, name="Hall & co", address="1, Lane\r\nPune")
    meetup = make_dated_meetup(START, chapter=chapter, title="A & B #1", venue=venue, slug="ab")
    links = meetup_links(meetup, is_past=False)
    assert links
    assert links.file == "/meetups/ab/event.ics"
    google = query(links.google)
    assert google["text"] == "A & B #1"
    assert (google["dates"], google["ctz"]) == ("20261220T100000/20261220T130000", "Asia/Kolkata")
    assert google["location"] == "Hall & co, 1, Lane, Pune"
    assert google["details"] == "http://localhost:8000/meetups/ab/"
    outlook = query(links.outlook)
    assert (outlook["startdt"], outlook["enddt"]) == ("2026-12-20T04:30:00Z", "2026-12-20T07:30:00Z")
    yahoo = query(links.yahoo)
    assert (yahoo["st"], yahoo["et"]) == ("20261220T043000Z", "20261220T073000Z")


def test_day_alone_is_a_whole_day() -> None:
    start = START.replace(hour=0)
    meetup = make_dated_meetup(start, hours=None, status="tentative", date_precision="day", mode="online")
    links = meetup_links(meetup, is_past=False)
    assert links
    assert query(links.google)["dates"] == "20261220/20261221"
    assert query(links.google)["location"] == "Online"
    assert query(links.outlook)["enddt"] == "2026-12-21"
    assert query(links.yahoo)["dur"] == "allday"


@pytest.mark.parametrize("fields", [{"status": "cancelled"}, {"status": "draft"}, {"is_past": True}])
def test_what_does_not_take_place_has_no_links(fields: dict[str, Any]) -> None:
    is_past = fields.pop("is_past", False)
    assert meetup_links(make_dated_meetup(START, **fields), is_past=is_past) is None


def test_open_date_has_no_links() -> None:
    assert meetup_links(make_meetup(), is_past=False) is None


def test_link_of_an_online_meetup_is_in_none_of_them() -> None:
    meetup = make_dated_meetup(START, mode="online", online_url="https://meet.example/secret")
    assert "secret" not in repr(meetup_links(meetup, is_past=False))


def test_subscription_opens_the_address_in_programs() -> None:
    links = subscription("/chapters/pune/calendar.ics", "Pune & co")
    assert links.address == "http://localhost:8000/chapters/pune/calendar.ics"
    assert links.webcal == "webcal://localhost:8000/chapters/pune/calendar.ics"
    assert query(links.google)["cid"] == links.webcal
    assert query(links.outlook) == {"url": links.address, "name": "Pune & co"}


def test_page_of_a_meetup_offers_its_calendar(as_stranger: Client) -> None:
    coming = make_dated_meetup(timezone.now() + dt.timedelta(days=3), slug="soon")
    page = as_stranger.get(coming.get_absolute_url()).content.decode()
    assert 'href="/meetups/soon/event.ics"' in page
    assert "calendar.google.com" in page
    open_ = as_stranger.get(make_meetup(coming.chapter).get_absolute_url()).content.decode()
    assert "event.ics" not in open_


def test_calendar_page_lists_every_living_chapter_in_one_query(
    as_stranger: Client, django_assert_num_queries: Any
) -> None:
    make_chapter("pune"), make_chapter("bangalore"), make_chapter("gone", status="archived")
    with django_assert_num_queries(1):
        page = as_stranger.get("/calendar/").content.decode()
    assert "http://localhost:8000/calendar.ics" in page
    assert "http://localhost:8000/chapters/pune/calendar.ics" in page
    assert "http://localhost:8000/chapters/bangalore/calendar.ics" in page
    assert "/chapters/gone/" not in page


def test_chapter_page_and_list_lead_to_the_addresses(as_stranger: Client) -> None:
    page = as_stranger.get(make_chapter("pune").get_absolute_url()).content.decode()
    assert "webcal://localhost:8000/chapters/pune/calendar.ics" in page
    assert 'href="/calendar/"' in as_stranger.get("/meetups/").content.decode()
