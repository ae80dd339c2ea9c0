"""The whole way of a newcomer, on real processes in a real browser: sign up, confirm by the mailbox, bring an image,
watch it being checked, read the report, delete it."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from labtools.tests.factories import make_image_with_snapshot_and_bad_refcount
from portal.tests.browser import NewPage, axe_findings
from portal.tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]
ADDRESS, PASSWORD = "asha@example.org", "a short sentence does well"


def _sign_up(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("link", name="Sign in", exact=True).first.click()
    page.get_by_role(
        "link", name=re.compile("create an account|sign up|become a member", re.IGNORECASE)
    ).first.click()
    page.get_by_label("E-mail address").fill(ADDRESS)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your address")


def _confirm_by_the_mailbox(page: Page) -> None:
    page.get_by_role("link", name="mailbox").first.click()
    page.get_by_role("link", name=re.compile("confirm", re.IGNORECASE)).first.click()
    page.locator("main a[href*='/accounts/confirm-email/']").first.click()
    page.get_by_role("button", name=re.compile("confirm", re.IGNORECASE)).click()
    expect(page.get_by_role("link", name="Sign in", exact=True)).to_have_count(0)


def _bring(page: Page, url: str, image: Path) -> None:
    page.goto(f"{url}/lab/images/")
    page.locator("input[type=file]").set_input_files(image)
    page.wait_for_url(re.compile(r"/lab/images/[0-9a-f-]{36}/$"), timeout=60_000)


def test_from_sign_up_to_a_finished_report(tmp_path: Path, new_page: NewPage) -> None:
    image = make_image_with_snapshot_and_bad_refcount(tmp_path / "vm.qcow2")
    var = tmp_path / "var"
    var.mkdir()
    with Stack(var) as stack:
        page = new_page(permissions=["clipboard-read", "clipboard-write"])
        _sign_up(page, stack.url)
        _confirm_by_the_mailbox(page)
        _bring(page, stack.url, image)

        # The page follows the check by itself, and stops asking when it is done.
        expect(page.get_by_role("heading", level=1)).to_contain_text(
            re.compile("damaged", re.IGNORECASE), timeout=60_000
        )
        report = page.url
        main = page.locator("main")
        expect(main).to_contain_text("before-update")  # the snapshot
        expect(main).to_contain_text("Stop the guest")
        expect(main).to_contain_text("refcount=0 reference=")
        assert page.locator("[hx-trigger]").count() == 0
        assert axe_findings(page) == []

        # Its JSON has the same facts, for whoever has the link.
        status, body = stack.get(report.removeprefix(stack.url).rstrip("/") + ".json")
        assert status == 200
        facts = json.loads(body)
        assert facts["verdict"] == "corrupt"
        assert facts["report"]["file"]["length"] == image.stat().st_size

        # The file itself is gone as soon as it was read; the report goes when its owner says so.
        assert list((var / "uploads").glob("*-*")) == []
        page.get_by_role("link", name=re.compile("delete", re.IGNORECASE)).first.click()
        page.get_by_role("button", name=re.compile("delete", re.IGNORECASE)).last.click()
        page.wait_for_url(re.compile("/lab/images/$"))
        assert stack.get(report.removeprefix(stack.url))[0] == 404
