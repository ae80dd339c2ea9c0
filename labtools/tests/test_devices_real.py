"""What the page says of each device type of the QEMU that is installed here, against the command itself."""

import subprocess
import sys
from multiprocessing.pool import ThreadPool

import pytest
from django.test import Client

from labtools.labhost.document import HostDocument, Status, parse_document
from labtools.labhost.tests.test_labprobe import UNSTEADY
from labtools.tests.lab_hosts import make_seen_host

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def document() -> HostDocument:
    """What this machine can do."""
    probe = [sys.executable, "-m", "labtools.labhost", "probe"]
    return parse_document(subprocess.run(probe, stdout=subprocess.PIPE, timeout=60, check=True).stdout)


def test_every_page_says_what_the_command_prints(document: HostDocument, as_stranger: Client) -> None:
    host = make_seen_host("here", document)
    assert host.current
    emulator = next(
        one for one in host.current.snapshot.emulators.all() if one.binary.endswith("/qemu-system-x86_64")
    )
    source = f"here:{emulator.key}"
    listed = as_stranger.get(f"/lab/devices.json?on={source}").json()["devices"]
    assert len(listed) > 300

    def real(name: str) -> str:
        command = [emulator.binary, "-device", f"{name},help"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    names = [one["name"] for one in listed]
    with ThreadPool(2) as pool:
        printed = dict(zip(names, pool.map(real, names), strict=True))
    differs = []
    for one in listed:
        shown = as_stranger.get(f"{one['url']}?on={source}").json()
        if one["name"] in UNSTEADY:  # QEMU's own answer changes from run to run
            assert "  ged-event=<uint32>" in shown["help"] or shown["device"]["last_words"]
        elif shown["help"] != printed[one["name"]]:
            differs.append(one["name"])
        assert (shown["device"]["status"] == Status.DIED) == (one["status"] == "died")
    assert differs == []


def test_the_explorer_lists_what_device_help_lists(document: HostDocument, as_stranger: Client) -> None:
    make_seen_host("here", document)
    answer = as_stranger.get("/lab/devices.json?on=here:x86_64&creatable=yes").json()
    program = "qemu-system-x86_64"
    text = subprocess.run([program, "-device", "help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert {one["name"] for one in answer["devices"]} == {
        line.split('"')[1] for line in text.splitlines() if line.startswith("name ")
    }
