"""The commands of a plan, in order, each with what it should print; and the way back, in reverse.

What virsh prints is that of libvirt 9.0, seen. The vHBA's number is not known before it exists and differs from
boot to boot, so no command here holds one: each finds the vHBA by its WWPN, and a parent HBA can never be meant.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from labtools.labhost.inventory import Pool

from .choice import Bus, Choice, Lifetime, LunBy
from .hbas import Hba
from .wwn import Wwn


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``command`` is one line for a shell (empty where there is none), ``prints`` what it should
    answer, with ``…`` for what cannot be known; ``note`` says what it means if it does not."""

    key: str
    title: str
    command: str
    prints: str
    note: str


def find_host(wwpn: Wwn) -> str:
    """A line that sets ``$host`` to ``hostN`` of the port with this WWPN; empty if there is none."""
    return f'host=$(grep -lx 0x{wwpn} /sys/class/fc_host/host*/port_name | cut -d/ -f5); echo "$host"'


def checks_before(choice: Choice) -> tuple[Step, ...]:
    """What to look at before anything is made."""
    parent = choice.parent
    name = shlex.quote(parent.name)
    steps = [
        Step(
            "capable",
            "libvirt offers to make vHBAs on the parent",
            "virsh nodedev-list --cap vports",
            f"…\n{parent.name}\n…",
            "If it is not in the list: NPIV is switched off in the HBA's firmware or driver, or this is a vHBA.",
        ),
        Step(
            "vports",
            "It has a place left, and it is the HBA that you mean",
            f"virsh nodedev-dumpxml {name}",
            f"…\n<wwnn>{parent.wwnn}</wwnn>\n<wwpn>{parent.wwpn}</wwpn>\n…\n<max_vports>…</max_vports>\n<vports>…</vports>",
            "vports must be smaller than max_vports. If the WWNs differ, the numbers have moved: find yours again.",
        ),
    ]
    if parent.host_number:
        steps.append(
            Step(
                "online",
                "Its link is up",
                f"cat /sys/class/fc_host/host{parent.host_number}/port_state",
                "Online",
                "Linkdown or Offline: look at the cable, the SFP and the switch's port first.",
            )
        )
    steps += [
        Step(
            "unused",
            "Nothing on this host bears the new WWPN",
            f"grep -lx 0x{choice.wwpn} /sys/class/fc_host/host*/port_name",
            "",
            "Any line means that the name is in use here. Ask whoever runs the fabric about the other hosts: "
            "libvirt does not.",
        ),
        Step(
            "zoning",
            "Zoning and LUN masking know the new WWPN",
            "",
            "",
            f"Give {choice.wwpn.pretty} to whoever runs the SAN: one zone with the target's ports, and the LUN mapped "
            "to it. Without them the vHBA comes up and sees no LUN.",
        ),
    ]
    return tuple(steps)


def steps(choice: Choice) -> tuple[Step, ...]:
    """Make the vHBA, find the LUN, give it to the guest."""
    making = _make_pool(choice) if choice.lifetime is Lifetime.PERSISTENT else _make_vhba(choice)
    return (*making, *_find_lun(choice), *_give_disk(choice))


def checks_after(choice: Choice) -> tuple[Step, ...]:
    """What shows that it worked, and that it will work after the next boot."""
    guest = shlex.quote(choice.guest)
    found = [
        Step(
            "vhba-online",
            "The vHBA is logged in to the fabric",
            f'{find_host(choice.wwpn)}; cat /sys/class/fc_host/"$host"/port_state /sys/class/fc_host/"$host"/port_type',
            "host…\nOnline\nNPIV VPORT",
            "Linkdown with a parent that is Online: the switch refused the FDISC, so NPIV is off on its port.",
        ),
        Step(
            "guest-disk",
            "The guest's definition has the disk",
            f"virsh domblklist {guest} --inactive",
            f"…\n {choice.target}   {choice.volume if choice.lun_by is LunBy.VOLUME else choice.path}",
            "",
        ),
    ]
    if choice.lifetime is Lifetime.PERSISTENT:
        found.append(
            Step(
                "autostart",
                "The pool comes back after a boot",
                f"virsh pool-info {shlex.quote(choice.pool)}",
                f"Name:           {choice.pool}\n…\n"
                "State:          running\nPersistent:     yes\nAutostart:      yes\n…",
                "",
            )
        )
    return tuple(found)


def teardown(choice: Choice) -> tuple[Step, ...]:
    """The way back: first the guest lets go, then the vHBA, then the fabric forgets the name."""
    guest = shlex.quote(choice.guest)
    found = [
        Step(
            "detach",
            "Take the disk from the guest",
            f"virsh detach-disk {guest} {choice.target} --config",
            "Disk detached successfully",
            "Unmount it inside the guest first. Add --live if the guest runs and is to go on running.",
        )
    ]
    if choice.lifetime is Lifetime.PERSISTENT:
        found += _unmake_pool(choice)
    else:
        found += unmake_vhba(choice.wwpn)
    found += [
        Step(
            "gone",
            "The vHBA is gone",
            f"grep -lx 0x{choice.wwpn} /sys/class/fc_host/host*/port_name",
            "",
            "A line means that it is still there: a pool that is not managed leaves its vHBA standing.",
        ),
        Step(
            "unzone",
            "Take the WWPN out of zoning and LUN masking",
            "",
            "",
            "Not before: a zone without its port harms nothing, a LUN taken from under a guest does. "
            "The data on the LUN stays as it is.",
        ),
    ]
    return tuple(found)


def unmake_vhba(wwpn: Wwn) -> tuple[Step, ...]:
    """End a vHBA that no pool manages, found by its WWPN."""
    return (
        Step(
            "find-again",
            "Find the vHBA by its WWPN",
            find_host(wwpn),
            "host…",
            "No line: it is gone already.",
        ),
        Step(
            "look-again",
            "Make sure that it is a vHBA and that nothing uses it",
            'virsh nodedev-dumpxml "scsi_$host"; '
            'ls -d /sys/class/fc_host/"$host"/device/rport-*/target*/*/block/*/holders/*',
            "…\n<parent>scsi_host…</parent>\n…",
            "The parent must be a scsi_host and there must be no vport_ops: a device whose parent is a PCI device is "
            "the HBA itself. ls should find nothing; what it finds (multipath, LVM) must let go of the LUN first.",
        ),
        Step(
            "destroy",
            "Destroy the vHBA",
            'virsh nodedev-destroy "scsi_$host"',
            "Destroyed node device 'scsi_host…'",
            "Its LUNs vanish from the host at once, whoever writes to them.",
        ),
    )


def teardown_of(vhba: Hba, wwpn: Wwn, pools: tuple[Pool, ...]) -> tuple[Step, ...]:
    """The way back for a vHBA that a host has already: by its pools, and as a node device where none manages it."""
    found = []
    for pool in pools:
        quoted = shlex.quote(pool.name)
        found.append(
            Step(
                "pool-destroy",
                f"Stop the pool {pool.name}, which uses {vhba.name}",
                f"virsh pool-destroy {quoted}",
                f"Pool {pool.name} destroyed",
                "It has managed='yes', so the vHBA goes with it." if _is_managed(pool) else "The vHBA stays.",
            )
        )
    return tuple(found) if any(map(_is_managed, pools)) else (*found, *unmake_vhba(wwpn))


def _is_managed(pool: Pool) -> bool:
    return pool.source_adapter is not None and pool.source_adapter.managed == "yes"


def _make_pool(choice: Choice) -> list[Step]:
    pool = shlex.quote(choice.pool)
    return [
        Step(
            "define",
            "Define the pool",
            "virsh pool-define pool.xml",
            f"Pool {choice.pool} defined from pool.xml",
            "pool-define keeps the pool for later boots; pool-create would forget it.",
        ),
        Step(
            "start",
            "Start it: libvirt makes the vHBA",
            f"virsh pool-start {pool}",
            f"Pool {choice.pool} started",
            "“cannot find parent using provided wwnn/wwpn”: that HBA is not in this host. “Write of … to "
            "…/vport_create … failed”: the kernel refused; the name is in use, or the link is down.",
        ),
        Step(
            "autostart-on",
            "Have it started at boot",
            f"virsh pool-autostart {pool}",
            f"Pool {choice.pool} marked as autostarted",
            "libvirt starts pools before it starts guests.",
        ),
    ]


def _make_vhba(choice: Choice) -> list[Step]:
    return [
        Step(
            "create",
            "Create the vHBA",
            "virsh nodedev-create vhba.xml",
            "Node device scsi_host… created from vhba.xml",
            "The number is the kernel's choice. This vHBA is gone after the next boot.",
        ),
        Step("find", "Find it by its WWPN", find_host(choice.wwpn), "host…", "The next commands use $host."),
        Step(
            "look",
            "Look at it",
            'virsh nodedev-dumpxml "scsi_$host"',
            f"…\n<parent>{choice.parent.name}</parent>\n…\n<wwnn>{choice.wwnn}</wwnn>\n<wwpn>{choice.wwpn}</wwpn>\n…",
            "The parent is the HBA you chose, and there is no vport_ops: that is how a vHBA looks.",
        ),
    ]


def _find_lun(choice: Choice) -> list[Step]:
    if choice.lifetime is Lifetime.PERSISTENT:
        pool = shlex.quote(choice.pool)
        return [
            Step(
                "refresh",
                "Have the pool look for LUNs",
                f"virsh pool-refresh {pool}",
                f"Pool {choice.pool} refreshed",
                "LUNs appear some seconds after the vHBA; refresh again if the list is empty.",
            ),
            Step(
                "volumes",
                "List its LUNs",
                f"virsh vol-list {pool}",
                f" Name         Path\n----…\n {choice.volume}   /dev/disk/by-path/…",
                "Put the name that is yours into disk.xml, or into the form above. An empty list: zoning or masking.",
            ),
        ]
    return [
        Step(
            "blocks",
            "Find its LUNs",
            'ls -d /sys/class/fc_host/"$host"/device/rport-*/target*/*/block/*',
            "…/target…/H:C:T:L/block/sdX",
            "No line: zoning or masking does not show this WWPN a LUN yet.",
        ),
        Step(
            "stable",
            "Find the name that stays of a LUN (put yours for sdX)",
            "find /dev/disk/by-path /dev/disk/by-id -lname '*/sdX'",
            "/dev/disk/by-path/pci-…-fc-0x…-lun-…\n/dev/disk/by-id/wwn-0x…",
            "by-path holds the target's WWPN, not the vHBA's: if the parent HBA sees the same LUN number there, "
            "the name may lead to either. Zone the LUN to the vHBA only.",
        ),
    ]


def _give_disk(choice: Choice) -> list[Step]:
    guest = shlex.quote(choice.guest)
    found = []
    if choice.bus is Bus.SCSI:
        found.append(
            Step(
                "controller",
                "Give the guest a virtio-scsi controller, if it has no SCSI controller yet",
                f"virsh attach-device {guest} controller.xml --config",
                "Device attached successfully",
                "“controller index='0' already exists”: it has one; look in its XML whether the model is "
                "virtio-scsi. To a guest without one libvirt gives an lsilogic.",
            )
        )
    found.append(
        Step(
            "attach",
            "Give the guest the disk",
            f"virsh attach-device {guest} disk.xml --config",
            "Device attached successfully",
            "It is there from the guest's next start. Add --live for a guest that runs now."
            + (" “… is not active”: start the pool first." if choice.lun_by is LunBy.VOLUME else ""),
        )
    )
    return found


def _unmake_pool(choice: Choice) -> list[Step]:
    pool = shlex.quote(choice.pool)
    return [
        Step(
            "autostart-off",
            "Do not start the pool at boot any more",
            f"virsh pool-autostart {pool} --disable",
            f"Pool {choice.pool} unmarked as autostarted",
            "",
        ),
        Step(
            "pool-destroy",
            "Stop the pool: libvirt destroys the vHBA with it",
            f"virsh pool-destroy {pool}",
            f"Pool {choice.pool} destroyed",
            "The word is libvirt's; it stops the pool and deletes no data. The LUNs vanish from the host at once.",
        ),
        Step(
            "undefine",
            "Forget the pool",
            f"virsh pool-undefine {pool}",
            f"Pool {choice.pool} has been undefined",
            "",
        ),
    ]
