"""The vHBA wizard: who sees which host's names, the form and its address, pasted HBAs, the plan and its other forms."""

import html
import json
import re
import sys
import zlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertTemplateUsed

from labtools.labhost import labprobe
from labtools.labhost.document import parse_document
from labtools.labhost.inventory import answer_of
from labtools.labhost.npiv import parse_wwn
from labtools.labhost.tests import fibre_channel
from labtools.models import Fact, LabHost
from labtools.queries import fibre_channel as queries
from labtools.queries import inventories
from labtools.services.snapshots import record_document
from labtools.tests.fibre_hosts import make_fibre_host, make_real_host, names_of
from portal.accounts.models import User

pytestmark = pytest.mark.django_db

PAGE = "/lab/npiv/"
NAMES = {"wwnn": "5001a4a111111111", "wwpn": "5001a4a222222222"}
PUBLIC, PRIVATE = 0xAB0001, 0xAB0002


@pytest.fixture
def hosts() -> dict[str, LabHost]:
    return {
        "demonstration": make_fibre_host(),
        "public": make_real_host("rack-1", PUBLIC),
        "private": make_real_host("rack-2", PRIVATE, visibility="private"),
    }


@pytest.fixture
def member(db: None) -> User:
    return User.objects.create_user(email="member@example.org")


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_user(email="staff@example.org", is_staff=True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def both(number: int) -> list[str]:
    """A host's names as a page could show them: plain and in pairs."""
    return [form for name in names_of(number) for form in (name, parse_wwn(name).pretty)]


# ------------------------------------------------------------------------------------------------------ who sees what


@pytest.mark.parametrize("path", ["/lab/npiv/", "/lab/npiv.json", "/lab/npiv.csv"])
def test_names_are_shown_to_those_who_may_see_them(
    path: str, hosts: dict[str, LabHost], member: User, staff: User
) -> None:
    persons = {"stranger": Client(), "member": signed_in(member), "staff": signed_in(staff)}
    allowed = {"stranger": set(), "member": {"rack-1"}, "staff": {"rack-1", "rack-2"}}
    for person, client in persons.items():
        for slug, number in (("rack-1", PUBLIC), ("rack-2", PRIVATE)):
            answer = client.get(path, {"host": slug} | NAMES)
            shown = [name for name in both(number) if name in answer.content.decode()]
            if slug in allowed[person]:
                assert answer.status_code == 200
                assert shown, (person, slug)
            else:
                assert (answer.status_code, shown) == (404, []), (person, slug)


def test_the_demonstration_is_everybodys_and_names_no_other_host(hosts: dict[str, LabHost]) -> None:
    answer = Client().get(PAGE, NAMES)
    assertContains(answer, "20:00:00:00:12:34:12:34")
    assertContains(answer, "scsi_host11")
    for text in ("rack-1", "rack-2", "Rack 1", *both(PUBLIC), *both(PRIVATE)):
        assertNotContains(answer, text)


def test_the_form_is_no_oracle_for_names_one_may_not_see(
    hosts: dict[str, LabHost], member: User, staff: User
) -> None:
    """The same question gives a stranger the same answer whether a private host has the name or nobody."""
    taken, free = names_of(PRIVATE)[1], "21000024ffffffff"
    answers = []
    for name in (taken, free):
        text = Client().get(PAGE, NAMES | {"wwpn": name}).content.decode()
        answers.append(text.replace(name, "NAME").replace(parse_wwn(name).pretty, "NAME"))
    nonce = re.compile(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"|[A-Za-z0-9]{64}')
    assert nonce.sub("", answers[0]) == nonce.sub("", answers[1])
    assertNotContains(signed_in(member).get(PAGE, NAMES | {"wwpn": taken}), "is in use: it is")
    assertContains(
        signed_in(staff).get(PAGE, NAMES | {"wwpn": taken}), "is in use: it is the WWPN of the HBA"
    )
    assertContains(signed_in(member).get(PAGE, NAMES | {"wwpn": names_of(PUBLIC)[1]}), "is in use: it is")


def test_a_generated_name_keeps_away_from_hosts_that_nobody_here_may_see(
    hosts: dict[str, LabHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "5001a4a000000123"
    device = fibre_channel.scsi_host("scsi_host9", "computer", secret, "21000024ff000001", vports=(0, 1))
    make_fibre_host("rack-3", fibre_channel.raw(node_devices=[device]), visibility="private")
    draws = iter([0x123, 0x123, 0x124, 0x124, 0x125])
    monkeypatch.setattr("secrets.randbits", lambda bits: next(draws))
    monkeypatch.setattr("labtools.labhost.npiv.wwn.generate_wwn.__defaults__", (lambda bits: next(draws),))
    answer = Client().get(PAGE, {"generate": "names"})
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert (query["wwnn"], query["wwpn"]) == (["5001a4a000000124"], ["5001a4a000000125"])


def test_what_labprobe_finds_on_the_test_driver_is_what_the_page_shows(db: None) -> None:
    """The whole way: the probe's document, read, kept, and shown to a stranger."""
    argv = [sys.executable, "-I", labprobe.__file__, "--demonstration"]
    document = parse_document(answer_of(argv, 60))
    host = LabHost.objects.create(
        slug="demo", name="Demonstration", transport=LabHost.Transport.DEMONSTRATION
    )
    record_document(host=host, document=document, at=timezone.now())
    answer = Client().get(PAGE, NAMES)
    assertContains(answer, "scsi_host11")
    assert answer.context["plan"].choice.parent.name == "scsi_host1"
    assert answer.context["page"].may_try


def test_an_inventory_of_nobody_asked_yet_is_an_empty_state(db: None) -> None:
    answer = Client().get(PAGE)
    assertContains(answer, "No host has been asked yet")
    assertContains(answer, "Your own host")


# ------------------------------------------------------------------------------------------------------- the form


def test_the_first_page_has_defaults_and_no_complaint(hosts: dict[str, LabHost]) -> None:
    answer = Client().get(PAGE)
    assert answer.status_code == 200
    assert answer.context["plan"] is None
    text = answer.content.decode()
    assert "attention" not in text
    assert re.search(r'value="2000000012341234:1000000012341234"\s+checked', text)
    assertContains(answer, 'value="vhba-pool"')


def test_generate_answers_with_an_address_that_keeps_the_rest(hosts: dict[str, LabHost]) -> None:
    answer = Client().get(PAGE, {"generate": "names", "pool": "a&b", "lifetime": "transient"})
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert (query["pool"], query["lifetime"], "generate" in query) == (["a&b"], ["transient"], False)
    assert query["wwnn"] != query["wwpn"]
    page = Client().get(answer["Location"])
    assert page.context["plan"].choice.wwnn.digits == query["wwnn"][0]
    assert page.context["plan"].choice.pool == "a&b"


def test_the_address_is_the_plan(hosts: dict[str, LabHost]) -> None:
    query = NAMES | {"lifetime": "transient", "device": "lun", "guest": "db1", "host": "demonstration"}
    query |= {"hba": "2000000056785678:1000000056785678"}
    answer = Client().get(PAGE, query)
    plan = answer.context["plan"]
    assert (plan.choice.parent.name, plan.choice.guest, plan.choice.device) == ("scsi_host2", "db1", "lun")
    assertContains(answer, "virsh nodedev-create vhba.xml")
    assertContains(answer, "Destroyed node device")
    assertContains(
        answer, "&lt;parent wwnn=&quot;2000000056785678&quot; wwpn=&quot;1000000056785678&quot;/&gt;"
    )
    assertContains(answer, "Before libvirt 3.0.0")
    assertContains(answer, "CAP_SYS_RAWIO")


def test_faults_stand_at_their_fields(hosts: dict[str, LabHost]) -> None:
    answer = Client().get(PAGE, NAMES | {"wwpn": "6001a4a222222222", "path": "/dev/sdc"})
    assert answer.context["plan"] is None
    errors = answer.context["form"].errors
    assert set(errors) == {"wwpn", "path"}
    assertContains(answer, "NAA 6 names are 128 bits long")


def test_an_hba_that_is_gone_is_said_to_be(hosts: dict[str, LabHost]) -> None:
    answer = Client().get(PAGE, NAMES | {"hba": "2000000099999999:1000000099999999"})
    assertContains(answer, "That HBA is not on this host any more.")


@pytest.mark.parametrize("host", ["nosuch", "own' or 1=1", "../etc", "%00"])
def test_a_host_that_is_not_there_is_a_404(host: str, hosts: dict[str, LabHost]) -> None:
    assert Client().get(PAGE, {"host": host}).status_code == 404


def test_a_host_with_an_old_libvirt_gets_the_name_of_today(staff: User) -> None:
    raw = fibre_channel.raw(version=1002017)
    make_fibre_host("old", raw)
    page = signed_in(staff).get(PAGE, {"host": "old"})
    assert page.context["form"].initial["parent_by"] == "name"
    make_fibre_host("new", fibre_channel.raw())
    assert signed_in(staff).get(PAGE, {"host": "new"}).context["form"].initial["parent_by"] == "wwn"


def test_a_full_hba_is_told_and_not_the_default(staff: User) -> None:
    make_fibre_host("rack-1", fibre_channel.raw())
    client = signed_in(staff)
    answer = client.get(PAGE, {"host": "rack-1"})
    assertContains(answer, "164 of 164 in use")
    assert answer.context["form"].initial["hba"] == f"{fibre_channel.NODE}:{fibre_channel.PORT}"
    answer = client.get(PAGE, {"host": "rack-1", "hba": "2000001b32a9da4e:2100001b32a9da4e"} | NAMES)
    assertContains(answer, "Do not carry this plan out as it is.")
    assertContains(answer, "no free vports")


def test_the_state_of_a_port_is_shown_where_the_host_tells_it(staff: User) -> None:
    device = fibre_channel.scsi_host(
        "scsi_host5", "pci", fibre_channel.NODE, fibre_channel.PORT, vports=(0, 9), state="Linkdown"
    )
    make_fibre_host("rack-1", fibre_channel.raw(node_devices=[device], pools=[]))
    client = signed_in(staff)
    assertContains(client.get(PAGE, {"host": "rack-1"}), "scsi_host5 says Linkdown")
    assert client.get("/lab/npiv.json", {"host": "rack-1"}).json()["ports"][0]["port_state"] == "Linkdown"


def test_luns_that_are_there_are_offered(staff: User) -> None:
    make_fibre_host("rack-1", fibre_channel.raw())
    answer = signed_in(staff).get(PAGE, {"host": "rack-1"})
    assertContains(answer, f'<option value="{fibre_channel.LUN_PATH}"></option>', html=True)
    assertContains(answer, 'list="paths-found"')
    assertContains(answer, '<option value="unit:0:0:1"></option>', html=True)


def test_a_vhba_in_use_is_warned_of_and_taken_down_by_its_pool(staff: User) -> None:
    make_fibre_host("rack-1", fibre_channel.raw())
    answer = signed_in(staff).get(PAGE, {"host": "rack-1"})
    assertContains(answer, "The storage pool vhbapool uses scsi_host6")
    assertContains(answer, "2 LUNs are visible through scsi_host6")
    assertContains(answer, "virsh pool-destroy vhbapool")
    assertNotContains(answer, "Try it on the test driver")


def test_the_texts_of_a_host_are_escaped(staff: User) -> None:
    evil = "scsi_host5</code><script>alert(1)</script>"
    device = fibre_channel.scsi_host("NAME", "pci", fibre_channel.NODE, fibre_channel.PORT, vports=(0, 9))
    device = device.replace("NAME", html.escape(evil)).replace("<host></host>", "<host>5</host>")
    make_fibre_host("evil", fibre_channel.raw(node_devices=[device], pools=[]))
    text = signed_in(staff).get(PAGE, {"host": "evil"} | NAMES).content.decode()
    assert "alert(1)" in text
    assert "<script>alert" not in text


@pytest.mark.parametrize("signed", [False, True])
def test_the_page_asks_the_same_number_of_questions_for_one_host_and_for_three(
    signed: bool, member: User
) -> None:
    make_fibre_host()
    counts = []
    for number in (1, 3):
        for each in range(number):
            make_real_host(f"rack-{each}", each + 1)
        inventories._kept.clear()
        queries._surveys.clear()
        client = signed_in(member) if signed else Client()
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(PAGE, NAMES).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_what_a_process_keeps_is_bounded_and_loses_nothing(
    member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventories, "KEPT", 3)
    inventories._kept.clear()
    queries._surveys.clear()
    for number in range(1, 6):
        make_real_host(f"rack-{number}", number)
        assert len(queries.fibre_hosts(member)) == number
        assert len(queries.every_name()) == 2 * number + 1  # they share a fabric
        assert len(inventories._kept) <= 3 >= len(queries._surveys)


def test_an_inventory_of_another_release_is_left_out(member: User) -> None:
    make_fibre_host()
    host = make_real_host("rack-1", 1)
    inventories._kept.clear()
    queries._surveys.clear()
    Fact.objects.filter(pk=host.inventory.digest).update(data=zlib.compress(b'{"of": "tomorrow"}'))
    assert [one.host.slug for one in queries.fibre_hosts(member)] == ["demonstration"]


# ---------------------------------------------------------------------------------------------------- other forms


def test_the_plan_as_json_is_the_page(hosts: dict[str, LabHost]) -> None:
    data = json.loads(Client().get("/lab/npiv.json", NAMES).content)
    assert data["page"].endswith("/lab/npiv/?wwnn=5001a4a111111111&wwpn=5001a4a222222222")
    assert [port["name"] for port in data["ports"]] == ["scsi_host1", "scsi_host2", "scsi_host11"]
    assert data["plan"]["choice"]["wwpn"] == NAMES["wwpn"]
    assert data["faults"] == {}
    broken = json.loads(Client().get("/lab/npiv.json", NAMES | {"wwnn": "x"}).content)
    assert (broken["plan"], list(broken["faults"])) == (None, ["wwnn"])


def test_the_ports_as_csv_hold_no_formula(staff: User) -> None:
    device = fibre_channel.scsi_host("=cmd()", "+1", fibre_channel.NODE, fibre_channel.PORT, vports=(0, 9))
    make_fibre_host("rack-1", fibre_channel.raw(node_devices=[device.replace("<host>", "<host>5")], pools=[]))
    text = signed_in(staff).get("/lab/npiv.csv", {"host": "rack-1"}).content.decode()
    assert '"name","kind","parent","wwnn"' in text
    assert "cmd()" in text
    assert not re.search(r'(^|[,\n])"?[=+]', text)


# ------------------------------------------------------------------------------------------------------- pasting


def paste(xml: str, client: Client | None = None) -> Any:
    return (client or Client()).post(reverse("labtools:npiv_paste"), {"xml": xml})


def test_a_pasted_hba_goes_on_in_the_wizard(hosts: dict[str, LabHost]) -> None:
    answer = paste("$ virsh …\n" + "\n".join(fibre_channel.DEVICES))
    assert answer.status_code == 302
    page = Client().get(answer["Location"])
    assertContains(page, "scsi_host5")
    assertContains(page, "as pasted")
    assert [row.hba.name for row in page.context["page"].vhbas] == ["scsi_host6"]
    query = parse_qs(urlsplit(answer["Location"]).query)
    full = Client().get(PAGE, {"host": "own", "port": query["port"], **NAMES})
    assert full.context["plan"].choice.parent.wwpn == fibre_channel.PORT
    assertNotContains(full, "Try it on the test driver")
    used = Client().get(
        PAGE, {"host": "own", "port": query["port"]} | NAMES | {"wwpn": fibre_channel.VHBA_PORT}
    )
    assertContains(used, "is in use: it is the WWPN of the vHBA scsi_host6 on your host")


def test_names_are_generated_for_a_pasted_hba_too(hosts: dict[str, LabHost]) -> None:
    location = paste(fibre_channel.DEVICES[1])["Location"]
    query = parse_qs(urlsplit(location).query)
    answer = Client().get(PAGE, {"host": "own", "port": query["port"], "generate": "names"})
    page = Client().get(answer["Location"])
    assert page.context["plan"].choice.parent.name == "scsi_host5"


@pytest.mark.parametrize("xml", ["", "no device", "<device></x></device>", fibre_channel.DEVICES[-1]])
def test_a_paste_that_is_none_is_answered_at_its_field(xml: str, hosts: dict[str, LabHost]) -> None:
    answer = paste(xml)
    assert answer.status_code == 422
    assertTemplateUsed(answer, "labtools/npiv.html")
    assert list(answer.context["paste"].errors) == ["xml"]


def test_a_link_that_describes_no_port_is_a_404(hosts: dict[str, LabHost]) -> None:
    assert Client().get(PAGE, {"host": "own", "port": "x"}).status_code == 404
    assert Client().get(PAGE, {"host": "own", "port": "x", "generate": "1"}).status_code == 404


def test_own_host_without_ports_leads_to_the_paste(hosts: dict[str, LabHost]) -> None:
    assertContains(Client().get(PAGE, {"host": "own"}), "Your host is not known here yet")


def test_pastes_are_limited(hosts: dict[str, LabHost], settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"vhba_paste": "1/h/ip"}
    assert paste("x").status_code == 422
    assert paste("x").status_code == 429
