"""Which words of an article's code may be names, and which are not taken for any."""

import pytest

from kb.markup import Fence
from kb.mentions import MAX_CANDIDATES, commands_in, in_fences, in_inline_code
from portal.embeds.names import Candidate


@pytest.mark.parametrize(
    "code",
    [
        "pc",
        "help",
        "host",
        "max",
        "none",
        "virt",
        "nvme",
        "on",
        "10.0",
        "--cap",
        "a b",
        "/dev/sda1",
        "",
        "x" * 101,
    ],
)
def test_words_of_a_language_or_a_shell_are_no_names(code: str) -> None:
    assert in_inline_code(code) is None


@pytest.mark.parametrize(
    ("code", "candidate"),
    [
        ("virtio-net-pci", Candidate("virtio-net-pci")),
        ("q35", Candidate("q35")),
        ("virtio-blk-pci.scsi", Candidate("virtio-blk-pci.scsi")),
        ("-machine pc", Candidate("pc", "machine")),
        ("-M virt", Candidate("virt", "machine")),
        ("-cpu host", Candidate("host", "cpu")),
        ("-device nvme,drive=d", Candidate("nvme", "device")),
    ],
)
def test_a_name_is_taken_where_it_is_one_or_the_text_says_so(code: str, candidate: Candidate) -> None:
    assert in_inline_code(code) == candidate


def test_fences_are_searched_for_what_they_say_and_for_words_alone() -> None:
    source = (
        "$ qemu-system-x86_64 -M pc -cpu host -device nvme,serial=1,id=e1000-x -global ide-hd.drive=a\n"
        "name \"e1000\", bus PCI\n<type arch='x86_64' machine='q35'>hvm</type> /usr/lib/q36 --no-acpi1"
    )
    found = in_fences([Fence("console", {}, source)])
    assert {
        Candidate("pc", "machine"),
        Candidate("host", "cpu"),
        Candidate("nvme", "device"),
        Candidate("nvme.serial", "option"),
        Candidate("ide-hd.drive", "option"),
        Candidate("q35", "machine"),
        Candidate("e1000"),
    } <= set(found)
    assert not {"q36", "no-acpi1", "nvme", "host", "pc"} & {one.name for one in found if not one.kind}


def test_a_text_asks_for_no_more_than_so_many_names() -> None:
    assert len(in_fences([Fence("", {}, " ".join(f"dev-{n}" for n in range(5000)))])) == MAX_CANDIDATES


def test_commands_begin_lines_of_consoles() -> None:
    console = Fence(
        "console",
        {},
        "$ sudo virsh list\nvirt-clone is output\n# LANG=C qemu-img info x\n$ echo xl\n$ frobnicate",
    )
    assert commands_in([console, Fence("python", {}, "$ lspci")]) == ["qemu-img", "virsh"]
    assert commands_in([Fence("sh", {}, "modprobe kvm\n/usr/bin/lsscsi")]) == ["lsscsi", "modprobe"]
