"""What of a pasted log is compared, and with what."""

import time

import pytest

from kb.error_lines import (
    MAX_LINE,
    MAX_TEXT,
    Match,
    Signature,
    find_known,
    read_lines,
    search_words,
    telling_lines,
)


@pytest.mark.parametrize(
    ("line", "stripped"),
    [
        (
            "error: Could not open '/srv/a b.iso': Permission denied",
            "error: Could not open '… b.iso': Permission denied",
        ),
        ("2026-11-23T09:00:01.123456Z qemu: x", "… qemu: x"),
        ("uuid 123e4567-e89b-12d3-a456-426614174000 gone", "uuid … gone"),
        (
            "mac 52:54:00:12:34:56 and 10.0.0.1:5900 and fe80::1 and user@host.example",
            "mac … and … and … and …",
        ),
        ("wwpn 20000000c9831b4b of host5, port 12, at 0x7f00", "wwpn … of host5, port …, at …"),
        ("qcow2 stays, and so does virtio-net-pci", "qcow2 stays, and so does virtio-net-pci"),
        ("<source file='/x/y.qcow2'/>", "<source file='…'/>"),
        ("qemu+ssh://root@h/system failed", "… failed"),
    ],
)
def test_what_differs_from_host_to_host_is_left_out(line: str, stripped: str) -> None:
    assert read_lines(line) == [stripped]


def test_lines_are_bounded_and_each_is_there_once() -> None:
    assert read_lines("a\n\n12\na\n /tmp/x \nb") == ["a", "b"]
    assert len(read_lines("x" * 5000)[0]) == MAX_LINE
    assert len(read_lines("\n".join(f"line-{n} a" for n in range(9000)))) == 4000


def found(text: str, *patterns: str) -> list[Match]:
    """The matches of signatures numbered from 0."""
    return find_known(read_lines(text), [Signature(key, pattern) for key, pattern in enumerate(patterns)])


def test_signatures_are_found_whatever_differs() -> None:
    log = '12:00:01 error: Write of ‘2001:abc’ to "/sys/x" during vport create/delete failed: I/O error\nok'
    assert found(
        log, "Write of '*' to '*' during vport create/delete failed", "something else that is not there"
    ) == [Match(0, read_lines(log)[0], 1)]
    assert (
        found("could NOT open '/a': permission denied\n" * 3, "Could not open '*': Permission denied")[
            0
        ].count
        == 1
    )
    assert found("Could not open '/b' Permission denied: y", "Could not open '*': Permission denied") == []
    assert [
        one.key for one in found("no such file for guest one", "no such file", "no such file for guest *")
    ] == [1, 0]


@pytest.mark.parametrize("pattern", ["*", "", "**", "a*b", "error", ".*", "(a+)+$"])
def test_signatures_that_say_nothing_find_nothing(pattern: str) -> None:
    assert found("error: a b (a+)+$ aaaaaaaaaa", pattern) == []


def test_the_time_grows_with_the_text_alone() -> None:
    """No text and no signature makes it slow: nested runs, almost-matches, only separators."""
    hostile = ["a" * MAX_TEXT, "a:" * (MAX_TEXT // 2), "/" * MAX_TEXT, "a@" * (MAX_TEXT // 2), "0" * MAX_TEXT]
    hostile += [
        "/a" * (MAX_TEXT // 2),
        ("ab " * 600 + "\n") * 100,
        "a-" * (MAX_TEXT // 2),
        "1." * (MAX_TEXT // 2),
    ]
    signatures = [Signature(n, "*".join(["ab"] * 100) + f"*needle{n}") for n in range(200)]
    signatures += [Signature(n, "*".join(["ab"] * 140)) for n in range(50)]
    start = time.monotonic()
    for text in hostile:
        find_known(read_lines(text), signatures)
    assert time.monotonic() - start < 15


def test_what_is_searched_for_has_no_marks_of_the_search() -> None:
    assert telling_lines(["ok", "it failed", "error: x", "fine", "Permission denied"], 2) == [
        "Permission denied",
        "error: x",
    ]
    assert search_words("error: \"x\" OR … -a (b) '…' permission denied") == "error OR permission denied"
