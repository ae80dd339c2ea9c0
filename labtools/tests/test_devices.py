"""The device explorer and the page of a device type, as people and programs see them."""

import csv
import io
import shlex
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labtools.labhost import limits
from labtools.labhost.document import HostDocument
from labtools.models import LabHost
from labtools.queries.sources import version_key
from labtools.tests.lab_hosts import (
    AT,
    PROPERTIES,
    device,
    make_document,
    make_document_json,
    make_seen_host,
    record,
)
from portal.tests.factories import make_user, signed_in
from portal.tests.invariants import broken_invariants

pytestmark = pytest.mark.django_db
NET = "virtio-net-pci"


def page(client: Client, address: str, status: int = 200) -> str:
    """The page at ``address``, its white space evened out."""
    response = client.get(address)
    assert response.status_code == status, response
    html = response.content.decode()
    assert broken_invariants(html) == []
    return " ".join(html.split())


def document_with(*devices: dict[str, Any], version: str = "7.2.22", target: str = "x86_64") -> HostDocument:
    """A document that has ``devices`` in the place of those of the same name, or beside the others."""
    raw = make_document_json(version, target)
    names = {one["name"] for one in devices}
    kept = [one for one in raw["qemu"][0]["devices"] if one["name"] not in names]
    raw["qemu"][0]["devices"] = sorted([*kept, *devices], key=lambda one: one["name"])
    return make_document(raw)


def net(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The network card with other options."""
    return device(NET, group="Network", bus="PCI", alias="virtio-net", properties=rows)


def make_versions() -> None:
    """Three references: 5.2 lacks mtu and has another type, 7.2, and 10.0, which lost rss and has another default."""
    rows = PROPERTIES[NET]
    mac, mtu, rss, timer = rows[1], rows[0], rows[2], rows[3]
    for slug, version, given in (
        ("debian-11", "5.2.0", [mac, rss | {"type": "str"}, timer]),
        ("debian-12", "7.2.22", [mtu, mac, rss, timer]),
        ("debian-13", "10.0.13", [mtu | {"default": 1500}, mac, timer, {"name": "zz", "type": "bool"}]),
    ):
        given = sorted(given, key=lambda row: str(row["name"]))
        make_seen_host(
            slug,
            document_with(net(given), version=version),
            transport=LabHost.Transport.REFERENCE,
            position=int(slug[-2:]),
        )


# ------------------------------------------------------------------------------------------- explorer


def test_the_explorer_has_every_device_type_in_qemus_groups_with_counts(as_stranger: Client) -> None:
    make_seen_host()
    html = page(as_stranger, "/lab/devices/")
    places = [html.index(f"> {group} <span") for group in ("Storage", "Network", "Display")]
    assert places == sorted(places)
    assert "3 device types." in html
    assert "A virtual network adapter" in html
    assert "qemu-system-x86_64 -device help" in html
    assert "failed to open module: hw-display-virtio-gpu-pci-gl.so" in html
    assert 'href="/lab/devices/virtio-net-pci/?on=pune-1%3Ax86_64"' in html


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=network+adapter", [NET]),
        ("q=VIRTIO-NET", [NET]),
        ("q=adapter+blk", []),
        ("q=virtio-blk", ["virtio-blk-pci"]),
        ("group=Storage", ["virtio-blk-pci"]),
        ("bus=PCI&group=Display", ["virtio-gpu-gl-pci"]),
        ("bus=none", ["chip"]),
        ("creatable=no", ["chip"]),
        ("creatable=yes&group=Network", [NET]),
        ("creatable=perhaps&group=none", ["chip"]),
    ],
)
def test_filters_narrow_the_list_the_json_and_the_csv(
    as_stranger: Client, query: str, names: list[str]
) -> None:
    make_seen_host(document=document_with(device("chip", user_creatable=False)))
    data = as_stranger.get(f"/lab/devices.json?{query}").json()
    assert [one["name"] for one in data["devices"]] == names
    assert data["source"]["host"] == "pune-1"
    rows = list(
        csv.reader(io.StringIO(as_stranger.get(f"/lab/devices.csv?{query}").content.decode("utf-8-sig")))
    )
    assert [row[0] for row in rows[1:]] == names
    html = page(as_stranger, f"/lab/devices/?{query}")
    assert f"{len(names)} of 4 device types" in html


def test_htmx_gets_the_list_alone_with_the_count_for_its_place(as_stranger: Client) -> None:
    make_seen_host()
    response = as_stranger.get("/lab/devices/?q=net", headers={"HX-Request": "true"})
    html = " ".join(response.content.decode().split())
    assert "<html" not in html
    assert 'id="device-count" hx-swap-oob="true">' in html
    assert "1 of 3 device types match “net”." in html
    assert "HX-Request" in response["Vary"]


def test_what_is_not_found_leads_on(as_stranger: Client) -> None:
    make_seen_host()
    make_seen_host("mainframe", document_with(device("virtio-net-ccw"), target="s390x"))
    html = page(as_stranger, "/lab/devices/?q=virtoi-net-pci&on=pune-1:x86_64")
    assert 'Did you mean <a class="mono" href="/lab/devices/virtio-net-pci/?on=pune-1%3Ax86_64"' in html
    html = page(as_stranger, "/lab/devices/?q=virtio-net-ccw&on=pune-1:x86_64")
    assert 'href="/lab/devices/virtio-net-ccw/?on=mainframe%3As390x"' in html


def test_a_lab_without_hosts_says_what_to_do(as_stranger: Client) -> None:
    assert "qemu-system-x86_64 -device help" in page(as_stranger, "/lab/devices/")
    assert as_stranger.get("/lab/devices.json").status_code == 404
    assert "No lab host has been asked yet" in page(as_stranger, "/lab/devices/e1000/", 404)


@pytest.mark.parametrize("query", ["%00", "x" * 10_000, "([*+?\\", "%F0%9F%A6%86", "%E2%80%AE", "<script>"])
def test_no_words_are_an_error(as_stranger: Client, query: str) -> None:
    make_seen_host()
    assert as_stranger.get(f"/lab/devices/?q={query}&bus={query}&group={query}").status_code == 200
    assert as_stranger.get(f"/lab/devices.json?q={query}").status_code == 200
    assert as_stranger.get(f"/lab/devices/?on={query}").status_code in (200, 404)


# ---------------------------------------------------------------------------------------- device page


def test_the_page_shows_what_the_command_prints_and_the_command(as_stranger: Client) -> None:
    make_seen_host()
    html = page(as_stranger, f"/lab/devices/{NET}/")
    assert "qemu-system-x86_64 -device virtio-net-pci,help" in html
    assert "virtio-net-pci options: host_mtu=&lt;uint16&gt; - (default: 0)" in html
    assert "Also known as <code>virtio-net</code>" in html
    assert "4 options on QEMU 7.2.22." in html
    assert 'id="option-host_mtu"' in html
    assert "machine types may override it" in html
    data = as_stranger.get(f"/lab/devices/{NET}.json").json()
    assert data["help"].startswith("virtio-net-pci options:\n  host_mtu=<uint16>      -  (default: 0)\n")
    assert data["page"].endswith(f"/lab/devices/{NET}/")


def test_experimental_options_are_hidden_counted_and_shown_on_request(as_stranger: Client) -> None:
    make_seen_host()
    html = page(as_stranger, f"/lab/devices/{NET}/")
    assert 'id="option-x-txtimer"' not in html
    assert "options (1)" in html
    assert 'id="option-x-txtimer"' in page(as_stranger, f"/lab/devices/{NET}/?x=1")


def test_each_option_is_answered_for_every_version(as_stranger: Client) -> None:
    make_versions()
    data = as_stranger.get(f"/lab/devices/{NET}.json?on=debian-12:x86_64").json()
    answers = {option["name"]: list(option["on"].values()) for option in data["options"]}
    assert list(data["options"][0]["on"]) == [f"debian-{n}:x86_64" for n in (11, 12, 13)]
    assert answers == {
        "host_mtu": ["no", "yes", "default changed"],
        "mac": ["yes", "yes", "yes"],
        "rss": ["type changed", "yes", "removed"],
        "x-txtimer": ["yes", "yes", "yes"],
        "zz": ["no", "no", "yes"],
    }
    html = page(as_stranger, f"/lab/devices/{NET}/?on=debian-12:x86_64")
    assert "4 options on QEMU 7.2.22; 1 more than on 5.2." in html
    assert ">1500</small>" in html
    assert "not on this QEMU" in html
    html = page(as_stranger, f"/lab/devices/{NET}/?on=debian-12:x86_64&changed=1")
    assert 'id="option-mac"' not in html
    assert 'id="option-rss"' in html
    html = page(as_stranger, f"/lab/devices/{NET}/?on=debian-13:x86_64")
    assert "4 options on QEMU 10.0.13; 1 new and 1 gone since 7.2." in html
    table = csv.reader(
        io.StringIO(
            as_stranger.get(f"/lab/devices/{NET}.csv?on=debian-12:x86_64").content.decode("utf-8-sig")
        )
    )
    assert ["rss", "bool", "off", "", "type changed str", "yes", "removed"] in list(table)


def test_a_type_that_others_lack_or_that_ends_their_qemu_is_told(as_stranger: Client) -> None:
    make_seen_host()
    make_seen_host("new", document_with(device("novel"), device("virtio-gpu-gl-pci", properties=[])))
    html = page(as_stranger, "/lab/devices/novel/?on=new:x86_64")
    assert "<li>Pune-1 · QEMU 7.2.22 · x86_64</li>" in html
    data = as_stranger.get("/lab/devices/virtio-gpu-gl-pci.json?on=new:x86_64").json()
    assert (data["died_on"], data["lacking"]) == (["pune-1:x86_64"], [])


def test_a_type_that_ended_qemu_shows_its_last_words(as_stranger: Client) -> None:
    make_seen_host()
    html = page(as_stranger, "/lab/devices/virtio-gpu-gl-pci/")
    assert "QEMU ended when it was asked for this type." in html
    assert "failed to open module: hw-display-virtio-gpu-pci-gl.so" in html


def test_the_page_leads_to_whatever_takes_the_type_from_here(as_stranger: Client) -> None:
    cpu = device("Skylake-Client-x86_64-cpu", group="CPU", properties=[])
    make_seen_host(document=document_with(cpu))
    html = page(as_stranger, f"/lab/devices/{NET}/")
    for address in (
        "/lab/build/?device=virtio-net-pci&amp;on=pune-1%3Ax86_64",
        "/lab/lint/?text=-device%20virtio-net-pci&amp;on=pune-1%3Ax86_64",
        "/lab/matrix/?q=virtio-net-pci",
        "/lab/devices/?group=Network&amp;on=pune-1%3Ax86_64",
    ):
        assert f'href="{address}"' in html
    assert "CPU model" not in html.split("<main", 1)[1].split("Lab · ", 1)[1]
    html = page(as_stranger, "/lab/devices/Skylake-Client-x86_64-cpu/")
    assert 'href="/lab/cpus/Skylake-Client/?on=pune-1%3Ax86_64"' in html
    dead = page(as_stranger, "/lab/devices/virtio-gpu-gl-pci/")
    assert 'href="/lab/modules/?on=pune-1%3Ax86_64"' in dead
    assert "/lab/build/?device=virtio-gpu-gl-pci" not in dead


@pytest.mark.parametrize("typed", ["virtio-net", "VIRTIO-NET", "Virtio-Net-PCI"])
def test_aliases_and_other_cases_lead_to_the_name_with_the_query(as_stranger: Client, typed: str) -> None:
    make_seen_host()
    response = as_stranger.get(f"/lab/devices/{typed}/?on=pune-1:x86_64&x=1")
    assert response.status_code == 302
    assert response["Location"] == "/lab/devices/virtio-net-pci/?on=pune-1%3Ax86_64&x=1"
    assert as_stranger.get(f"/lab/devices/{typed}.json")["Location"] == "/lab/devices/virtio-net-pci.json"


def test_a_type_that_only_another_qemu_has_is_shown_from_there(as_stranger: Client) -> None:
    make_seen_host()
    document = document_with(device("virtio-net-ccw", properties=[]), target="s390x")
    make_seen_host("mainframe", document, position=200)
    html = page(as_stranger, "/lab/devices/virtio-net-ccw/")
    assert "This is Mainframe · QEMU 7.2.22 · s390x." in html
    assert "This is Mainframe" in page(as_stranger, "/lab/devices/virtio-net-ccw/?on=")
    html = page(as_stranger, "/lab/devices/virtio-net-ccw/?on=pune-1:x86_64", 404)
    assert 'href="/lab/devices/virtio-net-ccw/?on=mainframe%3As390x"' in html


def test_the_permanent_link_says_the_same_after_the_host_has_changed(as_stranger: Client) -> None:
    host = make_seen_host()
    assert host.current
    pinned = f"{host.current.snapshot_id}:x86_64"
    record(host, document_with(net([]), version="8.0.0"), at=AT + timedelta(days=1))
    assert "This device type has no options." in page(
        as_stranger, f"/lab/devices/{NET}/?on=pune-1:x86_64&x=1"
    )
    html = page(as_stranger, f"/lab/devices/{NET}/?on={pinned}")
    assert "4 options on QEMU 7.2.22; the" not in html
    assert 'id="option-host_mtu"' in html
    answers = as_stranger.get(f"/lab/devices/{NET}.json?on={pinned}").json()["options"][0]["on"]
    assert answers == {pinned: "yes", "pune-1:x86_64": "removed"}
    assert f"on={pinned.replace(':', '%3A')}" in html


def test_more_columns_than_fit_are_counted_and_the_own_one_stays(as_stranger: Client) -> None:
    for number in range(10):
        make_seen_host(f"h{number}", document_with(version=f"7.{number}.0"), position=number)
    data = as_stranger.get(f"/lab/devices/{NET}.json?on=h9:x86_64").json()
    assert list(data["options"][0]["on"]) == [f"h{n}:x86_64" for n in (0, 1, 2, 3, 4, 5, 6, 9)]
    assert "2 more of the same target have no column here" in page(
        as_stranger, f"/lab/devices/{NET}/?on=h9:x86_64"
    )


def test_versions_compare_by_number() -> None:
    assert (
        version_key("10.0.13") > version_key("7.2.22 (Debian 1:7.2)") > version_key("7.2") > version_key("")
    )


def test_search_engines_are_told_of_the_pages_of_public_hosts(as_stranger: Client) -> None:
    make_seen_host("cellar", document_with(device("secret-card")), visibility="private", position=1)
    assert "/lab/devices/virtio" not in as_stranger.get("/sitemap.xml").content.decode()
    make_seen_host(document=document_with(device("Some-x86_64-cpu", group="CPU")))
    sitemap = as_stranger.get("/sitemap.xml").content.decode()
    assert "/lab/devices/virtio-net-pci/</loc>" in sitemap
    assert "secret-card" not in sitemap
    assert "-cpu" not in sitemap


# ------------------------------------------------------------------------- persons, hostility, queries


def test_private_hosts_are_staffs_alone(as_stranger: Client, as_member: Client) -> None:
    make_seen_host()
    make_seen_host("cellar", document_with(device("secret-card")), visibility="private")
    for client in (as_stranger, as_member):
        assert as_stranger.get("/lab/devices/?on=cellar:x86_64").status_code == 404
        html = page(client, "/lab/devices/secret-card/", 404)
        assert "cellar" not in html.lower()
        assert "cellar" not in page(client, f"/lab/devices/{NET}/").lower()
        assert "cellar" not in page(client, "/lab/devices/?q=secret-card").lower()
        assert "cellar" not in client.get(f"/lab/devices/{NET}.json").content.decode().lower()
    staff = signed_in(make_user("staff@example.org", is_staff=True))
    assert "Cellar" in page(staff, "/lab/devices/secret-card/?on=cellar:x86_64")


def test_texts_of_a_host_are_only_text(as_stranger: Client) -> None:
    evil = "<script>alert(1)</script>=HYPERLINK(1)"  # signs that turn the line round do not pass the parser
    long = "a" * limits.MAX_NAME
    rows = [
        {"name": "memhp container[0]", "type": "link<x>", "description": "=1+1", "default": "<b>"},
        {"name": long, "type": "str"},
    ]
    make_seen_host(
        document=document_with(
            device(
                long,
                group=evil[:100],
                bus=evil[:100],
                description=evil,
                properties=sorted(rows, key=lambda r: r["name"]),
            ),
            device("dead", status="died", last_words=evil),
        )
    )
    for address in ("/lab/devices/", f"/lab/devices/{long}/", "/lab/devices/dead/", "/lab/devices/?q=script"):
        html = page(as_stranger, address)
        assert "<script>alert" not in html
    html = page(as_stranger, f"/lab/devices/{long}/")
    assert 'id="option-memhp%20container%5B0%5D"' in html
    assert "link&lt;x&gt;" in html
    for file in ("/lab/devices.csv", f"/lab/devices/{long}.csv"):
        assert "\n=" not in as_stranger.get(file).content.decode()


def test_names_with_every_sign_have_addresses(as_stranger: Client) -> None:
    for name in ("SUNW,fdtwo", "a/b", "a#b=c", "x.json", "qemu:memory@[1]~(2)"):
        make_seen_host(f"host-{len(LabHost.objects.all())}", document_with(device(name, properties=[])))
        listed = as_stranger.get(
            "/lab/devices.json?on=" + LabHost.objects.latest("pk").slug + ":x86_64"
        ).json()
        url = next(one["url"] for one in listed["devices"] if one["name"] == name)
        answer = as_stranger.get(url).json()
        assert answer["device"]["name"] == name
        # As QEMU takes it: a comma is written twice.
        assert shlex.split(answer["command"])[2] == name.replace(",", ",,") + ",help"
        assert f">{name}</h1>" in page(as_stranger, url.removesuffix(".json") + "/")


@pytest.mark.parametrize("address", ["/lab/devices/", f"/lab/devices/{NET}/", "/lab/devices/none/"])
def test_the_number_of_queries_does_not_grow_with_hosts(as_stranger: Client, address: str) -> None:
    def count(*hosts: LabHost) -> int:
        for host in hosts:
            # New to this process, so that nothing was read before.
            rows = [{"name": f"option-{len(hosts)}-{host.slug}-{len(address)}", "type": "bool"}]
            record(host, document_with(net(rows)), at=AT + timedelta(days=len(hosts)))
        with CaptureQueriesContext(connection) as asked:
            as_stranger.get(address)
        return len(asked)

    hosts = [make_seen_host(f"pune-{number}") for number in (1, 2, 3)]
    LabHost.objects.exclude(slug="pune-1").update(current=None)
    one = count(hosts[0])
    assert count(*hosts) == one
    assert one <= 6
