"""What is kept of a probe, and what pages read of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labtools.labhost.sections import canonical, devices_json
from labtools.models import DeviceRow, Emulator, Fact, LabHost, Sighting, Snapshot
from labtools.queries import facts
from labtools.queries.sources import SourceNotFound, choose_default, find_source, find_sources, sources
from labtools.tests.lab_hosts import (
    AT,
    device,
    make_document,
    make_document_json,
    make_host,
    make_seen_host,
    record,
)
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_document_comes_back_as_it_was() -> None:
    document = make_document()
    host = make_seen_host(document=document)
    assert host.current
    again = facts.stored_document(host.current.snapshot)
    assert again.qemu == document.qemu
    assert dict(again.property_lists) == dict(document.property_lists)
    assert again.content_hash == document.content_hash


def test_the_same_again_moves_the_clock_and_stores_nothing() -> None:
    host = make_seen_host()
    counts = [model.objects.count() for model in (Fact, Snapshot, Emulator, Sighting, DeviceRow)]
    record(host, make_document(), at=AT + timedelta(hours=1))
    assert [model.objects.count() for model in (Fact, Snapshot, Emulator, Sighting, DeviceRow)] == counts
    sighting = Sighting.objects.get()
    assert (sighting.first_at, sighting.last_at) == (AT, AT + timedelta(hours=1))


def test_equal_hosts_share_a_snapshot() -> None:
    make_seen_host("pune-1")
    make_seen_host("pune-2")
    assert Snapshot.objects.count() == 1
    assert Sighting.objects.count() == 2


def test_a_changed_device_costs_its_list_and_no_more() -> None:
    host = make_seen_host()
    before = set(Fact.objects.values_list("pk", flat=True))
    raw = make_document_json()
    raw["qemu"][0]["devices"].append(device("zzz"))
    record(host, make_document(raw), at=AT + timedelta(hours=1))
    new = Fact.objects.exclude(pk__in=before)
    assert [fact.kind for fact in new] == ["devices"]
    assert DeviceRow.objects.filter(name="zzz").count() == 1
    # Only lists in use have rows; the snapshot before is whole all the same.
    assert DeviceRow.objects.order_by("devices").values("devices").distinct().count() == 1
    first = Sighting.objects.order_by("first_at")[0].snapshot
    assert "zzz" not in facts.devices(first.emulators.get())


def test_a_sighting_tells_what_is_new() -> None:
    host = make_seen_host()
    raw = make_document_json("10.0.2")
    raw["qemu"][0]["devices"][0]["properties"] = [{"name": "drive", "type": "str"}]
    sighting = record(host, make_document(raw), at=AT + timedelta(days=1))
    told = " ".join(sighting.changes)
    assert "7.2.22 to 10.0.2" in told
    assert "virtio-blk-pci" in told
    assert "scsi" in told
    assert Sighting.objects.order_by("first_at")[0].changes == []


def test_a_fact_is_stored_under_the_hash_of_its_bytes() -> None:
    make_seen_host()
    emulator = Emulator.objects.get()
    assert canonical(facts.read_fact(emulator.devices)) == canonical(
        devices_json(facts.devices(emulator).values())
    )
    with pytest.raises(facts.FactMissing):
        facts.read_fact("0" * 64)


def test_two_binaries_of_one_target_have_keys_and_names_of_their_own() -> None:
    raw = make_document_json()
    raw["qemu"].append(raw["qemu"][0] | {"binary": "/usr/libexec/qemu-kvm", "version": "8.2.0"})
    raw["qemu"].append(raw["qemu"][0] | {"binary": "/opt/qemu-$(id)", "version": "9.0.0"})
    make_seen_host(document=make_document(raw))
    assert [source.key for source in sources(None)] == [f"pune-1:x86_64{rest}" for rest in ("", ":2", ":3")]
    second = find_source(None, "pune-1:x86_64:2")
    assert (second.emulator.binary, second.binary_name) == ("/usr/libexec/qemu-kvm", "qemu-kvm")
    assert second.label == "Pune-1 · QEMU 8.2.0 · x86_64:2 (qemu-kvm)"
    # A name that a shell would run is not shown to be typed.
    assert find_source(None, "pune-1:x86_64:3").binary_name == "qemu-system-x86_64"


def test_a_wrapper_of_equal_abilities_is_not_another_qemu() -> None:
    raw = make_document_json()
    raw["qemu"].append(raw["qemu"][0] | {"binary": "/usr/libexec/qemu-system-x86_64"})
    make_seen_host(document=make_document(raw))
    assert [source.key for source in sources(None)] == ["pune-1:x86_64"]


def test_a_pinned_source_stays_when_the_host_moves_on() -> None:
    host = make_seen_host()
    pinned = find_source(None, "pune-1:x86_64").permanent_key
    record(host, make_document(version="10.0.2"), at=AT + timedelta(days=1))
    assert find_source(None, "pune-1:x86_64").emulator.version == "10.0.2"
    source = find_source(None, pinned)
    assert source.emulator.version == "7.2.22"
    assert source.key == pinned
    assert [one.key for one in find_sources(None, [pinned, "pune-1:x86_64", pinned])] == [
        pinned,
        "pune-1:x86_64",
    ]


def test_sources_of_private_hosts_are_for_staff() -> None:
    host = make_seen_host(visibility=LabHost.Visibility.PRIVATE)
    staff: User = make_user("staff@example.org", is_staff=True)
    member: User = make_user("member@example.org")
    pinned = find_source(staff, "pune-1:x86_64").permanent_key
    assert [source.host for source in sources(staff)] == [host]
    for person in (None, member):
        assert sources(person) == ()
        for key in ("pune-1:x86_64", pinned):
            with pytest.raises(SourceNotFound):
                find_source(person, key)


@pytest.mark.parametrize(
    "key",
    ["", ":", "pune-1", "pune-1:", "pune-1:arm", "nowhere:x86_64", "a" * 64 + ":x86_64", "x\0:y", "é:x86_64"],
)
def test_a_key_of_nothing_is_not_found(key: str) -> None:
    make_seen_host()
    with pytest.raises(SourceNotFound):
        find_source(None, key)


def test_sources_cost_the_same_for_one_host_and_for_three(django_assert_num_queries: object) -> None:
    for count, slug in enumerate(("a", "b", "c"), start=1):
        make_seen_host(slug, document=make_document(version=f"{count}.0.0"))
        with django_assert_num_queries(2):  # type: ignore[operator]
            assert len(sources(None)) == count


def test_what_did_not_answer_is_no_source() -> None:
    raw = make_document_json()
    raw["qemu"][0] |= {"status": "died", "last_words": "no such file"}
    make_seen_host(document=make_document(raw))
    make_host("never-asked")
    assert sources(None) == ()
    assert choose_default(()) is None


def test_parts_of_several_emulators_are_read_in_one_query(django_assert_num_queries: Any) -> None:
    for number in range(3):
        raw = make_document_json()
        raw["qemu"][0]["devices"].append(device(f"zzz-read-ahead-{number}"))
        raw["qemu"][0]["machines"][0]["name"] = f"read-ahead-{number}"
        make_seen_host(f"pune-{number}", make_document(raw))
    emulators = list(Emulator.objects.all())
    with django_assert_num_queries(1):
        facts.read_ahead(emulators, Fact.Kind.DEVICES, Fact.Kind.MACHINES, Fact.Kind.CPUS, Fact.Kind.OBJECTS)
    with django_assert_num_queries(0):
        facts.read_ahead(emulators, Fact.Kind.DEVICES, Fact.Kind.MACHINES)
        assert {name for emulator in emulators for name in facts.devices(emulator)} >= {
            "zzz-read-ahead-0",
            "zzz-read-ahead-2",
        }
        assert {facts.machines(emulator)[-1].name for emulator in emulators} == {
            f"read-ahead-{number}" for number in range(3)
        }


def test_a_change_costs_no_reading_of_the_lists_that_stayed() -> None:
    def recorded(count: int) -> int:
        raw = make_document_json()
        raw["qemu"][0]["devices"] += [
            device(f"zz-{number:02}", properties=[{"name": f"p{count}-{number}", "type": "bool"}])
            for number in range(count)
        ]
        host = make_seen_host(f"pune-{count}", make_document(raw))
        raw["qemu"][0]["devices"].append(device("zzz"))
        with CaptureQueriesContext(connection) as asked:
            record(host, make_document(raw), at=AT + timedelta(hours=1))
        return len(asked)

    assert recorded(20) == recorded(1)


@pytest.mark.parametrize("clock", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-11-20T09:30:01Z"])
def test_a_clock_that_cannot_be_right_is_not_believed(clock: str, client: Client) -> None:
    raw = make_document_json()
    raw["probed_at"] = clock
    sighting = record(make_host(), make_document(raw))

    assert sighting.snapshot.taken_at == AT
    assert client.get(sighting.snapshot.get_absolute_url()).status_code == 200
