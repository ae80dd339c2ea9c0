"""Long lists are shown in parts, and pages of a host that lies stay small."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from labtools.labhost import limits
from labtools.models import LabHost
from labtools.tests.lab_hosts import cpu, device, make_document, make_document_json, make_seen_host
from portal.tests.invariants import broken_invariants

pytestmark = pytest.mark.django_db
#: Bytes of HTML that any page of a liar may have, before it is compressed.
MOST = 3_000_000


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response
    text = response.content.decode()
    assert broken_invariants(text) == []
    return html.unescape(" ".join(text.split()))


def make_two(count: int) -> None:
    """Two hosts of which the second has so many more of everything."""
    raw = make_document_json()
    options = [{"name": f"old-{n:04}", "type": "bool"} for n in range(count)]
    raw["qemu"][0]["devices"].append(device("zz", group="Misc", properties=options))
    make_seen_host("before", make_document(raw))
    raw = make_document_json("8.0.0")
    qemu = raw["qemu"][0]
    qemu["devices"].append(device("zz", group="Misc", properties=[]))
    qemu["devices"] += [device(f"zz-{n:04}", group="Misc") for n in range(count)]
    qemu["machines"] += [qemu["machines"][2] | {"name": f"zz-{n:04}"} for n in range(count)]
    qemu["objects"] += [f"zz-{n:04}" for n in range(min(count, 200))]
    qemu["accelerators"]["tcg"]["cpus"] += [cpu(f"zz-{n:04}") for n in range(count)]
    make_seen_host("after", make_document(raw))


COMPARE = "/lab/compare/?a=before:x86_64&b=after:x86_64"
#: A section, how an entry of it begins, and what its entries are called.
SECTIONS = {
    "machines": ("zz-", "machine types", 121 + 2),
    "cpus": ("zz-", "CPU models", 121),
    "devices": ("zz-", "device types", 121),
    "options": ("old-", "options", 121),
    "objects": ("zz-", "objects", 121),
}


def names(text: str, section: str) -> list[str]:
    """Names of entries in a section of the comparison."""
    part = re.search(rf'aria-labelledby="{section}".*?</section>', text)
    return re.findall(r">((?:zz|old)-[0-9]{4})<", part[0]) if part else []


@pytest.mark.parametrize("section", SECTIONS)
def test_a_comparison_shows_the_first_of_each_section_and_all_of_one_in_pages(
    section: str, as_stranger: Client
) -> None:
    make_two(121)
    begin, words, total = SECTIONS[section]
    text = page(as_stranger, COMPARE)
    assert 18 <= len(names(text, section)) <= 20
    link = f"?a=before:x86_64&b=after:x86_64&section={section}#{section}"
    assert f'href="{link}">All {total} {words}</a>' in text.replace("%3A", ":")
    first = page(as_stranger, f"{COMPARE}&section={section}")
    second = page(as_stranger, f"{COMPARE}&section={section}&page=2")
    found = names(first, section) + names(second, section)
    assert sorted(found) == [f"{begin}{n:04}" for n in range(121)]
    assert len(names(first, section)) in (98, 99, 100)
    for other in SECTIONS.keys() - {section}:
        assert f'aria-labelledby="{other}"' not in first
    assert 'href="?a=before:x86_64&b=after:x86_64">All sections</a>' in first.replace("%3A", ":")
    assert f'aria-label="Pages of {words}"' in first


def test_the_files_of_a_comparison_are_whole(as_stranger: Client) -> None:
    make_two(121)
    found = as_stranger.get(COMPARE.replace("/?", ".json?")).json()
    assert [len(found[name]) for name in SECTIONS] == [total for _, _, total in SECTIONS.values()]
    rows = as_stranger.get(COMPARE.replace("/?", ".csv?")).content.decode().splitlines()
    assert sum("old-" in line for line in rows) == 121


@pytest.mark.parametrize("query", ["&section=nothing", "&section=objects&page=99", "&section=&page=x"])
def test_a_section_or_page_that_is_not_there_is_no_error(query: str, as_stranger: Client) -> None:
    make_two(121)
    assert names(page(as_stranger, COMPARE + query), "objects")


def test_a_section_without_differences_shows_the_others(as_stranger: Client) -> None:
    make_two(1)
    assert names(page(as_stranger, COMPARE + "&section=cpus&show=gone"), "options")


def test_the_explorer_shows_the_first_of_each_group_and_all_of_one_in_pages(as_stranger: Client) -> None:
    make_two(301)
    address = "/lab/devices/?on=after:x86_64"
    text = page(as_stranger, address)
    assert len(re.findall(r">zz(?:-[0-9]{4})?</a>", text)) == 75
    link = re.search(r'href="([^"]*)" *>All 302 of Misc</a>', text)
    assert link
    first = page(as_stranger, link[1])
    second = page(as_stranger, f"{link[1]}&page=2")
    found = re.findall(r">(zz(?:-[0-9]{4})?)</a>", first + second)
    assert (len(found), len(set(found))) == (302, 302)
    assert "virtio-net-pci</a>" not in first
    # htmx asks for the list alone.
    part = as_stranger.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "All 302 of Misc" in " ".join(part.split())


def test_cpu_models_are_shown_in_pages(as_stranger: Client) -> None:
    make_two(301)
    text = "".join(page(as_stranger, f"/lab/cpus/?on=after:x86_64&page={n}") for n in (1, 2, 3))
    assert len(set(re.findall(r">(zz-[0-9]{4})</a>", text))) == 301


# ------------------------------------------------------------------------------------------ a liar


def long(text: str) -> str:
    """``text`` made as long as a name may be."""
    return text.ljust(limits.MAX_NAME, "x")


def liar(word: str, version: str) -> dict[str, Any]:
    """A document at the limits: everything as many and as long as it may be, and other than under another word."""
    raw = make_document_json(version)
    qemu = raw["qemu"][0]
    rows = [
        {"name": f"p{n:04}", "type": "t", "description": word * 118} for n in range(limits.MAX_PROPERTIES)
    ]
    qemu["devices"] = [
        device(
            long(f"d{n:04}"),
            group=long(f"g{n % limits.MAX_GROUPS:02}"),
            bus=long("b"),
            alias=long(f"a{n:04}"),
            description=word * 300,
            status="died",
            last_words=word * 600,
        )
        for n in range(limits.MAX_DEVICES)
    ]
    for n in range(limits.MAX_DEVICE_PROPERTIES // limits.MAX_PROPERTIES):
        qemu["devices"][n] |= {"status": "ok", "properties": rows}
    one = qemu["machines"][2]
    qemu["machines"] = [
        one | {"name": long(f"m{word}{n:04}"), "alias": long(f"am{word}{n:04}"), "default_cpu": long("c")}
        for n in range(limits.MAX_MACHINES)
    ]
    qemu["objects"] = [long(f"o{word}{n:04}") for n in range(limits.MAX_OBJECTS)]
    for name in ("tcg", "kvm"):
        missing = limits.MAX_ALL_MISSING // limits.MAX_CPUS
        qemu["accelerators"][name] |= {
            "status": "ok",
            "cpus": [
                cpu(long(f"c{n:04}"), *(long(f"f{word}{k:03}") for k in range(missing)), type=long("t"))
                for n in range(limits.MAX_CPUS)
            ],
        }
    raw["problems"] = [word * 2500] * limits.MAX_PROBLEMS
    return raw


def test_pages_of_a_liar_stay_small(as_stranger: Client) -> None:
    make_seen_host("before", make_document(liar("y", "7.0.0")))
    host: LabHost = make_seen_host("after", make_document(liar("z", "8.0.0")))
    assert host.current
    group = long("g01")
    a_device, a_cpu, a_machine = long("d0001"), long("c0001"), long("mz0001")
    on = "on=after:x86_64"
    addresses = [
        "/lab/hosts/after/",
        host.current.snapshot.get_absolute_url(),
        "/lab/changes/",
        f"/lab/devices/?{on}",
        f"/lab/devices/?{on}&q=y",
        f"/lab/devices/?{on}&group={group}",
        f"/lab/devices/{a_device}/?{on}",
        f"/lab/cpus/?{on}",
        f"/lab/cpus/{a_cpu}/",
        f"/lab/machines/?{on}",
        f"/lab/machines/{a_machine}/",
        f"/lab/modules/?{on}",
        "/lab/common/?on=before:x86_64&on=after:x86_64",
        f"/lab/matrix/?q={a_device}",
        f"/lab/build/?{on}&device={a_device}",
        COMPARE,
        *(f"{COMPARE}&section={section}" for section in SECTIONS),
    ]
    sizes = {address: len(as_stranger.get(address).content) for address in addresses}
    assert {address: size for address, size in sizes.items() if size > MOST} == {}
