"""A host for the ISO doctor: a private libvirtd, directories and files, and shells that see them as their own.

The commands of the page run word for word: in a mount namespace where the private libvirtd stands at
``/run/libvirt``, so that ``qemu:///system`` is it, and with a ``sudo`` in front on PATH that does what sudo does for
root. QEMU runs as nobody there, as a qemu.conf of its own says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labtools.labhost.iso import Diagnosis, Facts, Way, command_block, diagnose, read_paste
from labtools.labhost.tests.libvirt_hosts import with_qemu_user

STATE = ("/var/cache/libvirt", "/var/log/libvirt", "/run/libvirt")
QEMU_CONF = (
    'user = "nobody"\ngroup = "nogroup"\nstdio_handler = "file"\ncgroup_controllers = []\nnamespaces = []\n'
)
SUDO = """#!/bin/sh
if [ "$1" = -u ]; then
  user=$2; shift 2; exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@"
fi
exec "$@"
"""
GUEST = """<domain type='qemu'><name>guest</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{path}'/>
<target dev='sda' bus='sata'/><readonly/></disk></devices></domain>"""


def make_iso(blocks: int = 64, label: bytes = b"TEST_DISC") -> bytes:
    """An ISO 9660 image of ``blocks`` sectors: system area, primary volume descriptor, terminator (ECMA-119, 8)."""

    def both(number: int, size: int) -> bytes:
        return number.to_bytes(size, "little") + number.to_bytes(size, "big")

    descriptor = bytearray(2048)
    descriptor[:7] = b"\x01CD001\x01"
    descriptor[40:72] = label.ljust(32)
    descriptor[80:88] = both(blocks, 4)
    descriptor[128:132] = both(2048, 2)
    image = bytes(16 * 2048) + bytes(descriptor) + b"\xffCD001\x01".ljust(2048, b"\0")
    return image.ljust(blocks * 2048, b"\0")


@dataclass(frozen=True)
class IsoHost:
    """``files`` is a directory that everybody may search; the rest belongs to the daemon."""

    root: Path

    @property
    def files(self) -> Path:
        return self.root / "files"

    @property
    def places(self) -> list[str]:
        """The daemon's own configuration and default pool directory, and its user, which the shells see too."""
        lib = ["--bind", str(self.root / "lib"), "/var/lib/libvirt"]
        return ["--bind", str(self.root / "etc"), "/etc/libvirt", *lib, *with_qemu_user(self.root)]

    def argv(self, *command: str, user: str = "") -> list[str]:
        """The command in the host's namespace, as root or as ``user``."""
        bind = ["--bind", str(self.root / "run"), "/run/libvirt", *self.places]
        path = f"{self.root}/bin:{os.environ['PATH']}"
        settings = ["--setenv", "PATH", path, "--setenv", "HOME", str(self.root / "home")]
        settings += ["--setenv", "XDG_RUNTIME_DIR", str(self.root / "home/run")]
        became = ["setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups"] if user else []
        return ["bwrap", "--dev-bind", "/", "/", *bind, *settings, "--", *became, *command]

    def run(self, script: str, *, shell: str = "bash", user: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``script`` as if it were pasted into a shell of this host."""
        argv = self.argv(shell, "-s", user=user)
        return subprocess.run(
            argv, input=script, capture_output=True, text=True, check=False, timeout=60, cwd=self.root
        )

    def virsh(self, *arguments: str) -> str:
        argv = self.argv("virsh", "-q", "-c", "qemu:///system", *arguments)
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def output(self, path: Path | str, *, shell: str = "bash", user: str = "") -> str:
        """What the page's block prints for ``path``."""
        done = self.run(command_block(str(path)), shell=shell, user=user)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    def facts(self, path: Path | str) -> Facts:
        return read_paste(self.output(path), path=str(path))

    def diagnose(self, path: Path | str) -> Diagnosis:
        return diagnose(self.facts(path))

    def mend(self, way: Way) -> None:
        """Run the commands of ``way`` and compare what they print with what the page promises."""
        for step in way.steps:
            done = self.run(step.command)
            printed = (done.stdout + done.stderr).strip()
            assert done.returncode == 0, (step.command, printed)
            if step.prints == "nothing":
                assert printed == "", step.command
            elif step.prints.startswith(("Pool ", "/", "free")):
                assert step.prints.removesuffix(" …") in printed, (step.command, printed)

    def undo(self, way: Way) -> None:
        for step in reversed(way.steps):
            if step.undo:
                done = self.run(step.undo)
                assert done.returncode == 0, (step.undo, done.stderr)

    def make_pool(self, name: str, folder: Path, *, start: bool = True, kind: str = "dir") -> None:
        """Define a pool that starts at boot, and start it: nothing about it is worth a note."""
        folder.mkdir(exist_ok=True)
        self.virsh("pool-define-as", name, kind, "--target", str(folder))
        self.virsh("pool-autostart", name)
        if start:
            self.virsh("pool-start", name)

    def volumes(self, pool: str) -> list[str]:
        done = self.run(f"virsh -q -r -c qemu:///system vol-list --pool '{pool}'")
        return [line.split(" /")[-1] for line in done.stdout.splitlines() if line]

    def lists(self, path: Path) -> bool:
        """Whether libvirt knows a volume of this path."""
        return self.run(f"virsh -q -r -c qemu:///system vol-key --vol '{path}'").returncode == 0

    def start_guest(self, path: Path) -> str:
        """Start a guest with the ISO, end it; return QEMU's complaint, or nothing if it started."""
        xml = self.root / "guest.xml"
        xml.write_text(GUEST.format(path=path))
        done = self.run(f"virsh -q -c qemu:///system create --paused --file {xml}")
        if done.returncode == 0:
            self.virsh("destroy", "guest")
        return done.stderr

    def clean(self) -> None:
        """Forget the pools and remove the files, for the next test."""
        for pool in self.virsh("pool-list", "--all", "--uuid").split():
            self.run(f"virsh -q -c qemu:///system pool-destroy --pool {pool}")
            self.virsh("pool-undefine", "--pool", pool)
        shutil.rmtree(self.root / "lib/images", ignore_errors=True)
        for folder in (self.files, self.root / "home"):
            shutil.rmtree(folder)
            folder.mkdir()


@contextmanager
def iso_host() -> Iterator[IsoHost]:
    """Start the daemon; it ends with its PID namespace. Under /tmp itself: QEMU's user has to get there."""
    root = Path(tempfile.mkdtemp(prefix="iso-host-"))
    root.chmod(0o755)
    host = IsoHost(root)
    for name in ("run", "etc", "lib", "bin", "files", "home"):
        (root / name).mkdir()
    (root / "etc/qemu.conf").write_text(QEMU_CONF)
    access = f'unix_sock_dir = "{root}/run"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
    (root / "etc/libvirtd.conf").write_text(access)
    (root / "bin/sudo").write_text(SUDO)
    (root / "bin/sudo").chmod(0o755)
    # A /dev of its own, without kvm: where its user may not open that, libvirt probes QEMU anew at each question.
    new_dev = ["--dev", "/dev", "--proc", "/proc"]
    argv = ["bwrap", "--dev-bind", "/", "/", *new_dev, "--unshare-pid", "--die-with-parent"]
    for path in STATE:
        argv += ["--tmpfs", path]
    argv += [*host.places, "libvirtd", "-f", "/etc/libvirt/libvirtd.conf"]
    try:
        with (
            (root / "log").open("wb") as log,
            subprocess.Popen(
                [*argv, "-p", str(root / "pid")], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            ) as process,
        ):
            try:
                until = time.monotonic() + 20
                while not (root / "run/libvirt-sock-ro").exists():
                    assert process.poll() is None, (root / "log").read_text()
                    assert time.monotonic() < until, "libvirtd made no socket"
                    time.sleep(0.05)
                yield host
            finally:
                process.kill()
    finally:
        shutil.rmtree(root, ignore_errors=True)
