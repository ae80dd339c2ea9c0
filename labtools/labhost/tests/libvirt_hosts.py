"""libvirt for tests: a libvirtd of their own, its test driver, and how labprobe sees either."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from labtools.labhost.inventory import Inventory, read_section

STATE = ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt", "/run/libvirt")
#: labprobe without its QEMU part, asking as :class:`labprobe.Library` or as :class:`labprobe.Virsh` does.
RUN = """
import sys
from labtools.labhost import labprobe
labprobe.Library = getattr(labprobe, sys.argv[1])
labprobe.LIBVIRT_LIMIT = float(sys.argv[2])
labprobe.find_binaries = lambda **_: []
sys.exit(labprobe.main(sys.argv[3:]))
"""


@contextmanager
def private_libvirtd(folder: Path) -> Iterator[Path]:
    """A libvirtd with nothing of this machine's state, in a PID namespace that ends with it; yields its sockets."""
    access = ["auth_unix_ro", "auth_unix_rw"]
    lines = [f'unix_sock_dir = "{folder}"', *(f'{key} = "none"' for key in access)]
    (folder / "libvirtd.conf").write_text("\n".join(lines) + "\n")
    argv = ["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--die-with-parent"]
    for path in STATE:
        argv += ["--tmpfs", path]
    argv += ["libvirtd", "-f", str(folder / "libvirtd.conf"), "-p", str(folder / "pid")]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL) as process,
    ):
        try:
            until = time.monotonic() + 20
            while not (folder / "libvirt-sock-ro").exists():
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, "libvirtd made no socket"
                time.sleep(0.05)
            yield folder
        finally:
            process.kill()


def virsh(folder: Path, *arguments: str) -> None:
    """Change something on the private libvirtd of ``folder``."""
    uri = f"qemu:///system?socket={folder}/libvirt-sock"
    subprocess.run(["virsh", "-q", "-c", uri, *arguments], check=True, stdout=subprocess.DEVNULL)


def ask_libvirt(*arguments: str, through: str = "Library", limit: float = 20) -> dict[str, Any]:
    """The ``libvirt`` section of labprobe's document with these arguments."""
    argv = [sys.executable, "-c", RUN, through, str(limit), *arguments]
    document = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=60).stdout)
    section = document["libvirt"]
    assert isinstance(section, dict)
    return section


@cache
def demonstration() -> Inventory:
    """What labprobe finds on libvirt's test driver."""
    return read_section(ask_libvirt("--demonstration"))
