"""Images made by the installed qemu-img."""

from __future__ import annotations

import subprocess
from pathlib import Path


def qemu_img(*arguments: str | Path) -> str:
    """Run qemu-img, which must succeed, and return what it prints."""
    done = subprocess.run(
        ["qemu-img", *map(str, arguments)], check=True, capture_output=True, text=True, timeout=120
    )
    return done.stdout


def make_luks(image: Path, driver: str) -> None:
    """An encrypted image of 8 MiB.

    qemu-img times its key derivation first and gives up where the measured CPU time is implausible, which
    happens by chance on a busy machine, about once in eight times; asking again is the only way.
    """
    prefix = "encrypt." if driver == "qcow2" else ""
    options = f"{prefix}key-secret=s,{prefix}iter-time=10" + (",encrypt.format=luks" if prefix else "")
    command = ["qemu-img", "create", "-q", "--object", "secret,id=s,data=example", "-f", driver]
    for _ in range(20):
        done = subprocess.run(
            [*command, "-o", options, str(image), "8M"],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if "accurate CPU usage" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
