"""Fields of SSH hosts: what is one, and what only looks like one."""

import base64
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtools.labhost import ssh_fields
from labtools.labhost.ssh_fields import FieldError

HOSTILE = [
    "",
    "-oProxyCommand=touch /tmp/x",
    "--",
    "-p22",
    "host name",
    "host\nProxyCommand x",
    "host;id",
    "$(id)",
    "`id`",
    "host/system?command=/bin/sh",
    "qemu+ssh://h/system",
    "user@host",
    "a..b",
    ".host",
    "host-",
    "-host.example.org",
    "host\x00",
    "höst.example",
    "x" * 64,
    ("a" * 60 + ".") * 5,
    "fe80::1%eth0",
    "fe80::1%x;id",
    "1.2.3",
    "1.2.3.4.5",
    "[::1]",
    "2130706433",
    "٣.example٣",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(FieldError):
        ssh_fields.check_host_name(text)


@pytest.mark.parametrize(
    "text",
    ["host", "host-1.example.org", "192.0.2.7", "2001:db8::7", "::1", "xn--hst-sna.example", "3com.com"],
)
def test_host_names_and_addresses_are_taken_as_they_are(text: str) -> None:
    assert ssh_fields.check_host_name(text) == text


@given(st.text(max_size=80))
def test_no_host_name_can_be_an_option_or_hold_a_separator(text: str) -> None:
    try:
        kept = ssh_fields.check_host_name(text)
    except FieldError:
        return
    assert kept[0].isalnum() or kept[0] == ":"
    assert set(kept) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:")


@pytest.mark.parametrize("text", ["", "-l", "Root", "a b", "a" * 33, "1a", "a@b", "a\n", "ü", "a.b", "a$"])
def test_what_is_no_user_is_refused(text: str) -> None:
    with pytest.raises(FieldError):
        ssh_fields.check_user(text)


def test_users_are_taken() -> None:
    assert [ssh_fields.check_user(name) for name in ("labprobe", "_lab-1", "a" * 32)]


@pytest.mark.parametrize(
    "text", ["", ".", "..", "../id", "a/b", "-i", ".hidden", "id.pub", "a" * 61, "a b", "a\n"]
)
def test_what_could_leave_the_folder_of_keys_is_refused(text: str) -> None:
    with pytest.raises(FieldError):
        ssh_fields.check_key_name(text)


@pytest.mark.parametrize(
    ("kind", "bits"), [("ed25519", ""), ("ecdsa", "256"), ("ecdsa", "521"), ("rsa", "2048")]
)
def test_keys_of_ssh_keygen_have_its_fingerprint(kind: str, bits: str, tmp_path: Path) -> None:
    made = tmp_path / "key"
    size = ["-b", bits] if bits else []
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "a comment", "-f", made], check=True
    )
    line = made.with_suffix(".pub").read_text()
    said = subprocess.run(["ssh-keygen", "-l", "-f", made], check=True, capture_output=True, text=True).stdout
    key = ssh_fields.parse_public_key(line)
    assert key.fingerprint == said.split()[1]
    assert key.line == " ".join(line.split()[:2])
    assert ssh_fields.parse_public_key(f"host.example.org {line}") == key


def blob(*parts: bytes) -> str:
    """Strings of SSH as base64."""
    return base64.b64encode(b"".join(struct.pack(">I", len(part)) + part for part in parts)).decode()


GOOD = blob(b"ssh-ed25519", bytes(32))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        GOOD,
        f"ssh-dss {GOOD}",
        f"ssh-rsa {GOOD}",
        f"ssh-ed25519 {GOOD[:-8]}",
        f"ssh-ed25519 {GOOD}AAAA",
        f"ssh-ed25519 *{GOOD}",
        f"ssh-ed25519 {blob(b'ssh-ed25519', bytes(31))}",
        f"ssh-ed25519 {blob(b'ssh-ed25519', bytes(32), b'more')}",
        f"ssh-rsa {blob(b'ssh-rsa', bytes([1, 0, 1]), bytes([1]) + bytes(127))}",
        f"ecdsa-sha2-nistp256 {blob(b'ecdsa-sha2-nistp256', b'nistp384', bytes(65))}",
        f"ssh-ed25519 {GOOD}\nssh-ed25519 {GOOD}",
        "ssh-ed25519 " + base64.b64encode(struct.pack(">I", 0xFFFFFFFF)).decode(),
    ],
)
def test_what_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(FieldError):
        ssh_fields.parse_public_key(line)
