"""Sound images of every kind, built from nothing: only their metadata holds bytes, the guest's data are holes."""

from __future__ import annotations

import random
import struct
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HEADER: Final = struct.Struct(">4sIQIIQIIQQIIQQQQIIB7x")
V2_LENGTH: Final = 72
COPIED: Final = 1 << 63
COMPRESSED: Final = 1 << 62
_OFFSET: Final = 0x00FFFFFFFFFFFE00


@dataclass(frozen=True, slots=True)
class Recipe:
    """What kind of image to build. ``refcount_order`` and what follows ``zeros`` need version 3.

    ``fill`` is the part of an L2 table that is used, at most ``most`` entries of it.
    """

    version: int = 3
    cluster_bits: int = 16
    refcount_order: int = 4
    l2_tables: int = 2
    fill: float = 0.02
    snapshots: int = 0
    compressed: int = 0
    zeros: bool = False
    extended: bool = False
    bitmaps: int = 0
    data_file: bool = False
    backing: bool = False
    aes: bool = False
    zstd: bool = False
    lazy: bool = False
    scattered: bool = False
    most: int = 24


@dataclass
class Image:
    """An image as pieces of bytes at offsets; between them are holes.

    ``places`` names the pieces that are metadata: ``header``, ``l1``, ``l2``, ``refcount-table``, ``refcount-block``,
    ``snapshots``, ``bitmap-directory``, ``bitmap-table``. ``l2_of`` leads from a place in the active L1 table to the
    offset of the L2 table.
    """

    recipe: Recipe
    length: int
    pieces: dict[int, bytearray]
    places: dict[int, str]
    l2_of: dict[int, int] = field(default_factory=dict)

    @property
    def cluster_size(self) -> int:
        """Bytes of a cluster."""
        return 1 << self.recipe.cluster_bits

    def offsets(self, place: str) -> list[int]:
        """Where the pieces of a kind are."""
        return [offset for offset, name in self.places.items() if name == place]

    def number(self, offset: int) -> int:
        """The 64-bit number at a byte of a piece."""
        start = self._piece(offset)
        return int.from_bytes(self.pieces[start][offset - start : offset - start + 8])

    def put(self, offset: int, data: bytes) -> None:
        """Overwrite bytes of a piece."""
        start = self._piece(offset)
        self.pieces[start][offset - start : offset - start + len(data)] = data

    def put_number(self, offset: int, number: int) -> None:
        """Overwrite a 64-bit number."""
        self.put(offset, number.to_bytes(8))

    def data_entries(self) -> list[int]:
        """Where the L2 entries with a data cluster of their own are, in the first layer's order."""
        step = 16 if self.recipe.extended else 8
        return [
            offset + at
            for offset in self.offsets("l2")
            for at in range(0, self.cluster_size, step)
            if self.number(offset + at) & _OFFSET and not self.number(offset + at) & COMPRESSED
        ]

    def set_refcount(self, cluster: int, count: int) -> None:
        """Store another refcount for a host cluster."""
        bits = 1 << self.recipe.refcount_order
        block, at = divmod(cluster, self.cluster_size * 8 // bits)
        piece = self.pieces[self.offsets("refcount-block")[block]]
        if bits < 8:
            piece[at * bits // 8] &= ~((1 << bits) - 1 << at * bits % 8) & 0xFF
            piece[at * bits // 8] |= count << at * bits % 8
        else:
            piece[at * bits // 8 : (at + 1) * bits // 8] = count.to_bytes(bits // 8)

    def _piece(self, offset: int) -> int:
        return max(start for start in self.pieces if start <= offset)

    def write(self, path: Path) -> None:
        """Write the file, its holes as holes."""
        with path.open("wb") as file:
            for offset, data in self.pieces.items():
                if offset < self.length:
                    file.seek(offset)
                    file.write(data[: self.length - offset])
            file.truncate(self.length)


class _Builder:
    """Gives out clusters, remembers who refers to them, and writes refcounts and flags at the end."""

    def __init__(self, recipe: Recipe, seed: int) -> None:
        self.recipe = recipe
        self.random = random.Random(seed)  # noqa: S311 a seed must give the same image again
        self.size = 1 << recipe.cluster_bits
        self.next = 1
        self.references: Counter[int] = Counter({0: 1})
        self.pieces: dict[int, bytearray] = {}
        self.places: dict[int, str] = {}
        self.entry_size = 16 if recipe.extended else 8
        self.l2_entries = self.size // self.entry_size
        self.guest_clusters = max(1, recipe.l2_tables * self.l2_entries - self.l2_entries // 3)

    def take(self, count: int = 1) -> int:
        """Offset of ``count`` fresh clusters."""
        offset = self.next * self.size
        self.next += count
        return offset

    def table(self, place: str, length: int) -> int:
        """Clusters for a table of ``length`` bytes, referred to once."""
        count = max(1, -(-length // self.size))
        offset = self.take(count)
        self.pieces[offset] = bytearray(count * self.size)
        self.places[offset] = place
        self.refer(offset, length)
        return offset

    def refer(self, offset: int, length: int, times: int = 1) -> None:
        """Count references to the clusters of a region."""
        for cluster in range(offset // self.size, (offset + max(length, 1) - 1) // self.size + 1):
            self.references[cluster] += times

    def build(self) -> Image:
        l2_of = self._l2_tables()
        l1_size = len(l2_of)
        l1 = self.table("l1", l1_size * 8)
        for index, offset in l2_of.items():
            struct.pack_into(">Q", self.pieces[l1], index * 8, offset)
        snapshots = self._snapshots(l2_of)
        extensions = self._extensions()
        self._header(l1, l1_size, snapshots, extensions, self._refcounts(l1, l2_of))
        return Image(self.recipe, self.next * self.size, self.pieces, self.places, l2_of)

    def _l2_tables(self) -> dict[int, int]:
        l2_of = {}
        self.where: list[tuple[int, int]] = []
        for index in range(self.recipe.l2_tables):
            if index and self.random.random() < 0.1:
                # An L1 entry without a table.
                l2_of[index] = 0
                continue
            l2_of[index] = self.table("l2", self.size)
            count = max(1, min(self.recipe.most, int(self.l2_entries * self.recipe.fill)))
            last = min(self.l2_entries, self.guest_clusters - index * self.l2_entries)
            first = self.random.randrange(max(1, last - count))
            for column in range(first, min(last, first + count)):
                self.where.append((l2_of[index], column))
        targets = self.where if not self.recipe.scattered else self.random.sample(self.where, len(self.where))
        for number, (table, column) in enumerate(targets):
            self._entry(table, column, number)
        return l2_of

    def _entry(self, table: int, column: int, number: int) -> None:
        recipe, bitmap = self.recipe, 0
        if number < recipe.compressed:
            entry = self._compressed()
        elif recipe.zeros and number % 5 == 1:
            entry = 1
            if recipe.extended:
                entry, bitmap = 0, 0xFFFFFFFF << 32
        else:
            entry = number * self.size | COPIED if recipe.data_file else self.take()
            if not recipe.data_file:
                self.refer(entry, self.size)
            if recipe.zeros and number % 5 == 2 and not recipe.extended:
                entry |= 1
            if recipe.extended:
                bitmap = 0xFFFF | (0xFF << 56) if number % 2 else 0xFFFFFFFF
        struct.pack_into(">Q", self.pieces[table], column * self.entry_size, entry)
        if recipe.extended:
            struct.pack_into(">Q", self.pieces[table], column * self.entry_size + 8, bitmap)

    def _compressed(self) -> int:
        """A cluster of zeros, compressed; two share a host cluster where they fit."""
        if self.recipe.zstd:
            payload = _zstd_zeros(self.size)
        else:
            maker = zlib.compressobj(1, zlib.DEFLATED, -12)
            payload = maker.compress(bytes(self.size)) + maker.flush()
        packed = getattr(self, "_packed", 0)
        if packed % self.size == 0 or packed % self.size + len(payload) > self.size:
            packed = self.take()
            self.pieces[packed] = bytearray(self.size)
        start = packed // self.size * self.size
        self.pieces[start][packed - start : packed - start + len(payload)] = payload
        sectors = (packed + len(payload) - 1) // 512 - packed // 512
        shift = 62 - (self.recipe.cluster_bits - 8)
        self.refer(packed, (sectors + 1) * 512 - packed % 512)
        self._packed = packed + len(payload)
        return COMPRESSED | sectors << shift | packed

    def _snapshots(self, l2_of: dict[int, int]) -> int:
        recipe = self.recipe
        if not recipe.snapshots:
            return 0
        table = bytearray()
        for number in range(recipe.snapshots):
            l1 = self.table("l1", len(l2_of) * 8)
            for index, offset in l2_of.items():
                struct.pack_into(">Q", self.pieces[l1], index * 8, offset)
                if offset:
                    self._share(offset)
            name, extra = (
                f"snapshot {number + 1}".encode(),
                struct.pack(">QQ", 0, self.guest_clusters * self.size),
            )
            key = str(number + 1).encode()
            head = struct.pack(
                ">QIHHIIQII", l1, len(l2_of), len(key), len(name), 1_700_000_000, 0, 0, 0, len(extra)
            )
            table += (head + extra + key + name).ljust(-(-(len(head + extra + key + name)) // 8) * 8, b"\0")
        # The padding behind the last entry is not counted.
        offset = self.table("snapshots", len(table) - (-len(head + extra + key + name)) % 8)
        self.pieces[offset][: len(table)] = table
        return offset

    def _share(self, table: int) -> None:
        self.references[table // self.size] += 1
        for at in range(0, self.size, self.entry_size):
            entry = int.from_bytes(self.pieces[table][at : at + 8])
            if entry & COMPRESSED:
                shift = 62 - (self.recipe.cluster_bits - 8)
                start = entry & (1 << shift) - 1
                sectors = entry >> shift & (1 << self.recipe.cluster_bits - 8) - 1
                self.refer(start, (sectors + 1) * 512 - start % 512)
            elif entry & _OFFSET:
                self.refer(entry & _OFFSET, self.size)

    def _extensions(self) -> bytes:
        found = b""
        if self.recipe.backing:
            found += struct.pack(">II", 0xE2792ACA, 3) + b"raw".ljust(8, b"\0")
        if self.recipe.bitmaps:
            directory = bytearray()
            size = self.guest_clusters * self.size
            granularity = 16
            for number in range(self.recipe.bitmaps):
                bits = -(-size >> granularity)
                held = -(-bits // 64) * 8
                entries = -(-held // self.size)
                table = self.table("bitmap-table", entries * 8)
                for index in range(entries):
                    if index % 2 == 0:
                        data = self.take()
                        self.refer(data, self.size)
                        struct.pack_into(">Q", self.pieces[table], index * 8, data)
                name = f"bitmap {number}".encode()
                entry = struct.pack(">QIIBBHI", table, entries, 2, 1, granularity, len(name), 0) + name
                directory += entry.ljust(-(-len(entry) // 8) * 8, b"\0")
            offset = self.table("bitmap-directory", len(directory))
            self.pieces[offset][: len(directory)] = directory
            found += struct.pack(">IIIIQQ", 0x23852875, 24, self.recipe.bitmaps, 0, len(directory), offset)
        return found + bytes(8)

    def _refcounts(self, l1: int, l2_of: dict[int, int]) -> tuple[int, int]:
        """Take the refcount structures, set COPIED everywhere, write the refcounts."""
        bits = 1 << self.recipe.refcount_order
        per_block = self.size * 8 // bits
        blocks, table_clusters = 1, 1
        while (
            blocks * per_block < self.next + blocks + table_clusters
            or table_clusters * self.size < blocks * 8
        ):
            blocks += 1
            table_clusters = -(-blocks * 8 // self.size)
        table = self.table("refcount-table", table_clusters * self.size)
        places = [self.table("refcount-block", self.size) for _ in range(blocks)]
        for index, offset in enumerate(places):
            struct.pack_into(">Q", self.pieces[table], index * 8, offset)
        self._flags(l1, l2_of)
        for cluster, count in self.references.items():
            block, at = divmod(cluster, per_block)
            piece = self.pieces[places[block]]
            if bits < 8:
                piece[at * bits // 8] |= count << at * bits % 8
            else:
                piece[at * bits // 8 : (at + 1) * bits // 8] = count.to_bytes(bits // 8)
        return table, table_clusters

    def _flags(self, l1: int, l2_of: dict[int, int]) -> None:
        for index, offset in l2_of.items():
            if not offset:
                continue
            if self.references[offset // self.size] == 1:
                struct.pack_into(">Q", self.pieces[l1], index * 8, offset | COPIED)
            for at in range(0, self.size, self.entry_size):
                entry = int.from_bytes(self.pieces[offset][at : at + 8])
                data = entry & _OFFSET
                if (
                    data
                    and not entry & COMPRESSED
                    and not self.recipe.data_file
                    and self.references[data // self.size] == 1
                ):
                    struct.pack_into(">Q", self.pieces[offset], at, entry | COPIED)

    def _header(
        self, l1: int, l1_size: int, snapshots: int, extensions: bytes, refcounts: tuple[int, int]
    ) -> None:
        recipe = self.recipe
        length = V2_LENGTH if recipe.version == 2 else HEADER.size
        name = b"base.img" if recipe.backing else b""
        head = HEADER.pack(
            b"QFI\xfb",
            recipe.version,
            length + len(extensions) if name else 0,
            len(name),
            recipe.cluster_bits,
            self.guest_clusters * self.size,
            int(recipe.aes),
            l1_size,
            l1,
            *refcounts,
            recipe.snapshots,
            snapshots,
            recipe.data_file << 2 | recipe.zstd << 3 | recipe.extended << 4,
            int(recipe.lazy),
            int(recipe.bitmaps > 0),
            recipe.refcount_order,
            length,
            int(recipe.zstd),
        )
        self.pieces[0] = bytearray((head[:length] + extensions + name).ljust(self.size, b"\0"))
        self.places[0] = "header"


def _zstd_zeros(size: int) -> bytes:
    """A Zstandard frame (RFC 8878) of zeros: its size, and blocks of at most 128 KiB that repeat a byte."""
    frame, left = bytes.fromhex("28b52ffda0") + struct.pack("<I", size), size
    while left:
        part = min(left, 128 << 10)
        left -= part
        frame += (part << 3 | 1 << 1 | (left == 0)).to_bytes(3, "little") + b"\0"
    return frame


def build(recipe: Recipe, seed: int = 0) -> Image:
    """A sound image. The same recipe and seed give the same bytes."""
    return _Builder(recipe, seed).build()


def random_recipe(chance: random.Random) -> Recipe:
    """A recipe of any kind that QEMU knows."""
    version = chance.choice((2, 3, 3, 3))
    extended = version == 3 and chance.random() < 0.2
    data_file = version == 3 and not extended and chance.random() < 0.08
    bits = (
        chance.choice((14, 16, 17, 21)) if extended else chance.choice((9, 9, 10, 12, 12, 14, 16, 16, 18, 21))
    )
    snapshots = 0 if data_file else chance.choice((0, 0, 0, 1, 2, 3))
    order = chance.randrange(7) if version == 3 else 4
    compressed = 0 if data_file else chance.choice((0, 0, 3, 6))
    if snapshots or compressed:
        order = max(order, 3)
    return Recipe(
        version=version,
        cluster_bits=bits,
        refcount_order=order,
        l2_tables=chance.choice((1, 2, 3, 5)) if bits < 18 else 1,
        fill=chance.choice((0.01, 0.1, 0.5)),
        snapshots=snapshots,
        compressed=compressed,
        zeros=version == 3 and chance.random() < 0.5,
        extended=extended,
        bitmaps=chance.choice((0, 0, 0, 1, 2)) if version == 3 else 0,
        data_file=data_file,
        backing=not data_file and chance.random() < 0.2,
        aes=not data_file and not compressed and chance.random() < 0.05,
        zstd=version == 3 and chance.random() < 0.2,
        lazy=version == 3 and chance.random() < 0.2,
        scattered=chance.random() < 0.3,
    )
