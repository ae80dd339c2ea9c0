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
from labtools.labhost.inventory import InventoryError, parse_inventory, read_inventory
from labtools.labhost.libvirt_client import LibvirtTarget

STATE = ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt", "/run/libvirt")


@pytest.fixture(scope="module")
def libvirtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A libvirtd with nothing of this machine's state, in a PID namespace that ends with it; yields its sockets."""
    folder = tmp_path_factory.mktemp("libvirtd")
    access = ["auth_unix_ro", "auth_unix_rw"]
    lines = [f'unix_sock_dir = "{folder}"', *(f'{key} = "none"' for key in access)]
    (folder / "libvirtd.conf").write_text("\n".join(lines) + "\n")
    argv = ["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--die-with-parent"]
    for path in STATE:
        argv += ["--tmpfs", path]
    argv += ["libvirtd", "-f", str(folder / "libvirtd.conf"), "-p", str(folder / "pid")]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL) as process,
    ):
        try:
            until = time.monotonic() + 20
            while not (folder / "libvirt-sock-ro").exists():
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, "libvirtd made no socket"
                time.sleep(0.05)
            yield folder
        finally:
            process.kill()


def virsh(folder: Path, *arguments: str) -> None:
    uri = f"qemu:///system?socket={folder}/libvirt-sock"
    subprocess.run(["virsh", "-q", "-c", uri, *arguments], check=True, stdout=subprocess.DEVNULL)


def test_the_demonstration_host_has_its_hbas() -> None:
    found = read_inventory(LibvirtTarget.DEMONSTRATION)
    hbas = {device.name: device for device in found.node_devices if device.fibre_channel}
    assert set(hbas) == {"scsi_host1", "scsi_host2", "scsi_host11"}
    first, vhba = hbas["scsi_host1"], hbas["scsi_host11"]
    assert first.fibre_channel is not None
    assert (first.host_number, first.fibre_channel.wwpn) == (1, "1000000012341234")
    assert (first.fibre_channel.is_npiv_capable, first.fibre_channel.vports) == (True, 0)
    assert vhba.fibre_channel is not None
    assert (vhba.parent, vhba.fibre_channel.is_npiv_capable) == ("scsi_host1", False)
    assert [pool.name for pool in found.pools] == ["default-pool"]
    assert found.networks == ("default",)
    assert dict(found.refused).keys() == {"domain_capabilities"}


def test_a_real_libvirtd_shows_its_pools_and_volumes(libvirtd: Path, tmp_path: Path) -> None:
    (tmp_path / "debian.iso").write_bytes(b"\0" * 4096)
    virsh(libvirtd, "pool-define-as", "isos", "dir", "--target", str(tmp_path))
    virsh(libvirtd, "pool-define-as", "asleep", "dir", "--target", "/nowhere")
    virsh(libvirtd, "pool-start", "isos")
    found = read_inventory(LibvirtTarget.SYSTEM, socket=libvirtd / "libvirt-sock-ro")
    asleep, isos = found.pools
    assert (asleep.name, asleep.is_active, asleep.volumes) == ("asleep", False, ())
    assert (isos.is_active, isos.is_persistent, isos.is_autostart, isos.type) == (True, True, False, "dir")
    (volume,) = isos.volumes
    assert (volume.name, volume.path, volume.capacity) == ("debian.iso", f"{tmp_path}/debian.iso", 4096)
    assert found.architecture == os.uname().machine
    assert "/usr/bin/qemu-system-x86_64" in found.emulators
    assert any(device.kind == "pci" and device.vendor for device in found.node_devices)


def test_the_connection_cannot_change_anything(libvirtd: Path) -> None:
    script = (
        "import libvirt, sys; c = libvirt.openReadOnly(sys.argv[1]);"
        "c.storagePoolDefineXML(\"<pool type='dir'><name>x</name><target><path>/x</path></target></pool>\")"
    )
    uri = f"qemu:///system?socket={libvirtd}/libvirt-sock-ro"
    done = subprocess.run([sys.executable, "-c", script, uri], capture_output=True, text=True, check=False)
    assert "read only access prevents" in done.stderr


def test_a_daemon_that_never_answers_ends_at_the_deadline(tmp_path: Path) -> None:
    path = tmp_path / "silent"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        begun = time.monotonic()
        with pytest.raises(InventoryError, match="no answer in 1 seconds"):
            read_inventory(LibvirtTarget.SYSTEM, socket=path, deadline=1)
        assert time.monotonic() - begun < 5


def test_a_daemon_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="cannot be reached: Failed to connect socket"):
        read_inventory(LibvirtTarget.SYSTEM, socket=tmp_path / "none")


def test_the_worker_itself_never_loads_libvirt() -> None:
    code = "import sys, labtools.labhost.inventory; sys.exit('libvirt' in sys.modules)"
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
