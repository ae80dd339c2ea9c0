"""The payload of compressed clusters: each decompressed once, within bounds of time."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from labtools.qcow2.codecs import ZSTD, decompressor
from labtools.qcow2.facts import PayloadTest
from labtools.qcow2.rules import HeaderValues

from .geometry import Geometry
from .mapping import Entries, compressed_extent, entry_places, locate
from .reading import I64, Reader, native
from .tables import L2Tables
from .tally import Tally

_MAX_COMPRESSED: Final = 1 << 21
"""Compressed clusters that are tested: 128 GiB of guest with 64 KiB clusters."""


def try_payloads(
    reader: Reader, geometry: Geometry, values: HeaderValues, tables: L2Tables, tally: Tally
) -> PayloadTest:
    """Decompress every compressed cluster that lies in the file, in the file's order; what fails is a finding."""
    method = "zstd" if values["compression_type"] == ZSTD else "deflate"
    decompress = decompressor(values["compression_type"])
    starts, sizes, numbers, columns, complete = _extents(reader, geometry, tables)
    payloads, owner = np.unique(np.stack((starts, sizes), axis=1), axis=0, return_inverse=True)
    if decompress is None:
        reason = "The library that decompresses zstd is not installed here." if len(payloads) else ""
        return PayloadTest(method, 0, 0, len(payloads), complete and not len(payloads), reason)
    deadline = time.monotonic() + reader.bounds.payload_seconds
    broken = np.zeros(len(payloads), dtype=np.bool_)
    tested = 0
    buffer = np.empty(int(sizes.max(initial=0)), dtype=np.uint8)
    for place, (start, size) in enumerate(payloads.tolist()):
        if time.monotonic() > deadline:
            break
        reader.fill(start, buffer[:size])
        broken[place] = decompress(buffer[:size].tobytes(), geometry.cluster_size) is None
        tested += 1
    if broken.any():
        for start, size in payloads[broken].tolist():
            tally.find("compressed-payload", start, size)
        hit = broken[owner.reshape(-1)]
        tally.entries("compressed-payload", entry_places(geometry, tables, numbers[hit], columns[hit]))
        locate(geometry, tables, tally, "compressed-payload", numbers[hit], columns[hit])
    untested = len(payloads) - tested
    reason = "The time for this test was over." if untested else "" if complete else "There are too many."
    return PayloadTest(method, tested, int(broken.sum()), untested, complete and not untested, reason)


def _extents(reader: Reader, geometry: Geometry, tables: L2Tables) -> tuple[I64, I64, I64, I64, bool]:
    """First byte, bytes, table and column of the compressed clusters in the file; and whether these are all."""
    parts, kept, complete = [np.zeros((4, 0), dtype=np.int64)], 0, True
    if not geometry.has_data_file:
        for first, rows in reader.tables(tables.offsets, geometry.cluster_size):
            entries = Entries.of(geometry, native(rows.reshape(-1)).reshape(len(rows), -1))
            if not entries.compressed.any():
                continue
            row, column = np.nonzero(entries.compressed)
            start, size = compressed_extent(geometry, entries.entry[row, column])
            inside = start + size - geometry.file_length < geometry.cluster_size
            parts.append(np.stack((start, size, first + row, column))[:, inside])
            kept += int(inside.sum())
            if kept > _MAX_COMPRESSED:
                complete = False
                break
    starts, sizes, numbers, columns = np.concatenate(parts, axis=1)
    return starts, sizes, numbers, columns, complete
