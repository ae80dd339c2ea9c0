"""What libvirt of one host has, for its page: only as much as a page can hold, for those who may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from labtools.labhost.inventory import Inventory as Contents
from labtools.labhost.inventory import NodeDevice, Pool, Volume
from labtools.models import Inventory, LabHost
from labtools.queries import inventories

#: Node devices of a kind, and volumes of a pool, on the page. The JSON has them all.
ROWS = 60

T = TypeVar("T")


@dataclass(frozen=True)
class Cut(Generic[T]):
    """The first rows of a list, and how many more there are."""

    rows: Sequence[T]
    more: int
    count: int


@dataclass(frozen=True)
class DeviceRow:
    """A node device in words: what it is, and what tells it apart."""

    device: NodeDevice
    what: str
    marks: tuple[tuple[str, str], ...]
    """Label and value: WWPN, MAC, PCI address, node."""


@dataclass(frozen=True)
class DeviceGroup:
    """Node devices of a kind."""

    kind: str
    devices: Cut[DeviceRow]


@dataclass(frozen=True)
class PoolRow:
    """A pool with its volumes."""

    pool: Pool
    volumes: Cut[Volume]


@dataclass(frozen=True)
class InventoryPage:
    """The inventory as the page of a host shows it; ``contents`` is all of it."""

    taken_at: datetime
    contents: Contents
    groups: tuple[DeviceGroup, ...]
    pools: tuple[PoolRow, ...]


def inventory_page(host: LabHost, user: object) -> InventoryPage | None:
    """The inventory of ``host`` if ``user`` may see it and there is one; else None. Up to three queries."""
    seen = Inventory.objects.filter(host=host, host__in=LabHost.objects.inventory_visible_to(user)).first()
    if seen is None:
        return None
    contents = inventories.contents([seen.digest]).get(seen.digest)
    if contents is None:
        return None
    kinds: dict[str, list[NodeDevice]] = {}
    for device in contents.node_devices:
        kinds.setdefault(device.kind or "other", []).append(device)
    return InventoryPage(
        taken_at=seen.taken_at,
        contents=contents,
        groups=tuple(_group(kind, devices) for kind, devices in sorted(kinds.items())),
        pools=tuple(PoolRow(pool, _cut(pool.volumes)) for pool in contents.pools),
    )


def has_inventory(host: LabHost) -> bool:
    """Whether there is one, whoever may see it. One query."""
    return Inventory.objects.filter(host=host).exists()


def _cut(items: Sequence[T]) -> Cut[T]:
    return Cut(items[:ROWS], max(len(items) - ROWS, 0), len(items))


def _group(kind: str, devices: list[NodeDevice]) -> DeviceGroup:
    shown = _cut(devices)
    return DeviceGroup(kind, Cut([_row(device) for device in shown.rows], shown.more, shown.count))


def _row(device: NodeDevice) -> DeviceRow:
    what = " ".join(part for part in (device.vendor, device.product) if part)
    if device.block and device.block.model:
        what = what or device.block.model
    return DeviceRow(device, what, tuple((label, value) for label, value in _marks(device) if value))


def _marks(device: NodeDevice) -> list[tuple[str, str]]:
    marks = [("driver", device.driver), ("remote WWPN", device.remote_wwpn)]
    if device.pci:
        marks.append(("address", device.pci.address))
        marks.append(("IOMMU group", "" if device.pci.iommu_group is None else str(device.pci.iommu_group)))
    if device.net:
        marks += [
            ("interface", device.net.interface),
            ("MAC", device.net.mac),
            ("link", device.net.link_state),
        ]
    if device.block:
        marks += [("node", device.block.path), ("by path", device.block.by_path)]
    port = device.fibre_channel
    if port:
        marks += [("WWNN", port.wwnn), ("WWPN", port.wwpn), ("port", port.port_state)]
        if port.max_vports is not None:
            marks.append(("vHBAs", f"{port.vports or 0} of {port.max_vports}"))
    return marks
