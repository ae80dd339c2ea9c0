"""The payload test: each compressed cluster decompressed, by the rules of QEMU."""

from __future__ import annotations

import random
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtools.qcow2 import CheckBounds, CheckReport, check_image, codecs, open_image
from labtools.qcow2.codecs import decompressor, inflate
from labtools.qcow2.corpus.sound import COMPRESSED

from .makers import qemu_img
from .test_check import only

CLUSTER = 1 << 16


def packed(folder: Path, *options: str) -> Path:
    """An image of 4 MiB, compressed, with a snapshot that shares it."""
    raw, image = folder / "disk.raw", folder / "disk.qcow2"
    chance = random.Random(1)
    raw.write_bytes(b"".join(chance.randbytes(500) * 131 + bytes(36) for _ in range(64)))
    qemu_img("convert", "-c", "-f", "raw", "-O", "qcow2", *options, raw, image)
    qemu_img("snapshot", "-c", "one", image)
    return image


def checked(image: Path, bounds: CheckBounds | None = None) -> CheckReport:
    with open_image(image) as source:
        return check_image(source, bounds, payload=True)


def compressed_entries(image: Path) -> list[tuple[int, int]]:
    """Guest cluster and host offset of the active image's compressed clusters."""
    with open_image(image) as source:
        l1 = int.from_bytes(source.pread(40, 8))
        table = int.from_bytes(source.pread(l1, 8)) & ~(1 << 63)
        raw = source.pread(table, CLUSTER)
    numbers = [int.from_bytes(raw[at : at + 8]) for at in range(0, len(raw), 8)]
    return [(place, number & (1 << 54) - 1) for place, number in enumerate(numbers) if number & COMPRESSED]


METHODS = [("deflate", []), ("zstd", ["-o", "compression_type=zstd"])]


@pytest.mark.parametrize(("method", "options"), METHODS, ids=["deflate", "zstd"])
def test_sound_payloads_pass_and_are_tried_once(method: str, options: list[str], tmp_path: Path) -> None:
    image = packed(tmp_path, *options)
    report = checked(image)

    assert report.findings == ()
    assert report.payload is not None
    assert (report.payload.method, report.payload.tested) == (method, len(compressed_entries(image)))
    assert (report.payload.broken, report.payload.untested, report.payload.complete) == (0, 0, True)


@pytest.mark.parametrize(("method", "options"), METHODS, ids=["deflate", "zstd"])
def test_what_fails_here_is_what_qemu_cannot_read(method: str, options: list[str], tmp_path: Path) -> None:
    image = packed(tmp_path, *options)
    chance = random.Random(2)
    entries = compressed_entries(image)
    with image.open("r+b") as file:
        for _, offset in entries:
            if chance.random() < 0.7:
                file.seek(offset + chance.choice((0, 0, 1, 2, 7, 40, 200)))
                file.write(chance.randbytes(chance.choice((1, 1, 4, 60))))
    report = checked(image)
    expected = [guest for guest, _ in entries if not qemu_reads(image, guest)]

    assert expected
    finding = only(report, "compressed-payload")
    assert report.payload is not None
    assert finding.count == report.payload.broken
    found = [
        guest
        for part in finding.guest_ranges
        if part.snapshot is None
        for guest in range(part.offset // CLUSTER, (part.offset + part.length) // CLUSTER)
    ]
    assert found == expected
    assert {part.snapshot for part in finding.guest_ranges} == {None, 0}
    assert report.verdict == "corrupt"
    assert report.qemu_exit == 0


def qemu_reads(image: Path, guest: int) -> bool:
    command = f"read {guest * CLUSTER} {CLUSTER}"
    done = subprocess.run(
        ["qemu-io", "-r", "-f", "qcow2", "-c", command, str(image)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "read failed" not in done.stdout + done.stderr


def test_when_the_time_is_over_the_rest_is_counted(tmp_path: Path) -> None:
    image = packed(tmp_path)
    report = checked(image, CheckBounds(payload_seconds=-1.0))

    assert report.payload is not None
    assert report.payload.untested == len(compressed_entries(image))
    assert not report.payload.complete
    assert "time" in report.payload.reason


def test_a_missing_library_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = packed(tmp_path, "-o", "compression_type=zstd")
    monkeypatch.setattr(codecs, "_zstd", lambda: None)
    report = checked(image)

    assert report.payload is not None
    assert (report.payload.tested, report.payload.complete) == (0, False)
    assert report.payload.untested == len(compressed_entries(image))
    assert "zstd" in report.payload.reason
    assert report.verdict == "clean"


def test_an_image_without_compressed_clusters_has_nothing_to_test(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", image, "8M")
    payload = checked(image).payload

    assert payload is not None
    assert (payload.tested, payload.broken, payload.complete) == (0, 0, True)


def test_the_command_tests_on_request(tmp_path: Path) -> None:
    from .test_check import run

    image = packed(tmp_path)
    count = len(compressed_entries(image))
    told = run("-m", "labtools.qcow2", "check", "--payload", str(image))
    assert f"{count} compressed clusters decompressed, 0 broken" in told.stdout
    assert "Payload test" not in run("-m", "labtools.qcow2", "check", str(image)).stdout


def test_deflate_has_a_window_of_four_kib() -> None:
    far = random.Random(3).randbytes(8192) * 8
    maker = zlib.compressobj(9, zlib.DEFLATED, -15)
    assert inflate(maker.compress(far) + maker.flush(), len(far)) is None
    maker = zlib.compressobj(9, zlib.DEFLATED, -12)
    assert inflate(maker.compress(far) + maker.flush() + b"padding", len(far)) == far


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=600), st.sampled_from([0, 1, 2]), st.sampled_from([512, 4096, CLUSTER]))
def test_any_bytes_give_a_cluster_or_nothing(data: bytes, method: int, size: int) -> None:
    decompress = decompressor(method)
    if decompress is None:
        assert method == 2
        return
    for payload in (data, bytes.fromhex("28b52ffd") + data):
        cluster = decompress(payload, size)
        assert cluster is None or len(cluster) == size
