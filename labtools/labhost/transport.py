"""Bring the document of a host here: from this machine, over SSH, or from libvirt's test driver.

Whatever a host does, each way ends at its deadline, reads no more than :data:`MAX_BYTES`, leaves no process behind
and raises nothing but :class:`ProbeFailure`. The bytes are not looked into: ``read_document`` does that.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import labprobe
from .labprobe import before_exec, end_group
from .ssh_fields import FieldError, check_host_name, check_user, parse_public_key
from .transport_failures import (
    FailureCode,
    ProbeFailure,
    failed,
    failure_of_ssh,
    quoted,
    read_document,
    shortcomings,
)

__all__ = [
    "FailureCode",
    "ProbeFailure",
    "SshAccess",
    "failed",
    "probe_demonstration",
    "probe_local",
    "probe_ssh",
    "read_document",
    "shortcomings",
    "ssh_arguments",
]

#: Seconds: one probe (labprobe ends itself after 35), and the TCP connection and greeting of SSH.
DEADLINE, CONNECT_TIMEOUT = 45.0, 5
#: Bytes of a document, and of what is kept of standard error and of ssh's log.
MAX_BYTES, MAX_WORDS = 16 << 20, 8 << 10
#: The name under which the pinned key is known; the host's own name plays no part in finding its key.
ALIAS = "labhost"


@dataclass(frozen=True, slots=True)
class SshAccess:
    """How a host is reached. Every field is checked: :class:`FieldError` for one that is anything else.

    ``key_path`` is absolute and comes from the portal's configuration; ``host_key`` is a line of known_hosts.
    """

    host: str
    port: int
    user: str
    key_path: Path
    host_key: str

    def __post_init__(self) -> None:
        check_host_name(self.host)
        check_user(self.user)
        parse_public_key(self.host_key)
        if type(self.port) is not int or not 1 <= self.port <= 65_535:
            raise FieldError("Give a port from 1 to 65535.")
        if not self.key_path.is_absolute():
            raise FieldError("The key is no absolute path.")


def probe_local(*, libvirt_socket: Path | None = None, deadline: float = DEADLINE) -> bytes:
    """Return this machine's document. ``libvirt_socket`` is of the portal's configuration, never of a form."""
    more = [] if libvirt_socket is None else ["--libvirt-socket", str(libvirt_socket)]
    return _probe_here(more, deadline)


def probe_demonstration(*, deadline: float = DEADLINE) -> bytes:
    """Return a document with the inventory of libvirt's test driver and no QEMU."""
    return _probe_here(["--demonstration"], deadline)


def probe_ssh(
    access: SshAccess, *, deadline: float = DEADLINE, connect_timeout: int = CONNECT_TIMEOUT
) -> bytes:
    """Return what the forced command of the host prints."""
    if not os.access(access.key_path, os.R_OK) or not access.key_path.is_file():
        raise failed(FailureCode.KEY_UNUSABLE)
    with tempfile.TemporaryDirectory(prefix="labprobe-") as name:
        folder = Path(name)
        # Names without a folder have no blank, quote or percent sign that ssh's configuration would read.
        (folder / "known_hosts").write_text(f"{ALIAS} {parse_public_key(access.host_key).line}\n")
        (folder / "key").symlink_to(access.key_path)
        try:
            done = _run(ssh_arguments(access, connect_timeout), deadline, folder)
        except FileNotFoundError:
            raise failed(FailureCode.NO_CLIENT) from None
        with (folder / "ssh.log").open("ab+") as log:
            log.seek(0)
            said = log.read(MAX_WORDS).decode("utf-8", "replace")
    return _document_of(done, deadline, said)


def ssh_arguments(access: SshAccess, connect_timeout: int) -> list[str]:
    """Return the command that asks ``access``, to be run in a folder with ``known_hosts`` and ``key``.

    It reads no configuration, asks nobody, offers one key, forwards nothing and trusts one host key. ssh's own words
    go to ``ssh.log``, apart from what the host prints on standard error.
    """
    kind = parse_public_key(access.host_key).type
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": str(connect_timeout),
        "ConnectionAttempts": "1",
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "2",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": "known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": ALIAS,
        "HostKeyAlgorithms": "rsa-sha2-512,rsa-sha2-256" if kind == "ssh-rsa" else kind,
        "CheckHostIP": "no",
        "UpdateHostKeys": "no",
        "VerifyHostKeyDNS": "no",
        "CanonicalizeHostname": "no",
        "IdentityFile": "key",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "AddKeysToAgent": "no",
        "PreferredAuthentications": "publickey",
        "PasswordAuthentication": "no",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "ProxyCommand": "none",
        "ControlMaster": "no",
        "ControlPath": "none",
        "EscapeChar": "none",
        # Less would leave out how the connection ended.
        "LogLevel": "INFO",
    }
    argv = ["ssh", "-F", "/dev/null", "-T", "-a", "-x", "-E", "ssh.log"]
    for name, value in options.items():
        argv += ["-o", f"{name}={value}"]
    # A host with the forced command ignores the last word; one without has no program of that name.
    return [*argv, "-l", access.user, "-p", str(access.port), "--", access.host, "labprobe"]


@dataclass(frozen=True, slots=True)
class _Done:
    """What a program printed until it ended or was ended; ``code`` is None if it was."""

    out: bytes
    words: bytes
    code: int | None

    @property
    def is_too_large(self) -> bool:
        return len(self.out) > MAX_BYTES


def _probe_here(arguments: list[str], deadline: float) -> bytes:
    program = str(Path(labprobe.__file__))
    return _document_of(_run([sys.executable, "-I", program, *arguments], deadline, Path("/")), deadline)


def _document_of(done: _Done, deadline: float, ssh_log: str | None = None) -> bytes:
    """Return the document that was printed, or raise what hindered it."""
    if done.is_too_large:
        raise failed(FailureCode.TOO_LARGE)
    if done.code is None:
        raise failed(FailureCode.TIMEOUT, f"It had {deadline:g} seconds.")
    if done.code == 255 and ssh_log:
        raise failure_of_ssh(ssh_log)
    if done.code != 0:
        raise failed(FailureCode.COMMAND, f"Exit code {done.code}. {quoted(done.words)}")
    if not done.out.startswith(b"{"):
        raise failed(FailureCode.OTHER_OUTPUT, quoted(done.out) or "It printed nothing.")
    return done.out


def _run(argv: list[str], deadline: float, folder: Path) -> _Done:
    """Run ``argv`` in a process group of its own, at most ``deadline`` seconds, and leave nothing of it."""
    until = time.monotonic() + deadline
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
        preexec_fn=before_exec(ctypes.CDLL(None), os.getpid()),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    out, words = bytearray(), bytearray()
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, out)
            selector.register(process.stderr, selectors.EVENT_READ, words)
            while selector.get_map() and len(out) <= MAX_BYTES and (left := until - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    piece = os.read(key.fd, 1 << 16)
                    if not piece:
                        selector.unregister(key.fileobj)
                    key.data.extend(piece)
                del words[:-MAX_WORDS]
            is_whole = not selector.get_map()
        code = _exit_code(process, until) if is_whole else None
        return _Done(bytes(out), bytes(words), code)
    finally:
        end_group(process.pid)
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _exit_code(process: subprocess.Popen[bytes], until: float) -> int | None:
    try:
        return process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None
