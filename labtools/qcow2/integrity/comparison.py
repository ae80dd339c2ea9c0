"""Stored refcounts against counted references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from labtools.qcow2.checking import Role

from .census import Census
from .geometry import COPIED, OFFSET_MASK, Geometry
from .reading import I64, Bools, Reader
from .refcounts import StoredRefcounts
from .tables import L2Tables
from .tally import Tally

_PART: Final = 1 << 17
"""Clusters compared together, few enough to stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Compared:
    """``end`` is the byte behind the last used cluster; ``low`` are clusters with a refcount that is too low,
    ``shared`` data clusters with more than one reference.
    """

    end: int
    low: I64
    shared: I64


def compare(reader: Reader, stored: StoredRefcounts, census: Census, tally: Tally) -> Compared:
    """Find leaks and refcounts that are too low."""
    low: list[I64] = [np.zeros(0, dtype=np.int64)]
    shared: list[I64] = [np.zeros(0, dtype=np.int64)]
    for first in range(0, census.size, _PART):
        reader.tick()
        stop = min(first + _PART, census.size)
        there, counted = stored.counts[first:stop], census.counts[first:stop]
        if int(counted.max()) > 1:
            shared.append(first + np.flatnonzero((counted > 1) & (census.roles[first:stop] == Role.DATA)))
        different: Bools = there != counted
        if stored.unreadable is not None:
            unreadable = stored.unreadable[first:stop]
            tally.check_errors += int(unreadable.sum())
            tally.find_clusters("refcount-unreadable", first + np.flatnonzero(unreadable))
            different &= ~unreadable
        if different.any():
            less = first + np.flatnonzero(different & (there < counted))
            leaked = first + np.flatnonzero(different & (there > counted))
            tally.corruptions += len(less)
            tally.leaks += len(leaked)
            tally.find_clusters("refcount-too-low", less)
            tally.find_clusters("leaked-clusters", leaked)
            low.append(less)
    end = (_highest(stored, census) + 1) * census.geometry.cluster_size
    return Compared(end, np.concatenate(low), np.concatenate(shared))


def _highest(stored: StoredRefcounts, census: Census) -> int:
    """The last cluster that is in use by its refcount or by a reference; 0 if none is."""
    for first in range((census.size - 1) // _PART * _PART, -1, -_PART):
        stop = min(first + _PART, census.size)
        used = (stored.counts[first:stop] != 0) | (census.counts[first:stop] != 0)
        if stored.unreadable is not None:
            used &= ~stored.unreadable[first:stop]
        if used.any():
            return first + int(np.flatnonzero(used)[-1])
    return 0


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
