"""Machine types: those of one source beside what the other versions have, and one name across sources."""

from dataclasses import dataclass

from labtools.labhost.document import Machine
from labtools.models import Emulator, Fact
from labtools.queries import facts
from labtools.queries.sources import Source


@dataclass(frozen=True)
class MachineRow:
    """A machine type of a source's target. ``here`` is None where only other sources have it."""

    name: str
    here: Machine | None
    sources: tuple[Source, ...]
    """Every source that has it, in the order of columns."""


@dataclass(frozen=True)
class MachineTable:
    """The machine types of a source that a filter leaves, and those that other sources of the target have."""

    here: tuple[MachineRow, ...]
    elsewhere: tuple[MachineRow, ...]
    total: int
    columns: tuple[Source, ...]
    """The sources that were compared, this one among them."""


def machine_table(source: Source, columns: tuple[Source, ...], q: str = "", show: str = "") -> MachineTable:
    """The machine types that have each word of ``q`` in their name or alias, and which of ``columns`` have them.

    One query at most.
    """
    facts.read_ahead([one.emulator for one in columns], Fact.Kind.MACHINES)
    found: dict[str, list[Source]] = {}
    for one in columns:
        for machine in facts.machines(one.emulator):
            found.setdefault(machine.name, []).append(one)
    here = {machine.name: machine for machine in facts.machines(source.emulator)}
    rows = [MachineRow(name, here.get(name), tuple(found[name])) for name in sorted(found, key=_in_order)]
    shown = [row for row in rows if _matches(row, q.split()) and _is_shown(row, show)]
    return MachineTable(
        here=tuple(row for row in shown if row.here),
        elsewhere=tuple(row for row in shown if not row.here),
        total=len(here),
        columns=columns,
    )


def _in_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Versions as numbers: pc-i440fx-2.9 comes before pc-i440fx-2.10."""
    parts: list[tuple[int, int, str]] = []
    for word in name.lower().replace(".", "-").split("-"):
        parts.append((0, int(word), "") if word.isascii() and word.isdigit() else (1, 0, word))
    return tuple(parts)


def _matches(row: MachineRow, words: list[str]) -> bool:
    texts = (row.name.lower(), row.here.alias.lower() if row.here else "")
    return all(any(word.lower() in text for text in texts) for word in words)


#: Values of ``show=`` and their labels.
SHOWS = (
    ("", "All machine types"),
    ("deprecated", "Deprecated"),
    ("aliased", "With an alias, or the default"),
)


def _is_shown(row: MachineRow, show: str) -> bool:
    if show == "deprecated":
        return row.here is not None and row.here.is_deprecated
    if show == "aliased":
        return row.here is not None and bool(row.here.alias or row.here.is_default)
    return True


@dataclass(frozen=True)
class MachineOn:
    """A name on one source: the machine type that it starts there; None where QEMU does not take the name."""

    source: Source
    machine: Machine | None
    is_gone: bool
    """An older version among the sources has it: it is not to come, it was removed."""

    @property
    def word(self) -> str:
        """Whether the name works there."""
        if self.machine is None:
            return "removed" if self.is_gone else "no"
        return "deprecated" if self.machine.is_deprecated else "yes"

    @property
    def tone(self) -> str:
        """How the word is coloured."""
        return {"yes": "good", "deprecated": "warn"}.get(self.word, "bad")


@dataclass(frozen=True)
class MachinePage:
    """A name of ``-machine`` across the sources of the targets that know it."""

    name: str
    places: tuple[MachineOn, ...]

    @property
    def is_alias(self) -> bool:
        """Whether it stands for another machine type somewhere."""
        return any(place.machine and place.machine.name != self.name for place in self.places)

    @property
    def count(self) -> int:
        """On how many sources the name works."""
        return sum(place.machine is not None for place in self.places)


def machine_page(name: str, columns: tuple[Source, ...]) -> MachinePage:
    """Machine type or alias ``name`` on each of ``columns`` whose target knows it anywhere. One query at most."""
    facts.read_ahead([source.emulator for source in columns], Fact.Kind.MACHINES)
    found = [(source, named_machine(source, name)) for source in columns]
    targets = {source.target for source, machine in found if machine}
    known = [(source, machine) for source, machine in found if source.target in targets]
    return MachinePage(
        name,
        tuple(
            MachineOn(source, machine, machine is None and _was_there(source, known))
            for source, machine in known
        ),
    )


def named_machine(source: Source, name: str) -> Machine | None:
    """The machine type that ``-machine name`` starts: of that name, or with that alias."""
    return machine_of(source.emulator, name)


def machine_of(emulator: Emulator, name: str) -> Machine | None:
    """The same for a binary of any snapshot."""
    machines = facts.machines(emulator)
    by_name = next((machine for machine in machines if machine.name == name), None)
    return by_name or next((machine for machine in machines if machine.alias == name), None)


def _was_there(source: Source, known: list[tuple[Source, Machine | None]]) -> bool:
    return any(
        machine is not None and other.target == source.target and other.version_key < source.version_key
        for other, machine in known
    )
