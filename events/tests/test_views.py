"""The pages of the room, each as three persons."""

import datetime as dt
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import Meetup
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup, make_organizer
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


class _Entries(HTMLParser):
    """The texts of links to meetups and chapters, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h2", "h3"):
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h2", "h3"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.found.append(data.strip())


def headings(client: Client, address: str) -> list[str]:
    """The headings below the first of the page at ``address``."""
    response = client.get(address)
    assert response.status_code == 200
    return _Entries(response.content.decode()).found


def queries(client: Client, address: str) -> int:
    """How many queries the page at ``address`` takes."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_list_shows_meetups_to_come_and_past_ones_apart(as_stranger: Client) -> None:
    now = timezone.now()
    make_meetup(title="Open")
    make_dated_meetup(now + DAY, title="Tomorrow")
    make_dated_meetup(now - DAY, title="Yesterday")
    assert headings(as_stranger, "/meetups/") == ["Tomorrow", "Open"]
    assert headings(as_stranger, "/meetups/?when=past") == ["Yesterday"]


def test_list_narrows_by_chapter_and_status(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    make_meetup(pune, title="In Pune")
    make_meetup(pune, title="Tentative in Pune", status="tentative")
    make_meetup(title="Elsewhere")
    assert headings(as_stranger, "/meetups/?chapter=pune") == ["In Pune", "Tentative in Pune"]
    assert headings(as_stranger, "/meetups/?chapter=pune&status=tentative") == ["Tentative in Pune"]
    assert "No meetup matches these filters" in as_stranger.get("/meetups/?status=cancelled").content.decode()


@pytest.mark.parametrize("query", ["chapter=nowhere", "status=draft", "page=9999", "page=x", "chapter=%00"])
def test_list_survives_rubbish_filters(as_stranger: Client, query: str) -> None:
    make_meetup(title="Still here")
    assert headings(as_stranger, f"/meetups/?{query}")[-1] == "Still here"


def test_list_is_paged_and_keeps_its_filters(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    for number in range(21):
        make_meetup(pune, title=f"M{number:02}")
    page = as_stranger.get("/meetups/?chapter=pune").content.decode()
    assert "?chapter=pune&amp;page=2" in page
    assert headings(as_stranger, "/meetups/?chapter=pune&page=2") == ["M20"]


def test_empty_lists_say_what_to_do_next(as_stranger: Client) -> None:
    for address, sentence, link in (
        ("/meetups/", "No meetup is planned", "/chapters/"),
        ("/meetups/?when=past", "No meetup is over yet", "/meetups/"),
        ("/chapters/", "There is no chapter yet", "/about/"),
    ):
        page = as_stranger.get(address).content.decode()
        assert sentence in page
        assert f'href="{link}"' in page


def test_meetup_says_its_time_in_its_own_zone_to_everybody(as_member: Client, member: User) -> None:
    User.objects.filter(pk=member.pk).update(time_zone="America/New_York")
    make_dated_meetup(dt.datetime(2030, 12, 13, 4, 30, tzinfo=dt.UTC), slug="storage-night")
    page = " ".join(as_member.get("/meetups/storage-night/").content.decode().split())
    assert 'datetime="2030-12-13T10:00+05:30"' in page
    assert "Friday 13 December 2030, 10:00" in page
    assert '<abbr title="Asia/Kolkata">IST</abbr>' in page


def test_date_tile_of_a_list_shows_the_day_in_the_meetups_own_zone(as_stranger: Client) -> None:
    late_evening_there = dt.datetime(2030, 12, 14, 2, tzinfo=dt.UTC)  # already the 14th in India
    make_dated_meetup(late_evening_there, time_zone="America/New_York")
    page = as_stranger.get("/meetups/").content.decode()
    assert 'class="date" datetime="2030-12-13"' in " ".join(page.split())


def test_draft_is_there_for_its_organizers_alone(
    as_owner: Client, as_member: Client, as_stranger: Client, owner: User
) -> None:
    chapter = make_chapter("pune")
    make_meetup(chapter, slug="secret", title="Secret plan", status="draft")
    make_organizer(chapter, user=owner)
    for client, status in ((as_owner, 200), (as_member, 404), (as_stranger, 404)):
        assert client.get("/meetups/secret/").status_code == status
        for address in ("/meetups/", "/chapters/pune/"):
            page = client.get(address).content.decode()
            assert ("Secret plan" in page) is (status == 200)
    assert "Secret plan" not in as_owner.get("/").content.decode()
    chapters = " ".join(as_owner.get("/chapters/").content.decode().split())
    assert "none planned" in chapters
    assert "1 to come" not in chapters


def test_chapter_list_counts_the_meetups_that_will_take_place(as_stranger: Client) -> None:
    pune, now = make_chapter("pune"), timezone.now()
    make_meetup(pune)
    make_dated_meetup(now + DAY, chapter=pune)
    make_dated_meetup(now + DAY, chapter=pune, status="cancelled")
    make_dated_meetup(now - DAY, chapter=pune)
    assert "2 to come" in " ".join(as_stranger.get("/chapters/").content.decode().split())


def test_chapter_names_its_organizers_or_looks_for_one(as_stranger: Client) -> None:
    make_organizer(make_chapter("pune"), name="Anil Vettathu")
    make_organizer(make_chapter("bangalore"), name="A Helper", role="volunteer")
    assert "Anil Vettathu" in as_stranger.get("/chapters/pune/").content.decode()
    page = as_stranger.get("/chapters/bangalore/").content.decode()
    assert "Looking for an organizer" in page
    assert "A Helper" not in page


def test_past_meetups_are_not_put_down_to_those_who_run_the_chapter_today(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    make_organizer(pune, name="Anil Vettathu")
    make_dated_meetup(timezone.now() - DAY, chapter=pune)
    assert "Anil" not in as_stranger.get("/meetups/?when=past").content.decode()
    make_dated_meetup(timezone.now() + DAY, chapter=pune)
    assert "organized by Anil Vettathu" in " ".join(as_stranger.get("/meetups/").content.decode().split())
    make_meetup(title="Nobody runs it")
    assert "organizer wanted" in as_stranger.get("/meetups/").content.decode()


def test_chapter_page_has_its_own_meetups_only(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    make_meetup(pune, title="Ours")
    make_dated_meetup(timezone.now() - DAY, chapter=pune, title="Ours, past")
    make_meetup(title="Theirs")
    found = headings(as_stranger, "/chapters/pune/")
    assert found[:4] == ["Meetups to come", "Ours", "Past meetups", "Ours, past"]


@pytest.mark.parametrize(
    "address",
    [
        "/meetups/none/",
        "/chapters/none/",
        "/meetups/a%20b/",
        "/chapters/%00/",
        "/meetups/..%2f/",
        "/meetups/" + "x" * 500 + "/",
    ],
)
def test_rubbish_addresses_are_not_found(as_stranger: Client, as_member: Client, address: str) -> None:
    assert as_stranger.get(address).status_code == 404
    assert as_member.get(address).status_code == 404


def test_pages_take_no_post(as_owner: Client) -> None:
    make_meetup(make_chapter("pune"), slug="one")
    for address in ("/meetups/", "/meetups/one/", "/chapters/", "/chapters/pune/"):
        assert as_owner.post(address).status_code == 405
    assert Meetup.objects.count() == 1


def _fill(number: int) -> None:
    for _ in range(number):
        chapter = make_chapter()
        make_organizer(chapter, user=make_user())
        make_meetup(chapter)
        make_dated_meetup(timezone.now() - DAY, chapter=make_chapter())


@pytest.mark.parametrize("address", ["/meetups/", "/meetups/?when=past", "/chapters/", "/sitemap.xml", "/"])
def test_lists_take_as_many_queries_for_three_as_for_one(as_stranger: Client, address: str) -> None:
    _fill(1)
    one = queries(as_stranger, address)
    _fill(2)
    assert queries(as_stranger, address) == one <= 6


def test_pages_of_one_thing_take_a_constant_number_of_queries(as_stranger: Client) -> None:
    chapter = make_chapter("pune")

    def grow(number: int) -> None:
        for _ in range(number):
            make_organizer(chapter, user=make_user())
            make_meetup(chapter, slug=f"m{Meetup.objects.count()}")

    grow(1)

    def count() -> list[int]:
        return [queries(as_stranger, address) for address in ("/chapters/pune/", "/meetups/m0/")]

    one = count()
    grow(2)
    assert count() == one
    assert max(one) <= 5
