"""Two real hosts behind real sshds, asked by the portal's own worker: QEMU 7.2 with a libvirtd, and QEMU 10.0."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labtools.labhost import labprobe
from labtools.labhost.references.root import labprobe_command
from labtools.labhost.tests.libvirt_hosts import private_libvirtd, virsh
from labtools.labhost.tests.real_qemu import installed_version
from labtools.labhost.tests.ssh_hosts import SshHost, make_key, public, ssh_host
from portal.tests.processes import wait_for
from portal.tests.stack import Stack

pytestmark = pytest.mark.services

ADD = """
from labtools.models import LabHost
LabHost.objects.create(
    slug={slug!r}, name={slug!r}, transport="ssh", visibility="public", ssh_host="127.0.0.1", ssh_port={port},
    ssh_user={user!r}, ssh_key_name={slug!r}, ssh_host_key={key!r},
)
"""
DUE_NOW = "UPDATE labtools_labhost SET next_probe_at = '2020-01-01 00:00:00'"


@contextmanager
def lab_host(slug: str, folder: Path, keys: Path, command: list[str]) -> Iterator[SshHost]:
    """An sshd whose forced command is ``command``; the portal's half of its key lies in ``keys``."""
    folder.mkdir()
    with ssh_host(folder) as host:
        host.force("exec " + shlex.join(command))
        for name in ("client", "client.pub"):
            shutil.copy(folder / name, keys / name.replace("client", slug))
        yield host


def add(stack: Stack, slug: str, host: SshHost) -> None:
    access = host.access
    stack.python(ADD.format(slug=slug, port=access.port, user=access.user, key=access.host_key))


def state(stack: Stack, slug: str) -> str:
    found = json.loads(stack.get("/lab/hosts.json")[1])["hosts"]
    return next(str(host["state"]) for host in found if host["host"] == slug)


def on(stack: Stack, column: str, slug: str) -> str:
    rows = stack.sql(f"SELECT {column} FROM labtools_labhost WHERE slug = '{slug}'")  # noqa: S608 - ours
    return str(rows[0][0] or "")


def wait_until(stack: Stack, done: Callable[[], bool]) -> None:
    columns = "slug, probe_state, failures, last_failure, last_failure_words, last_answer_at"
    wait_for(
        done,
        120,
        why=lambda: f"{stack.sql(f'SELECT {columns} FROM labtools_labhost')}\n{stack.logs()}",  # noqa: S608
    )


def test_two_hosts_are_asked_compared_and_told_apart(tmp_path: Path, second_host: Path) -> None:
    keys = tmp_path / "stack" / "lab-keys"
    keys.mkdir(parents=True, mode=0o700)
    (tmp_path / "libvirt").mkdir()
    (tmp_path / "isos").mkdir()
    with private_libvirtd(tmp_path / "libvirt") as libvirt:
        virsh(libvirt, "pool-define-as", "isos", "dir", "--target", str(tmp_path / "isos"))
        virsh(libvirt, "pool-start", "isos")
        probe = [sys.executable, "-B", str(labprobe.__file__)]
        probe += ["--libvirt-socket", str(libvirt / "libvirt-sock-ro")]
        with (
            lab_host("old", tmp_path / "old", keys, probe) as old,
            lab_host("new", tmp_path / "new", keys, labprobe_command(second_host)) as new,
            Stack(
                tmp_path / "stack", run=("redis", "web", "labs", "beat"), env={"LAB_RETRY_SECONDS": "600"}
            ) as stack,
        ):
            add(stack, "old", old)
            add(stack, "new", new)
            wait_until(stack, lambda: {state(stack, "old"), state(stack, "new")} == {"fresh"})

            # Two versions beside each other, from what was stored.
            # QEMU 9.1 took `scsi` from virtio-blk-pci, and this machine may have a newer one, too.
            has_scsi = installed_version() < (9, 1)
            rows = json.loads(stack.get("/lab/matrix.json?q=virtio-blk-pci.scsi")[1])["rows"]
            told = {key: cell["answer"] for row in rows for key, cell in row["answers"].items()}
            assert told == ({"old:x86_64": "yes", "new:x86_64": "removed"} if has_scsi else {})
            compared = stack.get("/lab/compare.json?a=old:x86_64&b=new:x86_64&q=scsi")[1]
            assert ("virtio-blk-pci" in compared) is has_scsi
            old_version = ".".join(map(str, installed_version()))
            for slug, version in (("old", f"{old_version}."), ("new", "10.0.")):
                device = json.loads(stack.get(f"/lab/devices/virtio-net-pci.json?on={slug}:x86_64")[1])
                assert version in json.dumps(device)

            # libvirt's things are kept, and no stranger reads of them.
            assert stack.sql("SELECT count(*) FROM labtools_inventory") == [(1,)]
            page = stack.get("/lab/hosts/old/")[1]
            for secret in (str(tmp_path), "127.0.0.1", public(old.folder / "host").split()[1]):
                assert secret not in page

            # The key of one changes: it says so, how to mend it, and the other stays fresh.
            for name in ("host", "host.pub"):
                (new.folder / name).unlink()
            make_key(new.folder / "host")
            before = on(stack, "last_answer_at", "old")
            stack.sql(DUE_NOW)
            wait_until(stack, lambda: on(stack, "last_failure", "new") != "")
            assert on(stack, "last_failure", "new") == "host-key"
            assert "key" in on(stack, "last_failure_words", "new")
            assert on(stack, "last_failure_mend", "new")
            wait_until(stack, lambda: on(stack, "last_answer_at", "old") > before)
            assert state(stack, "old") == "fresh"

            # The first host gets the other QEMU: the feed says what that means.
            old.force("exec " + shlex.join(labprobe_command(second_host)))
            stack.sql(DUE_NOW)
            # Where both have one QEMU, the other host's libvirt is what is gone.
            news = "to 10.0." if has_scsi else "libvirt"
            wait_until(stack, lambda: stack.sql("SELECT count(*) FROM labtools_sighting") == [(3,)])
            assert news in stack.get("/lab/changes/")[1]
            assert news in stack.get("/lab/changes.atom")[1]
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False)
    assert left.stdout == ""
