"""What the builder shows for one address: the device, its fields with their values, and what comes of them."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from labtools.exports import source_json
from labtools.labhost.builder import Built, Field, Group, LibvirtXml, build, fields_of, libvirt_xml
from labtools.labhost.document import Device
from labtools.labhost.lint import Facts
from labtools.labhost.lint.similar import nearest
from labtools.lint_page import MAX_LINK
from labtools.queries import linting
from labtools.queries.sources import PARAMETER, Source, choose_default, find_source, sources
from portal.missing import Missing

#: Parameters beside ``on``; a value of the property ``mq`` is ``p.mq``.
DEVICE, EXPERIMENTAL, VALUE = "device", "experimental", "p."
#: Values of one address.
MAX_VALUES = 200


@dataclass(frozen=True)
class Entry:
    """One field with its value. ``problem`` says what to give instead."""

    field: Field
    value: str
    problem: str

    @property
    def is_listed(self) -> bool:
        """Whether its value is one of the words to choose from; QEMU takes "yes" for "on" too."""
        return any(choice.value == self.value for choice in self.field.choices)

    @property
    def id(self) -> str:
        """For the label and the notes."""
        return f"p-{self.field.name}"


@dataclass(frozen=True)
class FieldGroup:
    """Fields that are shown together."""

    group: Group
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class BuildPage:
    """One state of the builder. Without ``device`` one is to be chosen; ``asked`` is the name that was asked for."""

    available: tuple[Source, ...]
    source: Source | None
    asked: str
    device: Device | None
    groups: tuple[FieldGroup, ...] = ()
    experimental: FieldGroup | None = None
    built: Built | None = None
    xml: LibvirtXml | None = None
    left: tuple[tuple[str, str], ...] = ()
    """Problems of values that have no field here."""
    lint_query: str = ""
    query: str = ""
    families: tuple[tuple[str, tuple[Device, ...]], ...] = ()
    similar: tuple[str, ...] = ()

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        """Name, anchor and words of every problem."""
        entries = itertools.chain.from_iterable(group.entries for group in self.shown)
        found = [(entry.field.name, f"#{entry.id}", entry.problem) for entry in entries if entry.problem]
        return found + [(name, "", words) for name, words in self.left]

    @property
    def shown(self) -> tuple[FieldGroup, ...]:
        """The groups that the form has."""
        return (*self.groups, self.experimental) if self.experimental else self.groups


def build_page(user: object, query: QueryDict) -> BuildPage:
    """The builder for ``query``; 404 for a source that ``user`` may not see."""
    available = sources(user)
    key = query.get(PARAMETER, "")
    source = find_source(user, key) if key else choose_default(available)
    asked = query.get(DEVICE, "").strip()[:200]
    if source is None:
        return BuildPage(available, None, asked, None)
    facts = linting.facts_of(source)
    device = facts.device(asked) if asked else None
    if device is None:
        similar = nearest(asked, _creatable(facts)) if asked else ()
        return BuildPage(available, source, asked, None, families=_families(facts), similar=similar)
    return _page(available, source, facts, device, query)


def _page(
    available: tuple[Source, ...], source: Source, facts: Facts, device: Device, query: QueryDict
) -> BuildPage:
    properties = facts.properties(device) or {}
    values = given_values(query)
    built = build(device.name, properties, values, facts.release)
    fields = fields_of(properties)
    wants_experimental = EXPERIMENTAL in query or any(name.startswith("x-") for name in values)
    grouped = {group: _group(group, [_entry(field, built, values) for field in fields]) for group in Group}
    known = {field.name for field in fields}
    option = f"-device {built.option}" if "'" in built.option else built.shell
    return BuildPage(
        available,
        source,
        device.name,
        device,
        groups=tuple(grouped[group] for group in (Group.COMMON, Group.MORE) if grouped[group].entries),
        experimental=grouped[Group.EXPERIMENTAL] if wants_experimental else None,
        built=built,
        xml=libvirt_xml(built, properties) if not built.problems else None,
        left=tuple((name, words) for name, words in built.problems.items() if name not in known),
        lint_query=urlencode([("text", option), (PARAMETER, source.key)]) if len(option) <= MAX_LINK else "",
        query=clean_query(query),
    )


def _group(group: Group, entries: Sequence[Entry]) -> FieldGroup:
    """The entries of a group; one of the folded ones that has a value is among those that are seen at once."""
    is_first = group is Group.COMMON
    kept = [entry for entry in entries if entry.field.group is group and (is_first or not entry.value)]
    given = [entry for entry in entries if entry.field.group is not group and entry.value]
    return FieldGroup(group, (*kept, *given) if is_first else tuple(kept))


def given_values(query: QueryDict) -> dict[str, str]:
    """The values of an address by the name of their property; empty ones are none."""
    names = [key for key in query if key.startswith(VALUE)][:MAX_VALUES]
    return {key.removeprefix(VALUE): value for key in names if (value := query.get(key, ""))}


def clean_query(query: QueryDict) -> str:
    """The query without what is empty: what a form sends, as an address that one can read."""
    pairs = [(key, value) for key, values in query.lists() for value in values[-1:] if value]
    return urlencode(pairs, safe=":.,")


def _entry(field: Field, built: Built, values: Mapping[str, str]) -> Entry:
    return Entry(field, values.get(field.name, ""), built.problems.get(field.name, ""))


def _creatable(facts: Facts) -> list[str]:
    return [name for name, device in facts.devices.items() if device.user_creatable is not False]


def _families(facts: Facts) -> tuple[tuple[str, tuple[Device, ...]], ...]:
    """Devices that -device takes, by QEMU's own groups; CPU types are for -cpu."""
    devices = [facts.devices[name] for name in _creatable(facts)]
    devices = [device for device in devices if device.group and device.group != "CPU"]
    devices.sort(key=lambda device: (device.group, device.name))
    groups = itertools.groupby(devices, key=lambda device: device.group)
    return tuple((group, tuple(found)) for group, found in groups)


def device_or_404(page: BuildPage) -> None:
    """Raise a 404 where the address names a device that its source does not have."""
    if page.asked and page.device is None:
        raise Missing("That QEMU has no device type of that name.")


def page_json(page: BuildPage) -> dict[str, Any]:
    """The page for programs."""
    if page.device is None or page.built is None or page.source is None:
        return {
            "source": source_json(page.source) if page.source else None,
            "devices": [device.name for _, devices in page.families for device in devices],
        }
    built = page.built
    return {
        "source": source_json(page.source),
        "device": page.device.name,
        "values": dict(built.values),
        "problems": dict(built.problems),
        "option": None if built.problems else built.option,
        "shell": None if built.problems else built.shell,
        "json": built.json or None,
        "libvirt": None
        if page.xml is None
        else {
            "way": page.xml.way.value,
            "device": page.xml.device,
            "extra": page.xml.extra,
            "notes": list(page.xml.notes),
        },
        "linter": f"{reverse('labtools:lint')}?{page.lint_query}" if page.lint_query else None,
    }


CSV_HEADER = ("name", "value", "type", "default", "group", "choices", "description")


def csv_rows(page: BuildPage) -> list[tuple[str, ...]]:
    """One row a field."""
    rows: list[tuple[str, ...]] = []
    for entry in itertools.chain.from_iterable(group.entries for group in page.shown):
        field = entry.field
        choices = " ".join(choice.value for choice in field.choices if choice.value)
        rows.append(
            (
                field.name,
                entry.value,
                field.type,
                field.default,
                field.group.value,
                choices,
                field.description,
            )
        )
    return rows
