"""Two sources beside each other: what differs, put together for a page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from labtools.labhost.comparison import (
    AliasMove,
    CpuChange,
    DeviceChange,
    Differences,
    FieldChange,
    Kind,
    MachineChange,
    ObjectChange,
    PropertyChange,
    compare_qemus,
    differing_lists,
)
from labtools.labhost.document import Qemu
from labtools.models import Emulator, Fact, LabHost, Sighting
from labtools.queries import facts
from labtools.queries.sources import Source, choose_default

#: Older snapshots of the two hosts that the choosers offer.
MAX_OLDER = 30

#: Values of ``show=``, their labels, and which kinds of change they leave.
SHOWS: tuple[tuple[str, str, frozenset[Kind]], ...] = (
    ("", "All differences", frozenset(Kind)),
    ("gone", "Only what is gone", frozenset({Kind.REMOVED, Kind.DIED})),
    ("new", "Only what is new", frozenset({Kind.ADDED, Kind.RETURNED})),
    ("changed", "Only what changed", frozenset({Kind.CHANGED})),
)


@dataclass(frozen=True)
class OptionChange:
    """One change of an option that several device types share."""

    change: PropertyChange
    devices: tuple[str, ...]

    @property
    def is_experimental(self) -> bool:
        """QEMU promises nothing for names that begin with ``x-``."""
        return self.change.name.startswith("x-")


@dataclass(frozen=True)
class Comparison:
    """What differs between ``before`` and ``after``, by section, as a filter leaves it.

    Device types of CPUs are told as CPU models, which have an answer for each accelerator.
    """

    before: Source
    after: Source
    facts: tuple[FieldChange, ...]
    machines: tuple[MachineChange, ...]
    aliases: tuple[AliasMove, ...]
    cpus: tuple[CpuChange, ...]
    devices: tuple[DeviceChange, ...]
    options: tuple[OptionChange, ...]
    objects: tuple[ObjectChange, ...]
    unfiltered: int
    """How many differences there are without the filter."""

    @property
    def shown(self) -> int:
        """How many rows all sections have together."""
        sections = (self.machines, self.aliases, self.cpus, self.devices, self.options, self.objects)
        return sum(len(section) for section in sections)


def compare(before: Source, after: Source, show: str = "", q: str = "") -> Comparison:
    """Return what differs; ``q`` leaves names that have each of its words. Three queries at most."""
    facts.read_ahead(
        [before.emulator, after.emulator],
        Fact.Kind.DEVICES,
        Fact.Kind.MACHINES,
        Fact.Kind.CPUS,
        Fact.Kind.OBJECTS,
    )
    old, new = _without_cpu_types(before.emulator), _without_cpu_types(after.emulator)
    lists = facts.property_lists(differing_lists(old.devices, new.devices))
    whole = _page(before, after, compare_qemus(old, new, lists.__getitem__))
    return _filtered(whole, show, q.lower().split())


def _without_cpu_types(emulator: Emulator) -> Qemu:
    qemu = facts.stored_qemu(emulator)
    return replace(qemu, devices=tuple(device for device in qemu.devices if device.group != "CPU"))


def _page(before: Source, after: Source, found: Differences) -> Comparison:
    whole = Comparison(
        before=before,
        after=after,
        facts=_facts(before, after),
        machines=found.machines,
        aliases=found.alias_moves,
        cpus=found.cpus,
        devices=tuple(change for change in found.devices if change.kind is not Kind.CHANGED or change.fields),
        options=_options(found.devices),
        objects=found.objects,
        unfiltered=0,
    )
    return replace(whole, unfiltered=whole.shown)


def _facts(before: Source, after: Source) -> tuple[FieldChange, ...]:
    triples = (
        ("QEMU", before.emulator.version, after.emulator.version),
        ("package", before.emulator.package, after.emulator.package),
        ("target", before.target, after.target),
        ("libvirt", before.snapshot.libvirt_version, after.snapshot.libvirt_version),
    )
    return tuple(FieldChange(*triple) for triple in triples if triple[1] != triple[2])


_ORDER = (Kind.REMOVED, Kind.CHANGED, Kind.ADDED)


def _options(devices: tuple[DeviceChange, ...]) -> tuple[OptionChange, ...]:
    """Changes of options, those that more device types share first, what is gone before what is new."""
    shared: dict[tuple[object, ...], tuple[PropertyChange, list[str]]] = {}
    for device in devices:
        for change in device.properties:
            one = change.before or change.after
            key = (change.name, change.kind, change.fields, one.type if one else "")
            shared.setdefault(key, (change, []))[1].append(device.name)
    found = [OptionChange(change, tuple(names)) for change, names in shared.values()]
    return tuple(
        sorted(found, key=lambda one: (_ORDER.index(one.change.kind), -len(one.devices), one.change.name))
    )


def _filtered(whole: Comparison, show: str, words: list[str]) -> Comparison:
    kinds = next((kinds for value, _, kinds in SHOWS if value == show), frozenset(Kind))

    def has_words(*names: str) -> bool:
        return all(any(word in name.lower() for name in names) for word in words)

    return replace(
        whole,
        machines=tuple(one for one in whole.machines if one.kind in kinds and has_words(one.name)),
        aliases=tuple(
            one
            for one in whole.aliases
            if Kind.CHANGED in kinds and has_words(one.alias, one.before, one.after)
        ),
        cpus=tuple(one for one in whole.cpus if one.kind in kinds and has_words(one.name)),
        devices=tuple(one for one in whole.devices if one.kind in kinds and has_words(one.name)),
        options=tuple(
            one
            for one in whole.options
            if one.change.kind in kinds and has_words(one.change.name, *one.devices)
        ),
        objects=tuple(one for one in whole.objects if one.kind in kinds and has_words(one.name)),
    )


def default_pair(available: tuple[Source, ...]) -> tuple[Source, Source] | None:
    """What a reader who chose nothing is shown: the default, and the next older version of its target.

    A source without others is shown beside itself; None while there is none.
    """
    after = choose_default(available)
    if after is None:
        return None
    others = [one for one in available if one.emulator.key == after.emulator.key and one != after]
    older = [one for one in others if one.version_key < after.version_key]
    if older:
        return max(older, key=lambda one: one.version_key), after
    return (after, others[0]) if others else (after, after)


@dataclass(frozen=True)
class Choice:
    """One option of a chooser."""

    key: str
    label: str


def older_snapshots(
    user: object, hosts: tuple[LabHost, ...], keys: tuple[str, ...]
) -> Mapping[str, tuple[Choice, ...]]:
    """What the hosts of the two sides had before, by host: pinned sources. Two queries."""
    current = {host.current_id for host in hosts if host.current_id is not None}
    sightings = (
        Sighting.objects.filter(
            host__in=LabHost.objects.visible_to(user).filter(pk__in={one.pk for one in hosts})
        )
        .exclude(pk__in=current)
        .select_related("host", "snapshot")
        .prefetch_related("snapshot__emulators")
        .order_by("-first_at", "pk")[:MAX_OLDER]
    )
    found: dict[str, list[Choice]] = {}
    for sighting in sightings:
        for emulator in sighting.snapshot.emulators.all():
            if emulator.status == "ok" and emulator.key in keys:
                label = f"{sighting.first_at:%-d %B %Y} · QEMU {emulator.version} · {emulator.key}"
                choice = Choice(f"{sighting.snapshot_id}:{emulator.key}", label)
                found.setdefault(sighting.host.name, []).append(choice)
    return {name: tuple(choices) for name, choices in found.items()}
