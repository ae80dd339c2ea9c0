"""What libvirt of a host has: kept once, replaced by the next answer, and shown to whom it may be shown."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labtools.labhost.document import HostDocument
from labtools.labhost.tests import fibre_channel
from labtools.models import Fact, Inventory, LabHost, Snapshot
from labtools.queries import facts, inventories
from labtools.queries.host_inventory import ROWS
from labtools.services import hosts
from labtools.tests.lab_hosts import (
    AT,
    make_document,
    make_document_json,
    make_host,
    make_seen_host,
    record,
)
from labtools.tests.test_host_pages import lab_addresses
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db

NET = (
    "<device><name>net_secret0</name><parent>pci_0000_03_00_0</parent><capability type='net'>"
    "<interface>secret0</interface><address>52:54:00:5e:c2:e7</address></capability></device>"
)
POOL = {
    "xml": "<pool type='dir'><name>secret-pool</name><target><path>/srv/secret-pool</path></target></pool>",
    "active": True,
    "persistent": True,
    "autostart": True,
    "volumes": [
        "<volume><name>secret-volume.qcow2</name><capacity>1024</capacity>"
        "<target><path>/srv/secret-pool/secret-volume.qcow2</path></target></volume>"
    ],
}
#: A WWNN, a WWPN, a MAC, paths and names: what no stranger may read of a real host.
SECRETS = (
    fibre_channel.NODE,
    fibre_channel.PORT,
    fibre_channel.VHBA_PORT,
    "52:54:00:5e:c2:e7",
    "secret0",
    "/srv/secret-pool",
    "secret-volume",
    "secret-net",
)


def document(qemu: str = "7.2.22", **libvirt: Any) -> HostDocument:
    """A document with an inventory."""
    networks = ["<network><name>secret-net</name></network>"]
    devices = [*fibre_channel.DEVICES, NET]
    raw = fibre_channel.raw(node_devices=devices, pools=[POOL], networks=networks)
    return make_document(make_document_json(qemu) | {"libvirt": raw | libvirt})


class TestKeeping:
    def test_a_document_brings_its_inventory_and_the_version_of_libvirt(self) -> None:
        host, found = make_host(), document()
        record(host, found)
        kept = Inventory.objects.get()
        assert (kept.host, kept.taken_at) == (host, AT)
        assert inventories.contents([kept.digest]) == {kept.digest: found.inventory}
        snapshot = Snapshot.objects.get()
        assert snapshot.libvirt_version == "9.0.0"
        assert facts.stored_document(snapshot).libvirt_version == "9.0.0"

    def test_a_change_of_the_inventory_alone_is_no_new_snapshot_and_replaces_the_old(self) -> None:
        host = make_host()
        first = record(host, document())
        old = Inventory.objects.get().digest
        assert record(host, document(networks=[]), at=AT + timedelta(hours=1)) == first
        kept = Inventory.objects.get()
        assert kept.taken_at == AT + timedelta(hours=1)
        assert [one.pk for one in Fact.objects.filter(kind=Fact.Kind.INVENTORY)] == [kept.digest]
        assert kept.digest != old

    def test_an_inventory_that_another_host_has_too_stays(self) -> None:
        one, other = make_host("one"), make_host("other")
        record(one, document())
        record(other, document())
        record(one, document(networks=[]), at=AT + timedelta(hours=1))
        assert Fact.objects.filter(pk=other.inventory.digest).exists()
        assert Fact.objects.filter(kind=Fact.Kind.INVENTORY).count() == 2

    def test_where_libvirt_does_not_answer_the_last_stays_with_its_date(self) -> None:
        host = make_host()
        record(host, document())
        refused = fibre_channel.raw() | {"refused": {"connection": "no daemon"}}
        record(host, make_document(make_document_json() | {"libvirt": refused}), at=AT + timedelta(hours=1))
        assert Inventory.objects.get().taken_at == AT

    def test_another_libvirt_is_a_change_in_the_feed(self) -> None:
        host = make_host()
        record(host, document())
        sighting = record(host, document(version=11_003_000), at=AT + timedelta(hours=1))
        assert sighting.changes == ["libvirt 9.0.0 to 11.3.0"]

    def test_a_host_that_is_reached_in_another_way_has_no_inventory_until_it_answers(self) -> None:
        host = make_host()
        record(host, document())
        host.transport = "demonstration"
        hosts.change_host(person=make_user(is_staff=True), host=host, at=AT)
        assert not Inventory.objects.exists()
        assert not Fact.objects.filter(kind=Fact.Kind.INVENTORY).exists()


class TestShowing:
    def read(self, client: Client, host: LabHost) -> list[str]:
        """The page and the JSON of a host."""
        addresses = [reverse(f"labtools:{name}", args=[host.slug]) for name in ("host", "host_json")]
        return [client.get(address).content.decode() for address in addresses]

    def test_members_see_that_of_a_public_host_and_strangers_do_not(
        self, as_stranger: Client, as_member: Client
    ) -> None:
        host = make_seen_host("pune-1", document())
        for page in self.read(as_member, host):
            assert [secret for secret in SECRETS if secret not in page] == []
        page, data = self.read(as_stranger, host)
        assert "shown to members" in page
        assert "inventory" not in json.loads(data)
        assert [secret for secret in SECRETS if secret in page + data] == []

    def test_no_address_of_the_lab_shows_strangers_what_libvirt_of_a_host_has(
        self, as_stranger: Client
    ) -> None:
        host = make_seen_host("pune-1", document())
        told = []
        for address in lab_addresses(host):
            page = b"".join(as_stranger.get(address)).decode("utf-8", "replace")
            told += [(address, secret) for secret in SECRETS if secret in page]
        assert told == []

    def test_no_address_of_the_lab_shows_members_what_a_private_host_has(self, as_member: Client) -> None:
        host = make_seen_host("pune-1", document(), visibility="private")
        make_seen_host("open-1", make_document())
        told = []
        for address in lab_addresses(host):
            page = b"".join(as_member.get(address)).decode("utf-8", "replace")
            told += [(address, secret) for secret in SECRETS if secret in page]
        assert told == []

    def test_the_demonstrations_is_open_to_all(self, as_stranger: Client) -> None:
        host = make_seen_host("demonstration", document(), transport="demonstration")
        for page in self.read(as_stranger, host):
            assert fibre_channel.PORT in page

    def test_a_member_of_the_past_is_a_stranger(self) -> None:
        host = make_seen_host("pune-1", document())
        assert not host.may_show_inventory_to(make_user(is_active=False))
        assert host.may_show_inventory_to(make_user())

    def test_a_page_holds_the_first_rows_and_says_how_many_more_there_are(self, as_member: Client) -> None:
        devices = [fibre_channel.other(f"pci_{number:04}", "computer", "pci") for number in range(ROWS + 7)]
        host = make_seen_host("pune-1", document(node_devices=devices))
        page, data = self.read(as_member, host)
        assert f"pci_{ROWS - 1:04}" in page
        assert f"pci_{ROWS:04}" not in page
        assert "And 7 more" in page
        assert len(json.loads(data)["inventory"]["node_devices"]) == ROWS + 7

    def test_what_libvirt_refused_is_said(self, as_member: Client) -> None:
        refused = {"domain_capabilities": "operation forbidden <b>"}
        host = make_seen_host("pune-1", document(refused=refused))
        page, _ = self.read(as_member, host)
        assert "operation forbidden &lt;b&gt;" in page
