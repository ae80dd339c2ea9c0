"""The corpus: each image has the findings that its manifest promises, and qemu-img check answers as told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from labtools.qcow2 import check_image, open_image
from labtools.qcow2.corpus.damage import Damage
from labtools.qcow2.corpus.differential import ask_qemu, our_answer
from labtools.qcow2.corpus.silent import EVERY


@pytest.mark.parametrize("seed", [0, 5])
@pytest.mark.parametrize("damage", EVERY, ids=lambda damage: damage.name)
def test_each_damage_is_found_and_nothing_else(damage: Damage, seed: int, tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    damage.image(seed).write(path)
    with open_image(path) as source:
        report = check_image(source)

    assert {finding.code for finding in report.findings} == damage.findings
    assert report.verdict == damage.verdict
    assert report.qemu_exit == damage.qemu_exit
    if seed == 0:
        assert our_answer(report) == ask_qemu(path, has_data_file=damage.recipe.data_file)


def test_command_writes_images_and_manifest(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "labtools.qcow2.corpus", str(tmp_path), "--seed", "3"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    manifest = json.loads((tmp_path / "manifest.json").read_text())

    assert [entry["file"] for entry in manifest["images"]] == [f"{damage.name}.qcow2" for damage in EVERY]
    assert all((tmp_path / entry["file"]).stat().st_size for entry in manifest["images"])
