"""Keep the store of the lab bounded: a restless host's history, snapshots that nobody had, parts that nothing uses.

Each step is a short transaction of its own, safe beside a probe that is being recorded: a host's history is cut with
its row locked, and what is stored by hash is taken away under :func:`~labtools.services.snapshots.lock_store`, after
one more look at what came into use meanwhile.
"""

import itertools
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import transaction
from django.db.models import Count

from labtools.models import Emulator, Fact, Inventory, LabHost, Sighting, Snapshot
from labtools.services.snapshots import lock_store

#: Sightings of a host that are kept beside its first and its present one: the newest, and of the older ones those
#: that lasted longest, to which people had the time to make links.
NEWEST, LONGEST = 100, 100
#: Rows that one transaction takes away, and transactions of a kind in one run.
BATCH, MAX_BATCHES = 500, 40

_T = TypeVar("_T")
#: In canonical JSON no text can hold this: its quotation marks are escaped there.
_PROPERTY_LIST = re.compile(rb'"properties":"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Swept:
    """How many rows one run took away."""

    sightings: int
    snapshots: int
    facts: int


def sweep_unused() -> Swept:
    """Take away what nobody needs any more, at most :data:`BATCH` times :data:`MAX_BATCHES` of a kind.

    Parts go before the snapshots that used them: whoever reads a snapshot at the moment when it goes still finds its
    parts, which go with the next run.
    """
    return Swept(sightings=_cut_histories(), facts=_drop_parts(), snapshots=_drop_snapshots())


def _cut_histories() -> int:
    """References keep all of theirs: they change with a release of the project."""
    hosts = LabHost.objects.exclude(transport=LabHost.Transport.REFERENCE)
    long = hosts.annotate(count=Count("sightings")).filter(count__gt=NEWEST + LONGEST + 2).order_by("pk")
    return sum(_cut_history(pk) for pk in long.values_list("pk", flat=True)[:MAX_BATCHES])


@transaction.atomic
def _cut_history(host_id: int) -> int:
    host = LabHost.objects.select_for_update(of=("self",)).filter(pk=host_id).first()
    if host is None:
        return 0
    history = list(Sighting.objects.filter(host=host).order_by("-first_at", "-pk"))
    older = sorted(history[NEWEST:-1], key=lambda one: one.last_at - one.first_at, reverse=True)
    unwanted = [one.pk for one in older[LONGEST:] if one.pk != host.current_id]
    batch = unwanted[:BATCH]
    Sighting.objects.filter(pk__in=batch).delete()
    return len(batch)


def _drop_snapshots() -> int:
    """Take away snapshots that no host had, with their emulators."""
    dropped = 0
    for _ in range(MAX_BATCHES):
        with transaction.atomic():
            lock_store()
            unseen = Snapshot.objects.filter(sightings__isnull=True).order_by("pk")
            keys = list(unseen.values_list("pk", flat=True)[:BATCH])
            Snapshot.objects.filter(pk__in=keys).delete()
        dropped += len(keys)
        if len(keys) < BATCH:
            break
    return dropped


def _batches(keys: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))


@dataclass
class _Used:
    """Digests of the parts that snapshots and inventories use; ``look`` reads only what is new since the last look."""

    digests: set[str] = field(default_factory=set)
    _emulators: set[int] = field(default_factory=set)
    _lists: set[str] = field(default_factory=set)

    def look(self) -> None:
        self.digests.update(Inventory.objects.values_list("digest", flat=True))
        new = set(Emulator.objects.values_list("pk", flat=True)) - self._emulators
        for keys in _batches(sorted(new)):
            self._take_in(keys)
        self._emulators |= new

    def _take_in(self, keys: Sequence[int]) -> None:
        lists: set[str] = set()
        rows = Emulator.objects.filter(pk__in=keys)
        for devices, machines, objects, accelerators in rows.values_list(
            "devices", "machines", "objects_digest", "accelerators"
        ):
            self.digests |= {devices, machines, objects, *(one["cpus"] for one in accelerators.values())}
            lists.add(devices)
        self._read_lists(lists - self._lists)
        self._lists |= lists

    def _read_lists(self, digests: Iterable[str]) -> None:
        """Take in the property lists that lists of device types name."""
        for data in Fact.objects.filter(pk__in=digests).values_list("data", flat=True).iterator(50):
            found = _PROPERTY_LIST.findall(zlib.decompress(bytes(data)))
            self.digests.update(digest.decode("ascii") for digest in found)


def _drop_parts() -> int:
    """Take away parts that nothing uses. What came into use after the first look is seen under the lock."""
    used = _Used()
    used.look()
    everything = Fact.objects.order_by().values_list("pk", flat=True)
    unused = list(
        itertools.islice((pk for pk in everything.iterator() if pk not in used.digests), BATCH * MAX_BATCHES)
    )
    return sum(_drop_still_unused(batch, used) for batch in _batches(unused))


@transaction.atomic
def _drop_still_unused(digests: Sequence[str], used: _Used) -> int:
    lock_store()
    used.look()
    unwanted = [digest for digest in digests if digest not in used.digests]
    Fact.objects.filter(pk__in=unwanted).delete()
    return len(unwanted)
