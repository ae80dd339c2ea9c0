"""What differs between two QEMU binaries: device types with their properties, machine types, CPU models, objects.

Everything is compared by name. Property lists are shared by digest, so equal lists are never walked and a pair
of lists is walked once, however many device types have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeVar

from labtools.labhost.document import CpuModel, Device, Machine, Property, PropertyList, Qemu, Status

_T = TypeVar("_T", Device, Property, Machine, CpuModel)

#: Gives the property list of a digest.
PropertyListOf = Callable[[str], PropertyList]


class Kind(StrEnum):
    """What became of a thing between the two."""

    ADDED = "added"
    REMOVED = "removed"
    DIED = "died"
    RETURNED = "came back"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One fact about a thing, in the words of a page: what it was and what it is."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One property of a device type that came, went, or has another type, default or description."""

    name: str
    kind: Kind
    before: Property | None
    after: Property | None
    fields: tuple[FieldChange, ...]

    def has_changed(self, field: str) -> bool:
        """Whether ``field`` (``type``, ``default`` or ``description``) is another one."""
        return any(change.field == field for change in self.fields)


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """One device type. ``properties`` is empty unless QEMU answered for the type on both sides."""

    name: str
    kind: Kind
    before: Device | None
    after: Device | None
    fields: tuple[FieldChange, ...]
    properties: tuple[PropertyChange, ...]


@dataclass(frozen=True, slots=True)
class MachineChange:
    """One machine type. Aliases and the default are told as moves, see :class:`AliasMove`."""

    name: str
    kind: Kind
    before: Machine | None
    after: Machine | None
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class AliasMove:
    """An alias (``pc``, ``q35``), or the default (``alias`` is empty), and which machine type it stands for.

    ``before`` or ``after`` is empty where there is no such alias.
    """

    alias: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CpuChange:
    """One CPU model under one accelerator; ``now_missing`` and ``no_longer_missing`` are names of features."""

    name: str
    accelerator: str
    kind: Kind
    before: CpuModel | None
    after: CpuModel | None
    fields: tuple[FieldChange, ...]
    now_missing: tuple[str, ...]
    no_longer_missing: tuple[str, ...]

    @property
    def became_usable(self) -> bool:
        """The model lacked features and lacks none now."""
        return self._usable() == (False, True)

    @property
    def became_unusable(self) -> bool:
        """The model lacked no feature and lacks some now."""
        return self._usable() == (True, False)

    def _usable(self) -> tuple[bool | None, bool | None]:
        return (
            self.before.is_usable if self.before else None,
            self.after.is_usable if self.after else None,
        )


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """A type of ``-object`` that came or went."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Differences:
    """All that differs between two binaries, in order of name. Empty (false) where nothing does."""

    devices: tuple[DeviceChange, ...]
    machines: tuple[MachineChange, ...]
    alias_moves: tuple[AliasMove, ...]
    cpus: tuple[CpuChange, ...]
    objects: tuple[ObjectChange, ...]

    def __bool__(self) -> bool:
        return bool(self.devices or self.machines or self.alias_moves or self.cpus or self.objects)

    def __len__(self) -> int:
        """How many things differ; a property counts as one, and its device type does not count again."""
        devices = sum(
            len(change.properties) + (change.kind is not Kind.CHANGED or bool(change.fields))
            for change in self.devices
        )
        return devices + len(self.machines) + len(self.alias_moves) + len(self.cpus) + len(self.objects)


def compare_qemus(before: Qemu, after: Qemu, property_list: PropertyListOf) -> Differences:
    """Return all that differs between two binaries, also of different hosts, versions or targets.

    ``property_list`` is asked for the digests of :func:`differing_lists` only, once for each.
    """
    cpus_before, cpus_after = _cpus_of(before), _cpus_of(after)
    return Differences(
        devices=compare_devices(before.devices, after.devices, property_list),
        machines=compare_machines(before.machines, after.machines),
        alias_moves=compare_aliases(before.machines, after.machines),
        cpus=tuple(
            change
            for name in sorted(cpus_before.keys() & cpus_after.keys(), reverse=True)
            for change in compare_cpus(name, cpus_before[name], cpus_after[name])
        ),
        objects=compare_objects(before.objects, after.objects),
    )


def _cpus_of(qemu: Qemu) -> dict[str, tuple[CpuModel, ...]]:
    # An accelerator that did not answer on one side says nothing about the models of the other.
    return {item.name: item.cpus for item in qemu.accelerators if item.status is Status.OK}


def differing_lists(before: Iterable[Device], after: Iterable[Device]) -> frozenset[str]:
    """Return the digests of the property lists that a comparison of these device types reads."""
    found: set[str] = set()
    for _, old, new in _pairs(before, after):
        if old and new and old.properties and new.properties and old.properties != new.properties:
            found |= {old.properties, new.properties}
    return frozenset(found)


def compare_devices(
    before: Iterable[Device], after: Iterable[Device], property_list: PropertyListOf
) -> tuple[DeviceChange, ...]:
    """Return the device types that differ, in order of name."""
    read = cache(property_list)

    @cache
    def walk(old: str, new: str) -> tuple[PropertyChange, ...]:
        return compare_property_lists(read(old), read(new))

    def properties(old: Device, new: Device) -> tuple[PropertyChange, ...]:
        if old.properties is None or new.properties is None or old.properties == new.properties:
            return ()
        return walk(old.properties, new.properties)

    found = []
    for name, old, new in _pairs(before, after):
        if old is None or new is None:
            kind = Kind.ADDED if old is None else Kind.REMOVED
            found.append(DeviceChange(name, kind, old, new, (), ()))
            continue
        change = DeviceChange(
            name, _device_kind(old, new), old, new, _device_fields(old, new), properties(old, new)
        )
        if change.kind is not Kind.CHANGED or change.fields or change.properties:
            found.append(change)
    return tuple(found)


def _device_kind(old: Device, new: Device) -> Kind:
    if old.status is new.status:
        return Kind.CHANGED
    if new.status is Status.DIED:
        return Kind.DIED
    if new.status is Status.OK:
        return Kind.RETURNED
    return Kind.CHANGED


def _device_fields(old: Device, new: Device) -> tuple[FieldChange, ...]:
    return _fields(
        ("answer", old.status.value, new.status.value),
        ("user-creatable", _yes_no(old.user_creatable), _yes_no(new.user_creatable)),
        ("alias", old.alias, new.alias),
        ("group", old.group, new.group),
        ("bus", old.bus, new.bus),
        ("description", old.description, new.description),
    )


def compare_property_lists(before: PropertyList, after: PropertyList) -> tuple[PropertyChange, ...]:
    """Return the properties that differ, in order of name."""
    found = []
    for name, old, new in _pairs(before.properties, after.properties):
        if old is None or new is None:
            found.append(PropertyChange(name, Kind.ADDED if old is None else Kind.REMOVED, old, new, ()))
        elif old != new:
            fields = _fields(
                ("type", old.type, new.type),
                ("default", _default(old), _default(new)),
                ("description", old.description, new.description),
            )
            found.append(PropertyChange(name, Kind.CHANGED, old, new, fields))
    return tuple(found)


def compare_machines(before: Iterable[Machine], after: Iterable[Machine]) -> tuple[MachineChange, ...]:
    """Return the machine types that differ in more than their alias or in being the default."""
    found = []
    for name, old, new in _pairs(before, after):
        if old is None or new is None:
            found.append(MachineChange(name, Kind.ADDED if old is None else Kind.REMOVED, old, new, ()))
            continue
        fields = _fields(
            ("deprecated", _yes_no(old.is_deprecated), _yes_no(new.is_deprecated)),
            ("CPUs at most", str(old.cpu_max), str(new.cpu_max)),
            ("default CPU", old.default_cpu, new.default_cpu),
        )
        if fields:
            found.append(MachineChange(name, Kind.CHANGED, old, new, fields))
    return tuple(found)


def compare_aliases(before: Iterable[Machine], after: Iterable[Machine]) -> tuple[AliasMove, ...]:
    """Return the aliases that stand for another machine type, the default (empty alias) first."""
    old, new = _aliases(before), _aliases(after)
    return tuple(
        AliasMove(alias, old.get(alias, ""), new.get(alias, ""))
        for alias in sorted(old.keys() | new.keys())
        if old.get(alias) != new.get(alias)
    )


def _aliases(machines: Iterable[Machine]) -> dict[str, str]:
    found = {}
    for machine in machines:
        if machine.alias:
            found[machine.alias] = machine.name
        if machine.is_default:
            found[""] = machine.name
    return found


def compare_cpus(
    accelerator: str, before: Iterable[CpuModel], after: Iterable[CpuModel]
) -> tuple[CpuChange, ...]:
    """Return the CPU models that differ under one accelerator, in order of name."""
    found = []
    for name, old, new in _pairs(before, after):
        if old is None or new is None:
            kind = Kind.ADDED if old is None else Kind.REMOVED
            found.append(CpuChange(name, accelerator, kind, old, new, (), (), ()))
            continue
        was, now = frozenset(old.unavailable or ()), frozenset(new.unavailable or ())
        fields = _fields(
            ("usable", _yes_no(old.is_usable), _yes_no(new.is_usable)),
            ("deprecated", _yes_no(old.is_deprecated), _yes_no(new.is_deprecated)),
            ("stands for", old.alias_of, new.alias_of),
            ("safe to migrate", _yes_no(old.is_migration_safe), _yes_no(new.is_migration_safe)),
            ("static", _yes_no(old.is_static), _yes_no(new.is_static)),
        )
        if fields or was != now:
            missing, mended = tuple(sorted(now - was)), tuple(sorted(was - now))
            found.append(CpuChange(name, accelerator, Kind.CHANGED, old, new, fields, missing, mended))
    return tuple(found)


def compare_objects(before: Iterable[str], after: Iterable[str]) -> tuple[ObjectChange, ...]:
    """Return the types of ``-object`` that came or went."""
    old, new = frozenset(before), frozenset(after)
    return tuple(
        ObjectChange(name, Kind.ADDED if name in new else Kind.REMOVED) for name in sorted(old ^ new)
    )


def _pairs(before: Iterable[_T], after: Iterable[_T]) -> Iterable[tuple[str, _T | None, _T | None]]:
    old: Mapping[str, _T] = {item.name: item for item in before}
    new: Mapping[str, _T] = {item.name: item for item in after}
    return ((name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys()))


def _fields(*triples: tuple[str, str, str]) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(*triple) for triple in triples if triple[1] != triple[2])


def _default(item: Property) -> str:
    return item.shown_default


def _yes_no(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[value]
