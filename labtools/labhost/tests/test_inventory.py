"""libvirt asked for real: its test driver, a libvirtd of the test's own, and one that never answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labtools.labhost import inventory
from labtools.labhost.host_xml import HostXmlError, parse_xml
from labtools.labhost.inventory import InventoryError, LibvirtRefused, parse_inventory, read_section
from labtools.labhost.tests.libvirt_hosts import ask_libvirt, demonstration, private_libvirtd, virsh

#: Names that a shell, virsh or a table would take for something else.
NAMES = ("debian.iso", "b c   d.iso", "it's; quit.iso", "-x.img", "\u0928.iso", "$(id) `id` \\.iso")
WAYS = ("Library", "Virsh")


@pytest.fixture(scope="module")
def libvirtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The sockets of a libvirtd with nothing of this machine's state."""
    with private_libvirtd(tmp_path_factory.mktemp("libvirtd")) as folder:
        yield folder


def socket_of(folder: Path) -> tuple[str, str]:
    """The arguments with which labprobe asks that libvirtd."""
    return "--libvirt-socket", str(folder / "libvirt-sock-ro")


def test_the_demonstration_host_has_its_hbas() -> None:
    found = demonstration()
    hbas = {device.name: device for device in found.node_devices if device.fibre_channel}
    assert set(hbas) == {"scsi_host1", "scsi_host2", "scsi_host11"}
    first, vhba = hbas["scsi_host1"], hbas["scsi_host11"]
    assert first.fibre_channel is not None
    assert (first.host_number, first.fibre_channel.wwpn) == (1, "1000000012341234")
    assert (first.fibre_channel.is_npiv_capable, first.fibre_channel.vports) == (True, 0)
    assert found.vhbas == (vhba,)
    assert vhba.fibre_channel is not None
    assert (vhba.parent, vhba.fibre_channel.is_npiv_capable) == ("scsi_host1", False)
    assert [pool.name for pool in found.pools] == ["default-pool"]
    assert found.networks == ("default",)
    assert [(node.id, node.memory, node.cpus) for node in found.numa_nodes] == [
        (0, 2 << 30, 8),
        (1, 4 << 30, 8),
    ]
    assert dict(found.refused).keys() == {"domain_capabilities"}


@pytest.fixture(scope="module")
def isos(libvirtd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of hostile names that is a running pool, beside a pool that is not running."""
    folder = tmp_path_factory.mktemp("isos")
    for name in NAMES:
        (folder / name).write_bytes(b"\0" * 4096)
    virsh(libvirtd, "pool-define-as", "my isos", "dir", "--target", str(folder))
    virsh(libvirtd, "pool-define-as", "asleep", "dir", "--target", "/nowhere")
    virsh(libvirtd, "pool-start", "my isos")
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_a_real_libvirtd_shows_its_pools_and_volumes(libvirtd: Path, isos: Path, way: str) -> None:
    section = ask_libvirt(*socket_of(libvirtd), through=way)
    assert section["through"] == {"Library": "libvirt-python", "Virsh": "virsh"}[way]
    found = read_section(section)
    asleep, running = found.pools
    assert (asleep.name, asleep.is_active, asleep.volumes) == ("asleep", False, ())
    assert (running.name, running.type) == ("my isos", "dir")
    assert (running.is_active, running.is_persistent, running.is_autostart) == (True, True, False)
    assert {volume.name: (volume.path, volume.capacity) for volume in running.volumes} == {
        name: (f"{isos}/{name}", 4096) for name in NAMES
    }
    assert running.permissions is not None
    assert running.permissions.owner == os.getuid()
    assert found.architecture == os.uname().machine
    assert "/usr/bin/qemu-system-x86_64" in found.emulators
    assert any(device.pci and device.vendor for device in found.node_devices)
    assert (
        "read only access prevents virConnectGetDomainCapabilities"
        in dict(found.refused)["domain_capabilities"]
    )


def test_both_ways_find_the_same(libvirtd: Path, isos: Path) -> None:
    library, shell = (read_section(ask_libvirt(*socket_of(libvirtd), through=way)) for way in WAYS)
    assert library.node_devices == shell.node_devices
    assert library.pools == shell.pools
    assert (library.version, library.hypervisor_version, library.emulators, library.numa_nodes) == (
        shell.version,
        shell.hypervisor_version,
        shell.emulators,
        shell.numa_nodes,
    )


def test_the_connection_cannot_change_anything(libvirtd: Path) -> None:
    script = (
        "import libvirt, sys; c = libvirt.openReadOnly(sys.argv[1]);"
        "c.storagePoolDefineXML(\"<pool type='dir'><name>x</name><target><path>/x</path></target></pool>\")"
    )
    uri = f"qemu:///system?socket={libvirtd}/libvirt-sock-ro"
    done = subprocess.run([sys.executable, "-c", script, uri], capture_output=True, text=True, check=False)
    assert "read only access prevents" in done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_a_daemon_that_never_answers_ends_at_the_deadline(tmp_path: Path, way: str) -> None:
    path = tmp_path / "silent"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        begun = time.monotonic()
        section = ask_libvirt("--libvirt-socket", str(path), through=way, limit=1)
        assert time.monotonic() - begun < 5
    with pytest.raises(LibvirtRefused, match="cannot be reached: gave no whole answer in 1 seconds"):
        read_section(section)


@pytest.mark.parametrize("way", WAYS)
def test_a_daemon_that_is_not_there_is_said_to_be(tmp_path: Path, way: str) -> None:
    section = ask_libvirt("--libvirt-socket", str(tmp_path / "none"), through=way)
    with pytest.raises(LibvirtRefused, match=r"cannot be reached: .*Failed to connect socket"):
        read_section(section)


def test_the_worker_itself_never_loads_libvirt() -> None:
    code = "import sys, labtools.labhost.inventory, labtools.labhost.labprobe; sys.exit('libvirt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "MAX_BYTES", 1 << 20)
    with pytest.raises(InventoryError, match="larger than"):
        inventory.answer_of(["cat", "/dev/zero"], 10)


def make_raw(**changes: Any) -> bytes:
    raw: dict[str, Any] = {
        "uri": "test:///default",
        "refused": {},
        "version": 9000000,
        "hypervisor_version": 2,
    }
    raw |= {"capabilities": "<capabilities/>", "domain_capabilities": "", "node_devices": [], "networks": []}
    return json.dumps(raw | {"pools": []} | changes).encode()


def test_hostile_answers_are_refused() -> None:
    assert parse_inventory(make_raw()).version == "9.0.0"
    entities = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><network><name>&a;</name></network>'
    lies: list[dict[str, Any]] = [
        {"networks": [entities]},
        {"networks": ["<network>"]},
        {"networks": [3]},
        {"networks": [f"<network><name>{'n' * 5000}</name></network>"]},
        {"pools": [{"xml": "<pool/>"}]},
        {"version": "nine"},
        {"refused": []},
        {"domain_capabilities": entities},
    ]
    for changes in lies:
        with pytest.raises(InventoryError, match="not in the form"):
            parse_inventory(make_raw(**changes))
    for data in (b"", b"[]", b"[" * 100_000, b"\xff"):
        with pytest.raises(InventoryError, match="not in the form"):
            parse_inventory(data)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        ("<a>" * 70 + "</a>" * 70, "nested too deeply"),
        (f"<a>{'<b/>' * 100_001}</a>", "too many elements"),
        ("<a>" + " " * (4 << 20) + "</a>", "larger than 4 MiB"),
        ("<a></b>", "malformed"),
        ("", "malformed"),
        ("<a>\ud800</a>", "malformed"),
    ],
    ids=["entity", "deep", "many", "large", "crossed", "empty", "surrogate"],
)
def test_xml_that_no_libvirt_writes_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(HostXmlError, match=sentence):
        parse_xml(text)
