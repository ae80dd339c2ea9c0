"""Names that devices refer to, and the buses that they need: only for a whole command line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labtools.labhost.document import Device

from .facts import Facts
from .findings import Finding, Severity, quoted
from .machines import find_machine
from .pasted import DeviceUse, Form, Given, Kind, Pasted
from .similar import Guesser

#: Properties of type str that name what another option defines, and which.
NAMING = {
    "netdev": "netdev",
    "drive": "drive",
    "chardev": "chardev",
    "audiodev": "audiodev",
    "fsdev": "fsdev",
}
#: Links to what -object makes; a link to anything else may mean a part of the machine.
LINKS = frozenset({"iothread", "memory-backend", "rng-backend", "can-bus", "cryptodev-backend"})
#: Names that QEMU gives by itself.
_IMPLICIT = re.compile(
    r"(?:serial|parallel|compat_monitor|qmp|gdb|debugcon|ide|scsi|none|virtio|floppy|sd|mtd|pflash|xen)"
)
#: Buses that a PC has only with one of these devices.
PROVIDERS = {
    "usb-bus": (r"[uoex]hci", "Add a USB controller, such as -device qemu-xhci."),
    "SCSI": (
        r"^virtio-scsi|^vhost-(?:user-)?scsi|pvscsi|^lsi|megasas|mptsas|am53c974|dc390|^usb-(?:bot|uas)",
        "Add a SCSI controller, such as -device virtio-scsi-pci.",
    ),
    "virtio-serial-bus": (r"^virtio-serial", "Add -device virtio-serial-pci."),
    "nvme-bus": (r"^nvme$", "Add -device nvme."),
    "ccid-bus": (r"^usb-ccid$", "Add -device usb-ccid."),
    "HDA": (r"intel-hda$", "Add -device ich9-intel-hda."),
    "virtio-bus": (r"^virtio-mmio$", "Use the -pci variant of this device."),
}
_PC = re.compile(r"pc-(?:i440fx|q35)-")


def check_references(pasted: Pasted, facts: Facts, guesser: Guesser) -> list[Finding]:
    """What a whole command line refers to and does not have."""
    if pasted.kind is not Kind.COMMAND or not pasted.is_whole:
        return []
    machine = _machine_name(pasted, facts)
    ids = {given.value for use in pasted.devices if (given := use.value_of("id")) is not None}
    found: list[Finding] = []
    for use in pasted.devices:
        device = facts.device(use.driver)
        if device is None or use.is_unknown:
            continue
        found += _names(pasted, facts, use, device, ids, guesser)
        found += _bus(pasted, use, device, machine, ids)
    return found


def _machine_name(pasted: Pasted, facts: Facts) -> str:
    """The full name of the machine type, with the default where none is named; empty where it is not known."""
    if pasted.machine is not None:
        machine = find_machine(facts, pasted.machine.name)
    else:
        machine = next((one for one in facts.machines.values() if one.is_default), None)
    return "" if machine is None else machine.name


def _names(
    pasted: Pasted, facts: Facts, use: DeviceUse, device: Device, ids: set[str], guesser: Guesser
) -> Iterator[Finding]:
    properties = facts.properties(device) or {}
    for given in use.givens:
        prop = properties.get(given.name)
        if prop is None or given.is_unknown or not given.value or given.value.startswith("/"):
            continue
        link = prop.type.removeprefix("link<").removesuffix(">") if prop.type.startswith("link<") else ""
        if link in LINKS:
            known = pasted.names.get("object", frozenset()) | ids
            if given.value not in known:
                yield _missing(
                    given, f"-object of type {link}" if link == "iothread" else "-object", known, guesser
                )
        elif prop.type == "str" and given.name in NAMING:
            kind = NAMING[given.name]
            known = pasted.names.get(kind, frozenset())
            if given.value not in known and not _IMPLICIT.match(given.value) and given.form is not Form.FLAG:
                option = "-drive or -blockdev" if kind == "drive" else f"-{kind}"
                yield _missing(given, option, known, guesser)


def _missing(given: Given, option: str, known: frozenset[str] | set[str], guesser: Guesser) -> Finding:
    message = f"No {option} of this command line is called {quoted(given.value)}."
    advice = guesser.meant(given.value, known) or "Add it, or correct the name."
    return Finding(Severity.ERROR, "missing-name", given.place, message, advice)


def _bus(pasted: Pasted, use: DeviceUse, device: Device, machine: str, ids: set[str]) -> Iterator[Finding]:
    given = use.value_of("bus")
    if given is not None:
        root = (
            "pcie.0" if machine.startswith("pc-q35") else "pci.0" if machine.startswith("pc-i440fx") else ""
        )
        other = {"pcie.0": "pci.0", "pci.0": "pcie.0"}.get(root)
        # libvirt calls its bridges pci.1, pci.2: a device's id is the name of its bus.
        if other and given.value == other and other not in ids:
            message = f"{machine} has no bus {other}; its root bus is {root}."
            yield Finding(
                Severity.ERROR, "no-such-bus", given.place, message, f"Write bus={root}, or leave it out."
            )
        return
    if device.bus == "PCI" and machine in ("isapc", "none"):
        message = f"{device.name} needs a PCI bus, and the machine type {machine} has none."
        yield Finding(Severity.ERROR, "no-bus", use.place, message, "Choose another machine type.")
    provider = PROVIDERS.get(device.bus)
    if provider is None or not _PC.match(machine):
        return
    pattern, advice = provider
    drivers = [one.driver for one in pasted.devices]
    if any(re.search(pattern, driver) or _is_replaced(driver) for driver in drivers):
        return
    if (device.bus == "usb-bus" and (pasted.has_usb or "-usbdevice" in pasted.text)) or (
        device.bus == "SCSI" and "if=scsi" in pasted.text
    ):
        return
    message = f"{device.name} needs a bus of type {device.bus}, and no device of this command line has one."
    yield Finding(Severity.ERROR, "no-bus", use.place, message, advice)


def _is_replaced(driver: str) -> bool:
    # A shell would put the name of the device type there.
    return "$" in driver or "`" in driver
