"""The lab's search: what is found first, that no query is an error, and that only public hosts are in it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labtools import tasks
from labtools.labhost.document import HostDocument
from labtools.models import Catalogue, LabHost, ListWords
from labtools.queries import catalogue as queries
from labtools.queries.catalogue import LabSearchResult, search_lab
from labtools.services import catalogue
from labtools.tests.lab_hosts import AT, device, make_document, make_document_json, make_seen_host, record

pytestmark = pytest.mark.django_db


def document_with(*names: str, **more: object) -> HostDocument:
    raw = make_document_json()
    raw["qemu"][0]["devices"] += [device(name, **more) for name in names]
    raw["qemu"][0]["devices"].sort(key=lambda one: one["name"])
    return make_document(raw)


def devices_of(result: LabSearchResult) -> list[str]:
    return [one.name for one in result.devices]


@pytest.fixture
def lab() -> None:
    raw = make_document_json()
    more = [
        device("vmware-svga", description="not a net, but near"),
        device("my-virtio-net-a", alias="mine"),
        device("virtio-net-device", user_creatable=False),
        device("net", properties=[{"name": "virtio", "type": "bool"}]),
    ]
    rows = [{"name": "rss", "type": "bool"}, {"name": "vmx-x", "type": "bool", "description": "for the kvm"}]
    more += [device(f"m{number}-x86_64-cpu", group="CPU", properties=rows) for number in range(3)]
    raw["qemu"][0]["devices"] = sorted([*raw["qemu"][0]["devices"], *more], key=lambda one: one["name"])
    make_seen_host(document=make_document(raw))
    catalogue.refresh_catalogue()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # exactly, the beginning (what -device takes first), a word's beginning, described
        ("net", ["net", "virtio-net-pci", "my-virtio-net-a", "virtio-net-device", "vmware-svga"]),
        ("virtio-net", ["virtio-net-pci", "virtio-net-device", "my-virtio-net-a"]),
        ("VIRTIO_NET pci", ["virtio-net-pci"]),
        ("mine", ["my-virtio-net-a"]),
        ("irtio-b", ["virtio-blk-pci"]),
        ("net virtio", ["virtio-net-pci", "my-virtio-net-a", "virtio-net-device"]),
        ("cpu", ["m0-x86_64-cpu", "m1-x86_64-cpu", "m2-x86_64-cpu"]),
    ],
)
@pytest.mark.usefixtures("lab")
def test_the_nearer_to_a_name_the_earlier(query: str, found: list[str]) -> None:
    assert devices_of(search_lab(query)) == found


@pytest.mark.usefixtures("lab")
def test_an_option_is_one_entry_with_the_first_of_its_devices() -> None:
    (rss,) = search_lab("rss").properties
    assert (rss.name, rss.devices, rss.device_count) == ("rss", ("virtio-net-pci",), 4)
    (feature,) = search_lab("vmx").properties
    assert (feature.devices, feature.device_count, feature.description) == ((), 3, "for the kvm")
    assert [one.name for one in search_lab("HOST-mtu").properties] == ["host_mtu"]
    both = search_lab("virtio")
    assert [one.name for one in both.properties] == ["virtio"]
    assert both.device_count == 5


@pytest.mark.parametrize(("query", "meant"), [("virtoi-net", "virtio-net-pci"), ("scsii", "scsi")])
@pytest.mark.usefixtures("lab")
def test_a_slip_is_guessed(query: str, meant: str) -> None:
    result = search_lab(query)
    assert result.is_empty
    assert meant in result.did_you_mean
    assert search_lab("zzzzqqqq").did_you_mean == ()


@pytest.mark.usefixtures("lab")
def test_no_more_than_the_limit_but_all_are_counted() -> None:
    result = search_lab("virtio", limit=2)
    assert (len(result.devices), result.device_count) == (2, 5)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(query=st.text(max_size=300))
@pytest.mark.usefixtures("lab")
def test_no_query_is_an_error(query: str) -> None:
    search_lab(query)


def test_an_empty_lab_has_nothing_and_no_error() -> None:
    assert search_lab("virtio").is_empty
    assert search_lab(" \x00 ").query == ""


def test_private_hosts_are_never_in_it() -> None:
    make_seen_host("pune-1")
    make_seen_host("secret-1", document_with("secret-device", alias="hush"), visibility="private")
    catalogue.refresh_catalogue()
    for query in ("secret-device", "hush", "secret-devic"):
        result = search_lab(query)
        assert result.is_empty
        assert result.did_you_mean == ()
    assert ListWords.objects.count() == 1


def test_a_host_that_is_hidden_leaves_the_search_at_once() -> None:
    make_seen_host("pune-1")
    make_seen_host("pune-2", document_with("late-device"))
    catalogue.refresh_catalogue()
    assert devices_of(search_lab("late-device")) == ["late-device"]
    LabHost.objects.filter(slug="pune-2").update(visibility="private")
    assert search_lab("late-device").is_empty
    assert devices_of(search_lab("virtio-blk")) == ["virtio-blk-pci"]


def test_the_worker_reads_only_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    host = make_seen_host("pune-1")
    make_seen_host("pune-2")
    assert catalogue.refresh_catalogue()
    read: list[str] = []
    words = catalogue._words

    def counted(digest: str) -> dict[str, object]:
        read.append(digest)
        return words(digest)

    monkeypatch.setattr(catalogue, "_words", counted)
    record(host, document_with("new-device"), at=AT + timedelta(hours=1))
    assert search_lab("new-device").is_empty
    assert devices_of(search_lab("virtio-blk")) == ["virtio-blk-pci"]
    tasks.labs.refresh_catalogue()
    assert devices_of(search_lab("new-device")) == ["new-device"]
    assert len(read) == 1
    with CaptureQueriesContext(connection) as asked:
        assert not catalogue.refresh_catalogue()
    assert len(asked) == 2
    assert Catalogue.objects.count() == 2


@pytest.mark.usefixtures("lab")
def test_a_search_is_one_query_once_the_catalogue_is_in_memory() -> None:
    search_lab("virtio")
    with CaptureQueriesContext(connection) as asked:
        assert search_lab("virtio").devices
    assert len(asked) == 1
    assert queries.public_lists()


def test_of_names_as_long_the_more_usual_is_first() -> None:
    make_seen_host("pune-1", document_with("card-aaa", "card-pci", alias="card"))
    make_seen_host("pune-2", document_with("card-pci", alias="card"))
    catalogue.refresh_catalogue()
    assert devices_of(search_lab("card")) == ["card-pci", "card-aaa"]
