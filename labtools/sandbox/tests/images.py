"""Images written byte by byte, as no qemu-img would write them (layout: QEMU's docs/interop/qcow2.rst)."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from labtools.sandbox import run_bounded
from labtools.sandbox.runner import Limits

COPIED = 1 << 63


def header(
    *,
    cluster_bits: int = 16,
    size: int,
    l1_size: int,
    l1_offset: int,
    refcount_table_offset: int,
    refcount_order: int = 4,
    snapshots: int = 0,
    snapshots_offset: int = 0,
) -> bytes:
    """A version 3 header with one cluster of refcount table and no features."""
    return struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb",
        3,
        0,
        0,
        cluster_bits,
        size,
        0,
        l1_size,
        l1_offset,
        refcount_table_offset,
        1,
        snapshots,
        snapshots_offset,
        0,
        0,
        0,
        refcount_order,
        104,
    )


def write_shouting_image(path: Path) -> None:
    """512 KiB that make `qemu-img check` write gigabytes: 2000 L1 entries share one L2 table of wrong entries."""
    cluster, l1_size = 65536, 2000
    image = bytearray(8 * cluster)
    image[:104] = header(
        size=l1_size * cluster // 8 * cluster,
        l1_size=l1_size,
        l1_offset=3 * cluster,
        refcount_table_offset=cluster,
    )
    struct.pack_into(">Q", image, cluster, 2 * cluster)
    image[3 * cluster : 3 * cluster + 8 * l1_size] = struct.pack(">Q", COPIED | 4 * cluster) * l1_size
    wrong = COPIED | 1 << 48 | 0x3E  # reserved bits, and an offset far behind the end
    image[4 * cluster : 5 * cluster] = struct.pack(">Q", wrong) * (cluster // 8)
    path.write_bytes(image)


def write_hungry_image(path: Path) -> None:
    """4 KiB on disk, 128 GiB long: 512-byte clusters with 64-bit refcounts, 2 GiB to count them in memory."""
    with path.open("wb") as image:
        image.write(
            header(
                cluster_bits=9,
                size=512 * 64 * 64,
                l1_size=64,
                l1_offset=1536,
                refcount_table_offset=512,
                refcount_order=6,
            )
        )
        image.seek(512)
        image.write(struct.pack(">Q", 1024))
        image.truncate(128 * 2**30)


def write_image_with_snapshots(path: Path, names: list[bytes], *, l1_offset: int = 512) -> None:
    """Snapshots with any bytes as names; an `l1_offset` that is no multiple of 64 KiB is an error in each."""
    cluster = 65536
    table = b""
    for number, name in enumerate(names, start=1):
        ident = b"%d" % number
        entry = struct.pack(">QIHHIIQII", l1_offset, 1, len(ident), len(name), 0, 0, 0, 0, 16)
        entry += struct.pack(">QQ", 0, cluster) + ident + name
        table += entry + bytes(-len(entry) % 8)
    length = -(-len(table) // cluster) * cluster
    image = bytearray(4 * cluster + length)
    image[:104] = header(
        size=cluster,
        l1_size=1,
        l1_offset=3 * cluster,
        refcount_table_offset=cluster,
        snapshots=len(names),
        snapshots_offset=4 * cluster,
    )
    struct.pack_into(">Q", image, cluster, 2 * cluster)
    for index in range(len(image) // cluster):
        struct.pack_into(">H", image, 2 * cluster + 2 * index, 1)
    image[4 * cluster : 4 * cluster + len(table)] = table
    path.write_bytes(image)


def create(path: Path, *arguments: str) -> Path:
    """An image made by the real `qemu-img create`, options before the path and the size after it."""
    *options, size = arguments
    finished = run_bounded(
        ["qemu-img", "create", "-q", "-f", "qcow2", *options, os.fspath(path), size],
        limits=Limits(wall_seconds=30),
    )
    assert finished.exit_code == 0, finished.stderr
    return path
