"""What libvirt of a host says it has, as frozen types: :func:`read_inventory` asks and never hangs."""

from __future__ import annotations

import ctypes
import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from .host_xml import HostXmlError, parse_xml
from .labprobe import before_exec, end_group
from .libvirt_client import LibvirtTarget

#: Seconds, and bytes of the child's answer.
DEADLINE, MAX_BYTES = 15.0, 16 << 20
MAX_TEXT = 4_000


class InventoryError(Exception):
    """libvirt did not answer; the message is a sentence that says what failed."""


@dataclass(frozen=True, slots=True)
class FibreChannel:
    """The ``fc_host`` and ``vport_ops`` of a SCSI host. WWNs are 16 hex digits as libvirt prints them."""

    wwnn: str
    wwpn: str
    fabric_wwn: str
    vports: int | None
    max_vports: int | None

    @property
    def is_npiv_capable(self) -> bool:
        """Whether libvirt offers to create vHBAs on it."""
        return self.max_vports is not None


@dataclass(frozen=True, slots=True)
class NodeDevice:
    """A node device: ``kind`` is the type of its first capability (pci, scsi_host, net, ...)."""

    name: str
    parent: str
    kind: str
    product: str
    vendor: str
    host_number: int | None
    fibre_channel: FibreChannel | None


@dataclass(frozen=True, slots=True)
class Volume:
    """A storage volume; sizes in bytes."""

    name: str
    path: str
    format: str
    capacity: int
    allocation: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A storage pool. ``adapter`` is the parent or WWPN of an ``fc_host`` source; volumes are of an active pool."""

    name: str
    type: str
    target_path: str
    adapter: str
    is_active: bool
    is_persistent: bool
    is_autostart: bool
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """One reading of one libvirt. ``refused`` says, by kind, why something is missing."""

    uri: str
    version: str
    hypervisor_version: str
    architecture: str
    cpu_model: str
    emulators: tuple[str, ...]
    node_devices: tuple[NodeDevice, ...]
    pools: tuple[Pool, ...]
    networks: tuple[str, ...]
    domain_capabilities: str
    refused: tuple[tuple[str, str], ...]


def read_inventory(
    target: LibvirtTarget, *, deadline: float = DEADLINE, socket: Path | None = None
) -> Inventory:
    """Ask ``target`` within ``deadline`` seconds; :class:`InventoryError` if it does not answer in form.

    ``socket`` is a path of the portal's own configuration (a private libvirtd), never of a form.
    """
    program = Path(__file__).with_name("libvirt_client.py")
    arguments = [target.name] + ([str(socket)] if socket else [])
    return parse_inventory(answer_of([sys.executable, "-I", str(program), *arguments], deadline))


def answer_of(argv: list[str], deadline: float) -> bytes:
    """Return what a child prints; kill it and its group at the deadline or beyond :data:`MAX_BYTES`."""
    until = time.monotonic() + deadline
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=before_exec(ctypes.CDLL(None), os.getpid()),
    )
    assert process.stdout is not None
    pieces: list[bytes] = []
    size = 0
    try:
        while True:
            ready = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))[0]
            if not ready:
                raise InventoryError(f"libvirt gave no answer in {deadline:g} seconds.")
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BYTES:
                raise InventoryError(f"libvirt's answer is larger than {MAX_BYTES >> 20} MiB.")
    finally:
        end_group(process.pid)
        process.wait()
        process.stdout.close()


def parse_inventory(data: bytes) -> Inventory:
    """Return the inventory in the child's answer; :class:`InventoryError` if anything in it is out of form."""
    try:
        raw = json.loads(data)
        refused = {str(kind): _clean(str(why)) for kind, why in raw["refused"].items()}
        if "connection" in refused:
            raise InventoryError(f"libvirt cannot be reached: {refused['connection']}")
        return _inventory(raw, refused)
    except (HostXmlError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InventoryError("libvirt's answer is not in the form that was asked for.") from None


def _inventory(raw: dict[str, Any], refused: dict[str, str]) -> Inventory:
    capabilities = parse_xml(raw["capabilities"])
    devices = [_node_device(parse_xml(text)) for text in raw["node_devices"]]
    return Inventory(
        uri=_clean(raw["uri"]),
        version=_version(raw["version"]),
        hypervisor_version=_version(raw["hypervisor_version"]),
        architecture=_text(capabilities, "host/cpu/arch"),
        cpu_model=_text(capabilities, "host/cpu/model"),
        emulators=tuple(sorted({_clean(e.text or "") for e in capabilities.iter("emulator")})),
        node_devices=tuple(sorted(devices, key=lambda device: device.name)),
        pools=tuple(sorted(map(_pool, raw["pools"]), key=lambda pool: pool.name)),
        networks=tuple(sorted(_text(parse_xml(text), "name") for text in raw["networks"])),
        domain_capabilities=raw["domain_capabilities"] if _is_plain_xml(raw["domain_capabilities"]) else "",
        refused=tuple(sorted(refused.items())),
    )


def _is_plain_xml(text: str) -> bool:
    """Whether there is XML at all; :class:`HostXmlError` if it is not plain."""
    return bool(text) and parse_xml(text) is not None


def _clean(text: str) -> str:
    """Refuse what is too long; control characters become ``?``."""
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _text(element: Element, path: str) -> str:
    return _clean((element.findtext(path) or "").strip())


def _called(element: Element, path: str) -> str:
    """The name of a PCI vendor or product, or its id where the host's tables do not know it."""
    found = element.find(path)
    return _text(element, path) or ("" if found is None else _clean(found.get("id", "")))


def _number(element: Element, path: str) -> int | None:
    text = _text(element, path)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _version(number: int) -> str:
    """libvirt packs 9.1.2 as 9001002."""
    return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"


def _node_device(device: Element) -> NodeDevice:
    capability = device.find("capability")
    if capability is None:
        capability = Element("capability")
    return NodeDevice(
        name=_text(device, "name"),
        parent=_text(device, "parent"),
        kind=_clean(capability.get("type", "")),
        product=_called(capability, "product"),
        vendor=_called(capability, "vendor"),
        host_number=_number(capability, "host") if capability.get("type") == "scsi_host" else None,
        fibre_channel=_fibre_channel(capability),
    )


def _fibre_channel(capability: Element) -> FibreChannel | None:
    host = capability.find("capability[@type='fc_host']")
    if host is None:
        return None
    ports = capability.find("capability[@type='vport_ops']")
    return FibreChannel(
        wwnn=_text(host, "wwnn"),
        wwpn=_text(host, "wwpn"),
        fabric_wwn=_text(host, "fabric_wwn"),
        vports=None if ports is None else _number(ports, "vports"),
        max_vports=None if ports is None else _number(ports, "max_vports"),
    )


def _pool(raw: dict[str, Any]) -> Pool:
    pool = parse_xml(raw["xml"])
    adapter = pool.find("source/adapter")
    volumes = (_volume(parse_xml(text)) for text in raw["volumes"])
    return Pool(
        name=_text(pool, "name"),
        type=_clean(pool.get("type", "")),
        target_path=_text(pool, "target/path"),
        adapter="" if adapter is None else _clean(adapter.get("parent") or adapter.get("wwpn") or ""),
        is_active=raw["active"] is True,
        is_persistent=raw["persistent"] is True,
        is_autostart=raw["autostart"] is True,
        volumes=tuple(sorted(volumes, key=lambda volume: volume.name)),
    )


def _volume(volume: Element) -> Volume:
    form = volume.find("target/format")
    return Volume(
        name=_text(volume, "name"),
        path=_text(volume, "target/path"),
        format="" if form is None else _clean(form.get("type", "")),
        capacity=_number(volume, "capacity") or 0,
        allocation=_number(volume, "allocation") or 0,
    )
