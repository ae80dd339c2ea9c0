"""What libvirt of lab hosts has, for those who may see it: WWNs, MACs and paths are in it."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from labtools.labhost.inventory import Inventory as Contents
from labtools.labhost.inventory import InventoryError, inventory_from_json
from labtools.models import Fact, Inventory, LabHost

T = TypeVar("T")

#: Inventories that a process keeps in memory, parsed; they are never changed under their hash.
KEPT = 200
_kept: dict[str, Contents] = {}


@dataclass(frozen=True)
class HostInventory:
    """One host's inventory and when it was taken."""

    host: LabHost
    taken_at: datetime
    digest: str


def host_inventories(user: object) -> tuple[HostInventory, ...]:
    """The inventories that ``user`` may see, the demonstration's first. One query."""
    rows = (
        Inventory.objects.filter(host__in=LabHost.objects.inventory_visible_to(user))
        .select_related("host")
        .order_by("host__position", "host__slug")
    )
    found = [HostInventory(row.host, row.taken_at, row.digest) for row in rows]
    return tuple(sorted(found, key=lambda one: one.host.transport != LabHost.Transport.DEMONSTRATION))


def _parse(data: bytes) -> Contents | None:
    """What is stored, or ``None`` if a release of the portal wrote it in another form."""
    try:
        return inventory_from_json(json.loads(zlib.decompress(data)))
    except (InventoryError, ValueError):
        return None


def all_digests() -> tuple[str, ...]:
    """The inventories of all hosts, whoever may see them: for questions whose answer shows nothing of them."""
    return tuple(Inventory.objects.values_list("digest", flat=True))


def contents(digests: Iterable[str]) -> dict[str, Contents]:
    """The inventories under these hashes. At most one query; what is stored no more is left out."""
    wanted = set(digests)
    # Another thread may empty the dictionary at any time, so nothing is looked up twice.
    found = {digest: kept for digest in wanted if (kept := _kept.get(digest))}
    missing = wanted - found.keys()
    if missing:
        parts = Fact.objects.filter(pk__in=missing, kind=Fact.Kind.INVENTORY).values_list("pk", "data")
        read = {pk: parsed for pk, data in parts if (parsed := _parse(bytes(data)))}
        keep(_kept, read)
        found |= read
    return found


def keep(kept: dict[str, T], new: dict[str, T]) -> None:
    """Add ``new`` to what a process keeps by hash, and start afresh where that is more than :data:`KEPT`."""
    if len(kept) + len(new) > KEPT:
        kept.clear()
    kept.update(list(new.items())[:KEPT])
