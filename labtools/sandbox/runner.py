"""Run one program so that it cannot outstay, outgrow or outlive its welcome.

The reader is bounded on both streams and the clock is bounded as a whole. Closing a pipe is not enough to
stop `qemu-img`, which ignores SIGPIPE, so whoever passes a bound is killed with its whole process group.

Processor time, memory and file size are limits of the kernel; :mod:`labtools.sandbox.bubblewrap` sets them
inside the sandbox, where they bind the hostile work and not the set-up around it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

MIB = 1024 * 1024

# How long a program that has exited may leave its pipes open before its group is killed.
_GRACE_SECONDS = 1.0
# How long the last reader waits for the killed to let go of the pipes.
_DRAIN_SECONDS = 5.0
_CHUNK = 64 * 1024

# What glibc, its loader, GLib and QEMU write when an allocation is refused (gmem.c, qemu_memalign,
# strerror(ENOMEM)); the loader gives up with exit code 127.
_MEMORY_MARKS = (
    b"Cannot allocate memory",
    b"failed to allocate",
    b"Failed to allocate",
    b"out of memory",
    b"qemu_thread_create: ",
    b"failed to map segment from shared object",
)

# A fixed environment: nothing of the portal's (keys, addresses) reaches a child, and messages stay in
# English.
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class EndedBecause(StrEnum):
    """Why a program stopped."""

    EXIT = "exit"  #: it ended by itself; look at the exit code
    TIMEOUT = "timeout"  #: killed: the wall clock ran out
    OUTPUT = "output"  #: killed: it wrote more than the bound on stdout or stderr
    MEMORY = "memory"  #: the memory limit refused it an allocation
    CPU = "cpu"  #: the kernel ended it at the limit of processor time
    SIGNAL = "signal"  #: ended by another signal, its own fault or someone else's kill


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run. Bytes and seconds throughout.

    `memory_bytes` is address space (RLIMIT_AS), of which an idle qemu-img takes about 100 MiB. The two output
    bounds say how much is kept; one byte more and the program is killed. `file_bytes` (RLIMIT_FSIZE) is the length
    to which a file may grow.
    """

    wall_seconds: float = 60.0
    cpu_seconds: int = 60
    memory_bytes: int = 1024 * MIB
    stdout_bytes: int = 4 * MIB
    stderr_bytes: int = 4 * MIB
    open_files: int = 64
    processes: int = 256
    file_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended and what it wrote.

    Exactly one of `exit_code` and `signal` is a number. An exit code of 128+n, by which bubblewrap (and any
    shell) reports that its child died of signal n, is given as that signal.
    """

    exit_code: int | None
    signal: int | None
    stdout: bytes
    stderr: bytes
    stdout_truncated: bool
    stderr_truncated: bool
    seconds: float
    ended_because: EndedBecause


class ProgramMissing(LookupError):
    """A program that the run needs is not installed; the message names it."""


class _Reader:
    """Keeps at most `limit` bytes of a pipe and notices the first byte beyond."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self.stream = stream
        self.limit = limit
        self.kept = bytearray()
        self.truncated = False
        os.set_blocking(stream.fileno(), False)

    def read(self) -> bool:
        """Take what is there; False once the pipe has ended."""
        try:
            chunk = os.read(self.stream.fileno(), _CHUNK)
        except BlockingIOError:
            return True
        room = self.limit - len(self.kept)
        self.kept += chunk[:room]
        self.truncated = self.truncated or len(chunk) > room
        return bool(chunk)


def find_program(name: str) -> str:
    """The full path of a program, or :class:`ProgramMissing`."""
    found = shutil.which(name, path=_ENVIRONMENT["PATH"] + ":/usr/local/bin")
    if found is None:
        raise ProgramMissing(f"{name} is not installed")
    return found


def run_bounded(
    argv: Sequence[str], *, limits: Limits, environment: Mapping[str, str] | None = None
) -> Finished:
    """Run `argv` to its end or to a bound, whichever comes first, and leave no process behind.

    The program has its own session, an empty stdin and a small fixed environment. It is killed when the
    *thread* that called this dies (PR_SET_PDEATHSIG, set by `setpriv`, follows the thread that forked); the
    call blocks that thread until the program is reaped, so in practice that means: when the caller's
    process dies. A program outside a sandbox could still escape with setsid(); only trusted ones are run
    that way.

    Raises :class:`ProgramMissing` when `setpriv` or the program is not installed.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        [find_program("setpriv"), "--pdeathsig", "KILL", "--", find_program(argv[0]), *argv[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=dict(_ENVIRONMENT if environment is None else environment),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    readers = (_Reader(process.stdout, limits.stdout_bytes), _Reader(process.stderr, limits.stderr_bytes))
    try:
        ended = _collect(process.pid, readers, started + limits.wall_seconds)
    finally:
        # Whatever went wrong, an exception in this thread included, the group dies and is reaped.
        _end(process, readers)
    return _finished(process.returncode, ended, *readers, seconds=time.monotonic() - started)


def _collect(pid: int, readers: tuple[_Reader, _Reader], deadline: float) -> EndedBecause:
    """Read both pipes until the program has exited or a bound is passed."""
    exited = False
    pidfd = os.pidfd_open(pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(pidfd, selectors.EVENT_READ)
            for reader in readers:
                selector.register(reader.stream, selectors.EVENT_READ, reader)
            while selector.get_map():
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return EndedBecause.EXIT if exited else EndedBecause.TIMEOUT
                for key, _ in selector.select(remaining):
                    if key.data is None:
                        exited = True
                        deadline = min(deadline, time.monotonic() + _GRACE_SECONDS)
                        selector.unregister(key.fileobj)
                    elif not key.data.read():
                        selector.unregister(key.fileobj)
                if any(reader.truncated for reader in readers):
                    return EndedBecause.OUTPUT
        return EndedBecause.EXIT
    finally:
        os.close(pidfd)


def _end(process: subprocess.Popen[bytes], readers: tuple[_Reader, _Reader]) -> None:
    """Kill what is left, wait until nobody holds the pipes, reap.

    Killing comes before reaping: until it is reaped, the leader's id cannot be given to another process, so
    the signal cannot hit a stranger. The pipes end only when the last process in the sandbox is gone.
    """
    _kill_children(process.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    _drain(readers)
    process.wait()
    for reader in readers:
        reader.stream.close()


def _kill_children(leader: int) -> None:
    """Kill the leader's children and give it a moment to reap them and end.

    With bubblewrap as the leader, its child is the first process of the sandbox: killing that one ends the
    sandbox, and bubblewrap reaps it. Killed at the same time as bubblewrap, it would be left as a zombie to
    an init process, which many a container does not have.
    """
    children = Path(f"/proc/{leader}/task/{leader}/children")
    try:
        for child in children.read_text().split():
            pidfd = os.pidfd_open(int(child))
            with open(pidfd, "rb", buffering=0):
                # Asked again, so that a process which took over the id of a child that just ended is spared.
                if child in children.read_text().split():
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        pidfd = os.pidfd_open(leader)
    except (FileNotFoundError, ProcessLookupError):
        return
    with open(pidfd, "rb", buffering=0), selectors.DefaultSelector() as selector:
        selector.register(pidfd, selectors.EVENT_READ)
        selector.select(_GRACE_SECONDS)


def _drain(readers: tuple[_Reader, _Reader]) -> None:
    deadline = time.monotonic() + _DRAIN_SECONDS
    with selectors.DefaultSelector() as selector:
        for reader in readers:
            selector.register(reader.stream, selectors.EVENT_READ)
        while selector.get_map() and (remaining := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(remaining):
                try:
                    more = os.read(key.fd, _CHUNK)
                except BlockingIOError:
                    continue
                if not more:
                    selector.unregister(key.fileobj)


def _finished(returncode: int, ended: EndedBecause, out: _Reader, err: _Reader, seconds: float) -> Finished:
    stderr = bytes(err.kept)
    number: int | None = None
    if returncode < 0:
        number = -returncode
    elif returncode > 128:
        number = returncode - 128
    if ended is EndedBecause.EXIT:
        # Only where the program gave up: a snapshot named "out of memory" must not hide another verdict.
        if (number is not None or returncode in (1, 127)) and any(
            mark in stderr[-4096:] for mark in _MEMORY_MARKS
        ):
            ended = EndedBecause.MEMORY
        elif number == signal.SIGXCPU:
            ended = EndedBecause.CPU
        elif number is not None:
            ended = EndedBecause.SIGNAL
    return Finished(
        exit_code=returncode if number is None else None,
        signal=number,
        stdout=bytes(out.kept),
        stderr=stderr,
        stdout_truncated=out.truncated,
        stderr_truncated=err.truncated,
        seconds=seconds,
        ended_because=ended,
    )
