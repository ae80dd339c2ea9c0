"""A child of ``bench.search``: fill an index with documents, then time what is asked on standard input."""

import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from portal.search import registry, services  # noqa: E402
from portal.search.queries import search  # noqa: E402
from portal.search.registry import Entry, Source  # noqa: E402

STEMS = (
    *("disk", "pool", "guest", "host", "image", "volume", "network", "bridge"),
    *("memory", "cluster", "header", "table", "refcount", "device", "option"),
)
#: Of a portal's documents 99 in 100 are of one room, the lab.
ROOMS = ("Lab",)
QUERIES = (
    *(
        "virtio-net-pci",
        "virtio-net",
        '"virtio-net-pci"',
        "--cap vports",
        "guest",
        "guest disk",
        "nodedev-list",
    ),
    *("/var/lib/libvirt/images", "vm1.qcow2", "devices", "host memory cluster header", '"guest disk image"'),
    *("libvrt", "virtio-net-pcl", "word777 guest", "table", "dev", "virtio-n"),
)


def entries(count: int) -> Iterator[Entry]:
    """Documents of some 150 words: few words are everywhere, most are rare, code tokens among them."""
    chance = random.Random(42)  # noqa: S311
    vocabulary = [f"{STEMS[n % len(STEMS)]}{n // len(STEMS) or ''}" for n in range(20_000)]
    weights = [1 / (n + 1) for n in range(len(vocabulary))]
    code = [f"virtio-{STEMS[n % 15]}-pci-{n}" for n in range(3_000)]
    for number in range(count):
        words = chance.choices(vocabulary, weights, k=150)
        words[10], words[40] = chance.choice(code), f"/var/lib/libvirt/images/vm{number}.qcow2"
        if number % 1000 == 0:
            words[20:20] = ["virsh", "nodedev-list", "--cap", "vports", "libvirt"]
        if number % 500 == 0:
            words[30:30] = ["qemu", "-device", "virtio-net-pci"]
        yield Entry(str(number), " ".join(words[:6]), f"/kb/{number}/", " ".join(words), words[7])


def _entries_of(number: int, count: int) -> Iterator[Entry]:
    return islice(entries(count), number, None, len(ROOMS))


def main(count: int) -> None:
    """Fill, say "ready", then print the 95th percentile of the queries and of one document's update, in seconds."""
    call_command("migrate", verbosity=0)
    registry._sources.clear()
    known: dict[str, Entry] = {}
    for number, room in enumerate(ROOMS):
        in_room = partial(_entries_of, number, count)
        registry.register(Source(room.lower(), room, in_room, known.get))
        services.reconcile(room.lower())
    if connection.vendor == "postgresql":  # what autovacuum does by itself after so much was written
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    timed = []
    for round_number in range(6):
        for query in QUERIES:
            begun = time.perf_counter()
            search(query, is_typing=query in ("dev", "virtio-n"))
            if round_number:
                timed.append((time.perf_counter() - begun, query))
    times = sorted(seconds for seconds, _ in timed)
    updates = []
    for number, entry in enumerate(entries(40)):
        known[entry.key] = Entry(entry.key, entry.title, entry.url, entry.body + f" changed {number}")
        begun = time.perf_counter()
        services.index_changed(ROOMS[number % len(ROOMS)].lower(), entry.key)
        updates.append(time.perf_counter() - begun)
    slowest = max(timed)
    for query in QUERIES:
        print(
            f"{statistics.median(s for s, q in timed if q == query) * 1000:6.1f} ms  {query}", file=sys.stderr
        )
    print(times[int(len(times) * 0.95)], statistics.median(times), sorted(updates)[38], *slowest)


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    main(int(sys.argv[1]))
