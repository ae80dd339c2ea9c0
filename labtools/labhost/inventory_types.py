"""What libvirt of a host says it has, as frozen types. Sizes are bytes; WWNs are hex digits as libvirt prints them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


class InventoryError(Exception):
    """libvirt did not answer, or not in form; the message is a sentence that says what failed."""


@dataclass(frozen=True, slots=True)
class FibreChannel:
    """The ``fc_host`` and ``vport_ops`` of a SCSI host. ``port_state`` is empty where libvirt does not tell it."""

    wwnn: str
    wwpn: str
    fabric_wwn: str
    vports: int | None
    max_vports: int | None
    port_state: str = ""

    @property
    def is_npiv_capable(self) -> bool:
        """Whether libvirt offers to create vHBAs on it."""
        return self.max_vports is not None


@dataclass(frozen=True, slots=True)
class PciDetails:
    """The ``pci`` capability: ``address`` as ``lspci -D`` prints it, ids as ``0x8086``, None where not told."""

    address: str
    vendor_id: str = ""
    product_id: str = ""
    iommu_group: int | None = None
    numa_node: int | None = None


@dataclass(frozen=True, slots=True)
class NetDetails:
    """The ``net`` capability: the interface and its MAC address."""

    interface: str
    mac: str = ""
    link_state: str = ""


@dataclass(frozen=True, slots=True)
class ScsiAddress:
    """The ``scsi`` capability: where a SCSI device is, and its ``type`` (disk, cdrom, ...)."""

    host: int
    bus: int
    target: int
    lun: int
    type: str = ""


@dataclass(frozen=True, slots=True)
class BlockDetails:
    """The ``storage`` capability: a block device, its node (``/dev/sdb``) and the links to it (by-path, by-id)."""

    path: str
    links: tuple[str, ...] = ()
    bus: str = ""
    drive_type: str = ""
    size: int | None = None
    model: str = ""

    @property
    def by_path(self) -> str:
        """The first link below ``/dev/disk/by-path``; empty where libvirt names none."""
        return next((link for link in self.links if link.startswith("/dev/disk/by-path/")), "")


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
    driver: str = ""
    unique_id: int | None = None
    """Of a SCSI host: tells the ports of one adapter apart."""
    pci: PciDetails | None = None
    net: NetDetails | None = None
    scsi: ScsiAddress | None = None
    block: BlockDetails | None = None
    remote_wwpn: str = ""
    """Of a SCSI target behind Fibre Channel: the WWPN of the array's port."""


@dataclass(frozen=True, slots=True)
class Lun:
    """A SCSI device of the host with its block device, None where it has none (or none that libvirt shows)."""

    device: NodeDevice
    address: ScsiAddress
    block: BlockDetails | None


@dataclass(frozen=True, slots=True)
class Permissions:
    """The ``permissions`` of a pool's target or a volume: numbers, ``mode`` in octal digits, security label."""

    owner: int | None
    group: int | None
    mode: str
    label: str


@dataclass(frozen=True, slots=True)
class PoolAdapter:
    """The ``adapter`` of a SCSI pool's source; ``managed`` is ``yes``, ``no`` or empty."""

    type: str
    name: str = ""
    parent: str = ""
    parent_wwnn: str = ""
    parent_wwpn: str = ""
    parent_fabric_wwn: str = ""
    wwnn: str = ""
    wwpn: str = ""
    managed: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """A storage volume; ``type`` is file, block, dir, network, ..."""

    name: str
    path: str
    format: str
    capacity: int
    allocation: int
    type: str = ""
    permissions: Permissions | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """A storage pool; volumes are of an active pool. ``adapter`` is the parent or WWPN of ``source_adapter``."""

    name: str
    type: str
    target_path: str
    adapter: str
    is_active: bool
    is_persistent: bool
    is_autostart: bool
    volumes: tuple[Volume, ...]
    source_adapter: PoolAdapter | None = None
    permissions: Permissions | None = None
    capacity: int | None = None
    allocation: int | None = None
    available: int | None = None


@dataclass(frozen=True, slots=True)
class NumaNode:
    """A NUMA cell of the host: memory in bytes, None where not told, and how many CPUs it has."""

    id: int
    memory: int | None
    cpus: int


@dataclass(frozen=True, slots=True)
class DomainCapabilities:
    """What a guest of the default machine type may have. ``devices`` pairs ``disk.bus`` with its values."""

    emulator: str
    domain_type: str
    machine: str
    architecture: str
    max_vcpus: int | None
    cpu_modes: tuple[str, ...]
    devices: tuple[tuple[str, tuple[str, ...]], ...]


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
    domain_capabilities: DomainCapabilities | None
    refused: tuple[tuple[str, str], ...]
    numa_nodes: tuple[NumaNode, ...] = ()

    @property
    def vhbas(self) -> tuple[NodeDevice, ...]:
        """The vHBAs: Fibre Channel ports whose parent is a SCSI host itself."""
        hosts = {device.name for device in self.node_devices if device.kind == "scsi_host"}
        return tuple(
            device for device in self.node_devices if device.fibre_channel and device.parent in hosts
        )

    @property
    def luns(self) -> Iterator[Lun]:
        """The SCSI devices in order of name, each with its block device."""
        blocks = {device.parent: device.block for device in self.node_devices if device.block}
        for device in self.node_devices:
            if device.scsi is not None:
                yield Lun(device, device.scsi, blocks.get(device.name))
