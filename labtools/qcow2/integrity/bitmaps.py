"""Persistent dirty bitmaps: their directory and tables, by the rules that QEMU holds them to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from labtools.qcow2.checking import Role
from labtools.qcow2.facts import PersistentBitmap
from labtools.qcow2.layout import BITMAP_ENTRY, BITMAPS_EXTENSION, Autoclear, ExtensionType
from labtools.qcow2.readings import HeaderReport
from labtools.qcow2.rules import HeaderValues
from labtools.qcow2.text import visible

from .census import Census
from .geometry import MAX_OFFSET, OFFSET_MASK, Geometry
from .reading import I64, Reader
from .tally import Tally

_ENTRY: Final = BITMAP_ENTRY
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


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """An entry as it stands there. ``faults`` names the fields that break a rule; ``size`` includes the padding."""

    offset: int
    size: int
    values: dict[str, int]
    name: bytes
    faults: tuple[str, ...]


def walk_directory(reader: Reader, geometry: Geometry, offset: int, size: int) -> Iterator[DirectoryEntry]:
    """The entries of a directory, up to the first that breaks the format: where the next begins is not known then.

    An entry that the directory cuts in its first bytes is not among them.
    """
    raw = np.empty(size, dtype=np.uint8)
    reader.fill(offset, raw)
    data, at = raw.tobytes(), 0
    while at + _ENTRY.size <= size:
        values = {name: int(value) for name, value in _ENTRY.decode(data, at).items()}
        extra, name_size = values["extra_data_size"], values["name_size"]
        length = -(-(_ENTRY.size + extra + name_size) // 8) * 8
        faults = tuple(_faults(geometry, values))
        if not faults and at + length > size:
            faults = ("name_size",)
        start = at + _ENTRY.size + extra
        name = data[start : start + name_size]
        yield DirectoryEntry(offset + at, length, values, name, faults)
        if faults:
            return
        at += length


def _faults(geometry: Geometry, values: dict[str, int]) -> Iterator[str]:
    table_size, flags = values["bitmap_table_size"], values["flags"]
    held = table_size * geometry.cluster_size
    granularity = values["granularity_bits"]
    if values["bitmap_table_offset"] % geometry.cluster_size:
        yield "bitmap_table_offset"
    if not 1 <= table_size <= _MAX_TABLE or held > _MAX_BYTES:
        yield "bitmap_table_size"
    if flags > _MAX_FLAGS:
        yield "flags"
    if values["type"] != 1:
        yield "type"
    if not 9 <= granularity <= 31:
        yield "granularity_bits"
    elif table_size and not flags & _IN_USE and geometry.virtual_size > held * 8 << granularity:
        yield "bitmap_table_size"
    if not 1 <= values["name_size"] <= _MAX_NAME:
        yield "name_size"
    if values["extra_data_size"]:
        yield "extra_data_size"


def _entries(
    reader: Reader, geometry: Geometry, offset: int, size: int, count: int
) -> tuple[Bitmap, ...] | None:
    found: list[Bitmap] = []
    end = offset
    for entry in walk_directory(reader, geometry, offset, size):
        if entry.faults or len(found) == count:
            return None
        values, end = entry.values, entry.offset + entry.size
        in_use, auto = bool(values["flags"] & _IN_USE), bool(values["flags"] & _AUTO)
        place, length = values["bitmap_table_offset"], values["bitmap_table_size"]
        found.append(
            Bitmap(entry.offset, place, length, in_use, auto, values["granularity_bits"], entry.name)
        )
    return tuple(found) if len(found) == count and end == offset + size else None


def broken_entries(reader: Reader, geometry: Geometry, bitmap: Bitmap) -> I64 | None:
    """Which entries of a bitmap's table break the format; None where the table cannot be read."""
    if bitmap.table_offset + bitmap.table_size * 8 > MAX_OFFSET:
        return None
    table = reader.numbers(bitmap.table_offset, bitmap.table_size)
    offsets = table & np.uint64(OFFSET_MASK)
    bad = (table & np.uint64(_TABLE_RESERVED) != 0) | (offsets & np.uint64(geometry.cluster_size - 1) != 0)
    bad |= (offsets != 0) & (table & np.uint64(1) != 0)
    return np.flatnonzero(bad).astype(np.int64)


def table_is_sound(reader: Reader, geometry: Geometry, bitmap: Bitmap) -> bool:
    """Whether a bitmap's table can be read, and every entry in it obeys the format."""
    broken = broken_entries(reader, geometry, bitmap)
    return broken is not None and not len(broken)


def unloadable(reader: Reader, geometry: Geometry, directory: Directory) -> Iterator[tuple[Bitmap, str]]:
    """The bitmaps that QEMU cannot load, each with the field of its entry that is at fault, if it is one of them."""
    names = set()
    for bitmap in directory.bitmaps:
        reader.tick()
        if bitmap.name in names:
            yield bitmap, "name"
        names.add(bitmap.name)
        if bitmap.in_use:
            continue
        bits = -(-geometry.virtual_size // (1 << bitmap.granularity_bits))
        held = -(-bits // 64) * 8
        if bitmap.table_size != -(-held // geometry.cluster_size):
            yield bitmap, "bitmap_table_size"
        elif not table_is_sound(reader, geometry, bitmap):
            yield bitmap, ""


def loads(reader: Reader, geometry: Geometry, directory: Directory) -> bool:
    """Whether QEMU can load the bitmaps when it opens the image, without which it does not open it."""
    return not directory.broken and next(unloadable(reader, geometry, directory), None) is None


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
