"""The stored refcounts: the refcount table and its blocks."""

from __future__ import annotations

import sys
from typing import Final

import numpy as np

from labtools.qcow2.checking import Role
from labtools.qcow2.rules import HeaderValues

from .census import Census, count_type
from .geometry import MAX_OFFSET, Geometry
from .reading import I64, U8, U64, Bools, Counts, Reader, native

_OFFSET: Final = 0xFFFFFFFFFFFFFE00
_RESERVED: Final = 0x1FF
_MOST_BEHIND: Final = 64 << 20


class StoredRefcounts:
    """The refcount of every cluster of the file and one more, as stored; 0 where there is no block.

    ``unreadable`` marks clusters whose block cannot be read; None if there are none.
    """

    def __init__(self, reader: Reader, geometry: Geometry, values: HeaderValues) -> None:
        self._reader = reader
        self._geometry = geometry
        self._far: dict[int, int] = {}
        entries = values["refcount_table_clusters"] * (geometry.cluster_size // 8)
        self.table_offset = values["refcount_table_offset"]
        self.table_bytes = entries * 8
        self.table: U64 = reader.numbers(self.table_offset, entries)
        self.offsets: U64 = self.table & np.uint64(_OFFSET)
        self._bad: Bools = (self.offsets & np.uint64(geometry.cluster_size - 1) != 0) | (
            self.offsets > np.uint64(MAX_OFFSET - geometry.cluster_size)
        )
        self.unreadable: Bools | None = None
        self.counts = self._read()

    def _read(self) -> Counts:
        geometry = self._geometry
        total, per_block = geometry.clusters + 1, geometry.block_entries
        counts = np.zeros(total, dtype=count_type(geometry.refcount_bits))
        used = np.flatnonzero(self.offsets[: -(-total // per_block)])
        for number, index in enumerate(used.tolist()):
            if number % 64 == 0:
                self._reader.tick()
            first = index * per_block
            stop = min(first + per_block, total)
            if self._bad[index]:
                if self.unreadable is None:
                    self.unreadable = np.zeros(total, dtype=np.bool_)
                self.unreadable[first:stop] = True
                continue
            if counts.itemsize * 8 == geometry.refcount_bits:
                self._reader.fill(int(self.offsets[index]), counts[first:stop].view(np.uint8))
                continue
            raw = np.empty(-(-(stop - first) * geometry.refcount_bits // 8), dtype=np.uint8)
            self._reader.fill(int(self.offsets[index]), raw)
            counts[first:stop] = _decode(raw, geometry.refcount_bits, stop - first)
        if counts.itemsize * 8 == geometry.refcount_bits > 8 and sys.byteorder == "little":
            counts.byteswap(inplace=True)
        return counts

    def of(self, clusters: I64) -> tuple[I64, Bools | None]:
        """Refcounts of clusters, which may lie beyond the file; and which of them cannot be read, if any."""
        inside = clusters < len(self.counts)
        if inside.all():
            return self.counts[clusters].astype(np.int64), (
                None if self.unreadable is None else self.unreadable[clusters]
            )
        known = np.where(inside, clusters, 0)
        counts = np.where(inside, self.counts[known], 0).astype(np.int64)
        lost = np.zeros(len(clusters), dtype=np.bool_)
        if self.unreadable is not None:
            lost = self.unreadable[known] & inside
        index = clusters // self._geometry.block_entries
        far = ~inside & (index < len(self.offsets))
        far[far] = self.offsets[index[far]] != 0
        lost[far] = self._bad[index[far]]
        far[far] = ~self._bad[index[far]]
        counts[far] = [self._beyond(cluster) for cluster in clusters[far].tolist()]
        return counts, lost if lost.any() else None

    def _beyond(self, cluster: int) -> int:
        """The refcount of a cluster behind the end of the file, whose block is in it or reads as zeros."""
        if cluster not in self._far:
            self._reader.tick()
            bits = self._geometry.refcount_bits
            index, place = divmod(cluster, self._geometry.block_entries)
            raw = np.zeros(8, dtype=np.uint8)
            width = max(bits // 8, 1)
            self._reader.fill(int(self.offsets[index]) + place * bits // 8, raw[:width])
            shift = place * bits % 8 if bits < 8 else 0
            value = int.from_bytes(raw[:width].tobytes()) >> shift & self._geometry.refcount_max
            self._far[cluster] = min(value, 2**62)
        return self._far[cluster]

    def behind(self, first: int) -> int:
        """The highest cluster from ``first`` on, behind the end of the file, that has a refcount; 0 if none has.

        Looked for in :data:`_MOST_BEHIND` bytes of refcount blocks at most.
        """
        geometry, per_block = self._geometry, self._geometry.block_entries
        here = np.flatnonzero(self.counts[first:])
        highest = first + int(here[-1]) if len(here) else 0
        raw = np.empty(geometry.cluster_size, dtype=np.uint8)
        inside = np.flatnonzero((self.offsets != 0) & (self.offsets < geometry.file_length) & ~self._bad)
        later = inside[inside >= len(self.counts) // per_block]
        for index in later[: max(1, _MOST_BEHIND // geometry.cluster_size)].tolist():
            self._reader.tick()
            self._reader.fill(int(self.offsets[index]), raw)
            used = np.flatnonzero(raw)
            if len(used):
                place = int(used[-1])
                # Below 8 bits, the highest refcount of the byte that is not zero.
                bit = place * 8 + (int(raw[place]).bit_length() - 1 if geometry.refcount_bits < 8 else 0)
                last = index * per_block + bit // geometry.refcount_bits
                highest = max(highest, last) if last >= first else highest
        return highest

    def place_of(self, cluster: int) -> tuple[int, int] | None:
        """Byte of the file, and its first bit there, at which the refcount of a cluster stands; None without block."""
        bits = self._geometry.refcount_bits
        index, within = divmod(cluster, self._geometry.block_entries)
        if index >= len(self.offsets) or not self.offsets[index] or self._bad[index]:
            return None
        byte, low = divmod(within * bits, 8)
        return int(self.offsets[index]) + byte, low

    def judge_blocks(self, census: Census) -> None:
        """Judge each entry of the refcount table, and count the table and its blocks, as QEMU does last of all."""
        tally, size, bits = census.tally, self._geometry.cluster_size, self._geometry.cluster_bits
        used = np.flatnonzero(self.table)
        raw = self.table[used]
        reserved = raw & np.uint64(_RESERVED) != 0
        offsets = self.offsets[used]
        unaligned = ~reserved & (offsets & np.uint64(size - 1) != 0)
        outside = ~reserved & ~unaligned & (offsets >> np.uint64(bits) >= np.uint64(census.size))
        for code, mask in (
            ("refcount-table-reserved", reserved),
            ("refcount-block-unaligned", unaligned),
            ("refcount-block-outside", outside),
        ):
            tally.corruptions += int(mask.sum())
            for index in used[mask].tolist():
                tally.find(code, self.table_offset + index * 8, 8)
        sound = ~(reserved | unaligned | outside)
        for index, offset in zip(used[sound].tolist(), offsets[sound].tolist(), strict=True):
            if census.fits(offset, size):
                census.region(offset, size, Role.REFCOUNT_BLOCK, "refcount-block-outside")
            else:
                tally.corruptions += 1
                tally.find("refcount-block-outside", self.table_offset + index * 8, 8)
            if offset and census.counts[offset >> bits] != 1:
                tally.corruptions += 1
                tally.find("refcount-block-shared", offset, size)


def _decode(raw: U8, bits: int, count: int) -> Counts:
    """Refcounts of a width that no type has; below 8 bits the first is in the least significant bits of its byte."""
    if bits < 8:
        parts = np.arange(0, 8, bits, dtype=np.uint8)
        counts: Counts = ((raw[:, None] >> parts) & np.uint8((1 << bits) - 1)).reshape(-1)[:count]
        return counts
    return np.minimum(native(raw), np.uint64(2**32 - 1)).astype(np.uint32)
