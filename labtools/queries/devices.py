"""The device types of one source: the explorer's list, and one of them by the name that a person typed."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from labtools.labhost.document import Device
from labtools.models import DeviceRow
from labtools.queries import facts
from labtools.queries.sources import Source, default_source

#: More of a query is not read: no device type has a name as long.
MAX_QUERY = 200
MAX_SUGGESTIONS = 3
#: The order of ``-device help`` (qemu: include/hw/qdev-core.h, DeviceCategory); further groups follow by name.
_GROUPS = (
    "Controller/Bridge/Hub",
    "USB",
    "Storage",
    "Network",
    "Input",
    "Display",
    "Sound",
    "Misc",
    "CPU",
    "Watchdog",
    "Uncategorized",
)
#: What stands for the empty bus and the empty group in an address.
NONE = "none"


@dataclass(frozen=True)
class DeviceFilter:
    """How the explorer's list is narrowed; empty fields narrow nothing."""

    q: str = ""
    """Words; each must be in the name, the alias or the description."""
    group: str = ""
    bus: str = ""
    creatable: str = ""
    """``yes`` or ``no``: whether ``-device`` takes the type."""

    @classmethod
    def from_query(cls, given: Mapping[str, str]) -> "DeviceFilter":
        """What an address asks for; a value that makes no sense narrows nothing."""
        creatable = given.get("creatable", "")
        return cls(
            q=given.get("q", "")[:MAX_QUERY].strip(),
            group=given.get("group", ""),
            bus=given.get("bus", ""),
            creatable=creatable if creatable in ("yes", "no") else "",
        )

    def __bool__(self) -> bool:
        return self != DeviceFilter()

    def matches(self, device: Device) -> bool:
        """Whether the list has ``device``."""
        text = f"{device.name} {device.alias} {device.description}".lower()
        return (
            all(word in text for word in self.q.lower().split())
            and self.group in ("", device.group or NONE)
            and self.bus in ("", device.bus or NONE)
            and self.creatable in ("", "no" if device.user_creatable is False else "yes")
        )


@dataclass(frozen=True)
class DeviceGroup:
    """One of QEMU's groups with the device types that are shown of it."""

    name: str
    value: str
    """In the filter."""
    slug: str
    devices: tuple[Device, ...]

    @property
    def is_cpu(self) -> bool:
        """Whether it is the group of CPU models, of which there are more than of all else."""
        return self.name == "CPU"


@dataclass(frozen=True)
class Exploration:
    """The explorer's answer."""

    groups: tuple[DeviceGroup, ...]
    shown: int
    total: int
    all_groups: tuple[str, ...]
    """Values of the filter: the groups that the source has; :data:`NONE` stands for none."""
    all_buses: tuple[str, ...]
    did_you_mean: tuple[str, ...]


def explore(source: Source, narrowed: DeviceFilter) -> Exploration:
    """The device types of ``source`` in QEMU's groups. One query, none when its list was read before."""
    devices = tuple(facts.devices(source.emulator).values())
    shown = [device for device in devices if narrowed.matches(device)]
    names = _in_order({device.group for device in shown})
    groups = tuple(
        DeviceGroup(
            name or "Not listed by info qdm",
            name or NONE,
            f"group-{number}",
            tuple(device for device in shown if device.group == name),
        )
        for number, name in enumerate(names)
    )
    return Exploration(
        groups=groups,
        shown=len(shown),
        total=len(devices),
        all_groups=tuple(name or NONE for name in _in_order({device.group for device in devices})),
        all_buses=tuple(sorted({device.bus or NONE for device in devices}, key=str.lower)),
        did_you_mean=() if shown else suggestions(devices, narrowed.q),
    )


def _in_order(groups: Iterable[str]) -> list[str]:
    place = {name: number for number, name in enumerate(_GROUPS)}
    return sorted(groups, key=lambda name: (place.get(name, len(place)), name))


def suggestions(devices: Iterable[Device], word: str) -> tuple[str, ...]:
    """Names and aliases that ``word`` may have been meant to be, best first."""
    known = {name.lower(): name for device in devices for name in (device.alias, device.name) if name}
    near = difflib.get_close_matches(word.lower()[:MAX_QUERY], known, n=MAX_SUGGESTIONS, cutoff=0.7)
    return tuple(known[name] for name in near)


def find_device(source: Source, name: str) -> Device | None:
    """The device type of ``source`` that ``name`` names: its name, else its alias, else either in other case."""
    devices = facts.devices(source.emulator)
    if name in devices:
        return devices[name]
    lowered = name.lower()

    def rank(device: Device) -> int:
        if device.alias == name:
            return 0
        return 1 if device.name.lower() == lowered else 2

    alike = [device for device in devices.values() if lowered in (device.name.lower(), device.alias.lower())]
    return min(alike, key=rank, default=None)


def presence(sources: Iterable[Source], name: str) -> Mapping[str, DeviceRow]:
    """The rows of the device type ``name`` among what hosts have now, by digest of their device list. One query."""
    digests = {source.emulator.devices for source in sources}
    return {row.devices: row for row in DeviceRow.objects.filter(devices__in=digests, name=name)}


def sources_with(sources: tuple[Source, ...], name: str) -> tuple[Source, ...]:
    """Those of ``sources`` that have a device type of that name or alias, in whatever case. One query."""
    digests = {source.emulator.devices for source in sources}
    having = set(
        DeviceRow.objects.filter(Q(name__iexact=name) | Q(alias__iexact=name), devices__in=digests)
        .values_list("devices", flat=True)
        .distinct()
    )
    return tuple(source for source in sources if source.emulator.devices in having)


def public_names() -> list[str]:
    """Names of the device types that a stranger finds without choosing a source, CPU types excepted, in order."""
    source = default_source(None)
    if source is None:
        return []
    rows = DeviceRow.objects.filter(devices=source.emulator.devices).exclude(group="CPU")
    return list(rows.order_by("name").values_list("name", flat=True))
