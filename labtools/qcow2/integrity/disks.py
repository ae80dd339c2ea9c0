"""The guest's disk of each layer as runs, for the atlas."""

from __future__ import annotations

from typing import Final

import numpy as np

from labtools.qcow2.atlas import LayerFacts

from .atlas import DAMAGED
from .checked import Checked
from .geometry import OFFSET_MASK
from .reading import I64, U8, Reader
from .runs import Runs, runs_of_numbers
from .tables import L2Tables, Layer

_MAX_DISK_RUNS: Final = (1 << 18, 1 << 14)
"""Of the active image, and of each snapshot."""
_MAX_LAYERS: Final = 32
_MAX_GATHERED: Final = 1 << 21
"""Runs of one layer that are held while they are gathered."""


def map_disks(
    reader: Reader, checked: Checked, states: U8, width: int, guests: dict[int | None, I64]
) -> tuple[tuple[LayerFacts, ...], tuple[Runs, ...]]:
    """The guest's disk in the active image and in the newest snapshots."""
    tables = checked.tables
    chosen = [tables.layers[0], *tables.layers[max(1, len(tables.layers) - _MAX_LAYERS + 1) :]]
    while True:
        flat = states.reshape(-1)
        each = states.shape[1]
        fresh = np.ones(len(flat), dtype=np.bool_)
        np.not_equal(flat[1:], flat[:-1], out=fresh[1:])
        fresh[::each] = True
        starts = np.flatnonzero(fresh)
        values = flat[starts]
        bounds = np.searchsorted(starts, np.arange(len(states) + 1) * each)
        most = max(int(np.diff(bounds)[_tables_of(tables, layer)[1]].sum()) for layer in chosen)
        if most <= _MAX_GATHERED or each == 1:
            break
        reader.tick()
        states = states.reshape(len(states), -1, 2).max(axis=2)
        width *= 2
    facts, disks = [], []
    for number, layer in enumerate(chosen):
        reader.tick()
        runs = _disk(layer, checked, starts % each * width, values, bounds)
        runs, coarser = runs.highest(_MAX_DISK_RUNS[min(number, 1)])
        hurt = runs_of_numbers(guests.get(layer.snapshot, np.zeros(0, dtype=np.int64)))
        runs, coarsest = runs.marked(*hurt, DAMAGED).highest(4 * _MAX_DISK_RUNS[min(number, 1)])
        facts.append(LayerFacts(layer.snapshot, runs.end, max(width, coarser, coarsest)))
        disks.append(runs)
    return tuple(facts), tuple(disks)


def _tables_of(tables: L2Tables, layer: Layer) -> tuple[I64, I64]:
    """Places in the L1 table that lead somewhere, and the table of each."""
    used = np.flatnonzero(layer.entries & np.uint64(OFFSET_MASK))
    host = (layer.entries[used] & np.uint64(OFFSET_MASK)).astype(np.int64)
    return used, np.searchsorted(tables.offsets, host)


def _disk(layer: Layer, checked: Checked, column: I64, values: U8, bounds: I64) -> Runs:
    """The runs of the tables, one behind another as the L1 table has them."""
    geometry = checked.geometry
    size = checked.disk_sizes.get(layer.snapshot, 0) if layer.snapshot is not None else 0
    end = -(-size >> geometry.cluster_bits) or geometry.guest_clusters
    used, table = _tables_of(checked.tables, layer)
    lengths = bounds[table + 1] - bounds[table]
    behind = np.cumsum(lengths)
    place = np.arange(int(behind[-1]) if len(behind) else 0) + np.repeat(
        bounds[table] - (behind - lengths), lengths
    )
    starts = np.repeat(used * geometry.l2_entries, lengths) + column[place]
    state = values[place]
    # A window to which nothing leads is unallocated.
    gaps = np.setdiff1d(np.append(0, used + 1), used) * geometry.l2_entries
    order = np.argsort(np.concatenate((starts, gaps)), kind="stable")
    starts = np.concatenate((starts, gaps))[order]
    state = np.concatenate((state, np.zeros(len(gaps), dtype=np.uint8)))[order]
    inside = starts < end
    return Runs.of(starts[inside], state[inside], end)
