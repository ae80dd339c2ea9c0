"""The partition table of a disk, MBR with logical partitions or GPT, from a function that reads it.

Sources: UEFI specification 2.10, chapter 5 (MBR and GPT); the chain of extended boot records as Linux follows it
(block/partitions/msdos.c describes it). Nothing that the disk says is trusted: chains and tables are bounded.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from .facts import Partition, PartitionTable
from .text import visible_text

Read = Callable[[int, int], bytes | None]
"""``length`` bytes of the disk at an offset; None where they cannot be read."""

MAX_PARTITIONS: Final = 128
_MAX_ENTRIES: Final = 1024
_MAX_ENTRY: Final = 1024
_SECTOR: Final = 512
_EXTENDED: Final = (0x05, 0x0F, 0x85)
_PROTECTIVE: Final = 0xEE
_GPT: Final = struct.Struct("<8sIIIIQQQQ16sQIII")
_GPT_ENTRY: Final = struct.Struct("<16s16sQQQ72s")

_MBR_TYPES: Final = {
    0x01: "FAT12",
    0x04: "FAT16",
    0x06: "FAT16",
    0x07: "NTFS or exFAT",
    0x0B: "FAT32",
    0x0C: "FAT32",
    0x0E: "FAT16",
    0x05: "extended",
    0x0F: "extended",
    0x85: "extended",
    0x27: "Windows recovery",
    0x82: "Linux swap",
    0x83: "Linux",
    0x8E: "Linux LVM",
    0xA5: "FreeBSD",
    0xA6: "OpenBSD",
    0xA9: "NetBSD",
    0xEE: "GPT protective",
    0xEF: "EFI system",
    0xFD: "Linux RAID",
}
_GPT_TYPES: Final = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "a19d880f-05fc-4d3b-a006-743f0f84911e": "Linux RAID",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root (x86-64)",
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "Linux root (ARM64)",
    "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux boot",
    "933ac7e1-2eb4-4f13-b844-0e14e2aef915": "Linux home",
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Windows data",
    "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery",
    "516e7cba-6ecf-11d6-8ff8-00022d09712b": "FreeBSD ZFS",
    "516e7cb6-6ecf-11d6-8ff8-00022d09712b": "FreeBSD UFS",
}


def read_partitions(read: Read, size: int, snapshot: int | None = None) -> PartitionTable | None:
    """The partition table of a disk of ``size`` bytes; None if there is none or its first sector cannot be read."""
    first = read(0, _SECTOR)
    entries = _mbr_entries(first) if first else []
    if not any(kind == _PROTECTIVE for _, kind, _, _ in entries):
        return _from_mbr(read, size, entries, snapshot) if entries else None
    for sector in (512, 4096):
        for where, place in (("first", sector), ("last", size // sector * sector - sector)):
            found = _from_gpt(read, place, sector, size, snapshot)
            if found is None:
                continue
            notes = ["The GPT at the beginning of the disk is damaged; this is the copy at its end."]
            return found if where == "first" else _with(found, notes)
    return _with(
        _from_mbr(read, size, entries, snapshot),
        ["The disk says that it has a GPT, but neither copy of that can be read."],
    )


def _with(table: PartitionTable, notes: list[str]) -> PartitionTable:
    return PartitionTable(
        table.snapshot,
        table.scheme,
        table.sector_size,
        table.partitions,
        table.partitions_more,
        (*notes, *table.notes),
    )


def _mbr_entries(sector: bytes) -> list[tuple[int, int, int, int]]:
    """Place, type, first sector and sectors of the used entries; none where the sector is no boot record."""
    if len(sector) < _SECTOR or sector[510:512] != b"\x55\xaa":
        return []
    found = []
    for place in range(4):
        status, kind, start, count = struct.unpack_from("<B3xB3xII", sector, 446 + place * 16)
        if status not in (0, 0x80):
            # The boot sector of a file system ends in the same mark, but has its program here.
            return []
        if kind and count:
            found.append((place + 1, kind, start, count))
    return found


def _from_mbr(
    read: Read, size: int, entries: list[tuple[int, int, int, int]], snapshot: int | None
) -> PartitionTable:
    partitions, notes = [], []
    for number, kind, start, count in entries:
        word = "extended" if kind in _EXTENDED else "primary"
        partitions.append(_mbr_partition(number, word, kind, start, count))
    for _, kind, start, _ in entries:
        if kind in _EXTENDED:
            logical, complete = _logical(read, start)
            room = MAX_PARTITIONS - len(partitions)
            used = sum(part.kind == "logical" for part in partitions)
            partitions += [
                _mbr_partition(5 + used + at, "logical", *part) for at, part in enumerate(logical[:room])
            ]
            if not complete:
                notes.append("The chain of logical partitions breaks off.")
    return PartitionTable(
        snapshot, "mbr", _SECTOR, tuple(partitions), 0, (*notes, *_beyond(partitions, size))
    )


def _mbr_partition(number: int, word: str, kind: int, start: int, count: int) -> Partition:
    return Partition(
        number, word, start * _SECTOR, count * _SECTOR, f"0x{kind:02x}", _MBR_TYPES.get(kind, ""), ""
    )


def _logical(read: Read, base: int) -> tuple[list[tuple[int, int, int]], bool]:
    """Type, first sector and sectors of the logical partitions, and whether their chain was followed to its end."""
    found: list[tuple[int, int, int]] = []
    here, seen = base, {base}
    while len(found) < MAX_PARTITIONS:
        sector = read(here * _SECTOR, _SECTOR)
        if sector is None or len(sector) < _SECTOR or sector[510:512] != b"\x55\xaa":
            return found, False
        onward = None
        for _, kind, start, count in _mbr_entries(sector):
            if kind in _EXTENDED:
                onward = base + start
            else:
                found.append((kind, here + start, count))
        if onward is None:
            return found, True
        if onward in seen:
            return found, False
        seen.add(onward)
        here = onward
    return found, False


def _from_gpt(read: Read, place: int, sector: int, size: int, snapshot: int | None) -> PartitionTable | None:
    """The GPT whose header is at byte ``place``; None unless it is whole."""
    if place < sector:
        return None
    raw = read(place, sector)
    if raw is None or len(raw) < _GPT.size:
        return None
    mark, _, length, crc, _, own, _, _, _, _, start, count, entry, table_crc = _GPT.unpack_from(raw)
    if mark != b"EFI PART" or not _GPT.size <= length <= sector or own * sector != place:
        return None
    if zlib.crc32(raw[:16] + bytes(4) + raw[20:length]) != crc:
        return None
    if not _GPT_ENTRY.size <= entry <= _MAX_ENTRY or entry % 8 or not 0 < count <= _MAX_ENTRIES:
        return None
    if start > size // sector:
        return None
    table = read(start * sector, count * entry)
    if table is None or zlib.crc32(table) != table_crc:
        return None
    partitions = list(_gpt_partitions(table, entry, sector))
    listed = partitions[:MAX_PARTITIONS]
    return PartitionTable(
        snapshot,
        "gpt",
        sector,
        tuple(listed),
        len(partitions) - len(listed),
        tuple(_beyond(listed, size)),
    )


def _gpt_partitions(table: bytes, entry: int, sector: int) -> Iterator[Partition]:
    for number, at in enumerate(range(0, len(table) - entry + 1, entry), 1):
        kind, _, first, last, _, name = _GPT_ENTRY.unpack_from(table, at)
        if not any(kind) or last < first:
            continue
        code = _guid(kind)
        text = visible_text(name.decode("utf-16-le", "replace").split("\0", 1)[0])
        yield Partition(
            number, "gpt", first * sector, (last - first + 1) * sector, code, _GPT_TYPES.get(code, ""), text
        )


def _guid(raw: bytes) -> str:
    """A GUID as it is written: the first three numbers are little-endian. (Importing uuid would take longer.)"""
    digits = (raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _beyond(partitions: list[Partition], size: int) -> Iterator[str]:
    numbers = [
        str(part.number)
        for part in partitions
        if part.offset + part.length > size and part.type_code != "0xee"
    ]
    if numbers:
        which = f"Partition {numbers[0]} goes" if len(numbers) == 1 else f"Partitions {', '.join(numbers)} go"
        yield f"{which} beyond the end of the disk."
