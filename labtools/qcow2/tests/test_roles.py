"""Every pair of roles that can meet on a host cluster: each kind of pointer led to each kind of cluster."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from labtools.qcow2 import Role
from labtools.qcow2.corpus.sound import COMPRESSED, COPIED, Image, Recipe, build

from .test_check import check, codes

RECIPE = Recipe(l2_tables=2, cluster_bits=12, snapshots=1, bitmaps=2, compressed=2, fill=0.02)


def luks(image: Image, offset: int) -> None:
    """Let the header say that there is a LUKS header; the bitmaps' extension goes."""
    image.put(32, struct.pack(">I", 2))
    image.put_number(88, 0)
    image.put(112, struct.pack(">IIQQQ", 0x0537BE77, 16, offset, image.cluster_size, 0))


def compressed_entry(image: Image) -> int:
    table = image.offsets("l2")[0]
    return next(at for at in range(table, table + image.cluster_size, 8) if image.number(at) & COMPRESSED)


def lead_l1(image: Image, offset: int) -> None:
    image.put_number(image.offsets("snapshots")[0], offset)


def lead_data(image: Image, offset: int) -> None:
    image.put_number(image.data_entries()[0], offset)


def lead_block(image: Image, offset: int) -> None:
    image.put_number(image.offsets("refcount-table")[0] + 8, offset)


def lead_compressed(image: Image, offset: int) -> None:
    entry = compressed_entry(image)
    image.put_number(entry, COMPRESSED | offset)


def unused(image: Image) -> int:
    """A fresh cluster at the end of the file, for what the recipe does not have."""
    image.length += image.cluster_size
    return image.length - image.cluster_size


POINTERS: dict[Role, Callable[[Image, int], None]] = {
    Role.REFCOUNT_TABLE: lambda image, offset: image.put_number(48, offset),
    Role.REFCOUNT_BLOCK: lead_block,
    Role.L1_TABLE: lead_l1,
    Role.SNAPSHOT_TABLE: lambda image, offset: image.put_number(64, offset),
    Role.LUKS_HEADER: luks,
    Role.BITMAP_DIRECTORY: lambda image, offset: image.put_number(136, offset),
    # The second entry of the directory, behind 24 bytes and a name of eight.
    Role.BITMAP_TABLE: lambda image, offset: image.put_number(
        image.offsets("bitmap-directory")[0] + 32, offset
    ),
    Role.BITMAP_DATA: lambda image, offset: image.put_number(image.offsets("bitmap-table")[0], offset),
    Role.L2_TABLE: lambda image, offset: image.put_number(image.offsets("l1")[0], offset),
    Role.DATA: lead_data,
    Role.COMPRESSED: lead_compressed,
}
TARGETS: dict[Role, Callable[[Image], int]] = {
    Role.HEADER: lambda image: 0,
    Role.REFCOUNT_TABLE: lambda image: image.offsets("refcount-table")[0],
    Role.REFCOUNT_BLOCK: lambda image: image.offsets("refcount-block")[0],
    Role.L1_TABLE: lambda image: image.offsets("l1")[0],
    Role.SNAPSHOT_TABLE: lambda image: image.offsets("snapshots")[0],
    Role.BITMAP_DIRECTORY: lambda image: image.offsets("bitmap-directory")[0],
    Role.BITMAP_TABLE: lambda image: image.offsets("bitmap-table")[0],
    Role.BITMAP_DATA: lambda image: image.number(image.offsets("bitmap-table")[0]),
    Role.L2_TABLE: lambda image: image.offsets("l2")[1],
    Role.DATA: lambda image: image.number(image.data_entries()[-1]) & ~COPIED,
    Role.COMPRESSED: lambda image: (
        image.number(compressed_entry(image)) & (1 << 58) - 1 & -image.cluster_size
    ),
}
GONE_WITH_LUKS = (Role.BITMAP_DIRECTORY, Role.BITMAP_TABLE, Role.BITMAP_DATA)
UNUSED_AT_ZERO = (Role.REFCOUNT_BLOCK, Role.BITMAP_DATA, Role.L2_TABLE, Role.DATA)
"""Pointers for which the offset of the header says that there is nothing."""
BELOW = {
    (Role.REFCOUNT_TABLE, Role.REFCOUNT_BLOCK),
    (Role.BITMAP_DIRECTORY, Role.BITMAP_TABLE),
    (Role.BITMAP_DIRECTORY, Role.BITMAP_DATA),
}
"""Where the pointer was the only way to its target, there is one use of it left; what it leads to now is rubbish."""
PAIRS = [
    (pointer, target)
    for pointer in POINTERS
    for target in TARGETS
    if pointer != target and not (pointer is Role.LUKS_HEADER and target in GONE_WITH_LUKS)
    if not (pointer in UNUSED_AT_ZERO and target is Role.HEADER)
]


def words(one: Role, other: Role) -> str:
    first, second = sorted((one, other))
    return f"{first.words} and {second.words}"


@pytest.mark.parametrize(("pointer", "target"), PAIRS, ids=lambda role: role.words)
def test_a_pointer_led_to_a_cluster_of_another_role(pointer: Role, target: Role) -> None:
    image = build(RECIPE)
    POINTERS[pointer](image, TARGETS[target](image))
    report = check(image)

    assert report.verdict in {"corrupt", "unreadable"}
    if report.roles and (pointer, target) not in BELOW:
        told = [finding.sentence for finding in report.findings if finding.code == "roles-conflict"]
        assert any(words(pointer, target) in sentence for sentence in told), report.findings


@pytest.mark.parametrize("pointer", list(POINTERS), ids=lambda role: role.words)
def test_no_pointer_shares_the_luks_header(pointer: Role) -> None:
    if pointer in (*GONE_WITH_LUKS, Role.LUKS_HEADER):
        # They exclude each other here, as both need the extension's place.
        return
    image = build(RECIPE)
    target = unused(image)
    luks(image, target)
    POINTERS[pointer](image, target)
    report = check(image)

    assert report.verdict in {"corrupt", "unreadable"}
    assert not report.roles or any(
        words(pointer, Role.LUKS_HEADER) in one.sentence for one in report.findings
    )


def twice_bitmap_data(image: Image) -> None:
    table = image.offsets("bitmap-table")
    image.put_number(table[1], image.number(table[0]))


def twice_bitmap_table(image: Image) -> None:
    """Both bitmaps have the first one's table: an entry is 24 bytes and a name of eight."""
    directory = image.offsets("bitmap-directory")[0]
    image.put_number(directory + 32, image.number(directory))


def twice_block(image: Image) -> None:
    table = image.offsets("refcount-table")[0]
    image.put_number(table + 8, image.number(table))


def twice_l1(image: Image) -> None:
    image.put_number(image.offsets("snapshots")[0], image.offsets("l1")[0])


@pytest.mark.parametrize("damage", [twice_bitmap_data, twice_bitmap_table, twice_block, twice_l1])
def test_two_of_one_role_on_one_cluster(damage: Callable[[Image], None]) -> None:
    image = build(Recipe(l2_tables=1, cluster_bits=12, snapshots=1, bitmaps=2, fill=0.02))
    damage(image)

    assert "metadata-shared" in codes(check(image))
