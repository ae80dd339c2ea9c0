"""Real runs: QEMU's programs and libvirt's test driver, and what goes wrong around them."""

import os
import time
from pathlib import Path

import pytest

from labtools.recipes import Block, Refused, Result, read_command, running, versions
from labtools.recipes.running import LIMITS, run_blocks
from labtools.sandbox import Limits, run_in_folder, runner
from labtools.sandbox.tests.processes import new_marker, wait_until_gone

VHBA = """<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>
<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>"""


def block(*lines: str, **documents: str) -> Block:
    return Block(
        tuple(read_command(line) for line in lines),
        {f"{name}.xml": text for name, text in documents.items()},
    )


def run(*blocks: Block, beside: Path) -> list[list[Result]]:
    return run_blocks(blocks, beside=beside)


def test_blocks_share_a_folder_that_ends_with_the_run(tmp_path: Path) -> None:
    first, second = run(
        block("qemu-img create -f qcow2 disk.qcow2 1000M", "xxd -l 4 disk.qcow2"),
        block("qemu-img check disk.qcow2", "qemu-img check leaking.qcow2", "qemu-img info other.qcow2"),
        beside=tmp_path,
    )
    assert [one.exit_code for one in (*first, *second)] == [0, 0, 0, 3, 1]
    assert first[1].output == "00000000: 5146 49fb                                QFI.\n"
    assert second[0].output.startswith("No errors were found on the image.\n")
    assert "Could not open 'other.qcow2'" in second[2].output, "stderr is there too"
    assert list(tmp_path.iterdir()) == []


def test_virsh_keeps_what_earlier_commands_did_to_the_test_driver(tmp_path: Path) -> None:
    ((made, shown, gone, twice),) = run(
        block(
            "virsh nodedev-create vhba.xml",
            "virsh nodedev-dumpxml scsi_host12",
            "virsh nodedev-destroy scsi_host12",
            "virsh nodedev-destroy scsi_host12",
            vhba=VHBA,
        ),
        beside=tmp_path,
    )
    assert made == Result(0, "Node device scsi_host12 created from vhba.xml\n\n")
    assert "<wwpn>1000000012341234</wwpn>" in shown.output
    assert "created" not in shown.output, "what was done again before is not shown"
    assert (gone.exit_code, twice.exit_code) == (0, 1)


def test_several_commands_of_virsh_come_as_one(tmp_path: Path) -> None:
    ((result,),) = run(
        block('virsh "nodedev-create vhba.xml; nodedev-destroy scsi_host12"', vhba=VHBA), beside=tmp_path
    )
    assert result.output.split("\n") == [
        *("Node device scsi_host12 created from vhba.xml", ""),
        *("Destroyed node device 'scsi_host12'", "", ""),
    ]


def test_help_of_a_real_qemu(tmp_path: Path) -> None:
    ((devices, options, machines, models),) = run(
        block(
            *(
                f"qemu-system-x86_64 {words}"
                for words in ("-device help", "-device virtio-net-pci,help", "-machine help", "-cpu help")
            )
        ),
        beside=tmp_path,
    )
    assert 'name "virtio-net-pci"' in devices.output
    assert "mac=<str>" in options.output
    assert "q35" in machines.output
    assert "qemu64" in models.output
    assert versions()["qemu"].startswith("QEMU ")
    assert versions()["test-driver"].startswith("libvirt ")


def test_a_file_cannot_outgrow_its_bound(tmp_path: Path) -> None:
    ((result,),) = run(block("qemu-img create -f raw disk.raw 300M"), beside=tmp_path)
    assert result.exit_code == 1


def test_a_document_is_checked_again_before_it_is_written(tmp_path: Path) -> None:
    ((result,),) = run(block("virsh nodedev-create vhba.xml", vhba="<!DOCTYPE a><a/>"), beside=tmp_path)
    assert result.exit_code is None
    assert "document type" in result.trouble


def test_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runner._ENVIRONMENT, "PATH", "/nonexistent")
    ((result,),) = run(block("qemu-img --version"), beside=tmp_path)
    assert result.exit_code is None
    assert result.trouble.startswith("qemu-img is not installed. Install the package qemu-utils")
    assert versions() == {}


def inside(script: str, folder: Path, limits: Limits = LIMITS) -> runner.Finished:
    """What a command could do at most, if one of the programs were taken over."""
    return run_in_folder(["bash", "-c", script], folder=folder, limits=limits)


def test_nothing_of_the_machine_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "the-secret")
    assert b"the-secret" not in inside("env", tmp_path).stdout
    for path in ("/etc/passwd", "/home", "/root", "/proc/self", "/run", "/var/run/libvirt"):
        assert inside(f"ls {path}", tmp_path).exit_code == 2, path
    assert inside("echo x > /usr/x", tmp_path).exit_code == 1
    assert inside("exec 3<>/dev/tcp/127.0.0.1/22", tmp_path).exit_code == 1
    assert inside("echo x > file && pwd", tmp_path).stdout == b"/work\n"


def test_links_in_the_folder_lead_nowhere_and_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "disk.qcow2").symlink_to("/etc/passwd")
    finished = run_in_folder(["qemu-img", "info", "-f", "raw", "disk.qcow2"], folder=tmp_path, limits=LIMITS)
    assert (finished.exit_code, b"No such file" in finished.stdout) == (1, True)
    with pytest.raises(running._Stopped):
        running._inspect(tmp_path)


def test_a_document_replaces_a_link_and_does_not_follow_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    link = tmp_path / "vhba.xml"
    link.symlink_to(victim)
    running._write(link, b"<a/>")
    assert (victim.read_text(), link.is_symlink(), link.read_text()) == ("untouched", False, "<a/>")


def test_endless_commands_and_their_children_are_ended(tmp_path: Path) -> None:
    marker = new_marker()
    limits = Limits(wall_seconds=2, cpu_seconds=1)
    started = time.monotonic()
    finished = inside(f"setsid sleep {marker} & sleep {marker}", tmp_path, limits)
    assert finished.ended_because is runner.EndedBecause.TIMEOUT
    assert time.monotonic() - started < 10
    wait_until_gone(marker)


def test_fork_bombs_and_floods_are_bounded(tmp_path: Path) -> None:
    marker = new_marker()
    limits = Limits(wall_seconds=5, cpu_seconds=2, processes=30, stdout_bytes=10_000)
    bomb = inside(f"for i in $(seq 200); do sleep {marker} & done; wait", tmp_path, limits)
    assert bomb.exit_code != 0
    wait_until_gone(marker)
    flood = inside("yes", tmp_path, limits)
    assert (flood.ended_because, len(flood.stdout)) == (runner.EndedBecause.OUTPUT, 10_000)


def test_too_many_files_end_the_run(tmp_path: Path) -> None:
    for number in range(running.MAX_FILES + 1):
        (tmp_path / f"{number}.raw").touch()
    with pytest.raises(running._Stopped, match="64 files"):
        running._inspect(tmp_path)


def test_all_commands_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MAX_COMMANDS", 1)
    ((first, second, third),) = run(block(*["qemu-img --version"] * 3), beside=tmp_path)
    assert first.exit_code == 0
    assert second == third
    assert "the rest was not run" in second.trouble


def test_folders_of_killed_workers_are_removed(tmp_path: Path) -> None:
    old, young, foreign = (tmp_path / name for name in ("portal-check-a", "portal-check-b", "other"))
    for folder in (old, young, foreign):
        folder.mkdir()
        (folder / "disk.qcow2").touch()
    for folder in (old, foreign):
        os.utime(folder, (1, 1))
    run_blocks([], beside=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "portal-check-b"]


def test_lines_that_a_check_cannot_say_do_not_come_this_far() -> None:
    with pytest.raises(Refused):
        block("rm disk.qcow2")
