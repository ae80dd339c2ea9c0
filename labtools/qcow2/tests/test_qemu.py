"""Agreement with the installed qemu-img on images that it made itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labtools.qcow2 import HeaderReport, estimate_check, open_image, read_header

from .makers import make_luks, qemu_img


def info_of(image: Path) -> dict[str, Any]:
    """What qemu-img says of the image."""
    found: dict[str, Any] = json.loads(qemu_img("info", "--output=json", "-f", "qcow2", image))
    return found


def report_of(image: Path) -> HeaderReport:
    with open_image(image) as source:
        return read_header(source)


OPTIONS = {
    "plain": "",
    "v2": "compat=0.10",
    "v2, 512-byte clusters": "compat=0.10,cluster_size=512",
    "512-byte clusters": "cluster_size=512",
    "4K clusters": "cluster_size=4096",
    "2M clusters": "cluster_size=2M",
    "1-bit refcounts": "refcount_bits=1",
    "64-bit refcounts": "refcount_bits=64",
    "extended L2": "extended_l2=on,cluster_size=128k",
    "extended L2 at 16K": "extended_l2=on,cluster_size=16k",
    "zstd": "compression_type=zstd",
    "lazy refcounts": "lazy_refcounts=on",
    "preallocated metadata": "preallocation=metadata",
    "preallocated with falloc": "preallocation=falloc",
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("size", ["0", "1000M", "16M", "1000"])
def test_header_agrees_with_qemu_img_info(options: str, size: str, tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    if "falloc" in options and size == "1000M":
        size = "10M"
    qemu_img("create", "-q", "-f", "qcow2", *(["-o", options] if options else []), image, size)
    assert_agreement(image)


def assert_agreement(image: Path) -> HeaderReport:
    """Every rule is kept, every number of ``qemu-img info`` is ours too."""
    report, info = report_of(image), info_of(image)
    facts, specific = report.facts, info["format-specific"]["data"]
    assert report.problems == ()
    assert facts.virtual_size == info["virtual-size"]
    assert facts.cluster_size == info["cluster-size"]
    assert facts.dirty == info["dirty-flag"]
    assert facts.compat == specific["compat"]
    assert facts.refcount_bits == specific["refcount-bits"]
    assert facts.lazy_refcounts == specific.get("lazy-refcounts", False)
    assert facts.corrupt == specific.get("corrupt", False)
    assert facts.extended_l2 == specific.get("extended-l2", False)
    assert facts.compression_type == specific["compression-type"]
    assert facts.data_file == specific.get("data-file")
    assert facts.data_file_raw == specific.get("data-file-raw", False)
    assert facts.backing_file == info.get("backing-filename")
    assert facts.backing_format == info.get("backing-filename-format")
    assert (facts.encryption == "luks") == (specific.get("encrypt", {}).get("format") == "luks")
    assert facts.snapshots == len(info.get("snapshots", []))
    assert (facts.bitmaps or 0) == len(specific.get("bitmaps", []))
    return report


def test_backing_file_and_its_format(tmp_path: Path) -> None:
    base, image = tmp_path / "base.raw", tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "raw", base, "8M")
    qemu_img("create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", image)
    report = assert_agreement(image)

    assert report.backing_file is not None
    assert report.backing_file.raw == str(base).encode()
    assert image.read_bytes()[report.backing_file.offset :].startswith(str(base).encode())


def test_external_data_file(tmp_path: Path) -> None:
    image, data = tmp_path / "disk.qcow2", tmp_path / "disk.data"
    qemu_img("create", "-q", "-f", "qcow2", "-o", f"data_file={data},data_file_raw=on", image, "8M")
    report = assert_agreement(image)

    assert report.facts.external_data
    assert report.facts.data_file == str(data)


def test_luks(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    make_luks(image, "qcow2")
    report = assert_agreement(image)
    extension = next(
        item for item in report.extensions.extensions if item.details and item.type == 0x0537BE77
    )

    assert image.read_bytes()[int(extension.details[0].value) :].startswith(b"LUKS\xba\xbe")


def test_snapshots(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", image, "8M")
    for name in ("before update", "größer", "x" * 200):
        qemu_img("snapshot", "-c", name, image)
    report = assert_agreement(image)
    expected = info_of(image)["snapshots"]

    assert [entry.name for entry in report.snapshots.entries] == [entry["name"] for entry in expected]
    for ours, theirs in zip(report.snapshots.entries, expected, strict=True):
        assert ours.id == theirs["id"]
        assert (ours.date_sec, ours.date_nsec) == (theirs["date-sec"], theirs["date-nsec"])
        assert ours.vm_state_size == theirs["vm-state-size"]
        assert ours.vm_clock_nsec == theirs["vm-clock-sec"] * 10**9 + theirs["vm-clock-nsec"]
        assert ours.disk_size == 8 << 20


def test_bitmaps(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", image, "8M")
    for name in ("nightly", "weekly"):
        qemu_img("bitmap", "--add", image, name)
    report = assert_agreement(image)

    assert report["autoclear_features"].human == "bitmaps"
    assert report.facts.bitmaps == 2


def test_compressed_image_with_data(tmp_path: Path) -> None:
    raw, image = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    raw.write_bytes(b"some data " * 500_000)
    qemu_img("convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "compression_type=zstd", raw, image)
    report = assert_agreement(image)

    assert report["compression_type"].human == "zstd"


def test_estimate_counts_the_l2_tables_of_a_real_image(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", "-o", "preallocation=metadata,cluster_size=4k", image, "16M")
    qemu_img("snapshot", "-c", "one", image)
    with open_image(image) as source:
        estimate = estimate_check(source)

    # 16 MiB are 8 tables of 2 MiB; the snapshot leads to the same ones.
    assert (estimate.l2_tables, estimate.l2_visits) == (8, 8 * 2 + 8)
    assert estimate.l1_tables == 2
    assert estimate.refused is None
    assert estimate.complete


@pytest.mark.parametrize(
    ("offset", "data", "code"),
    [
        (20, b"\0\0\0\x16", "cluster-bits-range"),
        (40, b"\0\0\0\0\0\0\0\x01", "l1-offset-unaligned"),
        (36, b"\0\0\0\x01", "l1-too-small"),
        (36, b"\0\x80\0\0", "l1-too-large"),
        (56, b"\0\0\0\0", "refcount-table-missing"),
        (56, b"\0\0\1\0", "refcount-table-too-large"),
        (48, b"\0\0\0\0\0\1\0\1", "refcount-table-offset-unaligned"),
        (60, b"\0\1\0\1", "snapshots-too-many"),
        (64, b"\0\0\0\0\0\0\0\1", "snapshots-offset-unaligned"),
        (72, b"\1\0\0\0\0\0\0\0", "incompatible-unknown"),
        (72, b"\0\0\0\0\0\0\0\x08", "compression-bit-without-type"),
        (104, b"\1", "compression-type-without-bit"),
        (104, b"\2", "compression-unknown"),
        (96, b"\0\0\0\7", "refcount-order-range"),
        (100, b"\0\0\0\x60", "header-too-short"),
        (100, b"\0\1\0\x08", "header-too-long"),
        (32, b"\0\0\0\3", "crypt-method-unknown"),
        (8, b"\0\0\0\0\0\1\0\1", "backing-offset-outside"),
        (8, b"\0\0\0\0\0\0\2\0\0\0\4\0", "backing-name-too-long"),
        (116, b"\0\1\0\0", "extension-overrun"),
        (4, b"\0\0\0\4", "version-unsupported"),
    ],
)
def test_what_we_call_an_error_qemu_refuses(offset: int, data: bytes, code: str, tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", image, "1000M")
    with image.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    report = report_of(image)
    opened = subprocess.run(
        ["qemu-io", "-f", "qcow2", "-r", "-c", "length", str(image)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert code in {problem.code for problem in report.problems if problem.severity == "error"}
    assert not report.opens
    assert opened.returncode == 1, opened.stdout


@pytest.mark.parametrize(
    ("offset", "data", "code"),
    [
        (80, b"\x80\0\0\0\0\0\0\0", "compatible-unknown"),
        (88, b"\x80\0\0\0\0\0\0\0", "autoclear-unknown"),
        (111, b"\1", "padding-not-zero"),
        (65535, b"\1", "stray-bytes"),
        (31, b"\1", "size-not-sectors"),
    ],
)
def test_what_we_call_a_warning_qemu_passes_over(offset: int, data: bytes, code: str, tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", image, "1000M")
    with image.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    report = report_of(image)

    assert [problem.code for problem in report.problems] == [code]
    assert report.opens
    qemu_img("check", "-q", "-f", "qcow2", image)
