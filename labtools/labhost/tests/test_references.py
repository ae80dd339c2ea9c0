"""The documents kept with the project: what they say is known from QEMU's own history."""

from __future__ import annotations

import json
import lzma
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from labtools.labhost import references as kept
from labtools.labhost.document import Device, HostDocument, Qemu, Status, parse_document
from labtools.labhost.references import debian, measure, root
from labtools.labhost.references.debian import DebianError, Package

VERSIONS = {"debian-11": "5.2", "debian-12": "7.2", "debian-13": "10.0", "debian-sid": "11.1"}


@pytest.fixture(scope="module")
def documents() -> dict[str, HostDocument]:
    return {reference.slug: parse_document(reference.document()) for reference in kept.references()}


def qemu_of(document: HostDocument, target: str) -> Qemu:
    return next(qemu for qemu in document.qemu if qemu.target == target)


def device_of(document: HostDocument, target: str, name: str) -> Device | None:
    return next((one for one in qemu_of(document, target).devices if one.name == name), None)


def options_of(document: HostDocument, target: str, name: str) -> set[str]:
    device = device_of(document, target, name)
    found = document.properties_of(device) if device else None
    return {one.name for one in found.properties} if found else set()


def test_each_reference_has_five_emulators_of_its_version(documents: dict[str, HostDocument]) -> None:
    assert list(documents) == list(VERSIONS)
    for slug, document in documents.items():
        assert {qemu.target: qemu.binary for qemu in document.qemu} == root.BINARIES
        assert all(qemu.version.startswith(VERSIONS[slug] + ".") for qemu in document.qemu)
        assert all(len(qemu.devices) > 150 and qemu.machines for qemu in document.qemu)


def test_a_reference_says_nothing_of_the_machine_that_measured_it(documents: dict[str, HostDocument]) -> None:
    for document in documents.values():
        assert document.kernel == ""
        assert {asked.name for qemu in document.qemu for asked in qemu.accelerators} == {"tcg"}
        assert all(asked.status is Status.OK for qemu in document.qemu for asked in qemu.accelerators)


def test_the_manifest_knows_each_document_without_reading_it(documents: dict[str, HostDocument]) -> None:
    for reference in kept.references():
        document = documents[reference.slug]
        assert reference.content_hash == document.content_hash
        assert reference.measured_at == document.probed_at
        assert {qemu.version for qemu in document.qemu} == {reference.qemu}
        assert reference.path.stat().st_size < 120_000


def test_virtio_blk_lost_scsi_between_7_2_and_10_0(documents: dict[str, HostDocument]) -> None:
    # Deprecated in QEMU 5.0, removed in 9.1 (docs/about/removed-features.rst).
    have = {slug: "scsi" in options_of(one, "x86_64", "virtio-blk-pci") for slug, one in documents.items()}
    assert have == {"debian-11": True, "debian-12": True, "debian-13": False, "debian-sid": False}


@pytest.mark.parametrize(
    ("target", "device"),
    [
        ("x86_64", "virtio-net-pci"),
        ("x86_64", "nvme"),
        ("aarch64", "virtio-net-device"),
        ("ppc64", "spapr-vscsi"),
        ("s390x", "virtio-net-ccw"),
        ("riscv64", "virtio-blk-device"),
    ],
)
def test_devices_that_everybody_knows_are_there(
    documents: dict[str, HostDocument], target: str, device: str
) -> None:
    for document in documents.values():
        found = device_of(document, target, device)
        assert found is not None
        assert found.user_creatable
        assert options_of(document, target, device)


def test_what_came_later_is_not_in_the_old(documents: dict[str, HostDocument]) -> None:
    sound = {slug: bool(device_of(one, "x86_64", "virtio-sound-pci")) for slug, one in documents.items()}
    assert sound == {"debian-11": False, "debian-12": False, "debian-13": True, "debian-sid": True}
    models = {
        cpu.name for asked in qemu_of(documents["debian-12"], "x86_64").accelerators for cpu in asked.cpus
    }
    assert {"qemu64", "EPYC-Milan", "Skylake-Server"} <= models


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the project's, without any reference."""
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    for module in (kept, measure):
        monkeypatch.setattr(module, "MANIFEST", tmp_path / "manifest.json")
    return tmp_path


def measured_again(slug: str = "debian-12") -> dict[str, Any]:
    """What labprobe would print of a kept reference's root on some machine, today."""
    packed = (Path(kept.__file__).parent / f"{slug}.json.xz").read_bytes()
    raw: dict[str, Any] = json.loads(lzma.decompress(packed))
    raw["host"]["kernel"] = "6.1.0-1-amd64"
    raw["probed_at"] = "2031-01-01T12:34:56Z"
    for qemu in raw["qemu"]:
        qemu["accelerators"]["kvm"] = qemu["accelerators"]["tcg"]
    return raw


def write(raw: dict[str, Any], day: date) -> measure.Measured:
    packages = [Package("qemu-system-x86", "1:7.2"), Package("libc6", "2.36")]
    return measure.write_reference(measure.SUITES["bookworm"], json.dumps(raw).encode(), packages, day)


def test_the_same_packages_give_the_same_bytes(elsewhere: Path) -> None:
    first = write(measured_again(), date(2026, 11, 23))
    before = (elsewhere / "debian-12.json.xz").read_bytes()
    again = write(measured_again(), date(2031, 1, 1))
    assert (first.is_new, again.is_new) == (True, False)
    assert (elsewhere / "debian-12.json.xz").read_bytes() == before
    (reference,) = kept.references()
    assert reference.measured_at.date() == date(2026, 11, 23)
    document = parse_document(reference.document())
    assert document.kernel == ""
    assert document.content_hash == reference.content_hash
    assert kept.read_manifest()["debian-12"]["packages"] == {"qemu-system-x86": "1:7.2"}


def test_a_measuring_that_lacks_a_target_changes_nothing(elsewhere: Path) -> None:
    raw = measured_again()
    del raw["qemu"][0]
    with pytest.raises(DebianError, match="not all emulators answered"):
        write(raw, date(2026, 11, 23))
    assert list(elsewhere.iterdir()) == []


def test_packages_are_unpacked_through_the_links_of_a_merged_usr(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "DEBIAN").mkdir(parents=True)
    (package / "DEBIAN/control").write_text(
        "Package: old\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: a\n"
    )
    (package / "DEBIAN/preinst").write_text("#!/bin/sh\ntouch /must-not-run\n")
    (package / "DEBIAN/preinst").chmod(0o755)
    (package / "lib").mkdir()
    (package / "lib/libold.so").write_text("old")
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", str(package), str(tmp_path / "old.deb")],
        check=True,
        capture_output=True,
    )
    unpacked = tmp_path / "root"
    (unpacked / "usr/lib").mkdir(parents=True)
    (unpacked / "lib").symlink_to("usr/lib")
    debian.unpack_package(tmp_path / "old.deb", unpacked)
    assert (unpacked / "lib").is_symlink()
    assert (unpacked / "usr/lib/libold.so").read_text() == "old"
    assert sorted(path.name for path in unpacked.iterdir()) == ["lib", "usr"]


def test_the_second_host_of_the_tests_is_debian_13(
    second_host: Path, documents: dict[str, HostDocument]
) -> None:
    found = parse_document(root.probe(second_host))
    (qemu,) = found.qemu
    kept_qemu = qemu_of(documents["debian-13"], "x86_64")
    assert (qemu.binary, qemu.version[:5]) == ("/usr/bin/qemu-system-x86_64", "10.0.")
    assert {asked.name: asked.status for asked in qemu.accelerators} == {"tcg": "ok", "kvm": "error"}
    ended = {one.name for one in qemu.devices if one.status is not Status.OK}
    # The packages of device modules are not there; nothing else is missing.
    assert {one.name for one in kept_qemu.devices} - {one.name for one in qemu.devices} <= {
        one.name for one in kept_qemu.devices if "gl" in one.name or "qxl" in one.name or "usb" in one.name
    }
    assert all("gl" in name or "qxl" in name for name in ended)
