"""The linter against the real QEMU of this machine: what one refuses the other refuses, for the same reason."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator

import pytest

from labtools.labhost.document import Property
from labtools.labhost.lint import Severity, lint, read_pasted, values
from labtools.labhost.tests.real_qemu import installed_version, real_facts, start_qemu

#: Findings about one option of -device alone, and what QEMU says of the same.
CODES = {"unknown-device", "not-user-creatable", "unknown-property", "ill-typed", "read-only", "device-died"}
REFUSED = re.compile(
    r"is not a valid device model name|expects a (?:pluggable|non-abstract)|Property '[^']*' not found"
    r"|Parameter '[^']*' expects|does not accept value|doesn't take value|is not writable|has invalid value"
    r"|Invalid parameter type|missing object type|expects a value between"
)
#: Devices that start without a backend.
_NAMES = (
    "virtio-rng-pci virtio-net-pci virtio-balloon-pci virtio-scsi-pci virtio-serial-pci e1000 e1000e rtl8139 i6300esb "
    "pcie-root-port qemu-xhci nec-usb-xhci ich9-ahci ich9-intel-hda bochs-display VGA qxl virtio-gpu-pci edu "
    "virtio-tablet-pci nvme-subsys pci-bridge vmxnet3 AC97 megasas lsi53c895a"
)
DEVICES = _NAMES.split()
GOOD = {
    "bool": ["on", "off", "yes", "false", "y", "n"],
    "OnOffAuto": ["on", "off", "auto"],
    "uint8": ["0", "0x7f", "010"],
    "uint16": ["0", "0xff", "+3"],
    "uint32": ["0", "12", " 7"],
    "int32": ["-1"],
    "size": ["16M", "16777216", "16m"],
}
BAD = {
    "bool": ["1", "0", "", "ON", "maybe"],
    "OnOffAuto": ["yes", "true", "1", "AUTO", ""],
    "uint8": ["256", "-1", "1k", "", "08"],
    "uint16": ["65536", "-1", "x", "1.0"],
    "uint32": ["4294967296", "-1", "5 ", "0x"],
    "int32": ["2147483648", "-2147483649", "a"],
    "size": ["-1", "16MB", "1e6", "", "16E", "1.5"],
}
SLOTS = ["5", "0x1c", "1c.7", "1c.8", "20", "", "-1", "5x", "5.", "00:05.0"]
MACS = ["52:54:00:12:34:56", "52-54-00-12-34-56", "52:54:00:12:34", "525400123456", "52:54:00:12:34:5x", ""]


def words_for(prop: Property, chance: random.Random) -> list[str]:
    if values.is_slot(prop):
        return chance.sample(SLOTS, 2)
    if values.is_mac(prop):
        return chance.sample(MACS, 2)
    if prop.type not in GOOD:
        return ["any"] if values.is_readonly(prop) else []
    good = (
        [prop.default or GOOD[prop.type][0]] if prop.type[:4] in ("uint", "int3", "size") else GOOD[prop.type]
    )
    # Other numbers may be refused when the device is made, which is another matter.
    return [chance.choice(good).strip('"'), chance.choice(BAD[prop.type])]


def generated() -> Iterator[str]:
    chance = random.Random(7)
    for name in DEVICES:
        known = real_facts().properties(real_facts().devices[name])
        assert known is not None
        for prop in chance.sample(sorted(known.values(), key=lambda item: item.name), min(4, len(known))):
            for word in words_for(prop, chance):
                yield f"{name},{prop.name}={word}"
        yield f"{name},{chance.choice(sorted(known))[::-1]}x=on"
        yield f"{name[:-1]}{'x' if name[-1] != 'x' else 'y'}"


FIXED = [
    *(f"virtio-net-pci,addr={slot}" for slot in SLOTS),
    *(f"virtio-net-pci,mac={mac}" for mac in MACS),
    *(f"virtio-net-pci,mq={word}" for word in [*GOOD["bool"], *BAD["bool"]]),
    *(f"virtio-net-pci,host_mtu={word}" for word in [*GOOD["uint16"], *BAD["uint16"]]),
    *(f"bochs-display,vgamem={word}" for word in [*GOOD["size"], *BAD["size"], "+16M", ".5M", "1.0M", "16b"]),
    *(f"virtio-net-pci,disable-legacy={word}" for word in [*GOOD["OnOffAuto"], *BAD["OnOffAuto"]]),
    "mch",
    "virtio-blk-ccw",
    "virtio-gpu-gl-pci",
    "VIRTIO-RNG-PCI",
    "virtio-rng",
    "driver=virtio-rng-pci,id=a",
    "virtio-rng-pci,driver=virtio-balloon-pci",
    "virtio-rng-pci,multifunction=on,multifunction=zz",
    "virtio-rng-pci,multifunction=zz,multifunction=on",
    "virtio-rng-pci,multifunction",
    "virtio-rng-pci,nomultifunction",
    "virtio-rng-pci,foo",
    "virtio-rng-pci, multifunction=on",
    "virtio-rng-pci,=5",
    "virtio-rng-pci,,",
    "virtio-rng-pci,",
    "virtio-rng-pci,type=a",
    "virtio-rng-pci,hotplugged=on",
    "virtio-rng-pci,legacy-addr=5",
    "virtio-rng-pci,virtio-backend=a",
    "ide-cd,werror=foo",
    "pcie-root-port,x-speed=7",
    "nvdimm,uuid=x",
    *(
        json.dumps({"driver": "virtio-net-pci", name: value})
        for name, value in [
            ("mq", True),
            ("mq", "on"),
            ("mq", None),
            ("host_mtu", 1500),
            ("host_mtu", "1500"),
            ("host_mtu", 70000),
            ("host_mtu", -1),
            ("host_mtu", 1.0),
            ("addr", 40),
            ("addr", 300),
            ("addr", "5.0"),
            ("disable-legacy", "on"),
            ("disable-legacy", True),
            ("mac", 5),
            ("bootindex", 1),
            ("bootindex", "1"),
            ("foo", 1),
        ]
    ),
    '{"driver":"bochs-display","vgamem":"16M"}',
    '{"driver":"bochs-display","vgamem":16777216}',
]


def disagreements(options: list[str]) -> list[str]:
    wrong = []
    for option in options:
        # As a shell would pass it: nothing in these needs its rules but the spaces and quotation marks.
        findings = lint(read_pasted(f"-device '{option}'"), real_facts())
        ours = [item for item in findings if item.code in CODES and item.code != "default"]
        ours = [item for item in ours if item.severity is Severity.ERROR or item.code == "ill-typed"]
        said = start_qemu("-device", option)
        if bool(ours) is not bool(REFUSED.search(said)):
            wrong.append(f"{option}: QEMU said {said.strip()!r}, we said {[item.message for item in ours]}")
    return wrong


def test_fixed_options_are_refused_where_qemu_refuses_them() -> None:
    assert disagreements(FIXED) == []


def test_generated_options_are_refused_where_qemu_refuses_them() -> None:
    options = list(generated())
    assert len(options) > 150
    assert disagreements(options) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("-M q35 -device usb-tablet", "no-bus"),
        ("-M q35 -device virtio-scsi-pci -device scsi-hd,drive=d0", "missing-name"),
        ("-M q35 -device virtio-net-pci,netdev=n0", "missing-name"),
        ("-M q35 -device virtio-scsi-pci,iothread=io", "missing-name"),
        ("-M q35 -device scsi-generic", "no-bus"),
        ("-M q35 -device virtserialport", "no-bus"),
        ("-M q35 -device virtio-rng-device", "no-bus"),
        ("-M q35 -device virtio-rng-pci,bus=pci.0", "no-such-bus"),
        ("-M pc -device virtio-rng-pci,bus=pcie.0", "no-such-bus"),
        ("-M isapc -device virtio-rng-pci", "no-bus"),
        ("-M q35 -device virtio-rng-pci,id=a -device edu,id=a", "duplicate-id"),
        ("-M q35 -device virtio-rng-pci,id=1a", "bad-id"),
        ("-M q36", "unknown-machine"),
        ("-M q35 -object iothred,id=a", "unknown-object"),
        ("-M q35 -cpu Hasswell", "unknown-cpu"),
        ("-M q35 -cpu host", "cpu-needs-kvm"),
        ("-M q35 -cpu qemu64,+foo", "unknown-feature"),
        ("-M q35 -cpu qemu64,foo=on", "unknown-feature"),
        ("-M q35 -cpu qemu64,pcid=zz", "ill-typed"),
        ("-M q35 -cpu Haswell,enforce", "cpu-lacks"),
        ("-M q35 -global virtio-net-pci.foo=1 -device virtio-net-pci", "unknown-property"),
        ("-M q35 -global virtio-net-pci.mq=maybe -device virtio-net-pci", "ill-typed"),
        ("-M q35 -device", "value-missing"),
        ("-M q35 -device id=a", "driver-missing"),
    ],
)
def test_command_that_qemu_refuses_has_an_error_of_its_reason(line: str, code: str) -> None:
    errors = [item.code for item in lint(read_pasted(line), real_facts()) if item.severity is Severity.ERROR]
    assert errors == [code]
    machine, *options = line.removeprefix("-M ").split()
    said = [words for words in start_qemu(*options, machine=machine).splitlines() if "warning:" not in words]
    assert said != []


@pytest.mark.parametrize(
    "line",
    [
        "-M pc -device virtio-rng-pci,bus=pci.0,addr=0x5",
        "-M q35 -usb -device usb-tablet",
        "-M q35 -device qemu-xhci,id=usb -device usb-tablet,bus=usb.0",
        "-M q35 -object iothread,id=io -device virtio-scsi-pci,iothread=io,id=s "
        "-device scsi-hd,drive=d -drive if=none,id=d,driver=null-co",
        "-M q35 -blockdev driver=null-co,node-name=d -device virtio-blk-pci,drive=d,num-queues=2",
        '-M q35 -blockdev {"driver":"raw","file":{"driver":"null-co","node-name":"f"},"node-name":"r"}'
        " -device virtio-blk-pci,drive=f",
        "-M q35 -netdev user,id=n0 -device virtio-net,netdev=n0,mac=52:54:00:00:00:01,mq=on,vectors=10",
        "-M q35 -chardev null,id=c -device virtio-serial -device virtserialport,chardev=c,name=org.example.0",
        "-M q35 -device pcie-root-port,id=pci.0,chassis=1 -device virtio-rng-pci,bus=pci.0",
        "-M q35 -audiodev none,id=snd -device ich9-intel-hda -device hda-duplex,audiodev=snd",
        "-M pc-i440fx-7.2 -cpu qemu64,+sse4.1,-lahf_lm,hv_relaxed,hv-vapic=on,kvm=off,family=6,tsc-freq=1000000000",
        "-M q35 -cpu max,migratable=off",
        "-M q35 -global virtio-pci.ats=on -global ICH9-LPC.disable_s3=1 -device virtio-rng-pci",
        "-M q35 -object memory-backend-ram,id=m,size=1M -object rng-random,id=r,filename=/dev/urandom "
        "-device virtio-rng-pci,rng=r",
    ],
)
def test_command_that_qemu_takes_has_no_errors(line: str) -> None:
    machine, *options = line.removeprefix("-M ").split()
    said = start_qemu(*options, machine=machine)
    assert [words for words in said.splitlines() if "warning:" not in words] == []
    assert [item for item in lint(read_pasted(line), real_facts()) if item.severity is Severity.ERROR] == []


def test_default_of_a_type_that_others_are_built_on_is_warned_of_as_far_as_this_qemu_goes() -> None:
    # virtio-net-pci-non-transitional is built on virtio-pci and has no disable-legacy.
    given = "-global virtio-pci.disable-legacy=on"
    findings = lint(read_pasted(f"-M q35 {given} -device virtio-rng-pci"), real_facts())
    (finding,) = (finding for finding in findings if finding.severity is not Severity.NOTE)
    assert (finding.code, finding.severity) == ("global-unknown", Severity.WARNING)
    is_refused = "can't apply global" in start_qemu(*given.split())
    assert is_refused is (installed_version() >= (9, 0))
    assert ("does not even start" in finding.advice) is is_refused
