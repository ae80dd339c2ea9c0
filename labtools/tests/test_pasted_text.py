"""What people paste (command lines, domains, listings of their machines) is in no log and no mail, come what may."""

import logging
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from labtools.labhost import iso
from labtools.labhost.tests.fibre_channel import DEVICES
from labtools.labhost.tests.iso_output import PATH, make_output
from labtools.tests.lab_hosts import make_seen_host
from portal.logs import JsonFormatter

pytestmark = pytest.mark.django_db
SECRET = "hunter2"
ISO_QUERY = f"?path={PATH}".replace("isos", SECRET)
#: Where a text goes, the field, one that is understood, and what reads it.
PLACES = [
    (f"/lab/lint{end}", "text", f"-device virtio-net-pci,id={SECRET}", "labtools.lint_page.read_pasted")
    for end in ("/", ".json", ".csv")
]
PLACES += [
    (
        f"/lab/iso{end}{ISO_QUERY}",
        "output",
        make_output().replace("isos", SECRET),
        "labtools.iso_page.iso.diagnose",
    )
    for end in ("/", ".json", ".csv")
]
PLACES.append(
    (
        "/lab/npiv/paste/",
        "xml",
        DEVICES[1].replace("scsi_host5", SECRET),
        "labtools.npiv_forms.npiv.survey_paste",
    )
)
each_place = pytest.mark.parametrize(
    ("address", "field", "good", "reader"), PLACES, ids=[p[0] for p in PLACES]
)


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    make_seen_host()
    caplog.set_level(logging.DEBUG)


def is_silent(caplog: pytest.LogCaptureFixture) -> bool:
    """Whether the log has the request, and nothing of what was pasted; and no mail was sent."""
    assert "portal.access" in {record.name for record in caplog.records}
    written = [JsonFormatter().format(record) for record in caplog.records]
    return SECRET not in "\n".join((caplog.text, *written)) and mail.outbox == []


@each_place
def test_pasted_text_is_not_logged(
    address: str, field: str, good: str, reader: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert SECRET in good
    assert Client().post(address, {field: good}).status_code in (200, 302)
    assert Client().post(address, {field: f"<{SECRET}"}).status_code in (200, 422)
    assert is_silent(caplog)


@each_place
def test_pasted_text_that_is_turned_away_is_not_logged(
    address: str, field: str, good: str, reader: str, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    by_another_site = Client(enforce_csrf_checks=True).post(address, {field: good}).status_code
    assert by_another_site == (200 if address.partition("?")[0].endswith((".json", ".csv")) else 403)
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(("lab_lint", "iso_paste", "vhba_paste"), "1/h/ip")
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.post(address, {field: good})
    assert client.post(address, {field: good}).status_code == 429
    assert is_silent(caplog)


@each_place
def test_pasted_text_that_meets_a_bug_is_not_logged(
    address: str,
    field: str,
    good: str,
    reader: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*texts: object, **_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(reader, broken)
    client = Client(raise_request_exception=False)
    assert client.post(address, {field: good}).status_code == 500
    assert "RuntimeError: a bug" in caplog.text
    assert is_silent(caplog)


@pytest.mark.parametrize("end", ["/", ".json", ".csv"])
def test_text_in_the_address_of_a_link_is_not_logged(end: str, caplog: pytest.LogCaptureFixture) -> None:
    link = urlencode({"text": f"virtio-net-pci,id={SECRET}"})
    assert Client().get(f"/lab/lint{end}?{link}").status_code == 200
    assert Client().get(f"/lab/lint{end}?{link}&on=nowhere:x86_64").status_code == 404
    assert is_silent(caplog)


def test_commands_to_run_hold_the_path_and_nobody_logs_it(caplog: pytest.LogCaptureFixture) -> None:
    path = f"/srv/{SECRET}.iso"
    shown = Client().get("/lab/iso/", {"path": path, "host": "own"}).content.decode()
    assert path in iso.command_block(path)
    assert path in shown
    assert is_silent(caplog)
