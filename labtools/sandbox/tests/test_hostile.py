"""Hostile images and a qemu-img that misbehaves: each ends in a result within its bounds, and nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from labtools.qcow2.tests.makers import make_luks
from labtools.sandbox import (
    Availability,
    Finished,
    Limits,
    Outcome,
    ProgramMissing,
    image_check,
    image_info,
    run_bounded,
)
from labtools.sandbox import qemu_img as module

from .images import create, write_hungry_image, write_image_with_snapshots, write_shouting_image
from .processes import new_marker, running, wait_until_gone, wait_until_running


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return create(tmp_path / "image.qcow2", "1M")


def fake_qemu_img(tmp_path: Path, script: str) -> Path:
    """A program in place of qemu-img; it answers `--version`, which is asked outside the sandbox."""
    path = tmp_path / "fake-qemu-img"
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "qemu-img version 0 (fake)" && exit\n{script}\n'
    )
    path.chmod(0o755)
    return path


def test_image_that_shouts_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "shouting"
    write_shouting_image(path)
    tracemalloc.start()
    started = time.monotonic()

    check = image_check(path)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.monotonic() - started < 30
    assert peak < 64 * 2**20
    assert check.run.outcome is Outcome.OUTPUT
    assert check.run.sentence == (
        "qemu-img was stopped when it had written more than 4,194,304 bytes; its totals are unknown."
    )
    assert (check.numbers, check.run.stderr_truncated, len(check.run.raw_stderr)) == (None, True, 256 * 1024)
    assert {message.code for message in check.messages} == {"beyond-end-of-file", "l2-reserved-bits"}
    assert all(message.count > 10_000 and len(message.examples) == 20 for message in check.messages)


def test_image_that_needs_gigabytes_meets_the_memory_limit(tmp_path: Path) -> None:
    path = tmp_path / "hungry"
    write_hungry_image(path)

    check = image_check(path)

    assert path.stat().st_blocks * 512 <= 8192
    assert check.run.outcome is Outcome.MEMORY
    assert check.run.sentence == "qemu-img needed more than the 1,024 MiB of memory it was given."
    assert check.run.seconds < 10
    assert image_info(path).run.outcome is Outcome.INFO


def test_memory_too_small_to_start_is_a_clear_result(image: Path) -> None:
    check = image_check(image, limits=Limits(memory_bytes=16 * 2**20))

    assert (check.run.outcome, check.numbers) == (Outcome.MEMORY, None)
    assert check.run.sentence == "qemu-img needed more than the 16 MiB of memory it was given."


def test_backing_file_is_never_opened(tmp_path: Path) -> None:
    path = create(tmp_path / "child.qcow2", "-u", "-b", "/etc/passwd", "-F", "raw", "1M")
    gone = create(tmp_path / "orphan.qcow2", "-u", "-b", "/no/such/backing", "-F", "raw", "1M")
    # Without the override qemu-img follows the name; with it, a name that leads nowhere does no harm.
    bare = run_bounded(["qemu-img", "check", os.fspath(gone)], limits=Limits())
    assert b"Could not open backing file" in bare.stderr

    for each in (path, gone):
        check, info = image_check(each), image_info(each)
        assert (check.run.outcome, check.run.raw_stderr) == (Outcome.CLEAN, "")
        assert info.information is not None
        assert info.run.raw_stderr == ""
    info = image_info(path)
    assert info.information is not None
    assert info.information["backing-filename"] == "/etc/passwd"
    assert "root:" not in info.run.raw_stdout
    assert "full-backing-filename" not in info.information or "backing-image" not in info.information


def test_data_file_is_replaced_by_zeroes(tmp_path: Path) -> None:
    data = tmp_path / "guest.raw"
    path = create(tmp_path / "image.qcow2", "-o", f"data_file={data},data_file_raw=on", "8M")
    data.unlink()

    check = image_check(path, has_external_data_file=True, data_file_size=8 * 2**20)
    info = image_info(path, has_external_data_file=True, data_file_size=8 * 2**20)

    assert check.run.outcome is Outcome.CLEAN
    assert check.numbers is not None
    assert check.numbers.allocated_clusters == 128
    assert info.information is not None
    assert info.information["format-specific"]["data"]["data-file"] == os.fspath(data)
    # QEMU must be told: without the feature bit a data file is refused, and with it one is needed.
    assert image_check(path).run.outcome is Outcome.FAILED


@pytest.mark.parametrize("size", [-1, 0, 2**63, 2**64 - 1])
def test_any_size_of_the_data_file_is_bearable(tmp_path: Path, size: int) -> None:
    path = create(tmp_path / "image.qcow2", "-o", f"data_file={tmp_path / 'guest.raw'}", "8M")

    assert image_check(path, has_external_data_file=True, data_file_size=size).run.outcome is Outcome.CLEAN


def test_aes_image_is_checked_without_its_key(tmp_path: Path) -> None:
    options = "encrypt.format=aes,encrypt.key-secret=key"
    path = create(tmp_path / "aes", "--object", "secret,id=key,data=pass", "-o", options, "1M")

    assert image_check(path, encryption="aes").run.outcome is Outcome.CLEAN
    assert image_info(path).run.outcome is Outcome.INFO


def test_luks_image_is_described_but_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "luks"
    make_luks(path, "qcow2")

    check = image_check(path, encryption="luks")

    assert (check.run.outcome, check.run.ran, check.numbers) == (Outcome.NEEDS_KEY, False, None)
    assert "cannot open an image encrypted with LUKS without its passphrase" in check.run.sentence
    info = image_info(path)
    assert info.information is not None
    assert info.information["encrypted"] is True
    # Taken for unencrypted, it is refused with QEMU's own reason.
    assert image_check(path).run.sentence == (
        "qemu-img gave up: Parameter 'encrypt.key-secret' is required for cipher."
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Image is not in qcow2 format."),
        (b"root:x:0:0", "Image is not in qcow2 format."),
        (b"QFI\xfb\0\0\0\x09" + bytes(504), "Unsupported qcow2 version 9."),
    ],
)
def test_other_files_are_refused_in_a_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    for run in (image_check(path).run, image_info(path).run):
        assert (run.outcome, run.exit_code) == (Outcome.FAILED, 1)
        assert run.sentence in (
            f"qemu-img gave up: {reason}",
            "qemu-img gave up: Image is not in qcow2 format.",
        )


def test_only_regular_files_are_taken(tmp_path: Path, image: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(image)
    os.mkfifo(pipe)

    for path in (link, pipe, tmp_path):
        with pytest.raises(ValueError, match="must be a regular file"):
            image_check(path)
        with pytest.raises(ValueError, match="must be a regular file"):
            image_info(path)


def test_names_with_control_characters_are_spelled_out(tmp_path: Path) -> None:
    path = tmp_path / "names"
    names = [b"\x1b[31mred", b"a\0b", "\u202etxt.exe".encode(), b"\xff\xfe", "मुंबई".encode()]
    write_image_with_snapshots(path, names, l1_offset=65536 * 3)

    info = image_info(path)

    assert info.information is not None
    shown = [snapshot["name"] for snapshot in info.information["snapshots"]]
    assert shown[0] == "\\x1b[31mred"
    assert shown[2] == "\\u202etxt.exe"
    assert shown[4] == "मुंबई"
    text = json.dumps(info.to_json_dict(), ensure_ascii=False)
    assert text.encode()  # no lone surrogate
    assert not [
        char for char in info.run.raw_stdout + "".join(shown) if ord(char) < 32 and char not in "\n\t"
    ]


def test_name_that_forges_a_message_changes_no_verdict(tmp_path: Path) -> None:
    path = tmp_path / "forged"
    write_image_with_snapshots(path, [b"x\nLeaked cluster 1 refcount=1 reference=0\n Cannot allocate memory"])

    check = image_check(path)

    assert check.run.outcome is not Outcome.MEMORY
    assert check.numbers is None or check.numbers.corruptions > 0


# A qemu-img that goes wrong in every way that a bug in it could make it.


def test_sleeper_that_ignores_term_ends_at_the_clock(tmp_path: Path, image: Path) -> None:
    marker = new_marker()
    program = fake_qemu_img(tmp_path, f"trap '' TERM INT HUP XCPU\nsleep {marker}\nsleep {marker}")

    check = image_check(image, limits=Limits(wall_seconds=0.5), program=program)

    assert (check.run.outcome, check.run.signal) == (Outcome.TIMEOUT, signal.SIGKILL)
    # Ended from the inside, which is quick; the moment for a leader that stays is not needed.
    assert check.run.seconds < 1.4
    assert check.run.sentence == "qemu-img was stopped after 0.5 s without a result."
    assert running(marker) == []


def test_children_that_linger_are_ended(tmp_path: Path, image: Path) -> None:
    marker = new_marker()
    program = fake_qemu_img(tmp_path, f"setsid sleep {marker} &\nsleep {marker} &\nsleep 0.2\necho '{{}}'")

    check = image_check(image, program=program)

    assert check.run.outcome is Outcome.CLEAN
    assert running(marker) == []


def test_endless_output_on_both_streams_is_cut_off(tmp_path: Path, image: Path) -> None:
    marker = new_marker()
    program = fake_qemu_img(tmp_path, f"sleep {marker} &\nyes >&2 &\nyes")

    check = image_check(image, program=program, limits=Limits(stdout_bytes=10_000, stderr_bytes=10_000))

    assert check.run.outcome is Outcome.OUTPUT
    assert max(len(check.run.raw_stdout), len(check.run.raw_stderr)) == 10_000
    assert running(marker) == []


@pytest.mark.parametrize(
    ("script", "outcome", "sentence"),
    [
        ("kill -SEGV $$", Outcome.KILLED, "qemu-img was ended by signal 11."),
        ("while :; do :; done", Outcome.CPU, "qemu-img was stopped after 1 s of processor time."),
        ("echo nonsense; exit 0", Outcome.FAILED, "qemu-img check wrote something that is not its JSON."),
        ("echo '[1]'; exit 2", Outcome.FAILED, "qemu-img check wrote something that is not its JSON."),
        (
            "printf '[%.0s' $(seq 100000); exit 3",
            Outcome.FAILED,
            "qemu-img check wrote something that is not its JSON.",
        ),
        ("echo why >&2; exit 63", Outcome.FAILED, "qemu-img gave up: why."),
        ("exit 1", Outcome.FAILED, "qemu-img gave up: no reason given."),
    ],
)
def test_every_end_has_a_sentence(
    tmp_path: Path, image: Path, script: str, outcome: Outcome, sentence: str
) -> None:
    check = image_check(image, program=fake_qemu_img(tmp_path, script), limits=Limits(cpu_seconds=1))

    assert (check.run.outcome, check.run.sentence, check.numbers) == (outcome, sentence, None)
    # The shell that stands as first process in the sandbox adds no word of its own.
    assert check.run.raw_stderr == ("why\n" if "why" in script else "")


# Lets its children's orphans come to itself, as init does, and counts those that nobody reaped.
COUNT_ORPHANS = """
import ctypes, sys
from pathlib import Path
from labtools.sandbox import Limits, image_check
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
for seconds in (20, 0.5):
    outcome = image_check(Path(sys.argv[1]), program=Path(sys.argv[2]), limits=Limits(wall_seconds=seconds))
    print(outcome.run.outcome, Path("/proc/thread-self/children").read_text().split())
    sys.argv[2] = sys.argv[3]
"""


def test_nothing_is_left_for_init_to_reap(tmp_path: Path, image: Path) -> None:
    lingering = fake_qemu_img(tmp_path, "setsid sleep 60 &\necho '{}'")
    (tmp_path / "other").mkdir()
    sleeping = fake_qemu_img(tmp_path / "other", "setsid sleep 60 &\nsleep 60")

    said = subprocess.run(
        [sys.executable, "-c", COUNT_ORPHANS, image, lingering, sleeping], stdout=subprocess.PIPE, check=True
    )

    assert said.stdout.decode().splitlines() == ["clean []", "timeout []"]


def test_without_a_sandbox_qemu_img_is_not_run(
    tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "is_available", lambda: Availability(False, "bwrap is not installed."))
    monkeypatch.setattr(module, "run_bounded", lambda *_, **__: pytest.fail("qemu-img was run"))
    monkeypatch.setattr(module, "qemu_img_version", lambda _program: None)

    for run in (image_check(image).run, image_info(image).run):
        assert (run.outcome, run.ran, run.exit_code) == (Outcome.UNAVAILABLE, False, None)
        assert run.sentence == (
            "qemu-img was not run, because no sandbox can be made here. bwrap is not installed."
        )


def test_run_does_without_what_the_trial_could_not_have(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def run(argv: list[str], *, limits: Limits) -> Finished:
        commands.append(argv)
        return run_bounded(argv, limits=limits)

    monkeypatch.setattr(module, "is_available", lambda: Availability(True, disables_userns=False))
    monkeypatch.setattr(module, "run_bounded", run)

    assert image_check(image).run.outcome is Outcome.CLEAN
    assert "--unshare-all" in commands[-1]
    assert "--disable-userns" not in commands[-1]


def test_missing_qemu_img_is_named(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> str:
        raise ProgramMissing(f"{name} is not installed")

    monkeypatch.setattr(module, "find_program", find)

    run = image_check(image).run

    assert (run.outcome, run.qemu_version) == (Outcome.UNAVAILABLE, None)
    assert run.sentence == "qemu-img was not run: qemu-img is not installed. Install the package qemu-utils."


def test_killed_caller_leaves_nothing_running(tmp_path: Path, image: Path) -> None:
    marker = new_marker()
    program = fake_qemu_img(tmp_path, f"setsid sleep {marker} &\nsleep {marker}")
    code = (
        "import sys; from pathlib import Path; from labtools.sandbox import image_check;"
        "image_check(Path(sys.argv[1]), program=Path(sys.argv[2]))"
    )
    with subprocess.Popen([sys.executable, "-c", code, os.fspath(image), os.fspath(program)]) as caller:
        wait_until_running(marker, count=2)
        caller.kill()

    wait_until_gone(marker)
    # The sandbox itself is gone too, not only what ran in it.
    wait_until_gone(os.fspath(image))
