"""What a repair would write, held against what it writes."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from labtools import sandbox
from labtools.qcow2 import ImageError, open_image
from labtools.qcow2.corpus.differential import make
from labtools.qcow2.corpus.sound import Image, Recipe, build
from labtools.qcow2.errors import NoPreview, SkeletonError
from labtools.qcow2.skeleton.patch import (
    Patch,
    WrongImage,
    apply_patch,
    make_undo,
    read_patch,
    write_patch,
)
from labtools.qcow2.skeleton.plan import Range
from labtools.qcow2.skeleton.preview import Preview, preview_repair

from .makers import make_luks
from .test_cli import run
from .test_skeleton import is_small, pack, tar, write_filled

SEEDS = (*range(1000, 1300), 2441)
"""In the last, QEMU discards leaks and marks the image corrupt before it writes their refcounts."""


def preview_of(image: Path, folder: Path) -> Preview:
    folder.mkdir()
    try:
        return preview_repair(image, folder)
    finally:
        shutil.rmtree(folder)


def repair(image: Image, path: Path) -> int:
    """The real thing, outside the sandbox: the image is ours."""
    node: dict[str, object] = {
        "driver": "qcow2",
        "file": {"driver": "file", "filename": str(path), "locking": "off"},
        "backing": None,
    }
    head = image.pieces[0]
    if head[7] == 3 and head[79] & 4:
        size = int.from_bytes(head[24:32]) // 512 * 512
        node["data-file"] = {"driver": "null-co", "size": size, "read-zeroes": True}
    if int.from_bytes(head[32:36]) == 1:
        node["encrypt"] = {"format": "aes", "key-secret": "dummy"}
    argv = ["qemu-img", "check", "-r", "all", "--object", "secret,id=dummy,data=dummy", "--output=json"]
    done = subprocess.run([*argv, "json:" + json.dumps(node)], capture_output=True, check=False, timeout=120)
    return done.returncode


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_patch_is_what_the_repair_writes_and_the_undo_takes_it_back(tmp_path: Path) -> None:
    """Images of every kind, full of guest's data, damaged at random."""
    same = changing = 0
    for seed in SEEDS:
        image, done = make(seed)
        path, real = tmp_path / "image", tmp_path / "real"
        if not is_small(image):
            continue
        write_filled(image, path)
        try:
            preview = preview_of(path, tmp_path / "work")
        except ImageError:
            continue
        shutil.copy(path, real)
        before = sha256(path)
        assert repair(image, real) == preview.qemu_exit, (seed, done)

        apply_patch(preview.patch, path, tmp_path / "undo")
        assert sha256(path) == sha256(real), (seed, done)
        apply_patch(read_patch(tmp_path / "undo"), path, None)
        assert sha256(path) == before, (seed, done)
        same, changing = same + 1, changing + bool(preview.patch.ranges)
        (tmp_path / "undo").unlink()
    assert same > 140
    assert changing > 80


def damaged(path: Path) -> Image:
    """A leak and a cluster in use without a refcount."""
    image = build(Recipe(l2_tables=2, fill=0.003))
    first, second = image.data_entries()[:2]
    image.put_number(first, 0)
    image.set_refcount((image.number(second) & ~(1 << 63)) // image.cluster_size, 0)
    write_filled(image, path)
    return image


def test_the_metadata_alone_gives_the_same_preview(tmp_path: Path) -> None:
    path, packed = tmp_path / "image", tmp_path / "packed.tar.gz"
    damaged(path)
    expected = preview_of(path, tmp_path / "work")
    assert expected.numbers["leaks-fixed"] == 1
    assert expected.qemu_exit == 0
    packed.write_bytes(pack(path, suspects=True)[1])
    subprocess.run(["tar", "-xzf", packed, "-C", tmp_path], check=True)

    assert preview_of(tmp_path / "metadata.qcow2", tmp_path / "work") == expected


@pytest.mark.parametrize(
    ("recipe", "words"), [(Recipe(bitmaps=1), "persistent bitmaps"), (Recipe(snapshots=1), "cannot follow")]
)
def test_images_whose_repair_cannot_be_foretold_are_refused(
    tmp_path: Path, recipe: Recipe, words: str
) -> None:
    path = tmp_path / "image"
    image = build(recipe)
    if recipe.snapshots:
        image.put(image.offsets("snapshots")[0] + 36, b"\xff" * 4)
    image.write(path)
    with pytest.raises(NoPreview, match=words):
        preview_of(path, tmp_path / "work")


def test_luks_images_are_refused(tmp_path: Path) -> None:
    make_luks(tmp_path / "image", "qcow2")
    with pytest.raises(NoPreview, match="passphrase"):
        preview_of(tmp_path / "image", tmp_path / "work")

    # The metadata alone says that it is not encrypted, and its LUKS header counts as leaked.
    alone = tar(pack(tmp_path / "image", suspects=True)[1], tmp_path)
    with pytest.raises(NoPreview, match="passphrase"):
        preview_of(alone, tmp_path / "work")


def test_a_repair_that_would_swell_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image"
    image = build(Recipe())
    image.put_number(image.offsets("refcount-table")[0] + 8, 1 << 50)
    image.write(path)
    with pytest.raises(NoPreview, match="do not repair the only copy"):
        preview_of(path, tmp_path / "work")


def test_without_a_sandbox_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "labtools.sandbox.programs.is_available", lambda: sandbox.Availability(False, "Not allowed.")
    )
    damaged(tmp_path / "image")
    with pytest.raises(NoPreview, match="Not allowed"):
        preview_of(tmp_path / "image", tmp_path / "work")


def test_a_patch_fits_one_image_in_one_state_only(tmp_path: Path) -> None:
    path, undo = tmp_path / "image", tmp_path / "undo"
    image = damaged(path)
    patch = preview_of(path, tmp_path / "work").patch
    data = image.number(image.data_entries()[-1]) & ~(1 << 63)

    with path.open("r+b") as file:
        file.seek(data)
        file.write(b"the guest wrote on")
    apply_patch(patch, path, undo)
    with pytest.raises(WrongImage):
        apply_patch(patch, path, tmp_path / "second")
    assert not (tmp_path / "second").exists()

    with path.open("r+b") as file:
        file.seek(patch.ranges[0].offset)
        file.write(b"?")
    with pytest.raises(WrongImage):
        apply_patch(read_patch(undo), path, None)


def test_patches_are_read_by_strict_rules(tmp_path: Path) -> None:
    path = tmp_path / "patch"
    good = Patch("patch", 10, 12, (Range(2, 3), Range(9, 2)), b"abcde", "guard", ())
    bad = [
        Patch("patch", 10, 12, (Range(2, 3), Range(4, 2)), b"abcde", "guard"),
        Patch("patch", 10, 12, (Range(2, 3), Range(9, 9)), b"abcde", "guard"),
        Patch("other", 10, 12, (Range(2, 3),), b"abc", "guard"),
        Patch("patch", 10, -1, (), b"", "guard"),
        Patch("patch", 10, 12, (Range(2, 3),), b"ab", "guard"),
        Patch("patch", 10, 12, (Range(2, 3),), b"abcd", "guard"),
    ]
    for patch in [good, *bad]:
        with path.open("wb") as file:
            write_patch(patch, file)
        if patch is good:
            assert read_patch(path) == good
            continue
        with pytest.raises(SkeletonError):
            read_patch(path)
    path.write_bytes(b"QFI\xfb")
    with pytest.raises(SkeletonError):
        read_patch(path)


def test_an_undo_holds_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    patch = Patch("patch", 10, 12, (Range(2, 3), Range(9, 2)), b"abcde", "guard", ())
    with open_image(path) as source:
        undo = make_undo(source, patch)
    assert (undo.ranges, undo.data) == ((Range(2, 3), Range(9, 1)), b"2349")
    assert (undo.length_before, undo.length_after) == (12, 10)


# ------------------------------------------------------------------------------------- the commands


def test_from_preview_to_patch_and_back(tmp_path: Path) -> None:
    path, patch, undo = tmp_path / "image", tmp_path / "patch", tmp_path / "undo"
    damaged(path)
    before = sha256(path)
    done = run("preview-repair", path, "-o", patch, "--undo", tmp_path / "beforehand")

    assert (done.returncode, done.stderr) == (0, "")
    assert "would mend 1 corruption and 1 leak; 0 corruptions and 0 leaks would stay." in done.stdout
    assert "Stop the guest, copy the file" in done.stdout
    assert "A lost L2 table may be among them" in done.stdout
    assert sha256(path) == before

    assert run("apply-patch", patch, path).returncode == 2
    assert sha256(path) == before
    assert run("apply-patch", patch, path, "--undo", undo).returncode == 0
    assert undo.read_bytes() == (tmp_path / "beforehand").read_bytes()
    assert run("check", path).returncode == 0
    assert run("apply-patch", undo, path).returncode == 0
    assert sha256(path) == before


def test_a_preview_from_packed_metadata(tmp_path: Path) -> None:
    path, packed, patch = tmp_path / "image", tmp_path / "packed", tmp_path / "patch"
    image = damaged(path)
    assert run("skeleton", path, "-o", packed).returncode == 0
    done = run("preview-repair", packed, "-o", patch)
    assert (done.returncode, done.stderr) == (0, "")
    shutil.copy(path, tmp_path / "real")
    assert repair(image, tmp_path / "real") == 0
    assert run("apply-patch", patch, path, "--undo", tmp_path / "undo").returncode == 0
    assert sha256(path) == sha256(tmp_path / "real")


def test_no_preview_from_metadata_that_leaves_something_out(tmp_path: Path) -> None:
    path, packed = tmp_path / "image", tmp_path / "packed"
    image = build(Recipe())
    image.put_number(image.offsets("l1")[0], 1 << 63 | 0x1234)
    image.write(path)
    assert run("skeleton", path, "-o", packed, "--leave-out-suspects").returncode == 0
    done = run("preview-repair", packed)
    assert done.returncode == 1
    assert "leaves out ranges" in done.stderr
