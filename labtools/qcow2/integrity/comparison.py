"""Stored refcounts against counted references."""

from __future__ import annotations

import numpy as np

from .census import Census
from .geometry import COPIED, OFFSET_MASK, Geometry
from .reading import I64, Bools, Reader
from .refcounts import StoredRefcounts
from .tables import L2Tables
from .tally import Tally


def compare(reader: Reader, stored: StoredRefcounts, census: Census, tally: Tally) -> tuple[int, I64]:
    """Find leaks and refcounts that are too low.

    Returns the end of the image in bytes, behind its last used cluster, and the clusters whose refcount is too low.
    """
    step = 1 << 20
    highest, low = 0, []
    for first in range(0, census.size, step):
        reader.tick()
        stop = min(first + step, census.size)
        there, counted = stored.counts[first:stop], census.counts[first:stop]
        used: Bools = (there != 0) | (counted != 0)
        different = there != counted
        if stored.unreadable is not None:
            unreadable = stored.unreadable[first:stop]
            tally.check_errors += int(unreadable.sum())
            tally.find_clusters("refcount-unreadable", first + np.flatnonzero(unreadable))
            different &= ~unreadable
            used &= ~unreadable
        if used.any():
            highest = first + int(np.flatnonzero(used)[-1])
        if different.any():
            less = first + np.flatnonzero(different & (there < counted))
            leaked = first + np.flatnonzero(different & (there > counted))
            tally.corruptions += len(less)
            tally.leaks += len(leaked)
            tally.find_clusters("refcount-too-low", less)
            tally.find_clusters("leaked-clusters", leaked)
            low.append(less)
    clusters = np.concatenate(low) if low else np.zeros(0, dtype=np.int64)
    return (highest + 1) * census.geometry.cluster_size, clusters


def check_l1_copied(geometry: Geometry, tables: L2Tables, stored: StoredRefcounts, tally: Tally) -> None:
    """COPIED in the active L1 table must say whether the L2 table's stored refcount is 1."""
    layer = tables.layers[0]
    offsets = (layer.entries & np.uint64(OFFSET_MASK)).astype(np.int64)
    used = np.flatnonzero(offsets)
    counts, lost = stored.of(offsets[used] >> geometry.cluster_bits)
    wrong = (layer.entries[used] & np.uint64(COPIED) != 0) != (counts == 1)
    if lost is not None:
        wrong &= ~lost
    tally.corruptions += int(wrong.sum())
    for index in used[wrong].tolist():
        tally.find("l2-copied-flag", layer.offset + index * 8, 8)
