"""Make what the lab's search reads, in the workers: a list of device types is read once, when it becomes public."""

import json
import zlib
from typing import Any

from django.db import transaction

from labtools.labhost.document import parse_devices
from labtools.models import Catalogue, ListWords
from labtools.queries import facts
from labtools.queries.catalogue import merged, parts_of, public_lists, stamp_of

#: Catalogues that are kept: the present one, and those that other processes may be reading still.
KEPT = 3


def refresh_catalogue() -> bool:
    """Bring the search in step with what is public; returns whether anything had changed. Safe to repeat.

    Two queries where nothing did. A new list costs the reading of its property lists; then all lists are put together.
    """
    lists = public_lists()
    stamp = stamp_of(lists)
    if Catalogue.objects.filter(pk=stamp).exists():
        return False
    ready = set(ListWords.objects.filter(pk__in=lists).values_list("pk", flat=True))
    for digest in lists:
        if digest not in ready:
            words = ListWords(devices=digest, data=_packed(_words(digest)))
            ListWords.objects.bulk_create([words], ignore_conflicts=True)
    data = _packed(merged(parts_of(lists)))
    with transaction.atomic():
        Catalogue.objects.bulk_create([Catalogue(stamp=stamp, lists=lists, data=data)], ignore_conflicts=True)
        newest = Catalogue.objects.order_by("-made_at").values_list("pk", flat=True)[:KEPT]
        Catalogue.objects.exclude(pk__in=[*newest, stamp]).delete()
        ListWords.objects.exclude(pk__in=lists).delete()
    return True


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 6)


def _words(digest: str) -> dict[str, Any]:
    """The device types of a list, and its property names with the places of the device types that have them."""
    devices = parse_devices(facts.read_fact(digest))
    properties: dict[str, tuple[str, list[int]]] = {}
    lists = facts.property_lists(one.properties for one in devices if one.properties is not None)
    for place, device in enumerate(devices):
        for one in lists[device.properties].properties if device.properties is not None else ():
            words, places = properties.get(one.name, ("", []))
            places.append(place)
            properties[one.name] = (words or one.description, places)
    return {
        "devices": [
            [row.name, row.alias, row.group, row.description, row.user_creatable is not False]
            for row in devices
        ],
        "properties": properties,
    }
