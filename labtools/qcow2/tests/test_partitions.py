"""The guest's partition table, read through the mapping, and the partitions in which damage lies."""

from __future__ import annotations

import io
import struct
import subprocess
import uuid
import zlib
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labtools.qcow2 import Partition, PartitionTable, check_image, check_to_json_dict, open_image
from labtools.qcow2.corpus.sound import COPIED, Recipe, build
from labtools.qcow2.partitions import read_partitions

from .makers import make_luks, qemu_img

MIB = 1 << 20
SIZE = 64 * MIB
LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"


def mbr(*entries: tuple[int, int, int]) -> bytes:
    """A boot record of (type, first sector, sectors)."""
    table = b"".join(struct.pack("<B3xB3xII", 0, *entry) for entry in entries)
    return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa"


def gpt(entries: list[tuple[str, int, int, str]], sector: int = 512, size: int = SIZE) -> dict[int, bytes]:
    """Both copies of a GPT of (type, first, last, name), and the boot record that protects it."""
    table = b"".join(
        struct.pack(
            "<16s16sQQQ72s",
            uuid.UUID(kind).bytes_le,
            uuid.uuid5(uuid.NAMESPACE_OID, name).bytes_le,
            first,
            last,
            0,
            name.encode("utf-16-le"),
        )
        for kind, first, last, name in entries
    ).ljust(128 * 128, b"\0")
    end = size // sector - 1
    pieces = {0: mbr((0xEE, 1, end))}
    for own, other, start in ((1, end, 2), (end, 1, end - len(table) // sector)):
        head = struct.pack(
            "<8sIIIIQQQQ16sQIII",
            b"EFI PART",
            0x10000,
            92,
            0,
            0,
            own,
            other,
            40,
            end - 40,
            bytes(16),
            start,
            128,
            128,
            zlib.crc32(table),
        )
        head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
        pieces[own * sector] = head
        pieces[start * sector] = table
    return pieces


def disk(pieces: dict[int, bytes]) -> bytearray:
    data = bytearray(SIZE)
    for offset, piece in pieces.items():
        data[offset : offset + len(piece)] = piece
    return data


def table_of(data: bytes | bytearray) -> PartitionTable | None:
    return read_partitions(lambda offset, length: bytes(data[offset : offset + length]), len(data))


def places(table: PartitionTable | None) -> list[tuple[int, str, int, int]]:
    assert table is not None
    return [(part.number, part.kind, part.offset // 512, part.length // 512) for part in table.partitions]


LOGICAL = {
    0: mbr((0x83, 2048, 2048), (0x05, 8192, 65536)),
    8192 * 512: mbr((0x83, 2048, 4096), (0x05, 16384, 8192)),
    (8192 + 16384) * 512: mbr((0x82, 2048, 6144)),
}
GPT = [(LINUX, 2048, 4095, "root"), ("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", 4096, 8191, "swap\u202e")]


def test_an_mbr_with_logical_partitions() -> None:
    table = table_of(disk(LOGICAL))

    assert places(table) == [
        (1, "primary", 2048, 2048),
        (2, "extended", 8192, 65536),
        (5, "logical", 8192 + 2048, 4096),
        (6, "logical", 8192 + 16384 + 2048, 6144),
    ]
    assert table is not None
    assert [part.type_name for part in table.partitions] == ["Linux", "extended", "Linux", "Linux swap"]
    assert table.notes == ()
    assert table.touching(0, 2048 * 512) == ()
    assert table.touching(3000 * 512, 20000 * 512) == (1, 5)


@pytest.mark.parametrize("sector", [512, 4096])
def test_a_gpt_and_its_copy(sector: int) -> None:
    data = disk(gpt(GPT, sector))
    table = table_of(data)
    assert table is not None
    assert (table.scheme, table.sector_size, table.notes) == ("gpt", sector, ())
    assert table.partitions[0] == Partition(1, "gpt", 2048 * sector, 2048 * sector, LINUX, "Linux", "root")
    assert table.partitions[1].name == "swap\\u202e"

    data[2 * sector] ^= 1
    copy = table_of(data)
    assert copy is not None
    assert copy.partitions == table.partitions
    assert "copy at its end" in copy.notes[0]

    data[-sector] ^= 1
    lost = table_of(data)
    assert lost is not None
    assert lost.scheme == "mbr"
    assert "neither copy" in lost.notes[0]


def test_a_chain_that_bites_its_tail_ends() -> None:
    pieces = LOGICAL | {(8192 + 16384) * 512: mbr((0x82, 2048, 6144), (0x05, 16384, 8192))}
    table = table_of(disk(pieces))

    assert [number for number, *_ in places(table)] == [1, 2, 5, 6]
    assert table is not None
    assert "breaks off" in table.notes[0]


def test_an_endless_chain_is_bounded() -> None:
    asked = []

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        here = offset // 512
        return mbr((0x83, 1, 1), (0x05, here - 63, 10)) if here else mbr((0x05, 64, 1 << 20))

    table = read_partitions(read, 1 << 40)
    assert table is not None
    assert len(table.partitions) == 128
    assert sum(asked) < 1 << 20


@pytest.mark.parametrize(
    "first",
    [bytes(512), b"\xeb\x3c\x90mkfs.fat".ljust(446, b"\1") + b"word" * 16 + b"\x55\xaa", mbr()],
    ids=["empty", "file system", "no entries"],
)
def test_no_partition_table(first: bytes) -> None:
    assert table_of(disk({0: first})) is None


def test_a_partition_beyond_the_end_is_said() -> None:
    table = table_of(disk({0: mbr((0x83, 2048, 1 << 30))}))

    assert table is not None
    assert table.notes == ("Partition 1 goes beyond the end of the disk.",)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 20000), st.binary(min_size=1, max_size=64)), max_size=6), st.booleans()
)
def test_any_damage_ends_in_a_table_or_none(changes: list[tuple[int, bytes]], chained: bool) -> None:
    data = disk(LOGICAL if chained else gpt(GPT))
    for offset, piece in changes:
        data[offset : offset + len(piece)] = piece
    table = table_of(bytes(data[: 1 << 20]))
    assert table is None or len(table.partitions) <= 128


KINDS = {
    "plain": ["-o", "cluster_size=64k"],
    "tiny clusters": ["-o", "cluster_size=512"],
    "compressed": ["-c"],
    "zstd": ["-c", "-o", "compression_type=zstd"],
    "extended": ["-o", "extended_l2=on,cluster_size=64k"],
    "version 2": ["-o", "compat=0.10"],
}


@pytest.mark.parametrize("options", list(KINDS.values()), ids=list(KINDS))
@pytest.mark.parametrize("pieces", [LOGICAL, gpt(GPT)], ids=["mbr", "gpt"])
def test_it_is_read_through_any_mapping(pieces: dict[int, bytes], options: list[str], tmp_path: Path) -> None:
    raw, image = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    raw.write_bytes(disk(pieces))
    qemu_img("convert", "-f", "raw", "-O", "qcow2", *options, raw, image)
    with open_image(image) as source:
        report = check_image(source, whole=True)

    assert report.partition_tables == (table_of(disk(pieces)),)
    assert report.partitions_note == ""
    assert report.findings == ()


def test_damage_is_placed_in_its_partition_by_layer(tmp_path: Path) -> None:
    raw, image = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    data = disk(LOGICAL)
    data[6 * MIB : 7 * MIB] = b"x" * MIB
    raw.write_bytes(data)
    qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, image)
    qemu_img("snapshot", "-c", "one", image)
    # The active image gets another table. Sector 12,288, at 6 MiB, is guest cluster 96.
    raw.write_bytes(mbr((0x83, 6144, 8192)))
    write = f"write -s {raw} 0 512"
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", write, str(image)], check=True, capture_output=True)
    with image.open("r+b") as file:
        for pointer in (40, 64):
            # From the header to an L1 table, by way of the snapshot's entry in the second case.
            place = number_at(file, pointer)
            table = number_at(file, number_at(file, place) if pointer == 64 else place) & ~COPIED
            file.seek(table + 96 * 8 + 7)
            file.write(b"\2")
    with open_image(image) as source:
        report = check_image(source, whole=True)

    assert [places(table) for table in report.partition_tables] == [
        [(1, "primary", 6144, 8192)],
        places(table_of(disk(LOGICAL))),
    ]
    finding = next(finding for finding in report.findings if finding.code == "l2-entry-reserved")
    assert [(part.snapshot, part.partitions) for part in finding.guest_ranges] == [(None, (1,)), (0, (5,))]
    told = check_to_json_dict(report)
    assert told["partition_tables"][1]["snapshot"] == 0
    assert [
        row["guest_ranges"][1]["partitions"] for row in told["findings"] if len(row["guest_ranges"]) > 1
    ] == [[5]]


def number_at(file: BinaryIO, offset: int) -> int:
    file.seek(offset)
    return int.from_bytes(file.read(8))


def test_where_it_cannot_be_read_a_sentence_says_why(tmp_path: Path) -> None:
    image, data = tmp_path / "disk.qcow2", tmp_path / "disk.data"
    qemu_img("create", "-q", "-f", "qcow2", "-o", f"data_file={data}", image, "8M")
    assert "external data file" in note_of(image)
    make_luks(image, "qcow2")
    assert "encrypted" in note_of(image)
    qemu_img("create", "-q", "-f", "raw", data, "8M")
    qemu_img("create", "-q", "-f", "qcow2", "-F", "raw", "-b", data, image)
    assert "backing file" in note_of(image)
    qemu_img("create", "-q", "-f", "qcow2", image, "8M")
    assert "empty" in note_of(image)
    subprocess.run(
        ["qemu-io", "-f", "qcow2", "-c", "write -P 1 0 512", str(image)], check=True, capture_output=True
    )
    assert "file system may begin" in note_of(image)


def note_of(image: Path) -> str:
    with open_image(image) as source:
        report = check_image(source, whole=True)
    assert report.partition_tables == ()
    return report.partitions_note


def test_a_copy_of_the_metadata_is_not_asked() -> None:
    image = build(Recipe())
    data = bytearray(image.length)
    for offset, piece in image.pieces.items():
        data[offset : offset + len(piece)] = piece
    with open_image(io.BytesIO(bytes(data))) as source:
        report = check_image(source)
    assert (report.partition_tables, report.partitions_note) == ((), "")
