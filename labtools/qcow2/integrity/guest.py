"""Bytes of the guest's disk, read through the mapping, and what they tell: the partition table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from labtools.qcow2.checking import Finding
from labtools.qcow2.facts import PartitionTable
from labtools.qcow2.partitions import read_partitions
from labtools.qcow2.rules import HeaderValues

from .geometry import COMPRESSED, MAX_OFFSET, OFFSET_MASK, ZERO, Geometry
from .mapping import compressed_extent
from .reading import Reader
from .tables import L2Tables, Layer

_MAX_READ: Final = 1 << 20
_MAX_LAYERS: Final = 8
"""Snapshots of which the partition table is read beside the active image's."""


class GuestDisk:
    """The guest's disk as one layer maps it. Nothing but this image is read."""

    def __init__(self, reader: Reader, geometry: Geometry, values: HeaderValues, layer: Layer) -> None:
        self._reader = reader
        self._geometry = geometry
        self._layer = layer
        self._backed = values["backing_file_offset"] != 0
        self._compression = values["compression_type"]

    def read(self, offset: int, length: int) -> bytes | None:
        """``length`` bytes at ``offset``; None where any of them is not in this file, or damaged."""
        if length > _MAX_READ or offset + length > self._geometry.virtual_size:
            return None
        parts, bits = [], self._geometry.cluster_bits
        while length:
            within = offset & (self._geometry.cluster_size - 1)
            take = min(length, self._geometry.cluster_size - within)
            part = self._cluster(offset >> bits, within, take)
            if part is None:
                return None
            parts.append(part)
            offset, length = offset + take, length - take
        return b"".join(parts)

    def _cluster(self, number: int, within: int, take: int) -> bytes | None:
        geometry = self._geometry
        window, column = divmod(number, geometry.l2_entries)
        table = 0
        if window < len(self._layer.entries):
            table = int(self._layer.entries[window]) & OFFSET_MASK
        if not table:
            return self._nothing(take)
        if table & (geometry.cluster_size - 1) or table > MAX_OFFSET:
            return None
        size = geometry.l2_entry_size
        raw = self._reader.numbers(table + column * size, size // 8)
        entry, bitmap = int(raw[0]), int(raw[1]) if geometry.extended else None
        if entry & COMPRESSED:
            return self._compressed(entry, within, take)
        if bitmap is not None:
            return self._subclusters(entry, bitmap, within, take)
        if entry & ZERO:
            return bytes(take)
        return self._host(entry, within, take) if entry & OFFSET_MASK else self._nothing(take)

    def _nothing(self, take: int) -> bytes | None:
        return None if self._backed else bytes(take)

    def _host(self, entry: int, within: int, take: int) -> bytes | None:
        offset = entry & OFFSET_MASK
        if offset & (self._geometry.cluster_size - 1):
            return None
        raw = np.empty(take, dtype=np.uint8)
        self._reader.fill(offset + within, raw)
        return raw.tobytes()

    def _subclusters(self, entry: int, bitmap: int, within: int, take: int) -> bytes | None:
        size, parts = self._geometry.cluster_size // 32, []
        while take:
            number = within // size
            part = min(take, size - within % size)
            if bitmap >> number & 1:
                piece = self._host(entry, within, part) if entry & OFFSET_MASK else None
            else:
                piece = bytes(part) if bitmap >> 32 + number & 1 else self._nothing(part)
            if piece is None:
                return None
            parts.append(piece)
            within, take = within + part, take - part
        return b"".join(parts)

    def _compressed(self, entry: int, within: int, take: int) -> bytes | None:
        from labtools.qcow2.codecs import decompressor

        decompress = decompressor(self._compression)
        if decompress is None:
            return None
        start, size = compressed_extent(self._geometry, np.array([entry], dtype=np.uint64))
        raw = np.empty(int(size[0]), dtype=np.uint8)
        self._reader.fill(int(start[0]), raw)
        cluster = decompress(raw.tobytes(), self._geometry.cluster_size)
        return cluster and cluster[within : within + take]


def partition_tables(
    reader: Reader, geometry: Geometry, values: HeaderValues, tables: L2Tables, findings: Iterable[Finding]
) -> tuple[tuple[PartitionTable, ...], str]:
    """The partition tables of the active image and of the snapshots that findings name; and, where the active image
    has none, why.
    """
    if geometry.has_data_file:
        return (), "The guest's data is in an external data file, which is not opened."
    if values["crypt_method"]:
        return (), "The guest's disk is encrypted."
    wanted = {part.snapshot for finding in findings for part in finding.guest_ranges}
    layers = [layer for layer in tables.layers[1:] if layer.snapshot in wanted]
    found, note = [], ""
    for layer in [tables.layers[0], *layers[:_MAX_LAYERS]]:
        disk = GuestDisk(reader, geometry, values, layer)
        table = read_partitions(disk.read, geometry.virtual_size, layer.snapshot)
        if table:
            found.append(table)
        elif layer.snapshot is None:
            note = _why_none(disk, backed=values["backing_file_offset"] != 0)
    return tuple(found), note


def _why_none(disk: GuestDisk, *, backed: bool) -> str:
    first = disk.read(0, 512)
    if first is None:
        where = "is in the backing file, which is not opened, or " if backed else ""
        return f"The first sector of the guest's disk {where}cannot be read."
    if not any(first):
        return "The first sector of the guest's disk is empty, so there is no partition table."
    return "The first sector of the guest's disk holds no partition table; a file system may begin there."


def in_partitions(findings: tuple[Finding, ...], tables: tuple[PartitionTable, ...]) -> tuple[Finding, ...]:
    """The findings, each guest range with the partitions that it touches."""
    by_layer = {table.snapshot: table for table in tables}
    return tuple(
        replace(
            finding,
            guest_ranges=tuple(
                replace(part, partitions=by_layer[part.snapshot].touching(part.offset, part.length))
                if part.snapshot in by_layer
                else part
                for part in finding.guest_ranges
            ),
        )
        for finding in findings
    )
