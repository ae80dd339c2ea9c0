"""Write the parts of a :class:`~labtools.labhost.document.HostDocument` as JSON again, each with its hash.

The forms are the document's own, so ``parse_devices`` and its neighbours read them back. Equal parts give equal
bytes: parts are stored once by hash, whichever host or snapshot they came from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from .document import CpuModel, Device, Machine, Property, PropertyList


def canonical(value: object) -> bytes:
    """Return ``value`` as canonical JSON: keys in order, ASCII, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def digest(data: bytes) -> str:
    """Return the name of a part: the SHA-256 of its canonical JSON, in hex."""
    return hashlib.sha256(data).hexdigest()


def devices_json(devices: Iterable[Device]) -> list[dict[str, Any]]:
    """The ``devices`` of one binary."""
    return [
        {
            "name": device.name,
            "status": device.status.value,
            "last_words": device.last_words,
            "group": device.group,
            "bus": device.bus,
            "alias": device.alias,
            "description": device.description,
            "user_creatable": device.user_creatable,
            "properties": device.properties,
        }
        for device in devices
    ]


def machines_json(machines: Iterable[Machine]) -> list[dict[str, Any]]:
    """The ``machines`` of one binary."""
    return [
        {
            "name": machine.name,
            "alias": machine.alias,
            "default": machine.is_default,
            "deprecated": machine.is_deprecated,
            "cpu_max": machine.cpu_max,
            "default_cpu": machine.default_cpu,
        }
        for machine in machines
    ]


def cpus_json(cpus: Iterable[CpuModel]) -> list[dict[str, Any]]:
    """The ``cpus`` of one accelerator."""
    return [
        {
            "name": cpu.name,
            "type": cpu.type,
            "alias_of": cpu.alias_of,
            "deprecated": cpu.is_deprecated,
            "migration_safe": cpu.is_migration_safe,
            "static": cpu.is_static,
            "unavailable": None if cpu.unavailable is None else list(cpu.unavailable),
        }
        for cpu in cpus
    ]


def property_list_json(properties: PropertyList) -> list[dict[str, Any]]:
    """One of the ``property_lists``; its hash is ``properties.digest``."""
    return [_property_json(item) for item in properties.properties]


def _property_json(item: Property) -> dict[str, Any]:
    row: dict[str, Any] = {"name": item.name, "type": item.type}
    if item.description:
        row["description"] = item.description
    if item.default is not None:
        row["default"] = json.loads(item.default)
    return row
