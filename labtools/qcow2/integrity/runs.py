"""Runs: a long row of small numbers, held as the places where they change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .reading import I64


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """``values[i]`` stands from ``starts[i]`` up to the next start, the last up to ``end``. No two neighbours are
    alike. Where ``end`` is 0 there are none.
    """

    starts: I64
    values: I64
    end: int

    @classmethod
    def of(cls, starts: I64, values: npt.NDArray[np.integer], end: int) -> Runs:
        """From ascending starts, of which neighbours may have the same value."""
        numbers: I64 = values.astype(np.int64)
        kept = np.ones(len(starts), dtype=np.bool_)
        np.not_equal(numbers[1:], numbers[:-1], out=kept[1:])
        return cls(starts[kept], numbers[kept], end)

    def at(self, place: int) -> int:
        """The number at a place from 0 up to ``end``."""
        return int(self.values[np.searchsorted(self.starts, place, side="right") - 1])

    def between(self, first: int, stop: int) -> tuple[I64, I64, I64]:
        """Starts, stops and values of the runs that reach into a part that is not empty, cut to it."""
        low = int(np.searchsorted(self.starts, first, side="right")) - 1
        high = int(np.searchsorted(self.starts, stop, side="left"))
        starts = self.starts[low:high].copy()
        starts[:1] = first
        return starts, np.append(starts[1:], stop), self.values[low:high]

    def counts(self, edges: I64, classes: I64, kinds: int) -> I64:
        """How many of each kind stand between every two ``edges``; ``classes[i]`` is the kind of run i."""
        low = int(np.searchsorted(self.starts, edges[0], side="right")) - 1
        high = int(np.searchsorted(self.starts, edges[-1], side="left"))
        points = np.union1d(edges[:-1], self.starts[low + 1 : high])
        lengths = np.diff(np.append(points, edges[-1]))
        kind = classes[np.searchsorted(self.starts, points, side="right") - 1]
        cell = np.searchsorted(edges, points, side="right") - 1
        cells = len(edges) - 1
        counted = np.bincount(cell * kinds + kind, weights=lengths, minlength=cells * kinds)
        return counted.astype(np.int64).reshape(cells, kinds)

    def highest(self, most: int) -> tuple[Runs, int]:
        """At most ``most`` runs, and the grain: how many places were made one, which has their highest number."""
        grain, runs = 1, self
        while len(runs.starts) > most:
            grain *= 2
            if self.end // grain > 16 * most:
                continue
            edges = np.arange(0, self.end, grain, dtype=np.int64)
            values = self.values[np.searchsorted(self.starts, edges, side="right") - 1]
            np.maximum.at(values, self.starts // grain, self.values)
            runs = Runs.of(edges, values, self.end)
        return runs, grain

    def marked(self, starts: I64, stops: I64, mark: int) -> Runs:
        """The same with the bits ``mark`` set within ranges that ascend and do not touch."""
        starts, stops = starts[starts < self.end], np.minimum(stops[starts < self.end], self.end)
        if not len(starts):
            return self
        points = np.union1d(np.union1d(self.starts, starts), stops[stops < self.end])
        values = self.values[np.searchsorted(self.starts, points, side="right") - 1]
        place = np.searchsorted(starts, points, side="right") - 1
        values[(place >= 0) & (points < stops[place])] |= mark
        return Runs.of(points, values, self.end)


def merge_ranges(starts: I64, stops: I64) -> tuple[I64, I64]:
    """Ranges in any order as ranges that ascend and do not touch."""
    if not len(starts):
        return starts, stops
    order = np.argsort(starts, kind="stable")
    starts, reach = starts[order], np.maximum.accumulate(stops[order])
    fresh = np.append(True, starts[1:] > reach[:-1])
    return starts[fresh], reach[np.append(fresh[1:], True)]


def runs_of_numbers(numbers: I64) -> tuple[I64, I64]:
    """Ascending numbers, each once, as ranges: starts and stops."""
    if not len(numbers):
        return numbers, numbers
    breaks = np.flatnonzero(np.diff(numbers) != 1)
    return numbers[np.append(0, breaks + 1)], numbers[np.append(breaks, len(numbers) - 1)] + 1
