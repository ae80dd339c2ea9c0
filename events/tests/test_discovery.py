"""Finding meetups: filters, feeds, pictures, frames, and what machines read."""

import datetime as dt
import json
import re
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from PIL import Image

from events import pictures
from events.models import CoHost, Topic, Venue
from events.queries.machines import feed_entry, structured_data, when_in_words
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup
from events.tests.test_views import headings, queries

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
ATOM = {"a": "http://www.w3.org/2005/Atom"}


def test_list_narrows_by_topic_attendance_and_dates(as_stranger: Client) -> None:
    storage = Topic.objects.create(slug="storage", name="Storage")
    start = timezone.make_aware(dt.datetime(2040, 5, 10, 23, 30))
    make_dated_meetup(start, title="Storage online", mode="online").topics.add(storage)
    make_dated_meetup(start + DAY, title="Hybrid", mode="hybrid")
    make_dated_meetup(start + 2 * DAY, title="In a room")
    make_meetup(title="No date")
    for query, expected in {
        "topic=storage": ["Storage online"],
        "attendance=online": ["Storage online", "Hybrid"],
        "attendance=in_person": ["Hybrid", "In a room", "No date"],
        "after=2040-05-11": ["Hybrid", "In a room"],
        "before=2040-05-10": ["Storage online"],
        "after=2040-05-11&before=2040-05-11": ["Hybrid"],
    }.items():
        assert headings(as_stranger, f"/meetups/?{query}") == expected, query


def test_topics_of_drafts_are_not_offered(as_stranger: Client) -> None:
    make_meetup(status="draft").topics.add(Topic.objects.create(slug="secret-plan", name="Secret plan"))
    assert "Secret plan" not in as_stranger.get("/meetups/").content.decode()


@pytest.mark.parametrize(
    "query", ["after=0001-01-01", "before=9999-12-31", "after=x", "topic=nothing", "attendance=moon"]
)
def test_list_survives_dates_at_the_edge_of_the_calendar(as_stranger: Client, query: str) -> None:
    make_meetup(title="Still here")
    page = as_stranger.get(f"/meetups/?{query}")
    assert page.status_code == 200
    assert "Still here" in page.content.decode()
    assert "needs your attention" in " ".join(page.content.decode().split())


def test_days_in_the_wrong_order_are_said_and_kept(as_stranger: Client) -> None:
    page = as_stranger.get("/meetups/?after=2040-05-11&before=2040-05-01").content.decode()
    assert "This day is before the first." in page
    assert 'value="2040-05-11"' in page


def test_co_hosted_meetup_is_listed_for_the_chapter_that_agreed_and_no_other(as_stranger: Client) -> None:
    meetup = make_meetup(make_chapter("pune"), title="Together")
    CoHost.objects.create(meetup=meetup, chapter=make_chapter("bangalore"), status="accepted")
    CoHost.objects.create(meetup=meetup, chapter=make_chapter("aurangabad"), status="asked")
    assert headings(as_stranger, "/meetups/?chapter=bangalore") == ["Together"]
    assert "Together" not in headings(as_stranger, "/meetups/?chapter=aurangabad")


def entries(client: Client, address: str) -> list[dict[str, str]]:
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(response.content)  # noqa: S314  (our own feed)
    return [
        {child.tag.rpartition("}")[2]: child.text or "" for child in entry}
        for entry in root.findall("a:entry", ATOM)
    ]


def test_feed_has_what_everybody_may_see_newest_first(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    make_meetup(pune, title="First")
    make_meetup(title="Elsewhere")
    make_meetup(pune, title="Hidden", status="draft")
    make_meetup(pune, title="Off", status="cancelled")
    assert [entry["title"] for entry in entries(as_stranger, "/meetups/feed.atom")] == [
        "Off",
        "Elsewhere",
        "First",
    ]
    assert [entry["title"] for entry in entries(as_stranger, "/chapters/pune/feed.atom")] == ["Off", "First"]


def test_feed_escapes_what_people_typed_as_the_html_that_a_summary_is(as_stranger: Client) -> None:
    make_meetup(title="<script>1</script>", summary="<img src=x onerror=alert(1)>")
    (entry,) = entries(as_stranger, "/meetups/feed.atom")
    assert entry["title"] == "<script>1</script>"  # a text construct
    assert "&lt;img" in entry["summary"]  # an HTML construct
    assert "<img" not in entry["summary"]


def test_feed_entry_keeps_its_id_when_the_meetup_is_renamed_and_says_it_changed() -> None:
    meetup = make_meetup()
    before = feed_entry(meetup)
    meetup.slug, meetup.title = "renamed", "Renamed"
    meetup.changed_at += DAY
    after = feed_entry(meetup)
    assert after["unique_id"] == before["unique_id"]
    assert after["updateddate"] == before["updateddate"] + DAY


def test_empty_feed_is_the_same_at_every_question(as_stranger: Client) -> None:
    with time_machine.travel("2026-12-01"):
        first = as_stranger.get("/meetups/feed.atom")["ETag"]
    with time_machine.travel("2026-12-02"):
        assert as_stranger.get("/meetups/feed.atom")["ETag"] == first


def test_feed_is_not_sent_again_unchanged(as_stranger: Client) -> None:
    meetup = make_meetup()
    etag = as_stranger.get("/meetups/feed.atom")["ETag"]
    assert as_stranger.get("/meetups/feed.atom", HTTP_IF_NONE_MATCH=etag).status_code == 304
    meetup.title = "Another"
    meetup.save()
    assert as_stranger.get("/meetups/feed.atom", HTTP_IF_NONE_MATCH=etag).status_code == 200


@pytest.mark.parametrize(
    "address", ["/meetups/feed.atom", "/chapters/pune/embed/", "/meetups/", "/chapters/pune/feed.atom"]
)
def test_queries_do_not_grow_with_the_meetups(as_stranger: Client, address: str) -> None:
    pune = make_chapter("pune")
    make_meetup(pune)
    one = queries(as_stranger, address)
    for _ in range(40):
        make_dated_meetup(timezone.now() + DAY, chapter=pune)
    assert queries(as_stranger, address) == one <= 5


def test_picture_is_a_png_that_changes_with_the_meetup_only(as_stranger: Client) -> None:
    meetup = make_dated_meetup(timezone.now() + DAY, slug="storage-night", title="Storage night " * 8)
    answer = as_stranger.get("/meetups/storage-night/picture.png")
    assert answer["Content-Type"] == "image/png"
    assert Image.open(BytesIO(answer.content)).size == (1200, 630)
    assert len(answer.content) < 100_000
    again = as_stranger.get("/meetups/storage-night/picture.png", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert again.status_code == 304
    meetup.status = "cancelled"
    meetup.save()
    assert as_stranger.get("/meetups/storage-night/picture.png")["ETag"] != answer["ETag"]


def test_picture_of_a_draft_is_for_nobody(as_stranger: Client) -> None:
    make_meetup(slug="secret", status="draft")
    assert as_stranger.get("/meetups/secret/picture.png").status_code == 404


def test_picture_leaves_out_letters_that_the_fonts_lack() -> None:
    plain = {"eyebrow": "Meetup in Pune", "lines": ["Date open"], "seed": "1"}
    boxes = pictures.draw_card(title="पुणे बैठक", **plain)  # type: ignore[arg-type]  # the dict's values are of two types
    told = pictures.draw_card(
        title="Meetup in Pune", eyebrow="Open Source Virtualization India", lines=["Date open"], seed="1"
    )
    assert boxes == told


@pytest.mark.parametrize("title", ["", "W" * 120, "a b " * 60, "é" * 50, "\u202etxet", "x\x00y"])
def test_picture_is_drawn_whatever_the_title(title: str) -> None:
    assert pictures.draw_card(eyebrow="Meetup", title=title, lines=["", "x" * 300], seed="1").startswith(
        b"\x89PNG"
    )


def test_frame_may_stand_in_other_sites_and_tells_everybody_the_same(
    as_owner: Client, as_stranger: Client
) -> None:
    pune = make_chapter("pune")
    make_dated_meetup(timezone.now() + DAY, chapter=pune, title="Soon")
    make_dated_meetup(timezone.now() + DAY, chapter=pune, title="Off", status="cancelled")
    make_meetup(pune, title="Hidden", status="draft")
    frame = as_stranger.get("/chapters/pune/embed/")
    assert "X-Frame-Options" not in frame
    assert not frame.cookies
    assert "frame-ancestors *" in frame["Content-Security-Policy"]
    assert "script-src" not in frame["Content-Security-Policy"]
    assert as_owner.get("/chapters/pune/embed/").content == frame.content
    page = frame.content.decode()
    assert "Soon" in page
    assert "Off" not in page
    assert "Hidden" not in page
    assert "frame-ancestors 'none'" in as_stranger.get("/meetups/")["Content-Security-Policy"]


def linked_data(html: str) -> Any:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.S)
    return [json.loads(each) for each in found]


def test_structured_data_says_what_search_engines_need_and_never_the_meeting_link() -> None:
    pune = make_chapter("pune")
    hall = Venue.objects.create(
        chapter=pune, name="Seminar hall 2", address="Shivajinagar\nPune", latitude="18.5", longitude="73.8"
    )
    meetup = make_dated_meetup(
        dt.datetime(2040, 12, 13, 4, 30, tzinfo=dt.UTC),
        chapter=pune,
        venue=hall,
        mode="hybrid",
        online_url="https://meet.example/secret",
        slug="storage-night",
        capacity=40,
    )
    data = structured_data(meetup)
    assert data is not None
    assert data["startDate"] == "2040-12-13T10:00+05:30"
    assert data["endDate"] == "2040-12-13T13:00+05:30"
    assert data["eventStatus"] == "https://schema.org/EventScheduled"
    assert data["eventAttendanceMode"] == "https://schema.org/MixedEventAttendanceMode"
    assert data["maximumAttendeeCapacity"] == 40
    place, online = data["location"]
    assert place["address"]["streetAddress"] == "Shivajinagar Pune"
    assert place["geo"] == {"@type": "GeoCoordinates", "latitude": 18.5, "longitude": 73.8}
    assert online["url"].endswith("/meetups/storage-night/")
    assert "secret" not in json.dumps(data)
    meetup.status = "cancelled"
    assert (structured_data(meetup) or {})["eventStatus"] == "https://schema.org/EventCancelled"


@pytest.mark.parametrize(
    ("precision", "start", "expected"),
    [("none", None, None), ("month", "2040-12-01", None), ("day", "2040-12-13", "2040-12-13")],
)
def test_structured_data_needs_a_day(precision: str, start: str | None, expected: str | None) -> None:
    starts_at = timezone.make_aware(dt.datetime.fromisoformat(start)) if start else None
    meetup = make_meetup(starts_at=starts_at, date_precision=precision)
    assert (structured_data(meetup) or {}).get("startDate") == expected


def test_time_in_words_is_that_of_the_meetup() -> None:
    meetup = make_dated_meetup(dt.datetime(2040, 12, 13, 4, 30, tzinfo=dt.UTC))
    assert when_in_words(meetup) == "Thursday 13 December 2040, 10:00 to 13:00 IST"
    meetup.date_precision = "month"
    assert when_in_words(meetup) == "December 2040, day open"
    meetup.status = "cancelled"
    assert when_in_words(meetup) == "Cancelled"


def test_meetup_page_carries_the_data_and_its_picture(as_stranger: Client) -> None:
    make_dated_meetup(timezone.now() + DAY, slug="night", title="</script><script>alert(1)//")
    page = as_stranger.get("/meetups/night/").content.decode()
    (data,) = linked_data(page)
    assert data["name"] == "</script><script>alert(1)//"
    assert "<script>alert(1)" not in page
    picture = re.search(r'property="og:image"\s+content="([^"]+)"', page)
    assert picture
    assert "/meetups/night/picture.png?v=" in picture[1]


def test_chapters_say_where_they_are_for_sorting_in_the_browser(as_stranger: Client) -> None:
    make_chapter("pune", latitude="18.52", longitude="73.85")
    make_chapter("nowhere")
    response = as_stranger.get("/chapters/")
    assert response.content.decode().count("data-latitude") == 1
    assert response["Permissions-Policy"] == "geolocation=(self)"


def test_chapter_page_gives_the_frame_to_copy_and_leads_to_its_feed(as_stranger: Client) -> None:
    make_chapter("pune", city='"><b>Pune')
    page = as_stranger.get("/chapters/pune/").content.decode()
    assert "&lt;iframe src=&quot;" in page or '&lt;iframe src="' in page
    assert "/chapters/pune/embed/" in page
    assert "<b>Pune" not in page
    assert 'href="/chapters/pune/feed.atom"' in page
