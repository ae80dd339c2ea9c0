"""The linter's and the builder's pages: what people and programs send and get, who sees what, and what is kept."""

import csv
import io
import json
import logging
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from labtools.labhost.lint import MAX_TEXT
from labtools.lint_forms import MAX_CHECKED
from labtools.lint_page import EXAMPLES, MAX_LINES, MAX_LINK
from labtools.models import LabHost
from labtools.tests.lab_hosts import AT, device, make_document, make_document_json, make_seen_host, record
from portal.tests.factories import make_user, signed_in
from portal.tests.invariants import broken_invariants

pytestmark = pytest.mark.django_db
LINT, BUILD = "/lab/lint/", "/lab/build/"
ON = "pune-1:x86_64"


@pytest.fixture
def host() -> LabHost:
    return make_seen_host()


@pytest.fixture
def old(host: LabHost) -> LabHost:
    """A host whose QEMU is older, and has a device that the other lacks."""
    raw = make_document_json("5.2.0")
    raw["qemu"][0]["devices"].insert(0, device("sga", group="Display", bus="ISA"))
    return make_seen_host("debian-11", make_document(raw), transport=LabHost.Transport.REFERENCE)


def page(client: Client, address: str, status: int = 200, **post: object) -> str:
    """The page, its white space evened out and without entities."""
    response = client.post(address, post) if post else client.get(address)
    assert response.status_code == status, response
    html = response.content.decode()
    assert broken_invariants(html) == []
    return unescape(" ".join(html.split()))


def query(*, on: str = ON, **fields: str) -> str:
    return urlencode([*fields.items(), ("on", on)])


def test_findings_stand_with_their_line_and_the_marked_text(client: Client, host: LabHost) -> None:
    shown = page(client, LINT, text="qemu-system-x86_64 \\\n -device virtio-net-pci,host-mtu=9", on=ON)
    assert '<span class="tag tone-bad">1 error</span>' in shown
    assert "virtio-net-pci has no property “host-mtu”." in shown
    assert "Did you mean host_mtu?" in shown
    assert '<a href="#line-2">Line 2, column 25</a>' in shown
    assert '<li id="line-2">' in shown
    assert '<mark class="tone-bad">host-mtu=9</mark>' in shown.replace('" >', '">')
    assert "Read as a QEMU command line: the program qemu-system-x86_64, 1 option, 1 device." in shown


def test_text_stays_in_the_form_and_is_escaped(client: Client, host: LabHost) -> None:
    response = client.post(LINT, {"text": "</textarea><script>alert(1)</script>", "on": ON})
    assert response.status_code == 422
    assert b"<script>alert" not in response.content
    assert b"&lt;/textarea&gt;&lt;script&gt;alert(1)" in response.content
    hostile = client.post(LINT, {"text": "<b>x</b>,mq=<i>", "on": ON})
    assert b"<b>x" not in hostile.content


def test_each_finding_is_said_once_with_where_it_holds(client: Client, old: LabHost) -> None:
    data = [("text", "sga,x=1\nvirtio-blk-pci,nosuch=1"), ("on", ON), ("on", "debian-11:x86_64")]
    shown = page(client, f"{LINT}?{urlencode(data)}")
    assert shown.count("has no property “nosuch”.") == 1
    assert "This QEMU has no device type “sga”." in shown
    assert "It is known on Debian-11." in shown
    assert "only on pune-1" in shown
    assert '<span class="tag tone-bad">2 errors</span>' in shown
    assert '<span class="tag tone-bad">1 error</span>' in shown


def test_nothing_found_is_said_with_its_limits(client: Client, host: LabHost) -> None:
    shown = page(client, LINT, text="virtio-net-pci,rss=on", on=ON)
    assert '<span class="tag tone-good">fine</span>' in shown
    assert "Nothing to say. What QEMU checks only when it makes a device was not checked" in shown


def test_link_is_pinned_and_gives_the_same_after_a_change(client: Client, host: LabHost) -> None:
    text = "virtio-net-pci,host_mtu=70000"
    assert host.current is not None
    shown = page(client, LINT, text=text, on=ON)
    link = shown.partition('">Permanent link</a>')[0].rpartition('href="')[2]
    assert parse_qs(urlsplit(link).query)["on"] == [f"{host.current.snapshot.digest}:x86_64"]
    raw = make_document_json()
    raw["qemu"][0]["devices"] = []
    record(host, make_document(raw), at=AT.replace(day=21))
    assert "host_mtu does not take “70000”" in page(client, LINT + link)
    assert "has no device type" in page(client, f"{LINT}?{query(text=text)}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-object secret,id=s,data=hunter2 -device virtio-net-pci", "seems to hold a password"),
        ("-device virtio-net-pci " + "# filler" * (MAX_LINK // 8), "too long for one"),
    ],
)
def test_text_that_must_not_be_in_an_address_gets_no_link(
    client: Client, host: LabHost, text: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        shown = page(client, LINT, text=text, on=ON)
    assert why in shown
    assert "Permanent link" not in shown
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "This field is required."),
        ("<domain>", "The XML is malformed. (line 1, column 9)"),
        ("<network/>", "<network> is neither a domain nor a device of one. (line 1, column 1)"),
        ("é" * (MAX_TEXT // 2 + 1), "The text is larger than 256 KiB."),
    ],
)
def test_text_that_cannot_be_read_is_refused_at_its_field(
    client: Client, host: LabHost, text: str, words: str
) -> None:
    assert words in page(client, LINT, 422, text=text, on=ON)


def test_examples_have_findings_of_every_kind(client: Client, host: LabHost) -> None:
    start = page(client, LINT)
    for title, text in EXAMPLES:
        assert f'{urlencode([("text", text), ("on", ON)])}#result">{title}</a>' in start
        assert "tone-bad" in page(client, f"{LINT}?{query(text=text)}")


def test_long_text_is_shown_around_its_findings(client: Client, host: LabHost) -> None:
    lines = ["-device virtio-net-pci,rss=on \\"] * (MAX_LINES + 50)
    lines[200] = "-device virtio-net-pci,rss=zz \\"
    shown = page(client, LINT, text="\n".join(lines), on=ON)
    assert [number for number in range(1, 350) if f'<li id="line-{number}">' in shown] == [
        199,
        200,
        201,
        202,
        203,
    ]
    assert "lines left out" in shown


def test_json_and_csv_take_the_same(client: Client, host: LabHost) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/lab/lint.json", {"text": "virtio-net-pci,rss=zz", "on": ON})
    assert answer.status_code == 200
    found = answer.json()
    (one,) = found["sources"]
    assert (found["kind"], one["source"]["host"], one["outcome"]) == ("device", "pune-1", "1 error")
    (finding,) = one["findings"]
    assert {key: finding[key] for key in ("severity", "code", "line", "column", "length", "token")} == {
        "severity": "error",
        "code": "ill-typed",
        "line": 1,
        "column": 16,
        "length": 6,
        "token": "rss=zz",
    }
    assert strict.post("/lab/lint.json", {"text": "<", "on": ON}).status_code == 422
    table = client.get(f"/lab/lint.csv?{query(text='virtio-net-pci,rss=zz')}").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["severity"], row["code"], row["token"]) for row in rows] == [
        ("error", "ill-typed", "rss=zz")
    ]


def test_page_itself_takes_no_post_without_a_token(host: LabHost) -> None:
    assert Client(enforce_csrf_checks=True).post(LINT, {"text": "a"}).status_code == 403


def test_private_host_is_not_there_for_strangers(client: Client, host: LabHost) -> None:
    raw = make_document_json()
    raw["qemu"][0]["devices"].insert(0, device("secret-device", group="Misc"))
    make_seen_host("inner", make_document(raw), visibility=LabHost.Visibility.PRIVATE)
    text = "secret-device"
    for address in (LINT, "/lab/lint.json", "/lab/lint.csv"):
        assert client.get(f"{address}?{query(text=text, on='inner:x86_64')}").status_code == 404
    shown = page(client, f"{LINT}?{query(text=text)}")
    assert "inner:x86_64" not in shown
    assert "known on" not in shown
    staff = signed_in(make_user("staff@example.org", is_staff=True))
    assert "It is known on Inner." in page(staff, f"{LINT}?{query(text=text)}")
    for address in (BUILD, "/lab/build.json", "/lab/build.csv"):
        assert client.get(f"{address}?{query(device=text, on='inner:x86_64')}").status_code == 404


@pytest.mark.parametrize("on", ["gone:x86_64", "inner:x86_64", "\0", "a" * 5000])
def test_text_is_kept_when_its_host_is_gone(client: Client, host: LabHost, on: str) -> None:
    make_seen_host("inner", visibility=LabHost.Visibility.PRIVATE)
    shown = page(client, LINT, 422, text="virtio-net-pci,mac=typed-by-hand", on=["pune-1:x86_64", on])
    assert "virtio-net-pci,mac=typed-by-hand</textarea>" in shown
    assert "Choose again where the text is checked." in shown
    answer = client.post("/lab/lint.json", {"text": "virtio-net-pci", "on": on})
    assert answer.status_code == 422
    assert "Choose again" in answer.json()["problems"]["__all__"][0]["message"]


def test_table_of_a_text_that_cannot_be_read_does_not_say_that_it_is_fine(
    client: Client, host: LabHost
) -> None:
    assert client.post("/lab/lint.csv", {"text": "<domain", "on": ON}).status_code == 422
    assert client.post("/lab/lint.csv", {"text": "virtio-net-pci", "on": ON}).status_code == 200


def test_queries_do_not_grow_with_hosts_or_options(client: Client, host: LabHost) -> None:
    text = "virtio-net-pci,rss=on\nvirtio-blk-pci,scsi=on"

    def count(text: str) -> int:
        client.get(f"{LINT}?{query(text=text)}")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(f"{LINT}?{query(text=text)}")
        return len(queries)

    few = count(text)
    for number in range(3):
        make_seen_host(f"pune-{number + 2}", make_document(version=f"7.2.{number}"))
    assert count(text * 5) == few


def test_unknown_names_are_looked_for_on_all_hosts_in_one_query(client: Client, host: LabHost) -> None:
    def first(count: int) -> int:
        for number in range(count):
            raw = make_document_json(f"8.{number}.{count}")
            raw["qemu"][0]["devices"].insert(0, device(f"a-{count}-{number}"))
            make_seen_host(f"delhi-{count}-{number}", make_document(raw))
        with CaptureQueriesContext(connection) as queries:
            shown = page(client, f"{LINT}?{query(text=f'a-{count}-0')}")
        assert f"It is known on Delhi-{count}-0." in shown
        return len(queries)

    assert first(1) == first(4)


def test_no_more_than_eight_are_checked(client: Client, host: LabHost) -> None:
    for number in range(MAX_CHECKED):
        make_seen_host(f"mumbai-{number}")
    keys = [("on", f"mumbai-{number}:x86_64") for number in range(MAX_CHECKED)]
    found = client.get(f"/lab/lint.json?{urlencode([('text', 'virtio-net'), *keys, ('on', ON)])}").json()
    assert [one["source"]["host"] for one in found["sources"]] == [f"mumbai-{n}" for n in range(MAX_CHECKED)]


@pytest.mark.parametrize("address", [LINT, BUILD])
def test_lab_without_hosts_says_so(client: Client, address: str) -> None:
    assert "No host has been asked yet" in page(client, address)


def test_last_words_show_no_path_of_a_host(client: Client, host: LabHost) -> None:
    raw = make_document_json()
    raw["qemu"][0]["devices"][1]["last_words"] = "/srv/secret-path/qemu-system-x86_64: missing module"
    record(host, make_document(raw), at=AT.replace(day=21))
    shown = page(client, f"{LINT}?{query(text='virtio-gpu-gl-pci')}")
    assert "QEMU ended when it was asked about virtio-gpu-gl-pci" in shown
    assert "secret-path" not in shown


def test_builder_shows_fields_by_use_and_what_comes_of_them(client: Client, host: LabHost) -> None:
    address = f"{BUILD}?{query(device='virtio-net', **{'p.rss': 'on', 'p.host_mtu': '1500'})}"
    shown = page(client, address)
    assert "-device virtio-net-pci,rss=on,host_mtu=1500" in shown
    assert '{"driver":"virtio-net-pci","rss":true,"host_mtu":1500}' in shown
    assert '<driver rss="on" name="vhost" />' in shown
    assert '<mtu size="1500" />' in shown
    # What is filled in is seen at once, whatever group it is of.
    assert shown.index('for="p-host_mtu"') < shown.index('for="p-rss"') < shown.index("</fieldset>")
    bare = page(client, f"{BUILD}?{query(device='virtio-net-pci')}")
    assert bare.index('for="p-host_mtu"') < bare.index("All other properties") < bare.index('for="p-rss"')
    assert "x-txtimer" not in shown
    assert "x-txtimer" in page(client, f"{address}&experimental=1")
    assert (
        f"{LINT}?text=-device+virtio-net-pci%2Crss%3Don%2Chost_mtu%3D1500&on=pune-1%3Ax86_64#result" in shown
    )


def test_empty_fields_leave_the_address(client: Client, host: LabHost) -> None:
    response = client.get(f"{BUILD}?{query(device='virtio-net-pci', **{'p.mac': '', 'p.rss': 'on'})}")
    assert response.status_code == 302
    assert response["Location"] == f"{BUILD}?device=virtio-net-pci&p.rss=on&on={ON}"
    part = client.get(
        f"{BUILD}?{query(device='virtio-net-pci', **{'p.mac': '', 'p.rss': 'on'})}",
        headers={"HX-Request": "true"},
    )
    assert part["HX-Replace-Url"] == response["Location"]
    assert part.content.strip().startswith(b'<section class="stack" id="preview"')


def test_wrong_values_are_said_at_their_field_and_make_no_xml(client: Client, host: LabHost) -> None:
    fields = {"p.host_mtu": "99999", "p.nosuch": "1", "p.rss": "maybe"}
    shown = page(client, f"{BUILD}?{query(device='virtio-net-pci', **fields)}")
    assert "3 values to mend" in shown
    assert '<a class="mono" href="#p-host_mtu">host_mtu</a>: Give a whole number from 0 to 65535.' in shown
    assert "This device has no such property." in shown
    assert '<option value="maybe" selected>' in shown
    assert "For libvirt" not in shown
    found = client.get(f"/lab/build.json?{query(device='virtio-net-pci', **fields)}").json()
    assert (set(found["problems"]), found["option"]) == ({"host_mtu", "nosuch", "rss"}, None)


def test_builder_json_and_csv(client: Client, host: LabHost) -> None:
    address = query(device="virtio-net-pci", **{"p.mac": "52:54:00:00:00:01", "p.rss": "yes"})
    found = client.get(f"/lab/build.json?{address}").json()
    assert found["option"] == "virtio-net-pci,mac=52:54:00:00:00:01,rss=yes"
    assert json.loads(found["json"])["rss"] is True
    assert found["libvirt"]["way"] == "element"
    rows = list(
        csv.DictReader(io.StringIO(client.get(f"/lab/build.csv?{address}").content.decode("utf-8-sig")))
    )
    by_name = {row["name"]: row for row in rows}
    assert (by_name["rss"]["value"], by_name["rss"]["type"], by_name["rss"]["default"]) == (
        "yes",
        "bool",
        "off",
    )
    listed = client.get(f"/lab/build.json?{query()}").json()["devices"]
    assert listed == ["virtio-gpu-gl-pci", "virtio-net-pci", "virtio-blk-pci"]


def test_device_that_is_not_there_is_a_404_with_a_way_on(client: Client, host: LabHost) -> None:
    shown = page(client, f"{BUILD}?{query(device='virtio-net-pic')}", 404)
    assert "has no device type “virtio-net-pic”." in shown
    assert f'href="?device=virtio-net-pci&on={ON.replace(":", "%3A")}"' in shown
    assert client.get(f"/lab/build.json?{query(device='virtio-net-pic')}").status_code == 404


def test_builder_keeps_its_permanent_link(client: Client, host: LabHost) -> None:
    shown = page(client, f"{BUILD}?{query(device='virtio-net-pci', **{'p.rss': 'on'})}")
    link = shown.partition('">Permanent link</a>')[0].rpartition('href="')[2]
    assert "rss=on" in page(client, BUILD + link)


def test_shell_line_of_hostile_values_is_quoted(client: Client, host: LabHost) -> None:
    shown = page(client, f"{BUILD}?{query(device='virtio-blk-pci', **{'p.drive': 'a;rm -rf $HOME,b'})}")
    assert "-device 'virtio-blk-pci,drive=a;rm -rf $HOME,,b'" in shown


@pytest.mark.parametrize("address", [LINT, "/lab/lint.json", "/lab/lint.csv"])
def test_texts_in_addresses_are_counted_like_those_in_bodies(
    address: str, host: LabHost, client: Client, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"lab_lint": "2/h/ip"}

    statuses = [client.get(address, {"text": "virtio-net-pci"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert client.post(address, {"text": "virtio-net-pci"}).status_code == 429
    assert client.get(LINT).status_code == 200
