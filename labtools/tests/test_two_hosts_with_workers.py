"""Two real hosts behind real sshds, asked by the portal's own worker: QEMU 7.2 with a libvirtd, and QEMU 10.0."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from labtools.labhost import labprobe
from labtools.labhost.references.root import labprobe_command
from labtools.labhost.tests.libvirt_hosts import private_libvirtd, virsh
from labtools.labhost.tests.real_qemu import installed_version
from labtools.labhost.tests.ssh_hosts import USER, SshHost, public, ssh_host
from portal.tests.factories import PASSWORD
from portal.tests.processes import wait_for
from portal.tests.stack import Stack

pytestmark = pytest.mark.services

PEOPLE = """
from portal.tests.factories import make_user
make_user("staff@example.org", is_staff=True)
make_user("member@example.org")
"""
DUE_NOW = "UPDATE labtools_labhost SET next_probe_at = '2020-01-01 00:00:00'"


def force(host: SshHost, command: list[str]) -> None:
    """Let the portal's key run ``command`` on the host."""
    host.force("exec " + shlex.join(command))


@contextmanager
def lab_host(slug: str, folder: Path, keys: Path, command: list[str]) -> Iterator[SshHost]:
    """An sshd whose forced command is ``command``; the portal's half of its key lies in ``keys``."""
    folder.mkdir()
    with ssh_host(folder) as host:
        force(host, command)
        for name in ("client", "client.pub"):
            shutil.copy(folder / name, keys / name.replace("client", slug))
        yield host


class Reader:
    """Somebody who signed in, reads pages and sends their forms."""

    def __init__(self, stack: Stack, email: str) -> None:
        self.url = stack.url
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        self.send("/accounts/login/", "/accounts/login/", login=email, password=PASSWORD)

    def read(self, path: str, data: bytes | None = None) -> str:
        """The text of the page at ``path``, and of that to which it leads."""
        with self.opener.open(f"{self.url}{path}", data, timeout=30) as answer:
            return unescape(answer.read().decode())

    def send(self, page: str, to: str, **fields: str) -> str:
        """What comes after the form of ``page`` that goes to ``to``."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.read(page))
        assert token, page
        return self.read(to, urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode())


def add(staff: Reader, slug: str, host: SshHost, position: int) -> None:
    """Add it as staff do: on the page, which asks it at once."""
    fields = {
        "name": f"Host {slug}",
        "slug": slug,
        "visibility": "public",
        "is_enabled": "on",
        "position": str(position),
    }
    fields |= {"transport": "ssh", "ssh_host": "127.0.0.1", "ssh_port": str(host.port), "ssh_user": USER}
    fields |= {"ssh_key_name": slug, "ssh_host_key": host.access.host_key}
    page = staff.send("/lab/hosts/add/", "/lab/hosts/add/", **fields)
    assert f"Host {slug} is added, and a worker asks it now." in page


def words(page: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


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
            ExitStack() as of_new,
            Stack(
                tmp_path / "stack", run=("redis", "web", "labs", "beat"), env={"LAB_RETRY_SECONDS": "600"}
            ) as stack,
        ):
            command = labprobe_command(second_host)
            new = of_new.enter_context(lab_host("new", tmp_path / "new", keys, command))
            stack.python(PEOPLE)
            staff, member = Reader(stack, "staff@example.org"), Reader(stack, "member@example.org")

            # Of one the forced command was forgotten: its page says so; mended, it is asked by the button.
            new.unforce()
            add(staff, "old", old, 1)
            add(staff, "new", new, 2)
            wait_until(stack, lambda: on(stack, "last_failure", "new") != "")
            page = staff.read("/lab/hosts/new/")
            assert "The key is let in, but the command on the host failed." in page
            assert "How to mend it:" in page
            assert "Test connection" in page
            force(new, labprobe_command(second_host))
            staff.send("/lab/hosts/new/", "/lab/hosts/new/ask/")
            wait_until(stack, lambda: {state(stack, "old"), state(stack, "new")} == {"fresh"})

            # Two versions beside each other, from what was stored.
            # QEMU 9.1 took `scsi` from virtio-blk-pci, and this machine may have a newer one, too.
            has_scsi = installed_version() < (9, 1)
            rows = json.loads(stack.get("/lab/matrix.json?q=virtio-blk-pci.scsi")[1])["rows"]
            told = {key: cell["answer"] for row in rows for key, cell in row["answers"].items()}
            assert told == ({"old:x86_64": "yes", "new:x86_64": "removed"} if has_scsi else {})
            device = words(stack.get("/lab/devices/virtio-blk-pci/?on=old:x86_64&on=new:x86_64")[1])
            assert "Option Type Default old new" in device
            assert ("scsi # not on this QEMU on/off bool off yes no" in device) is has_scsi
            compared = words(stack.get("/lab/compare/?a=old:x86_64&b=new:x86_64&q=scsi")[1])
            lost = "scsi removed bool 4 device types virtio-blk-device virtio-blk-pci"
            assert (lost in compared) is has_scsi
            old_version = ".".join(map(str, installed_version()))
            for slug, version in (("old", f"{old_version}."), ("new", "10.0.")):
                device = json.loads(stack.get(f"/lab/devices/virtio-net-pci.json?on={slug}:x86_64")[1])
                assert version in json.dumps(device)

            # libvirt's things are kept, and no stranger reads of them.
            assert stack.sql("SELECT count(*) FROM labtools_inventory") == [(1,)]
            to_member = words(member.read("/lab/hosts/old/"))
            assert "isos · dir · active" in to_member
            assert str(tmp_path / "isos") in to_member
            macs = re.findall(r"MAC ((?:[0-9a-f]{2}:){5}[0-9a-f]{2})", to_member)
            page = stack.get("/lab/hosts/old/")[1]
            assert "Node devices, storage pools and networks are shown to members." in page
            assert [mac for mac in macs if mac in page] == []
            for secret in (str(tmp_path), "127.0.0.1", public(old.folder / "host").split()[1]):
                assert secret not in page

            # The key of one changes: it says so, how to mend it, and the other stays fresh.
            of_new.close()
            (tmp_path / "stranger").mkdir()
            of_new.enter_context(ssh_host(tmp_path / "stranger", new.port))
            before = on(stack, "last_answer_at", "old")
            stack.sql(DUE_NOW)
            wait_until(stack, lambda: on(stack, "last_failure", "new") != "")
            assert on(stack, "last_failure", "new") == "host-key"
            page = words(staff.read("/lab/hosts/new/"))
            assert "The host showed another key than the one that is pinned for it." in page
            assert "console and pin the new key. If not, somebody may be in between: do not go on." in page
            wait_until(stack, lambda: on(stack, "last_answer_at", "old") > before)
            assert state(stack, "old") == "fresh"

            # The first host gets the other QEMU: the feed says what that means.
            force(old, labprobe_command(second_host))
            stack.sql(DUE_NOW)
            # Where both have one QEMU, the other host's libvirt is what is gone.
            news = [r"libvirt [\d.]+ does not answer any more"]
            news += [rf"QEMU {re.escape(old_version)}\.\d+ to 10\.0\.\d+"] if has_scsi else []
            wait_until(stack, lambda: stack.sql("SELECT count(*) FROM labtools_sighting") == [(3,)])
            for address in ("/lab/changes/", "/lab/changes.atom"):
                told_there = stack.get(address)[1]
                assert [one for one in news if not re.search(one, told_there)] == []
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False)
    assert left.stdout == ""
