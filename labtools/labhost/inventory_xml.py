"""Read libvirt's XML of one thing each into the types of the inventory. Nothing here trusts the host."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from .host_xml import parse_xml
from .inventory_types import (
    BlockDetails,
    DomainCapabilities,
    FibreChannel,
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

MAX_TEXT = 4_000
#: Links to one block device, NUMA cells of a host, values of one enumeration of the domain capabilities.
MAX_LINKS, MAX_CELLS, MAX_VALUES = 100, 1_024, 200

_UNITS = {"": 1, "bytes": 1, "b": 1}
_UNITS |= {f"{letter}iB": 1 << 10 * n for n, letter in enumerate("KMGTPE", 1)}
_UNITS |= {f"{letter}B": 1000**n for n, letter in enumerate("KMGTPE", 1)}


def clean(text: str) -> str:
    """Refuse (ValueError) what is too long; control characters become ``?``."""
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def text_at(element: Element, path: str) -> str:
    """The text at ``path``, empty where there is none."""
    return clean((element.findtext(path) or "").strip())


def number_of(text: str) -> int | None:
    """A number of at most 63 bits, decimal or ``0x``; None for anything else (sysfs' -1 among it)."""
    try:
        number = int(text, 16 if text.startswith("0x") else 10) if text.isascii() and len(text) < 20 else -1
    except ValueError:
        return None
    return number if 0 <= number < 1 << 63 else None


def _number(element: Element, path: str) -> int | None:
    return number_of(text_at(element, path))


def _bytes(element: Element, path: str) -> int | None:
    found = element.find(path)
    number = None if found is None else number_of((found.text or "").strip())
    unit = "" if found is None else found.get("unit", "")
    return None if number is None or unit not in _UNITS else number * _UNITS[unit]


def _called(element: Element, path: str) -> str:
    """The name of a PCI vendor or product, or its id where the host's tables do not know it."""
    return text_at(element, path) or _attribute(element.find(path), "id")


def _attribute(element: Element | None, name: str) -> str:
    return "" if element is None else clean(element.get(name, ""))


# ------------------------------------------------------------------------------------- node devices


def node_device(text: str) -> NodeDevice:
    """The node device in ``text``."""
    device = parse_xml(text)
    capability = device.find("capability")
    if capability is None:
        capability = Element("capability")
    kind = clean(capability.get("type", ""))
    return NodeDevice(
        name=text_at(device, "name"),
        parent=text_at(device, "parent"),
        kind=kind,
        product=_called(capability, "product"),
        vendor=_called(capability, "vendor"),
        host_number=_number(capability, "host") if kind == "scsi_host" else None,
        fibre_channel=_fibre_channel(capability),
        driver=text_at(device, "driver/name"),
        unique_id=_number(capability, "unique_id") if kind == "scsi_host" else None,
        pci=_pci(capability) if kind == "pci" else None,
        net=_net(capability) if kind == "net" else None,
        scsi=_scsi(capability) if kind == "scsi" else None,
        block=_block(device, capability) if kind == "storage" else None,
        remote_wwpn=text_at(capability, "capability[@type='fc_remote_port']/wwpn"),
    )


def _fibre_channel(capability: Element) -> FibreChannel | None:
    host = capability.find("capability[@type='fc_host']")
    if host is None:
        return None
    ports = capability.find("capability[@type='vport_ops']")
    return FibreChannel(
        wwnn=text_at(host, "wwnn"),
        wwpn=text_at(host, "wwpn"),
        fabric_wwn=text_at(host, "fabric_wwn"),
        # libvirt before 1.0.4 offers vport_ops and does not count.
        vports=None if ports is None else _number(ports, "vports"),
        max_vports=None if ports is None else _number(ports, "max_vports"),
        port_state=text_at(host, "port_state"),
    )


def _pci(capability: Element) -> PciDetails | None:
    parts = [_number(capability, part) for part in ("domain", "bus", "slot", "function")]
    domain, bus, slot, function = (0 if part is None else part for part in parts)
    if None in parts[1:] or max(domain >> 32, bus >> 8, slot >> 5, function >> 3):
        return None
    group = capability.find("iommuGroup")
    numa = capability.find("numa")
    return PciDetails(
        address=f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}",
        vendor_id=_attribute(capability.find("vendor"), "id"),
        product_id=_attribute(capability.find("product"), "id"),
        iommu_group=number_of(_attribute(group, "number")),
        numa_node=number_of(_attribute(numa, "node")),
    )


def _net(capability: Element) -> NetDetails:
    return NetDetails(
        interface=text_at(capability, "interface"),
        mac=text_at(capability, "address"),
        link_state=_attribute(capability.find("link"), "state"),
    )


def _scsi(capability: Element) -> ScsiAddress | None:
    host, bus, target, lun = (_number(capability, part) for part in ("host", "bus", "target", "lun"))
    if host is None or bus is None or target is None or lun is None:
        return None
    return ScsiAddress(host, bus, target, lun, text_at(capability, "type"))


def _block(device: Element, capability: Element) -> BlockDetails:
    links = [clean(node.text or "") for node in device.iterfind("devnode[@type='link']")]
    return BlockDetails(
        path=text_at(capability, "block") or text_at(device, "devnode[@type='dev']"),
        links=tuple(sorted(links[:MAX_LINKS])),
        bus=text_at(capability, "bus"),
        drive_type=text_at(capability, "drive_type"),
        size=_bytes(capability, "size"),
        model=text_at(capability, "model"),
    )


# ------------------------------------------------------------------------------------------ storage


def pool(raw: dict[str, Any]) -> Pool:
    """The pool of one entry of ``pools``: its XML, its three flags, the XML of its volumes."""
    document = parse_xml(raw["xml"])
    adapter = document.find("source/adapter")
    return Pool(
        name=text_at(document, "name"),
        type=clean(document.get("type", "")),
        target_path=text_at(document, "target/path"),
        adapter=_attribute(adapter, "parent") or _attribute(adapter, "wwpn"),
        is_active=raw["active"] is True,
        is_persistent=raw["persistent"] is True,
        is_autostart=raw["autostart"] is True,
        volumes=tuple(sorted(map(_volume, raw["volumes"]), key=lambda volume: volume.name)),
        source_adapter=None if adapter is None else _adapter(adapter),
        permissions=_permissions(document),
        capacity=_bytes(document, "capacity"),
        allocation=_bytes(document, "allocation"),
        available=_bytes(document, "available"),
    )


def _adapter(adapter: Element) -> PoolAdapter:
    return PoolAdapter(
        type=_attribute(adapter, "type"),
        name=_attribute(adapter, "name"),
        parent=_attribute(adapter, "parent"),
        parent_wwnn=_attribute(adapter, "parent_wwnn"),
        parent_wwpn=_attribute(adapter, "parent_wwpn"),
        parent_fabric_wwn=_attribute(adapter, "parent_fabric_wwn"),
        wwnn=_attribute(adapter, "wwnn"),
        wwpn=_attribute(adapter, "wwpn"),
        managed=_attribute(adapter, "managed"),
    )


def _permissions(document: Element) -> Permissions | None:
    found = document.find("target/permissions")
    if found is None:
        return None
    return Permissions(
        owner=_number(found, "owner"),
        group=_number(found, "group"),
        mode=text_at(found, "mode"),
        label=text_at(found, "label"),
    )


def _volume(text: str) -> Volume:
    document = parse_xml(text)
    return Volume(
        name=text_at(document, "name"),
        path=text_at(document, "target/path"),
        format=_attribute(document.find("target/format"), "type"),
        capacity=_bytes(document, "capacity") or 0,
        allocation=_bytes(document, "allocation") or 0,
        type=clean(document.get("type", "")),
        permissions=_permissions(document),
    )


# ----------------------------------------------------------------------------------- the host itself


def numa_nodes(capabilities: Element) -> tuple[NumaNode, ...]:
    """The NUMA cells of the host's capabilities, in order of their numbers."""
    found = []
    for cell in capabilities.findall("host/topology/cells/cell")[:MAX_CELLS]:
        number = number_of(cell.get("id", ""))
        if number is not None:
            count = number_of(_attribute(cell.find("cpus"), "num"))
            found.append(NumaNode(number, _bytes(cell, "memory"), count or 0))
    return tuple(sorted(found, key=lambda node: node.id))


def domain_capabilities(text: str) -> DomainCapabilities | None:
    """The summary of ``text``; None where libvirt gave none."""
    if not text:
        return None
    document = parse_xml(text)
    modes = document.findall("cpu/mode[@supported='yes']")[:MAX_VALUES]
    return DomainCapabilities(
        emulator=text_at(document, "path"),
        domain_type=text_at(document, "domain"),
        machine=text_at(document, "machine"),
        architecture=text_at(document, "arch"),
        max_vcpus=number_of(_attribute(document.find("vcpu"), "max")),
        cpu_modes=tuple(clean(mode.get("name", "")) for mode in modes),
        devices=tuple(_enumerations(document)),
    )


def _enumerations(document: Element) -> list[tuple[str, tuple[str, ...]]]:
    """``disk.bus`` and its like with their values."""
    devices = document.find("devices")
    found = []
    for device in [] if devices is None else list(devices)[:MAX_VALUES]:
        for enumeration in device.findall("enum")[:MAX_VALUES]:
            values = [clean(value.text or "") for value in enumeration.findall("value")[:MAX_VALUES]]
            found.append((clean(f"{device.tag}.{enumeration.get('name', '')}"), tuple(values)))
    return sorted(found)
