"""The portal's search over the lab."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from labtools.models import LabHost
from labtools.tests.lab_hosts import (
    AT,
    device,
    make_document,
    make_document_json,
    make_host,
    make_seen_host,
    record,
)
from portal.search import services
from portal.search.queries import search

pytestmark = pytest.mark.django_db


def urls(query: str) -> list[str]:
    services.reconcile_all(at=timezone.now())
    return [result.url for result in search(query, room="Lab").results]


def test_a_device_is_found_first_by_name_alias_and_parts() -> None:
    make_seen_host()
    for query in ("virtio-net-pci", "virtio-net", "net-pci", '"virtual network adapter"'):
        assert urls(query)[0] == "/lab/devices/virtio-net-pci/", query


def test_an_option_is_found_with_the_device_that_has_it(client: Client) -> None:
    make_seen_host()
    assert urls("host_mtu") == ["/lab/devices/virtio-net-pci/#option-host_mtu"]
    assert client.get("/lab/devices/virtio-net-pci/").status_code == 200


def test_private_hosts_are_not_in_the_index() -> None:
    raw = make_document_json()
    raw["qemu"][0]["devices"].append(
        device("zz-secret", properties=[{"name": "secret-option", "type": "str"}])
    )
    host = make_seen_host(document=make_document(raw), visibility=LabHost.Visibility.PRIVATE)
    assert urls("zz-secret") == urls("secret-option") == []
    LabHost.objects.filter(pk=host.pk).update(visibility=LabHost.Visibility.PUBLIC)
    assert urls("zz-secret")[0] == "/lab/devices/zz-secret/"
    LabHost.objects.filter(pk=host.pk).update(visibility=LabHost.Visibility.PRIVATE)
    assert urls("zz-secret") == urls("secret-option") == []


def test_what_a_host_lost_is_not_found_any_more() -> None:
    host = make_host()
    record(host, make_document())
    assert urls("virtio-net-pci")
    raw = make_document_json()
    raw["qemu"][0]["devices"] = raw["qemu"][0]["devices"][:1]
    record(host, make_document(raw), at=AT + timedelta(days=1))
    assert not urls("host_mtu")


def test_nothing_new_is_not_read_again(django_assert_max_num_queries: object) -> None:
    make_seen_host()
    services.reconcile_all(at=timezone.now())
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        assert services.reconcile("device") == 0
