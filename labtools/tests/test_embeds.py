"""The lab's blocks for articles: what they say, of whom, and that nothing of a private host is in them."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labtools.models import LabHost, Snapshot
from labtools.tests.lab_hosts import AT, device, make_document, make_document_json, make_seen_host, record
from portal.embeds.registry import find
from portal.embeds.versions import versions_seen

pytestmark = pytest.mark.django_db


def block(name: str, argument: str = "") -> str:
    """The block's HTML, its white space evened out."""
    embed = find(name)
    assert embed is not None
    return " ".join(embed.draw(argument).split())


def stamp() -> str:
    """The stamp of the lab's blocks."""
    embed = find("qemu-device")
    assert embed is not None
    return embed.stamp()


def test_a_device_says_its_options_host_version_and_day() -> None:
    make_seen_host("pune-1", name="Pune & one")
    html = block("qemu-device", "virtio-net-pci")
    assert "Pune &amp; one · QEMU 7.2.22" in html
    assert '<time datetime="2026-11-20">20 November 2026</time>' in html
    assert "<code>host_mtu</code>" in html
    assert "x-txtimer" not in html
    assert 'href="/lab/devices/virtio-net-pci/">All 4 options</a>' in html
    assert "what differs" not in html
    make_seen_host("pune-2", document=make_document(make_document_json("10.0.13")))
    assert "what differs" in block("qemu-device", "virtio-net-pci")


@pytest.mark.parametrize(
    "name", ["qemu-device", "qemu-matrix", "qemu-machines", "qemu-option", "qemu-cpus", "lab-hosts"]
)
@pytest.mark.parametrize(
    "argument", ["", "nosuch", "<script>alert(1)</script>", "\u202e", "../../x", "x" * 200, "%00 '\" --"]
)
def test_any_argument_gives_a_block_in_which_nothing_runs(name: str, argument: str) -> None:
    assert "The lab has no answers yet." in block(name, argument)
    make_seen_host("pune-1")
    html = block(name, argument)
    assert html.startswith('<section class="live-block')
    assert "<script" not in html


def test_a_host_s_own_words_run_nowhere() -> None:
    raw = make_document_json()
    raw["qemu"][0]["devices"].insert(
        0, device("aaa-evil", description="<img src=x onerror=alert(1)>", properties=None)
    )
    make_seen_host("pune-1", name="<b>bold</b>", document=make_document(raw))
    html = block("qemu-device", "aaa-evil") + block("lab-hosts") + block("qemu-matrix", "aaa-evil")
    assert "<img" not in html
    assert "<b>" not in html


def test_a_private_host_is_in_no_block_and_changes_no_stamp() -> None:
    before = stamp()
    make_seen_host("secret", name="Secret", visibility="private")
    assert stamp() == before
    for name, argument in (
        ("qemu-device", "virtio-net-pci"),
        ("lab-hosts", ""),
        ("qemu-matrix", "virtio-net-pci"),
    ):
        assert "no answers yet" in block(name, argument)
    make_seen_host("open", name="Open")
    for name, argument in (
        ("qemu-device", "virtio-net-pci"),
        ("lab-hosts", ""),
        ("qemu-matrix", "virtio-net-pci"),
    ):
        assert "Open" in block(name, argument)
        assert "Secret" not in block(name, argument)


def test_the_stamp_changes_with_what_blocks_may_say() -> None:
    host = make_seen_host("pune-1")
    seen = [stamp()]
    record(host, make_document(make_document_json("10.0.13")), AT + dt.timedelta(hours=1))
    seen.append(stamp())
    LabHost.objects.update(name="Renamed")
    seen.append(stamp())
    LabHost.objects.update(visibility="private")
    seen.append(stamp())
    assert len(set(seen)) == 4
    with CaptureQueriesContext(connection) as captured:
        stamp()
    assert len(captured) == 1


def test_a_matrix_tells_who_has_it() -> None:
    make_seen_host("old", name="Old")
    html = block("qemu-matrix", "virtio-net-pci.rss")
    assert "tone-good" in html
    assert '<td data-label="QEMU">7.2.22</td>' in html


def test_the_header_s_fields_are_those_of_the_reader() -> None:
    html = block("qcow2-header-fields")
    assert "<code>refcount_table_offset</code>" in html
    assert html.count("<tr>") == 21


def test_an_option_says_its_default_and_who_has_it() -> None:
    make_seen_host("pune-1", name="Pune one")
    make_seen_host("secret-1", make_document(version="8.2"), visibility="private")
    html = block("qemu-option", "virtio-net.rss")
    assert "virtio-net-pci.rss" in html
    assert "Default: <code>off</code>" in html
    assert "On Pune one (QEMU 7.2.22)</li>" in html
    assert 'href="/lab/devices/virtio-net-pci/#option-rss"' in html
    assert "No lab host knows the option virtio-net-pci.nosuch." in block(
        "qemu-option", "virtio-net-pci.nosuch"
    )


def test_models_say_whether_they_are_usable() -> None:
    make_seen_host("pune-1")
    html = block("qemu-cpus", "x86_64")
    assert '<td data-label="tcg">lacks 2 features</td>' in html
    assert "All 2 CPU models" in html
    assert "No lab host has a QEMU for riscv64." in block("qemu-cpus", "riscv64")


def test_versions_that_public_hosts_have_are_told_hosts_before_references() -> None:
    assert versions_seen() == []
    make_seen_host("pune-1")
    newer = make_seen_host("pune-2", document=make_document(make_document_json("10.0.13")))
    assert newer.current is not None
    Snapshot.objects.filter(pk=newer.current.snapshot.pk).update(libvirt_version="11.3.0")
    evil = make_seen_host("pune-3", document=make_document(make_document_json("98.0.0")))
    assert evil.current is not None
    evil.current.snapshot.emulators.update(version="98<script>")
    make_seen_host("pune-4", document=make_document(make_document_json("99.0.0")))
    LabHost.objects.filter(slug="pune-4").update(visibility="private")
    found = ["QEMU 10.0.13, libvirt 11.3.0", "QEMU 7.2.22"]
    assert versions_seen() == found
    LabHost.objects.filter(pk=newer.pk).update(transport="reference")
    assert versions_seen() == found[::-1]
