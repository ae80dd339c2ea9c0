"""What names the lab's hosts have lost, or say is about to go: told from what they had before, and between versions.

Public hosts alone. A host is compared with its own past, reference versions with one another.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from labtools.labhost.document import PropertyList, Status
from labtools.models import Emulator, Fact, LabHost, Sighting
from labtools.queries import facts
from labtools.queries.machines import machine_of
from labtools.queries.sources import version_key
from portal.embeds.names import Loss

#: How far back in a host's past a name is looked for, in changes of the host.
PAST = 12
_WORDS = {"device": "device type", "machine": "machine type", "cpu": "CPU model"}


@dataclass(frozen=True)
class _Point:
    """One binary of one host at a time."""

    host: LabHost
    emulator: Emulator
    since: datetime


def losses(names: Collection[tuple[str, str]]) -> list[Loss]:
    """What of ``names`` is gone, deprecated or renamed where it was there before. A constant number of queries."""
    lines = [*_pasts(), *_versions()]
    emulators = [point.emulator for line in lines for point in line]
    facts.read_ahead(emulators, Fact.Kind.DEVICES, Fact.Kind.MACHINES, Fact.Kind.CPUS)
    lists = _lists(emulators, {name.rpartition(".")[0] for kind, name in names if kind == "option"})
    return [
        loss
        for line in lines
        for kind, name in sorted(names)
        if (loss := _loss(line, kind, name, lists)) is not None
    ]


def _pasts() -> Iterator[list[_Point]]:
    """What each public host has now and had before, by binary, the newest first."""
    hosts = (
        LabHost.objects.visible_to(None)
        .filter(current__isnull=False)
        .exclude(transport=LabHost.Transport.REFERENCE)
        .in_bulk()
    )
    seen: dict[int, list[int]] = defaultdict(list)
    order = Sighting.objects.filter(host__in=hosts).order_by("host", "-first_at", "-pk")
    for pk, host in order.values_list("pk", "host"):
        if len(seen[host]) < PAST:
            seen[host].append(pk)
    changed = {host: pks for host, pks in seen.items() if len(pks) > 1}
    wanted = [pk for pks in changed.values() for pk in pks]
    sightings = Sighting.objects.prefetch_related("snapshot__emulators").in_bulk(wanted)
    for host, pks in changed.items():
        by_key: dict[str, list[_Point]] = defaultdict(list)
        for pk in pks:
            for emulator in sightings[pk].snapshot.emulators.all():
                if emulator.status == Status.OK:
                    by_key[emulator.key].append(_Point(hosts[host], emulator, sightings[pk].first_at))
        yield from by_key.values()


def _versions() -> Iterator[list[_Point]]:
    """The reference versions by target, the newest first."""
    references = (
        LabHost.objects.visible_to(None)
        .filter(current__isnull=False, transport=LabHost.Transport.REFERENCE)
        .select_related("current__snapshot")
        .prefetch_related("current__snapshot__emulators")
    )
    by_key: dict[str, list[_Point]] = defaultdict(list)
    for host in references:
        assert host.current is not None
        for emulator in host.current.snapshot.emulators.all():
            if emulator.status == Status.OK:
                by_key[emulator.key].append(_Point(host, emulator, host.current.first_at))
    for line in by_key.values():
        yield sorted(line, key=lambda point: version_key(point.emulator.version), reverse=True)


def _lists(emulators: Iterable[Emulator], types: Collection[str]) -> Mapping[str, PropertyList]:
    """The property lists of the device types ``types``, by digest."""
    if not types:
        return {}
    digests = set()
    for emulator in emulators:
        devices = facts.devices(emulator)
        digests |= {one.properties for name in types if (one := devices.get(name)) and one.properties}
    return facts.property_lists(digests)


def _loss(line: Sequence[_Point], kind: str, name: str, lists: Mapping[str, PropertyList]) -> Loss | None:
    """The change by which the newest of ``line`` came to lack the name; None where it has it, or never had."""
    states = [_state(point.emulator, kind, name, lists) for point in line]
    now = states[0] if states else ""
    if now in ("there", ""):
        return None
    before = next((place for place, state in enumerate(states) if state == "there"), None)
    if before is None:
        return None
    # The oldest after it that says something else; one that did not answer says nothing.
    after = next(place for place in range(before - 1, -1, -1) if states[place])
    return _told(line[before], line[after], kind, name, now)


def _told(had: _Point, lacks: _Point, kind: str, name: str, state: str) -> Loss:
    device, _, option = name.rpartition(".")
    what = f"The option {option} of {device}" if kind == "option" else f"The {_WORDS[kind]} {name}"
    says = {"gone": "is gone", "deprecated": "is deprecated"}.get(state, f"is called {state[8:]}")
    versions = f"QEMU {had.emulator.version} to {lacks.emulator.version}"
    if lacks.host.is_reference:
        where = f"{had.host.slug} to {lacks.host.slug}: {versions}"
        sentence = f"{what} {says} in QEMU {lacks.emulator.version}; it was there in {had.emulator.version}."
    else:
        where = f"{lacks.host.slug}: {versions}"
        sentence = f"{what} {says} on {where}."
    return Loss(
        kind=kind,
        name=name,
        where=where[:160],
        sentence=sentence[:400],
        version=version_key(lacks.emulator.version),
        since=lacks.since.timestamp(),
        is_reference=lacks.host.is_reference,
    )


def _state(emulator: Emulator, kind: str, name: str, lists: Mapping[str, PropertyList]) -> str:
    """``there``, ``gone``, ``deprecated``, or ``renamed`` and the name; empty where the binary did not say."""
    if kind == "machine":
        if not emulator.machines:
            return ""
        machine = machine_of(emulator, name)
        return "gone" if machine is None else "deprecated" if machine.is_deprecated else "there"
    if kind == "cpu":
        return _state_of_cpu(emulator, name)
    if not emulator.devices:
        return ""
    devices = facts.devices(emulator)
    device_name, _, option = name.rpartition(".") if kind == "option" else (name, "", "")
    device = devices.get(device_name)
    if device is None:
        named = next((one.name for one in devices.values() if one.alias == device_name), "")
        return f"renamed {named}" if named and kind == "device" else "" if named else "gone"
    if kind == "device":
        return "there"
    if not device.properties:
        return ""
    return "there" if any(one.name == option for one in lists[device.properties].properties) else "gone"


def _state_of_cpu(emulator: Emulator, name: str) -> str:
    asked = [facts.accelerator(emulator, accelerator) for accelerator in ("kvm", "tcg")]
    answered = [one for one in asked if one is not None and one.status is Status.OK]
    models = [model for one in answered for model in one.cpus if model.name == name]
    if not models:
        # Under kvm alone a model may be missing for the host's sake.
        return "gone" if any(one.name == "tcg" for one in answered) else ""
    return "deprecated" if models[0].is_deprecated else "there"
