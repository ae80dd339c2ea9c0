"""A coverage-guided fuzz target for everything that reads bytes of an image.

    python -m labtools.qcow2.tests.fuzz [-max_total_time=60] [-runs=N] [FOLDER …]

takes libFuzzer's options. Any input must end in a result or in an :class:`ImageError`, within the bounds; anything else
stops the run and writes the input into a file ``crash-…``, which the same command runs again when given its name. Where
there is no atheris, which has wheels for Linux on x86-64 alone, ``-runs`` inputs are made at random instead.

The first byte of an input chooses: changes to a sound image, a file of any bytes behind the magic number, a disk with
a partition table, a LUKS header or compressed data.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import json
import random
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from labtools.qcow2.corpus.sound import Image, Recipe, build

RECIPES: Final = (
    Recipe(cluster_bits=9, l2_tables=2, fill=0.3, snapshots=1, compressed=2, bitmaps=1, zeros=True),
    Recipe(cluster_bits=9, version=2, l2_tables=2, fill=0.3, snapshots=2, backing=True),
    Recipe(cluster_bits=14, l2_tables=1, fill=0.01, extended=True, compressed=2, zeros=True),
    Recipe(cluster_bits=9, l2_tables=1, fill=0.3, data_file=True, refcount_order=0),
    Recipe(cluster_bits=9, l2_tables=2, fill=0.3, compressed=3, zstd=True, lazy=True, refcount_order=6),
)
_CHANGE: Final = struct.Struct(">HB8s")
_MOST: Final = 1 << 20
_MODES: Final = 5


@functools.cache
def base(number: int) -> tuple[bytes, tuple[int, ...]]:
    """A sound image as bytes, and where the 64-bit numbers of its metadata are."""
    image: Image = build(RECIPES[number], number)
    data = bytearray(image.length)
    for offset, piece in image.pieces.items():
        data[offset : offset + len(piece)] = piece
    places = [0, *(at for start in image.places for at in range(start, start + image.cluster_size, 8))]
    return bytes(data), tuple(places)


def changed(raw: bytes) -> bytes:
    """A sound image with the changes that ``raw`` describes: a place in its metadata, how many bytes, which."""
    data, places = base(raw[0] % len(RECIPES) if raw else 0)
    image = bytearray(data)
    for at in range(1, len(raw) - _CHANGE.size + 1, _CHANGE.size):
        place, kind, value = _CHANGE.unpack_from(raw, at)
        if kind == 255:
            del image[struct.unpack(">Q", value)[0] % (len(image) + 1) :]
            continue
        width = 1 << kind % 4
        where = places[place % len(places)] + (kind >> 2) % 8 // width * width
        image[where : where + width] = value[:width]
    return bytes(image[:_MOST])


def one_input(data: bytes) -> None:
    """Read ``data`` in the way that its first byte chooses. Raises what no input may lead to."""
    # Imported here, so that the fuzzer can watch them being loaded.
    from labtools.qcow2.codecs import decompressor
    from labtools.qcow2.luks import read_luks
    from labtools.qcow2.partitions import MAX_PARTITIONS, read_partitions

    mode, rest = (data[0] % _MODES, data[1:]) if data else (1, b"")
    if mode == 0:
        whole_image(changed(rest))
    elif mode == 1:
        whole_image(b"QFI\xfb" + rest)
    elif mode == 2:
        disk = bytes(446) + rest[:64].ljust(64, b"\0") + b"\x55\xaa" + rest[64:]
        table = read_partitions(lambda offset, length: disk[offset : offset + length], len(disk))
        assert table is None or len(table.partitions) <= MAX_PARTITIONS
    elif mode == 3:
        facts = read_luks(b"LUKS\xba\xbe\0\1" + rest, 4096, 1 << 20)
        assert facts is None or len(facts.key_slots) == 8
    else:
        for method in (0, 1):
            decompress = decompressor(method)
            cluster = decompress(bytes.fromhex("28b52ffd") * method + rest, 4096) if decompress else None
            assert cluster is None or len(cluster) == 4096


def whole_image(data: bytes) -> None:
    """Everything public, on an image."""
    from labtools.qcow2 import (
        CheckBounds,
        ImageError,
        check_image,
        check_to_json_dict,
        estimate_check,
        evidence,
        evidence_json,
        gather_evidence,
        open_image,
        read_atlas,
        read_header,
        sniff,
        to_json_dict,
    )
    from labtools.qcow2.show_check import render_check

    bounds = CheckBounds(memory_bytes=64 << 20, table_bytes=8 << 20, seconds=20.0, payload_seconds=2.0)
    with open_image(io.BytesIO(data)) as source:
        assert sniff(source).code
        report = None
        with suppress(ImageError):
            json.dumps(to_json_dict(read_header(source)))
            estimate_check(source)
            report = check_image(source, bounds, whole=True, payload=True, atlas=True)
            found = gather_evidence(source, report)
            assert len(found.entries) <= evidence.MOST
            assert all(one.parts and len(one.data) <= 128 for one in found.entries)
            assert len(json.dumps(evidence_json(found))) < 1 << 20
    if report is None:
        return
    json.dumps(check_to_json_dict(report))
    assert all(char.isprintable() for line in render_check(report) for char in line)
    if report.atlas is not None:
        atlas = read_atlas(report.atlas)
        assert len(atlas.file_cells(0, atlas.clusters, 1 + atlas.clusters // 64)) <= 64
        atlas.cluster(atlas.clusters - 1)
    assert report.qemu_exit in range(4)
    assert (report.reference is None) <= (report.qemu_exit == 1)
    for finding in report.findings:
        assert max(len(finding.guest_ranges), len(finding.host_ranges)) <= bounds.ranges
        assert all(part.length > 0 and part.offset >= 0 for part in finding.guest_ranges)


def seeds(folder: Path) -> None:
    """Write some inputs to begin with."""
    chance = random.Random(0)
    for number in range(len(RECIPES)):
        data, _ = base(number)
        (folder / f"whole-{number}").write_bytes(b"\1" + data[4:])
        for count in (1, 3, 8):
            (folder / f"changes-{number}-{count}").write_bytes(random_input(chance, number, count))
    disk = b"\0\0\0\0\x05\0\0\0" + struct.pack("<II", 1, 9)
    (folder / "partitions").write_bytes(b"\2" + disk.ljust(64, b"\0") + bytes(510) + b"\x55\xaa")


def random_input(chance: random.Random, number: int, count: int) -> bytes:
    """Changes to a sound image."""
    return bytes((0, number)) + chance.randbytes(count * _CHANGE.size)


def main(arguments: list[str]) -> int:
    """Fuzz until libFuzzer's options say that it is enough."""
    if importlib.util.find_spec("atheris") is None:
        return _without_coverage(arguments, one_input)
    if all(argument.startswith("-") for argument in arguments):
        # In a process of its own, which ends without tidying up.
        with tempfile.TemporaryDirectory(prefix="qcow2-fuzz-") as folder:
            seeds(Path(folder))
            again = [sys.executable, "-m", "labtools.qcow2.tests.fuzz", *arguments, folder]
            return subprocess.run(again, check=False).returncode
    import atheris

    with atheris.instrument_imports(include=["labtools.qcow2"]):
        import labtools.qcow2
        import labtools.qcow2.codecs
        import labtools.qcow2.integrity.check
        import labtools.qcow2.luks
        import labtools.qcow2.partitions
        import labtools.qcow2.show_check  # noqa: F401 - imported to be instrumented

    options = ["-timeout=60", "-rss_limit_mb=2048", "-max_len=65536", *arguments]
    atheris.Setup([sys.argv[0], *options], one_input)
    # It ends the process itself, with an exit code of its own.
    atheris.Fuzz()
    return 0


def _without_coverage(arguments: list[str], target: Callable[[bytes], Any]) -> int:
    wanted = [argument.removeprefix("-runs=") for argument in arguments if argument.startswith("-runs=")]
    runs, chance = int(wanted[-1]) if wanted else 10_000, random.Random(0)
    for number in range(runs):
        target(random_input(chance, number % len(RECIPES), chance.randrange(1, 9)))
    print(f"Done {runs} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
