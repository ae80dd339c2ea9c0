"""What the portal's search finds in the lab: device types and their options, of hosts that everybody may see."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.urls import reverse

from labtools.models import DeviceRow
from labtools.queries import facts
from labtools.queries.sources import sources
from portal.search.registry import Entry, Source, register

ROOM = "Lab"
#: How many device types the entry of an option names.
NAMED = 30


@dataclass
class _Device:
    """One device type over all public lists."""

    aliases: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    buses: set[str] = field(default_factory=set)
    descriptions: set[str] = field(default_factory=set)
    properties: set[str] = field(default_factory=set)
    """Digests of its property lists."""
    is_creatable: bool = False


def _lists() -> list[str]:
    """Digests of the device lists that everybody may see now."""
    return sorted({source.emulator.devices for source in sources(None) if source.emulator.devices})


def _stamp() -> str:
    """Changes with what there is to find: the lists are named by their content."""
    return " ".join(_lists())


def _devices() -> dict[str, _Device]:
    found: dict[str, _Device] = defaultdict(_Device)
    for row in DeviceRow.objects.filter(devices__in=_lists()).order_by("name").iterator():
        device = found[row.name]
        device.aliases |= {row.alias} - {""}
        device.groups |= {row.group} - {""}
        device.buses |= {row.bus} - {""}
        device.descriptions |= {row.description} - {""}
        device.properties |= {row.properties} - {""}
        device.is_creatable |= bool(row.user_creatable)
    return found


def _device_entries() -> Iterator[Entry]:
    for name, device in _devices().items():
        words = [*sorted(device.descriptions), *(f"on {bus}" for bus in sorted(device.buses))]
        group = ", ".join(sorted(device.groups))
        yield Entry(
            key=name,
            title=name,
            url=reverse("labtools:device", args=[name]),
            head=" ".join(sorted(device.aliases)),
            body=". ".join(words),
            note=f"Device type, {group}" if group else "Device type",
            weight=1.1 if device.is_creatable else 0.6,
        )


def _option_entries() -> Iterator[Entry]:
    """An entry a name: hundreds of CPU types share their features, so those are left to the pages of CPU models."""
    devices: dict[str, list[str]] = defaultdict(list)
    descriptions: dict[str, set[str]] = defaultdict(set)
    for name, device in _devices().items():
        if name.endswith("-cpu"):
            continue
        for digest in sorted(device.properties):
            for one in facts.property_list(digest).properties:
                if not devices[one.name] or devices[one.name][-1] != name:
                    devices[one.name].append(name)
                descriptions[one.name] |= {one.description} - {""}
    for option, names in sorted(devices.items()):
        first = min(names, key=lambda name: (not name.endswith("-pci"), len(name), name))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield Entry(
            key=option,
            title=option,
            url=reverse("labtools:device", args=[first]) + f"#option-{option}",
            body=". ".join([*sorted(descriptions[option]), "Option of " + ", ".join(names[:NAMED])]),
            note=f"Option of {first}{more}",
            weight=0.5 if option.startswith("x-") else 0.8,
        )


def register_all() -> None:
    """Let the search find the device types and their options."""
    register(Source("device", ROOM, _device_entries, lambda key: None, stamp=_stamp))
    register(Source("option", ROOM, _option_entries, lambda key: None, stamp=_stamp))
