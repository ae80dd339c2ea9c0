"""How blocks ask to be checked, and when what came is what was expected."""

import time

import pytest

from kb import rendering
from kb.checks_matching import MASKS, difference, is_found, masked
from kb.checks_syntax import CheckedBlock, Misread, Prompted, documents_of, is_check, read_block
from kb.markup import Fence


def fence(source: str, **options: str) -> Fence:
    return Fence("console", {"check": "check"} | options, source)


def test_marked_blocks_are_found_as_the_renderer_finds_them() -> None:
    text = (
        '```console check exit="2"\n$ virsh list\n```\n\n```xml check file="vhba.xml"\n<a/>\n```\n\n'
        "```console\n$ virsh version\n```\n\n````text\n```console check\n$ virsh uri\n```\n````\n"
    )
    fences = rendering.render(text).fences
    assert [one.source for one in fences if is_check(one)] == ["$ virsh list"]
    assert documents_of(fences) == {"vhba.xml": "<a/>\n"}


def test_a_block_is_read_as_commands_with_what_must_follow() -> None:
    source = "$ qemu-img create \\\n>   disk.qcow2 1G\n# virsh list\n Id   Name\n\n...\n$ virsh uri\n"
    block = read_block(fence(source, exit="2", mask="uuid size", expect="x*y", host="any", title="Try it"))
    assert block == CheckedBlock(
        (
            Prompted("qemu-img create disk.qcow2 1G", None),
            Prompted("virsh list", (" Id   Name", "", "...")),
            Prompted("virsh uri", None, 2),
        ),
        ("uuid", "size"),
        "x*y",
        "any",
    )
    assert read_block(fence("$ virsh uri", silent="silent")).commands[0].expected == ()


def test_a_block_may_ask_for_exit_codes_as_one_asks_a_shell() -> None:
    source = "$ virsh list\n$ echo $?\n0\n$ virsh uri\nerror: no\n$ echo $?\n\n63\n$ virsh version\n"
    assert read_block(fence(source)).commands == (
        Prompted("virsh list", None),
        Prompted("virsh uri", ("error: no",), 63),
        Prompted("virsh version", None),
    )
    assert read_block(fence(source, exit="1")).commands[-1].exit_code == 1


@pytest.mark.parametrize(
    "wrong",
    [
        fence("no prompt"),
        fence(""),
        fence("$ virsh list\n" * 13),
        fence("$ virsh list", exit="-1"),
        fence("$ virsh list", exit="٣"),
        fence("$ virsh list", mask="everything"),
        fence("$ virsh list", host="pune-1"),
        fence("$ virsh list", run="always"),
        fence("$ echo $?\n0"),
        fence("$ virsh list\n$ echo $?"),
        fence("$ virsh list\n$ echo $?\nfine"),
        fence("$ virsh list\n$ echo $?\n-1"),
        fence("$ virsh list\n$ echo $?\n0\n$ echo $?\n0"),
        fence("$ virsh list\n$ echo $?\n1", exit="1"),
        Fence("bash", {"check": "check"}, "$ virsh list"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(wrong: Fence) -> None:
    with pytest.raises(Misread):
        read_block(wrong)


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        ("size", "196 KiB"),
        ("size", "1048576000 bytes"),
        ("date", "2026-11-22 10:00:01"),
        ("time", "10:00:01"),
        ("uuid", "c7a5fdbd-edaf-9455-926a-d65c16db1809"),
        ("version", "7.2.22 (Debian 1:7.2)"),
        ("number", "42"),
        ("hex", "0x3e8"),
        ("path", "/var/lib/libvirt/images"),
        ("mac", "52:54:00:12:34:56"),
        ("wwn", "2000000012341234"),
    ],
)
def test_masks_hide_what_differs(mask: str, text: str) -> None:
    assert masked(f"a {text} b", [mask]) == f"a <{mask}> b"
    assert difference([f"a {text} b"], f"a <{mask}> b", [mask]) == ""


def test_the_size_on_the_disk_is_hidden_and_the_virtual_one_is_not() -> None:
    said = 'virtual size: 1 GiB (1073741824 bytes)\ndisk size: 196 KiB\n"actual-size": 200704,'
    assert masked(said, ["disk-size"]) == (
        'virtual size: 1 GiB (1073741824 bytes)\ndisk size: <disk-size>\n"actual-size": <disk-size>,'
    )


@pytest.mark.parametrize(
    ("expected", "printed", "said"),
    [
        ("a\nb", "a\nb\n\n", ""),
        ("a", "a   \n", ""),
        ("", "", ""),
        ("...", "x\ny", ""),
        ("...\nb", "a\nb", ""),
        ("a\n...\nc", "a\nc", ""),
        ("a\n...\nc\nd\n...", "a\nb\nc\nx\nc\nd\ne", ""),
        ("a", "b", "“a” was expected, and “b” came."),
        ("a\nb", "a", "“b” was expected, and nothing more came."),
        ("a", "a\nb", "Nothing more was expected, and “b” came."),
        ("a\n...\nc", "a\nc\nd", "“c” was expected, and “d” came."),
        ("...\nc\n...", "a", "“c” and what follows it did not come in its place."),
        ("a\n...\na", "a", "It ended before “a”."),
    ],
)
def test_lines_are_compared(expected: str, printed: str, said: str) -> None:
    assert difference(expected.split("\n"), printed, []) == said


def test_a_pattern_is_found_in_one_line() -> None:
    assert is_found("*errors*image", "3 errors were found on the image.")
    assert not is_found("image*errors", "3 errors were found on the image.")
    assert not is_found("a*b", "a\nb")


def test_comparing_takes_no_long_time() -> None:
    started = time.monotonic()
    for text in (
        "1" * 60_000,
        "1.1" * 20_000,
        "/a" * 30_000,
        "(" * 60_000,
        "a1-" * 20_000,
        "00:" * 20_000,
        " \n" * 30_000,
    ):
        masked(text, list(MASKS))
    assert not is_found("a*" * 90 + "b", "a" * 60_000)
    difference(["...", "a", "b", "..."] * 50, "a\n" * 30_000, [])
    assert time.monotonic() - started < 4
