"""The ISO doctor's page: the commands, the paste, lab hosts by who may see them, and the same for programs."""

import html
import json
import logging
import shlex
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from pytest_django.asserts import assertContains, assertNotContains

from labtools.labhost import iso
from labtools.labhost.tests import fibre_channel
from labtools.labhost.tests.iso_output import PATH, VOLUMES, label, make_output
from labtools.models import LabHost
from labtools.queries import inventories
from labtools.tests.fibre_hosts import make_fibre_host
from portal.accounts.models import User

pytestmark = pytest.mark.django_db

PAGE, JSON, CSV = "/lab/iso/", "/lab/iso.json", "/lab/iso.csv"
STALE = make_output(volumes=VOLUMES.replace("fedora", "other"))


def make_pool_host(slug: str, folder: str, **fields: Any) -> LabHost:
    """A host with one active pool that does not start at boot."""
    xml = f"<pool type='dir'><name>pool-of-{slug}</name><target><path>{folder}</path></target></pool>"
    pool = {"xml": xml, "active": True, "persistent": True, "autostart": False, "volumes": []}
    return make_fibre_host(slug, fibre_channel.raw(node_devices=[], pools=[pool]), **fields)


@pytest.fixture
def hosts() -> dict[str, LabHost]:
    return {
        "demonstration": make_fibre_host(),
        "public": make_pool_host("rack-1", "/srv/secret-1"),
        "private": make_pool_host("rack-2", "/srv/secret-2", visibility="private"),
    }


def client_of(person: str) -> Client:
    client = Client()
    if person != "stranger":
        user = User.objects.create_user(email=f"{person}@example.org", is_staff=person == "staff")
        client.force_login(user)
    return client


def paste(client: Client, output: str, path: str = PATH, address: str = PAGE) -> Any:
    return client.post(f"{address}?path={path}", {"output": output})


# ------------------------------------------------------------------------------------------------------ one's own host
def test_a_stranger_gets_the_commands_for_a_path_without_an_account() -> None:
    path = "/srv/it's <b>.iso"
    answer = Client().get(PAGE, {"path": f"  {path} "})
    assertContains(answer, html.escape(iso.command_block(path).rstrip("\n")))
    assertContains(answer, "path=%2Fsrv%2Fit%27s+%3Cb%3E.iso&amp;host=own")
    assertNotContains(answer, "<b>.iso")
    assertContains(answer, '<meta name="robots" content="noindex">')


def test_the_empty_page_says_what_comes_next() -> None:
    answer = Client().get(PAGE)
    assertContains(answer, "Give the path above, and the commands for it stand here.")
    assertNotContains(answer, "noindex")
    assertNotContains(answer, "error-summary")


@pytest.mark.parametrize("path", ["", "debian.iso", "/a/../b", "/a\x07b"])
def test_a_path_that_is_refused_is_kept_in_its_field(path: str) -> None:
    answer = Client().get(PAGE, {"path": path})
    assertContains(answer, "error-summary")
    assertNotContains(answer, "== iso-doctor: ")
    assert answer.context["page"].path == ""


def test_pasted_output_gets_its_cause_and_the_commands_that_mend_it() -> None:
    answer = paste(Client(), STALE)
    assertContains(answer, "The pool isos has not noticed the file yet")
    assertContains(answer, "sudo virsh -c qemu:///system pool-refresh --pool isos")
    assertContains(answer, "Pool isos refreshed")
    assertContains(answer, "verdict tone-bad")


@pytest.mark.parametrize(
    ("output", "tone", "title"),
    [
        (make_output(), "good", "Nothing wrong was found"),
        (make_output(mount=None), "note", "No cause was found in what is known"),
        (make_output(labels=label("user_home_t")), "warn", "The file has the SELinux type user_home_t"),
        (make_output(labels=label("user_home_t"), selinux="0"), "good", "Nothing wrong was found"),
    ],
)
def test_the_verdict_is_no_better_than_what_is_known(output: str, tone: str, title: str) -> None:
    answer = paste(Client(), output)
    assertContains(answer, f"verdict tone-{tone}")
    assertContains(answer, f'<h2 id="diagnosis-title">{title}</h2>')


def test_the_path_may_come_from_the_output() -> None:
    answer = Client().post(PAGE, {"output": STALE})
    assertContains(answer, "The pool isos has not noticed the file yet")
    assert answer.context["page"].path == PATH
    assertContains(answer, f'value="{PATH}"')


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("", "Paste what the commands printed."),
        ("hello there", "No line in this begins with"),
        ("x" * (iso.MAX_PASTE + 1), "at most 262144 characters"),
        ("\n== iso-doctor: path\n/srv/other.iso\n", "This output is about /srv/other.iso"),
    ],
    ids=["empty", "words", "long", "another path"],
)
def test_a_paste_that_cannot_be_read_is_kept_with_the_reason(output: str, words: str) -> None:
    answer = paste(Client(), output)
    assert answer.status_code == 422
    assertContains(answer, words, status_code=422)
    assertContains(answer, html.escape(output), status_code=422)
    assertNotContains(answer, 'id="diagnosis"', status_code=422)


def test_what_is_pasted_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    output = make_output(
        namei=f"f: {PATH}\ndrwxr-xr-x root root /\n srv - No such file or directory", libvirt=evil
    )
    output = output.replace("<name>isos", "<name>a&lt;img src=x&gt;")
    answer = paste(Client(), output)
    assertNotContains(answer, evil)
    assertNotContains(answer, "<img src=x>")


def test_nothing_pasted_is_written_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    with (
        caplog.at_level(logging.DEBUG),
        CaptureQueriesContext(
            connection,
        ) as queries,
    ):
        paste(client, STALE.replace("isos", "mine-alone"))
    written = [query["sql"] for query in queries if not query["sql"].startswith("SELECT")]
    assert written == []
    assert "mine-alone" not in caplog.text.replace(" ".join(query["sql"] for query in queries), "")


def test_pastes_are_counted() -> None:
    with override_settings(ACCOUNT_RATE_LIMITS={"iso_paste": "1/h/ip"}):
        assert paste(Client(), STALE).status_code == 200
        assert paste(Client(), STALE).status_code == 429
        assert Client().get(PAGE, {"path": PATH}).status_code == 200


def test_a_page_of_another_site_cannot_paste_for_a_person() -> None:
    assert paste(Client(enforce_csrf_checks=True), STALE).status_code == 403


# ------------------------------------------------------------------------------------------------------------ lab hosts
@pytest.mark.parametrize("address", [PAGE, JSON, CSV])
@pytest.mark.parametrize(
    ("person", "allowed"),
    [("stranger", set()), ("member", {"rack-1"}), ("staff", {"rack-1", "rack-2"})],
)
def test_paths_of_pools_are_shown_to_those_who_may_see_them(
    address: str, person: str, allowed: set[str], hosts: dict[str, LabHost]
) -> None:
    client = client_of(person)
    for number, slug in ((1, "rack-1"), (2, "rack-2")):
        answer = client.get(address, {"host": slug, "path": "/elsewhere/a.iso"})
        shown = f"/srv/secret-{number}" in answer.content.decode()
        assert (answer.status_code, shown) == ((200, True) if slug in allowed else (404, False))
    text = client.get(PAGE).content.decode()
    assert {
        slug for slug in ("rack-1", "rack-2") if slug in text or f"R{slug[1:].replace('-', ' ')}" in text
    } == allowed


def test_a_lab_host_is_judged_by_its_inventory_and_the_rest_is_asked_for(hosts: dict[str, LabHost]) -> None:
    answer = client_of("member").get(PAGE, {"host": "rack-1", "path": "/srv/secret-1/a.iso"})
    assertContains(answer, "The pool pool-of-rack-1 does not list the file")
    assertContains(answer, "by the inventory that the lab keeps of")
    assertContains(answer, "as of")
    assertContains(answer, "(the lab&#x27;s probe does not read files)")
    assertContains(answer, "namei -l -- /srv/secret-1/a.iso")
    assertContains(answer, "?path=%2Fsrv%2Fsecret-1%2Fa.iso&amp;host=own#commands")
    assertNotContains(answer, 'name="output"')


def test_the_demonstration_is_for_everyone(hosts: dict[str, LabHost]) -> None:
    answer = Client().get(PAGE, {"host": "demonstration", "path": "/default-pool/a.iso"})
    assertContains(answer, "The pool default-pool does not list the file")
    assertContains(answer, "libvirt's test driver")


def test_an_inventory_of_another_form_is_said_to_be(
    hosts: dict[str, LabHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventories, "_parse", lambda data: None)
    monkeypatch.setattr(inventories, "_kept", {})
    answer = Client().get(PAGE, {"host": "demonstration", "path": "/default-pool/a.iso"})
    assertContains(answer, "This host's inventory cannot be read")


@pytest.mark.parametrize("more", [0, 5])
def test_the_queries_do_not_grow_with_the_hosts(more: int, hosts: dict[str, LabHost]) -> None:
    for number in range(more):
        make_pool_host(f"more-{number}", f"/srv/{number}")
    client = client_of("member")
    inventories._kept.clear()
    with CaptureQueriesContext(connection) as queries:
        client.get(PAGE, {"host": "rack-1", "path": "/srv/secret-1/a.iso"})
    assert len([query for query in queries if "lab" in query["sql"]]) == 2


# ------------------------------------------------------------------------------------------------------------- programs
def test_json_by_post_needs_no_token_and_no_account() -> None:
    answer = Client(enforce_csrf_checks=True).post(JSON, {"output": STALE})
    data = json.loads(answer.content)
    assert (data["path"], data["host"], data["as_of"]) == (PATH, "own", None)
    assert data["verdict"] == "The pool isos has not noticed the file yet"
    (finding,) = data["findings"]
    assert (finding["cause"], finding["effect"], finding["certainty"]) == (
        "pool-stale",
        "hides the ISO",
        "certain",
    )
    assert finding["ways"][0]["steps"][0] == {
        "command": "sudo virsh -c qemu:///system pool-refresh --pool isos",
        "prints": "Pool isos refreshed",
        "undo": "",
        "note": "",
    }
    assert data["unknown"] == []
    assert len(data["checked"]) == 5


def test_json_by_get_has_the_commands() -> None:
    data = json.loads(Client().get(JSON, {"path": PATH}).content)
    assert data["commands"] + "\n" == iso.command_block(PATH)
    assert shlex.split(data["commands"])[-1] == PATH
    assert data["page"].endswith("/lab/iso/?path=%2Fsrv%2Fisos%2Ffedora.iso")


def test_json_tells_what_is_wrong_with_the_paste() -> None:
    answer = Client().post(JSON, {"output": "hello"})
    assert answer.status_code == 422
    assert "No line in this begins" in json.loads(answer.content)["errors"]["output"][0]


def test_csv_has_a_line_for_each_finding() -> None:
    text = Client().post(CSV, {"output": STALE}).content.decode("utf-8-sig")
    lines = text.replace('"', "").splitlines()
    assert lines[0] == "Cause,Effect,Certainty,Title,Evidence,Commands"
    assert lines[1].startswith("pool-stale,hides the ISO,certain,The pool isos has not noticed the file yet,")
