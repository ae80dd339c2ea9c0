"""What nobody needs any more is taken away, and nothing else."""

from datetime import timedelta

import pytest
from django.test import Client

from labtools import tasks
from labtools.labhost.document import HostDocument
from labtools.models import Fact, Inventory, LabHost, Sighting, Snapshot
from labtools.queries import facts
from labtools.services import sweeping
from labtools.services.sweeping import Swept, sweep_unused
from labtools.tests.lab_hosts import (
    AT,
    device,
    make_document,
    make_document_json,
    make_host,
    make_seen_host,
    record,
)

pytestmark = pytest.mark.django_db


def numbered(number: int) -> HostDocument:
    """A document with a device list, a property list and a machine type that no other number has."""
    raw = make_document_json(f"9.0.{number}")
    name = f"zz-{number}"
    raw["qemu"][0]["devices"].append(device(name, properties=[{"name": name, "type": "bool"}]))
    raw["qemu"][0]["machines"][0]["name"] = f"pc-{number}"
    return make_document(raw)


def restless(slug: str, lasting: list[int], **fields: object) -> LabHost:
    """A host that had documents 0, 1, 2, …, each for so many hours, one after the other."""
    host = make_host(slug, **fields)
    at = AT
    for number, hours in enumerate(lasting):
        record(host, numbered(number), at=at)
        at += timedelta(hours=hours)
        record(host, numbered(number), at=at)
        at += timedelta(hours=1)
    return host


def kept(host: LabHost) -> list[str]:
    """QEMU's versions in the history of ``host``, oldest first."""
    order = host.sightings.order_by("first_at")
    return [one.snapshot.emulators.get().version.removeprefix("9.0.") for one in order]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "NEWEST", 3)
    monkeypatch.setattr(sweeping, "LONGEST", 2)


def test_what_is_in_use_stays() -> None:
    host = make_seen_host()
    record(host, numbered(1), at=AT + timedelta(days=1))
    Inventory.objects.create(host=host, taken_at=AT, digest="e" * 64)
    Fact.objects.create(digest="e" * 64, kind=Fact.Kind.INVENTORY, data=b"")
    stored = set(Fact.objects.values_list("pk", flat=True))
    assert sweep_unused() == Swept(0, 0, 0)
    assert set(Fact.objects.values_list("pk", flat=True)) == stored
    for snapshot in Snapshot.objects.all():
        for digest, found in facts.stored_document(snapshot).property_lists.items():
            assert (found.digest, Fact.objects.filter(pk=digest).exists()) == (digest, True)


def test_parts_that_nothing_uses_go() -> None:
    make_seen_host()
    stored = set(Fact.objects.values_list("pk", flat=True))
    Fact.objects.create(digest="e" * 64, kind=Fact.Kind.INVENTORY, data=b"")
    Fact.objects.create(digest="f" * 64, kind=Fact.Kind.PROPERTIES, data=b"")
    assert sweep_unused() == Swept(0, 0, 2)
    assert set(Fact.objects.values_list("pk", flat=True)) == stored


def test_a_snapshot_that_no_host_had_goes_and_its_parts_go_with_the_next_run() -> None:
    host = make_seen_host()
    stored = set(Fact.objects.values_list("pk", flat=True))
    record(host, numbered(1), at=AT + timedelta(hours=1))
    record(host, make_document(), at=AT + timedelta(hours=2))
    Sighting.objects.filter(first_at=AT + timedelta(hours=1)).delete()
    assert sweep_unused() == Swept(0, 1, 0)
    assert Snapshot.objects.count() == 1
    # Its device list, its property list, its machine types.
    assert sweep_unused() == Swept(0, 0, 3)
    assert set(Fact.objects.values_list("pk", flat=True)) == stored


def test_more_than_a_batch_goes_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 2)
    monkeypatch.setattr(sweeping, "MAX_BATCHES", 2)
    make_seen_host()
    for number in range(7):
        Fact.objects.create(digest=f"{number:064}", kind=Fact.Kind.PROPERTIES, data=b"")
        Snapshot.objects.create(digest=f"{number:064}", taken_at=AT)
    assert [sweep_unused() for _ in range(3)] == [Swept(0, 4, 4), Swept(0, 3, 3), Swept(0, 0, 0)]


@pytest.mark.usefixtures("small")
def test_of_a_restless_host_the_first_the_newest_and_the_longest_stay() -> None:
    host = restless("restless", [1, 1, 9, 1, 8, 2, 1, 1, 1, 1])
    calm = restless("calm", [1] * 7)
    assert sweep_unused() == Swept(4, 0, 0)
    assert kept(host) == ["0", "2", "4", "7", "8", "9"]
    assert kept(calm) == ["0", "1", "2", "3", "4", "5", "6"]
    assert sweep_unused() == Swept(0, 0, 0)


@pytest.mark.usefixtures("small")
def test_what_a_host_has_now_stays_whatever_its_clock_says() -> None:
    host = restless("restless", [1] * 10)
    third = host.sightings.order_by("first_at")[3]
    LabHost.objects.filter(pk=host.pk).update(current=third)
    sweep_unused()
    host.refresh_from_db()
    assert host.current == third


@pytest.mark.usefixtures("small")
def test_references_keep_all_of_theirs() -> None:
    reference = restless("debian-12", [1] * 10, transport=LabHost.Transport.REFERENCE)
    assert sweep_unused() == Swept(0, 0, 0)
    assert reference.sightings.count() == 10


@pytest.mark.usefixtures("small")
def test_a_link_to_what_is_not_kept_says_so(client: Client) -> None:
    host = restless("restless", [1] * 10)
    gone = host.sightings.order_by("first_at")[2].snapshot
    assert client.get(gone.get_absolute_url()).status_code == 200
    tasks.labs.sweep_unused()
    for address in (gone.get_absolute_url(), f"/lab/devices/?on={gone.pk}:x86_64"):
        response = client.get(address)
        assert response.status_code == 404
        assert "Of a host that changes very often some are not kept" in " ".join(
            response.content.decode().split()
        )
