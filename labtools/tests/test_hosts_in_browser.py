"""Pages of lab hosts in a real browser: as staff in light, dark and narrow, with and without script."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect
from pytest_django import Settings

from labtools.models import LabHost
from labtools.services import asking, probing
from labtools.services.asking import ProbeFailure
from labtools.tests.lab_hosts import HOST_KEY, make_lab_keys, make_seen_host, probe_answer
from labtools.tests.test_host_inventory import document
from labtools.tests.test_host_pages import make_host_of_secrets
from portal.tests.browser import NewPage, axe_findings, overflow, sign_in
from portal.tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _keys(settings: Settings, tmp_path: Path) -> None:
    settings.LAB_KEYS_DIR = make_lab_keys(tmp_path / "keys")


@pytest.fixture
def as_staff() -> Client:
    """A browser in which staff is signed in."""
    client = Client()
    client.force_login(make_user(is_staff=True), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (360, "light"), (1600, "light")])
def test_what_staff_see_pleases_axe_and_fits_the_window(
    new_page: NewPage, live_server: Any, as_staff: Client, width: int, scheme: str
) -> None:
    host = make_host_of_secrets()
    seen = make_seen_host("pune-2", document(), shortcomings=[{"words": "No KVM.", "mend": "Add the user."}])
    assert host.current is not None
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, as_staff, live_server.url)
    addresses = [reverse(f"labtools:{name}") for name in ("host_list", "host_add", "change_list")]
    addresses += [
        reverse(f"labtools:{name}", args=["pune-1"]) for name in ("host", "host_edit", "host_delete")
    ]
    addresses += [seen.get_absolute_url(), host.current.snapshot.get_absolute_url()]
    for address in addresses:
        page.goto(live_server.url + address)
        page.evaluate("for (const one of document.querySelectorAll('details.fold')) one.open = true")
        assert axe_findings(page) == [], address
        assert overflow(page) == 0, address


@pytest.mark.parametrize("with_script", [True, False])
def test_a_host_is_added_and_what_comes_of_it_appears(
    new_page: NewPage,
    live_server: Any,
    as_staff: Client,
    monkeypatch: pytest.MonkeyPatch,
    with_script: bool,
) -> None:
    failure = ProbeFailure("connection-refused", "Nobody listens at that port.", "Start sshd on the host.")

    def refuse(host: LabHost) -> bytes:
        raise failure

    monkeypatch.setattr(probing, "_dispatch", lambda host_id, priority: None)
    page = new_page(java_script_enabled=with_script)
    sign_in(page, as_staff, live_server.url)
    page.goto(f"{live_server.url}/lab/hosts/add/")
    page.get_by_label("Name", exact=True).fill("Pune 1")
    page.get_by_label("Short name").fill("pune-1")
    page.get_by_label("Host", exact=True).fill("lab.example.org")
    page.get_by_label("User").fill("labprobe")
    page.get_by_label("Key of the workers").select_option("lab")
    page.get_by_label("Pinned host key").fill(f"lab.example.org {HOST_KEY}")
    page.get_by_role("button", name="Add and test the connection").click()
    expect(page.get_by_text("waits for a worker")).to_be_visible()

    monkeypatch.setattr(asking, "answer_of", refuse)
    probing.run_probe(LabHost.objects.get().pk)
    if not with_script:
        page.get_by_role("link", name="Refresh this page").click()
    expect(page.locator("#probing").get_by_text(failure.words)).to_be_visible()
    expect(page.locator("#probing").get_by_text(failure.mend)).to_be_visible()

    monkeypatch.setattr(asking, "answer_of", lambda host: probe_answer())
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("waits for a worker")).to_be_visible()
    probing.run_probe(LabHost.objects.get().pk)
    link = "Show what it has" if with_script else "Refresh this page"
    page.get_by_role("link", name=link).click()
    expect(page.get_by_text("QEMU 7.2.22", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Ask now")).to_be_visible()
