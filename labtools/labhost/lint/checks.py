"""Check what was understood of a text against what one QEMU can do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from labtools.labhost.document import Device, Property, Status
from labtools.labhost.public_words import without_paths

from . import values
from .facts import Facts
from .findings import Finding, Place, Severity, quoted, worst_first
from .machines import check_cpu, check_machine
from .pasted import DeviceUse, Form, Given, GlobalUse, Pasted
from .references import check_references
from .similar import Guesser

#: Findings of one text; a reader is helped by the first.
MAX_FINDINGS = 400
#: Names that the other QEMUs are asked for.
MAX_QUESTIONS = 60
#: Keys of -device that are no properties of a device type.
COMMON_KEYS = frozenset({"driver", "id", "bus", "help", "?"})
#: Properties that every device has and that device-list-properties leaves out: only one of them can be set.
UNLISTED = frozenset({"type", "hotpluggable", "hotplugged", "parent_bus"})
#: From then on most machines make one device of every network device type at the start, to find those that are NICs.
_TRIES_NETWORK_DEVICES = (9, 0)
_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*", re.ASCII)
_ARRAY = re.compile(r"(.+)\[\d+\]", re.ASCII)
_REMOVED_ARGUMENTS = ("legacy-",)


class Checker:
    """One text against one QEMU; ``others`` are asked where something is not there."""

    def __init__(self, pasted: Pasted, facts: Facts, others: Sequence[Facts]) -> None:
        self.pasted = pasted
        self.facts = facts
        self.others = others
        self.findings: list[Finding] = []
        self.questions = 0
        self.guesser = Guesser()

    def tell(self, severity: Severity, code: str, place: Place, message: str, advice: str = "") -> None:
        """Note a finding."""
        self.findings.append(Finding(severity, code, place, message, advice))

    def elsewhere(self, labels: Iterable[str]) -> str:
        """A sentence about where else something is known."""
        found = list(dict.fromkeys(labels))
        if not found:
            return ""
        listed = ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")
        return f"It is known on {listed}."

    def known_devices(self, name: str) -> list[str]:
        """Where else a device type is known."""
        self.questions += 1
        if self.questions > MAX_QUESTIONS:
            return []
        return [other.label for other in self.others if other.device(name) is not None]

    def run(self) -> tuple[Finding, ...]:
        """All findings."""
        for use in self.pasted.devices:
            self.device(use)
        for item in self.pasted.globals:
            self.default(item)
        self.objects()
        self.identifiers()
        self.platform()
        self.findings += check_references(self.pasted, self.facts, self.guesser)
        found = worst_first([*self.pasted.findings, *self.findings])
        return found[:MAX_FINDINGS]

    def platform(self) -> None:
        """Check machine type, CPU model and target."""
        if self.pasted.machine is not None:
            self.findings += check_machine(self.pasted.machine, self.facts, self.others)
        if self.pasted.cpu is not None:
            self.findings += check_cpu(self.pasted.cpu, self.pasted, self.facts, self.others, self.guesser)
        target = self.pasted.target
        if target and {target, self.facts.target} - {"x86_64", "i386"} and target != self.facts.target:
            message = f"The text is for {target}, and this QEMU emulates {self.facts.target}."
            place = Place(1, 1, 1, "", "")
            self.tell(Severity.WARNING, "other-target", place, message, "Choose a QEMU for the same target.")

    def device(self, use: DeviceUse) -> None:
        """Check a device and its properties."""
        if use.is_unknown:
            self.tell(
                Severity.NOTE,
                "shell",
                use.place,
                "The shell would put the device type here; it is not checked.",
            )
            return
        if use.is_json and self.facts.release < (6, 2):
            message = f"-device takes JSON since QEMU 6.2; this is {self.facts.version}."
            self.tell(
                Severity.ERROR, "json-unsupported", use.place, message, "Write it as driver,property=value."
            )
        device = self.facts.device(use.driver)
        if device is None:
            self.unknown_device(use)
            return
        self.creatable(use, device)
        if use.driver not in self.facts.devices:
            message = f"{use.driver} is another name of {device.name}."
            self.tell(Severity.NOTE, "alias", use.place, message)
        properties = self.facts.properties(device)
        if properties is None:
            return
        for given in use.givens:
            self.given(use, device, properties, given)

    def unknown_device(self, use: DeviceUse) -> None:
        creatable = [
            name for name, device in self.facts.devices.items() if device.user_creatable is not False
        ]
        advice = (
            "" if use.is_from_libvirt else self.guesser.meant(use.driver, [*creatable, *self.facts.aliases])
        )
        elsewhere = self.elsewhere(self.known_devices(use.driver))
        by_libvirt = f"libvirt makes {use.driver} of this; this" if use.is_from_libvirt else "This"
        what = "" if use.is_from_libvirt else f" {quoted(use.driver)}" if use.driver else " of an empty name"
        message = f"{by_libvirt} QEMU has no{' such' if use.is_from_libvirt else ''} device type{what}."
        self.tell(
            Severity.ERROR, "unknown-device", use.place, message, " ".join(filter(None, (advice, elsewhere)))
        )

    def creatable(self, use: DeviceUse, device: Device) -> None:
        if device.status is Status.DIED:
            message = f"QEMU ended when it was asked about {device.name}: “{_first_line(device.last_words)}”."
            advice = "A package with a module of QEMU is missing on that host."
            self.tell(Severity.ERROR, "device-died", use.place, message, advice)
        elif device.status is Status.ERROR:
            message = f"QEMU did not describe {device.name}, so its properties are not checked."
            self.tell(Severity.NOTE, "device-silent", use.place, message)
        elif device.user_creatable is False and not use.is_from_libvirt:
            message = f"{device.name} cannot be added with -device; QEMU or the machine type makes it itself."
            self.tell(Severity.ERROR, "not-user-creatable", use.place, message)
        elif device.user_creatable and device.bus == "System" and not use.is_from_libvirt:
            message = (
                f"{device.name} needs a machine type that takes it; which ones do, a snapshot does not say."
            )
            self.tell(Severity.NOTE, "system-bus", use.place, message)

    def given(self, use: DeviceUse, device: Device, known: Mapping[str, Property], given: Given) -> None:
        """Check one property of a device."""
        if given.is_unknown:
            self.tell(
                Severity.NOTE, "shell", given.place, "The shell would put a value here; it is not checked."
            )
            return
        if given.name in COMMON_KEYS:
            return
        if given.form is Form.FLAG:
            message = f"The short form {quoted(given.name)} is deprecated."
            self.tell(
                Severity.WARNING, "short-form", given.place, message, f"Write {given.name}={given.value}."
            )
        prop = known.get(given.name)
        if prop is None:
            self.unknown_property(device, known, given)
            return
        last = use.value_of(given.name)
        if last is not given:
            message = f"{given.name} is given more than once; the last one counts."
            self.tell(Severity.WARNING, "given-twice", given.place, message)
            # Before 6.2 QEMU sets one after the other, so a wrong one is refused all the same.
            if self.facts.release >= (6, 2):
                return
        self.value(device, prop, given)

    def unknown_property(self, device: Device, known: Mapping[str, Property], given: Given) -> None:
        if given.name == "realized":
            message = "“realized” makes the device before the rest of the option is read; leave it to QEMU."
            self.tell(Severity.WARNING, "internal-property", given.place, message)
            return
        if given.name in UNLISTED or given.name.startswith(_REMOVED_ARGUMENTS):
            message = f"“{given.name}” can be read of every device, and not set."
            self.tell(Severity.ERROR, "read-only", given.place, message)
            return
        array = _ARRAY.fullmatch(given.name)
        if array and (f"len-{array[1]}" in known or array[1] in known):
            message = (
                f"{given.name} is an element of an array; whether QEMU takes it is not known from a snapshot."
            )
            self.tell(Severity.NOTE, "array", given.place, message)
            return
        advice = " ".join(
            filter(None, (self.guesser.meant(given.name, known), self.property_elsewhere(device, given.name)))
        )
        if given.form is Form.XML:
            message = (
                f"libvirt would pass this as “{given.name}”, which {device.name} of this QEMU does not have."
            )
        else:
            message = f"{device.name} has no property {quoted(given.name)}."
        self.tell(Severity.ERROR, "unknown-property", given.place, message, advice)

    def property_elsewhere(self, device: Device, name: str) -> str:
        self.questions += 1
        if self.questions > MAX_QUESTIONS:
            return ""
        labels = []
        for other in self.others:
            found = other.device(device.name)
            if found is not None and name in (other.properties(found) or {}):
                labels.append(other.label)
        return self.elsewhere(labels)

    def value(self, device: Device, prop: Property, given: Given) -> None:
        """Check a value, and say what is special about the property."""
        if prop.is_experimental:
            message = f"{prop.name} is experimental: QEMU may change or drop x- properties in any version."
            self.tell(Severity.WARNING, "experimental", given.place, message)
        if values.is_readonly(prop):
            message = f"{prop.name} is a part of {device.name} itself and cannot be set."
            self.tell(Severity.ERROR, "read-only", given.place, message)
            return
        wanted = values.problem(prop, given, self.facts.release)
        if wanted is not None:
            # A list that a description names may be older than what QEMU takes by now.
            certain = prop.type in values.CHOICES or not values.choices(prop)
            severity = Severity.ERROR if certain else Severity.WARNING
            message = f"{prop.name} does not take {quoted(given.value)}: it is of type {prop.type}."
            self.tell(severity, "ill-typed", given.place, message, f"Give {wanted}.")
        elif values.same_as_default(prop, given, self.facts.release):
            message = f"{prop.name}={given.value} is the default of {device.name} already."
            advice = "A machine type may set another default, so it can still matter."
            self.tell(Severity.NOTE, "default", given.place, message, advice)

    def default(self, item: GlobalUse) -> None:
        """Check a ``-global``."""
        device = self.facts.devices.get(item.driver)
        if device is None:
            message = f"{quoted(item.driver)} is no device type of this QEMU that a snapshot lists."
            advice = "It may be a type that others are built on, such as virtio-pci; QEMU only warns where it is none."
            if self.facts.release >= _TRIES_NETWORK_DEVICES:
                advice += (
                    " Since 9.0 it does not even start where a network device type built on that one lacks "
                    "the property, be there such a device or not."
                )
            if item.driver in self.facts.aliases:
                advice = f"-global does not take an alias: write {self.facts.aliases[item.driver].name}."
            self.tell(Severity.WARNING, "global-unknown", item.place, message, advice)
            return
        known = self.facts.properties(device)
        if known is None or item.given.is_unknown:
            return
        prop = known.get(item.given.name)
        if prop is None:
            self.unknown_property(device, known, item.given)
        else:
            self.value(device, prop, item.given)

    def objects(self) -> None:
        """Check the types of ``-object``."""
        for item in self.pasted.objects:
            if item.type in self.facts.objects or not self.facts.objects:
                continue
            where = [other.label for other in self.others if item.type in other.objects]
            advice = " ".join(
                filter(None, (self.guesser.meant(item.type, self.facts.objects), self.elsewhere(where)))
            )
            what = f"{quoted(item.type)}" if item.type else "without a type"
            message = f"This QEMU has no object type {what}." if item.type else "This object names no type."
            self.tell(Severity.ERROR, "unknown-object", item.place, message, advice)

    def identifiers(self) -> None:
        """Check the ``id`` of every device."""
        seen: set[str] = set()
        for use in self.pasted.devices:
            given = use.value_of("id")
            if given is None or given.is_unknown:
                continue
            if given.form is Form.TEXT and not _ID.fullmatch(given.value):
                advice = "Use letters, digits, “-”, “.” and “_”, and begin with a letter."
                self.tell(
                    Severity.ERROR, "bad-id", given.place, f"{quoted(given.value)} is no identifier.", advice
                )
            elif given.value in seen:
                message = f"Two devices are called {quoted(given.value)}."
                self.tell(Severity.ERROR, "duplicate-id", given.place, message, "Give each an id of its own.")
            seen.add(given.value)


def _first_line(words: str) -> str:
    # They begin with the path of the binary, which is not for everyone.
    public = without_paths(words).strip()
    return public.splitlines()[0][:200] if public else "no words"
