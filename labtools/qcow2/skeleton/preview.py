"""What ``qemu-img check -r all`` would write, found out on copies of the metadata.

The repair runs twice in the sandbox, on sparse files of the image's length that hold its metadata alone. Where the
first run wrote, and in clusters that it freed, which QEMU discards, bytes that were not copied are zero in the first
file and 0xFF in the second: those that agree afterwards were written, the others were merely lying there.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from labtools import sandbox
from labtools.qcow2.checking import CheckBounds
from labtools.qcow2.errors import NoPreview
from labtools.qcow2.extensions import read_extensions
from labtools.qcow2.header import read_values
from labtools.qcow2.integrity.geometry import Geometry
from labtools.qcow2.integrity.reading import U8, Bools, Reader
from labtools.qcow2.integrity.refcounts import StoredRefcounts
from labtools.qcow2.layout import Incompatible
from labtools.qcow2.rules import HeaderValues
from labtools.qcow2.source import MAX_READ, ImageSource, open_image
from labtools.qcow2.text import binary_size

from .container import write_at
from .packing import HIDDEN_LUKS_EXTENSION
from .patch import MAX_CHANGED_BYTES, MAX_CHANGES, MAX_LENGTH, Patch, metadata_sha256
from .plan import Plan, Range, merged, plan_skeleton, without

MAX_FILLED: Final = 256 << 20
"""The most bytes beside the metadata that the repair may write to, or seem to."""
ROOM_TO_GROW: Final = 8 << 30
"""By how much a repair may make the file longer."""
_TOO_LARGE: Final = b"File too large"
"""strerror(EFBIG), as of a file that would pass its limit."""
_NAMES: Final = ("zeros", "ones")
_FILE: Final = "metadata"


@dataclass(frozen=True, slots=True)
class Preview:
    """What the repair would do: ``qemu_exit`` of ``qemu-img check -r all``, its totals, and the changes.

    ``numbers`` are QEMU's own, with ``corruptions-fixed`` and ``leaks-fixed``.
    """

    qemu_exit: int
    numbers: dict[str, int]
    patch: Patch

    def to_json_dict(self) -> dict[str, Any]:
        """The preview without the bytes."""
        return {
            "format": 1,
            "qemu_exit": self.qemu_exit,
            "numbers": self.numbers,
            "places": len(self.patch.ranges),
            "changed_bytes": self.patch.changed_bytes,
            "length_before": self.patch.length_before,
            "length_after": self.patch.length_after,
        }


@dataclass(frozen=True, slots=True)
class _Run:
    exit_code: int
    numbers: dict[str, int]
    length: int


def preview_repair(
    image: Path, folder: Path, *, limits: sandbox.Limits | None = None, bounds: CheckBounds | None = None
) -> Preview:
    """Let ``qemu-img check -r all`` repair copies of the metadata of ``image`` in ``folder``, which is empty.

    ``image`` itself, a whole one or an unpacked skeleton, is only read. Raises :class:`NoPreview` where the outcome
    would not be that of a repair of the image itself, the errors of :func:`.plan_skeleton`, and ``OSError``.
    """
    limits = limits or sandbox.Limits(wall_seconds=120, cpu_seconds=120)
    with open_image(image) as source:
        plan, values = plan_skeleton(source, bounds), read_values(source)
        _refuse(source, plan, values)
        known = plan.ranges(suspects=True)
        guard = metadata_sha256(source, plan)
        first = folder / _NAMES[0]
        _copy(source, known, first, ())
        run = _repair(first, values, limits)
        written = tuple(_data(first / _FILE))
        # Where QEMU marks the image corrupt on the way, leaks are discarded and yet keep their refcounts.
        touched = merged([*written, *plan.leaked, *_freed(source, first / _FILE, bounds)])
        open_ranges = tuple(_within(without(touched, known), 0, plan.length))
        filled = sum(place.length for place in open_ranges)
        if filled > MAX_FILLED:
            raise NoPreview(
                f"The repair would write to, or discard, {binary_size(filled)} outside the metadata, or this file "
                "system does not say where it did: that is more than can be followed here."
            )
        second = folder / _NAMES[1]
        _copy(source, known, second, open_ranges)
        again = _repair(second, values, limits)
        if again != run:
            raise NoPreview("The repair depends on bytes that are not metadata, so it cannot be foretold.")
        # Behind the end of the image nothing is unknown: what the repair did not write there is zero.
        grown = _within(iter(written), plan.length, run.length)
        places = tuple(merged([*known, *open_ranges, *grown]))
        ranges, data = _changes(source, known, places, first / _FILE, second / _FILE)
    patch = Patch("patch", plan.length, run.length, ranges, data, guard)
    return Preview(run.exit_code, run.numbers, patch)


def _refuse(source: ImageSource, plan: Plan, values: HeaderValues) -> None:
    if plan.has_bitmaps:
        raise NoPreview(
            "There is no preview for images with persistent bitmaps: QEMU changes them when it opens the image."
        )
    # In packed metadata the LUKS header counts as leaked: a repair would give its clusters away.
    hidden = any(each.type == HIDDEN_LUKS_EXTENSION for each in read_extensions(source, values).extensions)
    if plan.luks or hidden or values["crypt_method"] == 2:
        raise NoPreview(
            "There is no preview for images encrypted with LUKS: QEMU needs the passphrase to open them."
        )
    if not plan.complete:
        raise NoPreview("qemu-img check cannot follow the tables of this image, so it cannot repair it.")


def _copy(source: ImageSource, known: tuple[Range, ...], folder: Path, filled: tuple[Range, ...]) -> None:
    """A sparse file of the metadata; its zeros are written too, so that they are not taken for written later."""
    folder.mkdir(mode=0o700)
    with (folder / _FILE).open("xb", buffering=0) as out:
        os.ftruncate(out.fileno(), source.length)
        for place in filled:
            for at in range(place.offset, place.end, MAX_READ):
                write_at(out.fileno(), at, b"\xff" * min(MAX_READ, place.end - at))
        for place in known:
            for offset, data in source.chunks(place.offset, place.length):
                write_at(out.fileno(), offset, data)


def _repair(folder: Path, values: HeaderValues, limits: sandbox.Limits) -> _Run:
    grown = min(values.file_length + ROOM_TO_GROW, MAX_LENGTH)
    (folder / _FILE).chmod(0o666)
    folder.chmod(0o777)
    try:
        done = sandbox.run_in_folder(
            _command(values), folder=folder, limits=replace(limits, file_bytes=grown)
        )
    except sandbox.SandboxUnavailable as error:
        raise NoPreview(f"No sandbox can be made here, so no repair was tried. {error}") from None
    except sandbox.ProgramMissing as error:
        raise NoPreview(f"No repair was tried: {error}.") from None
    finally:
        folder.chmod(0o700)
    length = (folder / _FILE).stat().st_size
    if done.exit_code not in (0, 2, 3):
        raise NoPreview(_why(done))
    if _TOO_LARGE in done.stdout:
        # QEMU goes on without, so the result would not be that of a repair elsewhere.
        raise NoPreview(
            f"The repair would make the file longer by more than {binary_size(ROOM_TO_GROW)}. "
            "That is a sign of a broken entry in the refcount table; do not repair the only copy."
        )
    return _Run(done.exit_code, _numbers(done.stdout), length)


def _why(done: sandbox.Finished) -> str:
    if done.exit_code == 1:
        lines = sandbox.visible_bytes(done.stdout[-4096:]).strip().splitlines()
        last = f" Its last words: {lines[-1][:300]}" if lines else ""
        return f"qemu-img check -r all gives up on this image.{last}"
    return f"qemu-img check -r all did not come to its end ({done.ended_because.value})."


def _command(values: HeaderValues) -> list[str]:
    node: dict[str, Any] = {
        "driver": "qcow2",
        "file": {"driver": "file", "filename": _FILE, "locking": "off"},
        "backing": None,
    }
    secret = []
    if Incompatible.DATA_FILE in values.incompatible:
        size = min(values["size"] // 512 * 512, MAX_LENGTH)
        node["data-file"] = {"driver": "null-co", "size": size, "read-zeroes": True}
    if values["crypt_method"] == 1:
        secret = ["--object", "secret,id=dummy,data=dummy"]
        node["encrypt"] = {"format": "aes", "key-secret": "dummy"}
    filename = "json:" + json.dumps(node, separators=(",", ":"))
    return ["qemu-img", "check", "-r", "all", *secret, "--output=json", filename]


def _numbers(output: bytes) -> dict[str, int]:
    """The last JSON object of the output, whose lines nothing else mixes with: it is written whole, at the end."""
    text = output.decode("utf-8", "replace")
    start = text.rfind("\n{")
    with contextlib.suppress(ValueError, RecursionError):
        found = json.JSONDecoder().raw_decode(text[start + 1 :])[0]
        if isinstance(found, dict):
            return {str(key): value for key, value in found.items() if type(value) is int}
    return {}


def _data(path: Path) -> Iterator[Range]:
    """Where a sparse file holds data, by the word of the file system; what was just written is flushed first."""
    with path.open("r+b", buffering=0) as file:
        os.fsync(file.fileno())
        end, at = file.seek(0, os.SEEK_END), 0
        while at < end:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            yield Range(start, at - start)


def _freed(source: ImageSource, repaired: Path, bounds: CheckBounds | None) -> Iterator[Range]:
    """The clusters that had a refcount before the repair and have none after it."""
    bounds = bounds or CheckBounds()
    with open_image(repaired) as after:
        counts = []
        for image in (source, after):
            values = read_values(image)
            geometry = Geometry.of(values)
            counts.append(StoredRefcounts(Reader(image, bounds), geometry, values).counts)
    size = geometry.cluster_size
    both = min(len(part) for part in counts)
    freed = (counts[0][:both] != 0) & (counts[1][:both] == 0)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], freed, [False])).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2).tolist():
        yield Range(start * size, (stop - start) * size)


def _within(ranges: Iterator[Range], first: int, stop: int) -> Iterator[Range]:
    for place in ranges:
        start, end = max(place.offset, first), min(place.end, stop)
        if start < end:
            yield Range(start, end - start)


def _changes(
    source: ImageSource, known: tuple[Range, ...], places: tuple[Range, ...], zeros: Path, ones: Path
) -> tuple[tuple[Range, ...], bytes]:
    """The bytes that were written and that are not what the image has there, as far as that is known."""
    ranges: list[Range] = []
    data = bytearray()
    with open_image(zeros) as one, open_image(ones) as other:
        for place in places:
            for at in range(place.offset, place.end, MAX_READ):
                step = min(MAX_READ, place.end - at)
                a = np.frombuffer(one.pread(at, step), dtype=np.uint8)
                b = np.frombuffer(other.pread(at, step), dtype=np.uint8)
                before, sure = _before(source, known, at, step)
                agree = a == b
                if (sure & ~agree).any():
                    raise NoPreview("Two runs of the repair left different metadata behind.")
                _collect(at, a, agree & ~(sure & (a == before)), ranges, data)
                if len(ranges) > MAX_CHANGES or len(data) > MAX_CHANGED_BYTES:
                    raise NoPreview("The repair would change more places than a patch may hold.")
    return tuple(ranges), bytes(data)


def _before(source: ImageSource, known: tuple[Range, ...], at: int, step: int) -> tuple[U8, Bools]:
    """The image's own bytes, and which of them are known."""
    before = np.zeros(step, dtype=np.uint8)
    sure = np.zeros(step, dtype=np.bool_)
    sure[max(0, source.length - at) :] = True
    for place in _overlapping(known, at, at + step):
        start, stop = max(place.offset, at), min(place.end, at + step)
        before[start - at : stop - at] = np.frombuffer(source.pread(start, stop - start), dtype=np.uint8)
        sure[start - at : stop - at] = True
    return before, sure


def _overlapping(known: tuple[Range, ...], start: int, stop: int) -> Iterator[Range]:
    low, high = 0, len(known)
    while low < high:
        middle = (low + high) // 2
        if known[middle].end <= start:
            low = middle + 1
        else:
            high = middle
    while low < len(known) and known[low].offset < stop:
        yield known[low]
        low += 1


def _collect(at: int, data: U8, changed: Bools, ranges: list[Range], collected: bytearray) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], changed, [False])).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2).tolist():
        collected += data[start:stop].tobytes()
        if ranges and ranges[-1].end == at + start:
            ranges[-1] = Range(ranges[-1].offset, ranges[-1].length + stop - start)
        else:
            ranges.append(Range(at + start, stop - start))
