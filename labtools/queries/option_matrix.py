"""One device type across sources: which of its options each of them has, seen from one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from django.urls import reverse

from labtools.labhost.document import Device, Property, PropertyList, Status
from labtools.models import DeviceRow
from labtools.queries import facts
from labtools.queries.sources import Source

#: Columns of one table; the matrix has the rest.
MAX_COLUMNS = 8


class Answer(StrEnum):
    """Whether a source has an option as the page's own source has it; the value is the word that is shown."""

    YES = "yes"
    TYPE_CHANGED = "type changed"
    DEFAULT_CHANGED = "default changed"
    NO = "no"
    REMOVED = "removed"
    NO_DEVICE = "no device"
    UNKNOWN = "unknown"

    @property
    def tone(self) -> str:
        """How it is coloured."""
        if self is Answer.YES:
            return "good"
        if self in (Answer.TYPE_CHANGED, Answer.DEFAULT_CHANGED):
            return "warn"
        return "" if self is Answer.UNKNOWN else "bad"


@dataclass(frozen=True)
class Cell:
    """One answer of the source named ``where``; ``detail`` is the type or default that differs, as QEMU writes it."""

    where: str
    answer: Answer
    detail: str = ""


@dataclass(frozen=True)
class Column:
    """One source. ``properties`` is None where it has no such device type, or QEMU did not answer for it."""

    source: Source
    is_own: bool
    has_device: bool
    properties: PropertyList | None

    @property
    def word(self) -> str:
        """What is wrong with the whole column; empty where nothing is."""
        if not self.has_device:
            return Answer.NO_DEVICE.value
        return "" if self.properties is not None else Answer.UNKNOWN.value


def option_anchor(name: str) -> str:
    """Where the option ``name`` is on the page of its device type, without the ``#``."""
    return f"option-{quote(name, safe='')}"


def option_address(device: str, name: str) -> str:
    """The address of the option ``name`` on the page of ``device``, which hides ``x-`` options unless asked."""
    page = reverse("labtools:device", args=[device])
    return f"{page}{'?x=1' if name.startswith('x-') else ''}#{option_anchor(name)}"


@dataclass(frozen=True)
class OptionRow:
    """One option. ``is_here``: the own source has it; else ``option`` is how the first that has it describes it."""

    option: Property
    is_here: bool
    cells: tuple[Cell, ...]

    @property
    def anchor(self) -> str:
        """Its id on the page; a few names have spaces, which no id may have."""
        return option_anchor(self.option.name)

    @property
    def is_changed(self) -> bool:
        """Whether it is not the same everywhere that the device type is."""
        ignored = (Answer.YES, Answer.NO_DEVICE, Answer.UNKNOWN)
        return any(cell.answer not in ignored for cell in self.cells)


@dataclass(frozen=True)
class OptionMatrix:
    """The options of a device type in order of name, those of the own source first."""

    columns: tuple[Column, ...]
    rows: tuple[OptionRow, ...]
    left_out: int
    """Sources of the same target that have no column."""

    @property
    def own(self) -> Column:
        """The column of the source from which it is seen."""
        return next(column for column in self.columns if column.is_own)


@dataclass(frozen=True)
class CountOf:
    """How many options the own source has that ``other``, the one nearest in version, lacks, and the reverse."""

    other: Source
    is_older: bool
    has_device: bool
    more: int
    fewer: int

    @property
    def words(self) -> str:
        """The end of a sentence that tells the number of options."""
        name = self.other.short_label
        if not self.has_device:
            return f"new since {name}" if self.is_older else f"{name} does not have this device type"
        if self.more and self.fewer:
            words = f"{self.more} new and {self.fewer} gone since {name}"
            return words if self.is_older else f"{name} has {self.fewer} others and lacks {self.more}"
        if self.more or self.fewer:
            return f"{self.more} more than on {name}" if self.more else f"{self.fewer} fewer than on {name}"
        return f"the same as on {name}"


def option_matrix(
    own: Source, device: Device, available: tuple[Source, ...], rows: Mapping[str, DeviceRow]
) -> OptionMatrix:
    """The options of ``device`` on ``own`` and on the other sources of the same target. One query at most.

    ``rows`` are those of the device type by digest of the list, see :func:`labtools.queries.devices.presence`.
    """
    alike = [source for source in available if source.emulator.key == own.emulator.key]
    others = [source for source in alike if not _is_same(source, own)]
    # In its own place among the columns; a snapshot that no host has any more comes first.
    place = next((number for number, source in enumerate(alike) if _is_same(source, own)), 0)
    place = min(place, MAX_COLUMNS - 1)
    shown = [*others[:place], own, *others[place : MAX_COLUMNS - 1]]
    beside = (rows.get(source.emulator.devices) for source in shown)
    lists = facts.property_lists(
        {row.properties for row in beside if row and row.properties}
        | ({device.properties} if device.properties else set())
    )
    columns = tuple(_column(source, own, device, rows, lists) for source in shown)
    return OptionMatrix(columns, _rows(columns, own), 1 + len(others) - len(shown))


def _is_same(source: Source, own: Source) -> bool:
    return source.host == own.host and source.permanent_key == own.permanent_key


def _column(
    source: Source,
    own: Source,
    device: Device,
    rows: Mapping[str, DeviceRow],
    lists: Mapping[str, PropertyList],
) -> Column:
    if source is own or source.emulator.devices == own.emulator.devices:
        return Column(source, source is own, True, lists[device.properties] if device.properties else None)
    row = rows.get(source.emulator.devices)
    is_known = row is not None and row.status == Status.OK and row.properties != ""
    return Column(source, False, row is not None, lists[row.properties] if row and is_known else None)


def _rows(columns: tuple[Column, ...], own: Source) -> tuple[OptionRow, ...]:
    tables = [
        {one.name: one for one in column.properties.properties} if column.properties else {}
        for column in columns
    ]
    place = next(number for number, column in enumerate(columns) if column.is_own)
    here = tables[place]
    elsewhere: dict[str, Property] = {}
    for table in tables:
        for name, option in table.items():
            if name not in here:
                elsewhere.setdefault(name, option)
    own_version = own.version_key

    def row(option: Property, is_here: bool) -> OptionRow:
        cells = tuple(
            _cell(column, table.get(option.name), option, own_version)
            for column, table in zip(columns, tables, strict=True)
        )
        return OptionRow(option, is_here, cells)

    return (
        *(row(option, True) for option in here.values()),
        *(row(elsewhere[name], False) for name in sorted(elsewhere)),
    )


def _cell(column: Column, there: Property | None, here: Property, own_version: tuple[int, ...]) -> Cell:
    where = column.source.short_label
    if not column.has_device:
        return Cell(where, Answer.NO_DEVICE)
    if column.properties is None:
        return Cell(where, Answer.UNKNOWN)
    if there is None:
        is_later = column.source.version_key > own_version
        return Cell(where, Answer.REMOVED if is_later else Answer.NO)
    if there.type != here.type:
        return Cell(where, Answer.TYPE_CHANGED, there.type)
    if there.default != here.default:
        return Cell(where, Answer.DEFAULT_CHANGED, there.shown_default or "none")
    return Cell(where, Answer.YES)


def count_against_neighbour(matrix: OptionMatrix) -> CountOf | None:
    """How the own source's options compare with those of the next older version, or of the next newer one."""
    own = matrix.own
    if own.properties is None:
        return None
    mine = own.source.version_key
    others = [
        (column.source.version_key, column)
        for column in matrix.columns
        if not (column.has_device and column.properties is None)
    ]
    older = [pair for pair in others if pair[0] < mine]
    newer = [pair for pair in others if pair[0] > mine]
    if not older and not newer:
        return None
    _, other = (
        max(older, key=lambda pair: (pair[0], pair[1].source.host.is_reference))
        if older
        else min(newer, key=lambda pair: (pair[0], not pair[1].source.host.is_reference))
    )
    names = {one.name for one in own.properties.properties}
    theirs = {one.name for one in other.properties.properties} if other.properties else set()
    return CountOf(other.source, bool(older), other.has_device, len(names - theirs), len(theirs - names))
