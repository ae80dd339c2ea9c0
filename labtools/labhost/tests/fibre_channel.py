"""A host with Fibre Channel as libvirt shows one: two HBAs, one full and one with room, and a vHBA in use."""

from __future__ import annotations

import json
from typing import Any

from labtools.labhost.inventory import Inventory, parse_inventory

NODE, PORT, FABRIC = "2001001b32a9da4e", "2101001b32a9da4e", "2001000dec9877c1"
LUN_PATH = "/dev/disk/by-path/pci-0000:04:00.1-fc-0x205800a4085a3127-lun-0"
VHBA_NODE, VHBA_PORT = "5001a4a000000aaa", "5001a4a000000bbb"


def scsi_host(
    name: str,
    parent: str,
    wwnn: str,
    wwpn: str,
    *,
    fabric: str = FABRIC,
    vports: tuple[int, int] | None = None,
    state: str = "",
) -> str:
    """The XML of a Fibre Channel port; ``vports`` are those in use and the maximum, ``None`` for a vHBA."""
    ops = ""
    if vports is not None:
        ops = (
            f"<capability type='vport_ops'><max_vports>{vports[1]}</max_vports><vports>{vports[0]}</vports>"
            "</capability>"
        )
    return (
        f"<device><name>{name}</name><parent>{parent}</parent><capability type='scsi_host'><host>{name[9:]}</host>"
        f"<capability type='fc_host'><wwnn>{wwnn}</wwnn><wwpn>{wwpn}</wwpn>"
        f"<fabric_wwn>{fabric}</fabric_wwn>{f'<port_state>{state}</port_state>' if state else ''}</capability>"
        f"{ops}</capability></device>"
    )


def other(name: str, parent: str, kind: str) -> str:
    """The XML of a node device of another kind."""
    return f"<device><name>{name}</name><parent>{parent}</parent><capability type='{kind}'/></device>"


def fc_pool(
    name: str, adapter: str, *, kind: str = "fc_host", volumes: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A running pool as labprobe gives it, with these attributes of its adapter."""
    xml = f"<pool type='scsi'><name>{name}</name><source><adapter type='{kind}' {adapter}/></source></pool>"
    found = [f"<volume type='block'><name>{volume}</name></volume>" for volume in volumes]
    return {"xml": xml, "active": True, "persistent": True, "autostart": True, "volumes": found}


def lun(host: int, number: int, parent: str, link: str = "") -> list[str]:
    """The XML of a SCSI device and its block device."""
    name = f"scsi_{host}_0_0_{number}"
    device = (
        f"<device><name>{name}</name><parent>{parent}</parent><capability type='scsi'><host>{host}</host><bus>0</bus>"
        f"<target>0</target><lun>{number}</lun><type>disk</type></capability></device>"
    )
    block = (
        f"<device><name>block_{host}_{number}</name><parent>{name}</parent><devnode type='dev'>/dev/sdx</devnode>"
        f"<devnode type='link'>{link}</devnode><capability type='storage'><block>/dev/sdx</block></capability></device>"
    )
    return [device, block] if link else [device]


DEVICES = [
    scsi_host("scsi_host3", "pci_0000_04_00_0", "2000001b32a9da4e", "2100001b32a9da4e", vports=(164, 164)),
    scsi_host("scsi_host5", "pci_0000_04_00_1", NODE, PORT, vports=(1, 164)),
    scsi_host("scsi_host6", "scsi_host5", VHBA_NODE, VHBA_PORT),
    other("scsi_target6_0_0", "scsi_host6", "scsi_target"),
    *lun(6, 0, "scsi_target6_0_0", LUN_PATH),
    *lun(6, 1, "scsi_target6_0_0"),
    *lun(0, 0, "scsi_host0", "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"),
    scsi_host(
        "scsi_host7",
        "pci_0000_05_00_0",
        "2001001b32a9da50",
        "2101001b32a9da50",
        fabric="f" * 16,
        vports=(0, 0),
    ),
    other("pci_0000_04_00_1", "computer", "pci"),
]
POOLS = [
    fc_pool(
        "vhbapool",
        f"wwnn='{VHBA_NODE}' wwpn='{VHBA_PORT}' parent='scsi_host5' managed='yes'",
        volumes=("unit:0:0:1",),
    )
]


def raw(**changes: Any) -> dict[str, Any]:
    """The section ``libvirt`` of that host, with ``changes``."""
    return {
        "uri": "qemu:///system",
        "refused": {},
        "version": 9000000,
        "hypervisor_version": 7002000,
        "capabilities": "<capabilities/>",
        "domain_capabilities": "",
        "networks": [],
        "node_devices": DEVICES,
        "pools": POOLS,
    } | changes


def inventory(**changes: Any) -> Inventory:
    """That host, as the portal reads it."""
    return parse_inventory(json.dumps(raw(**changes)).encode())
