"""The report in a real browser: live stages, bytes and fields, both themes, narrow and wide, without script."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from labtools.models import ImageCheck
from labtools.qcow2.corpus.sound import Recipe, build
from labtools.services import checks, samples
from labtools.tests.factories import (
    make_check,
    make_image_with_snapshot_and_bad_refcount,
    make_report,
    make_upload,
)
from portal.accounts.models import User
from portal.tests.browser import NewPage, axe_findings, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def image(tmp_path: Path) -> bytes:
    return make_image_with_snapshot_and_bad_refcount(tmp_path / "image").read_bytes()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1600, "light")])
def test_pages_please_axe_and_fit_the_window(
    new_page: NewPage, live_server: Any, as_owner: Client, owner: User, image: bytes, width: int, scheme: str
) -> None:
    samples.ensure_sample_reports()
    report = make_report(owner, image)
    other = make_report(owner, b"\x1f\x8b\x08" + bytes(99))
    working = make_check(owner, state="running", stage="hashing", progress=40)
    failed = make_check(owner, state="failed", failure="It is gone.")
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, as_owner, live_server.url)
    paths = [check.get_absolute_url() for check in (report, other, working, failed)]
    paths += [f"{report.get_absolute_url()}delete/", "/lab/", "/lab/qcow2/", "/api/v1/docs"]
    for path in paths:
        page.goto(live_server.url + path)
        assert axe_findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_stages_are_followed_to_the_report_and_asking_ends(
    new_page: NewPage, live_server: Any, as_owner: Client, owner: User, image: bytes
) -> None:
    check = checks.request_image_check(upload=make_upload(owner, image))
    page = new_page()
    sign_in(page, as_owner, live_server.url)
    page.goto(live_server.url + check.get_absolute_url())
    expect(page.locator(".stage[aria-current]")).to_contain_text("Waiting for a worker")
    ImageCheck.objects.update(state="running", stage="hashing", progress=61, heartbeat_at=timezone.now())
    expect(page.locator(".stage[aria-current]")).to_contain_text("61 %")
    expect(page.locator("#live")).to_contain_text("Computing SHA-256")
    ImageCheck.objects.update(state="queued", stage="waiting")
    checks.run_image_check(check.pk)
    expect(page.get_by_role("heading", level=1)).to_have_text("Damaged: qemu-img check counts 1 corruption.")
    expect(page.locator("#live")).to_contain_text("The check is done.")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []
    _mark_by_pointer(page)


def _mark_by_pointer(page: Page) -> None:
    """Also after htmx has put the report into the page."""
    page.locator("#field-size").hover()
    assert page.locator(".hex-byte.is-marked").all_text_contents()[0].startswith("00")
    expect(page.locator(".hex-byte.is-marked")).to_have_count(8)
    page.locator("#b-0").hover()
    expect(page.locator("tr.is-marked")).to_have_id("field-magic")


def test_bytes_and_fields_mark_each_other_by_keyboard(
    new_page: NewPage, live_server: Any, owner: User, image: bytes
) -> None:
    check = make_report(owner, image)
    page = new_page()
    page.goto(live_server.url + check.get_absolute_url())
    page.locator("#b-20").focus()
    expect(page.locator("tr.is-marked")).to_have_id("field-cluster_bits")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#field-cluster_bits"
    page.locator("#field-nb_snapshots a").focus()
    expect(page.locator(".hex-byte.is-marked")).to_have_count(4)
    expect(page.locator("#b-60")).to_have_class("hex-byte is-start byte-4 is-marked")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#b-60"
    page.keyboard.press("Tab")
    expect(page.locator("#b-64")).to_be_focused()


def test_dump_scrolls_to_the_marked_bytes_and_the_page_stays(
    new_page: NewPage, live_server: Any, owner: User, image: bytes
) -> None:
    page = new_page(width=1280, height=500)
    page.goto(live_server.url + make_report(owner, image).get_absolute_url())
    page.locator("#field-padding").scroll_into_view_if_needed()
    page.wait_for_timeout(700)  # smooth scrolling
    before = page.evaluate("scrollY")
    page.locator("#field-padding code").hover()
    expect(page.locator("#b-105")).to_be_in_viewport()
    assert page.evaluate("scrollY") == before


def test_without_script_links_mark_their_target_and_forms_work(
    new_page: NewPage, live_server: Any, as_owner: Client, owner: User, image: bytes
) -> None:
    check = make_report(owner, image)
    page = new_page(java_script_enabled=False)
    sign_in(page, as_owner, live_server.url)
    page.goto(live_server.url + check.get_absolute_url())
    plain = page.locator("#b-24").evaluate("element => getComputedStyle(element).backgroundColor")
    page.locator("#field-size a").click()
    assert page.url.endswith("#b-24")
    marked = page.locator("#b-24").evaluate("element => getComputedStyle(element).backgroundColor")
    assert marked != plain
    page.get_by_label("Private: only you").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved: Private: only you.")).to_be_visible()
    page.get_by_role("link", name="Delete this report").click()
    page.get_by_role("button", name="Delete now").click()
    assert not ImageCheck.objects.exists()


def test_delete_dialog_asks_and_can_be_left(
    new_page: NewPage, live_server: Any, as_owner: Client, owner: User, image: bytes
) -> None:
    check = make_report(owner, image)
    page = new_page()
    sign_in(page, as_owner, live_server.url)
    page.goto(live_server.url + check.get_absolute_url())
    page.get_by_role("link", name="Delete this report").click()
    dialog = page.get_by_role("dialog", name="Delete this report?")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    assert ImageCheck.objects.filter(pk=check.pk).exists()
    page.get_by_role("link", name="Delete this report").click()
    dialog.get_by_role("button", name="Delete now").click()
    page.wait_for_url("**/lab/images/")
    assert not ImageCheck.objects.exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marked_row_can_be_read(
    new_page: NewPage, live_server: Any, owner: User, image: bytes, scheme: str
) -> None:
    page = new_page(color_scheme=scheme)
    page.goto(live_server.url + make_report(owner, image).get_absolute_url() + "#field-version")
    page.locator("#field-size code").hover()
    expect(page.locator("tr.is-marked")).to_have_id("field-size")
    assert axe_findings(page) == []


def test_paper_shows_commands_whole_and_without_buttons(
    new_page: NewPage, live_server: Any, as_owner: Client, owner: User, image: bytes
) -> None:
    page = new_page(width=400)
    sign_in(page, as_owner, live_server.url)
    page.goto(live_server.url + make_report(owner, image).get_absolute_url())
    copy = page.get_by_role("button", name="Copy").first
    expect(copy).to_be_visible()
    page.emulate_media(media="print")
    expect(copy).to_be_hidden()
    cut = (
        "() => [...document.querySelectorAll('.steps pre')].filter(e => e.scrollWidth > e.clientWidth).length"
    )
    assert page.evaluate(cut) == 0
    page.emulate_media(media="screen")
    assert page.evaluate(cut) > 0


def _much_damage(path: Path) -> bytes:
    """Shared data, guest data on a table, a bitmap in use, two snapshots with one ID, reserved bits."""
    image = build(Recipe(snapshots=2, bitmaps=1, l2_tables=2, fill=0.003))
    entries = image.data_entries()
    image.put_number(entries[1], image.number(entries[0]))
    image.put_number(entries[2], image.offsets("l1")[0])
    for entry in entries[4:]:
        image.put_number(entry, image.number(entry) | 2)
    image.put(image.offsets("bitmap-directory")[0] + 12, (3).to_bytes(4))
    table = image.offsets("snapshots")[0]
    image.put(table + image.pieces[table].index(b"2snapshot 2"), b"1")
    image.write(path)
    return path.read_bytes()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_from_a_finding_to_its_bytes_by_keyboard(
    new_page: NewPage, live_server: Any, owner: User, tmp_path: Path, width: int, scheme: str
) -> None:
    report = make_report(owner, _much_damage(tmp_path / "image"))
    page = new_page(width=width, color_scheme=scheme)
    page.goto(live_server.url + report.get_absolute_url())
    dump = page.locator("#bytes-data-shared .hex").first
    expect(dump).to_be_hidden()
    page.get_by_text("The bytes of “data shared”").focus()
    page.keyboard.press("Enter")
    expect(dump).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#bytes-data-shared a").first).to_be_focused()
    # A rule of the snapshot table leads there by its link; what is folded opens by itself.
    page.locator("a[href='#bytes-snapshot-id-duplicate']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bytes-snapshot-id-duplicate")).to_be_visible()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
