"""Search as one types over all that everybody may see: device types by name, alias and description, and options.

The whole catalogue (some ten thousand names) is held in the process and looked through for each query, which takes
milliseconds on every database. It is made by the lab's workers (:mod:`labtools.services.catalogue`). Private hosts
are not in it: a catalogue is used only while everything in it is public.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz, process

from labtools.models import Catalogue, Emulator, LabHost, ListWords

#: More of a query is not read.
MAX_QUERY, MAX_WORDS = 200, 6
MAX_SUGGESTIONS = 3
#: How like a name a query must be to be taken for a slip, in percent.
_NEAR = 70.0
#: How many device types an entry of an option names.
NAMED = 5


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device type that some public host or reference has. Its words are those of one of them."""

    name: str
    alias: str
    group: str
    description: str
    lists: int
    """How many different device lists have it."""


@dataclass(frozen=True, slots=True)
class FoundProperty:
    """An option by name, over all device types that have one of this name."""

    name: str
    description: str
    devices: tuple[str, ...]
    """The first few of its device types; CPU types, of which there are hundreds, are counted only."""
    device_count: int


@dataclass(frozen=True, slots=True)
class LabSearchResult:
    """What was found, best first, and how much of it there is in all."""

    query: str
    devices: tuple[FoundDevice, ...] = ()
    device_count: int = 0
    properties: tuple[FoundProperty, ...] = ()
    property_count: int = 0
    did_you_mean: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.devices and not self.properties


@dataclass(frozen=True, slots=True)
class _Entry:
    """A thing to be found, with its words as they are compared: lower case, ``_`` as ``-``."""

    found: FoundDevice | FoundProperty
    names: tuple[str, ...]
    text: str
    last: bool
    """Whether it comes after its equals: CPU types, what ``-device`` does not take, ``x-`` options."""
    count: int
    """Lists or device types that have it: of names as long, the more usual is first."""


@dataclass(frozen=True, slots=True)
class _Names:
    """A catalogue in memory."""

    stamp: str
    devices: tuple[_Entry, ...] = ()
    properties: tuple[_Entry, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    """What a slip may have been meant to be: names as they are compared, and as they are written."""


_in_memory = _Names("")


def search_lab(query: str, *, limit: int = 20) -> LabSearchResult:
    """The best ``limit`` device types and options for ``query``; no query is an error. One query of the database."""
    asked = "".join(c for c in query[:MAX_QUERY] if c.isprintable()).strip()
    words = [word for word in _folded(asked).split() if any(map(str.isalnum, word))][:MAX_WORDS]
    if not words:
        return LabSearchResult(asked)
    names = _present()
    devices, device_count = _best(names.devices, words, limit)
    properties, property_count = _best(names.properties, words, limit)
    return LabSearchResult(
        asked,
        tuple(one.found for one in devices if isinstance(one.found, FoundDevice)),
        device_count,
        tuple(one.found for one in properties if isinstance(one.found, FoundProperty)),
        property_count,
        () if device_count or property_count else _suggestions(names, "-".join(words)),
    )


def _folded(text: str) -> str:
    return text.lower().replace("_", "-")


def _best(entries: Sequence[_Entry], words: list[str], limit: int) -> tuple[list[_Entry], int]:
    first, more = words[0], words[1:]
    matching = [one for one in entries if first in one.text and all(word in one.text for word in more)]
    asked = "-".join(words)

    def rank(one: _Entry) -> tuple[int, bool, int, int, str]:
        return _place(one, asked, words), one.last, len(one.names[0]), -one.count, one.names[0]

    matching.sort(key=rank)
    return matching[: max(0, limit)], len(matching)


def _place(entry: _Entry, asked: str, words: list[str]) -> int:
    """Exactly a name, its beginning, the beginning of a word in it, a part of it, all words in it, described."""
    best = 5
    for name in entry.names:
        if name == asked:
            return 0
        if name.startswith(asked):
            best = min(best, 1)
        elif f"-{asked}" in name:
            best = min(best, 2)
        elif asked in name:
            best = min(best, 3)
        elif all(word in name for word in words):
            best = min(best, 4)
    return best


def _suggestions(names: _Names, asked: str) -> tuple[str, ...]:
    near = process.extract(
        asked, names.known.keys(), scorer=fuzz.ratio, limit=MAX_SUGGESTIONS, score_cutoff=_NEAR
    )
    return tuple(dict.fromkeys(names.known[name] for name, _, _ in near))


def public_lists() -> list[str]:
    """Digests of the device lists that everybody may see now, in order. One query."""
    shown = LabHost.objects.visible_to(None).filter(current__isnull=False).values("current__snapshot")
    found = Emulator.objects.filter(snapshot__in=shown, status="ok").exclude(devices="")
    return sorted(found.order_by().values_list("devices", flat=True).distinct())


def stamp_of(lists: Iterable[str]) -> str:
    """The name of the catalogue of ``lists``."""
    return hashlib.sha256(" ".join(lists).encode()).hexdigest()


def _present() -> _Names:
    """The catalogue of what is public now, or, until the workers have made it, the latest in which all is public."""
    global _in_memory
    lists = public_lists()
    stamp = stamp_of(lists)
    if _in_memory.stamp == stamp:
        return _in_memory
    public = set(lists)
    made = Catalogue.objects.filter(pk=stamp).first()
    if made is None:
        older = Catalogue.objects.order_by("-made_at").defer("data")
        made = next((one for one in older if public.issuperset(one.lists)), None)
    if made is not None:
        if made.stamp != _in_memory.stamp:
            _in_memory = read_names(made.stamp, json.loads(zlib.decompress(bytes(made.data))))
        return _in_memory
    # A host has just been hidden, or nothing is made yet: rather slow than telling what it has, and not kept,
    # because lists may be missing in it that the workers are making ready.
    return read_names("", merged(parts_of(lists)))


def parts_of(lists: Iterable[str]) -> list[dict[str, Any]]:
    """The words of those of ``lists`` that have been made ready, in the order of ``lists``. One query."""
    wanted = list(lists)
    found = dict(ListWords.objects.filter(pk__in=wanted).values_list("pk", "data"))
    return [json.loads(zlib.decompress(bytes(found[digest]))) for digest in wanted if digest in found]


def merged(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Put words of lists together: each device type and each property name once."""
    devices: dict[str, list[Any]] = {}
    properties: dict[str, tuple[list[str], set[str]]] = {}
    for part in parts:
        for name, alias, group, description, creatable in part["devices"]:
            known = devices.setdefault(name, [name, alias, group, description, 0, False])
            for position, value in ((1, alias), (2, group), (3, description)):
                known[position] = known[position] or value
            known[4] += 1
            known[5] = known[5] or creatable
        for name, (description, places) in part["properties"].items():
            words, having = properties.setdefault(name, ([""], set()))
            words[0] = words[0] or description
            having.update(part["devices"][place][0] for place in places)
    return {
        "devices": [devices[name] for name in sorted(devices)],
        "properties": [
            [name, properties[name][0][0], _first_named(properties[name][1]), len(properties[name][1])]
            for name in sorted(properties)
        ],
    }


def is_cpu(name: str) -> bool:
    """Whether a device type is a CPU model: there are hundreds, with hundreds of options each."""
    return name.endswith("-cpu")


def _first_named(names: set[str]) -> list[str]:
    devices = (name for name in names if not is_cpu(name))
    return sorted(devices, key=lambda name: (not name.endswith(("-pci", "-ccw")), len(name), name))[:NAMED]


def read_names(stamp: str, data: dict[str, Any]) -> _Names:
    """A catalogue as it is searched."""
    devices = [(FoundDevice(*row), creatable) for *row, creatable in data["devices"]]
    options = [
        FoundProperty(name, text, tuple(first), count) for name, text, first, count in data["properties"]
    ]
    of_devices = tuple(
        _Entry(
            one,
            tuple(_folded(name) for name in (one.name, one.alias) if name),
            _folded(f"{one.name} {one.alias} {one.description}"),
            is_cpu(one.name) or not creatable,
            one.lists,
        )
        for one, creatable in devices
    )
    of_properties = tuple(
        _Entry(
            one,
            (_folded(one.name),),
            _folded(f"{one.name} {one.description}"),
            one.name.startswith("x-"),
            one.device_count,
        )
        for one in options
    )
    known = {
        name: one.found.name for part in (of_properties, of_devices) for one in part for name in one.names
    }
    return _Names(stamp, of_devices, of_properties, known)
