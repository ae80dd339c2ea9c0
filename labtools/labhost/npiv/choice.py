"""What the person chose: every field of a plan, checked before anything is made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from .hbas import Hba, Use
from .wwn import Wwn, WwnError, parse_wwn

MAX_NAME = 64

_Choices = TypeVar("_Choices", bound=StrEnum)

_VOLUME = re.compile(r"unit:\d{1,5}:\d{1,5}:\d{1,10}")
_PATH = re.compile(r"/dev/(?:disk/by-(?:path|id)|mapper)/[A-Za-z0-9:._+@=-]{1,200}")
_TARGETS = {"scsi": re.compile(r"sd[a-z]{1,2}"), "virtio": re.compile(r"vd[a-z]{1,2}")}


class Lifetime(StrEnum):
    """How long the vHBA lives."""

    PERSISTENT = "persistent"
    TRANSIENT = "transient"


class ParentBy(StrEnum):
    """How the documents name the parent HBA."""

    WWN = "wwn"
    FABRIC = "fabric"
    NAME = "name"


class LunBy(StrEnum):
    """How the guest's disk names the LUN."""

    VOLUME = "volume"
    PATH = "path"


class DeviceKind(StrEnum):
    """What the guest sees: a disk of QEMU's, or the LUN itself with its SCSI commands."""

    DISK = "disk"
    LUN = "lun"


class Bus(StrEnum):
    """The guest's bus for the disk."""

    SCSI = "scsi"
    VIRTIO = "virtio"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answered wizard. All text is checked by :func:`make_choice`; make none by hand outside tests."""

    parent: Hba
    parent_by: ParentBy
    wwnn: Wwn
    wwpn: Wwn
    lifetime: Lifetime
    pool: str
    lun_by: LunBy
    volume: str
    path: str
    device: DeviceKind
    bus: Bus
    guest: str
    target: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field, in a sentence. ``field`` is the name of the query parameter."""

    field: str
    sentence: str


#: What a field is taken to be when it is not given.
DEFAULTS: Mapping[str, str] = {
    "parent_by": "wwn",
    "lifetime": "persistent",
    "pool": "vhba-pool",
    "lun_by": "",
    "volume": "unit:0:0:0",
    "path": "/dev/disk/by-path/pci-0000:08:00.1-fc-0x205800a4085a3127-lun-0",
    "device": "disk",
    "bus": "scsi",
    "guest": "guest1",
    "target": "",
}


def make_choice(
    parent: Hba, fields: Mapping[str, str], used: Mapping[str, Use]
) -> tuple[Choice | None, tuple[Fault, ...]]:
    """Return the choice in ``fields``, or ``None`` and every fault of it.

    ``fields`` are the query's parameters by name (those of :class:`Choice`, without the parent); what is missing
    or empty is taken from :data:`DEFAULTS`, except the two names. ``used`` are the names in use, canonical.
    """
    given = {name: fields.get(name, "").strip() or otherwise for name, otherwise in DEFAULTS.items()}
    faults: list[Fault] = []
    lifetime = _one_of(Lifetime, "lifetime", given, faults)
    bus = _one_of(Bus, "bus", given, faults)
    given["lun_by"] = given["lun_by"] or ("volume" if lifetime is Lifetime.PERSISTENT else "path")
    given["target"] = given["target"] or ("vda" if bus is Bus.VIRTIO else "sda")
    parent_by = _one_of(ParentBy, "parent_by", given, faults)
    lun_by = _one_of(LunBy, "lun_by", given, faults)
    device = _one_of(DeviceKind, "device", given, faults)
    wwnn = _name("wwnn", fields.get("wwnn", ""), parent, used, faults)
    wwpn = _name("wwpn", fields.get("wwpn", ""), parent, used, faults)
    faults += _name_faults("pool", given["pool"]) + _name_faults("guest", given["guest"])
    faults += _shape_faults(given, bus)
    faults += _parent_faults(parent, parent_by)
    if wwnn and wwpn and wwnn == wwpn:
        faults.append(Fault("wwpn", "WWNN and WWPN are equal; a port has a name of its own."))
    if lifetime is Lifetime.TRANSIENT and lun_by is LunBy.VOLUME:
        faults.append(
            Fault("lun_by", "A vHBA without a storage pool has no volumes; give the LUN by its path.")
        )
    if faults or not (wwnn and wwpn and lifetime and bus and parent_by and lun_by and device):
        return None, tuple(faults)
    return (
        Choice(
            parent=parent,
            parent_by=parent_by,
            wwnn=wwnn,
            wwpn=wwpn,
            lifetime=lifetime,
            pool=given["pool"],
            lun_by=lun_by,
            volume=given["volume"],
            path=given["path"],
            device=device,
            bus=bus,
            guest=given["guest"],
            target=given["target"],
        ),
        (),
    )


def choice_fields(choice: Choice) -> dict[str, str]:
    """Return ``choice`` as the fields that :func:`make_choice` reads, without the parent."""
    return {
        "wwnn": choice.wwnn.digits,
        "wwpn": choice.wwpn.digits,
        **{name: str(getattr(choice, name)) for name in DEFAULTS},
    }


def _one_of(
    kind: type[_Choices], field: str, given: Mapping[str, str], faults: list[Fault]
) -> _Choices | None:
    try:
        return kind(given[field])
    except ValueError:
        faults.append(Fault(field, f"Choose one of: {', '.join(kind)}."))
        return None


def _name(field: str, text: str, parent: Hba, used: Mapping[str, Use], faults: list[Fault]) -> Wwn | None:
    if not text.strip():
        faults.append(Fault(field, f"Type a {field.upper()} or have one generated."))
        return None
    try:
        wwn = parse_wwn(text)
    except WwnError as error:
        faults.append(Fault(field, str(error)))
        return None
    if wwn.fault:
        faults.append(Fault(field, wwn.fault))
        return None
    if wwn.digits in (parent.wwnn, parent.wwpn):
        faults.append(Fault(field, "That is a name of the parent HBA itself; a vHBA needs names of its own."))
        return None
    if wwn.digits in used:
        use = used[wwn.digits]
        where = f" on {use.host}" if use.host else ""
        faults.append(Fault(field, f"{wwn.pretty} is in use: it is {use.what}{where}."))
        return None
    return wwn


def _name_faults(field: str, name: str) -> list[Fault]:
    """Names of pools and guests are free text to libvirt; what a shell or an XML parser could trip over is not."""
    if len(name) > MAX_NAME:
        return [Fault(field, f"The name is longer than {MAX_NAME} characters.")]
    if not name.isprintable() or "/" in name:
        return [Fault(field, "The name has a slash, a line break or another character that libvirt refuses.")]
    if name.startswith("-"):
        return [Fault(field, "A name that begins with a hyphen looks like an option to virsh; take another.")]
    return []


def _shape_faults(given: Mapping[str, str], bus: Bus | None) -> list[Fault]:
    faults = []
    if not _VOLUME.fullmatch(given["volume"]):
        faults.append(
            Fault("volume", "Volumes of a SCSI pool are called unit:BUS:TARGET:LUN, for example unit:0:2:0.")
        )
    if "\\" in given["path"]:
        sentence = "Leave the backslashes out: libvirt takes the path as it is, colons and all."
        faults.append(Fault("path", sentence))
    elif not _PATH.fullmatch(given["path"]) or given["path"].endswith(("/.", "/..")):
        faults.append(
            Fault(
                "path",
                "Give a name that stays: /dev/disk/by-path/…, /dev/disk/by-id/… or /dev/mapper/…. "
                "A name like /dev/sdc may be another disk after the next boot.",
            )
        )
    if bus and not _TARGETS[bus].fullmatch(given["target"]):
        example = "sda" if bus is Bus.SCSI else "vda"
        faults.append(Fault("target", f"On the bus {bus} the target is named like {example}."))
    return faults


def _parent_faults(parent: Hba, by: ParentBy | None) -> list[Fault]:
    if by is ParentBy.FABRIC and not parent.is_in_fabric:
        return [Fault("parent_by", "The HBA shows no fabric; name it by its own WWNN and WWPN.")]
    if by is ParentBy.WWN:
        for text in (parent.wwnn, parent.wwpn):
            try:
                parse_wwn(text)
            except WwnError:
                return [Fault("parent_by", "The HBA's own names are out of form; name it by its scsi_hostN.")]
    if by is ParentBy.NAME and not parent.host_number:
        return [
            Fault("parent_by", "The HBA's name is not of the form scsi_hostN; name it by its WWNN and WWPN.")
        ]
    return []
