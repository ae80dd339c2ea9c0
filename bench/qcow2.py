"""How fast the check of an image is beside `qemu-img check`, and how much memory it takes.

Wall time of whole commands, interpreter start included, taken in turns; the best of each counts, as other work on the
machine only ever adds. NumPy's bytecode is compiled before, as an installation has it.
"""

import compileall
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy

from bench import Figure
from labtools.qcow2 import check_image, open_image, read_atlas
from labtools.qcow2.corpus.sound import Recipe, build

ROUNDS = 7


def bench() -> list[Figure]:
    """A terabyte fully mapped, 20 GiB scattered, and an image of next to nothing."""
    compileall.compile_dir(str(Path(numpy.__file__).parent), quiet=2)
    compileall.compile_dir("labtools/qcow2", quiet=2)
    with tempfile.TemporaryDirectory(prefix="bench-qcow2-", dir=os.environ.get("BENCH_DIR")) as folder:
        whole, scattered, tiny = (Path(folder) / f"{name}.qcow2" for name in ("whole", "scattered", "tiny"))
        _create(whole, "1T", "preallocation=metadata")
        _create(scattered, "20G", "preallocation=metadata")
        _scatter(scattered)
        build(Recipe()).write(tiny)
        return [
            *_of("1 TiB fully mapped", whole, 0.5),
            *_of("20 GiB scattered", scattered, 1.0),
            *_tiny(tiny),
        ]


def _of(name: str, image: Path, at_most: float) -> list[Figure]:
    ours, theirs, bare = _best(
        lambda: _seconds(_ours(image)), lambda: _seconds(_theirs(image)), lambda: _read_metadata(image)
    )
    return [
        Figure(f"check of {name}, beside qemu-img check", ours / theirs, "times", at_most=at_most),
        Figure("peak memory of that", _peak_mib(_ours(image)), "MiB", at_most=256),
        Figure("merely reading the same metadata, beside qemu-img check", bare / theirs, "times"),
        *_map(name, image),
    ]


def _map(name: str, image: Path) -> list[Figure]:
    """The check with its map, which only the portal asks for; and drawing it, first and last part."""
    plain, mapped = _best(lambda: _check(image, atlas=False)[0], lambda: _check(image, atlas=True)[0])
    data = _check(image, atlas=True)[1]
    (drawn,) = _best(lambda: _draw(data))
    return [
        Figure(f"check of {name} with its map, beside the check alone", mapped / plain, "times"),
        Figure("that map, stored", len(data) / 1024, "KiB", at_most=4096),
        Figure(
            "opening it and drawing the whole and a part, beside the check", drawn / plain, "times", at_most=2
        ),
    ]


def _check(image: Path, *, atlas: bool) -> tuple[float, bytes]:
    started = time.perf_counter()
    with open_image(image) as source:
        report = check_image(source, atlas=atlas)
    return time.perf_counter() - started, report.atlas or b""


def _draw(data: bytes) -> float:
    started = time.perf_counter()
    atlas = read_atlas(data)
    for first, stop in ((0, atlas.clusters), (atlas.clusters - 1000, atlas.clusters)):
        atlas.file_cells(first, stop, -(-(stop - first) // 768))
    return time.perf_counter() - started


def _tiny(image: Path) -> list[Figure]:
    """Notes, without a promise: nearly all of it is the interpreter's start."""
    ours, start = _best(
        lambda: _seconds(_ours(image)), lambda: _seconds([sys.executable, "-c", "import numpy"])
    )
    return [
        Figure("check of a tiny image", ours, "s"),
        Figure("check of a tiny image, beside importing NumPy alone", ours / start, "times"),
    ]


def _best(*measures: Callable[[], float]) -> list[float]:
    rounds = [[measure() for measure in measures] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def _ours(image: Path) -> list[str]:
    return [sys.executable, "-m", "labtools.qcow2", "check", "--json", str(image)]


def _theirs(image: Path) -> list[str]:
    return ["qemu-img", "check", "--output=json", "-f", "qcow2", str(image)]


def _seconds(argv: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _peak_mib(argv: list[str]) -> float:
    """The peak of one child: measured by a process of its own, whose children it is alone."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", program, *argv], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


def _create(image: Path, size: str, options: str) -> None:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, str(image), size], check=True)


def _tables(file: int) -> tuple[list[int], list[int], int]:
    """Offsets of the L2 tables and the refcount blocks, and the cluster size."""
    head = os.pread(file, 72, 0)
    bits, l1_size, l1, table, clusters = (
        *struct.unpack_from(">I", head, 20),
        *struct.unpack_from(">IQQI", head, 36),
    )
    blocks = struct.unpack(f">{(clusters << bits) // 8}Q", os.pread(file, clusters << bits, table))
    entries = struct.unpack(f">{l1_size}Q", os.pread(file, l1_size * 8, l1))
    return (
        [entry & 2**56 - 512 for entry in entries if entry],
        [block for block in blocks if block],
        1 << bits,
    )


def _read_metadata(image: Path) -> float:
    """Seconds to read the tables, in a process that runs already."""
    started = time.perf_counter()
    file = os.open(image, os.O_RDONLY)
    try:
        tables, blocks, size = _tables(file)
        buffer = bytearray(size)
        for offset in tables + blocks:
            os.preadv(file, [buffer], offset)
    finally:
        os.close(file)
    return time.perf_counter() - started


def _scatter(image: Path) -> None:
    """Exchange the guest's clusters at random, as years of use would: all entries stay, none has its neighbour."""
    chance = random.Random(1)  # noqa: S311 the same image each time
    file = os.open(image, os.O_RDWR)
    try:
        tables, _, size = _tables(file)
        entries = [
            entry
            for table in tables
            for entry in struct.unpack(f">{size // 8}Q", os.pread(file, size, table))
        ]
        used = [entry for entry in entries if entry]
        chance.shuffle(used)
        entries = [used.pop() if entry else 0 for entry in entries]
        for number, table in enumerate(tables):
            part = entries[number * size // 8 : (number + 1) * size // 8]
            os.pwrite(file, struct.pack(f">{size // 8}Q", *part), table)
    finally:
        os.close(file)
