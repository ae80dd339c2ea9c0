"""What can go wrong with a plan on the host it is for: said before, not after."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .choice import Bus, Choice, DeviceKind, Lifetime, LunBy, ParentBy
from .documents import is_pass_through
from .hbas import FibreSurvey, Hba


class Severity(StrEnum):
    """How much a caution matters: it will fail or destroy something; it may surprise; it is good to know."""

    STOP = "stop"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Caution:
    """One caution in a sentence or two; ``key`` names its kind."""

    severity: Severity
    key: str
    sentence: str


def cautions(choice: Choice, found: FibreSurvey) -> tuple[Caution, ...]:
    """Return what to know about ``choice`` on the host of ``found``, the worst first."""
    collected = [
        *hba_cautions(choice.parent, found),
        *_pool_cautions(choice, found),
        *_lifetime_cautions(choice, found),
        *_disk_cautions(choice, found),
    ]
    for field, wwn in (("WWNN", choice.wwnn), ("WWPN", choice.wwpn)):
        if wwn.doubt:
            collected.append(Caution(Severity.WARNING, "authority", f"{field}: {wwn.doubt}"))
    order = list(Severity)
    return tuple(sorted(collected, key=lambda caution: order.index(caution.severity)))


def hba_cautions(hba: Hba, found: FibreSurvey) -> list[Caution]:
    """What speaks against making a vHBA on ``hba``."""
    collected = []
    if hba.is_vhba:
        collected.append(
            Caution(Severity.STOP, "vhba", f"{hba.name} is a vHBA itself; a vHBA is made on a real HBA only.")
        )
    elif not hba.is_npiv_capable:
        sentence = f"libvirt offers no vHBAs on {hba.name}, which shows no vport_ops: NPIV is off there."
        collected.append(Caution(Severity.STOP, "incapable", sentence))
    elif hba.free_vports == 0:
        sentence = (
            f"{hba.name} has no free vports: {hba.vports} of {hba.max_vports} are in use. Take another HBA."
        )
        collected.append(Caution(Severity.STOP, "full", sentence))
    elif hba.max_vports == 0:
        sentence = (
            f"{hba.name} says max_vports 0. On a real host NPIV is then switched off and creating a vHBA fails; "
            "libvirt's test driver says 0 always and creates them all the same."
        )
        collected.append(Caution(Severity.WARNING, "uncounted", sentence))
    if hba.is_offline:
        says = f"says {hba.port_state}" if hba.port_state else "shows no fabric"
        sentence = f"{hba.name} {says}: its link is down, or there is no switch. NPIV needs an F_Port."
        collected.append(Caution(Severity.WARNING, "offline", sentence))
    return collected


def destroy_cautions(hba: Hba, found: FibreSurvey) -> tuple[Caution, ...]:
    """What ``virsh nodedev-destroy`` of this port, HBA or vHBA, would take away."""
    collected = []
    if not hba.is_vhba:
        below = [vhba.name for vhba in found.vhbas if vhba.parent == hba.name]
        sentence = f"{hba.name} is a real HBA: never destroy it as a node device."
        if below:
            sentence += f" The vHBAs on it would go too: {', '.join(below)}."
        collected.append(Caution(Severity.STOP, "parent", sentence))
    for pool in found.pools_on(hba):
        sentence = f"The storage pool {pool.name} uses {hba.name}: stop the pool instead, with pool-destroy."
        collected.append(Caution(Severity.STOP, "pool", sentence))
    luns = found.luns.get(hba.name, 0)
    if luns:
        how_many = "1 LUN is" if luns == 1 else f"{luns} LUNs are"
        sentence = (
            f"{how_many} visible through {hba.name}; mounts and guests would lose what they use at once."
        )
        collected.append(Caution(Severity.STOP, "luns", sentence))
    return tuple(collected)


def _pool_cautions(choice: Choice, found: FibreSurvey) -> list[Caution]:
    if choice.lifetime is not Lifetime.PERSISTENT:
        return []
    if any(pool.name == choice.pool for pool in found.pools):
        sentence = (
            f"A storage pool {choice.pool} is there already; libvirt refuses a second one of that name."
        )
        return [Caution(Severity.STOP, "pool-name", sentence)]
    return []


def _lifetime_cautions(choice: Choice, found: FibreSurvey) -> list[Caution]:
    collected = []
    if choice.lifetime is Lifetime.TRANSIENT:
        sentence = (
            "A vHBA made as a node device is gone after the next boot, and its guest does not start then."
        )
        collected.append(Caution(Severity.WARNING, "transient", sentence))
    if choice.parent_by is ParentBy.NAME:
        sentence = (
            f"The number in {choice.parent.name} may belong to another HBA after the next boot. Name the parent by "
            "its WWNs; only libvirt before 3.0.0 cannot."
        )
        collected.append(Caution(Severity.WARNING, "number", sentence))
    if choice.parent_by is ParentBy.FABRIC:
        sentence = (
            "libvirt takes any HBA of that fabric that can make vHBAs, perhaps another one after each start."
        )
        collected.append(Caution(Severity.NOTE, "any-hba", sentence))
    others = [
        hba.name
        for hba in found.hbas
        if hba.key != choice.parent.key and hba.is_npiv_capable and not hba.is_offline
    ]
    if choice.lifetime is Lifetime.PERSISTENT:
        sentence = (
            "Live migration needs the LUN on both hosts at once, and a fabric knows one WWPN in one place only: "
            "define a pool of the same name on the other host, with a vHBA of other names, zoned to the same LUN."
        )
        collected.append(Caution(Severity.NOTE, "migration", sentence))
    sentence = "One vHBA is one path: a broken cable or switch takes the LUN away. "
    if others:
        sentence += (
            f"Make a second vHBA, with names of its own, on {others[0]}, and use the LUN through multipath."
        )
    else:
        sentence += "For a second path, a second HBA that can do NPIV is needed; this host shows none."
    collected.append(Caution(Severity.NOTE, "single-path", sentence))
    return collected


def _virtio_caution(found: FibreSurvey) -> Caution:
    """What speaks against SCSI commands through virtio-blk: QEMU took its property ``scsi`` away in 9.1."""
    sentence = (
        "SCSI commands through virtio-blk are not part of virtio 1.0: Linux guests since 5.6 send none, and QEMU 9.1 "
        "and later pass none, so that libvirt refuses such a disk: “This QEMU doesn't support SCSI emulation with "
        "'virtio-blk' device”. Use the bus scsi with virtio-scsi."
    )
    version = [int(number) for number in found.qemu_version.split(".") if number.isdigit()]
    if version >= [9, 1]:
        return Caution(Severity.STOP, "virtio-blk", f"This host runs QEMU {found.qemu_version}. {sentence}")
    return Caution(Severity.WARNING, "virtio-blk", sentence)


def _disk_cautions(choice: Choice, found: FibreSurvey) -> list[Caution]:
    collected = []
    if is_pass_through(choice):
        sentence = (
            "device='lun' passes the guest's SCSI commands to the LUN. It needs a whole LUN in raw format, never a "
            "partition or a logical volume. Only commands that the kernel allows everyone pass; others need "
            "rawio='yes', which gives the guest's whole QEMU process CAP_SYS_RAWIO. libvirt 9.0 refuses "
            "sgio='unfiltered'."
        )
        collected.append(Caution(Severity.NOTE, "pass-through", sentence))
        if choice.bus is Bus.VIRTIO:
            collected.append(_virtio_caution(found))
    if choice.lun_by is LunBy.VOLUME:
        sentence = (
            f"The disk is named by the volume {choice.volume}; its target number can change when targets are added. "
            "Compare vol-list with the LUN's serial number before the first start."
        )
        collected.append(Caution(Severity.NOTE, "volume-number", sentence))
    if choice.guest.isdigit():
        sentence = (
            f"The guest is called {choice.guest}; virsh takes a number for the ID of a running guest first."
        )
        collected.append(Caution(Severity.WARNING, "guest-number", sentence))
    if choice.device is DeviceKind.DISK and choice.lun_by is LunBy.PATH:
        sentence = (
            "Nothing keeps the host from using the same LUN: blacklist it in multipath and LVM of the host."
        )
        collected.append(Caution(Severity.NOTE, "host-use", sentence))
    return collected
