"""A child process of ``bench.lab``: fills its database with the lab's hosts, then prints what it measured.

A line a figure: its kind (``bytes``, ``search``, ``page``), its name and its value, with tabs between.
"""

import datetime as dt
import hashlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import django

from labtools.labhost import sections
from labtools.labhost.document import Device, HostDocument, Property, PropertyList, parse_document

HOSTS, SNAPSHOTS = 100, 10  # for each host
QUERIES = (
    *(
        "v",
        "vi",
        "vir",
        "virt",
        "virtio",
        "virtio-",
        "virtio-n",
        "virtio-net",
        "virtio-net-pci",
        "net",
        "e1000",
    ),
    *(
        "nvme",
        "scsi",
        "usb kbd",
        "disk controller",
        "host_mtu",
        "iommu_platform",
        "x-",
        "cpu",
        "avx512f",
        "Skylake",
    ),
    *(
        "virtoi-nte",
        "vritio-blk-pci",
        "zzzzzzzz",
        "a",
        "-",
        "network adapter",
        "PCI",
        "failover",
        "logical_block",
    ),
)
PAGES = {
    "device page": "/lab/devices/virtio-net-pci/?on=debian-13:x86_64",
    "matrix": "/lab/matrix/?device=virtio-net-pci",
    "search page": "/lab/search/?q=virtio-net",
}


def main() -> None:
    """Fill, measure, print."""
    django.setup()
    from django.core.management import call_command
    from django.test import Client
    from django.test.utils import setup_test_environment

    from labtools.queries.catalogue import search_lab
    from labtools.services.catalogue import refresh_catalogue
    from labtools.services.references import ensure_references

    setup_test_environment()
    call_command("migrate", verbosity=0)
    _say("page", "loading the references, first time", _ms(ensure_references))
    _say("page", "loading the references, second time", _ms(ensure_references))
    _say("page", "catalogue of the references", _ms(refresh_catalogue))
    bytes_each, milliseconds = _fill()
    _say("bytes", f"a further snapshot of {HOSTS * SNAPSHOTS}, {HOSTS} hosts", bytes_each)
    _say("page", "recording a snapshot", milliseconds)
    _say("page", f"catalogue with {HOSTS} new lists", _ms(refresh_catalogue))
    _say("page", "the first search of a process", _ms(lambda: search_lab("virtio")))
    times = [_ms(lambda query=query: search_lab(query)) for _ in range(10) for query in QUERIES]  # type: ignore[misc]
    _say("search", f"95th percentile of {len(times)} searches", sorted(times)[int(len(times) * 0.95)])
    client = Client()
    for name, address in PAGES.items():
        _say("page", f"{name}, median", sorted(_ms(lambda at=address: _get(client, at)) for _ in range(9))[4])  # type: ignore[misc]


def _say(kind: str, name: str, value: float) -> None:
    print(f"{kind}\t{name}\t{value}", flush=True)


def _ms(what: Callable[[], Any]) -> float:
    started = time.perf_counter()
    what()
    return (time.perf_counter() - started) * 1000


def _get(client: Any, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)


def _fill() -> tuple[float, float]:
    """Let every host be seen again and again; returns bytes and milliseconds for a snapshot of the second half."""
    from labtools.models import LabHost
    from labtools.services.snapshots import record_document

    hosts = [
        LabHost.objects.create(
            slug=f"host-{number}", name=f"Host {number}", transport=LabHost.Transport.LOCAL
        )
        for number in range(HOSTS)
    ]
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    half, started, count = 0, 0.0, 0
    for number, (place, document) in enumerate(_documents()):
        if number == HOSTS * SNAPSHOTS // 2:
            half, started = _size(), time.perf_counter()
        record_document(host=hosts[place], document=document, at=at + dt.timedelta(minutes=number))
        count = number + 1
    seconds = time.perf_counter() - started
    measured = count - HOSTS * SNAPSHOTS // 2
    return (_size() - half) / measured, seconds * 1000 / measured


def _documents() -> Iterator[tuple[int, HostDocument]]:
    """For each host in turns the next of its documents: one of four QEMUs with a kernel of its own, and each time one
    device type whose default changed and one that came or went."""
    from labtools.labhost.references import references

    chance = random.Random(71)  # noqa: S311 - the same figures each time
    bases = [_only_x86(parse_document(one.document())) for one in references()]
    present = [bases[place % len(bases)] for place in range(HOSTS)]
    for turn in range(SNAPSHOTS):
        for place in range(HOSTS):
            present[place] = _changed(present[place], f"{turn}.{place}", chance)
            yield place, present[place]


def _only_x86(document: HostDocument) -> HostDocument:
    (qemu,) = (one for one in document.qemu if one.target == "x86_64")
    used = {one.properties for one in qemu.devices}
    lists = {digest: one for digest, one in document.property_lists.items() if digest in used}
    return replace(document, qemu=(qemu,), property_lists=lists)


def _changed(document: HostDocument, word: str, chance: random.Random) -> HostDocument:
    (qemu,) = document.qemu
    devices = list(qemu.devices)
    place = chance.choice([n for n, one in enumerate(devices) if one.properties and one.group != "CPU"])
    changed, properties = _other_default(document, devices[place], word)
    devices[place] = changed
    del devices[chance.randrange(len(devices))]
    used = {one.properties for one in devices}
    lists = {digest: one for digest, one in document.property_lists.items() if digest in used}
    if changed in devices:
        lists[properties.digest] = properties
    return replace(
        document,
        kernel=f"6.1.{word}",
        qemu=(replace(qemu, devices=tuple(devices)),),
        property_lists=lists,
        content_hash=hashlib.sha256(word.encode()).hexdigest(),
    )


def _other_default(document: HostDocument, device: Device, word: str) -> tuple[Device, PropertyList]:
    found = document.properties_of(device)
    assert found is not None
    more = Property(name=f"zz-{word}", type="uint32", description="", default="1")
    rows = tuple(sorted((*found.properties, more), key=lambda one: one.name))
    digest = sections.digest(sections.canonical(sections.property_list_json(PropertyList("", rows))))
    return replace(device, properties=digest), PropertyList(digest, rows)


def _size() -> int:
    """Bytes of the database."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM FULL")  # what is kept, not the room of rows that are gone
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
        cursor.execute("PRAGMA page_count")
        pages = int(cursor.fetchone()[0])
        cursor.execute("PRAGMA freelist_count")
        free = int(cursor.fetchone()[0])
        cursor.execute("PRAGMA page_size")
        return (pages - free) * int(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
