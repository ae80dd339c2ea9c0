"""The bytes behind findings: the right ones, whole, few, and never key material."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from labtools.qcow2 import Evidence, HostRange, check_image, evidence, gather_evidence, open_image
from labtools.qcow2.corpus.silent import EVERY
from labtools.qcow2.tests.build import END, Image, extension

DAMAGES = {damage.name: damage for damage in EVERY}


def gathered(path: Path) -> tuple[Evidence, ...]:
    with open_image(path) as source:
        return gather_evidence(source, check_image(source))


@pytest.mark.parametrize(
    ("damage", "code", "layout", "name", "value", "is_broken"),
    [
        ("l1-reserved-bit", "l1-entry-reserved", "l1-entry", "reserved", 1, True),
        ("l1-copied-flag", "l2-copied-flag", "l1-entry", "COPIED", 0, False),
        ("l2-reserved-bit", "l2-entry-reserved", "l2-entry", "reserved", 1, True),
        ("l2-copied-flag", "data-copied-flag", "l2-entry", "COPIED", 0, False),
        ("zero-flag-version-2", "l2-zero-flag-version-2", "l2-entry", "zero", 1, False),
        ("compressed-copied", "compressed-copied", "compressed-l2-entry", "COPIED", 1, False),
        ("subcluster-data-and-zero", "subclusters-data-and-zero", "l2-entry", "zero", 1, False),
        ("refcount-table-reserved", "refcount-table-reserved", "refcount-table-entry", "reserved", 1, True),
        ("refcount-zero", "refcount-too-low", "refcount", "refcount", 0, False),
        ("leak", "leaked-clusters", "refcount", "refcount", 1, False),
    ],
)
def test_a_finding_has_its_entry_with_the_part_that_is_wrong(
    damage: str, code: str, layout: str, name: str, value: int, is_broken: bool, tmp_path: Path
) -> None:
    path = tmp_path / "image"
    DAMAGES[damage].image(0).write(path)
    one = next(each for each in gathered(path) if each.code == code)
    assert one.layout == layout
    assert one.data == path.read_bytes()[one.offset : one.offset + len(one.data)]
    assert (name, value, is_broken) in {(part.name, part.value, part.is_broken) for part in one.parts}


def test_a_sound_image_has_none(tmp_path: Path) -> None:
    DAMAGES["none"].image(0).write(tmp_path / "image")
    assert gathered(tmp_path / "image") == ()


def _scattered(places: int) -> Image:
    """An L2 table in which every second entry has a reserved bit."""
    table = b"".join(struct.pack(">QQ", 2, 0) for _ in range(places))
    return Image(at={0x30000: struct.pack(">Q", 0x40000), 0x40000: table})


def test_a_kind_has_a_few_and_an_image_not_many(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_image(_scattered(20).file()) as source:
        report = check_image(source)
        found = [one for one in gather_evidence(source, report) if one.code == "l2-entry-reserved"]
        assert [one.offset for one in found] == [0x40000 + 16 * number for number in range(4)]
        monkeypatch.setattr(evidence, "MOST", 2)
        assert len(gather_evidence(source, report)) == 2


def test_places_that_the_file_does_not_have_give_nothing() -> None:
    with open_image(_scattered(1).file()) as source:
        report = check_image(source)
        (finding,) = (one for one in report.findings if one.code == "l2-entry-reserved")
        for offset in (source.length, source.length - 4, 1 << 62):
            astray = replace(finding, host_ranges=(HostRange(offset, 8),))
            assert gather_evidence(source, replace(report, findings=(astray,))) == ()


def test_nothing_of_a_luks_header_is_kept() -> None:
    pointer = extension(0x0537BE77, struct.pack(">QQ", 0x40000, 0x10000))
    image = replace(_scattered(1), crypt_method=2, extensions=pointer + END)
    with open_image(image.file()) as source:
        report = check_image(source)
        assert "l2-entry-reserved" in {finding.code for finding in report.findings}
        assert [one for one in gather_evidence(source, report) if 0x40000 <= one.offset < 0x50000] == []


def test_a_finding_of_a_snapshot_has_its_entry_field_by_field(tmp_path: Path) -> None:
    DAMAGES["snapshot-l1-too-small"].image().write(tmp_path / "image")
    (one,) = gathered(tmp_path / "image")
    assert (one.code, one.layout, len(one.data)) == ("snapshot-l1-too-small", "snapshot", 40)
    told = {part.name: part.value for part in one.parts}
    raw = (tmp_path / "image").read_bytes()[one.offset : one.offset + 12]
    assert (told["l1_table_offset"], told["l1_size"]) == struct.unpack(">QI", raw)
