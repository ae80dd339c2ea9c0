"""Addresses that name what is not there say so in words, to everybody in the same words."""

import json
from html import unescape

import pytest
from django.test import Client

from labtools.models import LabHost
from labtools.queries.sources import NO_SNAPSHOT
from labtools.tests.lab_hosts import make_document, make_seen_host
from portal.tests.factories import make_user, signed_in
from portal.tests.invariants import broken_invariants

pytestmark = pytest.mark.django_db

#: Pages with one QEMU, or some, of the address.
PAGES = (
    "devices",
    "devices/virtio-net-pci",
    "cpus",
    "machines",
    "matrix",
    "common",
    "modules",
    "build",
    "lint",
)
NO_HOST = "There is no host of that name with anything to show."


@pytest.fixture(autouse=True)
def hosts() -> dict[str, LabHost]:
    private = LabHost.Visibility.PRIVATE
    return {
        "pune-1": make_seen_host(),
        "inner": make_seen_host("inner", make_document(version="8.2.1"), visibility=private),
    }


def missing(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 404, address
    html = response.content.decode()
    assert broken_invariants(html) == []
    return unescape(" ".join(html.split()))


@pytest.mark.parametrize("name", PAGES)
def test_page_says_that_its_host_is_missing_and_leads_to_those_that_are_there(
    client: Client, name: str
) -> None:
    shown = missing(client, f"/lab/{name}/?q=mac&on=no-such-host:x86_64")
    assert NO_HOST in shown
    assert f'href="/lab/{name}/?q=mac">Choose from what there is</a>' in shown
    assert client.get(f"/lab/{name}/?q=mac").status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_private_host_is_missing_in_the_same_words(
    client: Client, hosts: dict[str, LabHost], name: str
) -> None:
    sighting = hosts["inner"].current
    assert sighting is not None
    member = signed_in(make_user())
    for there, not_there in (("inner", "nowhere"), (sighting.snapshot_id, "0" * 64)):
        for who in (client, member):
            words = [
                missing(who, f"/lab/{name}/?on={where}:x86_64").replace(where, "")
                for where in (there, not_there)
            ]
            leads = [text[text.index('class="lead"') : text.index("Search the portal")] for text in words]
            assert leads[0] == leads[1]


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("pune-1:sparc", "That host has no QEMU for that target."),
        ("%3Cscript%3E", "That is not the name of a host and its QEMU."),
        ("a%0Ab:x86_64", "That is not the name of a host and its QEMU."),
        ("%FF%E2%80%AE", "That is not the name of a host and its QEMU."),
        ("0" * 64 + ":x86_64", NO_SNAPSHOT),
    ],
)
def test_words_say_what_is_wrong_and_repeat_nothing_of_it(client: Client, on: str, words: str) -> None:
    shown = missing(client, f"/lab/cpus/?on={on}")
    assert f'<p class="lead">{words}</p>' in shown
    assert "<script>" not in shown
    assert "\u202e" not in shown


def test_both_sides_of_a_comparison_are_left_out(client: Client) -> None:
    shown = missing(client, "/lab/compare/?a=pune-1:x86_64&b=nowhere:x86_64&show=devices")
    assert 'href="/lab/compare/?show=devices">' in shown


def test_programs_are_told_in_json_and_tables_lead_to_their_page(client: Client) -> None:
    answer = client.get("/lab/cpus.json?on=nowhere:x86_64")
    assert (answer.status_code, json.loads(answer.content)) == (404, {"error": NO_HOST})
    assert 'href="/lab/cpus/">' in missing(client, "/lab/cpus.csv?on=nowhere:x86_64")


@pytest.mark.parametrize(
    ("address", "words", "instead"),
    [
        ("/lab/npiv/?host=nowhere", "There is no host of that name whose Fibre", "/lab/npiv/"),
        ("/lab/npiv/?host=own&port=x", "The link does not describe a Fibre", "/lab/npiv/"),
        ("/lab/iso/?host=nowhere&path=/a.iso", "whose storage pools", "/lab/iso/?path=%2Fa.iso"),
        ("/lab/hosts/nowhere/", "There is no lab host of that name", ""),
        ("/lab/hosts/inner/", "There is no lab host of that name", ""),
        (f"/lab/snapshots/{'0' * 64}/", "There is no snapshot of that hash", ""),
        ("/lab/cpus/no-such-model/", "No host of the lab has that CPU model.", ""),
    ],
)
def test_other_things_are_missing_in_words(client: Client, address: str, words: str, instead: str) -> None:
    shown = missing(client, address)
    assert words in shown
    assert (f'href="{instead}">Choose' in shown) if instead else ("Choose from" not in shown)


def test_what_django_says_of_a_missing_row_is_not_shown(client: Client) -> None:
    shown = missing(client, "/lab/images/00000000-0000-0000-0000-000000000000/")
    assert "matches the given query" not in shown
    assert "It may have moved" in shown
