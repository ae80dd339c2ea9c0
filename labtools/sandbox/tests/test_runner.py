"""Bounds of a run, with trusted programs that misbehave on purpose and no sandbox around them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from labtools.sandbox import EndedBecause, Finished, Limits, ProgramMissing, run_bounded

from .processes import new_marker, running, wait_until_gone, wait_until_running


def shell(script: str, limits: Limits | None = None) -> Finished:
    return run_bounded(["/bin/sh", "-c", script], limits=limits or Limits(wall_seconds=20))


def test_output_and_exit_code_come_back() -> None:
    finished = shell("echo out; echo err >&2; exit 3")

    assert (finished.exit_code, finished.signal, finished.ended_because) == (3, None, EndedBecause.EXIT)
    assert (finished.stdout, finished.stderr) == (b"out\n", b"err\n")
    assert not finished.stdout_truncated
    assert not finished.stderr_truncated


def test_stdin_is_empty() -> None:
    assert shell("cat").stdout == b""


def test_environment_of_the_portal_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")

    names = {line.split(b"=")[0] for line in shell("env").stdout.splitlines()}

    assert names == {b"PATH", b"LC_ALL", b"PWD"}


def test_program_that_is_not_installed_is_named() -> None:
    with pytest.raises(ProgramMissing, match="no-such-program is not installed"):
        run_bounded(["no-such-program"], limits=Limits())


def test_clock_ends_a_program_that_ignores_term() -> None:
    marker = new_marker()

    finished = shell(f"trap '' TERM HUP INT; sleep {marker}; sleep {marker}", Limits(wall_seconds=0.3))

    assert finished.ended_because is EndedBecause.TIMEOUT
    assert (finished.exit_code, finished.signal) == (None, signal.SIGKILL)
    assert 0.3 <= finished.seconds < 5
    assert running(marker) == []


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_bound_keeps_exactly_so_much_and_kills(stream: str) -> None:
    redirect = ">&2" if stream == "stderr" else ""

    finished = shell(f"yes {redirect}", Limits(wall_seconds=20, stdout_bytes=100_000, stderr_bytes=100_000))

    assert finished.ended_because is EndedBecause.OUTPUT
    assert finished.seconds < 10
    kept, other = finished.stdout, finished.stderr
    truncated = finished.stdout_truncated, finished.stderr_truncated
    if stream == "stderr":
        kept, other, truncated = other, kept, truncated[::-1]
    assert kept == b"y\n" * 50_000
    assert (other, truncated) == (b"", (True, False))


def test_output_of_exactly_the_bound_is_no_offence() -> None:
    finished = shell("printf 12345678", Limits(wall_seconds=20, stdout_bytes=8))

    assert (finished.ended_because, finished.stdout_truncated) == (EndedBecause.EXIT, False)
    assert finished.stdout == b"12345678"


def test_child_that_lingers_is_killed_with_its_group() -> None:
    marker = new_marker()

    finished = shell(f"sleep {marker} & echo done")

    assert (finished.exit_code, finished.stdout) == (0, b"done\n")
    # It held the pipes: the run waits a moment for more output, then ends it.
    assert finished.seconds < 5
    assert running(marker) == []


def test_program_that_closes_its_pipes_is_still_waited_for() -> None:
    finished = shell("exec >&- 2>&-; sleep 0.3; exit 7")

    assert (finished.exit_code, finished.ended_because) == (7, EndedBecause.EXIT)
    assert finished.seconds >= 0.3


def test_signal_is_told_from_an_exit() -> None:
    finished = shell("kill -ABRT $$")

    assert (finished.exit_code, finished.signal) == (None, signal.SIGABRT)
    assert finished.ended_because is EndedBecause.SIGNAL


def test_signal_of_a_child_is_reported_as_bubblewrap_does() -> None:
    finished = shell("exit 134")

    assert (finished.exit_code, finished.signal) == (None, signal.SIGABRT)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 'qemu-img: Check failed: Cannot allocate memory' >&2; exit 1", EndedBecause.MEMORY),
        ("echo 'gmem.c:136: failed to allocate 64 bytes' >&2; exit 133", EndedBecause.MEMORY),
        # A verdict stands, whatever an image has written into it.
        ("echo 'ERROR snapshot 1 (Cannot allocate memory) l1_offset=0x1' >&2; exit 2", EndedBecause.EXIT),
        ("exit 152", EndedBecause.CPU),
    ],
)
def test_reason_is_read_from_the_end(script: str, expected: EndedBecause) -> None:
    assert shell(script).ended_because is expected


def test_child_is_reaped_and_pipes_are_closed() -> None:
    children = Path("/proc/thread-self/children")
    before = set(os.listdir("/proc/self/fd")), children.read_text()

    shell("yes", Limits(wall_seconds=20, stdout_bytes=10))

    assert (set(os.listdir("/proc/self/fd")), children.read_text()) == before


def test_exception_in_the_caller_still_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    marker = new_marker()

    class Interrupted(Exception):
        """Stands for Celery's soft time limit, which is raised wherever the task happens to be."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise Interrupted

    previous = signal.signal(signal.SIGUSR1, interrupt)
    try:
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        with pytest.raises(Interrupted):
            shell(f"sleep {marker}")
    finally:
        timer.cancel()
        signal.signal(signal.SIGUSR1, previous)

    assert running(marker) == []


def test_runs_from_a_thread_do_not_end_early() -> None:
    results: list[Finished] = []
    thread = threading.Thread(target=lambda: results.append(shell("sleep 0.2; echo slept")))
    thread.start()
    thread.join()

    assert results[0].stdout == b"slept\n"


def test_killed_caller_leaves_nothing_running() -> None:
    marker = new_marker()
    code = f"from labtools.sandbox import *; run_bounded(['sleep', '{marker}'], limits=Limits())"
    with subprocess.Popen([sys.executable, "-c", code]) as caller:
        # The sleeper itself; the marker within the caller's own code is no argument of its own.
        wait_until_running(marker, count=1)
        caller.kill()

    wait_until_gone(marker)
