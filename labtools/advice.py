"""What to do next, as sentences with commands that can be copied, by the advice codes of our check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from labtools.qcow2 import Finding


@dataclass(frozen=True, slots=True)
class Advice:
    """A thing to do next; ``command`` has IMAGE (or COPY) where the file's name goes, or is empty."""

    text: str
    command: str = ""


STOP = Advice("Stop the guest, copy the file, work on the copy.", "cp --reflink=auto IMAGE COPY")
SALVAGE = Advice(
    "Save what can be read into a new image before anything is repaired.",
    "qemu-img convert -p --salvage -f qcow2 -O qcow2 COPY salvaged.qcow2",
)
REPAIR = Advice(
    "A repair changes the metadata and destroys evidence of the cause: run it on the copy only, then check it again.",
    "qemu-img check -f qcow2 -r all COPY",
)

ADVICE: Final[Mapping[str, tuple[Advice, ...]]] = {
    "none": (),
    "repair-leaks": (
        Advice(
            "You may leave leaks as they are. To win the space back, stop the guest first.",
            "qemu-img check -f qcow2 -r leaks IMAGE",
        ),
    ),
    "repair-on-copy": (SALVAGE, REPAIR),
    "rebuild-on-copy": (
        Advice(
            "Do not open the image for writing: the next write may overwrite clusters that are in use. Build the "
            "refcounts anew on the copy.",
            "qemu-img check -f qcow2 -r all COPY",
        ),
    ),
    "salvage": (SALVAGE,),
    "second-writer": (
        Advice(
            "Find out what else wrote to the image: a second guest, a backup, or qemu-img while the guest was running. "
            "A repair cannot tell which of the two owners is right.",
            "lsof IMAGE",
        ),
        SALVAGE,
    ),
    "fetch-again": (
        Advice(
            "The file was cut short. Compare its length with the original's and fetch it again; nothing else brings "
            "back what lay behind the end."
        ),
    ),
    "convert-fresh": (
        Advice(
            "Convert into a fresh image, which leaves the trouble behind, and check that one.",
            "qemu-img convert -p -f qcow2 -O qcow2 COPY fresh.qcow2",
        ),
    ),
    "restore-header": (
        Advice(
            "Restore the first cluster from a backup of the same image. That of another image, however alike, leads to "
            "other tables: do not use it."
        ),
    ),
    "open-writable": (
        Advice(
            "If a guest is using the image now, that is normal. Otherwise QEMU mends it when it next opens it."
        ),
    ),
    "new-bitmaps": (
        Advice(
            "Drop the bitmaps and begin again with a full backup; the guest's data does not depend on them.",
            "qemu-img bitmap --remove COPY NAME",
        ),
    ),
    "wrong-format": (Advice("The file is of another format: use the tool that belongs to it."),),
    "restore-luks-header": (
        Advice(
            "Restore the LUKS header from a backup of the same image. Without a key slot nobody can read the data; do "
            "not run luksFormat on it."
        ),
    ),
    "do-not-repair": (
        Advice(
            "Do not repair it, not even with -r leaks: the leaked clusters may be the guest's only copy. Put the lost "
            "L2 table back, or save the clusters, first."
        ),
    ),
}
"""By the codes of :mod:`labtools.qcow2.integrity.catalogue`."""


def for_findings(findings: Iterable[Finding]) -> tuple[Advice, ...]:
    """What to do about ``findings``, each thing once. Stop and copy come first, unless there is nothing to do."""
    wanted = dict.fromkeys(each for finding in findings for each in ADVICE.get(finding.advice, ()))
    return (STOP, *wanted) if wanted else ()
