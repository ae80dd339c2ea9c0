"""What works on all of several QEMU binaries, and which of them lacks what the others have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .document import CpuModel, Device, Machine, PropertyList, Qemu, Status

ACCELERATORS = ("kvm", "tcg")


@dataclass(frozen=True, slots=True)
class Lack:
    """A thing that some have and not all: ``where`` has the positions of those that lack it, each with the reason."""

    name: str
    where: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Common:
    """Names that work on all, and those that do not make it, both in order of name."""

    names: tuple[str, ...]
    lacks: tuple[Lack, ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What several binaries have in common.

    ``machines`` holds aliases too, where they stand for the same machine type on all. ``cpus`` is by accelerator.
    """

    devices: Common
    machines: Common
    cpus: Mapping[str, Common]
    objects: Common


def intersect(qemus: Sequence[Qemu]) -> Fleet:
    """Return what a guest can rely on wherever in ``qemus`` it is started.

    Device types that a guest cannot ask for are left out, as are those of CPUs, which are told as CPU models.
    """
    devices = [{device.name: device for device in qemu.devices} for qemu in qemus]
    return Fleet(
        devices=_sift(devices, _why_no_device, _may_be_asked_for),
        machines=_common_machines(qemus),
        cpus={name: _cpus(qemus, name) for name in ACCELERATORS},
        objects=_sift([{name: name for name in qemu.objects} for qemu in qemus], _always),
    )


def intersect_properties(lists: Sequence[PropertyList | None]) -> Common:
    """Return the properties that a device type has with one type in all ``lists``; None: it is not there."""
    types = [{item.name: item.type for item in one.properties} if one else {} for one in lists]
    return _apart(_sift(types, _always), types, "type {}")


def _sift(
    tables: Sequence[Mapping[str, object]],
    why: Callable[..., str],
    is_meant: Callable[..., bool] = lambda _thing: True,
) -> Common:
    """Names that all ``tables`` have and ``why`` finds no fault with, and the others with their faults."""
    names = sorted({name for table in tables for name, thing in table.items() if is_meant(thing)})
    common, lacks = [], []
    for name in names:
        faults = tuple(
            (position, reason)
            for position, table in enumerate(tables)
            if (reason := why(table[name]) if name in table else "not there")
        )
        if faults:
            lacks.append(Lack(name, faults))
        else:
            common.append(name)
    return Common(tuple(common), tuple(lacks))


def _always(_thing: object) -> str:
    return ""


def _may_be_asked_for(device: Device) -> bool:
    return device.user_creatable is True and device.group != "CPU"


def _why_no_device(device: Device) -> str:
    if device.status is Status.DIED:
        return "QEMU ends over it"
    if device.status is not Status.OK:
        return "QEMU does not answer for it"
    return "" if device.user_creatable else "not user-creatable"


def _apart(found: Common, tables: Sequence[Mapping[str, str]], words: str) -> Common:
    """Names that all have but that mean different things do not work on all."""
    differing = [name for name in found.names if len({table[name] for table in tables}) > 1]
    lacks = (
        Lack(name, tuple((position, words.format(table[name])) for position, table in enumerate(tables)))
        for name in differing
    )
    return Common(
        tuple(name for name in found.names if name not in differing),
        tuple(sorted([*found.lacks, *lacks], key=lambda lack: lack.name)),
    )


def _machines(machines: Iterable[Machine]) -> Mapping[str, str]:
    """Every name that ``-machine`` takes, and the machine type that it stands for."""
    machines = tuple(machines)
    return {machine.name: machine.name for machine in machines} | {
        machine.alias: machine.name for machine in machines if machine.alias
    }


def _common_machines(qemus: Sequence[Qemu]) -> Common:
    # An alias that moved from version to version starts another machine.
    tables = [_machines(qemu.machines) for qemu in qemus]
    return _apart(_sift(tables, _always), tables, "stands for {}")


def _cpus(qemus: Sequence[Qemu], accelerator: str) -> Common:
    tables: list[Mapping[str, CpuModel]] = []
    silent: dict[int, str] = {}
    for position, qemu in enumerate(qemus):
        asked = next((item for item in qemu.accelerators if item.name == accelerator), None)
        if asked is None:
            silent[position] = f"{accelerator} was not asked"
        elif asked.status is not Status.OK:
            silent[position] = f"{accelerator} does not answer"
        tables.append({cpu.name: cpu for cpu in asked.cpus} if asked else {})
    found = _sift(tables, _why_no_cpu)
    return Common(found.names, tuple(_without_answer(lack, silent) for lack in found.lacks))


def _without_answer(lack: Lack, silent: Mapping[int, str]) -> Lack:
    return Lack(lack.name, tuple((position, silent.get(position, why)) for position, why in lack.where))


def _why_no_cpu(cpu: CpuModel) -> str:
    if cpu.unavailable is None:
        return "QEMU does not say whether it is usable"
    return f"lacks {', '.join(cpu.unavailable)}" if cpu.unavailable else ""
