"""Texts are cut as a shell and QEMU cut them, and every word knows where it stood."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtools.labhost.lint import MAX_TEXT, Kind, PasteError, read_pasted
from labtools.labhost.lint.findings import Lines
from labtools.labhost.lint.similar import nearest
from labtools.labhost.lint.words import Piece, split_option, split_shell

LOG = """\
2026-11-23 03:00:00.000+0000: starting up libvirt version: 9.0.0, package: 4 (A. Nobody <a@example.org>), kernel: 6.1
LC_ALL=C \\
HOME=/var/lib/libvirt/qemu/domain-1-web \\
/usr/bin/qemu-system-x86_64 \\
-name guest=web,debug-threads=on \\
-machine pc-q35-7.2,usb=off \\
-accel kvm \\
-device '{"driver":"virtio-net-pci","netdev":"hostnet0"}' \\
-netdev '{"type":"tap","fd":"29","id":"hostnet0"}' \\
-append 'console=ttyS0 quiet'
char device redirected to /dev/pts/1 (label charserial0)
"""


def piece(text: str) -> Piece:
    return Piece(text, range(len(text)))


@given(st.text(alphabet="ab-=,/. \t\n\\'\"", max_size=40))
def test_words_are_those_of_a_shell(text: str) -> None:
    try:
        expected = shlex.split(text, posix=True)
    except ValueError:
        return
    # A shell joins lines at a backslash, and shlex keeps the line break of one.
    if "\\\n" in text:
        return
    shell = split_shell(text)
    assert [word.value for word in shell.words] == expected
    assert shell.open_quote is None


@given(st.text(alphabet="ab=,é \\'\"\n", max_size=40))
def test_every_character_knows_where_it_stood(text: str) -> None:
    for word in split_shell(text).words:
        assert [text[at] for at in word.offsets] == list(word.value)


@pytest.mark.parametrize(
    ("option", "pairs"),
    [
        ("virtio-net-pci,mq=on", [("", "virtio-net-pci"), ("mq", "on")]),
        ("a,file=x,,y,z", [("", "a"), ("file", "x,y"), ("z", None)]),
        ("a,,b", [("", "a,b")]),
        ("driver=a,id=b", [("driver", "a"), ("id", "b")]),
        ("a,", [("", "a")]),
        ("a,=5", [("", "a"), ("", "5")]),
        ("a,b=c=d", [("", "a"), ("b", "c=d")]),
        (",id=a", [("", ""), ("id", "a")]),
    ],
)
def test_options_are_cut_as_qemu_cuts_them(option: str, pairs: list[tuple[str, str | None]]) -> None:
    found = [
        (pair.key.value, None if pair.value is None else pair.value.value)
        for pair in split_option(piece(option))
    ]
    assert found == pairs


def test_log_of_libvirt_is_read_from_the_program_to_its_last_option() -> None:
    pasted = read_pasted(LOG)
    assert pasted.kind is Kind.COMMAND
    assert pasted.machine is not None
    assert (pasted.machine.name, pasted.accelerators, pasted.target) == ("pc-q35-7.2", ("kvm",), "x86_64")
    (device,) = pasted.devices
    assert (device.driver, device.is_json, device.place.line) == ("virtio-net-pci", True, 8)
    assert pasted.names["netdev"] == {"hostnet0"}
    assert [(item.code, item.place.line) for item in pasted.findings] == [("not-read", 11)]


@pytest.mark.parametrize(
    "text",
    [
        "qemu-system-x86_64 -M pc -device virtio-rng-pci,id=a",
        "$ sudo /usr/bin/qemu-system-x86_64 --machine pc --device virtio-rng-pci,id=a",
        "root  4711 1 qemu-kvm -M pc -device virtio-rng-pci,id=a",
        "-M pc \\\n  -device virtio-rng-pci,id=a",
        "-M pc\n-device\nvirtio-rng-pci,id=a\n",
        "A=b kvm -M pc -device 'virtio-rng-pci'\",id=a\" & echo -device x",
        "kvm -M pc -device virtio-rng-pci,id=a | tee -device",
        'kvm -M pc -device {"driver":"virtio-rng-pci","id":"a"} -S',
    ],
)
def test_command_is_found_in_what_stands_around_it(text: str) -> None:
    pasted = read_pasted(text)
    assert pasted.kind is Kind.COMMAND
    assert pasted.machine is not None
    assert pasted.machine.name == "pc"
    (device,) = pasted.devices
    given_id = device.value_of("id")
    assert given_id is not None
    assert (device.driver, given_id.value) == ("virtio-rng-pci", "a")


def test_what_a_shell_would_replace_is_left_alone() -> None:
    pasted = read_pasted(
        "qemu-system-x86_64 -device virtio-net-pci,mq=$MQ,rss=`cat x, y`,vectors=$(nproc --all),host_mtu=1"
    )
    (device,) = pasted.devices
    assert [given.is_unknown for given in device.givens] == [True, True, True, False]


@pytest.mark.parametrize(
    ("text", "is_secret"),
    [
        ("qemu-system-x86_64 -object secret,id=a,data=hunter2", True),
        ("qemu-system-x86_64 -spice port=5900,password=hunter2", True),
        ("qemu-system-x86_64 -drive file=https://me:hunter2@example.org/a.iso", True),
        ('-object {"qom-type":"secret","id":"a","data":"hunter2"}', True),
        ("<domain><devices><graphics type='vnc' passwd='hunter2'/></devices></domain>", True),
        ("qemu-system-x86_64 -drive file=https://example.org/a.iso -device virtio-rng-pci", False),
        ("virtio-net-pci,mq=on", False),
    ],
)
def test_secrets_are_noticed(text: str, is_secret: bool) -> None:
    assert read_pasted(text).holds_secret is is_secret


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<domain>\n<devices></domain>", 2),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><domain/>", 1),
        ("<network/>", 1),
        ("", None),
        ("\n \n", None),
        ("é" * (MAX_TEXT // 2 + 1), None),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, line: int | None) -> None:
    with pytest.raises(PasteError) as refused:
        read_pasted(text)
    assert (refused.value.place and refused.value.place.line) == line


@given(st.text(max_size=200) | st.text(alphabet="-<>{}[]'\"\\$(),=:x \n", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        read_pasted(text)
    except PasteError:
        return


@pytest.mark.parametrize(
    "unit", ['{"', '{"a":', "$(", "`", "'\"", "-device {", "a,b=", "-cpu a,", "\\\n", "(("]
)
def test_long_hostile_text_is_read_in_linear_time(unit: str) -> None:
    text = (unit * (MAX_TEXT // len(unit)))[: MAX_TEXT - 20]
    read_pasted("-device " + text)


def test_place_is_where_the_text_stands() -> None:
    lines = Lines("ab\ncdé f\n")
    place = lines.place(5, 8)
    assert (place.line, place.column, place.length, place.token) == (2, 3, 3, "é f")
    assert lines.place(0, 5).length == 2


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("multifunctoin", ("multifunction",)),
        ("host-mtu", ("host_mtu",)),
        ("MQ", ("mq",)),
        ("nothing-like-it", ()),
        ("", ()),
    ],
)
def test_nearest_names(word: str, meant: tuple[str, ...]) -> None:
    assert nearest(word, ["multifunction", "host_mtu", "mq", "mac"]) == meant
