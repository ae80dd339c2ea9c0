"""The pages of device types in a real browser: typing, keys, both themes, narrow and wide, without script."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from labtools.labhost.limits import MAX_DEVICE_DESCRIPTION, MAX_NAME
from labtools.services.catalogue import refresh_catalogue
from labtools.tests.lab_hosts import device, make_seen_host
from labtools.tests.test_devices import document_with, make_versions
from portal.tests.browser import NewPage, axe_findings, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_pages_please_axe_and_fit_the_window(
    new_page: NewPage, live_server: Any, width: int, scheme: str
) -> None:
    make_versions()
    make_seen_host(
        "hostile",
        document_with(device("a" * MAX_NAME, description="b" * MAX_DEVICE_DESCRIPTION, bus="c" * MAX_NAME)),
    )
    refresh_catalogue()
    page = new_page(width=width, color_scheme=scheme)
    for path in (
        "/lab/",
        "/lab/search/?q=virtio",
        "/lab/search/?q=host_mtu",
        "/lab/search/?q=no-such-thing",
        "/lab/devices/",
        "/lab/devices/?on=hostile:x86_64",
        "/lab/devices/?q=nothing-of-this",
        "/lab/devices/virtio-net-pci/?on=debian-12:x86_64&x=1",
        "/lab/devices/virtio-gpu-gl-pci/",
        f"/lab/devices/{'a' * MAX_NAME}/",
        "/lab/devices/no-such-device/",
    ):
        page.goto(live_server.url + path)
        assert axe_findings(page) == [], path
        assert overflow(page) == 0, path


def test_the_explorer_follows_what_is_typed_and_the_keys(new_page: NewPage, live_server: Any) -> None:
    make_versions()
    page = new_page()
    page.goto(live_server.url + "/lab/devices/")
    page.keyboard.press("/")
    page.keyboard.type("virtio-n")
    expect(page.locator("#device-count")).to_have_text("1 of 3 device types match “virtio-n”.")
    expect(page.locator("#devices tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("q=virtio-n"))
    page.keyboard.press("ArrowDown")
    expect(page.locator("#devices").get_by_role("link", name="virtio-net-pci")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("virtio-net-pci")


def test_the_options_are_narrowed_in_place_and_copied(new_page: NewPage, live_server: Any) -> None:
    make_versions()
    page = new_page()
    page.goto(live_server.url + "/lab/devices/virtio-net-pci/?on=debian-12:x86_64")
    rows = page.locator(".option-rows tbody tr")
    expect(rows).to_have_count(4)
    page.get_by_label("x- options (1)").check()
    expect(rows).to_have_count(5)
    page.get_by_label("only changed (3)").check()
    expect(rows).to_have_count(3)
    expect(page.get_by_label("only changed (3)")).to_be_focused()
    expect(page).to_have_url(re.compile("on=debian-12%3Ax86_64&x=1&changed=1"))
    page.get_by_text("The text of").click()
    expect(page.get_by_role("button", name="Copy")).to_have_count(2)


def test_the_front_page_finds_as_one_types(new_page: NewPage, live_server: Any) -> None:
    make_versions()
    refresh_catalogue()
    page = new_page()
    page.goto(live_server.url + "/lab/")
    page.get_by_role("searchbox").press_sequentially("virtio-net")
    expect(page.locator("#lab-found").get_by_role("link", name="virtio-net-pci")).to_be_visible()
    expect(page.locator("#lab-count")).to_contain_text("for “virtio-net”")


def test_all_of_it_works_without_script(new_page: NewPage, live_server: Any) -> None:
    make_versions()
    refresh_catalogue()
    page = new_page(java_script_enabled=False)
    page.goto(live_server.url + "/lab/")
    page.get_by_role("searchbox").fill("virtio-net")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="virtio-net-pci").click()
    page.get_by_label("x- options (1)").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#option-x-txtimer")).to_be_visible()
    page.goto(live_server.url + "/lab/devices/")
    page.get_by_label("Group", exact=True).select_option("Storage")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#devices tbody tr")).to_have_count(1)
