"""The fuzz target: it runs, and what no input may lead to stops it."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

import labtools.qcow2
from labtools.qcow2 import check_image, open_image

from . import fuzz


@pytest.mark.parametrize("number", range(len(fuzz.RECIPES)))
def test_what_is_changed_is_sound_before(number: int, tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    image.write_bytes(fuzz.changed(bytes([number])))
    with open_image(image) as source:
        assert check_image(source, whole=True, payload=True).findings == ()


@pytest.mark.parametrize("mode", range(5))
def test_random_inputs_of_each_kind(mode: int) -> None:
    chance = random.Random(mode)
    for number in range(60):
        fuzz.one_input(bytes((mode, number)) + chance.randbytes(chance.choice((0, 11, 44, 700))))


def test_a_bug_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr(labtools.qcow2, "check_image", broken)
    with pytest.raises(IndexError):
        fuzz.one_input(bytes(2))


def test_the_fuzzer_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "labtools.qcow2.tests.fuzz",
            "-runs=300",
            "-seed=1",
            f"-artifact_prefix={tmp_path}/",
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    # libFuzzer counts the empty input that it begins with, or not.
    assert re.search(r"Done 30[01] runs", done.stdout + done.stderr)
    assert list(tmp_path.iterdir()) == []
