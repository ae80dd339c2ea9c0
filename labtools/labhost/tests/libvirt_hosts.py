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


#: libvirt of Debian and Ubuntu looks its guests' user up even where it shall use another one. On some releases the
#: package that makes this user is the one that also starts a libvirtd on the machine.
QEMU_USER, QEMU_ID = "libvirt-qemu", 64055


def with_qemu_user(folder: Path) -> list[str]:
    """Options of bwrap that add libvirt's user for guests to the users of this machine, which stay as they are."""
    options = []
    for name, line in (
        ("passwd", f"{QEMU_USER}:x:{QEMU_ID}:{QEMU_ID}::/var/lib/libvirt:/usr/sbin/nologin\n"),
        ("group", f"{QEMU_USER}:x:{QEMU_ID}:\n"),
    ):
        known = Path("/etc", name).read_text()
        if f"\n{QEMU_USER}:" not in known:
            (folder / name).write_text(known + line)
            options += ["--ro-bind", str(folder / name), f"/etc/{name}"]
    return options


@contextmanager
def private_libvirtd(folder: Path) -> Iterator[Path]:
    """A libvirtd with nothing of this machine's state, in a PID namespace that ends with it; yields its sockets."""
    access = ["auth_unix_ro", "auth_unix_rw"]
    lines = [f'unix_sock_dir = "{folder}"', *(f'{key} = "none"' for key in access)]
    (folder / "libvirtd.conf").write_text("\n".join(lines) + "\n")
    argv = ["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--die-with-parent"]
    for path in STATE:
        argv += ["--tmpfs", path]
    argv += [
        *with_qemu_user(folder),
        "libvirtd",
        "-f",
        str(folder / "libvirtd.conf"),
        "-p",
        str(folder / "pid"),
    ]
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
