"""Search as one types over what all hosts have now: device types by name, alias and description, and options."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Max, Q

from labtools.models import DeviceRow
from labtools.queries.devices import MAX_QUERY, MAX_SUGGESTIONS
from labtools.queries.sources import sources

#: Words of a query that are looked for, and results of a kind that are shown.
MAX_WORDS, MAX_FOUND = 6, 30


@dataclass(frozen=True)
class FoundDevice:
    """A device type that some source has. Alias, group and description are those of one of them."""

    name: str
    alias: str
    group: str
    description: str
    lists: int
    """How many different device lists have it."""


@dataclass(frozen=True)
class LabSearch:
    """What was found, best first, and how much of it there is in all."""

    query: str
    devices: tuple[FoundDevice, ...] = ()
    device_count: int = 0
    did_you_mean: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.devices


def search(user: object, query: str) -> LabSearch:
    """What the hosts that ``user`` may see have for ``query``. Three queries; one more where nothing is found."""
    asked = query[:MAX_QUERY].strip()
    words = asked.lower().split()[:MAX_WORDS]
    if not words:
        return LabSearch(asked)
    rows = DeviceRow.objects.filter(devices__in={source.emulator.devices for source in sources(user)})
    narrowed = rows
    for word in words:
        narrowed = narrowed.filter(
            Q(name__icontains=word) | Q(alias__icontains=word) | Q(description__icontains=word)
        )
    found = [
        FoundDevice(*row)
        for row in narrowed.order_by()
        .values("name")
        .annotate(
            one_alias=Max("alias"),
            one_group=Max("group"),
            one_description=Max("description"),
            lists=Count("pk"),
        )
        .values_list("name", "one_alias", "one_group", "one_description", "lists")
    ]
    if not found:
        return LabSearch(
            asked, did_you_mean=_suggestions(rows.values_list("name", "alias").distinct(), asked)
        )
    found.sort(key=lambda device: _rank(device, words))
    return LabSearch(asked, tuple(found[:MAX_FOUND]), len(found))


def _rank(device: FoundDevice, words: list[str]) -> tuple[int, bool, int, str]:
    """The nearer the query is to a name, the earlier; CPU types, of which there are most, after their equals."""
    asked = "-".join(words)
    names = [name.lower() for name in (device.name, device.alias) if name]
    if asked in names:
        place = 0
    elif any(name.startswith(asked) for name in names):
        place = 1
    elif all(any(word in name for name in names) for word in words):
        place = 2
    else:
        place = 3
    return place, device.group == "CPU", len(device.name), device.name


def _suggestions(pairs: Iterable[tuple[str, str]], asked: str) -> tuple[str, ...]:
    known = {name.lower(): name for pair in pairs for name in pair if name}
    near = difflib.get_close_matches(asked.lower(), known, n=MAX_SUGGESTIONS, cutoff=0.7)
    return tuple(known[name] for name in near)
