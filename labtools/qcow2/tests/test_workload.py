"""What qemu-img check would cost, from the header and the L1 tables alone."""

from __future__ import annotations

import io
import struct

import pytest

from labtools.qcow2 import CheckLimits, NotQcow2Error, estimate_check, open_image

from .build import END, Image, extension, snapshot
from .test_hostile import Counted


def l1(*offsets: int) -> bytes:
    return struct.pack(f">{len(offsets)}Q", *(offset | 1 << 63 for offset in offsets))


def test_entries_are_counted_and_tables_told_apart() -> None:
    image = Image(size=1 << 31, l1_size=4, at={0x30000: l1(0x40000, 0x40000, 0x20000) + bytes(8)})
    with open_image(image.file()) as source:
        estimate = estimate_check(source)

    assert estimate.l2_tables == 2
    # The active table's entries are gone through twice: once for refcounts, once for their COPIED flags.
    assert estimate.l2_visits == 6
    assert estimate.l2_entries == 6 * 8192
    assert (estimate.clusters, estimate.refcount_bytes) == (5, 10)
    assert estimate.complete
    assert estimate.refused is None


def test_each_snapshot_adds_its_visits_but_its_table_is_read_once() -> None:
    image = Image(
        at={0x30000: l1(0x20000, 0x40000), 0x40000: b"".join(snapshot(number=b"%d" % n) for n in range(100))},
        nb_snapshots=100,
        snapshots_offset=0x40000,
    )
    with open_image(image.file()) as source:
        estimate = estimate_check(source)

    assert estimate.l1_tables == 101
    assert estimate.l1_bytes == 16
    assert estimate.l2_visits == 2 * 2 + 100 * 2
    assert estimate.l2_tables == 2


def test_extended_l2_entries_halve_the_entries() -> None:
    image = Image(l1_size=4, incompatible=1 << 4, at={0x30000: l1(0x40000)})
    with open_image(image.file()) as source:
        assert estimate_check(source).l2_entries == 2 * 4096


@pytest.mark.parametrize(
    ("order", "bits", "length", "refcount_bytes"),
    [(4, 16, 1 << 40, 32 << 20), (6, 9, 128 << 30, 2 << 30), (0, 16, 1 << 40, 2 << 20), (4, 16, 65537, 4)],
)
def test_refcounts_are_held_for_the_files_length(
    order: int, bits: int, length: int, refcount_bytes: int
) -> None:
    data = Image(refcount_order=order, cluster_bits=bits).bytes()
    estimate = estimate_check(Counted(data, length))

    assert estimate.refcount_bytes == refcount_bytes
    assert estimate.memory_bytes > refcount_bytes


def test_sparse_giant_is_refused_unread() -> None:
    # The file of qcow2.md: 4 KiB on disk, 128 GiB long, 512-byte clusters, 64-bit refcounts, 2.1 GB of
    # memory.
    source = Counted(Image(refcount_order=6, cluster_bits=9, l1_size=1 << 22).bytes(), 128 << 30)
    estimate = estimate_check(source)

    assert estimate.refused is not None
    assert "2.0" in estimate.refused
    assert "268,435,456 clusters" in estimate.refused
    assert not estimate.complete
    assert source.bytes_read < 64 << 10


def test_limits_are_the_callers() -> None:
    image = Image(at={0x30000: l1(0x40000)})
    with open_image(image.file()) as source:
        assert estimate_check(source).refused is None
        tight = estimate_check(source, CheckLimits(memory_bytes=1 << 20))
        slow = estimate_check(source, CheckLimits(seconds=0.0))
        unread = estimate_check(source, CheckLimits(table_bytes=8))

    assert tight.refused is not None
    assert "memory" in tight.refused
    assert slow.refused is not None
    assert "2 L2 tables" in slow.refused
    assert unread.refused is not None
    assert "cannot be bounded" in unread.refused
    assert not unread.complete


def test_many_snapshots_with_overlapping_large_tables_are_refused_within_the_budget() -> None:
    entries = b"".join(
        snapshot(number=b"%d" % n, l1_offset=0x10000 * n, l1_size=1 << 22) for n in range(1, 1000)
    )
    image = Image(nb_snapshots=999, snapshots_offset=0x40000, length=0x80000, at={0x40000: entries})
    source = Counted(image.bytes(), 1 << 34)
    estimate = estimate_check(source, CheckLimits(table_bytes=64 << 20))

    assert estimate.refused is not None
    assert source.bytes_read <= (64 << 20) + (2 << 20)


def test_one_table_that_every_entry_names_costs_all_its_visits() -> None:
    image = Image(l1_size=1 << 22, l1_table_offset=0x40000, length=0x40000)
    source = Counted(image.bytes(), 1 << 33, struct.pack(">Q", 0x20000))
    estimate = estimate_check(source)

    assert estimate.l2_tables == 1
    assert estimate.l2_visits == 2 << 22
    assert estimate.refused is not None
    assert "8,388,608 L2 tables" in estimate.refused


def test_unique_tables_are_counted_up_to_a_bound() -> None:
    class Rising(Counted):
        def _read_once(self, offset: int, size: int) -> bytes:
            if offset < 0x40000:
                return super()._read_once(offset, size)
            first = (offset - 0x40000) // 8
            return b"".join(struct.pack(">Q", (first + n) << 9) for n in range(1, size // 8 + 1))

    image = Image(cluster_bits=9, size=1 << 35, l1_size=1 << 20, l1_table_offset=0x40000, length=0x40000)
    estimate = estimate_check(Rising(image.bytes(), 1 << 30))

    assert estimate.l2_visits == 2 << 20
    assert 1 << 18 <= estimate.l2_tables < 1 << 19
    assert not estimate.complete
    assert estimate.refused is None


def test_bitmap_directory_is_held_twice_up_to_its_limit() -> None:
    def memory(size: int) -> int:
        directory = extension(0x23852875, struct.pack(">IIQQ", 1, 0, size, 0x40000))
        with open_image(Image(autoclear=1, extensions=directory + END).file()) as source:
            return estimate_check(source).memory_bytes

    assert memory(1000) - memory(0) == 2000
    assert memory(2**64 - 1) - memory(0) == 2 * 1024 * 65535


def test_header_that_qemu_refuses_costs_nothing() -> None:
    with open_image(Image(cluster_bits=50).file()) as source:
        estimate = estimate_check(source)

    assert (estimate.clusters, estimate.l2_visits, estimate.refused) == (0, 0, None)


def test_other_files_are_refused_as_the_header_is() -> None:
    with open_image(io.BytesIO(b"text")) as source, pytest.raises(NotQcow2Error):
        estimate_check(source)
