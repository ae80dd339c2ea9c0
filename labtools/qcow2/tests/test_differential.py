"""The same numbers and exit code as the installed qemu-img check, on damage of every kind.

QCOW2_DIFFERENTIAL sets how many random images are tried; `python -m labtools.qcow2.corpus.differential` runs
thousands.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from labtools.qcow2 import CheckReport, check_image, open_image
from labtools.qcow2.corpus.differential import Answer, ask_qemu, compare, our_answer

from .makers import make_luks, qemu_img

COUNT = int(os.environ.get("QCOW2_DIFFERENTIAL", "200"))
GROUPS = 8


def checked(image: Path) -> CheckReport:
    with open_image(image) as source:
        return check_image(source)


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_damage_is_counted_as_qemu_img_does(group: int, tmp_path: Path) -> None:
    lines = [compare(seed, tmp_path / "disk.qcow2") for seed in range(group, COUNT, GROUPS)]

    assert [line for line in lines if line] == []


@pytest.mark.parametrize("seed", [11, 116, 157, 1024, 1048, 1292, 1324, 70104, 1005747])
def test_disagreements_once_found_stay_mended(seed: int, tmp_path: Path) -> None:
    assert compare(seed, tmp_path / "disk.qcow2") is None


OPTIONS = [
    "",
    "compat=0.10",
    "compat=0.10,cluster_size=512",
    "cluster_size=512",
    "cluster_size=2M",
    "refcount_bits=1",
    "refcount_bits=2",
    "refcount_bits=4",
    "refcount_bits=8",
    "refcount_bits=32",
    "refcount_bits=64",
    "extended_l2=on,cluster_size=128k",
    "extended_l2=on,cluster_size=16k",
    "lazy_refcounts=on",
    "preallocation=metadata",
    "preallocation=falloc",
    "preallocation=metadata,extended_l2=on",
]


def written(image: Path) -> None:
    """Let a guest write here and there: data, zeros, discards, unaligned ends."""
    commands = ["write -P 1 0 100k", "write -P 2 1M 64k", "write -z 2M 256k", "write -z -u 3M 192k"]
    commands += ["discard 1M 64k", "write -P 3 7M 300", "write -P 4 3500k 3k"]
    arguments = [part for command in commands for part in ("-c", command)]
    subprocess.run(
        ["qemu-io", "-f", "qcow2", *arguments, str(image)], check=True, capture_output=True, timeout=60
    )


@pytest.mark.parametrize("options", OPTIONS)
def test_healthy_images_of_qemu_are_clean(options: str, tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", *(["-o", options] if options else []), image, "8M")
    written(image)
    if "refcount_bits" not in options:
        qemu_img("snapshot", "-c", "one", image)
        written(image)
        if "compat" not in options:
            qemu_img("bitmap", "--add", image, "nightly")
    report = checked(image)

    assert our_answer(report) == ask_qemu(image)
    assert report.verdict == "clean"
    assert [finding.code for finding in report.findings if finding.severity != "note"] == []


def test_an_image_left_dirty_by_a_crash_is_named_as_that(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=on", image, "64M")
    subprocess.run(
        [
            "qemu-io",
            "-f",
            "qcow2",
            "-c",
            "write 0 2M",
            "-c",
            "write 33M 64k",
            "-c",
            "flush",
            "-c",
            "sigraise 9",
            image,
        ],
        capture_output=True,
        check=False,
        timeout=60,
    )
    report = checked(image)

    assert our_answer(report) == ask_qemu(image)
    assert report.qemu_exit == 2
    assert report.verdict == "clean"
    assert [finding.code for finding in report.findings] == ["dirty-bit"]
    assert "differ" in report.findings[0].sentence


@pytest.mark.parametrize("options", ["", "compression_type=zstd", "cluster_size=4k", "compat=0.10"])
def test_a_compressed_image_is_clean(options: str, tmp_path: Path) -> None:
    raw, image = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    raw.write_bytes(b"some data " * 500_000)
    flags = ["-o", options] if options else []
    qemu_img("convert", "-c", "-f", "raw", "-O", "qcow2", *flags, raw, image)
    qemu_img("snapshot", "-c", "one", image)
    report = checked(image)

    assert our_answer(report) == ask_qemu(image)
    assert report.findings == ()


def test_a_luks_image_is_clean(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    make_luks(image, "qcow2")
    report = checked(image)

    assert our_answer(report) == ask_qemu(image, secret="example")
    assert report.findings == ()


def test_a_luks_image_that_lost_its_last_key_slots_is_counted(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    make_luks(image, "qcow2")
    with image.open("r+b") as file:
        file.truncate(image.stat().st_size - 100_000)
    report = checked(image)

    assert our_answer(report) == ask_qemu(image, secret="example")
    assert report.reference is not None


def test_an_image_with_a_data_file_is_clean(tmp_path: Path) -> None:
    image, data = tmp_path / "disk.qcow2", tmp_path / "disk.data"
    qemu_img("create", "-q", "-f", "qcow2", "-o", f"data_file={data}", image, "8M")
    written(image)
    report = checked(image)

    assert our_answer(report) == ask_qemu(image, has_data_file=True)
    assert report.findings == ()


def test_an_image_that_qemu_does_not_open_has_no_numbers(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", image, "8M")
    with image.open("r+b") as file:
        file.seek(96)
        file.write(b"\0\0\0\7")
    report = checked(image)

    assert our_answer(report) == ask_qemu(image) == Answer(1, None)
    assert report.verdict == "unreadable"
