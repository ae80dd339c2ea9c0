"""The lab's search for one person: the catalogue of all that is public, and for staff what private hosts have, too."""

from dataclasses import replace

from django.db.models import Count, Max, Q

from labtools.models import DeviceRow
from labtools.queries.catalogue import MAX_WORDS, FoundDevice, LabSearchResult, search_lab
from labtools.queries.sources import sources
from portal.accounts.models import User

#: Results of a kind that are shown.
MAX_FOUND = 30


def search(user: object, query: str) -> LabSearchResult:
    """What the hosts that ``user`` may see have for ``query``. One query, for staff three more."""
    found = search_lab(query, limit=MAX_FOUND)
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return found
    devices = _rows(user, found.query.lower().split()[:MAX_WORDS])
    return replace(
        found,
        devices=tuple(devices[:MAX_FOUND]),
        device_count=len(devices),
        did_you_mean=() if devices else found.did_you_mean,
    )


def _rows(user: User, words: list[str]) -> list[FoundDevice]:
    """Device types with all ``words``, best first, from the rows: slower than the catalogue, which is public."""
    if not words:
        return []
    rows = DeviceRow.objects.filter(devices__in={source.emulator.devices for source in sources(user)})
    for word in words:
        rows = rows.filter(
            Q(name__icontains=word) | Q(alias__icontains=word) | Q(description__icontains=word)
        )
    found = [
        FoundDevice(*row)
        for row in rows.order_by()
        .values("name")
        .annotate(
            one_alias=Max("alias"),
            one_group=Max("group"),
            one_description=Max("description"),
            lists=Count("pk"),
        )
        .values_list("name", "one_alias", "one_group", "one_description", "lists")
    ]
    return sorted(found, key=lambda device: _rank(device, words))


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
