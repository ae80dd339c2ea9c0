"""What the lab says of a word: whether it is a device type, an option, a machine type or a CPU model.

By exact name, and aliases of device types and machine types, over what public hosts have now.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from labtools.models import DeviceRow, Emulator, Fact, LabHost
from labtools.queries import facts
from labtools.queries.option_matrix import option_address
from labtools.queries.sources import Source, sources
from portal.embeds.names import Candidate, Known

#: What a word alone is taken for, when it is the name of several things.
_ORDER = ("device", "option", "machine", "cpu")


@dataclass(frozen=True)
class _Names:
    """Names by kind, as the lab writes them; an alias of a device type stands for its type."""

    devices: Mapping[str, str]
    options: frozenset[str]
    machines: frozenset[str]
    cpus: frozenset[str]

    def find(self, kind: str, name: str) -> str:
        """The name as the lab writes it; empty where it is none of that kind."""
        if kind == "device":
            return self.devices.get(name, "")
        if kind == "option":
            device, _, option = name.rpartition(".")
            whole = f"{self.devices.get(device, '')}.{option}"
            return whole if whole in self.options else ""
        known = self.machines if kind == "machine" else self.cpus
        return name if name in known else ""


def look_up(candidates: Collection[Candidate]) -> Mapping[Candidate, Known]:
    """What of ``candidates`` public hosts know. Five queries at most, fewer when their lists were read before."""
    names = _names(sources(None), [candidate.name for candidate in candidates])
    found = {}
    for candidate in candidates:
        for kind in [candidate.kind] if candidate.kind else _ORDER:
            if name := names.find(kind, candidate.name):
                found[candidate] = Known(kind, name, page_of(kind, name), card_of(kind, name))
                break
    return found


def page_of(kind: str, name: str) -> str:
    """The page of a name that the lab knows."""
    if kind == "option":
        device, _, option = name.rpartition(".")
        return option_address(device, option)
    return reverse(f"labtools:{kind}", args=[name])


def card_of(kind: str, name: str) -> str:
    """The address of its card."""
    return reverse("labtools:card", args=[kind, name])


def stamp() -> str:
    """Differs when public hosts have other lists. One query."""
    public = LabHost.objects.visible_to(None).filter(current__isnull=False).values("current__snapshot")
    lists = Emulator.objects.filter(snapshot__in=public, status="ok").order_by("pk")
    rows = list(lists.values_list("devices", "machines", "accelerators"))
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _names(available: tuple[Source, ...], wanted: list[str]) -> _Names:
    emulators = [source.emulator for source in available]
    facts.read_ahead(emulators, Fact.Kind.MACHINES, Fact.Kind.CPUS)
    types = {name for word in wanted for name in (word, word.rpartition(".")[0]) if name}
    rows = list(
        DeviceRow.objects.filter(
            Q(name__in=types) | Q(alias__in=types), devices__in={one.devices for one in emulators}
        ).order_by("name")
    )
    options = {word.rpartition(".")[2] for word in wanted if "." in word}
    return _Names(
        devices=_by_name_and_alias(rows, available),
        options=frozenset(_options(rows, options)) if options else frozenset(),
        machines=frozenset(
            name
            for one in emulators
            for machine in facts.machines(one)
            for name in (machine.name, machine.alias)
            if name
        ),
        cpus=frozenset(
            cpu.name for one in emulators for kind in ("tcg", "kvm") for cpu in facts.cpus(one, kind)
        ),
    )


def _by_name_and_alias(rows: list[DeviceRow], available: tuple[Source, ...]) -> dict[str, str]:
    """An alias differs by target (virtio-net); the first source in the lab's order that has it decides."""
    place = {source.emulator.devices: number for number, source in enumerate(reversed(available))}
    aliases = sorted((row for row in rows if row.alias), key=lambda row: -place[row.devices])
    found: dict[str, str] = {}
    for row in aliases:
        found.setdefault(row.alias, row.name)
    return found | {row.name: row.name for row in rows}


def _options(rows: list[DeviceRow], wanted: set[str]) -> Iterable[str]:
    lists = facts.property_lists({row.properties for row in rows if row.properties})
    for row in rows:
        if row.properties:
            for one in lists[row.properties].properties:
                if one.name in wanted:
                    yield f"{row.name}.{one.name}"
