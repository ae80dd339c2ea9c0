"""Any bytes end in a report or in a typed error, within the bounds of memory and time."""

from __future__ import annotations

import io
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtools.qcow2 import CheckBoundError, CheckBounds, CheckReport, ImageError, check_image, open_image
from labtools.qcow2.corpus.chance import damage_at_random
from labtools.qcow2.corpus.sound import Recipe, build

from .build import Image

BOUNDS = CheckBounds(memory_bytes=64 << 20, table_bytes=8 << 20, seconds=60.0)


def outcome(data: bytes) -> CheckReport | None:
    """The report, or None for an expected error."""
    try:
        with open_image(io.BytesIO(data)) as source:
            report = check_image(source, BOUNDS, whole=True, payload=True, atlas=True)
    except ImageError:
        return None
    assert all(len(finding.guest_ranges) <= BOUNDS.ranges for finding in report.findings)
    assert all(len(finding.host_ranges) <= BOUNDS.ranges for finding in report.findings)
    return report


SMALL = build(
    Recipe(cluster_bits=9, l2_tables=2, fill=0.3, snapshots=1, compressed=2, bitmaps=1, zeros=True), 1
)


def flat(length: int | None = None) -> bytearray:
    data = bytearray(SMALL.length if length is None else length)
    for offset, piece in SMALL.pieces.items():
        data[offset : offset + len(piece)] = piece
    return data


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, SMALL.length - 8), st.integers(0, 2**64 - 1)), max_size=12))
def test_any_numbers_anywhere(changes: list[tuple[int, int]]) -> None:
    data = flat()
    for offset, number in changes:
        struct.pack_into(">Q", data, offset // 8 * 8, number)
    outcome(bytes(data))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=4096), st.booleans())
def test_any_bytes(data: bytes, with_magic: bool) -> None:
    outcome(b"QFI\xfb\0\0\0\3" * with_magic + data)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, SMALL.length))
def test_any_length(length: int) -> None:
    outcome(bytes(flat()[:length]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_any_random_damage(seed: int) -> None:
    chance = random.Random(seed)
    image = build(Recipe(cluster_bits=12, extended=False, l2_tables=2, snapshots=2, fill=0.05), seed % 7)
    damage_at_random(image, chance)
    data = bytearray(min(image.length, 8 << 20))
    for offset, piece in image.pieces.items():
        data[offset : offset + len(piece)] = piece[: max(0, len(data) - offset)]
    outcome(bytes(data))


def test_a_table_that_everything_leads_to_is_read_once() -> None:
    """2,048 snapshots over one L1 table, of which all entries lead to one L2 table: QEMU reads it 2**23 times."""
    entries, snapshots = 4096, 2048
    table = b"".join(
        struct.pack(">QIHHIIQII", 0x30000, entries, 0, 0, 0, 0, 0, 0, 16) + bytes(16)
        for _ in range(snapshots)
    )
    image = Image(
        size=1 << 30,
        l1_size=entries,
        nb_snapshots=snapshots,
        snapshots_offset=0x60000,
        length=0x60000 + len(table) + 0x10000,
        at={
            0x30000: struct.pack(">Q", 0x40000) * entries,
            0x40000: struct.pack(">Q", 0x50000) * 8192,
            0x60000: table,
        },
    )
    with open_image(image.file()) as source:
        report = check_image(source)

    assert report.reference is not None
    assert report.reference.allocated_clusters == entries * 8192
    assert report.bytes_read < 4 * report.file_length


def test_a_long_sparse_file_is_refused_before_memory_is_taken() -> None:
    class Long(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            return 1 << 45 if whence == io.SEEK_END else super().seek(offset, whence)

    with (
        open_image(Long(Image(cluster_bits=9, size=1 << 20, l1_size=64).bytes())) as source,
        pytest.raises(CheckBoundError),
    ):
        check_image(source, BOUNDS)
