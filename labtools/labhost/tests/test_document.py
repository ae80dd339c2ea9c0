"""Documents of hosts that lie: every one is refused with the one error, whatever is in it."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtools.labhost import document, limits, sections
from labtools.labhost.device_help import render_device_help
from labtools.labhost.document import BeyondLimits, DocumentError, parse_document
from labtools.labhost.references import references

ROWS: list[dict[str, Any]] = [
    {"name": "drive", "type": "str", "description": "a node"},
    {"name": "x-new", "type": "bool", "default": True},
]


def digest_of(rows: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def make_raw() -> dict[str, Any]:
    """A small document in which every kind of thing occurs."""
    device: dict[str, Any] = {
        "name": "virtio-blk-pci",
        "status": "ok",
        "last_words": "",
        "properties": digest_of(ROWS),
    }
    device |= {
        "group": "Storage",
        "bus": "PCI",
        "alias": "virtio-blk",
        "description": "",
        "user_creatable": True,
    }
    dead = device | {"name": "virtio-vga-gl", "status": "died", "properties": None, "last_words": "a\nb"}
    cpu: dict[str, Any] = {"name": "host", "type": "host-x86_64-cpu", "alias_of": "", "deprecated": False}
    cpu |= {"migration_safe": False, "static": False, "unavailable": ["kvm"]}
    machine = {
        "name": "q35",
        "alias": "",
        "default": True,
        "deprecated": False,
        "cpu_max": 8,
        "default_cpu": "",
    }
    return {
        "format": 1,
        "probed_at": "2026-11-23T01:00:00Z",
        "host": {"machine": "x86_64", "kernel": "6.1"},
        "problems": [],
        "property_lists": {digest_of(ROWS): copy.deepcopy(ROWS)},
        "qemu": [
            {
                "binary": "/usr/bin/qemu-system-x86_64",
                "status": "ok",
                "last_words": "",
                "version": "7.2.22",
                "package": "Debian",
                "target": "x86_64",
                "devices": [device, dead],
                "machines": [machine],
                "objects": ["iothread"],
                "accelerators": {
                    "tcg": {"status": "ok", "last_words": "", "sandboxed": True, "cpus": [cpu]},
                },
            }
        ],
    }


def parse(raw: object) -> document.HostDocument:
    return parse_document(json.dumps(raw).encode())


def test_a_device_type_may_have_a_space_in_its_name() -> None:
    raw = make_raw()
    raw["qemu"][0]["devices"][0]["name"] = "ICH9 SMB"  # QEMU 5.2
    assert parse_document(json.dumps(raw).encode()).qemu[0].devices[0].name == "ICH9 SMB"


def test_a_good_document_is_read() -> None:
    found = parse(make_raw())
    disk, dead = found.qemu[0].devices
    for version, default in (
        ("7.2.22", "true"),
        ("9.2.4", "true"),
        ("10.0.0", "on"),
        ("", "true"),
        ("x", "true"),
    ):
        assert render_device_help(disk, found.properties_of(disk), version) == (
            "virtio-blk-pci options:\n"
            "  drive=<str>            - a node\n"
            f"  x-new=<bool>           -  (default: {default})\n"
        )
    assert (dead.status, dead.last_words, found.properties_of(dead)) == (document.Status.DIED, "a\nb", None)
    properties = found.properties_of(disk)
    assert properties is not None
    assert [item.is_experimental for item in properties.properties] == [False, True]
    assert found.qemu[0].accelerators[0].cpus[0].is_usable is False


def test_parts_written_again_are_the_same_parts() -> None:
    raw = make_raw()
    found, entry = parse(raw), raw["qemu"][0]
    assert sections.devices_json(found.qemu[0].devices) == entry["devices"]
    assert sections.machines_json(found.qemu[0].machines) == entry["machines"]
    assert sections.cpus_json(found.qemu[0].accelerators[0].cpus) == entry["accelerators"]["tcg"]["cpus"]
    for digest, properties in found.property_lists.items():
        assert sections.digest(sections.canonical(sections.property_list_json(properties))) == digest


def test_the_hash_leaves_the_time_out_and_nothing_else() -> None:
    raw, later, other = make_raw(), make_raw(), make_raw()
    later["probed_at"] = "2026-11-24T01:00:00Z"
    other["qemu"][0]["version"] = "7.2.23"
    assert parse(raw).content_hash == parse(later).content_hash != parse(other).content_hash


def set_in(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(raw: dict[str, Any]) -> None:
        place: Any = raw
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


DEVICE = ("qemu", 0, "devices", 0)
LIES = {
    "another format": set_in("format", value=2),
    "a time that is none": set_in("probed_at", value="yesterday"),
    "a terminal escape": set_in("qemu", 0, "version", value="7\x1b[2J"),
    "a line break in a name": set_in(*DEVICE, "name", value="a\nb"),
    "markup in a name": set_in(*DEVICE, "name", value="<script>"),
    "an option smuggled into a name": set_in(*DEVICE, "name", value="-x"),
    "a name written from right to left": set_in(*DEVICE, "description", value="\u202egnp.exe"),
    "half a surrogate": set_in(*DEVICE, "description", value="\ud800"),
    "a NUL in the last words": set_in(*DEVICE, "last_words", value="a\x00"),
    "a target that is the key of another binary": set_in("qemu", 0, "target", value="x86_64:2"),
    "a target that a shell expands": set_in("qemu", 0, "target", value="x*(e:id:)"),
    "a list that is not there": set_in(*DEVICE, "properties", value="0" * 64),
    "a status of its own": set_in(*DEVICE, "status", value="fine"),
    "a status that is a list": set_in(*DEVICE, "status", value=["ok"]),
    "a device twice": set_in("qemu", 0, "devices", 1, "name", value="virtio-blk-pci"),
    "a number that is true": set_in("qemu", 0, "machines", 0, "cpu_max", value=True),
    "a number of 64 bits": set_in("qemu", 0, "machines", 0, "cpu_max", value=1 << 63),
    "a text for a list": set_in("qemu", value="none"),
    "a text for an entry": set_in("qemu", 0, value="none"),
    "a number for a flag": set_in("qemu", 0, "accelerators", "tcg", "sandboxed", value=1),
    "a property list under another's hash": set_in("property_lists", digest_of(ROWS), value=ROWS[:1]),
    "property lists as a list": set_in("property_lists", value=[]),
}


def many_devices(count: int, rows: list[dict[str, Any]] | None = None, **fields: str) -> list[dict[str, Any]]:
    """So many device types; ``{}`` in a field stands for its number."""
    one = make_raw()["qemu"][0]["devices"][0]
    digest = digest_of(rows) if rows is not None else None
    return [
        one
        | {key: words.format(n) for key, words in fields.items()}
        | {"name": f"d{n:05}", "properties": digest}
        for n in range(count)
    ]


def with_rows(
    rows: list[dict[str, Any]], devices: int = 1, **fields: str
) -> Callable[[dict[str, Any]], None]:
    """Let a QEMU have ``devices`` device types that share a list of properties."""

    def change(raw: dict[str, Any]) -> None:
        raw["property_lists"] = {digest_of(rows): rows}
        raw["qemu"][0]["devices"] = many_devices(devices, rows, **fields)

    return change


def bools(count: int) -> list[dict[str, Any]]:
    """So many properties."""
    return [{"name": f"p{n:05}", "type": "bool"} for n in range(count)]


def long_rows(more: int) -> list[dict[str, Any]]:
    """Many long properties, and ``more`` characters beside."""
    rows = [{"name": f"p{n:05}", "type": "bool", "description": "d"} for n in range(400)]
    for row in rows:
        row["description"] += "d" * min(more, 700)
        more -= min(more, 700)
    return rows


def machines(count: int) -> list[dict[str, Any]]:
    """So many machine types."""
    one = make_raw()["qemu"][0]["machines"][0]
    return [one | {"name": f"pc-{n:05}"} for n in range(count)]


def cpus(count: int, missing: int = 0) -> list[dict[str, Any]]:
    """So many CPU models, each of which lacks so many features."""
    one = make_raw()["qemu"][0]["accelerators"]["tcg"]["cpus"][0]
    return [one | {"name": f"cpu-{n:05}", "unavailable": ["feature"] * missing} for n in range(count)]


CPUS = ("qemu", 0, "accelerators", "tcg", "cpus")
#: What is still read, with a number, and what is refused with one more; and a part of the sentence.
LIMITS: dict[str, tuple[int, Callable[[int], Callable[[dict[str, Any]], None]], str]] = {
    "name": (100, lambda n: set_in(*DEVICE, "name", value="a" * n), "longer than 100"),
    "group": (100, lambda n: set_in(*DEVICE, "group", value="a" * n), "longer than 100"),
    "device description": (300, lambda n: set_in(*DEVICE, "description", value="a" * n), "longer than 300"),
    "last words": (2500, lambda n: set_in(*DEVICE, "last_words", value="a" * n), "longer than 2500"),
    "kernel": (200, lambda n: set_in("host", "kernel", value="6" * n), "longer than 200"),
    "description": (800, lambda n: with_rows([ROWS[0] | {"description": "d" * n}]), "longer than 800"),
    # Its quotation marks count.
    "default": (398, lambda n: with_rows([ROWS[0] | {"default": "d" * n}]), "longer than 400"),
    "properties": (1500, lambda n: with_rows(bools(n)), "more than 1500 properties"),
    "bytes of a list": (
        250_000 - len(json.dumps(long_rows(0), separators=(",", ":"))),
        lambda n: with_rows(long_rows(n)),
        "larger than 250000 bytes",
    ),
    "device types": (4000, lambda n: set_in("qemu", 0, "devices", value=many_devices(n)), "more than 4000"),
    "groups": (20, lambda n: set_in("qemu", 0, "devices", value=many_devices(n, group="{}")), "20 groups"),
    "buses": (100, lambda n: set_in("qemu", 0, "devices", value=many_devices(n, bus="{}")), "100 buses"),
    "machine types": (600, lambda n: set_in("qemu", 0, "machines", value=machines(n)), "more than 600"),
    "objects": (250, lambda n: set_in("qemu", 0, "objects", value=["a"] * n), "more than 250"),
    "CPU models": (2000, lambda n: set_in(*CPUS, value=cpus(n)), "more than 2000"),
    "missing features": (800, lambda n: set_in(*CPUS, value=cpus(1, n)), "more than 800"),
    "all missing features": (200, lambda n: set_in(*CPUS, value=cpus(n, 100)), "more than 20000"),
    "shared properties": (800, lambda n: with_rows(bools(100), n, group="Misc"), "more properties than"),
    "shared properties of CPUs": (2500, lambda n: with_rows(bools(200), n, group="CPU"), "more properties"),
}


@pytest.mark.parametrize("what", LIMITS)
def test_what_is_beyond_any_qemu_is_refused_with_its_limit(what: str) -> None:
    limit, change, sentence = LIMITS[what]
    raw = make_raw()
    change(limit)(raw)
    parse(raw)
    raw = make_raw()
    change(limit + 1)(raw)
    with pytest.raises(BeyondLimits, match=rf"{sentence}.*\.$"):
        parse(raw)


def test_references_keep_far_from_the_limits() -> None:
    """Whoever measures a new QEMU that comes near learns it here, and not from a host that is refused."""
    for reference in references():
        found = parse_document(reference.document())
        assert max(len(one.properties) for one in found.property_lists.values()) * 2 < limits.MAX_PROPERTIES
        for qemu in found.qemu:
            assert len(qemu.devices) * 2 < limits.MAX_DEVICES
            assert len(qemu.machines) * 2 < limits.MAX_MACHINES
            assert all(len(one.cpus) * 2 < limits.MAX_CPUS for one in qemu.accelerators)
            words = [one.description for one in qemu.devices]
            assert max(map(len, words)) * 2 < limits.MAX_DEVICE_DESCRIPTION
            lists = [found.properties_of(one) for one in qemu.devices]
            assert sum(len(one.properties) for one in lists if one) * 2 < limits.MAX_ALL_PROPERTIES


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused(lie: str) -> None:
    raw = make_raw()
    LIES[lie](raw)
    with pytest.raises(DocumentError, match=r"\.$|\?$"):
        parse(raw)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not JSON"),
        (b'{"format": 1', "ends too early"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[]", "not a JSON object"),
        (b'{"format": NaN}', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"format": ' + b"1" * 100_000 + b"}", "not JSON"),
        (b"[" + b"{}," * 1_000_000, "too many values"),
        (b" " * (limits.MAX_BYTES + 1), "larger than 16 MiB"),
    ],
    ids=["empty", "cut", "lists", "objects", "list", "NaN", "bytes", "digits", "values", "size"],
)
def test_what_is_no_document_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(DocumentError, match=sentence):
        parse_document(data)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value in ``value``."""
    inner: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    found = [path] if path else []
    for key, each in inner:
        found += places(each, (*path, key))
    return found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(path=st.sampled_from(places(make_raw())), value=JSON)
def test_any_value_anywhere_is_read_or_refused(path: tuple[str | int, ...], value: object) -> None:
    raw = make_raw()
    set_in(*path, value=value)(raw)
    try:
        found = parse(raw)
    except DocumentError:
        return
    texts = [found.machine, found.kernel, *found.problems]
    texts += [device.description for qemu in found.qemu for device in qemu.devices]
    assert all(text.isprintable() for text in texts)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_cut_or_flipped_byte_is_read_or_refused(data: st.DataObject) -> None:
    good = bytearray(json.dumps(make_raw()).encode())
    at = data.draw(st.integers(0, len(good) - 1))
    if data.draw(st.booleans()):
        del good[at:]
        with pytest.raises(DocumentError):
            parse_document(bytes(good))
        return
    good[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DocumentError):
        parse_document(bytes(good))
