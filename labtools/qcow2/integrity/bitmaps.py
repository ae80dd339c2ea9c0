"""Persistent dirty bitmaps: their directory and tables, by the rules that QEMU holds them to."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from labtools.qcow2.checking import Role
from labtools.qcow2.facts import PersistentBitmap
from labtools.qcow2.layout import BITMAPS_EXTENSION, Autoclear, ExtensionType
from labtools.qcow2.readings import HeaderReport
from labtools.qcow2.rules import HeaderValues
from labtools.qcow2.text import visible

from .census import Census
from .geometry import MAX_OFFSET, OFFSET_MASK, Geometry
from .reading import Reader
from .tally import Tally

_ENTRY: Final = struct.Struct(">QIIBBHI")
_IN_USE: Final = 1
_AUTO: Final = 2
_MAX_FLAGS: Final = 3
_MAX_NAME: Final = 1023
_MAX_TABLE: Final = 0x8000000
_MAX_BYTES: Final = 512 << 20
_TABLE_RESERVED: Final = 0xFF000000000001FE


@dataclass(frozen=True, slots=True)
class Bitmap:
    """An entry of the bitmap directory."""

    entry_offset: int
    table_offset: int
    table_size: int
    in_use: bool
    auto: bool
    granularity_bits: int
    name: bytes

    def fact(self) -> PersistentBitmap:
        """What a report says of it."""
        return PersistentBitmap(visible(self.name), 1 << self.granularity_bits, self.in_use, self.auto)


@dataclass(frozen=True, slots=True)
class Directory:
    """The bitmap directory; ``broken`` says that QEMU cannot read it."""

    offset: int
    size: int
    bitmaps: tuple[Bitmap, ...]
    broken: bool


def read_directory(
    reader: Reader, geometry: Geometry, values: HeaderValues, report: HeaderReport
) -> Directory | None:
    """The directory if the image has bitmaps that are up to date, else None."""
    if Autoclear.BITMAPS not in values.autoclear:
        return None
    for extension in report.extensions.extensions:
        if extension.type == ExtensionType.BITMAPS and len(extension.raw) == BITMAPS_EXTENSION.size:
            count, _, size, offset = BITMAPS_EXTENSION.struct.unpack(extension.raw)
            bitmaps = _entries(reader, geometry, offset, size, count)
            return Directory(offset, size, bitmaps or (), bitmaps is None)
    return None


def _entries(
    reader: Reader, geometry: Geometry, offset: int, size: int, count: int
) -> tuple[Bitmap, ...] | None:
    raw = np.empty(size, dtype=np.uint8)
    reader.fill(offset, raw)
    data, at = raw.tobytes(), 0
    found: list[Bitmap] = []
    while at < size:
        if at + _ENTRY.size > size or len(found) == count:
            return None
        table_offset, table_size, flags, kind, granularity, name_size, extra = _ENTRY.unpack_from(data, at)
        end = at + -(-(_ENTRY.size + extra + name_size) // 8) * 8
        held = table_size * geometry.cluster_size
        if (
            end > size
            or extra
            or not 1 <= table_size <= _MAX_TABLE
            or table_offset % geometry.cluster_size
            or held > _MAX_BYTES
            or flags > _MAX_FLAGS
            or kind != 1
            or not 9 <= granularity <= 31
            or not 1 <= name_size <= _MAX_NAME
            or (not flags & _IN_USE and geometry.virtual_size > held * 8 << granularity)
        ):
            return None
        name = data[at + _ENTRY.size : at + _ENTRY.size + name_size]
        in_use, auto = bool(flags & _IN_USE), bool(flags & _AUTO)
        found.append(Bitmap(offset + at, table_offset, table_size, in_use, auto, granularity, name))
        at = end
    return tuple(found) if len(found) == count else None


def table_is_sound(reader: Reader, geometry: Geometry, bitmap: Bitmap) -> bool:
    """Whether a bitmap's table can be read, and every entry in it obeys the format."""
    if bitmap.table_offset + bitmap.table_size * 8 > MAX_OFFSET:
        return False
    table = reader.numbers(bitmap.table_offset, bitmap.table_size)
    offsets = table & np.uint64(OFFSET_MASK)
    bad = (table & np.uint64(_TABLE_RESERVED) != 0) | (offsets & np.uint64(geometry.cluster_size - 1) != 0)
    bad |= (offsets != 0) & (table & np.uint64(1) != 0)
    return not bad.any()


def loads(reader: Reader, geometry: Geometry, directory: Directory) -> bool:
    """Whether QEMU can load the bitmaps when it opens the image, without which it does not open it."""
    names = set()
    for bitmap in directory.bitmaps:
        reader.tick()
        if bitmap.name in names:
            return False
        names.add(bitmap.name)
        if bitmap.in_use:
            continue
        bits = -(-geometry.virtual_size // (1 << bitmap.granularity_bits))
        held = -(-bits // 64) * 8
        if bitmap.table_size != -(-held // geometry.cluster_size):
            return False
        if not table_is_sound(reader, geometry, bitmap):
            return False
    return not directory.broken


def count_bitmaps(
    reader: Reader, geometry: Geometry, directory: Directory, census: Census, tally: Tally
) -> None:
    """Count the directory, the tables and the data of bitmaps. Sets ``tally.aborted`` where QEMU gives up."""
    census.region(directory.offset, directory.size, Role.BITMAP_DIRECTORY, "bitmap-directory-outside")
    if directory.broken:
        tally.corruptions += 1
        tally.aborted = True
        tally.find("bitmap-directory-broken", directory.offset, directory.size)
        return
    for bitmap in directory.bitmaps:
        reader.tick()
        if bitmap.in_use:
            tally.find("bitmap-in-use", bitmap.entry_offset, _ENTRY.size)
        census.region(bitmap.table_offset, bitmap.table_size * 8, Role.BITMAP_TABLE, "bitmap-table-outside")
        if not table_is_sound(reader, geometry, bitmap):
            # QEMU gives up here. We go on, so that what the rest refers to is not taken for a leak.
            tally.corruptions += 1
            tally.aborted = True
            tally.find("bitmap-table-broken", bitmap.table_offset, bitmap.table_size * 8)
        table = reader.numbers(bitmap.table_offset, bitmap.table_size) & np.uint64(OFFSET_MASK)
        aligned = table & np.uint64(geometry.cluster_size - 1) == 0
        for offset in table[(table != 0) & aligned].tolist():
            census.region(offset, geometry.cluster_size, Role.BITMAP_DATA, "bitmap-data-outside")
