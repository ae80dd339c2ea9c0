"""The LUKS header of an encrypted image: its facts, and what is wrong with it that QEMU's check never looks at."""

from __future__ import annotations

from labtools.qcow2.facts import Encryption
from labtools.qcow2.layout import ExtensionType
from labtools.qcow2.readings import HeaderReport
from labtools.qcow2.source import ImageSource

from .tally import Tally


def read_encryption(source: ImageSource, report: HeaderReport, tally: Tally) -> Encryption | None:
    """The facts; None where the image has no LUKS header, or one that is damaged, which is a finding."""
    for extension in report.extensions.extensions:
        if extension.type == ExtensionType.FULL_DISK_ENCRYPTION and len(extension.details) == 2:
            offset, length = (int(detail.value) for detail in extension.details)
            break
    else:
        return None
    from labtools.qcow2.luks import HEADER_BYTES, read_luks

    if offset + HEADER_BYTES > source.length:
        return None
    found = read_luks(source.pread(offset, HEADER_BYTES), offset, length)
    if found is None:
        tally.find("luks-header-broken", offset, HEADER_BYTES)
        return None
    if not found.slots_used:
        tally.find("luks-no-key-slot", offset, HEADER_BYTES)
    end = min(offset + length, source.length)
    for slot in found.key_slots:
        if slot.used and slot.offset + slot.length > end:
            tally.find("luks-key-slot-outside", slot.offset, slot.length)
    return found
