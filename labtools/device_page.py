"""What the page /lab/devices/<name>/ shows, and what its JSON and CSV have."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labtools.exports import source_json
from labtools.labhost.device_help import render_device_help
from labtools.labhost.document import Device, PropertyList, Status
from labtools.labhost.public_words import without_paths
from labtools.queries import devices as queries
from labtools.queries import facts
from labtools.queries.option_matrix import (
    CountOf,
    OptionMatrix,
    OptionRow,
    count_against_neighbour,
    option_matrix,
)
from labtools.queries.sources import Source

#: How many other sources are named where a list of them would not help any more.
MAX_ELSEWHERE = 12


@dataclass(frozen=True)
class Found:
    """A device type of a source. ``is_instead``: the default source has none of that name, so this one is shown."""

    source: Source
    device: Device
    is_instead: bool = False


@dataclass(frozen=True)
class Show:
    """Which rows of the table are shown."""

    experimental: bool = False
    """Also options whose names begin with ``x-``."""
    changed: bool = False
    """Only options that are not the same everywhere."""

    @classmethod
    def from_query(cls, given: Mapping[str, str]) -> "Show":
        """What an address asks for."""
        return cls(experimental=given.get("x") == "1", changed=given.get("changed") == "1")


@dataclass(frozen=True)
class DevicePage:
    """One device type on one source, with the other sources beside it."""

    source: Source
    device: Device
    is_instead: bool
    matrix: OptionMatrix
    lacking: tuple[Source, ...]
    """Sources, of any target, that have no such device type."""
    died_on: tuple[Source, ...]
    """Sources whose QEMU ended when it was asked for it."""

    @property
    def properties(self) -> PropertyList | None:
        """Its options; None where QEMU did not answer."""
        return self.matrix.own.properties

    @property
    def count(self) -> int:
        """How many options the source has."""
        return len(self.properties.properties) if self.properties else 0

    @property
    def experimental_count(self) -> int:
        """How many rows begin with ``x-``, of this source or of others."""
        return sum(row.option.is_experimental for row in self.matrix.rows)

    @property
    def changed_count(self) -> int:
        """How many rows are not the same everywhere."""
        return sum(row.is_changed for row in self.matrix.rows)

    @property
    def against(self) -> CountOf | None:
        """How many options more or fewer than the version nearest to it."""
        return count_against_neighbour(self.matrix)

    @property
    def command(self) -> str:
        """What prints the same on one's own machine. A comma in a name is written twice: SUNW,,fdtwo."""
        name = self.device.name.replace(",", ",,")
        return f"{self.source.binary_name} -device {shlex.quote(f'{name},help')}"

    @property
    def help(self) -> str:
        """The text of that command, as it was when the source was asked."""
        return render_device_help(self.device, self.properties, self.source.emulator.version)

    @property
    def cpu_model(self) -> str:
        """The CPU model of which it is the type (``qemu64`` of ``qemu64-x86_64-cpu``); empty for any other type."""
        model = re.sub(r"-[a-z0-9_]+-cpu\Z", "", self.device.name)
        return model if model != self.device.name else ""

    @property
    def died(self) -> bool:
        """Whether QEMU ended when it was asked for it."""
        return self.device.status is Status.DIED

    def rows(self, show: Show) -> list[OptionRow]:
        """The rows of the table: options of the source, then those that only others have."""
        return [
            row
            for row in self.matrix.rows
            if (show.experimental or not row.option.is_experimental) and (row.is_changed or not show.changed)
        ]


def locate(
    available: tuple[Source, ...], source: Source | None, name: str, *, is_chosen: bool
) -> Found | None:
    """The device type of that name, alias or other case on ``source``; if none was chosen, on the first with it."""
    if source is None:
        return None
    device = queries.find_device(source, name)
    if device is not None:
        return Found(source, device)
    if is_chosen:
        return None
    for other in queries.sources_with(available, name)[:1]:
        device = queries.find_device(other, name)
        if device is not None:
            return Found(other, device, is_instead=True)
    return None


def others_with(available: tuple[Source, ...], source: Source, name: str) -> tuple[Source, ...]:
    """Sources other than ``source`` that have a device type of that name."""
    return tuple(
        other
        for other in queries.sources_with(available, name)
        if other.permanent_key != source.permanent_key
    )[:MAX_ELSEWHERE]


def missing(available: tuple[Source, ...], source: Source | None, name: str) -> dict[str, Any]:
    """What the page says that is shown where there is no such device type."""
    return {
        "name": name[: queries.MAX_QUERY],
        "source": source,
        "did_you_mean": queries.suggestions(facts.devices(source.emulator).values(), name) if source else (),
        "elsewhere": others_with(available, source, name) if source else (),
    }


def device_page(available: tuple[Source, ...], found: Found) -> DevicePage:
    """The page of ``found``. Two queries, one when its lists were read before."""
    source, device = found.source, found.device
    rows = queries.presence(available, device.name)
    others = [one for one in available if one.emulator.devices != source.emulator.devices]
    died = {digest for digest, row in rows.items() if row.status == Status.DIED}
    return DevicePage(
        source=source,
        device=device,
        is_instead=found.is_instead,
        matrix=option_matrix(source, device, available, rows),
        lacking=tuple(one for one in others if one.emulator.devices not in rows),
        died_on=tuple(one for one in others if one.emulator.devices in died),
    )


def as_json(page: DevicePage) -> dict[str, Any]:
    """The page as data. ``default`` is null where QEMU names none."""
    device = page.device
    return {
        "source": source_json(page.source),
        "device": {
            "name": device.name,
            "alias": device.alias,
            "group": device.group,
            "bus": device.bus,
            "description": device.description,
            "user_creatable": device.user_creatable,
            "status": device.status.value,
            "last_words": without_paths(device.last_words),
        },
        "command": page.command,
        "help": page.help,
        "options": [_option_json(row, page) for row in page.matrix.rows],
        "lacking": [one.key for one in page.lacking],
        "died_on": [one.key for one in page.died_on],
    }


def _option_json(row: OptionRow, page: DevicePage) -> dict[str, Any]:
    option = row.option
    return {
        "name": option.name,
        "type": option.type,
        "default": None if option.default is None else json.loads(option.default),
        "description": option.description,
        "is_experimental": option.is_experimental,
        "is_here": row.is_here,
        "on": {
            column.source.key: cell.answer.value
            for column, cell in zip(page.matrix.columns, row.cells, strict=True)
        },
    }


def as_table(page: DevicePage) -> tuple[Sequence[str], Iterator[Sequence[str]]]:
    """The options as a header and rows of text."""
    header = ["option", "type", "default", "description", *(one.source.key for one in page.matrix.columns)]
    rows = (
        [
            row.option.name,
            row.option.type,
            row.option.shown_default,
            row.option.description,
            *(f"{cell.answer} {cell.detail}".strip() for cell in row.cells),
        ]
        for row in page.matrix.rows
    )
    return header, rows
