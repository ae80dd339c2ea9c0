"""The Fibre Channel side of a host: its HBAs, the vHBAs on them, the pools that use either, every name in use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labtools.labhost.inventory import (
    FibreChannel,
    Inventory,
    InventoryError,
    NodeDevice,
    Pool,
    PoolAdapter,
    parse_inventory,
)

from .wwn import WwnError, parse_wwn

#: Bytes of a paste, and how many devices of it are read.
MAX_PASTE, MAX_PASTED_DEVICES = 256 << 10, 64

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_COUNT = re.compile(r"[0-9]{1,5}")
_SCSI_HOST = re.compile(r"scsi_host(\d{1,9})")
#: What the kernel shows for the fabric of a port that is logged in to none.
_NO_FABRIC = ("", "0" * 16, "f" * 16)


class PasteError(ValueError):
    """A paste or a link does not describe Fibre Channel ports; the message is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Hba:
    """A Fibre Channel port of a host, a real one or a vHBA. Names are canonical digits, or as found if out of form.

    ``parent`` is libvirt's name of what it sits on; ``vports`` and ``max_vports`` are ``None`` where the host does
    not offer to make vHBAs on it (or its libvirt is older than 1.0.4 and does not count them).
    """

    name: str
    parent: str
    wwnn: str
    wwpn: str
    fabric_wwn: str
    is_npiv_capable: bool
    vports: int | None
    max_vports: int | None
    port_state: str = ""
    """As ``/sys/class/fc_host`` has it (Online, Linkdown, ...); empty where the host did not tell."""

    @property
    def is_vhba(self) -> bool:
        """Whether it is a vHBA, by what libvirt itself goes by: it sits on another SCSI host."""
        return _SCSI_HOST.fullmatch(self.parent) is not None

    @property
    def free_vports(self) -> int | None:
        """How many more vHBAs fit; ``None`` where the host does not count, or says that there can be none at all.

        A maximum of 0 with vHBAs on offer is not a count: libvirt's test driver says it always.
        """
        if not self.max_vports or self.vports is None:
            return None
        return max(0, self.max_vports - self.vports)

    @property
    def is_in_fabric(self) -> bool:
        """Whether the port shows a fabric, that is: its link is up and the switch took its FLOGI."""
        return self.fabric_wwn not in _NO_FABRIC

    @property
    def is_offline(self) -> bool:
        """Whether the port says that it is not Online or, where it does not say, shows no fabric."""
        return self.port_state != "Online" if self.port_state else not self.is_in_fabric

    @property
    def host_number(self) -> str:
        """The N of ``scsi_hostN``; empty for a name in another style (HAL's ``pci_10df_fe00_scsi_host_0``)."""
        found = _SCSI_HOST.fullmatch(self.name)
        return found.group(1) if found else ""

    @property
    def key(self) -> str:
        """What a link keeps of it: its names, not its number, which changes from boot to boot."""
        return f"{self.wwnn}:{self.wwpn}"


@dataclass(frozen=True, slots=True)
class Use:
    """Where a name is in use: ``what`` is a part of a sentence, ``host`` whose inventory says so."""

    what: str
    host: str


@dataclass(frozen=True, slots=True)
class FibreSurvey:
    """What one inventory says about Fibre Channel."""

    hbas: tuple[Hba, ...]
    vhbas: tuple[Hba, ...]
    pools: tuple[Pool, ...]
    luns: Mapping[str, int]
    libvirt_version: str
    qemu_version: str = ""
    """Of the QEMU that libvirt runs; empty where that is unknown, or no QEMU."""
    paths: tuple[str, ...] = ()
    """Names that stay of the LUNs behind vHBAs, to be offered for a disk."""
    volumes: tuple[str, ...] = ()
    """Names of the volumes of pools on Fibre Channel."""

    def find(self, key: str) -> Hba | None:
        """The HBA whose :attr:`Hba.key` this is."""
        return next((hba for hba in self.hbas if hba.key == key), None)

    def pools_on(self, hba: Hba) -> tuple[Pool, ...]:
        """The pools whose source is this port: by its two names, or as a SCSI host by its number."""
        return tuple(pool for pool in self.pools if pool.source_adapter and _is_on(pool.source_adapter, hba))

    def uses(self, host: str = "") -> dict[str, Use]:
        """Every name in use, canonical, and by whom; ``host`` goes into each :class:`Use`."""
        found: dict[str, Use] = {}
        for hba in (*self.hbas, *self.vhbas):
            kind = "vHBA" if hba.is_vhba else "HBA"
            found.setdefault(hba.wwpn, Use(f"the WWPN of the {kind} {hba.name}", host))
            found.setdefault(hba.wwnn, Use(f"the WWNN of the {kind} {hba.name}", host))
            if hba.is_in_fabric:
                found.setdefault(hba.fabric_wwn, Use(f"the name of the fabric of {hba.name}", host))
        for pool in self.pools:
            adapter = pool.source_adapter
            for name in () if adapter is None else (adapter.wwnn, adapter.wwpn):
                found.setdefault(_canonical(name), Use(f"a name in the storage pool {pool.name}", host))
        return {name: use for name, use in found.items() if name}


def survey(inventory: Inventory) -> FibreSurvey:
    """Return the Fibre Channel ports of ``inventory``, in order of their names' numbers."""
    ports = [
        _hba(device, device.fibre_channel)
        for device in inventory.node_devices
        if device.fibre_channel is not None
    ]
    ports.sort(key=lambda hba: (int(hba.host_number or 0), hba.name))
    return FibreSurvey(
        hbas=tuple(hba for hba in ports if not hba.is_vhba),
        vhbas=tuple(hba for hba in ports if hba.is_vhba),
        pools=tuple(pool for pool in inventory.pools if pool.type == "scsi"),
        luns=_luns(inventory.node_devices, [hba.name for hba in ports]),
        libvirt_version=inventory.version,
        qemu_version=inventory.hypervisor_version if inventory.uri.startswith("qemu:") else "",
        paths=_paths(inventory, {int(hba.host_number) for hba in ports if hba.is_vhba and hba.host_number}),
        volumes=tuple(
            sorted(
                {volume.name for pool in inventory.pools if pool.type == "scsi" for volume in pool.volumes}
            )
        ),
    )


def survey_paste(text: str) -> FibreSurvey:
    """Return the Fibre Channel ports in pasted output of ``virsh nodedev-dumpxml``, one device or several.

    Prompts and other lines between the documents are passed over. Raises :class:`PasteError` where the text is too
    long, has no device, or one that is not plain XML.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_PASTE:
        raise PasteError(f"The text is longer than {MAX_PASTE >> 10} KiB; paste the HBA's document only.")
    devices = list(_documents(text))
    if not devices:
        raise PasteError(
            "There is no <device> … </device> in the text; paste what virsh nodedev-dumpxml printed."
        )
    raw = {
        "uri": "",
        "refused": {},
        "version": 0,
        "hypervisor_version": 0,
        "capabilities": "<capabilities/>",
        "domain_capabilities": "",
        "node_devices": devices,
        "networks": [],
        "pools": [],
    }
    try:
        found = survey(parse_inventory(json.dumps(raw).encode()))
    except InventoryError:
        raise PasteError("The text is not the XML that virsh nodedev-dumpxml prints.") from None
    if not found.hbas and not found.vhbas:
        raise PasteError(
            "None of the devices has an fc_host capability: no Fibre Channel port is among them."
        )
    return found


def pack_hba(hba: Hba) -> str:
    """Return ``hba`` as a short text for a link; :func:`unpack_hba` reads it."""
    counts = ["" if count is None else str(count) for count in (hba.vports, hba.max_vports)]
    capable = "npiv" if hba.is_npiv_capable else ""
    return ",".join([hba.name, hba.parent, hba.wwnn, hba.wwpn, hba.fabric_wwn, capable, *counts])


def unpack_hba(text: str) -> Hba:
    """Return the port that :func:`pack_hba` wrote; :class:`PasteError` if the text is not of that form."""
    parts = text[:400].split(",")
    if len(parts) != 8:
        raise PasteError("The link does not describe a Fibre Channel port.")
    name, parent, wwnn, wwpn, fabric, capable, vports, max_vports = parts
    names_fit = _NAME.fullmatch(name) and (not parent or _NAME.fullmatch(parent))
    counts_fit = all(not count or _COUNT.fullmatch(count) for count in (vports, max_vports))
    try:
        wwns = [parse_wwn(text).digits for text in (wwnn, wwpn)] + [fabric and parse_wwn(fabric).digits]
    except WwnError:
        names_fit = None
        wwns = []
    if not names_fit or not counts_fit or capable not in ("", "npiv"):
        raise PasteError("The link does not describe a Fibre Channel port.")
    return Hba(
        name=name,
        parent=parent,
        wwnn=wwns[0],
        wwpn=wwns[1],
        fabric_wwn=wwns[2],
        is_npiv_capable=capable == "npiv",
        vports=int(vports) if vports else None,
        max_vports=int(max_vports) if max_vports else None,
    )


def survey_ports(ports: Iterable[Hba]) -> FibreSurvey:
    """Return a survey of these ports alone, as a link or a paste gives them."""
    known = list(ports)
    return FibreSurvey(
        hbas=tuple(hba for hba in known if not hba.is_vhba),
        vhbas=tuple(hba for hba in known if hba.is_vhba),
        pools=(),
        luns={},
        libvirt_version="",
    )


def _documents(text: str) -> Iterable[str]:
    at = 0
    for _ in range(MAX_PASTED_DEVICES):
        begin = text.find("<device>", at)
        end = text.find("</device>", begin)
        if begin < 0 or end < 0:
            return
        at = end + len("</device>")
        yield text[begin:at]


def _hba(device: NodeDevice, port: FibreChannel) -> Hba:
    return Hba(
        name=device.name,
        parent=device.parent,
        wwnn=_canonical(port.wwnn),
        wwpn=_canonical(port.wwpn),
        fabric_wwn=_canonical(port.fabric_wwn),
        is_npiv_capable=port.is_npiv_capable,
        vports=port.vports,
        max_vports=port.max_vports,
        port_state=port.port_state,
    )


def _canonical(text: str) -> str:
    try:
        return parse_wwn(text).digits
    except WwnError:
        return text


def _luns(devices: Iterable[NodeDevice], names: list[str]) -> dict[str, int]:
    """How many SCSI devices hang below each port, but not below a vHBA on it."""
    parents = {device.name: device.parent for device in devices}
    counts = dict.fromkeys(names, 0)
    for device in devices:
        if device.kind != "scsi":
            continue
        above, steps = device.parent, 0
        while above not in counts and above in parents and steps < 16:
            above, steps = parents[above], steps + 1
        if above in counts:
            counts[above] += 1
    return counts


def _paths(inventory: Inventory, hosts: set[int]) -> tuple[str, ...]:
    """The by-path names of what hangs on the SCSI hosts of these numbers."""
    paths = {lun.block.by_path for lun in inventory.luns if lun.block and lun.address.host in hosts}
    return tuple(sorted(paths - {""}))


def _is_on(adapter: PoolAdapter, hba: Hba) -> bool:
    if adapter.type == "fc_host":
        return (_canonical(adapter.wwnn), _canonical(adapter.wwpn)) == (hba.wwnn, hba.wwpn)
    # Before libvirt 1.0.5 the SCSI host was called host6 there.
    return adapter.name in (hba.name, hba.name.removeprefix("scsi_"))
