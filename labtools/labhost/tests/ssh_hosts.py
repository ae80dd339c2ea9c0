"""Hosts behind a real sshd: unpacked by ``bin/bootstrap test`` into ``var/sshd``, started on a loopback port.

sshd runs as an ordinary user in a namespace of its own, whoever runs the tests: it needs no system user, changes
nothing on the machine and ends, with all it started, when the namespace does.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labtools.labhost.transport import SshAccess

UNPACKED = Path(__file__).parents[3] / "var" / "sshd"
USER = "labprobe"


def make_key(path: Path, kind: str = "ed25519") -> Path:
    """A new key at ``path``, its public half beside it."""
    argv = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return path


def public(path: Path) -> str:
    """The public half of the key at ``path``, as known_hosts has it."""
    return path.with_name(f"{path.name}.pub").read_text().strip()


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(frozen=True)
class SshHost:
    """A running sshd and how it is reached."""

    folder: Path
    port: int

    @property
    def access(self) -> SshAccess:
        """The right key, the right host key."""
        return self.access_with()

    def access_with(
        self, *, port: int | None = None, key: Path | None = None, host_key: str = ""
    ) -> SshAccess:
        """The same host with something else in its place."""
        return SshAccess(
            host="127.0.0.1",
            port=port or self.port,
            user=USER,
            key_path=key or self.folder / "client",
            host_key=host_key or public(self.folder / "host"),
        )

    def force(self, command: str) -> None:
        """Let the portal's key run ``command`` (of sh) and nothing else."""
        script = self.folder / "forced.sh"
        script.write_text(command + "\n")
        line = f'restrict,command="/bin/sh {script}" {public(self.folder / "client")}\n'
        (self.folder / "authorized_keys").write_text(line)

    def unforce(self) -> None:
        """Let the portal's key in without a forced command, as somebody who forgot it would."""
        (self.folder / "authorized_keys").write_text(f"restrict {public(self.folder / 'client')}\n")


def _write_configuration(folder: Path, port: int) -> None:
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder}/host",
        f"AuthorizedKeysFile {folder}/authorized_keys",
        "StrictModes no",
        "UsePAM no",
        "PidFile none",
        "LoginGraceTime 30",
    ]
    # Since OpenSSH 9.8 sshd is several programs.
    for option, name in (("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")):
        program = UNPACKED / "usr/lib/openssh" / name
        if program.exists():
            lines.append(f"{option} {program}")
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    (folder / "passwd").write_text(
        f"{USER}:x:1000:1000::{folder}:/bin/sh\nsshd:x:101:65534::/run/sshd:/bin/false\n"
    )
    (folder / "group").write_text(f"{USER}:x:1000:\n")


@contextmanager
def ssh_host(folder: Path, port: int = 0) -> Iterator[SshHost]:
    """An sshd with keys of its own in ``folder``, on ``port`` or on a free one."""
    sshd = UNPACKED / "usr/sbin/sshd"
    assert sshd.exists(), "there is no sshd for the tests: run bin/bootstrap test"
    make_key(folder / "host")
    make_key(folder / "client")
    host = SshHost(folder, port or free_port())
    host.unforce()
    _write_configuration(folder, host.port)
    argv = ["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--die-with-parent"]
    argv += ["--unshare-user", "--uid", "1000", "--gid", "1000"]
    for name in ("passwd", "group"):
        argv += ["--ro-bind", str(folder / name), f"/etc/{name}"]
    argv += [str(sshd), "-D", "-e", "-f", str(folder / "sshd_config")]
    libraries = [str(path) for path in UNPACKED.glob("**/*-linux-gnu") if path.is_dir()]
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment) as process,
    ):
        try:
            _wait_for(host, process)
            yield host
        finally:
            process.kill()


def _wait_for(host: SshHost, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while True:
        assert process.poll() is None, (host.folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", host.port), 1).close()
            return
        except OSError:
            assert time.monotonic() < until, "sshd did not listen"
            time.sleep(0.05)
