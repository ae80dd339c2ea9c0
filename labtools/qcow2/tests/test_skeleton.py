"""The metadata of an image without its data: packed, unpacked by tar, checked like the image."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from labtools.qcow2 import ImageError, open_image
from labtools.qcow2.corpus.differential import make
from labtools.qcow2.corpus.sound import Image, Recipe, build
from labtools.qcow2.errors import SkeletonError
from labtools.qcow2.skeleton.container import (
    NotAContainer,
    is_container,
    open_container,
    unpack,
    write_container,
)
from labtools.qcow2.skeleton.packing import HIDDEN_LUKS_EXTENSION, fingerprint, write_skeleton
from labtools.qcow2.skeleton.plan import Plan, Range, merged, plan_skeleton, without

from .makers import make_luks, qemu_img
from .test_cli import run

MARKER = b"Guest's own words, nobody else's"
SEEDS = range(240)


def write_filled(image: Image, path: Path) -> None:
    """The image with its guest's data, and all else that is not metadata, full of the marker."""
    image.write(path)
    with path.open("r+b") as file:
        at = 0
        for offset in [*sorted(image.pieces), image.length]:
            stop = min(offset, image.length)
            if stop > at:
                file.seek(at)
                file.write((MARKER * ((stop - at) // len(MARKER) + 1))[: stop - at])
            at = max(at, offset + len(image.pieces.get(offset, b"")))


def pack(path: Path, *, suspects: bool) -> tuple[Plan, bytes]:
    with open_image(path) as source:
        before = fingerprint(source)
        plan = plan_skeleton(source)
        packed = io.BytesIO()
        write_skeleton(source, plan, packed, suspects=suspects, before=before)
    return plan, packed.getvalue()


def tar(packed: bytes, folder: Path) -> Path:
    """What plain tar makes of it."""
    done = subprocess.run(
        ["tar", "-xzf", "-", "-C", folder], input=packed, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return folder / "metadata.qcow2"


def ask_qemu(image: Image, path: Path) -> tuple[int, str, str]:
    """Exit code, JSON and stderr of qemu-img check; ``path`` must be the same each time, as stderr names it."""
    node: dict[str, object] = {
        "driver": "qcow2",
        "read-only": True,
        "file": {"driver": "file", "filename": str(path), "locking": "off", "read-only": True},
        "backing": None,
    }
    head = image.pieces[0]
    if head[7] == 3 and head[79] & 4:
        node["data-file"] = {"driver": "null-co", "size": 1 << 40, "read-zeroes": True}
    if int.from_bytes(head[32:36]) == 1:
        node["encrypt"] = {"format": "aes", "key-secret": "dummy"}
    argv = ["qemu-img", "check", "--object", "secret,id=dummy,data=dummy", "--output=json"]
    done = subprocess.run(
        [*argv, "json:" + json.dumps(node)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def is_small(image: Image) -> bool:
    return image.length < 16 << 20


def test_the_check_of_the_metadata_is_the_check_of_the_image(tmp_path: Path) -> None:
    path, packed_by_seed = tmp_path / "image.qcow2", 0
    for seed in SEEDS:
        image, done = make(seed)
        image.write(path)
        try:
            plan, packed = pack(path, suspects=True)
        except ImageError:
            continue
        expected = ask_qemu(image, path)
        os.replace(tar(packed, tmp_path), path)
        assert ask_qemu(image, path) == expected, (seed, done)
        with open_image(path) as source:
            assert plan_skeleton(source) == plan, (seed, done)
        packed_by_seed += 1
    assert packed_by_seed > len(SEEDS) * 0.95


def test_no_byte_of_the_guests_data_is_taken_unasked(tmp_path: Path) -> None:
    path, suspected = tmp_path / "image.qcow2", 0
    shifted = [(MARKER + MARKER)[at : at + 8] for at in range(0, len(MARKER), 4)]
    for seed in SEEDS:
        image, done = make(seed)
        if not is_small(image):
            continue
        write_filled(image, path)
        try:
            plan, packed = pack(path, suspects=False)
        except ImageError:
            continue
        raw = gzip.decompress(packed)
        assert not any(part in raw for part in shifted), (seed, done)
        if seed % 10 == 0:
            assert not plan.suspects, seed
        suspected += any(part in gzip.decompress(pack(path, suspects=True)[1]) for part in shifted)
    # The test would be worth nothing if no pointer in it led to the guest's data.
    assert suspected > 5


def test_images_of_qemu_have_no_suspects(tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    for options in ("", "cluster_size=512", "refcount_bits=1,extended_l2=on", "lazy_refcounts=on"):
        more = ["-o", options] if options else []
        qemu_img("create", "-q", "-f", "qcow2", *more, path, "64M")
        subprocess.run(
            ["qemu-io", "-c", "write -P 7 1M 3M", "-c", "write -P 9 40M 1M", path],
            check=True,
            capture_output=True,
        )
        plan, packed = pack(path, suspects=False)
        assert not plan.suspects, options
        assert len(packed) < 32768
        path.unlink()


def test_a_luks_header_never_leaves(tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    make_luks(path, "qcow2")
    secret = path.read_bytes()
    plan, packed = pack(path, suspects=True)
    assert plan.luks
    header = secret[plan.luks.offset : plan.luks.end]
    assert b"aes" in header
    unpacked = tar(packed, tmp_path).read_bytes()
    assert unpacked[plan.luks.offset : plan.luks.end] == bytes(plan.luks.length)
    assert b"LUKS\xba\xbe" not in unpacked
    assert HIDDEN_LUKS_EXTENSION.to_bytes(4) in unpacked[:512]

    done = subprocess.run(
        ["qemu-img", "check", "--output=json", tmp_path / "metadata.qcow2"], capture_output=True, check=False
    )
    assert done.returncode == 3
    assert json.loads(done.stdout)["leaks"] == -(-plan.luks.length // (plan.cluster_size or 0))


def test_an_image_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    build(Recipe()).write(path)
    with open_image(path) as source:
        before = fingerprint(source)
        plan = plan_skeleton(source)
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
        with pytest.raises(SkeletonError, match="was written to while"):
            write_skeleton(source, plan, io.BytesIO(), suspects=False, before=before)


def test_our_own_unpacking_agrees_with_tars(tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    image = build(Recipe(snapshots=2, compressed=3, backing=True))
    image.length += 7
    image.write(path)
    plan, packed = pack(path, suspects=True)
    archive = tmp_path / "image.tar.gz"
    archive.write_bytes(packed)

    manifest = unpack(archive, tmp_path / "ours")

    assert (tmp_path / "ours").read_bytes() == tar(packed, tmp_path).read_bytes()
    assert (tmp_path / "ours").stat().st_blocks * 512 < image.length
    assert (manifest.kind, manifest.length) == ("skeleton", image.length)
    # Two snapshots with an ID and a name each, and the backing file.
    assert plan.private_names == 3
    assert manifest.count("suspect_bytes_left_out") == 0


def test_a_sparse_archive_of_tar_itself_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    build(Recipe()).write(path)
    archive = tmp_path / "image.tar.gz"
    subprocess.run(
        ["tar", "--format=pax", "--sparse", "-czf", archive, "-C", tmp_path, "image.qcow2"], check=True
    )

    unpack(archive, tmp_path / "ours")

    assert (tmp_path / "ours").read_bytes() == path.read_bytes()


def packed_bytes(ranges: list[Range], length: int) -> bytes:
    target = io.BytesIO()
    write_container(target, kind="skeleton", length=length, ranges=ranges, pieces=[], facts={})
    return gzip.decompress(target.getvalue())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n4096\n512\n", b"\n0100\n512\n"),
        (b"\n4096\n512\n", b"\n0000\n512\n"),
        (b"\n4096\n512\n", b"\n9999\n512\n"),
        (b"3\n0\n", b"9\n0\n"),
        (b"realsize=8192", b"realsize=4096"),
        (b'"format":1', b'"format":2'),
        (b'"kind":"skeleton"', b'"kind":"sceleton"'),
    ],
)
def test_archives_that_contradict_themselves_are_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    raw = packed_bytes([Range(0, 512), Range(4096, 512)], 8192)
    assert old in raw
    path = tmp_path / "hostile"
    path.write_bytes(gzip.compress(raw.replace(old, new)))

    with pytest.raises(SkeletonError):
        unpack(path, tmp_path / "out")


def test_archives_too_large_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(gzip.compress(packed_bytes([Range(0, 1 << 20)], 1 << 20)))

    with pytest.raises(SkeletonError, match="are taken at most"):
        unpack(path, tmp_path / "out", max_bytes=(1 << 20) - 512)
    assert not (tmp_path / "out").exists()


def test_any_bytes_end_in_a_file_or_in_a_sentence(tmp_path: Path) -> None:
    """A few hundred archives with bytes changed, cut, and with bits of the compressed form flipped."""
    path, chance = tmp_path / "image", random.Random(6)
    build(Recipe(cluster_bits=9, snapshots=1)).write(path)
    raw, outcomes = gzip.decompress(pack(path, suspects=True)[1]), set()
    for _ in range(300):
        changed = bytearray(raw[: chance.choice((len(raw), chance.randrange(len(raw))))])
        for _ in range(min(2, len(changed))):
            changed[chance.randrange(min(len(changed), 3072))] = chance.randrange(256)
        data = bytearray(gzip.compress(bytes(changed), 1))
        if chance.random() < 0.2:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        (tmp_path / "out").unlink(missing_ok=True)
        try:
            manifest = unpack(path, tmp_path / "out", max_bytes=1 << 20)
            outcomes.add("file")
            assert sum(place.length for place in manifest.ranges) <= 1 << 20
        except SkeletonError as error:
            outcomes.add(error.sentence[-1])
    assert outcomes == {"file", "."}


def test_other_files_are_none_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "other"
    build(Recipe()).write(tmp_path / "image")
    plain = io.BytesIO()
    write_container(plain, kind="skeleton", length=0, ranges=[], pieces=[], facts={})
    cut = plain.getvalue()[:40]
    for data in (
        b"",
        b"\x1f\x8b",
        b"QFI\xfb",
        gzip.compress(b"words " * 200),
        gzip.compress(bytes(2048)),
        cut,
    ):
        path.write_bytes(data)
        assert not is_container(path)
        with path.open("rb") as file, pytest.raises(NotAContainer):
            open_container(file)


def test_ranges_are_merged_and_subtracted() -> None:
    ranges = list(merged([Range(8, 4), Range(0, 4), Range(4, 2), Range(9, 9), Range(30, 0)]))
    assert ranges == [Range(0, 6), Range(8, 10)]
    assert list(without(ranges, [Range(2, 2), Range(5, 4), Range(17, 9)])) == [
        Range(0, 2),
        Range(4, 1),
        Range(9, 8),
    ]
    assert list(without([Range(0, 4)], [Range(0, 9)])) == []


# ------------------------------------------------------------------------------------- the command


def damaged(path: Path) -> None:
    """An L1 entry leads to the guest's data."""
    image = build(Recipe(l2_tables=2, fill=0.003))
    host = image.number(image.data_entries()[0]) & ~(1 << 63)
    image.put_number(image.offsets("l1")[0], host | 1 << 63)
    write_filled(image, path)


def test_the_command_packs_an_image(tmp_path: Path) -> None:
    path, packed = tmp_path / "image.qcow2", tmp_path / "packed.tar.gz"
    build(Recipe()).write(path)
    done = run("skeleton", path, "-o", packed)

    assert (done.returncode, done.stderr) == (0, "")
    assert "The guest's data stays where it is." in done.stdout
    assert "may be the guest's data" not in done.stdout
    assert is_container(packed)


def test_the_command_asks_about_what_may_be_the_guests(tmp_path: Path) -> None:
    path, packed = tmp_path / "image.qcow2", tmp_path / "packed.tar.gz"
    damaged(path)
    done = run("skeleton", path, "-o", packed)

    assert done.returncode == 2
    assert "may be the guest's data" in done.stdout
    assert (
        "L2 table; the image uses it for something else as well" in done.stdout or "look like" in done.stdout
    )
    assert "Nothing was written." in done.stderr
    assert not packed.exists()

    assert run("skeleton", path, "-o", packed, "--leave-out-suspects").returncode == 0
    assert MARKER not in gzip.decompress(packed.read_bytes())
    packed.unlink()
    assert run("skeleton", path, "-o", packed, "--send-suspects").returncode == 0
    assert MARKER in gzip.decompress(packed.read_bytes())


def test_the_command_overwrites_no_file_and_names_what_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    build(Recipe()).write(path)
    again = run("skeleton", path, "-o", path)
    assert again.returncode == 1
    assert "File exists" in again.stderr
    path.write_bytes(b"KDMV" + bytes(2000))
    done = run("skeleton", path, "-o", tmp_path / "packed")
    assert done.returncode == 1
    assert "VMDK" in done.stderr
