"""CPU models, machine types, the comparison, the matrix, what works on all, and missing modules: pages and files."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labtools.models import LabHost, Snapshot
from labtools.tests.lab_hosts import (
    AT,
    PROPERTIES,
    cpu,
    device,
    make_document,
    make_document_json,
    make_seen_host,
    record,
)
from portal.tests.factories import make_user, signed_in
from portal.tests.invariants import broken_invariants

pytestmark = pytest.mark.django_db
Raw = dict[str, Any]


def page(client: Client, address: str) -> str:
    """The page at ``address``, its white space evened out."""
    response = client.get(address)
    assert response.status_code == 200, response
    html = response.content.decode()
    assert broken_invariants(html) == []
    return " ".join(html.split())


def table(client: Client, address: str) -> list[list[str]]:
    """The CSV file at ``address``."""
    response = client.get(address)
    assert response.status_code == 200, response
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def make_version(
    slug: str, version: str, change: Callable[[Raw], None] = lambda qemu: None, **fields: Any
) -> LabHost:
    """A reference of one version, changed by the test."""
    raw = make_document_json(version)
    change(raw["qemu"][0])
    raw["qemu"][0]["devices"].sort(key=lambda one: one["name"])
    more: Raw = {"transport": LabHost.Transport.REFERENCE, "position": int(version.split(".")[0])}
    return make_seen_host(slug, make_document(raw), **more | fields)


def newer(qemu: Raw) -> None:
    """What came with 10.0: virtio-blk-pci lost scsi, a new device type, kvm answers, qemu64 is deprecated."""
    qemu["devices"][0]["properties"] = [PROPERTIES["virtio-blk-pci"][0] | {"default": "none"}]
    qemu["devices"].append(device("igb", group="Network", bus="PCI"))
    qemu["devices"] = [one for one in qemu["devices"] if one["name"] != "virtio-gpu-gl-pci"]
    qemu["objects"] = ["iothread", "thread-context"]
    models = [cpu("Skylake-Client", "hle"), cpu("qemu64", deprecated=True)]
    qemu["accelerators"]["tcg"]["cpus"] = models
    qemu["accelerators"]["kvm"] |= {"status": "ok", "last_words": "", "cpus": models}


def make_two_versions() -> None:
    make_version("debian-12", "7.2.22")
    make_version("debian-13", "10.0.13", newer)


# ------------------------------------------------------------------------------------------ CPU models


def test_cpu_models_are_shown_with_what_is_missing_tcg_beside_kvm(as_stranger: Client) -> None:
    make_two_versions()
    html = page(as_stranger, "/lab/cpus/?on=debian-13:x86_64")
    assert "qemu-system-x86_64 -cpu help" in html
    assert "<code>-cpu ?</code>" in html
    assert "1 usable under kvm, 1 usable under tcg." in html
    assert html.count("lacks 1 feature</span>") == 2
    assert "deprecated</span>" in html
    html = page(as_stranger, "/lab/cpus/?on=debian-12:x86_64")
    assert "kvm did not answer on this host" in html
    assert "/dev/kvm cannot be opened by the probe" in html
    assert "lacks 2 features</span>" in html


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=sky", ["Skylake-Client"]),
        ("q=HLE", ["Skylake-Client"]),
        ("q=sky+rtm", []),
        ("show=kvm", ["qemu64"]),
        ("show=tcg", ["qemu64"]),
        ("show=lacking", ["Skylake-Client"]),
        ("show=deprecated", ["qemu64"]),
        ("show=nonsense", ["qemu64", "Skylake-Client"]),
    ],
)
def test_cpu_models_are_filtered_in_all_forms(as_stranger: Client, query: str, names: list[str]) -> None:
    make_two_versions()
    data = as_stranger.get(f"/lab/cpus.json?on=debian-13:x86_64&{query}").json()
    assert sorted(one["name"] for one in data["models"]) == sorted(names)
    assert sorted(
        row[0] for row in table(as_stranger, f"/lab/cpus.csv?on=debian-13:x86_64&{query}")[1:]
    ) == sorted(names)
    html = page(as_stranger, f"/lab/cpus/?on=debian-13:x86_64&{query}")
    assert [name for name in ("qemu64", "Skylake-Client") if f">{name}</a>" in html] == sorted(
        names, reverse=True
    )


def test_a_cpu_model_says_which_hosts_give_it_and_which_features_are_missing_where(
    as_stranger: Client,
) -> None:
    make_two_versions()
    make_seen_host("arm", _arm())
    html = page(as_stranger, "/lab/cpus/Skylake-Client/")
    assert "Usable under kvm on 0 of 1. Usable under tcg on 0 of 2." in html
    assert "Arm" not in html
    data = as_stranger.get("/lab/cpus/Skylake-Client.json").json()
    assert [one["model"]["tcg"]["missing"] for one in data["on"]] == [["hle", "rtm"], ["hle"]]
    assert [one["model"]["kvm"]["answer"] for one in data["on"]] == ["not known", "lacks 1 feature"]
    rows = table(as_stranger, "/lab/cpus/Skylake-Client.csv")
    assert [row[-1] for row in rows] == ["missing under tcg", "hle rtm", "hle"]
    assert as_stranger.get("/lab/cpus/nothing/").status_code == 404


def _arm() -> Any:
    raw = make_document_json(target="aarch64")
    raw["qemu"][0]["accelerators"]["tcg"]["cpus"] = [cpu("cortex-a57")]
    return make_document(raw)


def test_what_qemu_does_not_say_is_not_called_usable(as_stranger: Client) -> None:
    def change(qemu: Raw) -> None:
        qemu["accelerators"]["tcg"]["cpus"] = [cpu("max") | {"unavailable": None}]

    make_version("debian-12", "7.2.22", change)
    data = as_stranger.get("/lab/cpus.json").json()
    assert data["models"][0]["tcg"] == {"answer": "not said", "missing": None}


# --------------------------------------------------------------------------------------- machine types


def test_machine_types_say_which_versions_have_them(as_stranger: Client) -> None:
    make_two_versions()
    html = page(as_stranger, "/lab/machines/?on=debian-13:x86_64")
    assert "qemu-system-x86_64 -M help" in html
    assert "<code>-M ?</code>" in html
    assert "3 machine types" in html
    assert "Not here, on others" in html
    data = as_stranger.get("/lab/machines.json?on=debian-13:x86_64").json()
    on = {one["name"]: one["on"] for one in data["machines"]}
    assert on == {
        "pc-i440fx-1.4": ["debian-12:x86_64", "debian-13:x86_64"],
        "pc-i440fx-10.": ["debian-13:x86_64"],
        "pc-i440fx-7.2": ["debian-12:x86_64"],
        "q35": ["debian-12:x86_64", "debian-13:x86_64"],
    }
    rows = table(as_stranger, "/lab/machines.csv?on=debian-13:x86_64&show=aliased")
    assert [row[:3] for row in rows] == [["name", "alias", "default"], ["pc-i440fx-10.", "pc", "yes"]]
    assert [row[0] for row in table(as_stranger, "/lab/machines.csv?show=deprecated")[1:]] == [
        "pc-i440fx-1.4"
    ]


def test_versions_of_machine_types_are_in_the_order_of_numbers(as_stranger: Client) -> None:
    def change(qemu: Raw) -> None:
        first = qemu["machines"][0]
        qemu["machines"] = [first | {"name": name} for name in ("pc-2.10", "pc-2.9", "none")]

    make_version("debian-12", "7.2.22", change)
    names = [row[0] for row in table(as_stranger, "/lab/machines.csv")[1:]]
    assert names.index("pc-2.9") < names.index("pc-2.10")


def test_a_machine_type_that_went_was_removed_and_one_to_come_is_a_no(as_stranger: Client) -> None:
    make_two_versions()
    data = as_stranger.get("/lab/machines/pc-i440fx-7.2.json").json()
    assert [one["answer"] for one in data["on"]] == ["yes", "removed"]
    data = as_stranger.get("/lab/machines/pc-i440fx-10..json").json()
    assert [one["answer"] for one in data["on"]] == ["no", "yes"]
    assert "removed</span>" in page(as_stranger, "/lab/machines/pc-i440fx-7.2/")


def test_an_alias_says_what_it_stands_for_on_each(as_stranger: Client) -> None:
    make_two_versions()
    html = page(as_stranger, "/lab/machines/pc/")
    assert "An alias: what it stands for is another machine type" in html
    rows = table(as_stranger, "/lab/machines/pc.csv")
    assert [row[3] for row in rows] == ["machine type", "pc-i440fx-7.2", "pc-i440fx-10."]


# ------------------------------------------------------------------------------------------ comparison

PAIR = "a=debian-12:x86_64&b=debian-13:x86_64"


def test_the_comparison_has_every_difference_by_section(as_stranger: Client) -> None:
    make_two_versions()
    data = as_stranger.get(f"/lab/compare.json?{PAIR}").json()
    assert data["facts"]["QEMU"] == {"before": "7.2.22", "after": "10.0.13"}
    assert [(one["name"], one["change"]) for one in data["machines"]] == [
        ("pc-i440fx-10.", "added"),
        ("pc-i440fx-7.2", "removed"),
    ]
    assert {one["alias"] for one in data["aliases"]} == {"", "pc"}
    assert [(one["name"], one["change"]) for one in data["devices"]] == [
        ("igb", "added"),
        ("virtio-gpu-gl-pci", "removed"),
    ]
    assert [(one["name"], one["change"], one["devices"]) for one in data["options"]] == [
        ("scsi", "removed", ["virtio-blk-pci"]),
        ("drive", "changed", ["virtio-blk-pci"]),
    ]
    assert [(one["name"], one["accelerator"], one["no_longer_missing"]) for one in data["cpus"]] == [
        ("Skylake-Client", "tcg", ["rtm"]),
        ("qemu64", "tcg", []),
    ]
    assert [(one["name"], one["change"]) for one in data["objects"]] == [
        ("memory-backend-ram", "removed"),
        ("thread-context", "added"),
    ]
    html = page(as_stranger, f"/lab/compare/?{PAIR}")
    assert "12 differences" in html
    assert len(table(as_stranger, f"/lab/compare.csv?{PAIR}")) == 1 + 2 + 12  # the head, QEMU and its package


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("show=gone", 4),
        ("show=new", 3),
        ("show=changed", 5),
        ("q=virtio", 3),
        ("q=virtio+scsi", 1),
        ("q=zzz", 0),
    ],
)
def test_differences_are_filtered(as_stranger: Client, query: str, count: int) -> None:
    make_two_versions()
    html = page(as_stranger, f"/lab/compare/?{PAIR}&{query}")
    assert f"{count} of 12 differences" in html


def test_who_chose_nothing_sees_the_default_beside_the_version_before_it(as_stranger: Client) -> None:
    make_version("debian-11", "5.2.0")
    make_two_versions()
    data = as_stranger.get("/lab/compare.json").json()
    assert (data["before"]["host"], data["after"]["host"]) == ("debian-12", "debian-13")
    data = as_stranger.get("/lab/compare.json?on=debian-12:x86_64").json()
    assert (data["before"]["host"], data["after"]["host"]) == ("debian-11", "debian-12")
    data = as_stranger.get("/lab/compare.json?a=debian-12:x86_64").json()
    assert (data["before"]["host"], data["after"]["host"]) == ("debian-12", "debian-13")


def test_nothing_differs_between_equals(as_stranger: Client) -> None:
    make_two_versions()
    html = page(as_stranger, "/lab/compare/?a=debian-12:x86_64&b=debian-12:x86_64")
    assert "Nothing differs" in html
    assert "It is the same snapshot on both sides." in html


def test_a_host_is_compared_with_what_it_had_before(as_stranger: Client) -> None:
    host = make_version("pune-1", "7.2.22", transport="local")
    old = Snapshot.objects.get()
    raw = make_document_json("10.0.13")
    record(host, make_document(raw), at=AT + timedelta(days=1))
    html = page(as_stranger, "/lab/compare/?b=pune-1:x86_64")
    assert "Pune-1, before" in html
    assert f'value="{old.digest}:x86_64"' in html
    html = page(as_stranger, f"/lab/compare/?a={old.digest}:x86_64&b=pune-1:x86_64")
    assert '<dd> <span class="mono">7.2.22</span>' in html.replace("<dd><", "<dd> <")
    # The permanent link pins both sides.
    new = Snapshot.objects.exclude(pk=old.pk).get()
    assert (
        f"a={quote(f'{old.digest}:x86_64', safe='')}&amp;b={quote(f'{new.digest}:x86_64', safe='')}" in html
    )


# ---------------------------------------------------------------------------------------------- matrix


def answers(client: Client, query: str) -> list[list[str]]:
    """Rows of the matrix: name, then the answer of each column."""
    data = client.get(f"/lab/matrix.json?{query}").json()
    return [
        [f"{row['device']}.{row['name']}" if row["device"] else row["name"]]
        + [row["answers"][source["key"]]["answer"] for source in data["sources"]]
        for row in data["rows"]
    ]


def test_the_matrix_answers_for_each_version(as_stranger: Client) -> None:
    make_version("debian-11", "5.2.0", lambda qemu: qemu.update(devices=[]))
    make_two_versions()
    query = "q=virtio-blk-pci.scsi+virtio-blk-pci,drive+igb+virtio-gpu-gl-pci+pc-i440fx-1.4"
    query += "&q=Skylake-Client&q=iothread&q=virtio-net"
    assert answers(as_stranger, query) == [
        ["virtio-blk-pci.scsi", "no", "yes", "removed"],
        ["virtio-blk-pci.drive", "no", "yes", "default changed"],
        ["igb", "no", "no", "yes"],
        ["virtio-gpu-gl-pci", "no", "died", "removed"],
        ["pc-i440fx-1.4", "deprecated", "deprecated", "deprecated"],
        ["Skylake-Client", "lacks features", "lacks features", "lacks features"],
        ["iothread", "yes", "yes", "yes"],
        ["virtio-net", "no", "yes", "yes"],
    ]
    html = page(as_stranger, f"/lab/matrix/?{query}")
    assert html.count("removed</span>") == 2
    assert "alias of virtio-net-pci" in html
    assert table(as_stranger, "/lab/matrix.csv?q=igb")[1] == ["device type", "igb", "no", "no", "yes"]


def test_a_type_that_changed_is_told_with_its_type(as_stranger: Client) -> None:
    def change(qemu: Raw) -> None:
        qemu["devices"][0]["properties"] = [{"name": "scsi", "type": "OnOffAuto"}]

    make_version("debian-12", "7.2.22")
    make_version("debian-13", "10.0.13", change)
    assert answers(as_stranger, "q=virtio-blk-pci.scsi") == [["virtio-blk-pci.scsi", "yes", "type changed"]]
    assert "OnOffAuto" in page(as_stranger, "/lab/matrix/?q=virtio-blk-pci.scsi")


def test_a_piece_of_a_command_line_is_understood(as_stranger: Client) -> None:
    make_two_versions()
    pasted = "q=-device+virtio-net-pci,rss%3Don+-M+q35"
    assert [row[0] for row in answers(as_stranger, pasted)] == ["virtio-net-pci.rss", "q35"]


def test_what_is_unknown_gets_suggestions(as_stranger: Client) -> None:
    make_two_versions()
    html = page(as_stranger, "/lab/matrix/?q=virtio-net-pic+virtio-net-pci.rsss+qqqqqq")
    assert 'href="?q=virtio-net-pci&amp;target=x86_64"' in html
    assert 'href="?q=virtio-net-pci.rss&amp;target=x86_64"' in html
    assert "Nothing is written like it." in html


def test_the_matrix_is_of_one_target_or_of_the_chosen_columns(as_stranger: Client) -> None:
    make_two_versions()
    make_seen_host("arm", _arm())
    assert answers(as_stranger, "q=cortex-a57") == []
    assert answers(as_stranger, "q=cortex-a57&target=aarch64") == [["cortex-a57", "yes"]]
    assert answers(as_stranger, "q=igb&on=debian-13:x86_64") == [["igb", "yes"]]


# ------------------------------------------------------------------------------------- what is common


def test_what_works_on_all_is_told_with_who_lacks_the_rest(as_stranger: Client) -> None:
    make_two_versions()
    query = "on=debian-12:x86_64&on=debian-13:x86_64&device=virtio-blk-pci"
    data = as_stranger.get(f"/lab/common.json?{query}").json()
    assert data["devices"]["common"] == ["virtio-blk-pci", "virtio-net-pci"]
    assert data["devices"]["missing"] == {
        "igb": {"debian-12:x86_64": "not there"},
        "virtio-gpu-gl-pci": {"debian-12:x86_64": "QEMU ends over it", "debian-13:x86_64": "not there"},
    }
    assert data["machines"]["common"] == ["pc-i440fx-1.4", "q35"]
    assert data["cpus-tcg"]["common"] == ["qemu64"]
    assert data["cpus-kvm"]["missing"]["qemu64"] == {"debian-12:x86_64": "kvm does not answer"}
    assert data["options"]["device"] == "virtio-blk-pci"
    assert data["options"]["missing"] == {"scsi": {"debian-13:x86_64": "not there"}}
    html = page(as_stranger, f"/lab/common/?{query}")
    assert "Common to these 2" in html
    assert "Options of virtio-blk-pci" in html
    rows = table(as_stranger, f"/lab/common.csv?{query}")
    assert ["Device types", "igb", "no", "not there", ""] in rows
    assert ["Objects", "iothread", "yes", "", ""] in rows


def test_it_takes_two_to_have_something_in_common(as_stranger: Client) -> None:
    make_two_versions()
    assert "Choose at least two" in page(as_stranger, "/lab/common/?on=debian-12:x86_64")
    assert as_stranger.get("/lab/common.json?on=debian-12:x86_64").status_code == 404
    html = page(as_stranger, "/lab/common/?on=debian-12:x86_64&on=debian-13:x86_64&device=nothing")
    assert "None of these has the device type" in html


# --------------------------------------------------------------------------------------------- modules


def test_dead_types_are_told_with_the_package_that_brings_them_back(as_stranger: Client) -> None:
    def change(qemu: Raw) -> None:
        qemu["package"] = "Debian 1:7.2+dfsg-7+deb12u18"
        qemu["devices"][1]["last_words"] = "missing object type 'virtio-gpu-gl-device'"

    make_version("pune-1", "7.2.22", change, transport="local")
    html = page(as_stranger, "/lab/modules/")
    assert "sudo apt install qemu-system-gui" in html
    assert "The module hw-display-virtio-gpu-gl.so is missing." in html
    assert "Source: the package&#x27;s file list." in html
    (host,) = as_stranger.get("/lab/modules.json").json()["hosts"]
    assert host["died"][0]["package"] == "qemu-system-gui"
    assert {one["device"] for one in host["absent"]} >= {"qxl", "usb-redir"}
    rows = table(as_stranger, "/lab/modules.csv")
    assert rows[1][1:3] == ["virtio-gpu-gl-pci", "died"]


def test_who_lacks_nothing_is_named_and_the_unknown_is_said(as_stranger: Client) -> None:
    def own_build(qemu: Raw) -> None:
        qemu["package"] = ""
        qemu["devices"][1]["last_words"] = "Segmentation fault"

    make_version("whole", "10.0.13", newer, transport="local")
    make_version("own-build", "7.2.22", own_build, transport="local")
    html = page(as_stranger, "/lab/modules/")
    assert "QEMU does not say which distribution’s package it is" in html
    assert "Unknown: QEMU&#x27;s last words name neither" in html


# ----------------------------------------------------------------------------------------- all of them

PAGES = ("cpus", "machines", "compare", "matrix", "common", "modules")
ASKING = {"matrix": "q=virtio-blk-pci.scsi+q35+qemu64+iothread", "common": "device=virtio-blk-pci"}


@pytest.mark.parametrize("name", PAGES)
def test_a_lab_without_hosts_says_so(as_stranger: Client, name: str) -> None:
    assert "No host has answered yet" in page(as_stranger, f"/lab/{name}/")
    if name != "modules":
        assert as_stranger.get(f"/lab/{name}.json").status_code == 404
        assert as_stranger.get(f"/lab/{name}.csv").status_code == 404


@pytest.mark.parametrize("name", [*PAGES, "cpus/qemu64", "machines/q35"])
def test_each_further_host_costs_no_query(as_stranger: Client, name: str) -> None:
    def queries(count: int) -> int:
        for number in range(LabHost.objects.count(), count):
            # Other content on each, so that nothing was read before.
            def change(qemu: Raw, number: int = number) -> None:
                tail = f"{name.replace('/', '-')}-{number}"
                qemu["devices"][0]["properties"] = [
                    *PROPERTIES["virtio-blk-pci"],
                    {"name": f"zz-{tail}", "type": "bool"},
                ]
                qemu["devices"].append(device(f"zz-{tail}"))
                qemu["machines"].append(
                    qemu["machines"][0] | {"name": f"zz-{tail}", "alias": "", "default": False}
                )
                qemu["accelerators"]["tcg"]["cpus"].append(cpu(f"zz-{tail}"))
                qemu["objects"].append(f"zz-{tail}")

            make_version(f"host-{number}", f"7.{number}.0", change, transport="local")
        keys = "&".join(f"on=host-{number}:x86_64" for number in range(count)) if name == "common" else ""
        with CaptureQueriesContext(connection) as captured:
            page(as_stranger, f"/lab/{name}/?{ASKING.get(name, '')}&{keys}")
        return len(captured)

    # What is common takes two; a pair is compared whatever else there is.
    few = queries(2 if name in ("common", "compare") else 1)
    assert queries(4) <= few


@pytest.mark.parametrize("name", [*PAGES, "cpus/qemu64", "machines/q35"])
def test_private_hosts_are_for_staff(as_stranger: Client, name: str) -> None:
    make_two_versions()
    make_version("hidden", "9.9.9", visibility="private", transport="local")
    snapshot = LabHost.objects.get(slug="hidden").current.snapshot_id  # type: ignore[union-attr]
    staff = signed_in(make_user(email="staff@example.org", is_staff=True))
    more = ASKING.get(name, "")
    assert "Hidden" not in page(as_stranger, f"/lab/{name}/?{more}")
    assert "Hidden" in page(staff, f"/lab/{name}/?{more}")
    for key in ("hidden:x86_64", f"{snapshot}:x86_64"):
        parameter = "b" if name == "compare" else "on"
        for form in ("/", ".json", ".csv"):
            address = f"/lab/{name}{form}?{more}&{parameter}={key}"
            assert as_stranger.get(address).status_code == 404, address
            both = f"{address}&on=debian-12:x86_64" if name == "common" else address
            assert staff.get(both).status_code == 200, both


@pytest.mark.parametrize("name", [*PAGES, "cpus/qemu64", "machines/q35"])
def test_permanent_links_say_the_same_for_ever(as_stranger: Client, name: str) -> None:
    make_two_versions()
    on = "on=debian-12:x86_64&on=debian-13:x86_64" if name != "compare" else PAIR
    html = page(as_stranger, f"/lab/{name}/?{ASKING.get(name, '')}&{on}")
    query = html.split('">Permanent link')[0].rsplit('href="?', 1)[1].replace("&amp;", "&")
    before = page(as_stranger, f"/lab/{name}/?{query}")
    rows = table(as_stranger, f"/lab/{name}.csv?{query}")
    for host in LabHost.objects.all():
        record(host, make_document(make_document_json("11.1.0")), at=AT + timedelta(days=1))
    assert "11.1.0" not in page(as_stranger, f"/lab/{name}/?{query}").split("</form>")[-1]
    assert table(as_stranger, f"/lab/{name}.csv?{query}") == rows
    assert before.count("<tr>") == page(as_stranger, f"/lab/{name}/?{query}").count("<tr>")


HOSTILE = '"><script>alert(1)</script>'


@pytest.mark.parametrize("name", PAGES)
def test_no_words_are_an_error(as_stranger: Client, name: str) -> None:
    make_two_versions()
    on = "&on=debian-12:x86_64&on=debian-13:x86_64" if name != "compare" else ""
    parameter = "a" if name == "compare" else "on"
    for value in ("%00", "x" * 5_000, "([*+?\\", "%E2%80%AE", quote(HOSTILE), "."):
        query = "&".join(f"{key}={value}" for key in ("q", "show", "target", "device"))
        assert "<script>alert" not in page(as_stranger, f"/lab/{name}/?{query}{on}")
        for form in ("json", "csv"):
            assert as_stranger.get(f"/lab/{name}.{form}?{query}{on}").status_code == 200
        expected = 200 if value == "%00" else 404  # nothing is left of a NUL byte
        assert as_stranger.get(f"/lab/{name}/?{parameter}={value}").status_code == expected


def test_hostile_names_reach_no_page_as_markup_and_no_link_breaks(as_stranger: Client) -> None:
    def change(qemu: Raw) -> None:
        qemu["devices"].append(device("a/b.json", description=HOSTILE, status="died", last_words=HOSTILE))
        qemu["machines"].append(qemu["machines"][0] | {"name": "a/b", "alias": "c/d", "default": False})
        qemu["accelerators"]["tcg"]["cpus"].append(cpu("zz/x", HOSTILE, "b", "c", "d", alias_of="zz/y"))
        qemu["accelerators"]["kvm"]["last_words"] = HOSTILE

    make_version("debian-12", "7.2.22")
    make_version("evil", "10.0.0", change, transport="local")
    addresses = [f"/lab/{name}/?on=evil:x86_64&on=debian-12:x86_64&q=a/b.json+a/b+zz/x" for name in PAGES]
    addresses += ["/lab/compare/?a=debian-12:x86_64&b=evil:x86_64", "/lab/cpus/zz/x/", "/lab/machines/a/b/"]
    addresses += ["/lab/machines/c/d/", "/lab/modules/?on=evil:x86_64", "/lab/cpus/?on=evil:x86_64"]
    for address in addresses:
        assert "<script>alert" not in page(as_stranger, address), address
