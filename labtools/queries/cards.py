"""What a card says of one name: the little that tells a reader of an article what it is, and where it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from labtools.labhost.document import Machine
from labtools.models import DeviceRow, Fact
from labtools.queries import facts
from labtools.queries.cpus import cpu_row
from labtools.queries.machines import named_machine
from labtools.queries.sources import Source, choose_default, sources

#: Hosts that a card names.
MAX_NAMED = 8


@dataclass(frozen=True)
class Card:
    """``lines`` are pairs of a label and QEMU's words; ``having`` the sources of one target that have it."""

    kind: str
    """In words: device type, option, machine type, CPU model."""
    name: str
    description: str
    lines: tuple[tuple[str, str], ...]
    source: Source
    """From which the lines are."""
    having: tuple[str, ...]
    lacking: tuple[str, ...]


def card(kind: str, name: str) -> Card | None:
    """The card of a name as :class:`portal.embeds.names.Known` has it; None where no public host knows it.

    Four queries at most.
    """
    available = sources(None)
    if kind in ("device", "option"):
        return _of_device(available, kind, name)
    if kind == "machine":
        facts.read_ahead([one.emulator for one in available], Fact.Kind.MACHINES)
        return _of_machine(available, name)
    facts.read_ahead([one.emulator for one in available], Fact.Kind.CPUS)
    return _of_cpu(available, name) if kind == "cpu" else None


def _card(
    kind: str, name: str, source: Source, available: tuple[Source, ...], having: Iterable[Source], **more: str
) -> Card:
    keys = {one.permanent_key for one in having}
    alike = [one for one in available if one.target == source.target]
    lines = tuple((label.replace("_", " ").capitalize(), text) for label, text in more.items() if text)
    return Card(
        kind=kind,
        name=name,
        description=dict(lines).get("Description", ""),
        lines=tuple(line for line in lines if line[0] != "Description"),
        source=source,
        having=_labels(one for one in alike if one.permanent_key in keys),
        lacking=_labels(one for one in alike if one.permanent_key not in keys),
    )


def _labels(found: Iterable[Source]) -> tuple[str, ...]:
    labels = list(dict.fromkeys(f"{one.host.name} (QEMU {one.emulator.version})" for one in found))
    more = len(labels) - MAX_NAMED
    return (*labels[:MAX_NAMED], f"{more} more") if more > 0 else tuple(labels)


def _of_device(available: tuple[Source, ...], kind: str, name: str) -> Card | None:
    type_name, _, option = name.rpartition(".") if kind == "option" else (name, "", "")
    rows = {
        row.devices: row
        for row in DeviceRow.objects.filter(
            name=type_name, devices__in={one.emulator.devices for one in available}
        )
    }
    having = tuple(one for one in available if one.emulator.devices in rows)
    if kind == "option":
        return _of_option(available, having, rows, type_name, option)
    source = choose_default(having)
    if source is None:
        return None
    row = rows[source.emulator.devices]
    return _card(
        *("device type", name, source, available, having),
        description=row.description,
        group=row.group,
        bus=row.bus,
        alias=row.alias,
    )


def _of_option(
    available: tuple[Source, ...],
    with_device: tuple[Source, ...],
    rows: dict[str, DeviceRow],
    device: str,
    name: str,
) -> Card | None:
    lists = facts.property_lists({row.properties for row in rows.values() if row.properties})
    options = {
        digest: option
        for digest, found in lists.items()
        if (option := next((one for one in found.properties if one.name == name), None))
    }
    having = tuple(one for one in with_device if rows[one.emulator.devices].properties in options)
    source = choose_default(having)
    if source is None:
        return None
    option = options[rows[source.emulator.devices].properties]
    return _card(
        *("option", f"{device}.{name}", source, available, having),
        description=option.description,
        type=option.type,
        default=option.shown_default or "none",
    )


def _of_machine(available: tuple[Source, ...], name: str) -> Card | None:
    found: dict[str, Machine] = {
        one.permanent_key: machine for one in available if (machine := named_machine(one, name))
    }
    having = tuple(one for one in available if one.permanent_key in found)
    source = choose_default(having)
    if source is None:
        return None
    machine = found[source.permanent_key]
    state = "deprecated" if machine.is_deprecated else "the default" if machine.is_default else ""
    return _card(
        *("machine type", name, source, available, having),
        stands_for=machine.name if machine.name != name else "",
        state=state,
        largest_number_of_CPUs=str(machine.cpu_max),
    )


def _of_cpu(available: tuple[Source, ...], name: str) -> Card | None:
    found = {one.permanent_key: row for one in available if (row := cpu_row(one, name))}
    having = tuple(one for one in available if one.permanent_key in found)
    source = choose_default(having)
    if source is None:
        return None
    row = found[source.permanent_key]
    return _card(
        *("CPU model", name, source, available, having),
        stands_for=row.model.alias_of,
        under_kvm=row.kvm.word,
        under_tcg=row.tcg.word,
    )
