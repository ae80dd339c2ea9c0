"""The facts of a LUKS header, and what is wrong with it that qemu-img check passes over."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

import pytest

from labtools.qcow2 import CheckReport, check_image, check_to_json_dict, open_image
from labtools.qcow2.luks import HEADER_BYTES, read_luks

from .makers import make_luks
from .test_check import codes, only


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = tmp_path_factory.mktemp("luks") / "disk.qcow2"
    make_luks(image, "qcow2")
    return image


def header_offset(image: bytes) -> int:
    at = image.index(bytes.fromhex("0537be77")) + 8
    return int(struct.unpack_from(">Q", image, at)[0])


def checked(path: Path, data: bytes) -> CheckReport:
    path.write_bytes(data)
    with open_image(path) as source:
        return check_image(source, whole=True)


def test_facts_are_those_of_qemu_img_info(encrypted: Path) -> None:
    info = subprocess.run(
        ["qemu-img", "info", "--output=json", str(encrypted)], check=True, capture_output=True, text=True
    )
    told = json.loads(info.stdout)["format-specific"]["data"]["encrypt"]
    with open_image(encrypted) as source:
        facts = check_image(source).encryption

    assert facts is not None
    assert (
        facts.cipher == f"{told['cipher-alg'].removesuffix('-256')}-{told['cipher-mode']}-{told['ivgen-alg']}"
    )
    assert (facts.hash, facts.uuid) == (told["hash-alg"], told["uuid"])
    assert facts.key_bits == 512
    assert [slot.used for slot in facts.key_slots] == [slot["active"] for slot in told["slots"]]
    assert [slot.offset - facts.offset for slot in facts.key_slots] == [
        slot["key-offset"] for slot in told["slots"]
    ]
    assert facts.slots_used == 1


def test_nothing_secret_is_told(encrypted: Path) -> None:
    data = encrypted.read_bytes()
    start = header_offset(data)
    with open_image(encrypted) as source:
        told = json.dumps(check_to_json_dict(check_image(source, whole=True)))
    digest, salt, slot_salt = (
        data[start + 112 : start + 132],
        data[start + 132 : start + 164],
        data[start + 216 :][:32],
    )
    for secret in (digest, salt, slot_salt):
        assert any(secret)
        assert secret.hex() not in told
        assert repr(secret)[2:-1] not in told


def test_each_damage_alone(encrypted: Path, tmp_path: Path) -> None:
    data, path = encrypted.read_bytes(), tmp_path / "disk.qcow2"
    start = header_offset(data)

    def changed(at: int, piece: bytes) -> CheckReport:
        return checked(path, data[: start + at] + piece + data[start + at + len(piece) :])

    assert codes(changed(0, b"luks")) == {"luks-header-broken"}
    assert codes(changed(6, b"\0\2")) == {"luks-header-broken"}
    assert codes(changed(208, b"\1\2\3\4")) == {"luks-header-broken"}
    assert codes(changed(208, bytes.fromhex("0000dead"))) == {"luks-no-key-slot"}
    outside = changed(208 + 40, b"\0\xff\xff\xff")
    assert codes(outside) == {"luks-key-slot-outside"}
    assert only(outside, "luks-key-slot-outside").advice == "restore-luks-header"
    assert outside.verdict == "corrupt"
    assert outside.qemu_exit == 0
    assert changed(0, b"luks").encryption is None


def test_a_header_that_the_file_cuts_has_no_facts(encrypted: Path, tmp_path: Path) -> None:
    data = encrypted.read_bytes()
    report = checked(tmp_path / "disk.qcow2", data[: header_offset(data) + HEADER_BYTES - 1])

    assert report.encryption is None
    assert "luks-header-outside" in codes(report)


def test_names_in_it_are_made_printable() -> None:
    raw = struct.pack(">6sH32s32s32sII", b"LUKS\xba\xbe", 1, b"aes\x1b[31m", b"xts", b"sha\n", 0, 64)
    slots = struct.pack(">II32xII", 0xDEAD, 0, 0, 0) * 8
    found = read_luks(raw.ljust(208, b"\0") + slots, 0, 4096)

    assert found is not None
    assert (found.cipher, found.hash) == ("aes\\x1b[31m-xts", "sha\\x0a")
