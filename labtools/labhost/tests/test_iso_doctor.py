"""Each cause made for real: the page's commands find it, and the commands that the doctor gives mend it."""

from __future__ import annotations

import gzip
import os
import pty
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labtools.labhost.iso import Cause, Certainty, Diagnosis, Effect, command_block, diagnose, read_paste
from labtools.labhost.iso.findings import Finding
from labtools.labhost.tests.iso_host import IsoHost, iso_host, make_iso


@pytest.fixture(scope="module")
def running_host() -> Iterator[IsoHost]:
    with iso_host() as host:
        yield host


@pytest.fixture
def host(running_host: IsoHost) -> Iterator[IsoHost]:
    yield running_host
    running_host.clean()


def put_iso(host: IsoHost, name: str = "isos/debian.iso") -> Path:
    path = host.files / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(make_iso())
    return path


def causes(diagnosis: Diagnosis) -> list[Cause]:
    return [finding.cause for finding in diagnosis.findings]


def only(diagnosis: Diagnosis, cause: Cause) -> Finding:
    """The one finding, which is of that cause."""
    assert causes(diagnosis) == [cause]
    assert diagnosis.unknown == ()
    return diagnosis.findings[0]


def test_nothing_wrong_is_said_with_what_was_looked_at(host: IsoHost) -> None:
    path = put_iso(host)
    host.make_pool("isos", path.parent)
    found = host.diagnose(path)
    assert (found.findings, found.unknown) == ((), ())
    said = " ".join(found.checked)
    assert "volume of the active pool isos, with the format iso" in said
    assert "“TEST_DISC”" in said
    assert "131,072 bytes, the file 131,072" in said
    assert "nobody, as whom QEMU runs, may search each directory" in said
    assert host.start_guest(path) == ""


@pytest.mark.parametrize("way", [0, 1], ids=["a pool of its own", "a copy in another pool"])
def test_a_file_in_no_pool(host: IsoHost, way: int) -> None:
    path = put_iso(host)
    host.make_pool("images", host.files / "images")
    finding = only(host.diagnose(path), Cause.NOT_IN_ANY_POOL)
    assert (finding.effect, finding.certainty) == (Effect.HIDES, Certainty.CERTAIN)
    assert finding.evidence == (f"images: <target><path>{host.files}/images</path></target>",)
    # The files of this test are under /tmp, a poor place for a pool: there the copy is advised first.
    chosen = sorted(finding.ways, key=lambda one: not one.title.startswith("Make"))[way]
    host.mend(chosen)
    there = host.files / "images/debian.iso" if way else path
    assert host.lists(there)
    assert host.diagnose(there).hiding == ()
    host.undo(chosen)
    assert host.virsh("pool-list", "--all").split() == ["images", "active", "yes"]
    assert not (host.files / "images/debian.iso").exists()
    assert path.exists()


def test_the_undo_of_a_copy_is_never_reached_where_a_file_has_that_name(host: IsoHost) -> None:
    path = put_iso(host)
    host.make_pool("images", host.files / "images")
    (host.files / "images/debian.iso").write_text("mine")
    finding = only(host.diagnose(path), Cause.NOT_IN_ANY_POOL)
    copy = next(way for way in finding.ways if way.title.startswith("Copy"))
    assert host.run(copy.steps[0].command).stdout == ""
    host.run(copy.steps[1].command)
    assert (host.files / "images/debian.iso").read_text() == "mine"


def test_an_inactive_pool(host: IsoHost) -> None:
    path = put_iso(host)
    host.virsh("pool-define-as", "my isos", "dir", "--target", str(path.parent))
    finding = only(host.diagnose(path), Cause.POOL_INACTIVE)
    assert finding.evidence[0].split() == ["my", "isos", "inactive", "no"]
    host.mend(finding.ways[0])
    assert host.lists(path)
    assert host.diagnose(path).findings == ()
    host.undo(finding.ways[0])
    assert host.virsh("pool-list", "--all").split() == ["my", "isos", "inactive", "no"]


def test_a_pool_that_is_active_but_does_not_start_at_boot(host: IsoHost) -> None:
    path = put_iso(host)
    host.make_pool("isos", path.parent)
    host.virsh("pool-autostart", "isos", "--disable")
    finding = only(host.diagnose(path), Cause.AUTOSTART_OFF)
    assert finding.effect is Effect.NOTE
    host.mend(finding.ways[0])
    assert host.diagnose(path).findings == ()


def test_a_stale_pool(host: IsoHost) -> None:
    host.make_pool("isos", host.files / "isos")
    path = put_iso(host)
    assert not host.lists(path)
    finding = only(host.diagnose(path), Cause.POOL_STALE)
    assert finding.certainty is Certainty.CERTAIN
    host.mend(finding.ways[0])
    assert host.lists(path)
    assert host.diagnose(path).findings == ()


@pytest.mark.parametrize("way", [0, 1], ids=["a pool of its own", "moved up"])
def test_a_file_in_a_sub_directory(host: IsoHost, way: int) -> None:
    path = put_iso(host, "isos/linux/debian.iso")
    host.make_pool("isos", host.files / "isos")
    assert host.volumes("isos") == [f"{host.files}/isos/linux"[1:]]
    finding = only(host.diagnose(path), Cause.SUB_DIRECTORY)
    host.mend(finding.ways[way])
    there = host.files / "isos/debian.iso" if way else path
    assert host.lists(there)
    assert host.diagnose(there).findings == ()
    host.undo(finding.ways[way])
    assert path.exists()
    assert not (host.files / "isos/debian.iso").exists()


@pytest.mark.parametrize("target", ["debian.iso/x", "n" * 300], ids=["Not a directory", "File name too long"])
def test_one_entry_that_fails_the_pool(host: IsoHost, target: str) -> None:
    path = put_iso(host)
    host.make_pool("isos", path.parent)
    bad = path.parent / "bad link.iso"
    bad.symlink_to(target)
    early = only(host.diagnose(path), Cause.ENTRY_FAILS_POOL)
    assert (early.effect, early.evidence[0][-len(target) :]) == (Effect.NOTE, target)
    # Measured: the refresh fails and stops the pool, and every volume of it is gone from the lists.
    assert f"cannot open volume '{bad}'" in host.run("virsh -c qemu:///system pool-refresh isos").stderr
    assert host.virsh("pool-list", "--all").split() == ["isos", "inactive", "yes"]
    found = host.diagnose(path)
    assert causes(found) == [Cause.ENTRY_FAILS_POOL, Cause.POOL_INACTIVE]
    assert host.run(found.findings[1].ways[0].steps[0].command).returncode == 1
    for finding in found.findings:
        host.mend(finding.ways[0])
    assert host.lists(path)
    assert host.diagnose(path).findings == ()
    host.undo(found.findings[0].ways[0])
    assert os.readlink(bad) == target


def test_entries_that_libvirt_leaves_out_fail_nothing(host: IsoHost) -> None:
    path = put_iso(host)
    folder = path.parent
    (folder / "dangling.iso").symlink_to("/nowhere")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / "socket"))
    (folder / "short.qcow2").write_bytes(b"QFI\xfb")
    (folder / ".hidden.iso").write_bytes(make_iso())
    (folder / "new\nline.iso").write_bytes(make_iso())
    host.make_pool("isos", folder)
    listed = {".hidden.iso", "debian.iso", r"new\x0aline.iso", "short.qcow2"}
    assert {name.rpartition("/")[2] for name in host.volumes("isos")} == listed
    assert host.diagnose(path).findings == ()
    assert causes(host.diagnose(folder / "dangling.iso")) == [Cause.PATH_MISSING]
    assert causes(host.diagnose(folder / "fifo")) == [Cause.NOT_A_FILE]


def acl(path: Path) -> str:
    return subprocess.run(["getfacl", "-pn", str(path)], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    "rules",
    ["", "u:daemon:rx", "u:nobody:-", "u:nobody:x,m::r", "g:nogroup:-,o::x", "d:u:daemon:rx"],
    ids=["mode", "another user", "denied by name", "masked", "denied by group", "default list"],
)
def test_a_parent_directory_that_qemu_may_not_search(host: IsoHost, rules: str) -> None:
    path = put_iso(host, "private/isos/debian.iso")
    host.make_pool("isos", path.parent)
    private = host.files / "private"
    private.chmod(0o750)
    if rules:
        subprocess.run(["setfacl", "-m", rules, str(private)], check=True)
    before = acl(private)
    assert host.lists(path)
    assert "Permission denied" in host.start_guest(path)
    finding = only(host.diagnose(path), Cause.PARENT_NOT_SEARCHABLE)
    assert (finding.effect, finding.certainty) == (Effect.STOPS_GUEST, Certainty.CERTAIN)
    assert f"nobody may not search {private}" == finding.title
    host.mend(finding.ways[0])
    assert host.diagnose(path).findings == ()
    assert host.start_guest(path) == ""
    host.undo(finding.ways[0])
    assert acl(private) == before


def test_an_access_control_list_that_lets_qemu_through_is_seen(host: IsoHost) -> None:
    path = put_iso(host, "private/isos/debian.iso")
    host.make_pool("isos", path.parent)
    (host.files / "private").chmod(0o750)
    subprocess.run(["setfacl", "-m", "u:nobody:x", str(host.files / "private")], check=True)
    assert host.start_guest(path) == ""
    assert host.diagnose(path).findings == ()
    # Without the list nobody can tell, and the doctor does not pretend to.
    text = host.output(path)
    without = text.replace("# file: ", "sh: 1: getfacl: not found\n# file: ", 1)
    found = diagnose(read_paste(without))
    assert [(f.cause, f.certainty) for f in found.findings] == [
        (Cause.PARENT_NOT_SEARCHABLE, Certainty.POSSIBLE)
    ]
    assert "Access control lists" in found.unknown[0].check


def test_a_file_that_qemu_may_not_read_is_given_to_it_by_libvirt(host: IsoHost) -> None:
    path = put_iso(host)
    host.make_pool("isos", path.parent)
    path.chmod(0o600)
    text = host.output(path)
    finding = only(diagnose(read_paste(text)), Cause.FILE_NOT_READABLE)
    assert (finding.effect, finding.certainty) == (Effect.NOTE, Certainty.POSSIBLE)
    # With dynamic ownership off it is what stops the guest.
    off = diagnose(
        read_paste(text.replace("== iso-doctor: selinux", "dynamic_ownership = 0\n== iso-doctor: selinux"))
    )
    assert (off.findings[0].effect, off.findings[0].certainty) == (Effect.STOPS_GUEST, Certainty.CERTAIN)
    host.mend(finding.ways[0])
    assert host.run(f"sudo -u nobody head -c 1 {path} | wc -c").stdout.strip() == "1"
    assert host.diagnose(path).findings == ()
    host.undo(finding.ways[0])
    assert path.stat().st_uid == 0
    assert host.start_guest(path) == ""
    # Measured with libvirt 9.0: a read-only disc stays with QEMU's user after the guest.
    assert path.owner() == "nobody"


@pytest.mark.parametrize("name", ["debian.iso", "debian.ISO", "debian.img", "debian", "debian.iso.part"])
def test_the_name_hides_nothing(host: IsoHost, name: str) -> None:
    path = put_iso(host, f"isos/{name}")
    host.make_pool("isos", path.parent)
    assert host.lists(path)
    assert "<format type='iso'/>" in host.virsh("vol-dumpxml", "--vol", str(path))
    found = host.diagnose(path)
    expected = [Cause.UNFINISHED_NAME] if name.endswith(".part") else []
    assert (causes(found), found.hiding) == (expected, ())
    for finding in found.findings:
        host.mend(finding.ways[0])
        host.virsh("pool-refresh", "isos")
        assert host.diagnose(host.files / "isos/debian.iso").findings == ()


def test_an_iso_that_is_cut_off(host: IsoHost) -> None:
    path = put_iso(host)
    path.write_bytes(make_iso(1000)[:700_000])
    host.make_pool("isos", path.parent)
    assert "<format type='iso'/>" in host.virsh("vol-dumpxml", "--vol", str(path))
    finding = only(host.diagnose(path), Cause.TRUNCATED)
    assert (finding.effect, finding.certainty) == (Effect.STOPS_GUEST, Certainty.CERTAIN)
    assert finding.title == "The ISO is cut off: 1,348,000 bytes are missing"
    host.mend(finding.ways[0])
    path.write_bytes(make_iso(1000))
    assert host.diagnose(path).findings == ()
    path.write_bytes(make_iso(1000)[: -100 * 2048])
    assert only(host.diagnose(path), Cause.TRUNCATED).certainty is Certainty.POSSIBLE


def test_an_iso_that_is_still_compressed(host: IsoHost) -> None:
    path = put_iso(host, "isos/debian.iso.gz")
    path.write_bytes(gzip.compress(make_iso() + os.urandom(40_000)))
    host.make_pool("isos", path.parent)
    assert "<format type='raw'/>" in host.virsh("vol-dumpxml", "--vol", str(path))
    finding = only(host.diagnose(path), Cause.NOT_AN_ISO)
    assert "compressed with gzip" in finding.explanation
    unpack = finding.ways[0]
    assert host.run(unpack.steps[0].command).returncode == 0
    host.virsh("pool-refresh", "isos")
    assert host.diagnose(host.files / "isos/debian.iso").findings == ()
    host.undo(unpack)
    assert not (host.files / "isos/debian.iso").exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (b"<!DOCTYPE html><title>404 Not Found</title>", "It is a web page"),
        (b"QFI\xfb" + bytes(70_000), "It is a qcow2 disk image"),
        (bytes(70_000), "cannot be told"),
    ],
    ids=["empty", "web page", "qcow2", "zeros"],
)
def test_what_is_no_iso_at_all(host: IsoHost, data: bytes, words: str) -> None:
    path = put_iso(host)
    path.write_bytes(data)
    host.make_pool("isos", path.parent)
    assert host.lists(path)
    finding = only(host.diagnose(path), Cause.NOT_AN_ISO)
    assert words in finding.explanation
    host.mend(finding.ways[0])
    path.write_bytes(make_iso())
    host.virsh("pool-refresh", "isos")
    assert host.diagnose(path).findings == ()


def test_a_path_that_is_not_there(host: IsoHost) -> None:
    path = put_iso(host)
    host.make_pool("isos", path.parent)
    finding = only(host.diagnose(path.with_name("Debian.iso")), Cause.PATH_MISSING)
    assert finding.evidence == ("Debian.iso - No such file or directory",)
    assert finding.ways[0].steps[0].command == "find / -xdev -iname Debian.iso 2>/dev/null"


def test_a_pool_of_a_directory_by_another_name_is_the_same(host: IsoHost) -> None:
    path = put_iso(host)
    (host.files / "other").symlink_to(path.parent)
    host.make_pool("isos", host.files / "other")
    assert host.diagnose(path).findings == ()
    assert host.diagnose(host.files / "other/debian.iso").findings == ()


def test_a_pool_of_another_type_lists_no_files(host: IsoHost) -> None:
    path = put_iso(host)
    adapter = ["--adapter-name", "scsi_host99"]
    host.virsh("pool-define-as", "luns", "scsi", *adapter, "--target", str(path.parent))
    found = host.diagnose(path)
    assert causes(found) == [Cause.NOT_IN_ANY_POOL, Cause.OTHER_POOL_TYPE]
    host.virsh("pool-undefine", "luns")
    host.mend(next(way for way in found.findings[0].ways if way.title.startswith("Make a storage pool")))
    assert host.lists(path)


def test_a_file_in_no_pool_where_there_is_none_at_all(host: IsoHost) -> None:
    path = put_iso(host)
    finding = only(host.diagnose(path), Cause.NOT_IN_ANY_POOL)
    assert finding.evidence == ("libvirt lists no storage pool",)
    default = next(way for way in finding.ways if "libvirt's own place" in way.title)
    host.mend(default)
    there = Path("/var/lib/libvirt/images/debian.iso")
    assert host.lists(there)
    assert host.diagnose(there).findings == ()


def test_a_window_on_the_session_does_not_show_the_system(host: IsoHost) -> None:
    path = put_iso(host)
    host.make_pool("isos", path.parent)
    gsettings = host.root / "bin/gsettings"
    gsettings.write_text("#!/bin/sh\necho \"['qemu:///session']\"\n")
    gsettings.chmod(0o755)
    try:
        finding = only(host.diagnose(path), Cause.OTHER_CONNECTION)
        assert finding.ways[0].steps[0].command == "virt-manager -c qemu:///system"
        gsettings.write_text("#!/bin/sh\necho \"['qemu:///session', 'qemu:///system']\"\n")
        assert host.diagnose(path).findings == ()
    finally:
        gsettings.unlink()


def test_a_pool_of_the_session_is_not_one_of_the_system(host: IsoHost) -> None:
    """A session libvirtd as nobody: its pool is found in its files, and it leaves out what it may not read."""
    path = put_iso(host)
    (path.parent / "unreadable.iso").write_bytes(make_iso())
    (path.parent / "unreadable.iso").chmod(0o600)
    home = host.root / "home"
    (home / "run").mkdir(mode=0o700)
    subprocess.run(["chown", "-R", "nobody", str(home)], check=True)
    script = f"""
libvirtd >"$HOME/log" 2>&1 &
for _ in $(seq 100); do [ -S "$XDG_RUNTIME_DIR/libvirt/libvirt-sock" ] && break; sleep 0.1; done
virsh -q -c qemu:///session pool-define-as mine dir --target '{path.parent}'
virsh -q -c qemu:///session pool-start mine
virsh -q -c qemu:///session vol-list mine
kill %1; wait %1
"""
    argv = host.argv("bash", "-c", script, user="nobody")
    argv[1:1] = ["--unshare-pid", "--die-with-parent", "--proc", "/proc"]
    argv[argv.index("--dev-bind") : argv.index("--dev-bind") + 3] = []
    argv[1:1] = ["--dev-bind", "/", "/"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["debian.iso", str(path)], done.stderr
    found = host.diagnose(path)
    assert causes(found) == [Cause.OTHER_CONNECTION, Cause.NOT_IN_ANY_POOL]
    assert "mine" in found.findings[0].title


def test_the_commands_only_look(host: IsoHost) -> None:
    path = put_iso(host)
    host.make_pool("isos", path.parent)
    (path.parent / "late.iso").write_bytes(make_iso())
    before = (host.virsh("pool-list", "--all"), host.volumes("isos"), sorted(os.walk(host.files)))
    host.output(path)
    assert (host.virsh("pool-list", "--all"), host.volumes("isos"), sorted(os.walk(host.files))) == before


@pytest.mark.parametrize("shell", ["bash", "dash"])
@pytest.mark.parametrize(
    "name",
    [
        'it\'s $(touch owned) `id` "x".iso',
        "-rf ; & | > <.iso",
        "  two  blanks.iso",
        "डेबियन é.iso",
        "a\\040b%s!.iso",
    ],
)
def test_every_name_is_one_word_for_the_shell(host: IsoHost, shell: str, name: str) -> None:
    path = put_iso(host, "isos/" + name)
    host.make_pool("isos", path.parent)
    found = diagnose(read_paste(host.output(path, shell=shell), path=str(path)))
    assert (found.findings, found.unknown) == ((), ())
    assert not (host.root / "owned").exists()
    host.virsh("pool-destroy", "isos")
    host.virsh("pool-undefine", "isos")
    host.make_pool("images", host.files / "images")
    for way in only(host.diagnose(path), Cause.NOT_IN_ANY_POOL).ways:
        host.mend(way)
        host.undo(way)
    assert sorted(one.name for one in (host.files / "isos").iterdir()) == [name]
    assert not (host.root / "owned").exists()


def test_the_block_can_be_pasted_into_a_terminal(host: IsoHost) -> None:
    """An interactive bash on a terminal of its own: echo, prompts, line ends, ``!`` of the history."""
    path = put_iso(host, "isos/it's !new $x.iso")
    host.make_pool("isos", path.parent)
    process, terminal = pty.fork()
    if process == 0:
        os.execvp("bwrap", host.argv("bash", "--norc", "-i"))  # noqa: S606 - the child of a terminal
    seen = b""
    os.write(terminal, command_block(str(path)).encode())
    until = time.monotonic() + 30
    while b"\n== iso-doctor: end\r" not in seen and time.monotonic() < until:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 1 << 16)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(terminal)
    found = diagnose(read_paste(seen.decode(), path=str(path)))
    assert (found.findings, found.unknown) == ((), ())


def test_a_reader_without_rights_learns_what_is_missing(host: IsoHost) -> None:
    path = put_iso(host, "private/debian.iso")
    host.make_pool("isos", path.parent)
    path.parent.chmod(0o700)
    found = diagnose(read_paste(host.output(path, user="nobody"), path=str(path)))
    assert all(finding.cause is not Cause.PATH_MISSING for finding in found.findings)
    assert any("run as root" in unknown.check for unknown in found.unknown)
