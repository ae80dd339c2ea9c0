"""What the linter knows of one QEMU binary, read when it is first needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from labtools.labhost.document import CpuModel, Device, HostDocument, Machine, Property, PropertyList, Qemu

_VERSION = re.compile(r"(\d+)\.(\d+)")


class Facts:
    """One QEMU binary. Every loader is called at most once, when it is first needed."""

    def __init__(
        self,
        *,
        label: str,
        target: str,
        version: str,
        devices: Callable[[], Mapping[str, Device]],
        machines: Callable[[], Sequence[Machine]],
        objects: Callable[[], Sequence[str]],
        cpus: Callable[[str], Sequence[CpuModel]],
        property_list: Callable[[Device], PropertyList | None],
    ) -> None:
        self.label = label
        self.target = target
        self.version = version
        self._devices, self._machines, self._objects = devices, machines, objects
        self._cpus, self._property_list = cpus, property_list
        self._properties: dict[str, Mapping[str, Property] | None] = {}

    @classmethod
    def from_document(cls, document: HostDocument, qemu: Qemu, label: str = "") -> Facts:
        """What ``document`` says of one of its binaries."""
        return cls(
            label=label or f"QEMU {qemu.version}",
            target=qemu.target,
            version=qemu.version,
            devices=lambda: {device.name: device for device in qemu.devices},
            machines=lambda: qemu.machines,
            objects=lambda: qemu.objects,
            cpus=lambda name: next((one.cpus for one in qemu.accelerators if one.name == name), ()),
            property_list=document.properties_of,
        )

    @cached_property
    def devices(self) -> Mapping[str, Device]:
        """Device types by name."""
        return self._devices()

    @cached_property
    def aliases(self) -> Mapping[str, Device]:
        """Device types by the alias that ``-device`` takes too."""
        return {device.alias: device for device in self.devices.values() if device.alias}

    @cached_property
    def machines(self) -> Mapping[str, Machine]:
        """Machine types by name."""
        return {machine.name: machine for machine in self._machines()}

    @cached_property
    def objects(self) -> frozenset[str]:
        """Types that ``-object`` takes."""
        return frozenset(self._objects())

    def cpus(self, accelerator: str) -> Mapping[str, CpuModel]:
        """CPU models by name under ``tcg`` or ``kvm``; empty where QEMU did not answer."""
        return {cpu.name: cpu for cpu in self._cpus(accelerator)}

    def device(self, name: str) -> Device | None:
        """The device type that ``-device name`` means, alias or not."""
        return self.devices.get(name) or self.aliases.get(name)

    def properties(self, device: Device) -> Mapping[str, Property] | None:
        """The properties of a device type by name; None where QEMU did not answer for it."""
        if device.name not in self._properties:
            found = self._property_list(device)
            self._properties[device.name] = None if found is None else {p.name: p for p in found.properties}
        return self._properties[device.name]

    @cached_property
    def release(self) -> tuple[int, int]:
        """Major and minor version; (0, 0) where it has none."""
        found = _VERSION.match(self.version)
        return (int(found[1]), int(found[2])) if found else (0, 0)
