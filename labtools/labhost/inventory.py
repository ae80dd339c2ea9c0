"""What libvirt of a host says it has: read from the section ``libvirt`` of a document into frozen types."""

from __future__ import annotations

import ctypes
import json
import os
import select
import subprocess
import time
from typing import Any

from . import inventory_xml
from .host_xml import HostXmlError, parse_xml
from .inventory_json import inventory_from_json, inventory_to_json
from .inventory_types import (
    BlockDetails,
    DomainCapabilities,
    FibreChannel,
    Inventory,
    InventoryError,
    Lun,
    NetDetails,
    NodeDevice,
    NumaNode,
    PciDetails,
    Permissions,
    Pool,
    PoolAdapter,
    ScsiAddress,
    Volume,
)
from .inventory_xml import clean, text_at
from .labprobe import before_exec, end_group

#: Bytes of a child's answer.
MAX_BYTES = 16 << 20
NOT_IN_FORM = "libvirt's answer is not in the form that was asked for."

__all__ = [
    "BlockDetails",
    "DomainCapabilities",
    "FibreChannel",
    "Inventory",
    "InventoryError",
    "LibvirtRefused",
    "Lun",
    "NetDetails",
    "NodeDevice",
    "NumaNode",
    "PciDetails",
    "Permissions",
    "Pool",
    "PoolAdapter",
    "ScsiAddress",
    "Volume",
    "answer_of",
    "inventory_from_json",
    "inventory_to_json",
    "parse_inventory",
    "read_section",
]


class LibvirtRefused(InventoryError):
    """libvirt of the host cannot be reached; the message has its own words."""


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
    """Return the inventory in a section ``libvirt`` as JSON; :class:`InventoryError` if any of it is out of form."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raise InventoryError(NOT_IN_FORM) from None
    return read_section(raw)


def read_section(raw: Any) -> Inventory:
    """Return the inventory in a document's ``libvirt``; :class:`InventoryError` if libvirt gave none in form."""
    try:
        refused = {clean(str(kind)): clean(str(why)) for kind, why in raw["refused"].items()}
        if "connection" in refused:
            raise LibvirtRefused(f"libvirt cannot be reached: {refused['connection']}")
        return _inventory(raw, refused)
    except (HostXmlError, ValueError, KeyError, TypeError, AttributeError):
        raise InventoryError(NOT_IN_FORM) from None


def _inventory(raw: dict[str, Any], refused: dict[str, str]) -> Inventory:
    capabilities = parse_xml(raw["capabilities"] or "<capabilities/>")
    devices = map(inventory_xml.node_device, raw["node_devices"])
    return Inventory(
        uri=clean(raw["uri"]),
        version=_version(raw["version"]),
        hypervisor_version=_version(raw["hypervisor_version"]),
        architecture=text_at(capabilities, "host/cpu/arch"),
        cpu_model=text_at(capabilities, "host/cpu/model"),
        emulators=tuple(sorted({clean(e.text or "") for e in capabilities.iter("emulator")})),
        node_devices=tuple(sorted(devices, key=lambda device: device.name)),
        pools=tuple(sorted(map(inventory_xml.pool, raw["pools"]), key=lambda pool: pool.name)),
        networks=tuple(sorted(text_at(parse_xml(text), "name") for text in raw["networks"])),
        domain_capabilities=inventory_xml.domain_capabilities(raw["domain_capabilities"]),
        refused=tuple(sorted(refused.items())),
        numa_nodes=inventory_xml.numa_nodes(capabilities),
    )


def _version(number: int) -> str:
    """libvirt packs 9.1.2 as 9001002; empty for 0, which stands for no answer."""
    if type(number) is not int or not 0 <= number < 1 << 62:
        raise ValueError("not a version")
    return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}" if number else ""
