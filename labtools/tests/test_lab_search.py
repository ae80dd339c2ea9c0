"""The search of the lab, and its front page."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labtools.services.catalogue import refresh_catalogue
from labtools.tests.lab_hosts import device, make_seen_host
from labtools.tests.test_devices import document_with, page
from portal.tests.factories import make_user, signed_in

pytestmark = pytest.mark.django_db


def names(client: Client, query: str) -> list[str]:
    """The device types that are found, in order."""
    return [one["name"] for one in client.get("/lab/search.json", {"q": query}).json()["devices"]]


def make_cards() -> None:
    """Two hosts with cards that are alike."""
    make_seen_host()
    more = (
        device("my-virtio-net", description="like the other"),
        device("watch", description="a network adapter"),
    )
    make_seen_host("second", document_with(*more))
    refresh_catalogue()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("virtio-net", ["virtio-net-pci", "my-virtio-net"]),  # an alias, then a part of a name
        ("VIRTIO net", ["virtio-net-pci", "my-virtio-net"]),
        ("network adapter", ["watch", "virtio-net-pci"]),
        ("virtio-b", ["virtio-blk-pci"]),
        ("%", []),
        ("_", []),
        ("", []),
        ("   ", []),
    ],
)
def test_names_come_before_descriptions_and_each_once(
    as_stranger: Client, query: str, found: list[str]
) -> None:
    make_cards()
    assert names(as_stranger, query) == found


def test_what_is_found_leads_to_its_page(as_stranger: Client) -> None:
    make_cards()
    html = page(as_stranger, "/lab/search/?q=virtio-net")
    assert 'href="/lab/devices/virtio-net-pci/"' in html
    assert "2 device types for “virtio-net”." in html
    part = as_stranger.get("/lab/search/?q=virtio-net", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'id="lab-count" hx-swap-oob="true"' in part


def test_a_mistyped_name_is_guessed(as_stranger: Client) -> None:
    make_cards()
    html = page(as_stranger, "/lab/search/?q=virtio-nte-pci")
    assert 'href="/lab/search/?q=virtio-net-pci"' in html
    assert as_stranger.get("/lab/search.json?q=virtio-nte-pci").json()["did_you_mean"][0] == "virtio-net-pci"


@pytest.mark.parametrize(
    "query",
    ["\0", "a\0b", "x" * 10_000, "a " * 5_000, "([*+?\\", "🦆", "\u202e", "<script>", "' OR 1=1", "\ud800"],
)
def test_no_words_are_an_error(as_stranger: Client, query: str) -> None:
    make_cards()
    for address in ("/lab/search/", "/lab/search.json"):
        given = query.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        response = as_stranger.get(address, {"q": given})
        assert response.status_code == 200
        assert b"<script>al" not in response.content


def test_private_hosts_are_found_by_staff_alone(as_stranger: Client, as_member: Client) -> None:
    make_seen_host("cellar", document_with(device("secret-card")), visibility="private")
    assert names(as_stranger, "secret") == names(as_member, "secret") == []
    assert names(signed_in(make_user("staff@example.org", is_staff=True)), "secret") == ["secret-card"]
    for client in (as_stranger, as_member):
        assert "secret" not in client.get("/lab/search.json?q=secret-crad").json()["did_you_mean"]
        assert "cellar" not in client.get("/lab/").content.decode().lower()


def test_an_option_is_found_with_the_device_types_that_have_it(as_stranger: Client) -> None:
    make_cards()
    html = page(as_stranger, "/lab/search/?q=host-mtu")
    assert "0 device types and 1 option for “host-mtu”." in " ".join(html.split())
    assert 'href="/lab/devices/virtio-net-pci/#option-host_mtu"' in html
    found = as_stranger.get("/lab/search.json?q=host-mtu").json()
    assert found["properties"] == [
        {
            "name": "host_mtu",
            "description": "",
            "devices": ["virtio-net-pci"],
            "device_count": 1,
            "url": "/lab/devices/virtio-net-pci/#option-host_mtu",
        }
    ]


def test_an_option_of_cpu_types_alone_leads_to_the_cpu_models(as_stranger: Client) -> None:
    rows = [{"name": "avx512f", "type": "bool"}]
    cpus = (device(f"{name}-x86_64-cpu", group="CPU", properties=rows) for name in ("a", "b"))
    make_seen_host("second", document_with(*cpus))
    refresh_catalogue()
    html = page(as_stranger, "/lab/search/?q=avx512")
    assert "option of 2 CPU types" in html
    assert 'href="/lab/cpus/">avx512f</a>' in html


def test_options_lead_to_their_place_on_the_page(as_stranger: Client) -> None:
    rows = [
        {"name": "host_mtu", "type": "uint16", "description": "of the host"},
        {"name": "x-odd [0]", "type": "bool"},
    ]
    make_seen_host(document=document_with(*(device(f"card-{x}-pci", properties=rows) for x in "abcdefg")))
    refresh_catalogue()
    html = page(as_stranger, "/lab/search/?q=host-mtu")
    assert 'href="/lab/devices/card-a-pci/#option-host_mtu"' in html
    assert "and 3 more · of the host" in html
    odd = "/lab/devices/card-a-pci/?x=1#option-x-odd%20%5B0%5D"
    assert [one["url"] for one in as_stranger.get("/lab/search.json?q=odd").json()["properties"]] == [odd]
    assert 'id="option-x-odd%20%5B0%5D"' in page(as_stranger, odd)
    table = as_stranger.get("/lab/search.csv?q=host_mtu").content.decode("utf-8-sig")
    assert '"option","host_mtu","","card-a-pci, card-b-pci, ' in table


def test_the_explorer_names_options_below_its_list(as_stranger: Client) -> None:
    make_cards()
    html = page(as_stranger, "/lab/devices/?q=host_mtu")
    assert "No device type matches" in html
    assert 'href="/lab/devices/virtio-net-pci/#option-host_mtu"' in html


def test_what_the_workers_make_is_found_by_a_process_that_asked_before(as_stranger: Client) -> None:
    make_seen_host(document=document_with(device("just-seen")))
    assert as_stranger.get("/lab/search.json?q=just-seen").json()["device_count"] == 0
    refresh_catalogue()
    assert as_stranger.get("/lab/search.json?q=just-seen").json()["device_count"] == 1


@pytest.mark.parametrize("address", ["/lab/search/?q=virtio", "/lab/search/?q=nothing", "/lab/"])
def test_the_number_of_queries_does_not_grow_with_hosts(as_stranger: Client, address: str) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            as_stranger.get(address)
        return len(asked)

    make_seen_host()
    refresh_catalogue()
    count()  # the catalogue is in memory from here
    one = count()
    for number in (2, 3):
        make_seen_host(f"pune-{number}", document_with(device(f"card-{number}")))
    refresh_catalogue()
    count()
    assert count() == one


def test_the_front_page_leads_everywhere(as_stranger: Client) -> None:
    make_seen_host()
    html = page(as_stranger, "/lab/")
    assert 'action="/lab/search/"' in html
    for option, address in (
        ("-device ?", "/lab/devices/"),
        ("-device virtio-net-pci,?", "/lab/devices/virtio-net-pci/"),
        ("-M ?", "/lab/machines/"),
        ("-cpu ?", "/lab/cpus/"),
    ):
        assert f"qemu-system-x86_64 {option}</code>" in html
        assert f'href="{address}"' in html
    assert "seen for the first time: QEMU 7.2.22" in html
    assert "Not here yet" not in html
    assert 'href="/lab/images/"' in html
