"""The frame of every page and the parts on /styleguide/, in a real browser: themes, widths, keyboard, no script."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.tests.browser import NewPage, axe_findings, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ["/", "/about/", "/code-of-conduct/", "/styleguide/", "/no-such-page/"]
GROUND = {"light": "rgb(250, 247, 241)", "dark": "rgb(21, 23, 27)"}


def _ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1600])
def test_pages_please_axe_and_fit_the_window(
    new_page: NewPage, live_server: Any, width: int, scheme: str
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    for path in PAGES:
        page.goto(live_server.url + path)
        assert _ground(page) == GROUND[scheme]
        assert axe_findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_theme_is_kept_and_drawn_by_the_server(new_page: NewPage, live_server: Any) -> None:
    page = new_page(color_scheme="light")
    page.goto(live_server.url + "/about/")
    page.get_by_label("Dark", exact=True).check()
    assert _ground(page) == GROUND["dark"]
    html = page.request.get(live_server.url + "/").text()
    assert 'data-theme="dark"' in html[:400]
    page.reload()
    expect(page.get_by_label("Dark", exact=True)).to_be_checked()
    page.get_by_label("System", exact=True).check()
    assert _ground(page) == GROUND["light"]
    assert [cookie for cookie in page.context.cookies() if cookie.get("name") == "theme"] == []


@pytest.mark.parametrize("script", [True, False])
def test_folded_navigation_opens_and_closes_with_and_without_script(
    new_page: NewPage, live_server: Any, script: bool
) -> None:
    page = new_page(width=360, java_script_enabled=script)
    page.goto(live_server.url + "/")
    rooms = page.get_by_role("navigation", name="Main")
    expect(rooms).to_be_hidden()
    page.get_by_role("button", name="Menu").press("Enter")
    expect(rooms.get_by_role("link", name="Knowledge base")).to_be_visible()
    page.keyboard.press("Escape")
    expect(rooms).to_be_hidden()


def test_navigation_is_plain_content_where_there_is_room(new_page: NewPage, live_server: Any) -> None:
    page = new_page(width=1280)
    page.goto(live_server.url + "/kb/no-such-article/")
    current = page.get_by_role("navigation", name="Main").get_by_role("link", name="Knowledge base")
    expect(current).to_be_visible()
    expect(current).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("button", name="Menu")).to_be_hidden()


def test_skip_link_comes_first_and_leads_to_the_content(new_page: NewPage, live_server: Any) -> None:
    page = new_page()
    page.goto(live_server.url + "/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_account_menu_closes_on_escape_and_gives_the_focus_back(
    new_page: NewPage, live_server: Any, as_member: Any
) -> None:
    page = new_page(width=360)
    sign_in(page, as_member, live_server.url)
    page.goto(live_server.url + "/about/")
    menu = page.locator(".site-header details.menu")
    menu.locator("summary").press("Enter")
    expect(menu.get_by_text("Signed in as Ravi Member")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(menu.get_by_text("Signed in as Ravi Member")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()


def test_password_can_be_shown_and_hidden(new_page: NewPage, live_server: Any) -> None:
    page = new_page()
    page.goto(live_server.url + "/styleguide/")
    field = page.locator("#id_plain-password")
    button = page.get_by_role("button", name="Show password").first
    button.click()
    expect(field).to_have_attribute("type", "text")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(field).to_have_attribute("type", "password")


def test_copy_takes_the_command_without_prompt_and_answer(new_page: NewPage, live_server: Any) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(live_server.url + "/styleguide/")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "qemu-system-x86_64 -device virtio-net-pci,help"


def test_dialog_opens_takes_the_focus_and_closes(new_page: NewPage, live_server: Any) -> None:
    page = new_page()
    page.goto(live_server.url + "/styleguide/")
    opener = page.get_by_role("button", name="Open a dialog")
    opener.click()
    dialog = page.get_by_role("dialog", name="Delete this report?")
    expect(dialog.get_by_role("button", name="Delete now")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_narrow_table_names_each_cell(new_page: NewPage, live_server: Any) -> None:
    page = new_page(width=360)
    page.goto(live_server.url + "/styleguide/")
    cell = page.get_by_text("Harmless.")
    label = cell.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert label == '"What to do"'


def test_without_script_nothing_is_offered_that_needs_it(new_page: NewPage, live_server: Any) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(live_server.url + "/styleguide/")
    expect(page.locator("[data-theme-switch]")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Show password")).to_have_count(0)


def test_refused_form_puts_the_focus_on_what_needs_attention(new_page: NewPage, live_server: Any) -> None:
    page = new_page()
    page.goto(f"{live_server.url}/accounts/signup/")
    page.get_by_label("E-mail address").fill("asha@example.org")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create the account").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.get_by_label("E-mail address")).to_have_value("asha@example.org")
