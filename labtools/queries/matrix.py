"""“Can I use this?”: device types, their options, machine types and CPU models across sources."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labtools.labhost.document import Device, Property, Status
from labtools.models import Fact
from labtools.queries import facts
from labtools.queries.cpus import CpuRow, cpu_row
from labtools.queries.machines import named_machine
from labtools.queries.sources import Source

#: Questions of one page, and characters of one.
MAX_QUESTIONS, MAX_LENGTH = 12, 200


class Word(StrEnum):
    """The answer of one source."""

    YES = "yes"
    NO = "no"
    REMOVED = "removed"
    TYPE_CHANGED = "type changed"
    DEFAULT_CHANGED = "default changed"
    DIED = "died"
    NOT_CREATABLE = "not for guests"
    DEPRECATED = "deprecated"
    LACKS = "lacks features"
    UNKNOWN = "unknown"

    @property
    def tone(self) -> str:
        """How it is coloured."""
        if self is Word.YES:
            return "good"
        if self in (Word.TYPE_CHANGED, Word.DEFAULT_CHANGED, Word.DEPRECATED):
            return "warn"
        return "" if self in (Word.UNKNOWN, Word.NOT_CREATABLE) else "bad"


@dataclass(frozen=True)
class Cell:
    """One answer, and what to add to it in the words of QEMU."""

    source: Source
    word: Word
    detail: str = ""


class Kind(StrEnum):
    """What was asked for."""

    DEVICE = "device type"
    OPTION = "option"
    MACHINE = "machine type"
    CPU = "CPU model"
    OBJECT = "object"


@dataclass(frozen=True)
class Row:
    """One thing: ``name`` as QEMU writes it, and the answer of each column."""

    kind: Kind
    name: str
    part_of: str
    """The device type of an option; else empty."""
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Unknown:
    """A question that no column can answer, and names that are near it."""

    question: str
    near: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """Answers to several questions at once."""

    columns: tuple[Source, ...]
    rows: tuple[Row, ...]
    unknown: tuple[Unknown, ...]


def questions(raw: Iterable[str]) -> tuple[str, ...]:
    """What was asked, without what else people paste: each once, at most :data:`MAX_QUESTIONS`."""
    cleaned = (_clean(one) for text in raw for one in text[: MAX_LENGTH * MAX_QUESTIONS].split())
    return tuple(dict.fromkeys(one for one in cleaned if one))[:MAX_QUESTIONS]


def _clean(word: str) -> str:
    # "-device virtio-net-pci,rss=on" asks for virtio-net-pci.rss; "-cpu", "-M" ask for nothing by themselves.
    if word.startswith("-"):
        return ""
    name, _, option = word.partition("=")[0].partition(",")
    return f"{name}.{option}"[:MAX_LENGTH] if option else name[:MAX_LENGTH]


def matrix(columns: tuple[Source, ...], asked: Sequence[str]) -> Matrix:
    """The answers of ``columns`` to ``asked``. Two queries at most."""
    emulators = [source.emulator for source in columns]
    facts.read_ahead(emulators, Fact.Kind.DEVICES, Fact.Kind.MACHINES, Fact.Kind.CPUS, Fact.Kind.OBJECTS)
    catalogue = _Catalogue(columns)
    wanted = [(question, catalogue.find(question)) for question in asked]
    catalogue.read_lists(part_of for _, found in wanted for kind, part_of, _ in found if kind is Kind.OPTION)
    rows: list[Row] = []
    unknown: list[Unknown] = []
    for question, found in wanted:
        answered = [row for kind, part_of, name in found if (row := catalogue.row(kind, part_of, name))]
        rows += [row for row in answered if row not in rows]
        if not answered:
            unknown.append(Unknown(question, catalogue.near(question)))
    return Matrix(columns, tuple(rows), tuple(unknown))


class _Catalogue:
    """All names that the columns have."""

    def __init__(self, columns: tuple[Source, ...]) -> None:
        self._columns = columns
        self._devices = [facts.devices(source.emulator) for source in columns]
        self._aliases = [
            {one.alias: one for one in devices.values() if one.alias} for devices in self._devices
        ]
        self._lists: Mapping[str, Mapping[str, Property]] = {}

    def find(self, question: str) -> list[tuple[Kind, str, str]]:
        """Everything that ``question`` may mean: kind, device type (of an option), name."""
        found: list[tuple[Kind, str, str]] = []
        if self._has_device(question):
            found.append((Kind.DEVICE, "", question))
        if any(named_machine(source, question) for source in self._columns):
            found.append((Kind.MACHINE, "", question))
        if any(cpu_row(source, question) for source in self._columns):
            found.append((Kind.CPU, "", question))
        if any(question in facts.objects(source.emulator) for source in self._columns):
            found.append((Kind.OBJECT, "", question))
        device, _, option = question.rpartition(".")
        return found or ([(Kind.OPTION, device, option)] if option and self._has_device(device) else [])

    def _has_device(self, name: str) -> bool:
        return any(name in table for table in (*self._devices, *self._aliases))

    def _device(self, place: int, name: str) -> Device | None:
        return self._devices[place].get(name) or self._aliases[place].get(name)

    def read_lists(self, names: Iterable[str]) -> None:
        """Read the options of the device types ``names``, in one query."""
        wanted = set(names)
        found = [self._device(place, name) for place in range(len(self._columns)) for name in wanted]
        lists = facts.property_lists({one.properties for one in found if one and one.properties})
        self._lists = {digest: {item.name: item for item in one.properties} for digest, one in lists.items()}

    def row(self, kind: Kind, part_of: str, name: str) -> Row | None:
        """The answers to one thing; None for an option that no column has."""
        answers: Mapping[Kind, Callable[[int], Cell]] = {
            Kind.DEVICE: lambda place: self._of_device(place, name),
            Kind.OPTION: lambda place: self._of_option(place, part_of, name),
            Kind.MACHINE: lambda place: _of_machine(self._columns[place], name),
            Kind.CPU: lambda place: _of_cpu(self._columns[place], name),
            Kind.OBJECT: lambda place: _of_object(self._columns[place], name),
        }
        cells = [answers[kind](place) for place in range(len(self._columns))]
        if kind is Kind.OPTION and all(cell.word in (Word.NO, Word.UNKNOWN, Word.DIED) for cell in cells):
            return None
        return Row(kind, name, part_of, tuple(_tell_removed(cells)))

    def _of_device(self, place: int, name: str) -> Cell:
        source, device = self._columns[place], self._device(place, name)
        if device is None:
            return Cell(source, Word.NO)
        detail = f"alias of {device.name}" if device.name != name else ""
        if device.status is not Status.OK:
            return Cell(
                source, Word.DIED if device.status is Status.DIED else Word.UNKNOWN, device.last_words
            )
        return Cell(source, Word.NOT_CREATABLE if device.user_creatable is False else Word.YES, detail)

    def _options(self, place: int, device: str) -> Mapping[str, Property] | None:
        found = self._device(place, device)
        return self._lists[found.properties] if found and found.properties else None

    def _of_option(self, place: int, device: str, name: str) -> Cell:
        source = self._columns[place]
        options = self._options(place, device)
        if options is None:
            answer = self._of_device(place, device)
            return Cell(source, Word.NO, "no such device type") if answer.word is Word.NO else answer
        if name not in options:
            return Cell(source, Word.NO)
        option, first = options[name], self._first(device, name)
        if option.type != first.type:
            return Cell(source, Word.TYPE_CHANGED, option.type)
        if option.default != first.default:
            return Cell(source, Word.DEFAULT_CHANGED, option.shown_default or "no default")
        return Cell(source, Word.YES)

    def _first(self, device: str, name: str) -> Property:
        """The option as the first column that has it has it: changes are told against it."""
        tables = (self._options(place, device) for place in range(len(self._columns)))
        return next(table[name] for table in tables if table and name in table)

    def near(self, question: str) -> tuple[str, ...]:
        """Names that somebody who wrote ``question`` may have meant."""
        device, _, option = question.rpartition(".")
        if option and self._has_device(device):
            self.read_lists([device])
            names = {
                name for place in range(len(self._columns)) for name in self._options(place, device) or ()
            }
            return tuple(f"{device}.{name}" for name in _close(option, names))
        return _close(question, self._names())

    def _names(self) -> set[str]:
        names = {name for tables in (self._devices, self._aliases) for table in tables for name in table}
        for source in self._columns:
            names |= {
                name for one in facts.machines(source.emulator) for name in (one.name, one.alias) if name
            }
            names |= {
                cpu.name for accelerator in ("kvm", "tcg") for cpu in facts.cpus(source.emulator, accelerator)
            }
        return names


def _close(word: str, names: set[str]) -> tuple[str, ...]:
    by_lower = {name.lower(): name for name in sorted(names)}
    close = difflib.get_close_matches(word.lower(), by_lower, n=6, cutoff=0.6)
    beginning = [name for name in sorted(by_lower) if word.lower() in name][:6]
    return tuple(by_lower[name] for name in dict.fromkeys([*close, *beginning]))[:6]


def _tell_removed(cells: Sequence[Cell]) -> Iterable[Cell]:
    """A version that lacks what an older one has lost it; any other never had it."""
    for cell in cells:
        older = (
            other
            for other in cells
            if other.source.target == cell.source.target
            and other.source.version_key < cell.source.version_key
        )
        is_removed = cell.word is Word.NO and any(
            other.word not in (Word.NO, Word.UNKNOWN) for other in older
        )
        yield Cell(cell.source, Word.REMOVED, cell.detail) if is_removed else cell


def _of_machine(source: Source, name: str) -> Cell:
    machine = named_machine(source, name)
    if machine is None:
        return Cell(source, Word.NO)
    detail = f"alias of {machine.name}" if machine.name != name else ""
    return Cell(source, Word.DEPRECATED if machine.is_deprecated else Word.YES, detail)


def _of_cpu(source: Source, name: str) -> Cell:
    row: CpuRow | None = cpu_row(source, name)
    if row is None:
        return Cell(source, Word.NO)
    usable = [answer.accelerator for answer in row.answers if answer.tone == "good"]
    if usable:
        return Cell(source, Word.DEPRECATED if row.model.is_deprecated else Word.YES, " and ".join(usable))
    lacking = [f"{answer.accelerator}: {len(answer.missing)}" for answer in row.answers if answer.missing]
    return Cell(source, Word.LACKS, ", ".join(lacking)) if lacking else Cell(source, Word.UNKNOWN)


def _of_object(source: Source, name: str) -> Cell:
    return Cell(source, Word.YES if name in facts.objects(source.emulator) else Word.NO)
