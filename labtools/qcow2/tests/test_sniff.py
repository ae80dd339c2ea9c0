"""Naming any file by its own bytes, with files of the real makers."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from labtools.qcow2 import NotQcow2Error, open_image, read_header, sniff

from .build import Image
from .makers import make_luks, qemu_img


def code_of(data: bytes) -> str:
    with open_image(io.BytesIO(data)) as source:
        return sniff(source).code


@pytest.mark.parametrize(
    ("driver", "code"),
    [
        ("qcow2", "qcow2"),
        ("qcow", "qcow"),
        ("vmdk", "vmdk"),
        ("vdi", "vdi"),
        ("vpc", "vhd"),
        ("vhdx", "vhdx"),
        ("qed", "qed"),
        ("parallels", "parallels"),
        ("luks", "luks"),
    ],
)
def test_images_of_qemu_img_are_named_with_the_right_command(driver: str, code: str, tmp_path: Path) -> None:
    image = tmp_path / "disk"
    if driver == "luks":
        make_luks(image, driver)
    else:
        qemu_img("create", "-q", "-f", driver, image, "8M")
    with open_image(image) as source:
        found = sniff(source)

    assert found.code == code
    assert found.qemu_driver == driver
    assert found.command is not None
    if driver != "luks":
        command = [str(image) if word == "IMAGE" else word for word in found.command.split()]
        command = [str(tmp_path / word) if word == "disk.qcow2" else word for word in command]
        subprocess.run(command, check=True, capture_output=True)


def test_fixed_vhd_is_known_by_its_footer(tmp_path: Path) -> None:
    image = tmp_path / "disk.vhd"
    qemu_img("create", "-q", "-f", "vpc", "-o", "subformat=fixed", image, "8M")
    with open_image(image) as source:
        assert sniff(source).code == "vhd"


def test_vmdk_descriptor_is_told_from_its_data(tmp_path: Path) -> None:
    image = tmp_path / "disk.vmdk"
    qemu_img("create", "-q", "-f", "vmdk", "-o", "subformat=monolithicFlat", image, "8M")
    with open_image(image) as source:
        assert sniff(source).code == "vmdk-descriptor"


def _tar(name: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return file.getvalue()


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("disk.qcow2", Image().bytes())
    return file.getvalue()


def _placed(*pieces: tuple[int, bytes], length: int = 40000) -> bytes:
    data = bytearray(length)
    for offset, piece in pieces:
        data[offset : offset + len(piece)] = piece
    return bytes(data)


PACKED = Image().bytes()
BOOT = (510, b"\x55\xaa")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"QFI\xfb", "qcow2-truncated"),
        (b"QFI\xfb\0\0\0", "qcow2-truncated"),
        (gzip.compress(PACKED), "gzip"),
        (lzma.compress(PACKED), "xz"),
        (bz2.compress(PACKED), "bzip2"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "zstd"),
        (_zip(), "zip"),
        (_tar("disk.qcow2"), "tar"),
        (_tar("appliance.ovf"), "ova"),
        (_placed((32769, b"CD001")), "iso"),
        (_placed((32769, b"CD001"), BOOT), "iso"),
        (_placed(BOOT), "raw-mbr"),
        (_placed(BOOT, (512, b"EFI PART")), "raw-gpt"),
        (_placed(BOOT, (4096, b"EFI PART")), "raw-gpt"),
        (_placed((1080, b"\x53\xef")), "raw-filesystem"),
        (_placed((0, b"XFSB")), "raw-filesystem"),
        (Path(sys.executable).resolve().read_bytes()[:4096], "elf"),
        (b"<!DOCTYPE html>\n<title>Sign in</title>", "html"),
        ("Grüße\n".encode() * 2000, "text"),
        (b"x" * 4103 + "ß".encode(), "text"),
        (b"\xff\xfe\x01", "unknown"),
        (b"abc\0", "unknown"),
        (bytes(5000), "zeros"),
        (b"\0", "zeros"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_files_are_named(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_reader_hands_on_what_the_file_is() -> None:
    with open_image(io.BytesIO(gzip.compress(b"x"))) as source, pytest.raises(NotQcow2Error) as caught:
        read_header(source)

    assert caught.value.format.code == "gzip"
    assert str(caught.value) == caught.value.sentence == caught.value.format.sentence
    assert caught.value.format.command == "gunzip -k IMAGE"
