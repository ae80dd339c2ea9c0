"""What the builder makes is taken by the real QEMU, is valid to libvirt's schemas, and reads back as the same."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtools.labhost.builder import Group, Input, Way, build, fields_of, libvirt_xml
from labtools.labhost.document import Property
from labtools.labhost.lint import Severity, lint, read_pasted
from labtools.labhost.tests.real_qemu import real_facts, start_qemu

DOMAIN = """<domain type='qemu'{namespace}><name>a</name><memory>65536</memory>
<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices>{device}</devices>{extra}</domain>"""
#: Devices, values, and how libvirt gets them; those with a backend are not started.
CASES: list[tuple[str, dict[str, str], Way]] = [
    (
        "virtio-net-pci",
        {"mac": "52-54-00-00-00-01", "host_mtu": "1500", "rss": "on", "csum": "off"},
        Way.ELEMENT,
    ),
    (
        "virtio-net-pci",
        {"id": "n0", "speed": "1000", "mq": "yes", "addr": "1c.1", "duplex": "full"},
        Way.OVERRIDE,
    ),
    ("virtio-net-pci-non-transitional", {"rx_queue_size": "512", "bootindex": "0"}, Way.ELEMENT),
    (
        "virtio-rng-pci",
        {"max-bytes": "1024", "period": "1000", "addr": "5", "multifunction": "on"},
        Way.ELEMENT,
    ),
    ("virtio-balloon-pci", {"free-page-reporting": "y", "deflate-on-oom": "on"}, Way.ELEMENT),
    ("virtio-scsi-pci", {"num_queues": "4", "cmd_per_lun": "64"}, Way.ELEMENT),
    ("virtio-serial-pci", {"max_ports": "8"}, Way.OVERRIDE),
    ("qemu-xhci", {"p2": "8", "p3": "8"}, Way.ELEMENT),
    ("nec-usb-xhci", {}, Way.ELEMENT),
    ("ich9-usb-ehci1", {}, Way.ELEMENT),
    ("lsi53c895a", {}, Way.ELEMENT),
    ("megasas", {}, Way.ELEMENT),
    ("ich9-ahci", {"id": "sata1"}, Way.ELEMENT),
    ("pcie-root-port", {"chassis": "3", "port": "4", "id": "rp"}, Way.ELEMENT),
    ("pcie-root-port", {"x-speed": "8"}, Way.OVERRIDE),
    ("pcie-pci-bridge", {}, Way.ELEMENT),
    ("e1000e", {"mac": "52:54:00:00:00:02"}, Way.ELEMENT),
    ("virtio-tablet-pci", {}, Way.ELEMENT),
    ("virtio-keyboard-pci", {}, Way.ELEMENT),
    ("AC97", {}, Way.ELEMENT),
    ("ich9-intel-hda", {}, Way.ELEMENT),
    ("VGA", {}, Way.ELEMENT),
    ("qxl-vga", {"max_outputs": "2", "vgamem_mb": "32"}, Way.OVERRIDE),
    ("virtio-gpu-pci", {"xres": "1024"}, Way.OVERRIDE),
    ("bochs-display", {"vgamem": "32M"}, Way.OVERRIDE),
    ("i6300esb", {}, Way.ELEMENT),
    ("pvpanic-pci", {}, Way.COMMANDLINE),
    ("edu", {"dma_mask": "255", "id": "e,,"}, Way.COMMANDLINE),
    ("nvme-subsys", {"nqn": "a,b c'd\"<&>"}, Way.COMMANDLINE),
]
#: Devices that need a backend or a host's device, so only their XML is checked.
XML_ONLY: list[tuple[str, dict[str, str]]] = [
    (
        "virtio-blk-pci",
        {"drive": "d", "num-queues": "2", "serial": "s1", "logical_block_size": "4096", "iothread": "t"},
    ),
    ("virtio-blk-pci-transitional", {"packed": "on"}),
    ("scsi-hd", {"drive": "d", "serial": "abc"}),
    ("ide-cd", {}),
    ("usb-storage", {}),
    ("usb-tablet", {}),
    ("virtio-input-host-pci", {"evdev": "/dev/input/event3"}),
    ("vfio-pci", {"host": "04:10.0"}),
    ("vfio-pci", {"host": "0000:81:1f.7"}),
    ("vhost-vsock-pci", {"guest-cid": "5"}),
    ("tpm-crb", {"tpmdev": "t"}),
    ("usb-hub", {}),
]


def known(driver: str) -> dict[str, Property]:
    device = real_facts().device(driver)
    assert device is not None
    return dict(real_facts().properties(device) or {})


def domain_of(driver: str, values: dict[str, str]) -> tuple[str, Way]:
    built = build(driver, known(driver), values, (7, 2))
    assert dict(built.problems) == {} or values.get("id") == "e,,"
    made = libvirt_xml(built, known(driver))
    namespace = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'" if made.extra else ""
    return DOMAIN.format(device=made.device, extra=made.extra, namespace=namespace), made.way


@pytest.mark.parametrize(
    ("driver", "values", "way"), [case for case in CASES if "id" not in case[1] or "," not in case[1]["id"]]
)
def test_real_qemu_takes_the_option_and_the_json(driver: str, values: dict[str, str], way: Way) -> None:
    built = build(driver, known(driver), values, (7, 2))
    assert built.problems == {}
    for form in (built.option, built.json):
        said = start_qemu("-device", form)
        assert [line for line in said.splitlines() if "warning:" not in line] == []
    assert shlex.split(built.shell) == ["-device", built.option]
    for text in (built.shell, f"-device '{built.json}'" if "'" not in built.json else built.shell):
        findings = lint(read_pasted(text), real_facts())
        assert [item for item in findings if item.severity is Severity.ERROR] == []


@pytest.mark.parametrize(
    ("driver", "values"), [*((driver, values) for driver, values, _ in CASES), *XML_ONLY]
)
def test_xml_is_valid_and_means_the_device(driver: str, values: dict[str, str], tmp_path: Path) -> None:
    xml, _ = domain_of(driver, values)
    # libvirt's test driver takes domains of its own type only, and checks them against the same schema.
    (tmp_path / "a.xml").write_text(xml.replace("type='qemu'", "type='test'"))
    argv = ["virsh", "-q", "-c", "test:///default", "define", "--validate", str(tmp_path / "a.xml")]
    checked = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, xml + checked.stderr
    drivers = {use.driver for use in read_pasted(xml).devices}
    same = {
        driver,
        driver.replace("lsi53c895a", "lsi").removesuffix("-non-transitional") + "-non-transitional",
    }
    assert drivers & (same | {"lsi", driver}) != set()


@pytest.mark.parametrize(("driver", "values", "way"), CASES)
def test_way_is_the_best_that_libvirt_has(driver: str, values: dict[str, str], way: Way) -> None:
    assert domain_of(driver, values)[1] is way


def test_values_become_attributes() -> None:
    xml, _ = domain_of("virtio-net-pci", CASES[0][1])
    assert "<mac address='52:54:00:00:00:01'" in xml.replace('"', "'")
    assert "<driver rss='on' name='vhost'>" in xml.replace('"', "'")
    assert "<host csum='off' />" in xml.replace('"', "'")
    assert "<mtu size='1500' />" in xml.replace('"', "'")


def test_what_has_no_attribute_is_passed_on_by_name() -> None:
    xml, _ = domain_of("virtio-net-pci", CASES[1][1])
    plain = xml.replace('"', "'")
    assert "<alias name='ua-n0' />" in plain
    assert "<qemu:device alias='ua-n0'>" in plain
    assert "<qemu:property name='speed' type='signed' value='1000' />" in plain
    assert "<qemu:property name='mq' type='bool' value='true' />" in plain
    assert "<qemu:property name='duplex' type='string' value='full' />" in plain
    assert "function='0x1'" in plain


def test_wrong_values_are_told_by_field_and_make_no_json() -> None:
    given_values = {
        "mq": "maybe",
        "host_mtu": "70000",
        "id": "1a",
        "nosuch": "1",
        "netdev": "a\nb",
        "mac": "",
    }
    built = build("virtio-net-pci", known("virtio-net-pci"), given_values, (7, 2))
    assert set(built.problems) == {"mq", "host_mtu", "id", "nosuch", "netdev"}
    assert built.problems["host_mtu"] == "Give a whole number from 0 to 65535."
    assert built.json == ""
    assert build("virtio-net-pci", known("virtio-net-pci"), {"mq": "on"}, (5, 2)).json == ""


def test_json_has_the_types_of_the_properties() -> None:
    built = build(
        "virtio-net-pci", known("virtio-net-pci"), {"mq": "yes", "host_mtu": "0x10", "addr": "5.0"}, (7, 2)
    )
    assert json.loads(built.json) == {"driver": "virtio-net-pci", "mq": True, "host_mtu": 16, "addr": "5.0"}


def test_array_is_written_as_json_in_every_form() -> None:
    ports = {"ports": Property("ports", "list", "", "[]"), "name": Property("name", "str", "", None)}
    built = build("rocker", ports, {"name": "a", "ports": '["n0"]'}, (10, 0))
    assert built.option == built.json == '{"driver":"rocker","name":"a","ports":["n0"]}'
    assert shlex.split(built.shell) == ["-device", built.json]
    made = libvirt_xml(built, ports)
    assert made.way is Way.COMMANDLINE
    (device,) = read_pasted(DOMAIN.format(device="", extra=made.extra, namespace="")).devices
    assert (device.driver, device.is_json) == ("rocker", True)
    assert build("rocker", ports, {"ports": "n0"}, (10, 0)).problems == {
        "ports": 'Give an array as JSON: ["a", "b"].'
    }
    assert set(build("rocker", ports, {"ports": "[]"}, (5, 2)).problems) == {"ports"}


def test_fields_put_common_ones_first_and_experimental_ones_last() -> None:
    fields = fields_of(known("virtio-net-pci"))
    assert [item.name for item in fields[:4]] == ["id", "bus", "addr", "netdev"]
    groups = [item.group for item in fields]
    assert groups == sorted(groups, key=list(Group).index)
    assert all(item.name.startswith("x-") for item in fields if item.group is Group.EXPERIMENTAL)
    by_name = {item.name: item for item in fields}
    assert "virtio-backend" not in by_name
    assert [choice.label for choice in by_name["mq"].choices] == ["default (off)", "on", "off"]
    assert (by_name["host_mtu"].input, by_name["host_mtu"].maximum) == (Input.NUMBER, 65535)
    assert [choice.value for choice in by_name["disable-legacy"].choices] == ["", "on", "off", "auto"]
    assert (by_name["addr"].input, by_name["addr"].default) == (Input.TEXT, "")


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=30))
def test_any_value_reads_back_as_it_was(value: str) -> None:
    built = build("a", {"b": Property("b", "str", "", None)}, {"b": value}, (10, 0))
    if built.problems:
        return
    (device,) = read_pasted(built.shell).devices
    assert [(item.name, item.value) for item in device.givens] == [("b", value)]
    assert json.loads(built.json)["b"] == value
