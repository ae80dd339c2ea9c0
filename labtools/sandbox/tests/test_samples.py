"""The portal's own samples, judged by the real qemu-img in the real sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labtools.sandbox import SAMPLES, CheckNumbers, Outcome, SampleKind, image_check, image_info, make_sample


def sample(tmp_path: Path, kind: SampleKind) -> Path:
    path = tmp_path / SAMPLES[kind].filename
    make_sample(kind, path)
    return path


@pytest.mark.parametrize("kind", SampleKind)
def test_sample_gets_the_exit_code_it_names(tmp_path: Path, kind: SampleKind) -> None:
    path = sample(tmp_path, kind)

    check = image_check(path)

    assert check.run.exit_code == SAMPLES[kind].exit_code == {"healthy": 0, "leaking": 3, "corrupt": 2}[kind]
    assert path.stat().st_size <= 4 * 2**20


@pytest.mark.parametrize("kind", SampleKind)
def test_sample_is_the_same_bytes_every_time(tmp_path: Path, kind: SampleKind) -> None:
    first, second = tmp_path / "first.qcow2", tmp_path / "second.qcow2"
    make_sample(kind, first)
    make_sample(kind, second)

    assert first.read_bytes() == second.read_bytes()


def test_healthy_sample_is_clean_in_all_its_numbers(tmp_path: Path) -> None:
    check = image_check(sample(tmp_path, SampleKind.HEALTHY))

    assert (check.run.outcome, check.messages) == (Outcome.CLEAN, ())
    assert check.numbers == CheckNumbers(
        check_errors=0,
        corruptions=0,
        leaks=0,
        image_end_offset=851968,
        total_clusters=1024,
        allocated_clusters=4,
        fragmented_clusters=2,
        compressed_clusters=0,
    )


def test_leaking_sample_names_both_clusters(tmp_path: Path) -> None:
    check = image_check(sample(tmp_path, SampleKind.LEAKING))

    assert check.run.outcome is Outcome.LEAKS
    assert check.run.sentence == "qemu-img check counts 2 leaked clusters and no corruption."
    (message,) = check.messages
    assert (message.code, message.severity, message.count) == ("leaked-cluster", "leak", 2)
    assert [example.cluster_offset for example in message.examples] == [13 * 65536, 14 * 65536]


def test_corrupt_sample_has_a_lost_refcount_and_wrong_flags(tmp_path: Path) -> None:
    check = image_check(sample(tmp_path, SampleKind.CORRUPT))

    assert check.run.outcome is Outcome.CORRUPTIONS
    assert [(message.code, message.count) for message in check.messages] == [
        ("refcount-too-low", 1),
        ("copied-flag-data", 2),
    ]
    assert check.messages[0].examples[0].sentence == "ERROR cluster 12 refcount=0 reference=1"
    assert check.messages[0].examples[0].cluster_offset == 12 * 65536
    # The entry holds flags as well; the offset is the cluster's.
    assert [example.cluster_offset for example in check.messages[1].examples] == [786432, 458752]


def test_info_lists_the_snapshot_with_its_fixed_date(tmp_path: Path) -> None:
    info = image_info(sample(tmp_path, SampleKind.HEALTHY))

    assert info.run.outcome is Outcome.INFO
    assert info.information is not None
    assert info.information["virtual-size"] == 64 * 2**20
    (snapshot,) = info.information["snapshots"]
    assert (snapshot["name"], snapshot["date-sec"]) == ("before-update", 1767225600)


def test_json_keeps_qemus_names(tmp_path: Path) -> None:
    check = json.loads(json.dumps(image_check(sample(tmp_path, SampleKind.CORRUPT)).to_json_dict()))

    assert check["format"] == 1
    assert check["numbers"]["corruptions"] == 3
    assert check["numbers"]["image-end-offset"] == 851968
    assert check["run"] | {"seconds": 0, "raw_stdout": "", "raw_stderr": "", "qemu_version": ""} == {
        "outcome": "corruptions",
        "sentence": "qemu-img check counts 3 corruptions and 0 leaked clusters.",
        "qemu_version": "",
        "exit_code": 2,
        "signal": None,
        "seconds": 0,
        "raw_stdout": "",
        "raw_stderr": "",
        "stdout_truncated": False,
        "stderr_truncated": False,
        "ran": True,
    }
    assert check["run"]["qemu_version"]
    assert json.loads(check["run"]["raw_stdout"])["corruptions"] == 3
    assert set(check["messages"][0]) == {"code", "severity", "count", "explanation", "examples"}


def test_sample_is_not_written_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.write_bytes(b"mine")

    with pytest.raises(FileExistsError):
        make_sample(SampleKind.HEALTHY, path)

    assert path.read_bytes() == b"mine"
