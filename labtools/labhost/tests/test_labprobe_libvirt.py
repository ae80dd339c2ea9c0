"""The libvirt part of the probe against a virsh that misbehaves: bounds, what is kept, and that nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labtools.labhost import labprobe
from labtools.labhost.inventory import LibvirtRefused, read_section
from labtools.labhost.tests.libvirt_hosts import RUN, ask_libvirt
from labtools.labhost.tests.test_labprobe import all_end, pids_of

VERSION = """
    *' version '*) echo 'Running against daemon: 9.1.2'; echo 'Running hypervisor: QEMU 8.2.0';;
    *' capabilities') echo '<capabilities/>';;
"""


def fake_virsh(folder: Path, monkeypatch: pytest.MonkeyPatch, cases: str) -> Path:
    """Put a virsh first on PATH that notes its process id and does as ``cases`` (of sh) say."""
    program = folder / "virsh"
    program.write_text(f'#!/bin/sh\necho $$ >> "$0.pids"\ncase "$*" in {cases}\nesac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return program


def test_versions_are_packed_as_libvirt_packs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_virsh(tmp_path, monkeypatch, VERSION)
    found = read_section(ask_libvirt(through="Virsh"))
    assert (found.version, found.hypervisor_version) == ("9.1.2", "8.2.0")
    assert (found.node_devices, found.pools) == ((), ())


def test_what_came_before_a_hang_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = '<pool type="dir"><name>nfs</name></pool>'
    cases = f"""{VERSION}
    *pool-list*) echo nfs;;
    *pool-dumpxml*) echo '{pool}';;
    *vol-list*) sleep 600 & echo $! >> "$0.pids"; sleep 600;;
    """
    program = fake_virsh(tmp_path, monkeypatch, cases)
    found = read_section(ask_libvirt(through="Virsh", limit=2))
    assert [(pool.name, pool.is_active, pool.volumes) for pool in found.pools] == [("nfs", True, ())]
    assert dict(found.refused) == {"pools": "gave no whole answer in 2 seconds"}
    assert all_end(pids_of(program, 5))


def test_an_endless_answer_is_cut_and_the_others_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "yes '<device><name>a</name></device>'"
    program = fake_virsh(
        tmp_path, monkeypatch, f"{VERSION} *nodedev*) {endless};; *net-list*) echo default;;"
    )
    begun = time.monotonic()
    section = ask_libvirt(through="Virsh", limit=8)
    assert time.monotonic() - begun < 20
    assert sum(map(len, section["node_devices"])) <= labprobe.LIBVIRT_BYTES
    assert section["refused"].keys() <= {"node_devices"}
    assert section["version"] == 9001002
    assert all_end(pids_of(program, 5))


def test_virshs_own_words_are_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "printf 'error: no\\033[31m access\\nerror: really\\n' >&2; exit 1"
    fake_virsh(tmp_path, monkeypatch, f"{VERSION} *pool-list*) {words};;")
    assert dict(read_section(ask_libvirt(through="Virsh")).refused) == {"pools": "no?[31m access really"}


def test_a_host_without_libvirt_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LibvirtRefused, match="neither libvirt-python nor virsh"):
        read_section(ask_libvirt(through="Virsh"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_process_is_left_when_the_probe_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    program = fake_virsh(tmp_path, monkeypatch, '*) sleep 600 & echo $! >> "$0.pids"; sleep 600;;')
    argv = [sys.executable, "-c", RUN, "Virsh", "30"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        pids = pids_of(program, 2 * len(labprobe.KINDS))
        process.send_signal(number)
        process.communicate(timeout=10)
    assert process.returncode == (-number if number == signal.SIGKILL else 1)
    assert all_end(pids)


def test_no_process_is_left_when_nobody_reads_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = fake_virsh(tmp_path, monkeypatch, "*) sleep 600;;")
    argv = [sys.executable, "-c", RUN, "Virsh", "30"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        pids = pids_of(program, len(labprobe.KINDS))
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=10) == 1
    assert all_end(pids)


@pytest.mark.parametrize(
    "words",
    [
        ["--libvirt-socket", "relative"],
        ["--libvirt-socket"],
        ["--demonstration", "x"],
        ["test:///default"],
        ["-c", "qemu+ext:///system"],
    ],
)
def test_no_argument_names_another_connection(words: list[str]) -> None:
    with pytest.raises(ValueError, match="usage"):
        labprobe.arguments_of(words)


def test_a_path_adds_no_parameter_to_the_uri() -> None:
    uri, _ = labprobe.arguments_of(["--libvirt-socket", "/run/a&command=/bin/evil#?x"])
    assert uri == "qemu:///system?socket=/run/a%26command%3D/bin/evil%23%3Fx"
