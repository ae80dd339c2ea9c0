"""The home page, and what machines ask for, composed from all rooms."""

import datetime as dt
from io import StringIO
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from events.tests.factories import make_chapter, make_dated_meetup, make_meetup
from kb.tests.factories import make_article
from labtools.models import ImageCheck
from portal.management.commands import load_starting_content
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def page(client: Client, address: str = "/") -> str:
    """The page at ``address``, its white space evened out."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_home_shows_the_next_three_meetups_and_no_others(as_stranger: Client) -> None:
    now = timezone.now()
    make_dated_meetup(now - DAY, title="Over")
    make_dated_meetup(now + DAY, title="Called off", status="cancelled")
    make_meetup(title="Hidden", status="draft")
    make_meetup(title="Third, open")
    make_meetup(title="Fourth, open", chapter=make_chapter("zz-last"))
    make_dated_meetup(now + 2 * DAY, title="Second")
    make_dated_meetup(now + DAY, title="First")
    home = page(as_stranger)
    places = [home.index(f">{title}</a>") for title in ("First", "Second", "Third, open")]
    assert places == sorted(places)
    for title in ("Over", "Called off", "Hidden", "Fourth, open"):
        assert title not in home


def test_home_shows_the_newest_three_articles(as_stranger: Client) -> None:
    now = timezone.now()
    for age in range(4):
        make_article(title=f"Article of age {age}", at=now - age * DAY)
    home = page(as_stranger)
    assert home.index("age 0") < home.index("age 1") < home.index("age 2")
    assert "age 3" not in home


def make_sample_check(sample: str, **fields: object) -> ImageCheck:
    """A finished public report on one of the lab's samples."""
    defaults: dict[str, object] = {
        "sample": sample,
        "state": "finished",
        "visibility": "public",
        "result": {"verdict": {"sentence": f"Verdict on {sample}."}},
    }
    return ImageCheck.objects.create(**(defaults | fields))


def test_home_shows_finished_reports_of_the_samples_with_their_verdicts(as_stranger: Client) -> None:
    corrupt = make_sample_check("corrupt")
    make_sample_check("healthy")
    make_sample_check("leaking", state="queued", result=None)
    make_sample_check("", filename="a-members-own.qcow2", owner=make_user("brings-images@example.org"))
    home = page(as_stranger)
    assert home.index("Verdict on healthy.") < home.index("Verdict on corrupt.")
    assert f'href="{corrupt.get_absolute_url()}"' in home
    assert "An image with leaked clusters" not in home
    assert "a-members-own" not in home


def test_empty_home_says_what_to_do_next(as_stranger: Client) -> None:
    home = page(as_stranger)
    assert "No meetup is planned yet" in home
    assert "No article yet" in home


def test_sitemap_names_what_strangers_may_read(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    make_chapter("gone", status="archived")
    make_meetup(pune, slug="open")
    make_meetup(pune, slug="draft", status="draft")
    make_article(slug="published")
    make_article(None, slug="unpublished")
    response = as_stranger.get("/sitemap.xml")
    assert response["Content-Type"] == "application/xml"
    tree = ElementTree.fromstring(response.content)  # noqa: S314  (our own)
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    addresses = [str(place.text).removeprefix(settings.SITE_URL) for place in tree.iter(f"{space}loc")]
    assert addresses == [
        "/", "/about/", "/meetups/", "/chapters/", "/kb/", "/lab/", "/lab/images/", "/lab/devices/", "/lab/hosts/",
        "/talks/", "/conferences/",
        "/chapters/pune/", "/kb/published/", "/meetups/open/",
    ]  # fmt: skip
    assert [str(day.text)[:10] for day in tree.iter(f"{space}lastmod")] == ["2026-11-22"]


def test_robots_keep_out_of_personal_pages_and_find_the_sitemap(as_stranger: Client) -> None:
    response = as_stranger.get("/robots.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    lines = response.content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    assert {"Disallow: /admin/", "Disallow: /accounts/", "Disallow: /me/"} <= set(lines)
    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in lines


def test_security_txt_has_the_fields_that_rfc_9116_wants(as_stranger: Client) -> None:
    response = as_stranger.get("/.well-known/security.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in response.content.decode().splitlines())
    assert fields["Contact"] == f"{settings.SITE_URL}/about/"
    expires = dt.datetime.fromisoformat(fields["Expires"])
    assert 30 * DAY < expires - timezone.now() < 365 * DAY
    assert fields["Canonical"] == f"{settings.SITE_URL}/.well-known/security.txt"


@pytest.mark.parametrize("address", ["/", "/sitemap.xml", "/robots.txt", "/.well-known/security.txt"])
def test_pages_take_no_post(as_member: Client, address: str) -> None:
    assert as_member.post(address).status_code == 405


def test_starting_content_of_every_room_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # The lab's own tests make its samples; here it stands for a room that has nothing to start with.
    monkeypatch.setattr(settings, "ROOMS", ["events", "kb", "portal.tests"])
    first, second = StringIO(), StringIO()
    call_command(load_starting_content.Command(), stdout=first)
    call_command(load_starting_content.Command(), stdout=second)
    assert "events: chapter Pune" in first.getvalue()
    assert "kb: article" in first.getvalue()
    assert second.getvalue() == "Starting content is in place.\n"
