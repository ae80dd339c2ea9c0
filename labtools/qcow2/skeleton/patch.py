"""Changes to a file, apart from it: made, written down, applied, and taken back.

A patch is gzip'd: one line of JSON, then the new bytes of all ranges, one after the other. Patch and undo look alike;
each names, by a hash, the file to which alone it may be applied.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from labtools.qcow2.checking import CheckBounds
from labtools.qcow2.errors import SkeletonError
from labtools.qcow2.source import ImageSource, open_image

from .container import write_at
from .plan import Plan, Range, plan_skeleton

FORMAT: Final = 1
MAX_CHANGES: Final = 1 << 20
MAX_CHANGED_BYTES: Final = 256 << 20
MAX_LENGTH: Final = 1 << 62
_MAX_HEAD: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Patch:
    """New bytes for ``ranges`` of a file of ``length_before`` bytes, which then has ``length_after``.

    ``guard`` is a SHA-256, for a ``patch`` that of the image's metadata (:func:`metadata_sha256`), for an ``undo`` that
    of the bytes that now stand in its ``present`` ranges.
    """

    kind: str
    length_before: int
    length_after: int
    ranges: tuple[Range, ...]
    data: bytes
    guard: str
    present: tuple[Range, ...] = ()

    @property
    def changed_bytes(self) -> int:
        """How many bytes it writes."""
        return len(self.data)

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Offsets with their new bytes."""
        at = 0
        for place in self.ranges:
            yield place.offset, self.data[at : at + place.length]
            at += place.length


class WrongImage(SkeletonError):
    """The patch was made for another image, or for another state of this one."""

    code = "wrong-image"


def metadata_sha256(source: ImageSource, plan: Plan) -> str:
    """What tells one state of an image's metadata from every other: places, lengths and bytes."""
    digest = hashlib.sha256(str(plan.length).encode())
    for place in plan.ranges(suspects=True):
        digest.update(f" {place.offset} {place.length} ".encode())
        for _, data in source.chunks(place.offset, place.length):
            digest.update(data)
    return digest.hexdigest()


def write_patch(patch: Patch, target: BinaryIO) -> None:
    """Write a patch or an undo."""
    head = {
        "format": FORMAT,
        "kind": patch.kind,
        "length_before": patch.length_before,
        "length_after": patch.length_after,
        "guard": patch.guard,
        "ranges": [[place.offset, place.length] for place in patch.ranges],
        "present": [[place.offset, place.length] for place in patch.present],
    }
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as out:
        out.write(json.dumps(head, separators=(",", ":")).encode() + b"\n")
        out.write(patch.data)


def read_patch(path: Path) -> Patch:
    """Read a patch or an undo. Raises :class:`SkeletonError` for anything else."""
    try:
        with gzip.open(path) as file:
            head = json.loads(file.readline(_MAX_HEAD))
            patch = _of_json(head)
            size = sum(place.length for place in patch.ranges)
            data = file.read(size + 1)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError):
        raise SkeletonError("This is not a patch of ours, or it is damaged.") from None
    if len(data) != size:
        raise SkeletonError("The patch ends too early or too late. Fetch it again.")
    return Patch(
        patch.kind,
        patch.length_before,
        patch.length_after,
        patch.ranges,
        data,
        patch.guard,
        patch.present,
    )


def _of_json(head: dict[str, Any]) -> Patch:
    before, after = int(head["length_before"]), int(head["length_after"])
    ranges, present = _ranges(head["ranges"], after), _ranges(head["present"], before)
    if head["format"] != FORMAT or head["kind"] not in ("patch", "undo"):
        raise ValueError("unknown kind")
    if not 0 <= before <= MAX_LENGTH or not 0 <= after <= MAX_LENGTH:
        raise ValueError("length out of bounds")
    return Patch(head["kind"], before, after, ranges, b"", str(head["guard"]), present)


def _ranges(values: list[list[int]], length: int) -> tuple[Range, ...]:
    ranges = tuple(Range(int(offset), int(size)) for offset, size in values)
    end, total = 0, 0
    for place in ranges:
        if place.offset < end or place.length <= 0 or place.end > length:
            raise ValueError("ranges out of order")
        end, total = place.end, total + place.length
    if len(ranges) > MAX_CHANGES or total > MAX_CHANGED_BYTES:
        raise ValueError("too many changes")
    return ranges


def make_undo(source: ImageSource, patch: Patch) -> Patch:
    """What takes a patch back, made from the image as it is before."""
    old = [
        Range(place.offset, min(place.end, source.length) - place.offset)
        for place in patch.ranges
        if place.offset < source.length
    ]
    return Patch(
        kind="undo",
        length_before=patch.length_after,
        length_after=source.length,
        ranges=tuple(old),
        data=b"".join(_read(source, place) for place in old),
        guard=hashlib.sha256(patch.data).hexdigest(),
        present=patch.ranges,
    )


def apply_patch(patch: Patch, image: Path, undo: Path | None, bounds: CheckBounds | None = None) -> None:
    """Write the changes into an image, after what takes them back has been written to ``undo``, a new file.

    Raises :class:`WrongImage` where the image is not the one, in the state, for which the patch was made, and
    ``OSError`` where a file cannot be written.
    """
    with open_image(image) as source:
        if not _fits(source, patch, bounds):
            raise WrongImage(
                "The patch was made for another image, or this one has changed since. Nothing was written."
            )
        if undo is not None:
            with undo.open("xb") as file:
                write_patch(make_undo(source, patch), file)
                file.flush()
                os.fsync(file.fileno())
    with image.open("r+b", buffering=0) as target:
        # A file that grows gets its holes first; one that shrinks keeps its end until all is written.
        if patch.length_after > patch.length_before:
            os.ftruncate(target.fileno(), patch.length_after)
        for offset, data in patch.pieces():
            write_at(target.fileno(), offset, data)
        os.ftruncate(target.fileno(), patch.length_after)
        os.fsync(target.fileno())


def _fits(source: ImageSource, patch: Patch, bounds: CheckBounds | None) -> bool:
    if source.length != patch.length_before:
        return False
    if patch.kind == "undo":
        digest = hashlib.sha256()
        for place in patch.present:
            digest.update(_read(source, place))
        return digest.hexdigest() == patch.guard
    return metadata_sha256(source, plan_skeleton(source, bounds)) == patch.guard


def _read(source: ImageSource, place: Range) -> bytes:
    return b"".join(data for _, data in source.chunks(place.offset, place.length))
