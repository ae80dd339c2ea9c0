"""Cards, live blocks, flags and pasted errors in a real browser: pointer, keyboard and finger, and axe's judgement."""

import datetime as dt
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from kb.models import Article
from kb.services.flags import raise_flags
from kb.tests.factories import make_article
from labtools.tests.lab_hosts import AT, make_document, make_document_json, make_seen_host, record
from portal.tests.browser import NewPage, axe_findings, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TEXT = """Give the guest `virtio-net-pci`, then `virtio-blk-pci.scsi`.

{{ qemu-device virtio-net-pci }}

{{ qemu-matrix virtio-blk-pci.scsi }}

{{ qemu-option virtio-net-pci.rss }}

{{ qemu-cpus x86_64 }}

{{ lab-hosts }}

## Mend the label

!!! error "Could not open '*': Permission denied"
    The label is wrong.
"""


@pytest.fixture
def article() -> Article:
    """An article with blocks and names, flagged."""
    host = make_seen_host("pune-1", name="Pune one")
    made = make_article(TEXT, slug="one", title="Devices", at=AT - dt.timedelta(days=1))
    raw = make_document_json("10.0.13")
    raw["qemu"][0]["devices"][0]["properties"] = [{"name": "drive", "type": "str"}]
    record(host, make_document(raw), AT + dt.timedelta(days=1))
    raise_flags(at=AT + dt.timedelta(days=1))
    return made


def card(page: Page) -> Any:
    """The card that is shown."""
    return page.locator("#lab-card")


def test_a_card_comes_by_pointer_and_keyboard_and_goes_with_escape(
    article: Article, live_server: Any, new_page: NewPage
) -> None:
    page = new_page()
    page.goto(f"{live_server.url}/kb/one/")
    name = page.locator("a.lab-name").first
    name.hover()
    expect(card(page)).to_contain_text("A virtual network adapter")
    card(page).hover()
    page.wait_for_timeout(500)
    expect(card(page)).to_be_visible()
    assert axe_findings(page) == []
    page.keyboard.press("Escape")
    expect(card(page)).to_have_count(0)
    page.locator("h1").hover()
    name.focus()
    expect(card(page)).to_be_visible()
    assert name.get_attribute("aria-describedby") == "lab-card"
    page.keyboard.press("Tab")
    expect(card(page).locator("a")).to_be_focused()
    page.keyboard.press("Escape")
    expect(card(page)).to_have_count(0)
    expect(name).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/lab/devices/virtio-net-pci/")


def test_a_finger_sees_the_card_first(article: Article, live_server: Any, new_page: NewPage) -> None:
    page = new_page(width=360, has_touch=True, is_mobile=True)
    page.goto(f"{live_server.url}/kb/one/")
    name = page.locator("a.lab-name").first
    name.tap()
    expect(card(page)).to_contain_text("A virtual network adapter")
    box = card(page).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    name.tap()
    page.wait_for_url("**/lab/devices/virtio-net-pci/")


def test_without_a_program_a_name_is_a_link(article: Article, live_server: Any, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{live_server.url}/kb/one/")
    page.locator("a.lab-name").first.click()
    page.wait_for_url("**/lab/devices/virtio-net-pci/")


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_article_and_errors_are_for_everybody(
    article: Article, live_server: Any, new_page: NewPage, look: str
) -> None:
    page = new_page(
        width=360 if look == "narrow" else 1280, color_scheme="dark" if look == "dark" else "light"
    )
    page.goto(f"{live_server.url}/kb/one/")
    expect(page.locator(".note")).to_contain_text("is gone on pune-1: QEMU 7.2.22 to 10.0.13.")
    assert axe_findings(page) == []
    assert overflow(page) == 0
    page.goto(f"{live_server.url}/kb/errors/")
    assert axe_findings(page) == []
    page.get_by_label("Error message, log or domain XML").fill(
        "error: Could not open '/a/b': Permission denied"
    )
    page.get_by_role("button", name="Find what helps").click()
    expect(page.get_by_role("link", name="What to do: Devices")).to_be_visible()
    assert axe_findings(page) == []
    assert overflow(page) == 0
    page.get_by_label("Error message, log or domain XML").fill("zzzyx")
    page.get_by_role("button", name="Find what helps").click()
    expect(page.get_by_text("Nothing was found for this text")).to_be_visible()
    assert axe_findings(page) == []
