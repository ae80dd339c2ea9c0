"""What libvirt of lab hosts has, for those who may see it: WWNs, MACs and paths are in it."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from labtools.labhost.inventory import Inventory as Contents
from labtools.labhost.inventory import InventoryError, inventory_from_json
from labtools.models import Fact, Inventory, LabHost

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
    return tuple(
        sorted(found, key=lambda one: one.host.transport != LabHost.Transport.DEMONSTRATION),
    )


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
    missing = wanted - _kept.keys()
    if missing:
        if len(_kept) + len(missing) > KEPT:
            _kept.clear()
        parts = Fact.objects.filter(pk__in=missing, kind=Fact.Kind.INVENTORY).values_list("pk", "data")
        read = {pk: found for pk, data in parts if (found := _parse(bytes(data)))}
        _kept.update(read)
        if len(wanted) > KEPT:
            return read
    return {digest: _kept[digest] for digest in wanted if digest in _kept}
