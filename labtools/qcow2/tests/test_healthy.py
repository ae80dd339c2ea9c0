"""No false alarm on what QEMU itself leaves behind: images with a history, and one with a running machine's state.

QCOW2_HISTORIES sets how many are tried.
"""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from labtools.qcow2 import check_image, open_image
from labtools.qcow2.corpus.differential import ask_qemu, our_answer

from .makers import qemu_img

COUNT = int(os.environ.get("QCOW2_HISTORIES", "12"))
OPTIONS = (
    "compat=0.10,cluster_size=4k",
    "cluster_size=512",
    "cluster_size=64k",
    "cluster_size=64k,refcount_bits=64",
    "cluster_size=16k,extended_l2=on",
    "cluster_size=64k,lazy_refcounts=on",
    "cluster_size=64k,compression_type=zstd",
    "cluster_size=64k,preallocation=metadata",
)
MIB = 1 << 20


def io(image: Path, *commands: str) -> None:
    arguments = [part for command in commands for part in ("-c", command)]
    subprocess.run(
        ["qemu-io", "-f", "qcow2", "-d", "unmap", *arguments, str(image)],
        check=True,
        capture_output=True,
        timeout=60,
    )


def live(image: Path, chance: random.Random, old: bool) -> None:
    """A few acts of a guest and its keeper."""
    snapshots: list[str] = []
    marked = False
    for step in range(chance.randrange(4, 12)):
        where = chance.randrange(0, 24 * MIB, 512)
        length = min(chance.choice((512, 4096, 100 * 1024, MIB)), 24 * MIB - where) // 512 * 512
        act = chance.choice(
            ("write", "write", "zero", "discard", "take", "drop", "back", "grow", "bitmap", "pack")
        )
        if act == "write":
            io(image, f"write -P {chance.randrange(1, 255)} {where} {length}")
        elif act == "zero":
            io(image, f"write -z {chance.choice(('', '-u '))}{where} {length}")
        elif act == "discard":
            io(image, f"discard {where} {length}")
        elif act == "pack":
            start = where // 65536 * 65536
            io(image, f"discard {start} 64k", f"write -c -P 7 {start} 64k")
        elif act == "take":
            snapshots.append(f"s{step}")
            qemu_img("snapshot", "-c", snapshots[-1], image)
        elif act == "drop" and snapshots:
            qemu_img("snapshot", "-d", snapshots.pop(chance.randrange(len(snapshots))), image)
        elif act == "back" and snapshots and not marked:
            qemu_img("snapshot", "-a", chance.choice(snapshots), image)
        elif act == "grow" and not (old and snapshots):
            qemu_img("resize", "-q", image, "+8M")
        elif act == "bitmap" and not old and not snapshots:
            # QEMU goes back to no snapshot of another size while there are bitmaps.
            marked = True
            qemu_img("bitmap", "--add", image, f"b{step}")


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_history_leaves_nothing_to_say(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    image, options = tmp_path / "disk.qcow2", OPTIONS[seed % len(OPTIONS)]
    qemu_img("create", "-q", "-f", "qcow2", "-o", options, image, "24M")
    live(image, chance, "0.10" in options)
    with open_image(image) as source:
        report = check_image(source, whole=True, payload=True)

    assert our_answer(report) == ask_qemu(image)
    assert [finding.code for finding in report.findings if finding.severity != "note"] == []
    assert report.verdict == "clean"


def test_the_state_of_a_running_machine_is_no_damage(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", image, "64M")
    machine = ["qemu-system-x86_64", "-S", "-m", "32", "-accel", "tcg", "-nodefaults", "-display", "none"]
    subprocess.run(
        [*machine, "-monitor", "stdio", "-drive", f"file={image},format=qcow2"],
        input="savevm one\nsavevm two\nquit\n",
        text=True,
        check=True,
        capture_output=True,
        timeout=120,
    )
    with open_image(image) as source:
        report = check_image(source, whole=True)

    assert "two" in qemu_img("snapshot", "-l", image)
    assert report.findings == ()
