"""Tables read into arrays, within the file and within the time that is given."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from labtools.qcow2.checking import CheckBoundError, CheckBounds
from labtools.qcow2.source import MAX_READ, ImageSource

from .geometry import MAX_OFFSET

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Counts = npt.NDArray[Any]
"""Refcounts: unsigned, of a width that fits."""

_BATCH: Final = 512 << 10
"""Bytes of tables judged together: enough to drown Python's overhead, few enough to stay in the processor's cache."""


class Reader:
    """Reads big-endian tables of one image. Behind the end of the file there are zeros, as for QEMU."""

    def __init__(self, source: ImageSource, bounds: CheckBounds) -> None:
        self.source = source
        self.bounds = bounds
        self._deadline = time.monotonic() + bounds.seconds

    def tick(self) -> None:
        """Raise :class:`CheckBoundError` when the time is over."""
        if time.monotonic() > self._deadline:
            raise CheckBoundError(
                f"The check was stopped after {self.bounds.seconds:g} seconds: the image leads to too many tables."
            )

    def fill(self, offset: int, target: U8) -> None:
        """Fill a contiguous array of bytes from ``offset``."""
        done = 0
        while done < target.size and offset + done < self.source.length:
            count = self.source.read_into(offset + done, target[done : done + MAX_READ].data)
            if count == 0:
                break
            done += count
        target[done:] = 0

    def numbers(self, offset: int, count: int) -> U64:
        """``count`` 64-bit numbers at ``offset``, in the machine's byte order."""
        raw = np.empty(count * 8, dtype=np.uint8)
        if offset <= MAX_OFFSET:
            self.fill(offset, raw)
        else:
            raw[:] = 0
        return native(raw)

    def tables(self, offsets: I64, size: int) -> Iterator[tuple[int, U8]]:
        """Tables of ``size`` bytes at ``offsets`` in batches: index of the first, and a row of bytes for each.

        The rows are overwritten by the next batch.
        """
        rows = max(1, _BATCH // size)
        buffer = np.empty((min(rows, max(len(offsets), 1)), size), dtype=np.uint8)
        flat = buffer.reshape(-1)
        for first in range(0, len(offsets), rows):
            self.tick()
            batch = offsets[first : first + rows].tolist()
            start = 0
            while start < len(batch):
                stop = start + 1
                # Tables that lie side by side are read together.
                while stop < len(batch) and batch[stop] == batch[stop - 1] + size:
                    stop += 1
                self.fill(batch[start], flat[start * size : stop * size])
                start = stop
            yield first, buffer[: len(batch)]


def native(raw: U8) -> U64:
    """Big-endian 64-bit numbers, swapped in place."""
    numbers = raw.view(np.uint64)
    if sys.byteorder == "little":
        numbers.byteswap(inplace=True)
    return numbers
