"""Looking for processes that ought to be gone."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

_numbers = itertools.count(1)


def new_marker() -> str:
    """A number of seconds that nobody else sleeps, so that its sleeper can be found by its command line."""
    return f"3{os.getpid():07d}.{next(_numbers):03d}"


def running(marker: str) -> list[int]:
    """Ids of processes with the marker among their arguments, in sandboxes as well."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if marker.encode() in arguments:
                found.append(int(entry.name))
    return found


def wait_until_running(marker: str, *, count: int, seconds: float = 20) -> None:
    """Return once `count` processes carry the marker; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while len(running(marker)) < count:
        assert time.monotonic() < deadline, f"no process with {marker}"
        time.sleep(0.02)


def wait_until_gone(marker: str, *, seconds: float = 10) -> None:
    """Return once no process carries the marker; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while running(marker):
        assert time.monotonic() < deadline, f"still running: {running(marker)}"
        time.sleep(0.02)
