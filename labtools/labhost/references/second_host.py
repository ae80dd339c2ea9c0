"""A second real host for the tests: Debian 13's QEMU 10.0 for x86_64, unpacked under ``var/``.

``bin/bootstrap test`` runs this; tests take the fixture ``second_host`` and use no network.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from .debian import MIRROR, DebianError, Suite
from .root import keep_binaries, make_root

ROOT = Path("var/second-host")
SUITE, TARGET = "trixie", "x86_64"
#: Firmware for guests, and what only maintainer scripts use.
_WITHOUT = frozenset(
    ("qemu-system-data", "seabios", "ipxe-qemu", "dpkg", "tar", "adduser", "passwd", "login.defs", "tzdata")
)


def ensure(root: Path = ROOT, mirror: str = MIRROR) -> bool:
    """Make ``root`` unless it is there; returns whether it was made. :class:`DebianError` if it cannot be."""
    if root.is_dir():
        return False
    beside = root.with_name(root.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        suite = Suite(SUITE, beside / "apt", mirror)
        suite.update()
        make_root(suite, beside / "root", ["qemu-system-x86"], _WITHOUT)
        for unused in ("usr/share/doc", "usr/share/man", "usr/share/locale"):
            shutil.rmtree(beside / "root" / unused, ignore_errors=True)
        keep_binaries(beside / "root", [TARGET])
        (beside / "root").rename(root)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


if __name__ == "__main__":
    try:
        ensure()
    except DebianError as error:
        sys.exit(f"the tests' second host, QEMU of Debian's {SUITE}: {error}")
