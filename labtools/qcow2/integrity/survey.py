"""The making of an atlas, after the check: once more through the L2 tables."""

from __future__ import annotations

from typing import Final

import numpy as np

from labtools.qcow2.atlas import GuestState

from .atlas import DAMAGED, REFCOUNT_SHIFT, Atlas
from .census import Census
from .checked import Checked
from .disks import map_disks
from .geometry import COMPRESSED, L2_RESERVED, OFFSET_MASK, ZERO, Geometry
from .mapping import Entries
from .owning import Gathered, Places, layer_sets, own_metadata
from .reading import I64, U8, U64, Bools, Reader, native
from .runs import Runs, merge_ranges, runs_of_numbers

_MAX_STATES: Final = 1 << 24
"""Guest clusters, or groups of them, whose states are held at once: 1 TiB with clusters of 64 KiB."""
_MAX_FILE_RUNS: Final = 1 << 18
_PART: Final = 1 << 17
"""Host clusters looked at together."""


def make_atlas(reader: Reader, checked: Checked) -> Atlas:
    """Map an image that was checked. Raises :class:`~labtools.qcow2.CheckBoundError` when the time is over."""
    geometry, census = checked.geometry, checked.census
    places, guests = checked.tally.damage()
    damage = _damaged_clusters(geometry, census, places)
    file, grain = _file_runs(reader, checked, damage)
    sets, set_of_table, set_of_layer = layer_sets(checked.tables)
    found = Gathered(damage)
    own_metadata(checked, found, set_of_table, set_of_layer)
    states, width = _survey_tables(reader, checked, found, set_of_table)
    owners, lost = found.owners()
    layers, disks = map_disks(reader, checked, states, width, guests)
    return Atlas(
        cluster_size=geometry.cluster_size,
        file_length=geometry.file_length,
        l2_entries=geometry.l2_entries,
        block_entries=geometry.block_entries,
        backed=checked.values["backing_file_offset"] != 0,
        external=geometry.has_data_file,
        file=file,
        file_grain=grain,
        layers=layers,
        disks=disks,
        layers_more=len(checked.tables.layers) - len(layers),
        sets=sets,
        owners=owners,
        owners_lost=lost,
    )


# ------------------------------------------------------------------------------------------------ the file


def _damaged_clusters(geometry: Geometry, census: Census, places: list[tuple[int, int]]) -> tuple[I64, I64]:
    """Ranges of host clusters, ascending, that errors name."""
    size = geometry.cluster_size
    parts = [(start // size, -(-(start + max(length, 1)) // size)) for start, length in places]
    starts = [np.array([part[0] for part in parts], dtype=np.int64)]
    stops = [np.array([part[1] for part in parts], dtype=np.int64)]
    for clusters in census.conflicts:
        first, stop = runs_of_numbers(clusters)
        starts.append(first)
        stops.append(stop)
    return merge_ranges(np.concatenate(starts), np.concatenate(stops))


def _file_runs(reader: Reader, checked: Checked, damage: tuple[I64, I64]) -> tuple[Runs, int]:
    """Role, damage and stored refcount of every host cluster; and how many clusters were made one."""
    census, stored = checked.census, checked.stored
    changes = _changes(census.roles[: census.size]) + _changes(stored.counts[: census.size])
    grain = 1
    if changes > _MAX_FILE_RUNS:
        while census.size // grain > _MAX_FILE_RUNS // 2:
            grain *= 2
    low = checked.tally.has("refcount-too-low")
    starts, values = [], []
    for first in range(0, census.size, max(_PART, grain)):
        reader.tick()
        stop = min(first + max(_PART, grain), census.size)
        roles, there = census.roles[first:stop], stored.counts[first:stop]
        bad = np.zeros(stop - first, dtype=np.bool_)
        if low:
            np.less(there, census.counts[first:stop], out=bad)
        _mark(bad, damage, first)
        if grain > 1:
            roles, there, bad = _coarse(roles, there, bad, grain)
        fresh = np.ones(len(roles), dtype=np.bool_)
        fresh[1:] = (roles[1:] != roles[:-1]) | (there[1:] != there[:-1]) | (bad[1:] != bad[:-1])
        place = np.flatnonzero(fresh)
        value = roles[place].astype(np.int64) | np.where(bad[place], DAMAGED, 0)
        starts.append(first + place * grain)
        values.append(value | there[place].astype(np.int64) << REFCOUNT_SHIFT)
    return Runs.of(np.concatenate(starts), np.concatenate(values), census.size), grain


def _changes(row: np.typing.NDArray[np.unsignedinteger]) -> int:
    return sum(
        int(
            np.count_nonzero(
                row[first + 1 : first + 1 + _PART] != row[first : first + _PART][: len(row) - first - 1]
            )
        )
        for first in range(0, len(row), _PART)
    )


def _mark(bad: Bools, ranges: tuple[I64, I64], first: int) -> None:
    """Mark what ascending ranges cover of a part that begins at ``first``."""
    low = int(np.searchsorted(ranges[1], first, side="right"))
    high = int(np.searchsorted(ranges[0], first + len(bad), side="left"))
    if low < high:
        # The ranges do not touch, so that no place is the beginning of one and the end of another.
        steps = np.zeros(len(bad) + 1, dtype=np.int8)
        steps[np.maximum(ranges[0][low:high] - first, 0)] = 1
        steps[np.minimum(ranges[1][low:high] - first, len(bad))] = -1
        bad |= np.cumsum(steps[:-1], dtype=np.int8) > 0


def _coarse(
    roles: U8, there: np.typing.NDArray[np.unsignedinteger], bad: Bools, grain: int
) -> tuple[U8, I64, Bools]:
    """For each ``grain`` clusters the role that most have, the highest refcount, and whether one is damaged."""
    short = -len(roles) % grain
    # The last group is filled up with its last cluster.
    groups = np.pad(roles, (0, short), mode="edge").reshape(-1, grain)
    best = np.zeros(len(groups), dtype=np.int64)
    role = np.zeros(len(groups), dtype=np.uint8)
    for kind in np.unique(roles).tolist():
        many = np.count_nonzero(groups == kind, axis=1)
        role[many > best] = kind
        np.maximum(best, many, out=best)
    highest: I64 = np.pad(there, (0, short), mode="edge").reshape(-1, grain).max(axis=1).astype(np.int64)
    worst: Bools = np.logical_or.reduce(np.pad(bad, (0, short), mode="edge").reshape(-1, grain), axis=1)
    return role, highest, worst


# ------------------------------------------------------------------------------------------------ the tables


def _survey_tables(reader: Reader, checked: Checked, found: Gathered, set_of_table: I64) -> tuple[U8, int]:
    """The state of every entry of every table, ``width`` entries made one where they are too many; fills ``found``."""
    geometry, tables = checked.geometry, checked.tables
    width = 1
    while len(tables.offsets) * (geometry.l2_entries // width) > _MAX_STATES and width < geometry.l2_entries:
        width *= 2
    states = np.zeros((len(tables.offsets), geometry.l2_entries // width), dtype=np.uint8)
    places = Places(checked, found, set_of_table)
    for first, rows in reader.tables(tables.offsets, geometry.cluster_size):
        raw = native(rows.reshape(-1)).reshape(len(rows), -1)
        # An L1 entry with nothing but reserved bits leads nowhere; by offset it is the first.
        raw[: int(first == 0 and tables.offsets[0] == 0)] = 0
        whole, rest = _sort(geometry, raw)
        states[first + whole] = GuestState.DATA
        places.whole(first + whole, raw[whole, 0])
        if len(rest):
            entries = Entries.of(geometry, raw[rest] if len(rest) < len(raw) else raw)
            row = _states(geometry, entries)
            states[first + rest] = row if width == 1 else row.reshape(len(rest), -1, width).max(axis=2)
            places.each(first + rest, entries)
    return states, width


def _sort(geometry: Geometry, raw: U64) -> tuple[I64, I64]:
    """Rows that are one run of neighbouring clusters, and all others that are not empty."""
    if geometry.extended or geometry.has_data_file:
        return np.zeros(0, dtype=np.int64), np.flatnonzero(raw.any(axis=1))
    first, size = raw[:, 0], np.uint64(geometry.cluster_size)
    plain = first & np.uint64(COMPRESSED | L2_RESERVED | ZERO) == 0
    plain &= (first & np.uint64(OFFSET_MASK) != 0) & (first & (size - np.uint64(1)) == 0)
    plain &= raw[:, -1] - first == size * np.uint64(raw.shape[1] - 1)
    if plain.any():
        rows = raw if plain.all() else raw[plain]
        plain[plain] = (rows[:, 1:] - rows[:, :-1] == size).all(axis=1)
    return np.flatnonzero(plain), np.flatnonzero(~plain & raw.any(axis=1))


def _states(geometry: Geometry, entries: Entries) -> U8:
    states = np.zeros(entries.entry.shape, dtype=np.uint8)
    if entries.bitmap is None:
        states[entries.allocated] = GuestState.DATA
        states[(entries.entry & np.uint64(ZERO) != 0) & (geometry.version >= 3)] = GuestState.ZERO
    else:
        states[entries.bitmap >> np.uint64(32) != 0] = GuestState.ZERO
        states[entries.allocated & (entries.bitmap & np.uint64(0xFFFFFFFF) != 0)] = GuestState.DATA
    states[entries.compressed] = GuestState.COMPRESSED
    return states
