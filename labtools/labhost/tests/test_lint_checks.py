"""What the linter says of texts, on facts made for the test."""

from __future__ import annotations

import pytest

from labtools.labhost.document import CpuModel, Device, Machine, Property, PropertyList, Status
from labtools.labhost.lint import Facts, Finding, Severity, lint, read_pasted, similar

NET = (
    Property("bootindex", "int32", "", None),
    Property("disable-legacy", "OnOffAuto", "on/off/auto", '"auto"'),
    Property("host_mtu", "uint16", "", "0"),
    Property("mq", "bool", "on/off", "false"),
    Property("netdev", "str", "ID of a netdev to use as a backend", None),
    Property("x-ioeventfd", "bool", "on/off", "true"),
)


def make_device(name: str, *, alias: str = "", bus: str = "PCI", creatable: bool | None = True) -> Device:
    return Device(name, Status.OK, "", "Network", bus, alias, "", creatable, "0" * 64)


def make_facts(
    label: str = "debian-13",
    *,
    version: str = "10.0.2",
    target: str = "x86_64",
    properties: tuple[Property, ...] = NET,
    devices: tuple[Device, ...] = (make_device("virtio-net-pci", alias="virtio-net"),),
    machines: tuple[Machine, ...] = (Machine("pc-q35-10.0", "q35", True, False, 288, ""),),
    cpus: tuple[CpuModel, ...] = (),
) -> Facts:
    return Facts(
        label=label,
        target=target,
        version=version,
        devices=lambda: {device.name: device for device in devices},
        machines=lambda: machines,
        objects=lambda: ("iothread", "secret"),
        cpus=lambda _name: cpus,
        property_list=lambda device: (
            PropertyList("0" * 64, properties) if device.status is Status.OK else None
        ),
    )


def codes(text: str, facts: Facts | None = None, *others: Facts) -> list[tuple[str, str]]:
    found = lint(read_pasted(text), facts or make_facts(), others)
    return [(item.severity.value, item.code) for item in found]


def only(text: str, facts: Facts | None = None, *others: Facts) -> Finding:
    (found,) = lint(read_pasted(text), facts or make_facts(), others)
    return found


def test_unknown_device_says_what_was_meant_and_where_it_is_known() -> None:
    old = make_facts("debian-11", devices=(make_device("virtio-net-pic"),))
    found = only("virtio-net-pic,mq=on", make_facts(), old)
    assert (found.severity, found.code) == (Severity.ERROR, "unknown-device")
    assert found.message == "This QEMU has no device type “virtio-net-pic”."
    assert found.advice == "Did you mean virtio-net-pci? It is known on debian-11."
    assert (found.place.line, found.place.column, found.place.length) == (1, 1, 14)


def test_property_that_went_says_where_it_is() -> None:
    old = make_facts("debian-11", properties=(*NET, Property("scsi", "bool", "", None)))
    found = only("virtio-net-pci,scsi=on", make_facts(), old)
    assert found.message == "virtio-net-pci has no property “scsi”."
    assert found.advice == "It is known on debian-11."
    assert found.place.token == "scsi=on"


def test_misspelt_property_says_what_was_meant() -> None:
    assert only("virtio-net-pci,host-mtu=1500").advice == "Did you mean host_mtu?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("virtio-net-pci,mq=on", []),
        ("virtio-net-pci,netdev=anything,bus=pci.9,id=a", []),
        ("virtio-net-pci,mq=off", [("note", "default")]),
        ("virtio-net-pci,disable-legacy=auto", [("note", "default")]),
        ("virtio-net-pci,host_mtu=0x0", [("note", "default")]),
        ("virtio-net,mq=on", [("note", "alias")]),
        ("virtio-net-pci,x-ioeventfd=off", [("warning", "experimental")]),
        ("virtio-net-pci,mq=off,mq=on", [("warning", "given-twice")]),
        ("virtio-net-pci,mq", [("warning", "short-form")]),
        ("virtio-net-pci,help", [("note", "help")]),
        ("virtio-net-pci,mq=1,host_mtu=-1", [("error", "ill-typed"), ("error", "ill-typed")]),
        ("virtio-net-pci,a[0]=1", [("error", "unknown-property")]),
        ("$DEVICE,mq=zz", [("note", "shell")]),
        ("virtio-net-pci,mq=$MQ", [("note", "shell")]),
        ("-device virtio-net-pci,netdev=n", [("error", "missing-name")]),
        ("-device virtio-net-pci,netdev=n -readconfig x", [("note", "not-read")]),
        ("-device virtio-net-pci -devcie foo", [("warning", "unknown-option")]),
        ("-device=virtio-net-pci", [("warning", "unknown-option")]),
        ("-machine q35,usb=on", [("note", "machine-alias"), ("note", "not-checked")]),
        ("-machine pc-q35-10.0", []),
        ("qemu-system-aarch64 -S", [("warning", "other-target")]),
        ("qemu-system-i386 -S", []),
    ],
)
def test_findings(text: str, expected: list[tuple[str, str]]) -> None:
    assert codes(text) == expected


@pytest.mark.parametrize(
    ("version", "word", "is_taken"),
    [
        # Each as the real QEMU of that version answered.
        ("5.2.0", "1e6", True),
        ("7.2.0", "1e6", False),
        ("10.0.0", "1e6", False),
        ("5.2.0", ".5M", True),
        ("7.2.0", ".5M", False),
        ("10.0.0", ".5M", True),
        ("5.2.0", "16E", False),
        ("5.2.0", "1.5", False),
        ("5.2.0", "1.5G", True),
    ],
)
def test_sizes_are_those_of_the_version(version: str, word: str, is_taken: bool) -> None:
    facts = make_facts(version=version, properties=(Property("vgamem", "size", "", None),))
    assert (codes(f"virtio-net-pci,vgamem={word}", facts) == []) is is_taken


@pytest.mark.parametrize(("word", "is_taken"), [("y", True), ("ON", False), ("", False), ("1", False)])
def test_booleans_are_the_same_in_every_version(word: str, is_taken: bool) -> None:
    for version in ("5.2.0", "7.2.0", "10.0.0"):
        assert (codes(f"virtio-net-pci,mq={word}", make_facts(version=version)) == []) is is_taken


def test_array_is_for_json() -> None:
    facts = make_facts(properties=(Property("ports", "list", "", "[]"),))
    assert codes("virtio-net-pci,ports=a", facts) == [("error", "ill-typed")]
    assert codes('{"driver":"virtio-net-pci","ports":"a"}', facts) == [("error", "ill-typed")]
    assert codes('{"driver":"virtio-net-pci","ports":["a"]}', facts) == []


def test_value_that_is_given_again_is_judged_where_qemu_sets_both() -> None:
    text = "virtio-net-pci,mq=zz,mq=on"
    assert codes(text, make_facts(version="7.2.0")) == [("warning", "given-twice")]
    assert codes(text, make_facts(version="5.2.0")) == [("error", "ill-typed"), ("warning", "given-twice")]


def test_json_is_for_qemu_that_reads_it() -> None:
    text = '{"driver":"virtio-net-pci","mq":true}'
    assert codes(text, make_facts(version="6.2.0")) == []
    assert codes(text, make_facts(version="5.2.0")) == [("error", "json-unsupported")]


@pytest.mark.parametrize("creatable", [True, None])
def test_device_that_may_be_added_is_no_error(creatable: bool | None) -> None:
    assert codes("a,mq=on", make_facts(devices=(make_device("a", creatable=creatable),))) == []


def test_device_of_the_machine_is_an_error() -> None:
    facts = make_facts(devices=(make_device("mch", creatable=False),))
    assert codes("mch", facts) == [("error", "not-user-creatable")]
    assert codes("<domain><devices><iommu model='intel'/></devices></domain>", facts) == [
        ("error", "unknown-device")
    ]


def test_device_that_ended_qemu_is_an_error_with_its_words() -> None:
    dead = Device("a", Status.DIED, "missing object\nb", "", "", "", "", None, None)
    found = only("a,anything=on", make_facts(devices=(dead,)))
    assert (found.code, found.message) == (
        "device-died",
        "QEMU ended when it was asked about a: “missing object”.",
    )


def test_deprecated_machine_and_one_of_another_version() -> None:
    old = Machine("pc-q35-2.4", "", False, True, 1, "")
    assert codes("-M pc-q35-2.4", make_facts(machines=(old,))) == [("warning", "machine-deprecated")]
    found = only("-M pc-q35-2.4", make_facts(), make_facts("debian-11", machines=(old,)))
    assert (found.code, found.advice) == (
        "unknown-machine",
        "The newest of its kind here is pc-q35-10.0. It is known on debian-11.",
    )


def test_missing_features_of_a_cpu_are_named_unless_they_are_switched_off() -> None:
    cpu = CpuModel("Haswell", "Haswell-x86_64-cpu", "", False, True, False, ("pcid", "x2apic"))
    facts = make_facts(cpus=(cpu,))
    found = only("-cpu Haswell,-pcid", facts)
    assert (found.severity, found.code) == (Severity.WARNING, "cpu-lacks")
    assert found.message.startswith("Under tcg on this host Haswell lacks x2apic; the guest starts without")
    assert codes("-cpu Haswell,pcid=off,x2apic=off", facts) == []
    assert codes("-cpu Haswell,enforce", facts) == [("error", "cpu-lacks")]


def test_worst_comes_first_and_the_text_orders_the_rest() -> None:
    found = lint(read_pasted("-M q35 -device virtio-net-pci,mq=off,x-ioeventfd=on,foo=1,mq=zz"), make_facts())
    assert [item.code for item in found] == [
        "unknown-property",
        "ill-typed",
        "given-twice",
        "experimental",
        "machine-alias",
        "default",
    ]


REPEATED = {
    "device": [f"-device nosuchdevice{number}" for number in range(2_500)],
    "property": [f"-device virtio-net-pci,nosuch=1{number}" for number in range(2_500)],
    "option": [f"-devcie{number} x" for number in range(2_900)],
    "name": [f"-netdev user,id=abcdefg{n} -device virtio-net-pci,netdev=hbcdefg{n}" for n in range(1_400)],
}


@pytest.mark.parametrize("kind", REPEATED)
def test_names_that_are_all_wrong_are_compared_a_bounded_number_of_times(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = 0

    def count(first: str, second: str, limit: int) -> int:
        nonlocal compared
        compared += 1
        return limit + 1

    monkeypatch.setattr(similar, "distance", count)
    names = ["virtio-net-pci", *(f"virtio-thing-{number:03}-pci" for number in range(500))]
    devices = tuple(make_device(name) for name in names)
    text = " ".join(REPEATED[kind])
    assert len(lint(read_pasted(text), make_facts(devices=devices), [make_facts()] * 20)) == 400
    assert 1_000 < compared <= similar.MAX_COMPARISONS


def test_json_of_too_many_properties_is_cut() -> None:
    names = ",".join(f'"p{number}":1' for number in range(3_000))
    pasted = read_pasted('{"driver":"virtio-net-pci",' + names + "}")
    (device,) = pasted.devices
    assert len(device.givens) == 999
    assert [item.code for item in pasted.findings] == ["too-many-options"]
