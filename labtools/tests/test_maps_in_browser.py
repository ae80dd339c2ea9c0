"""The maps in a real browser: both themes, narrow and wide, by pointer, by keyboard, without script."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from labtools.models import ImageCheck
from labtools.tests.factories import make_report
from labtools.tests.mapped import as_bytes, damage, mapped_image
from portal.accounts.models import User
from portal.tests.browser import NewPage, axe_findings, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def report(owner: User) -> ImageCheck:
    image = mapped_image()
    damage(image)
    return make_report(owner, as_bytes(image))


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "dark"), (360, "light"), (1600, "light"), (1600, "dark")]
)
def test_maps_please_axe_and_fit_the_window(
    new_page: NewPage, live_server: Any, as_owner: Client, report: ImageCheck, width: int, scheme: str
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, as_owner, live_server.url)
    address = live_server.url + report.get_absolute_url()
    for path in (
        "",
        "map/",
        "map/?at=0x1c00",
        "map/?from=0&to=8192",
        "disk/",
        "disk/?layer=1&at=512",
        "map/?at=x",
    ):
        page.goto(address + path)
        assert axe_findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_from_the_report_to_a_cluster_and_to_the_guest_without_script(
    new_page: NewPage, live_server: Any, as_owner: Client, report: ImageCheck
) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, as_owner, live_server.url)
    page.goto(live_server.url + report.get_absolute_url())

    page.locator("section[aria-labelledby=map] .c-bad").first.click()
    expect(page.locator("#cluster")).to_contain_text("of the file")
    expect(page.locator("section[aria-labelledby=cluster]")).to_contain_text("damaged; the findings say how")
    page.get_by_role("link", name="See it on the guest's disk").first.click()
    expect(page.locator("#cluster")).to_contain_text("of the guest's disk")
    page.get_by_role("link", name="See it in the file").first.click()
    expect(page.locator("#cluster")).to_contain_text("of the file")


def test_the_cells_are_no_stops_of_the_keyboard(
    new_page: NewPage, live_server: Any, as_owner: Client, report: ImageCheck
) -> None:
    page = new_page()
    sign_in(page, as_owner, live_server.url)
    page.goto(f"{live_server.url}{report.get_absolute_url()}map/")

    assert page.locator("svg.cells a").count() > 100
    assert page.locator("svg.cells a:not([tabindex='-1'])").count() == 0
    page.get_by_role("link", name="0x0 to ").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="A part of it")).to_be_visible()
    page.get_by_label("What is at byte").fill("0x200")
    page.keyboard.press("Enter")
    expect(page.locator("#cluster")).to_have_text("Cluster 1 of the file")
