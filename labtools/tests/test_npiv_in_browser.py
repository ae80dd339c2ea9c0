"""The vHBA wizard in a real browser: step by step without script, back and forth, and a trial that is waited for."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from labtools.labhost.tests import fibre_channel
from labtools.models import VhbaTrial
from labtools.services import vhba_trials
from labtools.tests.fibre_hosts import make_fibre_host
from portal.accounts.models import User
from portal.tests.browser import NewPage, axe_findings, overflow, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "dark"), (360, "light"), (1600, "light"), (1280, "dark")]
)
def test_pages_with_everything_open_please_axe_and_fit_the_window(
    new_page: NewPage, live_server: Any, as_owner: Client, owner: User, width: int, scheme: str
) -> None:
    make_fibre_host()
    make_fibre_host("rack-1", fibre_channel.raw())
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, as_owner, live_server.url)
    names = "wwnn=5001a4a111111111&wwpn=5001a4a222222222"
    queries = [
        "",
        f"{names}&device=lun&bus=virtio",
        f"{names}&lifetime=transient&host=rack-1",
        "wwnn=x&wwpn=6001a4a222222222&path=/dev/sdc&pool=a/b&hba=gone",
        f"host=rack-1&{names}&hba=2000001b32a9da4e:2100001b32a9da4e",
        "host=own",
    ]
    for query in queries:
        page.goto(f"{live_server.url}/lab/npiv/?{query}")
        page.evaluate("for (const one of document.querySelectorAll('details.fold')) one.open = true")
        assert axe_findings(page) == [], query
        assert overflow(page) == 0, query


@pytest.mark.parametrize("with_script", [True, False])
def test_a_plan_is_made_step_by_step_and_back_works(
    new_page: NewPage, live_server: Any, with_script: bool
) -> None:
    make_fibre_host()
    page = new_page(java_script_enabled=with_script)
    page.goto(f"{live_server.url}/lab/npiv/")
    page.get_by_label("Transient: a node device").check()
    page.get_by_label("Name of the guest").fill("it's <mine>")
    page.get_by_role("button", name="Generate both").click()
    expect(page.get_by_role("heading", name="The plan is complete.")).to_be_visible()
    first = page.get_by_label("WWPN of the vHBA").input_value()
    assert first.startswith("5001a4a")
    expect(page.get_by_text("virsh attach-device 'it'\"'\"'s <mine>' disk.xml --config")).to_be_visible()
    page.get_by_label("scsi_host2").check()
    page.get_by_label("Name of the guest").press("Enter")
    expect(page.locator(".verdict")).to_contain_text("scsi_host2")
    assert page.get_by_label("WWPN of the vHBA").input_value() == first
    page.go_back()
    expect(page.locator(".verdict")).to_contain_text("scsi_host1")
    page.get_by_label("WWPN of the vHBA").fill("5001")
    page.get_by_role("button", name="Make the plan").last.click()
    expect(page.get_by_role("alert")).to_contain_text("this one has 4")
    expect(page.get_by_role("heading", name="The plan is complete.")).to_have_count(0)


def test_a_document_is_copied_whole(new_page: NewPage, live_server: Any) -> None:
    make_fibre_host()
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{live_server.url}/lab/npiv/?wwnn=5001a4a111111111&wwpn=5001a4a222222222")
    page.locator("#documents .code").first.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith('<pool type="scsi">')
    assert copied.endswith("</pool>")
    page.locator("#commands .code").first.get_by_role("button", name="Copy").click()
    expect(page.locator("#commands .code").first.get_by_role("button")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "virsh pool-define pool.xml"


def test_a_pasted_hba_goes_through_the_form(new_page: NewPage, live_server: Any) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{live_server.url}/lab/npiv/?host=own")
    page.get_by_label("Output of virsh nodedev-dumpxml").fill("\n".join(fibre_channel.DEVICES))
    page.get_by_role("button", name="Go on with these HBAs").click()
    expect(page.get_by_label("scsi_host5")).to_be_checked()
    page.get_by_role("button", name="Generate both").click()
    expect(page.locator(".verdict")).to_contain_text("on scsi_host5")


def test_a_trial_is_followed_to_its_end_and_asking_ends(
    new_page: NewPage, live_server: Any, as_owner: Client, owner: User
) -> None:
    make_fibre_host()
    page = new_page()
    sign_in(page, as_owner, live_server.url)
    page.goto(f"{live_server.url}/lab/npiv/?wwnn=5001a4a111111111&wwpn=5001a4a222222222&lifetime=transient")
    page.get_by_role("button", name="Try it on the test driver").click()
    expect(page.get_by_text("A worker of the lab is at it")).to_be_visible()
    assert axe_findings(page) == []
    vhba_trials.run_trial(VhbaTrial.objects.get().pk)
    expect(page.get_by_role("heading", name="libvirt made the vHBA")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("libvirt did every step.")
    assert axe_findings(page) == []
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []
    page.get_by_role("link", name="The plan").click()
    expect(page.get_by_role("heading", name="The plan is complete.")).to_be_visible()
