"""The whole pipeline on real files: every one ends in a report, within bounds."""

import dataclasses
import hashlib
import json
import resource
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from labtools import examination, qcow2, sandbox
from labtools.examination import Examination, examine
from labtools.sandbox.tests.images import write_image_with_snapshots, write_shouting_image
from labtools.tests.factories import make_image, make_image_with_snapshot_and_bad_refcount

LIMITS = sandbox.Limits(wall_seconds=30, cpu_seconds=30)
MIB = 1 << 20


def quiet(stage: str, percent: int) -> None:
    """No report of progress."""


def run(path: Path, limits: sandbox.Limits = LIMITS) -> Examination:
    found = examine(path, limits=limits, report=quiet)
    assert len(json.dumps(found.result)) < MIB
    return found


def test_sound_image(tmp_path: Path) -> None:
    path = make_image(tmp_path / "a")
    found = run(path)
    content = path.read_bytes()
    assert (found.length, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert found.verdict == "clean"
    result = found.result
    assert result["format"] == examination.FORMAT
    assert result["header"]["facts"]["virtual_size"] == 16 * MIB
    assert result["info"]["information"]["virtual-size"] == 16 * MIB
    assert result["check"]["numbers"]["corruptions"] == 0
    assert (result["silences"], result["differences"]) == ([], [])
    assert result["versions"]["qemu_img"] == sandbox.qemu_img_version()
    assert set(result["seconds"]) == {"hashing", "header", "reading", "info", "check"}


def test_our_own_check_is_stored_with_its_map(tmp_path: Path) -> None:
    found = run(make_image_with_snapshot_and_bad_refcount(tmp_path / "a"))
    reading = found.result["reading"]

    assert reading["verdict"] == "corrupt"
    assert reading["findings"][0]["code"] == "refcount-too-low"
    assert found.atlas is not None
    atlas = qcow2.read_atlas(found.atlas)
    first = reading["findings"][0]["host_offset"] // atlas.cluster_size
    assert atlas.cluster(first).damaged
    assert "atlas" not in found.result


def test_a_check_that_is_given_up_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = qcow2.CheckBounds(memory_bytes=8)
    monkeypatch.setattr(qcow2, "CheckBounds", lambda **_: narrow)
    found = run(make_image(tmp_path / "a"))

    assert found.result["reading"]["error"]["code"] == "check-bound"
    assert "memory" in found.result["reading"]["error"]["sentence"]
    assert found.atlas is None
    assert found.verdict == "clean"


def test_a_map_that_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "ATLAS_KEPT", 100)

    assert run(make_image(tmp_path / "a")).atlas is None


def test_snapshot_and_corrupted_refcount(tmp_path: Path) -> None:
    found = run(make_image_with_snapshot_and_bad_refcount(tmp_path / "a"))
    assert found.verdict == "corrupt"
    assert [entry["name"] for entry in found.result["header"]["snapshots"]["entries"]] == ["before-update"]
    numbers = found.result["check"]["numbers"]
    assert numbers["corruptions"] > 0
    assert f"counts {numbers['corruptions']} corruption" in found.result["verdict"]["sentence"]
    assert found.result["check"]["messages"][0]["code"] == "refcount-too-low"


@pytest.mark.parametrize(
    "options",
    ["compat=0.10", "cluster_size=512", "extended_l2=on,cluster_size=16k", "preallocation=metadata"],
)
def test_other_kinds_of_sound_images(tmp_path: Path, options: str) -> None:
    found = run(make_image(tmp_path / "a", options=options))
    assert (found.verdict, found.result["differences"]) == ("clean", [])


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (b"", "not_qcow2", "The file is empty."),
        (b"QFI\xfb", "unreadable", "ends inside the header"),
        (b"QFI\xfb\0\0\0\3" + bytes(40), "unreadable", "ends inside the header"),
        (b"\x1f\x8b\x08" + bytes(100), "not_qcow2", "gzip"),
        (b"hello, world\n" * 40, "not_qcow2", "text file"),
        (bytes(1 << 16), "not_qcow2", "nothing but zeros"),
        (b"QED\0" + bytes(4096), "not_qcow2", "QED"),
        (b"vhdxfile" + bytes(4096), "not_qcow2", "VHDX"),
        (bytes(32769) + b"CD001" + bytes(4096), "not_qcow2", "ISO 9660"),
        (b"QFI\xfb\0\0\0\3" + b"\xff" * 4096, "unreadable", "its header is broken"),
        (b"QFI\xfb\0\0\0\x63" + bytes(4096), "unreadable", "its header is broken"),
    ],
)
def test_any_other_file_gets_a_clear_answer(tmp_path: Path, content: bytes, code: str, sentence: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    found = run(path)
    assert found.verdict == code
    assert sentence in found.result["verdict"]["sentence"]
    assert found.result["verdict"]["advice"]


@pytest.mark.parametrize("driver", ["vmdk", "vdi", "vpc", "raw"])
def test_images_of_other_formats(tmp_path: Path, driver: str) -> None:
    path = tmp_path / "a"
    subprocess.run(["qemu-img", "create", "-q", "-f", driver, str(path), "8M"], check=True)
    found = run(path)
    assert found.verdict == "not_qcow2"
    assert f"-f {driver}" in found.result["verdict"]["advice"][0]["command"]
    assert found.result["check"] is None


def test_hostile_workload_is_refused_before_qemu_img_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 KiB on disk, 128 GiB long, 64-bit refcounts in 512-byte clusters: 2 GB of memory for qemu-img."""
    path = make_image(tmp_path / "a", "1M", options="cluster_size=512,refcount_bits=64")
    with path.open("r+b") as file:
        file.truncate(1 << 37)
    monkeypatch.setattr(examination, "_hash", lambda image, report: (1 << 37, "0" * 64))
    monkeypatch.setattr(sandbox, "image_check", lambda *_, **__: pytest.fail("qemu-img was run"))
    started = time.monotonic()
    found = run(path)
    assert time.monotonic() - started < 5
    assert found.verdict == "unchecked"
    assert "2.0" in found.result["verdict"]["detail"]
    assert "memory" in found.result["verdict"]["detail"]
    assert found.result["header"]["opens"] is True


def test_rough_estimate_refuses_only_what_passes_the_limit_threefold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_image(tmp_path / "a")
    with qcow2.open_image(path) as source:
        estimate = qcow2.estimate_check(source)
    for factor, verdict in ((2.9, "clean"), (3.1, "unchecked")):
        costly = dataclasses.replace(estimate, seconds=factor * LIMITS.wall_seconds)
        monkeypatch.setattr(
            qcow2,
            "estimate_check",
            lambda _, limits, e=costly: dataclasses.replace(
                e, refused="too much" if e.seconds > limits.seconds else None
            ),
        )
        assert run(path).verdict == verdict


def test_image_that_shouts_is_cut_off_and_judged(tmp_path: Path) -> None:
    """512 KiB that make qemu-img write gigabytes of messages."""
    write_shouting_image(tmp_path / "a")
    found = run(tmp_path / "a")
    assert found.verdict == "corrupt"
    assert "was stopped after" in found.result["verdict"]["sentence"]
    assert found.result["check"]["run"]["outcome"] == "output"


def test_snapshot_name_that_forges_a_message_changes_no_verdict(tmp_path: Path) -> None:
    write_image_with_snapshots(
        tmp_path / "a", [b"x\nERROR cluster 5 refcount=0 reference=1"], l1_offset=3 << 16
    )
    plain = tmp_path / "b"
    write_image_with_snapshots(plain, [b"plain"], l1_offset=3 << 16)
    assert run(tmp_path / "a").verdict == run(plain).verdict


def test_backing_file_of_the_host_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"TOPSECRET" * 100)
    path = tmp_path / "a"
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(secret), str(path)]
    subprocess.run(argv, check=True)
    found = run(path)
    assert found.verdict == "clean"
    assert found.result["header"]["facts"]["backing_file"] == str(secret)
    assert "TOPSECRET" not in json.dumps(found.result)


def test_qemu_img_that_takes_too_long_leaves_our_own_reading(tmp_path: Path) -> None:
    path = make_image(tmp_path / "a")
    found = run(path, sandbox.Limits(wall_seconds=0.001, cpu_seconds=30))
    assert found.verdict == "unchecked"
    assert found.result["check"]["run"]["outcome"] == "timeout"
    assert found.result["header"]["rules_kept"] is True


def test_raw_output_and_lists_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big = sandbox.InfoResult(
        sandbox.Run(sandbox.Outcome.INFO, "", "7", raw_stdout="x" * 10 * MIB),
        {"snapshots": [{"name": "n" * 10000}] * 5000, "deep": [[[[[[[[[[[[[[1]]]]]]]]]]]]]]},
    )
    monkeypatch.setattr(sandbox, "image_info", lambda *_, **__: big)
    info = run(make_image(tmp_path / "a")).result["info"]
    assert len(info["run"]["raw_stdout"]) == examination.RAW_TEXT_KEPT
    assert info["run"]["stdout_truncated"] is True
    assert len(info["information"]["snapshots"]) == examination.LIST_KEPT
    assert len(info["information"]["snapshots"][0]["name"]) == examination.TEXT_KEPT + 1


def test_progress_of_hashing_and_beats_while_qemu_img_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "BEAT_SECONDS", 0.05)
    original = sandbox.image_check

    def slow(*args: Any, **kwargs: Any) -> sandbox.CheckResult:
        time.sleep(0.3)
        return original(*args, **kwargs)

    monkeypatch.setattr(sandbox, "image_check", slow)
    path = make_image(tmp_path / "a")
    with path.open("r+b") as file:
        file.truncate(8 * MIB)
    seen: list[tuple[str, int]] = []
    examine(path, limits=LIMITS, report=lambda stage, percent: seen.append((stage, percent)))
    assert [percent for stage, percent in seen if stage == "hashing"] == [0, 12, 25, 37, 50, 62, 75, 87, 99]
    assert len([stage for stage, _ in seen if stage == "check"]) >= 3


def test_report_that_raises_ends_the_examination(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(stage: str, percent: int) -> None:
        if stage == "check":
            raise Stop

    with pytest.raises(Stop):
        examine(make_image(tmp_path / "a"), limits=LIMITS, report=stop)


def test_memory_stays_flat_on_two_gigabytes(tmp_path: Path) -> None:
    path = make_image(tmp_path / "a", "4G")
    with path.open("r+b") as file:
        file.truncate(2 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 32 * 1024
