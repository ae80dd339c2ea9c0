"""The upload page in a real browser: watched, paused, reloaded, cut off, signed out, cancelled."""

import base64
import fcntl
import hashlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, Route, expect

from portal.tests.browser import NewPage, axe_findings
from portal.tests.factories import PASSWORD
from portal.tests.processes import wait_for
from portal.tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.xdist_group("upload-browser")]

MIB = 1024**2
SIZE = 6 * MIB
SLOW = 0.5 * MIB
"""Bytes per second of the slow line: twelve seconds for the file, so that a loaded machine can act in between."""
COUNTER = iter(range(1000))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env = {"UPLOAD_MAX_BYTES": str(20 * MIB), "UPLOAD_QUOTA_BYTES": str(14 * MIB)}
    with Stack(tmp_path_factory.mktemp("browser"), run=("redis", "web"), env=env) as running:
        running.python(
            "from portal.tests.factories import make_user\nmake_user('owner@example.org', display_name='Asha')\n"
        )
        expect.set_options(timeout=20_000)  # two browsers and a server share the machine
        yield running
        expect.set_options(timeout=5_000)


@pytest.fixture(autouse=True)
def _room(stack: Stack) -> None:
    stack.sql("DELETE FROM labtools_imagecheck")
    stack.sql("DELETE FROM labtools_upload")
    for file in (stack.folder / "uploads").glob("*"):
        file.unlink()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / f"vm-{next(COUNTER)}.qcow2"
    path.write_bytes(os.urandom(SIZE))
    return path


def sign_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/accounts/login/?next=/lab/images/")
    page.get_by_label("E-mail address").fill("owner@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{stack.url}/lab/images/")


def slow_line(page: Page) -> CDPSession:
    """Let the page send at ``SLOW`` until the session is detached."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOW},
    )
    return session


def choose(page: Page, image: Path) -> None:
    page.locator("input[type=file]").set_input_files(image)


def offsets(stack: Stack) -> list[int]:
    return [row[0] for row in stack.sql('SELECT "offset" FROM labtools_upload')]


def wait_for_bytes(stack: Stack) -> None:
    """Return when the first bytes are committed, which happens about once a second."""
    wait_for(lambda: any(offsets(stack)), why=stack.logs)


def settled_offset(stack: Stack) -> int:
    """The offset once the server has noticed that the browser stopped: then it lets go of the file's lock."""
    (file,) = (stack.folder / "uploads").iterdir()
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
    return offsets(stack)[0]


def expect_whole(page: Page, stack: Stack, image: Path) -> None:
    """The browser is at the report, and the file is there byte by byte."""
    page.wait_for_url(re.compile(r"/lab/images/[0-9a-f-]{36}/$"), timeout=30_000)
    ((upload_id, length),) = stack.sql("SELECT id, length FROM labtools_imagecheck")
    name = f"{upload_id[:8]}-{upload_id[8:12]}-{upload_id[12:16]}-{upload_id[16:20]}-{upload_id[20:]}"
    assert page.url.endswith(f"/lab/images/{name}/")
    stored = stack.folder / "uploads" / name
    assert length == SIZE
    assert hashlib.sha256(stored.read_bytes()).digest() == hashlib.sha256(image.read_bytes()).digest()


def test_dropped_file_goes_to_its_report(stack: Stack, new_page: NewPage, image: Path) -> None:
    page = new_page()
    sign_in(page, stack)
    page.get_by_label("Private: only you").check()
    handle = page.evaluate_handle(
        "bytes => { const t = new DataTransfer();"
        " t.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], 'dropped.qcow2')); return t; }",
        base64.b64encode(image.read_bytes()).decode(),
    )
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": handle})
    expect_whole(page, stack, image)
    assert stack.sql("SELECT filename, visibility FROM labtools_imagecheck") == [("dropped.qcow2", "private")]


def test_file_chosen_before_the_script_has_come_is_sent(stack: Stack, new_page: NewPage, image: Path) -> None:
    page = new_page()
    sign_in(page, stack)
    held: list[Route] = []
    page.route("**/js/lab/upload.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    choose(page, image)
    expect(page.get_by_role("button", name="Upload and check")).to_be_visible()
    held[0].continue_()
    expect_whole(page, stack, image)


def test_two_files_at_once_are_answered_and_not_sent(stack: Stack, new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, stack)
    before = offsets(stack)
    handle = page.evaluate_handle(
        "() => { const t = new DataTransfer();"
        " for (const name of ['one.qcow2', 'two.qcow2']) t.items.add(new File(['abc'], name)); return t; }"
    )
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": handle})
    expect(page.get_by_text("These are 2 files. Drop one")).to_be_visible()
    expect(page.locator("input[type=file]")).to_be_visible()
    assert offsets(stack) == before


def test_pause_reload_and_go_on(stack: Stack, new_page: NewPage, image: Path) -> None:
    page = new_page()
    sign_in(page, stack)
    line = slow_line(page)
    choose(page, image)
    expect(page.locator("[data-pace]")).to_contain_text("per second")
    expect(page.locator("[data-bytes]")).to_contain_text("of 6 MiB")
    wait_for_bytes(stack)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused. What was sent is kept.")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    assert axe_findings(page) == []
    kept = settled_offset(stack)
    page.reload()
    expect(page.get_by_text(f"{kept * 100 // SIZE} % here")).to_be_visible()
    expect(page.get_by_text("To go on, choose the same file again above.")).to_be_visible()
    line.detach()
    choose(page, image)
    expect_whole(page, stack, image)
    assert len(stack.sql("SELECT id FROM labtools_upload")) == 1


def test_lost_network_is_told_and_survived(stack: Stack, new_page: NewPage, image: Path) -> None:
    page = new_page()
    sign_in(page, stack)
    line = slow_line(page)
    choose(page, image)
    wait_for_bytes(stack)
    stack.stop("web", signal.SIGKILL)
    try:
        expect(page.get_by_text("The connection was lost. Trying again")).to_be_visible(timeout=10_000)
    finally:
        stack.start("web")
    line.detach()
    expect_whole(page, stack, image)


def test_signed_out_in_the_middle_loses_nothing(stack: Stack, new_page: NewPage, image: Path) -> None:
    page = new_page()
    sign_in(page, stack)
    line = slow_line(page)
    choose(page, image)
    wait_for_bytes(stack)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    kept = settled_offset(stack)
    page.context.clear_cookies()
    page.get_by_role("button", name="Resume").click()
    link = page.get_by_role("link", name="Sign in in another tab")
    expect(link).to_be_visible()
    other = page.context.new_page()
    sign_in(other, stack)
    assert offsets(stack) == [kept]
    line.detach()
    page.get_by_role("button", name="Resume").click()
    expect_whole(page, stack, image)


def test_cancel_deletes_and_offers_the_form_again(stack: Stack, new_page: NewPage, image: Path) -> None:
    page = new_page()
    sign_in(page, stack)
    slow_line(page)
    choose(page, image)
    wait_for(lambda: bool(offsets(stack)))
    page.get_by_role("button", name="Cancel and delete").click()
    expect(page.locator("input[type=file]")).to_be_visible()
    wait_for(lambda: offsets(stack) == [])
    wait_for(lambda: list((stack.folder / "uploads").iterdir()) == [])


def test_refusals_in_the_persons_words(stack: Stack, new_page: NewPage, tmp_path: Path, image: Path) -> None:
    large, half = tmp_path / "large.img", tmp_path / "half.img"
    for path, size in ((large, 21 * MIB), (half, 15 * MIB)):
        with path.open("wb") as file:
            file.truncate(size)
    page = new_page()
    sign_in(page, stack)
    choose(page, large)
    expect(page.get_by_text("at most 20 MiB are taken")).to_be_visible()
    page.locator("[data-metadata]").get_by_role("button", name="Cancel").click()
    choose(page, half)
    expect(page.get_by_text("are free. Finish or delete an unfinished upload first.")).to_be_visible()
    assert offsets(stack) == []


def test_without_javascript_the_form_does_it(stack: Stack, new_page: NewPage, image: Path) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, stack)
    choose(page, image)
    page.get_by_role("button", name="Upload and check").click()
    expect_whole(page, stack, image)


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
)
def test_page_is_accessible_while_it_sends(
    stack: Stack, new_page: NewPage, image: Path, width: int, scheme: str
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    page.goto(f"{stack.url}/lab/images/")
    assert axe_findings(page) == []
    sign_in(page, stack)
    assert axe_findings(page) == []
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/form-{width}-{scheme}.png", full_page=True)
    slow_line(page)
    choose(page, image)
    expect(page.locator("[data-pace]")).to_contain_text("per second")
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if folder:
        page.screenshot(path=f"{folder}/upload-{width}-{scheme}.png", full_page=True)
    page.get_by_role("button", name="Cancel and delete").click()
    expect(page.locator("input[type=file]")).to_be_visible()
