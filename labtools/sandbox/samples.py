"""The three ready images of the portal: healthy, leaking, corrupt. Made here by qemu-img, so the input is
trusted.

Nothing of a visitor's reaches this module; it runs without the sandbox, bounded by the clock. The images
are small (under 1 MiB) and the same on every run but for the date of the snapshot, which is set to a fixed
one.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .runner import Limits, run_bounded

_LIMITS = Limits(wall_seconds=30, cpu_seconds=30)
_CLUSTER = 65536
_COPIED = 1 << 63
_OFFSET_BITS = 0x00FF_FFFF_FFFF_FE00
# 2026-01-01 00:00:00 UTC, in place of the moment at which the snapshot was taken.
_SNAPSHOT_SECONDS = 1_767_225_600


class SampleKind(StrEnum):
    """Which of the three."""

    HEALTHY = "healthy"
    LEAKING = "leaking"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class Sample:
    """What a person reads about a sample, and the exit code that `qemu-img check` gives it."""

    kind: SampleKind
    filename: str
    title: str
    description: str
    exit_code: int


SAMPLES: dict[SampleKind, Sample] = {
    sample.kind: sample
    for sample in (
        Sample(
            SampleKind.HEALTHY,
            "healthy.qcow2",
            "A healthy image",
            "A 64 MiB disk with some data and one internal snapshot; every refcount is right.",
            0,
        ),
        Sample(
            SampleKind.LEAKING,
            "leaking.qcow2",
            "An image with leaked clusters",
            "The healthy image after a crash: two clusters at its end are counted as used, but nothing "
            "refers to them. They waste 128 KiB; no data is in danger.",
            3,
        ),
        Sample(
            SampleKind.CORRUPT,
            "corrupt.qcow2",
            "A corrupt image",
            "The healthy image after a host that ran out of space: a data cluster in use is counted as "
            "free, and the COPIED flag of another is wrong. Writing to it could destroy data.",
            2,
        ),
    )
}


def make_sample(kind: SampleKind, path: Path) -> None:
    """Write the sample to `path`, which must not exist. Raises OSError when qemu-img cannot make it."""
    if path.exists():
        raise FileExistsError(path)
    _make_healthy(path)
    with path.open("r+b") as image:
        content = bytearray(image.read())
        _fix_snapshot_date(content)
        if kind is SampleKind.LEAKING:
            _leak(content)
        elif kind is SampleKind.CORRUPT:
            _corrupt(content)
        image.seek(0)
        image.write(content)


def _make_healthy(path: Path) -> None:
    name = os.fspath(path.absolute())
    _run("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"cluster_size={_CLUSTER},compat=1.1", name, "64M")
    _run(
        "qemu-io",
        *("-f", "qcow2"),
        *("-c", "write -P 0x4f 0 192k"),
        *("-c", "write -P 0x53 1M 64k"),
        *("-c", "write -z 2M 64k"),
        name,
    )
    _run("qemu-img", "snapshot", "-c", "before-update", name)
    # One cluster written after the snapshot: its data is the image's alone, the rest is shared.
    _run("qemu-io", "-f", "qcow2", "-c", "write -P 0x56 64k 64k", name)


def _run(*argv: str) -> None:
    finished = run_bounded(argv, limits=_LIMITS)
    if finished.exit_code != 0:
        said = (finished.stderr or finished.stdout).decode("utf-8", "replace").strip()
        raise OSError(f"{argv[0]} {argv[1]} failed ({finished.ended_because}): {said}")


def _fix_snapshot_date(image: bytearray) -> None:
    """Seconds and nanoseconds, offsets 16 and 20 of a snapshot table entry (qcow2.rst, "Snapshots")."""
    (table,) = struct.unpack_from(">Q", image, 64)
    struct.pack_into(">II", image, table + 16, _SNAPSHOT_SECONDS, 0)


def _refcount_position(image: bytearray, cluster: int) -> int:
    """Where the 16-bit refcount of a cluster is stored; the image is small enough for one refcount block."""
    (table,) = struct.unpack_from(">Q", image, 48)
    (block,) = struct.unpack_from(">Q", image, table)
    return int(block) + 2 * cluster


def _leak(image: bytearray) -> None:
    """Two clusters are added to the end of the file and counted as used; no table refers to them."""
    end = -(-len(image) // _CLUSTER)
    image.extend(bytes((end + 2) * _CLUSTER - len(image)))
    for cluster in (end, end + 1):
        struct.pack_into(">H", image, _refcount_position(image, cluster), 1)


def _corrupt(image: bytearray) -> None:
    """The cluster written after the snapshot loses its refcount; a shared cluster gains the COPIED flag."""
    (l1,) = struct.unpack_from(">Q", image, 40)
    l2 = struct.unpack_from(">Q", image, l1)[0] & _OFFSET_BITS
    (private,) = struct.unpack_from(">Q", image, l2 + 8)
    struct.pack_into(">H", image, _refcount_position(image, (private & _OFFSET_BITS) // _CLUSTER), 0)
    (shared,) = struct.unpack_from(">Q", image, l2 + 16)
    struct.pack_into(">Q", image, l2 + 16, shared | _COPIED)
