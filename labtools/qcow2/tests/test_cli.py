"""``python -m labtools.qcow2`` as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import labtools.qcow2

from .build import Image, snapshot

ROOT = Path(labtools.qcow2.__file__).resolve().parents[2]


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "labtools.qcow2", *map(str, arguments)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(
        Image(
            size=1_048_576_000,
            backing_file_offset=160,
            backing_file_size=8,
            nb_snapshots=2,
            snapshots_offset=0x40000,
            at={160: b"base.raw", 0x40000: snapshot() + snapshot(number=b"2", extra=b"", name=b"\x1b[2J")},
        ).bytes()
    )
    return path


def test_header_is_printed_as_a_table(image: Path) -> None:
    image.write_bytes(Image(size=1_048_576_000).bytes())
    done = run("header", image)

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Every rule of the header is kept."
    assert lines[1].startswith(
        "qcow2 version 3, virtual size 1000 MiB, clusters of 64 KiB, file length 327,680 bytes"
    )
    (size,) = (line for line in lines if " size " in line and line.lstrip().startswith("24-31"))
    assert size.split("  ")[1:2] == ["24-31"]
    assert "00000000 3e800000" in size
    assert "1,048,576,000 bytes = 1000 MiB" in size
    assert size.endswith("kept")
    assert "  00000000  51 46 49 fb 00 00 00 03 00 00 00 00 00 00 00 00  QFI............." in lines
    assert not any(line != line.rstrip() for line in lines if "  0000" not in line)


def test_broken_rules_are_printed_and_exit_with_2(image: Path) -> None:
    done = run("header", image)

    assert done.returncode == 2
    assert done.stdout.startswith("1 rule of the header is broken.\n")
    assert "Backing file name at 160: base.raw" in done.stdout
    assert "before update" in done.stdout
    assert r"\x1b[2J" in done.stdout
    assert "\x1b" not in done.stdout
    assert "[snapshot-extra-short]" in done.stdout


def test_json_is_the_stored_report(image: Path) -> None:
    done = run("header", image, "--json")
    report = json.loads(done.stdout)

    assert done.returncode == 2
    assert report["format"] == 1
    assert report["facts"]["virtual_size"] == 1_048_576_000
    assert report["backing_file"]["text"] == "base.raw"


def test_notes_alone_exit_with_0(image: Path) -> None:
    image.write_bytes(Image(size=(1 << 30) - 1).bytes())
    done = run("header", image)

    assert done.returncode == 0
    assert "note: The size is no multiple of 512." in done.stdout


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty. The copy or the download did not take place.\n"),
        (b"\x1f\x8b\x08" + bytes(99), "gunzip -k IMAGE\n"),
        (b"QFI\xfb\0\0\0\2" + bytes(60), "it has 68 bytes, and the header alone takes 72.\n"),
    ],
)
def test_what_is_no_qcow2_is_one_sentence_and_exits_with_1(data: bytes, sentence: str, image: Path) -> None:
    image.write_bytes(data)
    done = run("header", image)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(sentence)
    assert done.stderr.count("\n") == 1


def test_missing_file_and_wrong_usage_exit_with_1(tmp_path: Path) -> None:
    missing = run("header", tmp_path / "none")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == "The file could not be opened: No such file or directory.\n"

    for arguments in ([], ["header"], ["header", "-"], ["nonsense", "x"]):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" not in done.stderr


def output_into(descriptor: int, image: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "labtools.qcow2", "header", str(image)],
        cwd=ROOT,
        stdout=descriptor,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )


def test_reader_that_has_gone_causes_no_complaint(image: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = output_into(writing, image)
    os.close(writing)

    assert (done.returncode, done.stderr) == (1, "")


def test_full_disk_is_a_sentence(image: Path) -> None:
    with open("/dev/full", "w") as full:
        done = output_into(full.fileno(), image)

    assert (done.returncode, done.stderr) == (
        1,
        "The output could not be written: No space left on device.\n",
    )


def test_closed_output_still_gives_the_exit_code(image: Path) -> None:
    command = 'exec "$0" -m labtools.qcow2 header "$1" >&-'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, str(image)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (2, "")


def test_terminal_without_unicode_gets_escapes(image: Path) -> None:
    image.write_bytes(Image(size=(1 << 30) - 1).bytes())
    done = run("header", image, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert (done.returncode, done.stderr) == (0, "")
    assert r"1 \xd7 65,536 bytes" in done.stdout


def test_command_needs_no_django(image: Path) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['django', 'celery', 'portal', 'numpy'])); "
        f"from labtools.qcow2.__main__ import main; sys.exit(main(['header', {str(image)!r}, '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, timeout=60
    )

    assert (done.returncode, done.stderr) == (2, b"")
