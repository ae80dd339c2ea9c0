"""What the check finds, on images built from nothing: sound ones, and each kind of damage alone."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labtools.qcow2 import (
    CheckBoundError,
    CheckBounds,
    CheckReport,
    Finding,
    Verdict,
    check_image,
    check_to_json_dict,
    open_image,
)
from labtools.qcow2.corpus.sound import Image, Recipe, build, random_recipe

COPIED = 1 << 63


def check(image: Image, bounds: CheckBounds | None = None, *, payload: bool = False) -> CheckReport:
    """The check of an image in memory."""
    data = bytearray(image.length)
    for offset, piece in image.pieces.items():
        if offset < image.length:
            data[offset : offset + len(piece)] = piece[: image.length - offset]
    with open_image(io.BytesIO(bytes(data))) as source:
        return check_image(source, bounds, payload=payload)


def codes(report: CheckReport) -> set[str]:
    return {finding.code for finding in report.findings}


def only(report: CheckReport, code: str) -> Finding:
    """The one finding of a kind."""
    found = [finding for finding in report.findings if finding.code == code]
    assert len(found) == 1, report.findings
    return found[0]


@pytest.mark.parametrize("seed", range(60))
def test_a_sound_image_has_no_findings(seed: int) -> None:
    recipe = random_recipe(random.Random(seed))
    if recipe.cluster_bits > 18:
        recipe = Recipe(cluster_bits=18, snapshots=recipe.snapshots, compressed=recipe.compressed)
    report = check(build(recipe, seed), payload=True)

    assert report.findings == ()
    assert report.verdict is Verdict.CLEAN
    assert report.qemu_exit == 0


def test_two_guest_clusters_on_one_host_cluster() -> None:
    image = build(Recipe(l2_tables=1))
    first, second = image.data_entries()[:2]
    host = image.number(first) & ~COPIED
    lost = image.number(second) & ~COPIED
    image.put_number(first, host)
    image.put_number(second, host)
    image.set_refcount(host // image.cluster_size, 2)
    image.set_refcount(lost // image.cluster_size, 0)
    report = check(image)
    finding = only(report, "data-shared")

    assert report.qemu_exit == 0
    assert report.verdict is Verdict.CORRUPT
    assert finding.host_offset == host
    column = (first - image.offsets("l2")[0]) // 8
    assert [(part.offset, part.length) for part in finding.guest_ranges] == [
        (column * image.cluster_size, 2 * image.cluster_size)
    ]
    assert finding.guest_ranges[0].first_lba == column * 128


def test_a_guest_cluster_that_points_at_the_l1_table() -> None:
    image = build(Recipe(l2_tables=1))
    entry = image.data_entries()[0]
    lost = image.number(entry) & ~COPIED
    l1 = image.offsets("l1")[0]
    image.put_number(entry, l1)
    image.set_refcount(l1 // image.cluster_size, 2)
    image.set_refcount(lost // image.cluster_size, 0)
    report = check(image)
    finding = only(report, "roles-conflict")

    assert report.qemu_exit == 0
    assert finding.host_offset == l1
    assert "L1 table and data" in finding.sentence
    assert len(finding.guest_ranges) == 1


def cut_to_one_byte(image: Image) -> None:
    """The last data cluster goes to the end of the file, of which one byte is left."""
    entry = image.data_entries()[0]
    old = image.number(entry) & ~COPIED
    image.put_number(entry, image.length | COPIED)
    image.set_refcount(old // image.cluster_size, 0)
    image.set_refcount(image.length // image.cluster_size, 1)
    image.length += 1


def flag(bit: int) -> Callable[[Image], None]:
    return lambda image: image.put_number(72, image.number(72) | 1 << bit)


def beyond_the_end(image: Image) -> None:
    entry = image.data_entries()[0]
    last = image.offsets("l2")[0] + image.cluster_size - 8
    image.put_number(last, image.number(entry))
    image.put_number(entry, 0)


@pytest.mark.parametrize(
    ("damage", "code", "verdict"),
    [
        (flag(1), "corrupt-bit", Verdict.CORRUPT),
        (flag(0), "dirty-bit", Verdict.CLEAN),
        (cut_to_one_byte, "data-cluster-cut", Verdict.CORRUPT),
        (beyond_the_end, "mapped-beyond-end", Verdict.CLEAN),
        (lambda image: image.put(111, b"\1"), "padding-not-zero", Verdict.CLEAN),
        (lambda image: image.put(80, b"\x80"), "compatible-unknown", Verdict.CLEAN),
        (lambda image: image.put(88, b"\x80"), "autoclear-unknown", Verdict.CLEAN),
        (lambda image: image.put(4096, b"junk"), "stray-bytes", Verdict.CLEAN),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_on_which_qemu_img_check_is_silent(
    damage: Callable[[Image], None], code: str, verdict: Verdict
) -> None:
    image = build(Recipe(l2_tables=1))
    damage(image)
    report = check(image)

    assert codes(report) == {code}
    assert report.verdict is verdict
    assert report.qemu_exit == 0


def test_bytes_behind_the_last_cluster_are_noted() -> None:
    image = build(Recipe(l2_tables=1))
    end = image.length
    image.length += 300_000
    finding = only(check(image), "behind-the-end")

    assert (finding.host_offset, finding.host_ranges[0].length) == (end, 300_000)
    assert finding.severity == "note"


def test_a_leak_is_waste_and_a_low_refcount_is_damage() -> None:
    image = build(Recipe(l2_tables=1))
    entry = image.data_entries()[0]
    host = image.number(entry) & ~COPIED
    image.set_refcount(host // image.cluster_size, 0)
    report = check(image)
    low = only(report, "refcount-too-low")

    assert report.qemu_exit == 2
    assert low.host_offset == host
    assert len(low.guest_ranges) == 1

    image.set_refcount(host // image.cluster_size, 1)
    image.put_number(entry, 0)
    report = check(image)
    assert codes(report) == {"leaked-clusters"}
    assert (report.verdict, report.qemu_exit) == (Verdict.LEAKS, 3)


def test_ranges_are_capped_and_counted_honestly() -> None:
    image = build(Recipe(cluster_bits=9, l2_tables=5, fill=0.9))
    for entry in image.data_entries()[::2]:
        image.put_number(entry, 0)
    entries = image.data_entries()
    for entry in entries:
        image.put_number(entry, image.number(entry) & ~COPIED)
    report = check(image, CheckBounds(ranges=3))
    leaked, copied = only(report, "leaked-clusters"), only(report, "data-copied-flag")

    assert len(leaked.host_ranges) == 3
    assert leaked.host_ranges_more == leaked.count - 3 > 10
    assert copied.count == len(entries)
    assert len(copied.guest_ranges) == 3
    assert copied.guest_ranges_more == len(entries) - 3


def test_a_dirty_image_may_still_be_damaged() -> None:
    image = build(Recipe(l2_tables=1, lazy=True))
    first, second = image.data_entries()[:2]
    flag(0)(image)
    image.put_number(second, image.number(first))
    report = check(image)

    assert codes(report) == {"dirty-bit", "data-shared", "data-copied-flag"}
    assert report.verdict is Verdict.CORRUPT


def test_memory_is_bounded_before_it_is_taken() -> None:
    image = build(Recipe(l2_tables=1, cluster_bits=9))
    with pytest.raises(CheckBoundError):
        check(image, CheckBounds(memory_bytes=10))


def test_time_is_bounded() -> None:
    with pytest.raises(CheckBoundError):
        check(build(Recipe()), CheckBounds(seconds=-1.0))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_command_prints_json_and_exits_by_verdict(tmp_path: Path) -> None:
    image, path = build(Recipe(l2_tables=1)), tmp_path / "disk.qcow2"
    image.write(path)
    done = run("-m", "labtools.qcow2", "check", str(path), "--json")
    told = json.loads(done.stdout)
    with open_image(path) as source:
        assert told == check_to_json_dict(check_image(source, whole=True))
    assert done.returncode == 0
    assert told["reference"]["total-clusters"] > 0
    assert set(told) >= {"verdict", "reference", "findings", "qemu_exit", "versions"}

    image.put_number(image.data_entries()[0], 0)
    image.write(path)
    assert run("-m", "labtools.qcow2", "check", str(path)).returncode == 2
    flag(1)(image)
    image.write(path)
    done = run("-m", "labtools.qcow2", "check", str(path))
    assert done.returncode == 3
    assert "corrupt-bit" in done.stdout

    path.write_bytes(b"no image")
    done = run("-m", "labtools.qcow2", "check", str(path), "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["verdict"] == "unreadable"
    assert [(finding["code"], finding["advice"]) for finding in told["findings"]] == [
        ("not-qcow2", "wrong-format")
    ]

    path.write_bytes(b"")
    told = json.loads(run("-m", "labtools.qcow2", "check", str(path), "--json").stdout)
    assert told["findings"][0]["advice"] == "fetch-again"


def test_reading_a_header_imports_neither_numpy_nor_the_sandbox() -> None:
    program = "import sys, labtools.qcow2.__main__; sys.exit(bool({'numpy', 'labtools.sandbox'} & set(sys.modules)))"

    assert run("-c", program).returncode == 0


def test_an_l2_table_that_the_file_cuts_says_which_guest_clusters_are_lost() -> None:
    image = build(Recipe(l2_tables=1, fill=0.003))
    old, size = image.offsets("l2")[0], image.cluster_size
    # The table moves to the end of the file, which keeps the first 1,000 entries.
    new = image.length
    image.pieces[new] = image.pieces.pop(old)
    image.put_number(image.offsets("l1")[0], new | COPIED)
    image.set_refcount(old // size, 0)
    image.set_refcount(new // size, 1)
    image.length += 8000
    report = check(image)
    finding = only(report, "metadata-cut")

    assert report.reference is not None
    lost = report.reference.total_clusters - 1000
    assert (finding.host_offset, finding.host_ranges[0].length) == (new, 8000)
    assert [(part.offset, part.length) for part in finding.guest_ranges] == [(1000 * size, lost * size)]


def test_every_pair_of_roles_on_a_cluster_is_named() -> None:
    image = build(Recipe(l2_tables=2, snapshots=0, fill=0.003))
    first, second = image.data_entries()[:2]
    image.put_number(first, image.offsets("l1")[0])
    image.put_number(second, image.offsets("refcount-table")[0])

    assert (
        "Here: refcount table and data, L1 table and data." in only(check(image), "roles-conflict").sentence
    )
