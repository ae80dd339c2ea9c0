"""Hosts and documents for tests: small, whole, and not vouched for by anybody."""

import base64
import copy
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labtools.labhost.document import HostDocument, parse_document
from labtools.models import LabHost, Sighting
from labtools.services.snapshots import record_document

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
#: A public key of SSH whose bytes are all the same.
HOST_KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"\x07" * 32).decode(
    "ascii"
)

#: Properties of a device type, by name.
PROPERTIES: dict[str, list[dict[str, Any]]] = {
    "virtio-net-pci": [
        {"name": "host_mtu", "type": "uint16", "default": 0},
        {
            "name": "mac",
            "type": "str",
            "description": "Ethernet 6-byte MAC Address, example: 52:54:00:12:34:56",
        },
        {"name": "rss", "type": "bool", "default": False},
        {"name": "x-txtimer", "type": "uint32", "default": 150000},
    ],
    "virtio-blk-pci": [
        {
            "name": "drive",
            "type": "str",
            "description": "Node name or ID of a block device to use as a backend",
        },
        {"name": "scsi", "type": "bool", "description": "on/off", "default": False},
    ],
}


def device(name: str, **more: Any) -> dict[str, Any]:
    """One entry of ``devices`` in a document."""
    return {
        "name": name,
        "status": "ok",
        "last_words": "",
        "group": "",
        "bus": "",
        "alias": "",
        "description": "",
        "user_creatable": True,
        "properties": None,
    } | more


def cpu(name: str, *unavailable: str, **more: Any) -> dict[str, Any]:
    """One entry of ``cpus`` in a document, with its missing features."""
    return {
        "name": name,
        "type": f"{name}-x86_64-cpu",
        "alias_of": "",
        "deprecated": False,
        "migration_safe": True,
        "static": False,
        "unavailable": list(unavailable),
    } | more


def make_document_json(version: str = "7.2.22", target: str = "x86_64") -> dict[str, Any]:
    """A document of one QEMU as a JSON value, to be changed by a test before :func:`make_document`."""
    return {
        "format": 1,
        "probed_at": "2026-11-20T09:00:00Z",
        "host": {"machine": "x86_64", "kernel": "6.1.0"},
        "qemu": [
            {
                "binary": f"/srv/secret-path/qemu-system-{target}",
                "status": "ok",
                "last_words": "",
                "version": version,
                "package": f"Debian {version}",
                "target": target,
                "devices": [
                    device(
                        "virtio-blk-pci",
                        group="Storage",
                        bus="PCI",
                        alias="virtio-blk",
                        properties="virtio-blk-pci",
                    ),
                    device(
                        "virtio-gpu-gl-pci",
                        group="Display",
                        bus="PCI",
                        status="died",
                        last_words="failed to open module: hw-display-virtio-gpu-pci-gl.so",
                    ),
                    device(
                        "virtio-net-pci",
                        group="Network",
                        bus="PCI",
                        alias="virtio-net",
                        description="A virtual network adapter",
                        properties="virtio-net-pci",
                    ),
                ],
                "machines": [
                    {
                        "name": name,
                        "alias": alias,
                        "default": alias == "pc",
                        "deprecated": name.endswith("1.4"),
                        "cpu_max": 255,
                        "default_cpu": "qemu64-x86_64-cpu",
                    }
                    for name, alias in (
                        ("pc-i440fx-1.4", ""),
                        (f"pc-i440fx-{version[:3]}", "pc"),
                        ("q35", ""),
                    )
                ],
                "objects": ["iothread", "memory-backend-ram"],
                "accelerators": {
                    "tcg": {
                        "status": "ok",
                        "last_words": "",
                        "sandboxed": True,
                        "cpus": [cpu("Skylake-Client", "hle", "rtm"), cpu("qemu64")],
                    },
                    "kvm": {
                        "status": "error",
                        "last_words": "/dev/kvm cannot be opened by the probe's user",
                        "sandboxed": True,
                        "cpus": [],
                    },
                },
            }
        ],
        "property_lists": {},
        "problems": [],
    }


def make_document(raw: dict[str, Any] | None = None, **names: Any) -> HostDocument:
    """Read ``raw`` (or a default of ``names``) as the portal reads a probe's answer.

    A device whose ``properties`` is a key of :data:`PROPERTIES`, or a list of rows, gets the hash in its place.
    """
    raw = copy.deepcopy(raw) if raw is not None else make_document_json(**names)
    for qemu in raw["qemu"]:
        qemu["machines"].sort(key=lambda machine: machine["name"])
        for one in qemu["devices"]:
            rows = PROPERTIES.get(str(one["properties"]), one["properties"])
            if isinstance(rows, list):
                digest = hashlib.sha256(
                    json.dumps(rows, sort_keys=True, separators=(",", ":")).encode()
                ).hexdigest()
                raw["property_lists"][digest] = rows
                one["properties"] = digest
    return parse_document(json.dumps(raw).encode())


def probe_answer(version: str = "7.2.22") -> bytes:
    """What a host sends when it is asked: a small document in form."""
    raw = make_document_json(version)
    for qemu in raw["qemu"]:
        qemu["machines"].sort(key=lambda machine: machine["name"])
        for one in qemu["devices"]:
            one["properties"] = None
    return json.dumps(raw).encode()


def make_host(slug: str = "pune-1", **fields: Any) -> LabHost:
    """A local, public host that nobody asked yet."""
    return LabHost.objects.create(
        **{"slug": slug, "name": slug.capitalize(), "transport": LabHost.Transport.LOCAL} | fields
    )


def make_lab_keys(folder: Path) -> Path:
    """A folder of keys: ``lab`` can be chosen, ``open`` cannot, because others may read it."""
    folder.mkdir(mode=0o700)
    for name, mode in (("lab", 0o600), ("open", 0o644)):
        (folder / name).write_text("the private half of a key, which nobody is ever shown\n")
        (folder / name).chmod(mode)
        (folder / f"{name}.pub").write_text(f"{HOST_KEY} labprobe\n")
    return folder


def make_seen_host(
    slug: str = "pune-1", document: HostDocument | None = None, at: datetime = AT, **fields: Any
) -> LabHost:
    """A host that has answered with ``document``."""
    host = make_host(slug, **fields)
    record(host, document or make_document(), at=at)
    return host


def record(host: LabHost, document: HostDocument, at: datetime = AT) -> Sighting:
    """Let ``host`` have answered with ``document``."""
    return record_document(host=host, document=document, at=at)
