"""The document of a host: from here, from a real sshd, and from hosts that do everything wrong."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labtools.labhost import labprobe, limits, transport
from labtools.labhost.ssh_fields import FieldError
from labtools.labhost.tests.ssh_hosts import SshHost, free_port, make_key, public, ssh_host
from labtools.labhost.tests.test_document import make_raw
from labtools.labhost.tests.test_inventory_details import section
from labtools.labhost.tests.test_labprobe import all_end
from labtools.labhost.transport import (
    FailureCode,
    ProbeFailure,
    SshAccess,
    failed,
    probe_demonstration,
    probe_local,
    probe_ssh,
    read_document,
    shortcomings,
    ssh_arguments,
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    """A host behind sshd."""
    with ssh_host(tmp_path_factory.mktemp("ssh")) as running:
        yield running


def failure_of(access: SshAccess, *, deadline: float = 20, connect_timeout: int = 5) -> ProbeFailure:
    """The failure of a probe; fails if there is none, or if it takes longer than it may."""
    begun = time.monotonic()
    with pytest.raises(ProbeFailure) as caught:
        probe_ssh(access, deadline=deadline, connect_timeout=connect_timeout)
    assert time.monotonic() - begun < deadline + 5
    assert caught.value.words
    assert caught.value.mend
    return caught.value


# ---------------------------------------------------------------------------------------------- good


def test_the_forced_command_gives_the_hosts_document(host: SshHost) -> None:
    host.force(f"exec {sys.executable} {labprobe.__file__}")
    found = read_document(probe_ssh(host.access))
    assert any(qemu.binary.endswith("/qemu-system-x86_64") and qemu.devices for qemu in found.qemu)
    assert found.inventory or found.libvirt_refusal


def test_what_the_portal_asks_for_reaches_no_shell(host: SshHost) -> None:
    host.force('printf \'{"asked": "%s"}\' "$SSH_ORIGINAL_COMMAND"')
    assert json.loads(probe_ssh(host.access)) == {"asked": "labprobe"}


def test_this_machine_and_the_demonstration_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_document(probe_demonstration())
    assert (found.qemu, found.libvirt_refusal) == ((), "")
    assert found.inventory is not None
    assert found.inventory.uri == "test:///default"
    here = read_document(probe_local(libvirt_socket=Path("/nowhere/libvirt-sock-ro")))
    assert any(qemu.devices for qemu in here.qemu)
    assert "/nowhere/libvirt-sock-ro" in here.libvirt_refusal


# --------------------------------------------------------------------------- the network and the keys


def test_a_port_where_nothing_listens(host: SshHost) -> None:
    assert failure_of(host.access_with(port=free_port())).code is FailureCode.CONNECTION_REFUSED


def test_a_name_without_an_address(host: SshHost) -> None:
    access = SshAccess(
        "nowhere.invalid", 22, "labprobe", host.folder / "client", public(host.folder / "host")
    )
    assert failure_of(access).code is FailureCode.UNRESOLVED


@contextlib.contextmanager
def server(answer: Any) -> Iterator[int]:
    """A TCP server on loopback that lets ``answer`` have each connection in a thread; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = listening.accept()[0]
                    threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_silent_port_ends_at_the_connect_timeout(host: SshHost) -> None:
    held: list[socket.socket] = []
    with server(held.append) as port:
        begun = time.monotonic()
        assert failure_of(host.access_with(port=port), connect_timeout=1).code is FailureCode.BANNER_TIMEOUT
        assert time.monotonic() - begun < 4
    for connection in held:
        connection.close()


def test_a_host_that_takes_no_connection_ends_at_the_connect_timeout(host: SshHost) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                each.connect(("127.0.0.1", port))
        time.sleep(0.1)
        assert failure_of(host.access_with(port=port), connect_timeout=1).code is FailureCode.CONNECT_TIMEOUT
        for each in waiting:
            each.close()


@pytest.mark.parametrize("limit", [1_000, 6_000])
def test_a_proxy_that_freezes_in_the_middle_ends_at_the_deadline(host: SshHost, limit: int) -> None:
    """The first freezes while keys are exchanged, the second while the document comes."""
    host.force("""printf '{'; exec yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""")

    def freeze(near: socket.socket) -> None:
        far = socket.create_connection(("127.0.0.1", host.port))

        def copy(source: socket.socket, sink: socket.socket, left: int) -> None:
            with contextlib.suppress(OSError):
                while left > 0 and (piece := source.recv(min(left, 4096))):
                    sink.sendall(piece)
                    left -= len(piece)
                time.sleep(6)
            source.close()
            sink.close()

        threading.Thread(target=copy, args=(near, far, 1 << 30), daemon=True).start()
        copy(far, near, limit)

    with server(freeze) as port:
        failure = failure_of(host.access_with(port=port), deadline=2.5, connect_timeout=20)
    assert failure.code is FailureCode.TIMEOUT


def test_a_server_that_hangs_up(host: SshHost) -> None:
    with server(lambda connection: connection.close()) as port:
        assert failure_of(host.access_with(port=port)).code is FailureCode.DISCONNECTED


def test_another_host_key_than_the_pinned_one(host: SshHost, tmp_path: Path) -> None:
    host.force("echo '{}'")
    other = public(make_key(tmp_path / "other"))
    failure = failure_of(host.access_with(host_key=other))
    assert failure.code is FailureCode.HOST_KEY
    assert "ssh-keygen -lf" in failure.mend


def test_a_host_without_a_key_of_the_pinned_type(host: SshHost, tmp_path: Path) -> None:
    pinned = public(make_key(tmp_path / "ecdsa", kind="ecdsa"))
    assert failure_of(host.access_with(host_key=pinned)).code is FailureCode.HOST_KEY


def test_a_key_that_the_host_does_not_know(host: SshHost, tmp_path: Path) -> None:
    assert failure_of(host.access_with(key=make_key(tmp_path / "other"))).code is FailureCode.KEY_REFUSED


def test_keys_that_cannot_be_used(host: SshHost, tmp_path: Path) -> None:
    assert failure_of(host.access_with(key=tmp_path / "none")).code is FailureCode.KEY_UNUSABLE
    (tmp_path / "text").write_text("not a key")
    (tmp_path / "text").chmod(0o600)
    assert failure_of(host.access_with(key=tmp_path / "text")).code is FailureCode.KEY_UNUSABLE
    open_to_all = tmp_path / "open"
    open_to_all.write_bytes((host.folder / "client").read_bytes())
    open_to_all.chmod(0o644)
    assert failure_of(host.access_with(key=open_to_all)).code is FailureCode.KEY_UNUSABLE


def test_no_agent_and_no_configuration_of_the_workers_user_counts(
    host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "marker"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text(f"Host *\n  ProxyCommand touch {marker}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    host.force('echo "{}"; env >&2; exit 3')
    failure = failure_of(host.access)
    assert failure.code is FailureCode.COMMAND
    assert not marker.exists()


def test_a_machine_without_ssh(host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert failure_of(host.access).code is FailureCode.NO_CLIENT


# ----------------------------------------------------------------------------- what the host prints


def test_a_missing_forced_command(host: SshHost) -> None:
    host.unforce()
    failure = failure_of(host.access)
    assert failure.code is FailureCode.COMMAND
    assert "labprobe: not found" in failure.words
    assert "command=" in failure.mend


@pytest.mark.parametrize(
    ("command", "code", "quote"),
    [
        ("echo Welcome to Debian; echo '{}'", FailureCode.OTHER_OUTPUT, "“Welcome to Debian”"),
        ("printf '\\033[2J\\342\\200\\256evil'", FailureCode.OTHER_OUTPUT, "“?[2J?evil”"),
        ("true", FailureCode.OTHER_OUTPUT, "It printed nothing."),
        ("echo '{'; echo broken >&2; exit 1", FailureCode.COMMAND, "Exit code 1. “broken”"),
        ("kill -9 $$", FailureCode.COMMAND, ""),
        ("printf '{'; exec yes", FailureCode.TOO_LARGE, ""),
        ("printf '{'; exec sleep 60", FailureCode.TIMEOUT, "It had 3 seconds."),
        ("exec yes >&2", FailureCode.TIMEOUT, ""),
        ("exec 1>&- 2>&-; exec sleep 60", FailureCode.TIMEOUT, ""),
    ],
    ids=["motd", "escapes", "silent", "broken", "killed", "endless", "hangs", "chatters", "closes"],
)
def test_a_command_that_is_not_labprobe(
    host: SshHost, monkeypatch: pytest.MonkeyPatch, command: str, code: FailureCode, quote: str
) -> None:
    monkeypatch.setattr(transport, "MAX_BYTES", 1 << 20)
    host.force(command)
    failure = failure_of(host.access, deadline=3 if code is FailureCode.TIMEOUT else 20)
    assert failure.code is code
    assert quote in failure.words
    assert len(failure.words) < 600


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"format": 1',
        '{"a":' * 50_000,
        json.dumps(make_raw() | {"libvirt": {"refused": []}}),
        json.dumps(make_raw() | {"problems": ["\x1b[31m"]}),
    ],
    ids=["cut", "empty", "half", "deep", "libvirt", "escape"],
)
def test_a_malformed_document_is_one_failure(host: SshHost, text: str) -> None:
    (host.folder / "document").write_text(text)
    host.force(f"cat {host.folder}/document")
    with pytest.raises(ProbeFailure) as caught:
        read_document(probe_ssh(host.access))
    assert caught.value.code is FailureCode.MALFORMED
    assert text not in caught.value.words or len(text) == 1


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
BOMBS = (
    f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><network><name>&l11;</name></network>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><network><name>&x;</name></network>',
    '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><network><name>a</name></network>',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]><network/>',
)


@pytest.mark.parametrize("bomb", BOMBS, ids=["laughs", "file", "dtd", "parameter"])
def test_entities_of_a_hosts_xml_are_never_followed(bomb: str) -> None:
    raw = make_raw() | {"libvirt": section() | {"networks": [bomb]}}
    begun = time.monotonic()
    with pytest.raises(ProbeFailure) as caught:
        read_document(json.dumps(raw).encode())
    assert caught.value.code is FailureCode.MALFORMED
    assert time.monotonic() - begun < 1


def test_a_document_beyond_any_qemu_is_refused_by_that_name() -> None:
    raw = make_raw()
    raw["host"]["kernel"] = "6" * 201
    with pytest.raises(ProbeFailure, match="longer than 200 characters") as caught:
        read_document(json.dumps(raw).encode())
    assert caught.value.code is FailureCode.BEYOND_LIMITS
    assert "limits.py" in caught.value.mend


def test_a_huge_document_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProbeFailure, match="16 MiB"):
        read_document(b"{" + b" " * limits.MAX_BYTES)


# ------------------------------------------------------------------------------------ shortcomings


def test_what_a_host_could_tell_and_did_not_is_said() -> None:
    raw = make_raw()
    raw["qemu"][0]["accelerators"]["kvm"] = {
        "status": "error",
        "last_words": "/dev/kvm cannot be opened by the probe's user",
        "sandboxed": True,
        "cpus": [],
    }
    raw["libvirt"] = {"refused": {"connection": "no socket"}}
    found = shortcomings(read_document(json.dumps(raw).encode()))
    assert [each.code for each in found] == [FailureCode.NO_KVM, FailureCode.LIBVIRT]
    assert "“libvirt cannot be reached: no socket”" in found[1].words
    assert shortcomings(read_document(json.dumps(make_raw()).encode())) == ()


def test_a_host_without_a_qemu_that_answers_says_so() -> None:
    raw = make_raw() | {"qemu": []}
    assert [each.code for each in shortcomings(read_document(json.dumps(raw).encode()))] == [
        FailureCode.NO_QEMU
    ]
    raw = make_raw()
    raw["qemu"][0] |= {"status": "died", "last_words": "Illegal instruction", "devices": [], "machines": []}
    (found,) = shortcomings(read_document(json.dumps(raw).encode()))
    assert (found.code, "“Illegal instruction”" in found.words) == (FailureCode.QEMU_FAILED, True)


def test_every_code_says_what_failed_and_how_to_mend_it() -> None:
    for code in FailureCode:
        failure = failed(code)
        assert failure.words.endswith(".")
        assert failure.mend.endswith(".")


# ---------------------------------------------------------------------------------- nothing smuggled

TEXTS = st.text(max_size=40) | st.sampled_from(
    [
        "-oProxyCommand=touch x",
        "a -oProxyCommand=x",
        "user@host",
        "ssh://h",
        "::1%lo",
        "h;id",
        "$(id)",
        "-F/x",
        "h\nx",
    ]
)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 42 + "A"


@settings(max_examples=300, deadline=None)
@given(host=TEXTS, user=TEXTS, key=TEXTS, port=st.integers() | TEXTS)
@example(host="-oProxyCommand=id", user="root", key=KEY, port=22)
@example(host="h", user="-oProxyCommand=id", key=KEY, port=22)
@example(host="h", user="root", key=f"{KEY}\n* {KEY}", port=22)
@example(host="h", user="root", key=f"@cert-authority * {KEY}", port=22)
@example(host="lab-1.example.org", user="labprobe", key=KEY, port=2222)
@example(host="2001:db8::1", user="labprobe", key=f"lab-1 {KEY} a comment", port=22)
def test_no_field_is_more_than_one_argument_that_is_no_option(
    host: str, user: str, key: str, port: Any
) -> None:
    try:
        access = SshAccess(host, port, user, Path("/keys/a"), key)
    except FieldError:
        return
    argv = ssh_arguments(access, 5)
    at = argv.index("--")
    assert argv[at - 4 :] == ["-l", user, "-p", str(port), "--", host, "labprobe"]
    assert not any(text.startswith("-") or set(text) & set(" @/\\%$`;&|\n\"'") for text in (host, user))
    plain = ssh_arguments(SshAccess("h", 1, "u", Path("/keys/a"), key), 5)
    assert argv[: at - 4] == plain[: plain.index("--") - 4]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "-oProxyCommand=touch /tmp/x"),
        ("host", "a b"),
        ("host", "h?command=/bin/evil"),
        ("user", "-lroot"),
        ("user", "a@b"),
        ("port", "22 -oProxyCommand=x"),
        ("port", 0),
        ("port", True),
        ("host_key", "ssh-ed25519 AAAA"),
        ("host_key", f"{KEY}\n{KEY}"),
        ("key_path", Path("relative")),
    ],
)
def test_an_access_with_a_hostile_field_cannot_be_made(field: str, value: Any) -> None:
    fields: dict[str, Any] = {
        "host": "h",
        "port": 22,
        "user": "u",
        "key_path": Path("/k"),
        "host_key": KEY,
    } | {field: value}
    with pytest.raises(FieldError):
        SshAccess(**fields)


# -------------------------------------------------------------------------------------- nothing left


def processes_with(marker: str) -> list[int]:
    """The processes that have ``marker`` in their environment or command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if marker.encode() in (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def test_no_ssh_is_left_after_a_host_that_never_ends(host: SshHost) -> None:
    host.force("printf '{'; exec sleep 60")
    failure_of(host.access, deadline=2)
    assert all_end(processes_with("UserKnownHostsFile=known_hosts"))


def test_no_process_is_left_when_labprobe_is_ended_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "qemu-system-endless"
    program.write_text('#!/bin/sh\nsleep 600 &\necho $! $$ >> "$0.pids"\nsleep 600\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(ProbeFailure) as caught:
        probe_local(deadline=6)
    assert caught.value.code is FailureCode.TIMEOUT
    noted = Path(f"{program}.pids").read_text().split()
    assert noted
    assert all_end([int(pid) for pid in noted])
