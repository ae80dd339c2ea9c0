"""The probe against the real QEMU of this machine, and against one that misbehaves in every way."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from labtools.labhost import labprobe
from labtools.labhost.device_help import render_device_help
from labtools.labhost.document import HostDocument, Qemu, Status, parse_document
from labtools.labhost.references import root

#: QEMU 7.2 reads memory that it never set when it makes one of these (GLib says "failed to allocate
#: 94732301568 bytes", another number each time): its own answer changes from run to run.
UNSTEADY = {"acpi-ged", "acpi-ged-x86"}
FAKE = Path(__file__).with_name("fake_qemu.py")
#: The probe with fakes for binaries and with limits that a test can wait for.
RUN = """
import sys
from labtools.labhost import labprobe
labprobe.find_binaries = lambda **_: sys.argv[2:]
labprobe.read_libvirt = lambda *_: {"uri": "", "refused": {"connection": "not asked"}}
labprobe.ACCELERATORS = ("tcg",)
labprobe.ANSWER_LIMIT = labprobe.START_LIMIT = float(sys.argv[1])
sys.exit(labprobe.main())
"""


def make_fake(folder: Path, fault: str) -> Path:
    program = folder / f"qemu-system-{fault}"
    program.write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def start(*binaries: Path, limit: float = 0.5) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", RUN, str(limit), *map(str, binaries)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def probe_fake_document(folder: Path, fault: str) -> dict[str, Any]:
    with start(make_fake(folder, fault)) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"")
    parse_document(out)
    found: dict[str, Any] = json.loads(out)
    return found


def probe_fake(folder: Path, fault: str) -> dict[str, Any]:
    entry = probe_fake_document(folder, fault)["qemu"][0]
    assert isinstance(entry, dict)
    return entry


def statuses(entry: dict[str, Any]) -> dict[str, str]:
    return {device["name"]: device["status"] for device in entry["devices"]}


def is_running(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def pids_of(program: Path, at_least: int) -> list[int]:
    """The process ids that a fake noted, once there are as many."""
    noted = Path(f"{program}.pids")
    until = time.monotonic() + 10
    while time.monotonic() < until:
        pids = [int(pid) for pid in noted.read_text().split()] if noted.exists() else []
        if len(pids) >= at_least:
            return pids
        time.sleep(0.02)
    raise AssertionError("the fake QEMU was not started")


def all_end(pids: list[int]) -> bool:
    until = time.monotonic() + 5
    while any(map(is_running, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(is_running, pids))


@pytest.fixture(scope="module")
def real() -> HostDocument:
    done = subprocess.run(
        [sys.executable, "-m", "labtools.labhost", "probe"], stdout=subprocess.PIPE, timeout=60, check=True
    )
    return parse_document(done.stdout)


def x86_64(document: HostDocument) -> Qemu:
    return next(qemu for qemu in document.qemu if qemu.binary.endswith("/qemu-system-x86_64"))


#: Asks, inside a root with a QEMU, for the help of each type named on its standard input.
ASK_ALL = """
import json, subprocess, sys
def ask(name):
    done = subprocess.run(
        ["qemu-system-x86_64", "-device", name + ",help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    return [done.stdout.decode(), done.stderr.decode(), done.returncode]
json.dump({name: ask(name) for name in json.load(sys.stdin)}, sys.stdout)
"""


def assert_shown_as_printed(document: HostDocument, command: list[str]) -> None:
    """Every type of the document's QEMU for x86_64, against what the real command prints."""
    qemu = x86_64(document)
    assert len(qemu.devices) > 300
    names = json.dumps([device.name for device in qemu.devices])
    done = subprocess.run(
        [*command, "-c", ASK_ALL], input=names, stdout=subprocess.PIPE, text=True, check=True
    )
    printed = json.loads(done.stdout)
    differs = []
    for device in qemu.devices:
        out, errors, code = printed[device.name]
        shown = render_device_help(device, document.properties_of(device), qemu.version)
        if device.name in UNSTEADY:
            assert "  ged-event=<uint32>     -  (default: 0)\n" in shown or device.last_words
            continue
        if shown != out:
            differs.append(device.name)
        if device.status is Status.DIED:
            assert code != 0
            assert device.last_words.splitlines()[-1] in errors
    assert differs == []


def test_every_device_is_shown_as_the_real_command_shows_it(real: HostDocument) -> None:
    assert_shown_as_printed(real, [sys.executable])


def test_every_device_of_qemu_10_is_shown_as_its_command_shows_it(second_host: Path) -> None:
    assert_shown_as_printed(
        parse_document(root.probe(second_host)), root.inside(second_host, "/usr/bin/python3")
    )


def test_groups_aliases_and_hidden_types_are_those_of_device_help(real: HostDocument) -> None:
    qemu = x86_64(real)
    listed = subprocess.run([qemu.binary, "-device", "help"], stdout=subprocess.PIPE, text=True, check=True)
    names = {line.split('"')[1] for line in listed.stdout.splitlines() if line.startswith("name ")}
    assert names == {device.name for device in qemu.devices if device.user_creatable}
    by_name = {device.name: device for device in qemu.devices}
    disk = by_name["virtio-blk-pci"]
    assert (disk.group, disk.bus, disk.alias) == ("Storage", "PCI", "virtio-blk")
    assert by_name["mch"].user_creatable is False


def test_machines_and_cpu_models_are_those_of_the_commands(real: HostDocument) -> None:
    qemu = x86_64(real)
    listed = subprocess.run([qemu.binary, "-M", "help"], stdout=subprocess.PIPE, text=True, check=True)
    names = {line.split()[0] for line in listed.stdout.splitlines()[1:] if line.strip()}
    assert names == {m.name for m in qemu.machines} | {m.alias for m in qemu.machines if m.alias}
    (default,) = [machine for machine in qemu.machines if machine.is_default]
    assert f"{default.name} " in next(x for x in listed.stdout.splitlines() if "(default)" in x)
    tcg = next(accelerator for accelerator in qemu.accelerators if accelerator.name == "tcg")
    usable = {cpu.name: cpu.is_usable for cpu in tcg.cpus}
    assert usable["qemu64"] is True
    host = next(cpu for cpu in tcg.cpus if cpu.name == "host")
    assert host.unavailable == ("kvm",)


def test_the_same_host_gives_the_same_hash(real: HostDocument) -> None:
    done = subprocess.run(
        [sys.executable, labprobe.__file__], stdout=subprocess.PIPE, timeout=60, check=True, cwd="/"
    )
    assert parse_document(done.stdout).content_hash == real.content_hash


def test_a_type_that_ends_qemu_is_noted_and_the_others_are_asked(tmp_path: Path) -> None:
    entry = probe_fake(tmp_path, "dies")
    assert statuses(entry) == {
        "good-a": "ok",
        "good-b": "ok",
        "deadly": "died",
        "good-c": "ok",
        "refused": "error",
    }
    deadly = next(device for device in entry["devices"] if device["name"] == "deadly")
    assert deadly["last_words"] == "last?[31m words"


def test_a_property_named_by_stray_bytes_is_left_out(tmp_path: Path) -> None:
    found = probe_fake_document(tmp_path, "stray")
    (rows,) = found["property_lists"].values()
    assert [row["name"] for row in rows] == ["p"]


@pytest.mark.parametrize("fault", ["hangs", "floods", "chatters"])
def test_a_type_over_which_qemu_hangs_or_floods_costs_only_itself(tmp_path: Path, fault: str) -> None:
    entry = probe_fake(tmp_path, fault)
    assert [name for name, status in statuses(entry).items() if status == "ok"] == [
        "good-a",
        "good-b",
        "good-c",
    ]
    assert statuses(entry)["deadly"] == "error"
    assert all_end(pids_of(tmp_path / f"qemu-system-{fault}", 2))


@pytest.mark.parametrize("fault", ["silent", "garbage"])
def test_a_qemu_that_never_greets_is_an_error(tmp_path: Path, fault: str) -> None:
    entry = probe_fake(tmp_path, fault)
    assert (entry["status"], entry["devices"]) == ("error", [])
    assert entry["last_words"]
    assert all_end(pids_of(tmp_path / f"qemu-system-{fault}", 1))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_process_is_left_when_the_probe_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    program = make_fake(tmp_path, "child")
    with start(program, limit=30) as process:
        pids = pids_of(program, 2)
        assert all(map(is_running, pids))
        process.send_signal(number)
        process.communicate(timeout=10)
    assert process.returncode == (-number if number == signal.SIGKILL else 1)
    assert all_end(pids)


def test_no_process_is_left_when_nobody_reads_any_more(tmp_path: Path) -> None:
    program = make_fake(tmp_path, "child")
    with start(program, limit=30) as process:
        pids = pids_of(program, 2)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=10) == 1
    assert all_end(pids)


def test_wrappers_children_end_with_the_probe_that_went_well(tmp_path: Path) -> None:
    entry = probe_fake(tmp_path, "child")
    assert statuses(entry)["deadly"] == "error"
    assert all_end(pids_of(tmp_path / "qemu-system-child", 4))


def test_the_document_never_exceeds_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"name": "p", "type": "x" * 500}]
    entry = {"binary": "/b", "devices": [{"properties": "d"}]}
    document = {
        "qemu": [{"binary": "/a", "devices": []}, entry],
        "property_lists": {"d": rows},
        "problems": [],
    }
    monkeypatch.setattr(labprobe, "DOCUMENT_LIMIT", 300)
    kept = json.loads(labprobe.dump(document))
    assert [each["binary"] for each in kept["qemu"]] == ["/a"]
    assert kept["property_lists"] == {}
    assert kept["problems"] == ["left out, the document would be too large: /b"]


def test_binaries_are_found_once_each(tmp_path: Path) -> None:
    program = make_fake(tmp_path, "ppc64")
    (tmp_path / "qemu-system-link").symlink_to(program)
    (tmp_path / "qemu-system-text").write_text("not a program")
    assert len(labprobe.find_binaries([str(tmp_path)])) == 1
    assert f"{os.path.realpath('/usr/bin')}/qemu-system-x86_64" in labprobe.find_binaries()


def test_the_probe_is_one_file_for_python_3_6() -> None:
    tree = ast.parse(Path(labprobe.__file__).read_text(), feature_version=(3, 6))
    imported = {
        name.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    } | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= set(sys.stdlib_module_names) - {"__future__", "dataclasses"}
