"""Measure a Debian suite's QEMU and write its reference: the document, and an entry in the manifest."""

from __future__ import annotations

import json
import lzma
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from labtools.labhost.document import HostDocument, Status, parse_document
from labtools.labhost.labprobe import canonical

from . import MANIFEST, document_path, read_manifest
from .debian import DebianError, Package, Suite
from .root import BINARIES, keep_binaries, make_root, probe


@dataclass(frozen=True, slots=True)
class Measurable:
    """A suite that has, or shall have, a reference."""

    suite: str
    slug: str
    title: str


SUITES = {
    one.suite: one
    for one in (
        Measurable("bullseye", "debian-11", "Debian 11 (bullseye)"),
        Measurable("bookworm", "debian-12", "Debian 12 (bookworm)"),
        Measurable("trixie", "debian-13", "Debian 13 (trixie)"),
        Measurable("sid", "debian-sid", "Debian unstable (sid)"),
    )
}
#: The emulators and every package of device modules; which of them a suite has differs.
_PACKAGES = (
    "qemu-system-x86",
    "qemu-system-arm",
    "qemu-system-ppc",
    "qemu-system-gui",
    "qemu-block-extra",
    "qemu-system-modules-opengl",
    "qemu-system-modules-spice",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """How a measuring went. ``is_new`` is false where the suite's QEMU says what it said before."""

    slug: str
    qemu: str
    size: int
    is_new: bool


def measure(suite: Measurable, folder: Path, mirror: str) -> Measured:
    """Download, unpack and ask the suite's QEMU in ``folder``, and write its reference.

    :class:`DebianError` where something is missing or did not answer; the reference then is as it was.
    """
    apt = Suite(suite.suite, folder / "apt", mirror)
    apt.update()
    packages = wanted_packages(apt)
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    unpacked = make_root(apt, root, packages)
    keep_binaries(root, BINARIES)
    return write_reference(suite, probe(root), unpacked, date.today())


def wanted_packages(apt: Suite) -> list[str]:
    """The packages of the suite that have the emulators of all targets and their modules."""
    wanted = [name for name in _PACKAGES if apt.has(name)]
    # Debian 13 took these two out of qemu-system-misc.
    own = [name for name in ("qemu-system-s390x", "qemu-system-riscv") if apt.has(name)]
    return wanted + (own if len(own) == 2 else ["qemu-system-misc"])


def without_machine(data: bytes) -> dict[str, Any]:
    """Return the document in ``data`` without what it says of the measuring machine: its kernel and its KVM."""
    document: dict[str, Any] = json.loads(data)
    document["host"]["kernel"] = ""
    for qemu in document["qemu"]:
        qemu["accelerators"].pop("kvm", None)
    return document


def write_reference(suite: Measurable, data: bytes, packages: Collection[Package], today: date) -> Measured:
    """Write the reference of ``suite`` from labprobe's document.

    A QEMU that says what it said before keeps its day, so that its file keeps its bytes.
    """
    raw = without_machine(data)
    manifest = read_manifest()
    before = manifest.get(suite.slug, {})
    content_hash = _checked(raw).content_hash
    is_new = before.get("content_hash") != content_hash
    day = today.isoformat() if is_new else before["measured_on"]
    raw["probed_at"] = f"{day}T00:00:00Z"
    packed = lzma.compress(canonical(raw), format=lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME)
    _replace(document_path(suite.slug), packed)
    manifest[suite.slug] = {
        "suite": suite.suite,
        "title": suite.title,
        "qemu": raw["qemu"][0]["version"],
        "measured_on": day,
        "content_hash": content_hash,
        # Libraries are not named: what QEMU offers is decided when it is built.
        "packages": {one.name: one.version for one in packages if one.name.startswith("qemu-")},
    }
    ordered = {one.slug: manifest[one.slug] for one in SUITES.values() if one.slug in manifest}
    _replace(MANIFEST, (json.dumps(ordered, indent=2) + "\n").encode())
    return Measured(suite.slug, raw["qemu"][0]["version"], len(packed), is_new)


def _checked(raw: dict[str, Any]) -> HostDocument:
    """The document parsed; :class:`DebianError` if it is not all of what a reference has to say."""
    document = parse_document(canonical(raw))
    answered = {qemu.target: qemu.binary for qemu in document.qemu if qemu.status is Status.OK}
    if answered != BINARIES or document.problems:
        raise DebianError(f"not all emulators answered: {answered}; {'; '.join(document.problems)}")
    return document


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(data)
    os.replace(beside, path)
