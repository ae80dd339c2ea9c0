"""The ISO doctor in a real browser: axe, narrow windows, without script, and the block as it is copied."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labtools.labhost.iso import command_block
from labtools.labhost.tests.iso_output import NAMEI, PATH, POOL_XML, VOLUMES, label, make_output
from labtools.tests.fibre_hosts import make_fibre_host
from portal.tests.browser import NewPage, axe_findings, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: Many causes at once, with long names.
WORST = make_output(
    pools=" Name   State      Autostart\n-----------------------------\n isos   inactive   no",
    pool_info="State:          inactive\nAutostart:      no",
    volumes="error: Failed to list volumes",
    entries=f"stat: cannot statx '/srv/isos/{'b' * 60}': Not a directory\n"
    f"lrwxrwxrwx 1 root root 10 Nov 23 03:49 /srv/isos/{'b' * 60} -> fedora.iso/x",
    namei=NAMEI.replace("drwxr-xr-x root root isos", "drwx------ asha asha isos"),
    labels=label("user_home_t"),
    stat="type=regular file size=70000 mode=644 uid=0 gid=0",
    mount=None,
)


def send(page: Page, url: str, output: str) -> None:
    page.goto(f"{url}/lab/iso/?path={PATH}")
    page.get_by_label("What the commands printed").fill(output)
    page.get_by_role("button", name="Find the cause").click()


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "dark"), (360, "light"), (1600, "light"), (1280, "dark")]
)
def test_pages_with_everything_open_please_axe_and_fit_the_window(
    new_page: NewPage, live_server: Any, width: int, scheme: str
) -> None:
    make_fibre_host()
    page = new_page(width=width, color_scheme=scheme)
    for query in ("", f"path={PATH}", "path=x", "host=demonstration&path=/default-pool/a.iso"):
        page.goto(f"{live_server.url}/lab/iso/?{query}")
        page.evaluate("for (const one of document.querySelectorAll('details.fold')) one.open = true")
        assert (axe_findings(page), overflow(page)) == ([], 0), query
    for output in (WORST, make_output(), "hello"):
        send(page, live_server.url, output)
        page.evaluate("for (const one of document.querySelectorAll('details.fold')) one.open = true")
        assert (axe_findings(page), overflow(page)) == ([], 0)


@pytest.mark.parametrize("with_script", [True, False])
def test_from_a_path_to_the_cause(new_page: NewPage, live_server: Any, with_script: bool) -> None:
    page = new_page(java_script_enabled=with_script)
    page.goto(f"{live_server.url}/lab/iso/")
    page.get_by_label("Path of the ISO file").fill(PATH)
    page.get_by_role("button", name="Go on").click()
    block = page.locator("#commands pre")
    expect(block).to_contain_text("== iso-doctor: ")
    # What one copies by hand is the block, sign by sign.
    assert block.inner_text().strip() == command_block(PATH).strip()
    page.get_by_label("What the commands printed").fill(
        make_output(volumes=VOLUMES.replace("fedora", "other"))
    )
    page.get_by_role("button", name="Find the cause").click()
    expect(page.locator("#diagnosis-title")).to_have_text("The pool isos has not noticed the file yet")
    expect(page.locator("#pool-stale")).to_contain_text("pool-refresh --pool isos")
    page.get_by_label("What the commands printed").fill("nonsense " + POOL_XML)
    page.get_by_role("button", name="Find the cause").click()
    expect(page.get_by_role("alert")).to_contain_text("No line in this begins with")
    assert page.get_by_label("What the commands printed").input_value() == "nonsense " + POOL_XML
    page.get_by_role("link", name="Permanent link").click()
    expect(page.get_by_label("Path of the ISO file")).to_have_value(PATH)
