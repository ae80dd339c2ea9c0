"""The linter and the builder in a real browser: axe, widths, keyboard, with and without script."""

from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from labtools.lint_page import EXAMPLES
from labtools.tests.lab_hosts import make_seen_host
from portal.tests.browser import NewPage, axe_findings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ON = "pune-1:x86_64"
BUILD = "/lab/build/?device=virtio-net-pci&on=" + ON


def addresses() -> list[str]:
    texts = [text for _, text in EXAMPLES]
    long = "virtio-net-pci,mac=" + "0123456789abcdef" * 30
    checked = [f"/lab/lint/?{urlencode([('text', text), ('on', ON)])}" for text in (*texts, long)]
    bad = "&experimental=1&p.host_mtu=99999&p.no-such-property-of-a-long-name=1&p.mac=52:54:00:00:00:01"
    return ["/lab/lint/", *checked, "/lab/build/", "/lab/build/?device=virtio-net-pic", BUILD, BUILD + bad]


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "light"), (360, "dark"), (1600, "light"), (1600, "dark")]
)
def test_pages_please_axe_and_fit_the_window(
    new_page: NewPage, live_server: Any, width: int, scheme: str
) -> None:
    make_seen_host()
    page = new_page(width=width, color_scheme=scheme)
    for path in addresses():
        page.goto(live_server.url + path)
        for fold in page.locator("details").all():
            fold.evaluate("fold => fold.open = true")
        assert axe_findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_text_is_checked_by_keyboard_without_script(new_page: NewPage, live_server: Any) -> None:
    make_seen_host()
    page = new_page(java_script_enabled=False)
    page.goto(live_server.url + "/lab/lint/")
    page.get_by_label("Option, command line or domain XML").focus()
    page.keyboard.type("virtio-net-pci,rss=maybe")
    page.get_by_role("button", name="Check it").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What was found")).to_be_visible()
    expect(page.get_by_text("rss does not take “maybe”")).to_be_visible()
    expect(page.get_by_label("Option, command line or domain XML")).to_have_value("virtio-net-pci,rss=maybe")
    page.get_by_role("link", name="Line 1, column 16").focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#line-1")


def test_builder_shows_what_comes_of_each_key_and_keeps_the_address(
    new_page: NewPage, live_server: Any
) -> None:
    make_seen_host()
    page = new_page()
    page.goto(live_server.url + BUILD)
    preview = page.locator("#preview")
    page.get_by_label("host_mtu", exact=True).fill("1500")
    expect(preview).to_contain_text("-device virtio-net-pci,host_mtu=1500")
    assert "p.host_mtu=1500" in page.url
    page.get_by_text("All other properties").click()
    page.get_by_label("rss", exact=True).select_option("on")
    expect(preview).to_contain_text("host_mtu=1500,rss=on")
    page.get_by_label("host_mtu", exact=True).fill("99999")
    expect(preview).to_contain_text("Give a whole number from 0 to 65535.")
    page.reload()
    expect(page.get_by_label("host_mtu", exact=True)).to_have_value("99999")


def test_builder_works_without_script(new_page: NewPage, live_server: Any) -> None:
    make_seen_host()
    page = new_page(java_script_enabled=False)
    page.goto(live_server.url + "/lab/build/")
    page.get_by_label("Device", exact=True).fill("virtio-blk")
    page.get_by_role("button", name="Show its fields").click()
    page.get_by_label("drive", exact=True).fill("disk0")
    page.get_by_role("button", name="Show the option").first.click()
    expect(page.locator("#preview")).to_contain_text("-device virtio-blk-pci,drive=disk0")
    assert "p.scsi" not in page.url
