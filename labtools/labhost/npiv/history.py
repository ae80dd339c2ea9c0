"""What was different in older libvirt, newest first, with the document or command that it took."""

from __future__ import annotations

from dataclasses import dataclass

from .choice import Choice, Lifetime
from .documents import old_pool, old_vhba, oldest_pool


@dataclass(frozen=True, slots=True)
class OldNote:
    """What libvirt before ``before`` did otherwise. ``instead`` is XML or commands to use there, perhaps empty."""

    before: str
    sentence: str
    instead: str


def old_notes(choice: Choice) -> tuple[OldNote, ...]:
    """Return the notes that matter to ``choice``."""
    persistent = choice.lifetime is Lifetime.PERSISTENT
    notes = [
        OldNote(
            "3.0.0",
            "The parent could be named by its scsi_hostN only, whose number may change from boot to boot; look it up "
            "before each use.",
            old_pool(choice) if persistent else old_vhba(choice),
        ),
        OldNote(
            "1.2.8",
            "virsh nodedev-list knew no --cap fc_host; list the SCSI hosts and look at each.",
            "virsh nodedev-list --cap scsi_host",
        ),
        OldNote(
            "1.0.4",
            "There was no --cap vports, and neither vports nor max_vports was shown: look for vport_ops, and count the "
            "vHBAs yourself. Hosts whose libvirt was built on HAL call them pci_10df_fe00_scsi_host_0 and the like.",
            "for hba in $(virsh nodedev-list --cap scsi_host); do\n"
            '  virsh nodedev-dumpxml "$hba" | grep -q vport_ops && echo "$hba"\n'
            "done",
        ),
        OldNote(
            "0.9.10",
            "WWNN and WWPN were not generated where they were left out, so they had to be written (as here, always); "
            "and disks had no device='lun'.",
            old_vhba(choice),
        ),
    ]
    if persistent:
        notes[1:1] = [
            OldNote(
                "1.2.11",
                "There was no managed='yes': whether the vHBA ended with the pool went by whether the pool named a "
                "parent. Look after pool-destroy.",
                "",
            )
        ]
        notes[3:3] = [
            OldNote(
                "1.0.5",
                "No pool could make a vHBA. It was created as a node device after each boot, and the pool named the "
                "number it got, as host6 and not scsi_host6.",
                f"{old_vhba(choice)}\n{oldest_pool(choice)}",
            )
        ]
    notes.append(OldNote("0.6.5", "libvirt knew nothing of NPIV.", ""))
    return tuple(notes)
