"""Runs hold what plain rows of numbers do."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labtools.qcow2.integrity.runs import Runs, merge_ranges, runs_of_numbers

ROWS = st.lists(st.integers(0, 5), min_size=1, max_size=80)
RANGES = st.lists(st.tuples(st.integers(0, 90), st.integers(1, 9)), max_size=8)


def runs(row: list[int]) -> Runs:
    return Runs.of(np.arange(len(row)), np.array(row), len(row))


def plain(held: Runs) -> list[int]:
    lengths = np.diff(np.append(held.starts, held.end))
    return np.repeat(held.values, lengths).tolist()


@given(ROWS)
def test_a_row_is_held(row: list[int]) -> None:
    held = runs(row)

    assert plain(held) == row
    assert [held.at(place) for place in range(len(row))] == row
    assert (held.values[1:] != held.values[:-1]).all()


@given(ROWS, st.data())
def test_counts_between_edges(row: list[int], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(row) - 1))
    stop = data.draw(st.integers(first + 1, len(row)))
    step = data.draw(st.integers(1, 20))
    edges = np.append(np.arange(first, stop, step), stop)
    held = runs(row)

    counts = held.counts(edges, held.values, 6)
    starts, stops, values = held.between(first, stop)

    assert counts.tolist() == [
        [row[low:high].count(kind) for kind in range(6)]
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    assert np.repeat(values, stops - starts).tolist() == row[first:stop]


@given(ROWS, st.integers(1, 10))
def test_the_highest_stands_for_its_group(row: list[int], most: int) -> None:
    held, grain = runs(row).highest(most)

    assert len(held.starts) <= most
    assert plain(held) == [
        max(row[place - place % grain : place - place % grain + grain]) for place in range(len(row))
    ]


def test_a_row_longer_than_memory_is_made_short() -> None:
    held = Runs.of(np.array([0, 3, 5, 2**50]), np.array([1, 0, 1, 2]), 2**54)

    short, grain = held.highest(2)

    assert grain >= 2**49
    assert short.end == 2**54
    assert short.at(0) == 1
    assert short.at(2**53) == 2


@given(ROWS, RANGES)
def test_ranges_are_marked(row: list[int], ranges: list[tuple[int, int]]) -> None:
    starts = np.array([start for start, _ in ranges], dtype=np.int64)
    stops = np.array([start + length for start, length in ranges], dtype=np.int64)
    inside = {place for start, length in ranges for place in range(start, start + length)}

    merged = merge_ranges(starts, stops)
    held = runs(row).marked(*merged, 8)

    assert (merged[0][1:] > merged[1][:-1]).all()
    assert plain(held) == [value | (8 if place in inside else 0) for place, value in enumerate(row)]


@given(st.sets(st.integers(0, 60)))
def test_numbers_become_ranges(numbers: set[int]) -> None:
    starts, stops = runs_of_numbers(np.array(sorted(numbers), dtype=np.int64))

    pairs = zip(starts.tolist(), stops.tolist(), strict=True)
    assert {place for start, stop in pairs for place in range(start, stop)} == numbers
    assert (starts[1:] > stops[:-1]).all()
