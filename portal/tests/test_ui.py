"""The small Python parts of the design system, and the promises every page's frame makes."""

import datetime as dt
import gzip
import re
from pathlib import Path

import pytest
from django.core.paginator import Paginator
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import resolve
from django.utils import timezone

from portal.accounts.models import User
from portal.styleguide import ExampleForm
from portal.templatetags import ui

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["/", "/about/", "/code-of-conduct/", "/styleguide/"]


def _soup(html: str) -> str:
    return re.sub(r"\s+", " ", html)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Anil Vettathu", "AV"), ("Ashutosh Sudhakar Bhakare", "AB"), ("libvirt", "L"), ("—", "?"), ("", "?")],
)
def test_initials_are_of_first_and_last_name(name: str, letters: str) -> None:
    assert ui.initials(name) == letters


def test_date_tile_without_a_date_says_so_whatever_the_precision() -> None:
    assert "date open" in render_to_string("components/date.html", ui.date_tile(None, "exact"))


def test_date_tile_of_a_month_names_no_day() -> None:
    html = _soup(render_to_string("components/date.html", ui.date_tile(dt.date(2026, 12, 13), "month")))
    assert 'datetime="2026-12"' in html
    assert "day open" in html
    assert "13" not in html


def test_date_tile_shows_the_day_in_the_readers_zone() -> None:
    late = dt.datetime(2026, 12, 12, 20, 0, tzinfo=dt.UTC)
    with timezone.override("Asia/Kolkata"):
        html = render_to_string("components/date.html", ui.date_tile(late))
    assert 'datetime="2026-12-13"' in html


def test_page_numbers_keep_the_ends_and_the_neighbours() -> None:
    assert ui.page_numbers(Paginator(range(200), 20), 5) == [1, 0, 4, 5, 6, 0, 10]


def test_navigation_marks_the_room_and_the_page_inside_it() -> None:
    def current(path: str) -> dict[str, str]:
        items = ui.main_navigation({"request": RequestFactory().get(path)})
        return {item.url: item.current for item in items if item.current}

    assert current("/kb/") == {"/kb/": "page"}
    assert current("/kb/anything/") == {"/kb/": "true"}
    assert current("/") == {}
    chapters = RequestFactory().get("/chapters/")
    chapters.resolver_match = resolve("/chapters/")  # a page of the room under another address
    assert [item.url for item in ui.main_navigation({"request": chapters}) if item.current] == ["/meetups/"]


def test_field_ties_help_and_error_to_its_control() -> None:
    form = ExampleForm({"title": ""}, prefix="x")
    html = _soup(str(form["title"].as_field_group()))
    assert 'aria-describedby="id_x-title_helptext id_x-title_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_x-title_helptext"' in html
    assert 'id="id_x-title_error"' in html


def test_form_begins_with_a_summary_that_leads_to_the_fields() -> None:
    form = ExampleForm({"title": ""}, prefix="x")
    html = _soup(str(form))
    assert '<a href="#id_x-title">Title</a>: This field is required.' in html
    assert html.index("error-summary") < html.index('name="x-title"')
    assert "error-summary" not in str(ExampleForm(prefix="x"))


@pytest.mark.django_db
def test_example_of_a_refused_form_does_not_take_the_focus_of_its_page(client: Client) -> None:
    html = client.get("/styleguide/").content.decode()
    assert "error-summary" in html
    assert "autofocus" not in html


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_page_has_one_heading_a_title_and_nothing_inline(path: str, as_stranger: Client) -> None:
    html = as_stranger.get(path).content.decode()
    assert len(re.findall(r"<h1[\s>]", html)) == 1
    assert re.search(r"<title>\s*\S", html)
    assert re.findall(r"<(?:style|script(?![^>]*\bsrc=))[\s>]|\sstyle=|\son[a-z]+=|javascript:", html) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cookie", "written"), [("dark", True), ("light", True), ("system", False), ('"><b>', False)]
)
def test_theme_cookie_is_written_on_the_root_and_nothing_else_is(cookie: str, written: bool) -> None:
    client = Client()
    client.cookies["theme"] = cookie
    html = _soup(client.get("/about/").content.decode())
    assert (f'<html lang="en" data-theme="{cookie}"' in html) is written
    assert ("data-theme=" in html[:200]) is written


@pytest.mark.django_db
def test_member_is_offered_the_way_out_and_no_sign_in(as_member: Client, member: User) -> None:
    html = as_member.get("/about/").content.decode()
    assert member.email not in html
    assert "Signed in as Ravi Member" in html
    assert 'action="/accounts/logout/"' in html
    assert 'href="/accounts/login/"' not in html
    assert 'href="/accounts/login/"' in Client().get("/about/").content.decode()


def test_server_error_page_needs_no_request_and_shows_the_id() -> None:
    html = render_to_string("500.html", {"request_id": "abcdef0123456789"})
    assert "abcdef0123456789" in html
    assert html.count("<h1>") == 1


@pytest.mark.django_db
def test_missing_page_says_so_and_names_its_request(as_stranger: Client) -> None:
    response = as_stranger.get("/no-such-page/")
    assert response.status_code == 404
    assert response["X-Request-ID"] in response.content.decode()
    assert "There is no page at this address" in response.content.decode()


def test_styles_and_scripts_stay_within_their_budgets() -> None:
    """A page gets what base.html links, and at most one style sheet of its room."""
    base = (ROOT / "templates" / "base.html").read_text()
    weight = {
        f"{path.parent.name}/{path.name}": len(gzip.compress(path.read_bytes()))
        for path in (ROOT / "static").glob("[cj]s*/*.[cj]s*")
    }
    shared = [name for name in weight if f'"{name}"' in base]
    own = [size for name, size in weight.items() if name.startswith("css/") and name not in shared]
    assert {name.partition("/")[0] for name in shared} == {"css", "js"}
    assert sum(weight[name] for name in shared if name.startswith("css/")) + max(own, default=0) <= 15 * 1024
    assert sum(weight[name] for name in shared if name.startswith("js/")) <= 5 * 1024
