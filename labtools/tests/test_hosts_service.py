"""Hosts are added, changed and removed by staff alone, with fields that are what they say."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from pytest_django import Settings

from labtools import starting_content
from labtools.labhost.ssh_fields import parse_public_key
from labtools.models import DeviceRow, Fact, Inventory, LabHost, Snapshot
from labtools.services import hosts, lab_keys
from labtools.tests.lab_hosts import (
    AT,
    HOST_KEY,
    make_document,
    make_host,
    make_lab_keys,
    make_seen_host,
    record,
)
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    """Somebody who may act on hosts."""
    return make_user(is_staff=True)


@pytest.fixture(autouse=True)
def keys(settings: Settings, tmp_path: Path) -> Path:
    """A folder of keys with one that can be chosen: lab."""
    settings.LAB_KEYS_DIR = make_lab_keys(tmp_path / "keys")
    return tmp_path / "keys"


def ssh_host(**fields: Any) -> LabHost:
    """A host over SSH that is not in the database yet."""
    return LabHost(
        **{
            "slug": "pune-1",
            "name": "Pune 1",
            "transport": "ssh",
            "visibility": "private",
            "ssh_host": "lab.example.org",
            "ssh_user": "labprobe",
            "ssh_key_name": "lab",
            "ssh_host_key": HOST_KEY,
        }
        | fields
    )


def test_staff_add_a_host_that_is_asked_soon(staff: User) -> None:
    hosts.add_host(person=staff, host=ssh_host(ssh_host_key=f"{HOST_KEY} root@pune"), at=AT)
    host = LabHost.objects.get()
    assert (host.next_probe_at, host.ssh_host_key) == (AT, HOST_KEY)
    assert host.host_key_fingerprint == parse_public_key(HOST_KEY).fingerprint


ACTS: dict[str, Callable[[Any, LabHost], Any]] = {
    "add": lambda person, host: hosts.add_host(person=person, host=ssh_host(slug="other"), at=AT),
    "change": lambda person, host: hosts.change_host(person=person, host=host, at=AT),
    "disable": lambda person, host: hosts.set_enabled(person=person, host=host, is_enabled=False, at=AT),
    "remove": lambda person, host: hosts.remove_host(person=person, host=host),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_nobody_but_staff_acts(act: Callable[[Any, LabHost], Any], member: User) -> None:
    host = make_host()
    for person in (None, member, make_user(is_staff=True, is_active=False)):
        with pytest.raises(PermissionDenied):
            act(person, host)
    assert LabHost.objects.get().is_enabled


@pytest.mark.parametrize("act", [ACTS["change"], ACTS["disable"], ACTS["remove"]])
def test_references_are_the_projects(act: Callable[[Any, LabHost], Any], staff: User) -> None:
    with pytest.raises(PermissionDenied):
        act(staff, make_host(transport="reference"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ssh_host", "-oProxyCommand=id"),
        ("ssh_host", "h/system?command=/bin/sh"),
        ("ssh_host", ""),
        ("ssh_port", 0),
        ("ssh_port", 65536),
        ("ssh_user", "root;id"),
        ("ssh_user", ""),
        ("ssh_key_name", "../secret_key"),
        ("ssh_key_name", "open"),
        ("ssh_key_name", "no-such"),
        ("ssh_key_name", ""),
        ("ssh_host_key", "ssh-ed25519 AAAA"),
        ("ssh_host_key", ""),
        ("transport", "reference"),
        ("transport", "qemu+ext"),
        ("visibility", "members"),
        ("slug", "add"),
        ("slug", "bring"),
        ("slug", "a b"),
        ("name", ""),
    ],
)
def test_no_field_can_be_anything_but_what_it_says(field: str, value: object, staff: User) -> None:
    with pytest.raises((ValidationError, IntegrityError)), transaction.atomic():
        hosts.add_host(person=staff, host=ssh_host(**{field: value}), at=AT)
    assert not LabHost.objects.exists()


def test_a_host_that_is_not_reached_over_ssh_keeps_no_field_of_it(staff: User) -> None:
    hosts.add_host(person=staff, host=ssh_host(transport="local", ssh_host="-x", ssh_port=23), at=AT)
    host = LabHost.objects.get()
    assert host.reach == ("local", "", 22, "", "", "")


def test_a_change_leaves_the_state_of_probing_to_the_workers(staff: User) -> None:
    host = make_seen_host(next_probe_at=AT + timedelta(hours=1))
    stale = LabHost.objects.get(pk=host.pk)
    LabHost.objects.filter(pk=host.pk).update(
        probe_state="running", probe_started_at=AT, probe_number=7, failures=2
    )
    stale.name = "Renamed"
    hosts.change_host(person=staff, host=stale, at=AT)
    host.refresh_from_db()
    assert (host.name, host.probe_state, host.probe_number, host.failures) == ("Renamed", "running", 7, 2)
    assert host.next_probe_at == AT + timedelta(hours=1)


def test_another_address_begins_with_a_clean_sheet_and_is_asked_soon(staff: User) -> None:
    host = ssh_host(failures=9, last_failure="refused", last_failure_words="x", last_failure_mend="y")
    host.next_probe_at = AT + timedelta(hours=6)
    host.save()
    host.ssh_port = 2222
    hosts.change_host(person=staff, host=host, at=AT)
    host.refresh_from_db()
    assert (host.ssh_port, host.failures, host.last_failure, host.last_failure_words) == (2222, 0, "", "")
    assert host.next_probe_at == AT


def test_a_host_is_switched_off_and_on(staff: User) -> None:
    host = make_seen_host(next_probe_at=AT + timedelta(hours=1))
    hosts.set_enabled(person=staff, host=host, is_enabled=False, at=AT)
    assert not LabHost.objects.probed().exists()
    assert LabHost.objects.get().current is not None
    hosts.set_enabled(person=staff, host=host, is_enabled=True, at=AT)
    assert LabHost.objects.probed().get().next_probe_at == AT


def test_removing_forgets_what_no_other_host_had(staff: User) -> None:
    shared, own = make_document(), make_document(version="8.2.1")
    make_seen_host("kept", shared)
    host = make_seen_host("gone", shared)
    record(host, own, at=AT + timedelta(hours=1))
    for name, digest in (("gone", "a" * 64), ("kept", "b" * 64)):
        Fact.objects.create(digest=digest, kind=Fact.Kind.INVENTORY, data=b"")
        Inventory.objects.create(host=LabHost.objects.get(slug=name), taken_at=AT, digest=digest)
    assert DeviceRow.objects.values("devices").distinct().count() == 1
    hosts.remove_host(person=staff, host=host)
    assert [one.pk for one in Snapshot.objects.all()] == [shared.content_hash]
    assert [one.pk for one in Fact.objects.filter(kind="inventory")] == ["b" * 64]
    assert LabHost.objects.get().slug == "kept"


def test_only_closed_regular_files_are_keys(keys: Path) -> None:
    (keys / "link").symlink_to(keys / "lab")
    (keys / "folder").mkdir(mode=0o700)
    (keys / "-i").touch(mode=0o600)
    (keys / ".hidden").touch(mode=0o600)
    assert lab_keys.key_names() == ("lab",)


def test_of_a_key_its_public_half_alone_is_told(keys: Path) -> None:
    assert lab_keys.public_key("lab") == parse_public_key(HOST_KEY)
    (keys / "lab.pub").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nxxxx\n")
    assert lab_keys.public_key("lab") is None
    assert lab_keys.public_key("../keys/lab") is None
    assert lab_keys.public_key("no-such") is None


def test_without_a_folder_there_are_no_keys(settings: Settings, tmp_path: Path) -> None:
    settings.LAB_KEYS_DIR = tmp_path / "no-such"
    assert lab_keys.key_names() == ()


@pytest.mark.parametrize(("embedded", "visibility"), [(True, "public"), (False, "private")])
def test_a_new_portal_has_this_machine_and_a_demonstration(
    embedded: bool, visibility: str, settings: Settings
) -> None:
    settings.EMBEDDED = embedded
    make_host("debian-13", transport="reference")
    assert hosts.ensure_first_hosts() == ["This machine", "Demonstration"]
    assert hosts.ensure_first_hosts() == []
    made = LabHost.objects.probed().values_list("slug", "transport", "visibility")
    assert list(made) == [
        ("this-machine", "local", visibility),
        ("demonstration", "demonstration", "public"),
    ]


def test_a_first_host_that_staff_removed_stays_away(staff: User) -> None:
    starting_content.load()
    hosts.remove_host(person=staff, host=LabHost.objects.get(slug="this-machine"))
    starting_content.load()
    assert not LabHost.objects.filter(slug="this-machine").exists()


def test_the_search_is_told_when_a_host_is_hidden_or_removed(
    staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("portal.dispatch.send_on_commit", sent.append)
    host = make_host()
    hosts.change_host(person=staff, host=host, at=AT)
    assert sent == []
    host.visibility = LabHost.Visibility.PRIVATE
    hosts.change_host(person=staff, host=host, at=AT)
    assert sent == ["portal.search.tasks.reconcile"]
    hosts.remove_host(person=staff, host=host)
    assert sent == ["portal.search.tasks.reconcile"] * 2
