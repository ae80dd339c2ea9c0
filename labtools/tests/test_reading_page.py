"""Our own check of the tables is heard: in the verdict, on the page, beside qemu-img's."""

import html
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from labtools import bytes_page, reading_page, sandbox
from labtools.advice import ADVICE
from labtools.examination import Examination, examine
from labtools.models import ImageCheck
from labtools.qcow2.corpus.damage import Damage
from labtools.qcow2.corpus.silent import EVERY
from labtools.qcow2.integrity.catalogue import CATALOGUE, HEADER_ADVICE
from labtools.tests.factories import make_check, make_image, make_report
from portal.accounts.models import User

LIMITS = sandbox.Limits(wall_seconds=30, cpu_seconds=30)


def examined(damage: Damage, folder: Path) -> Examination:
    path = folder / "image"
    damage.image().write(path)
    return examine(path, limits=LIMITS, report=lambda stage, percent: None)


@pytest.mark.parametrize("damage", EVERY, ids=lambda damage: damage.name)
def test_the_verdict_is_never_milder_than_our_check(damage: Damage, tmp_path: Path) -> None:
    found = examined(damage, tmp_path)
    reading = found.result["reading"]
    if reading["verdict"] == "corrupt":
        assert found.verdict in ("corrupt", "unreadable")
    if reading["verdict"] == "corrupt" and damage.qemu_exit == 0:
        said = found.result["verdict"]
        assert (
            "does not name" in said["sentence"]
            or "header breaks" in said["sentence"]
            or "marked" in said["sentence"]
        )
        assert said["advice"][0]["text"].startswith("Stop the guest, copy the file")
    rows = reading_page.reading_of(found.result)
    assert rows is not None
    named = {each.id.removeprefix("reading-") for each in rows.rows}
    in_header = {each["code"] for each in found.result["header"]["problems"]}
    assert damage.findings <= named | in_header


def test_damage_that_qemu_img_names_is_placed_by_ours(tmp_path: Path) -> None:
    damage = next(each for each in EVERY if "refcount-too-low" in each.findings)
    said = examined(damage, tmp_path).result["verdict"]
    assert "qemu-img check counts" in said["sentence"]
    assert "says which sectors of the guest are hit" in said["detail"]


def test_nothing_repairs_what_a_lost_table_held(tmp_path: Path) -> None:
    damage = next(each for each in EVERY if "lost-l2-table" in each.findings)
    said = examined(damage, tmp_path).result["verdict"]
    assert "-r" not in " ".join(each["command"] for each in said["advice"]).split()
    assert any("Do not repair" in each["text"] for each in said["advice"])


def test_every_advice_of_the_catalogue_has_its_words() -> None:
    codes = {entry.advice for entry in CATALOGUE.values()} | set(HEADER_ADVICE.values())
    assert codes <= set(ADVICE)


@pytest.mark.django_db
def test_the_page_of_silent_damage(owner: User, as_owner: Client, tmp_path: Path) -> None:
    damage = next(each for each in EVERY if each.findings == {"data-shared"})
    damage.image().write(tmp_path / "image")
    check = make_report(owner, (tmp_path / "image").read_bytes())
    text = " ".join(html.unescape(as_owner.get(check.get_absolute_url()).content.decode()).split())
    assert "that qemu-img check does not name" in text
    assert 'id="reading-data-shared"' in text
    assert "passed by qemu-img check" in text
    assert "LBA " in text
    assert f"/lab/images/{check.pk}/map/?at=" in text
    assert "labtools.qcow2 check: error data-shared, 1 (first at host offset 0x" in text
    assert "decompressed" not in text
    assert "What to do about “data shared”" in text
    assert "counts the same corruptions, leaks and clusters as qemu-img check" in text


@pytest.mark.django_db
def test_a_healthy_image_says_so(owner: User, as_owner: Client, tmp_path: Path) -> None:
    check = make_report(owner, make_image(tmp_path / "image").read_bytes())
    text = " ".join(as_owner.get(check.get_absolute_url()).content.decode().split())
    assert "Every cluster of the file has one use and one owner" in text
    assert "A convert would free" in text


@pytest.mark.django_db
def test_bitmaps_are_a_table(owner: User, as_owner: Client, tmp_path: Path) -> None:
    image = make_image(tmp_path / "image")
    for command in ("--add -g 1M", "--disable"):
        subprocess.run(["qemu-img", "bitmap", *command.split(), str(image), "<b>backup0"], check=True)
    subprocess.run(["qemu-img", "bitmap", "--add", str(image), "second"], check=True)
    check = make_report(owner, image.read_bytes())
    assert check.result is not None
    assert check.result["reading"]["bitmaps"] == [
        {"name": "<b>backup0", "granularity": 1 << 20, "in_use": False, "auto": False},
        {"name": "second", "granularity": 1 << 16, "in_use": False, "auto": True},
    ]
    text = " ".join(as_owner.get(check.get_absolute_url()).content.decode().split())
    assert "&lt;b&gt;backup0" in text
    assert "<b>backup0" not in text
    assert "1 MiB a bit" in text
    assert "Up to date; QEMU goes on recording in it" in text


@pytest.mark.django_db
def test_names_of_partitions_are_text(owner: User, as_owner: Client, tmp_path: Path) -> None:
    check = make_report(owner, make_image(tmp_path / "image").read_bytes())
    assert check.result is not None
    check.result["reading"]["partition_tables"] = [_table("<script>alert(1)</script>")]
    check.save()
    text = as_owner.get(check.get_absolute_url()).content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.django_db
def test_reports_from_before_are_still_shown(owner: User, as_owner: Client, tmp_path: Path) -> None:
    made = make_report(owner, make_image(tmp_path / "image").read_bytes())
    assert made.result is not None
    old = {
        name: value for name, value in made.result.items() if name not in ("reading", "repair", "supplied")
    }
    check = make_check(
        owner, state="finished", result=old, verdict="clean", length=made.length, sha256=made.sha256
    )
    response = as_owner.get(check.get_absolute_url())
    assert response.status_code == 200
    assert b'id="reading"' not in response.content


def test_a_difference_has_its_reason() -> None:
    ours = {"check-errors": 0, "corruptions": 2, "leaks": 1, "allocated-clusters": 5, "image-end-offset": 9}
    told: dict[str, Any] = {"reading": {"reference": ours}, "check": {"numbers": ours | {"leaks": 3}}}
    assert "differ in leaks (1 and 3), ours first. We count as QEMU 7.2" in reading_page.agreement(told)
    told["supplied"] = {"luks_header_bytes": 1}
    assert "LUKS header was not sent" in reading_page.agreement(told)


def _table(name: str) -> dict[str, Any]:
    partition = {
        "number": 1,
        "kind": "gpt",
        "offset": 1 << 20,
        "length": 1 << 20,
        "type_code": "x",
        "type_name": "",
        "name": name,
    }
    return {
        "snapshot": None,
        "scheme": "gpt",
        "sector_size": 512,
        "partitions": [partition],
        "partitions_more": 0,
        "notes": [],
    }


def shown(client: Client, report: ImageCheck) -> str:
    """The text of a report's page, its markup left out."""
    page = client.get(report.get_absolute_url()).content.decode()
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", page)).split())


def damaged(owner: User, name: str, folder: Path) -> ImageCheck:
    damage = next(each for each in EVERY if each.name == name)
    damage.image(0).write(folder / "image")
    return make_report(owner, (folder / "image").read_bytes())


@pytest.mark.django_db
def test_a_finding_leads_to_its_bytes_bit_by_bit(as_owner: Client, owner: User, tmp_path: Path) -> None:
    report = damaged(owner, "l2-reserved-bit", tmp_path)
    assert report.result
    (one,) = report.result["reading"]["evidence"]
    text = shown(as_owner, report)
    assert (
        f"The bytes of “L2 entry reserved” {one['offset']:08x} {bytes.fromhex(one['data']).hex(' ')} " in text
    )
    assert text.count("should be 0") == 1
    page = as_owner.get(report.get_absolute_url()).content.decode()
    assert 'href="/lab/qcow2/#l2-entry"' in page
    assert page.count('class="hex-byte byte-bad"') == 1


@pytest.mark.django_db
def test_a_report_from_before_there_were_roles_is_shown(
    as_owner: Client, owner: User, tmp_path: Path
) -> None:
    report = damaged(owner, "two-guest-clusters-share", tmp_path)
    assert report.result
    reading = report.result["reading"]
    for one in reading["evidence"]:
        del one["subject"], one["role"]
    del reading["evidence_more"], reading["evidence_withheld"], reading["evidence_note"]
    report.save()
    text = shown(as_owner, report)
    assert text.count("The bytes of “data shared” 00350006 00 02") == 1
    assert "Host cluster at" not in text
    # And one from before there were bytes is shown without them.
    del reading["evidence"]
    report.save()
    text = shown(as_owner, report)
    assert "Data shared" in text
    assert "The bytes of" not in text


@pytest.mark.django_db
def test_a_shared_cluster_leads_to_both_its_owners(as_owner: Client, owner: User, tmp_path: Path) -> None:
    text = shown(as_owner, damaged(owner, "two-guest-clusters-share", tmp_path))
    assert "Host cluster at 0x30000 Stored refcount; 2 references by 2 entries, at 0x350006" in text
    assert text.count("L2 entry of the active image, guest offset 0x1b0") == 2
    # What the bits mean is told with the first of them.
    assert text.count("1 if the cluster reads as zeros.") == 1


@pytest.mark.django_db
def test_what_is_not_shown_is_counted(as_owner: Client, owner: User, tmp_path: Path) -> None:
    text = shown(as_owner, damaged(owner, "raw-data-misplaced", tmp_path))
    assert "8 more of this kind are not shown byte by byte." in text


@pytest.mark.django_db
def test_a_rule_of_the_snapshot_table_leads_to_its_entry(
    as_owner: Client, owner: User, tmp_path: Path
) -> None:
    report = damaged(owner, "duplicate-snapshot-id", tmp_path)
    page = as_owner.get(report.get_absolute_url()).content.decode()
    assert page.count('href="#bytes-snapshot-id-duplicate"') == 1
    assert page.count('id="bytes-snapshot-id-duplicate"') == 1
    assert "The bytes of “snapshot ID duplicate”" in shown(as_owner, report)


@pytest.mark.parametrize(
    ("place", "length", "covered"),
    [
        ("bytes 8–9", 40, {8: 0xFF, 9: 0xFF}),
        ("byte 16", 24, {16: 0xFF}),
        ("bits 9–55", 8, {6: 0xFE, 5: 0xFF, 4: 0xFF, 3: 0xFF, 2: 0xFF, 1: 0xFF}),
        ("bit 63", 8, {0: 0x80}),
        ("second 8 bytes, bits 0–15", 16, {15: 0xFF, 14: 0xFF}),
        ("bits 0–15", 2, {1: 0xFF, 0: 0xFF}),
        ("bytes 12–15, bits 3–31", 24, {15: 0xF8, 14: 0xFF, 13: 0xFF, 12: 0xFF}),
        ("other bits", 1, {}),
        ("", 1, {}),
    ],
)
def test_each_byte_knows_whose_it_is(place: str, length: int, covered: dict[int, int]) -> None:
    assert dict(bytes_page.covered(place, length)) == covered


def test_what_is_withheld_is_said() -> None:
    told = {"evidence": [], "evidence_more": {"data-outside": 9}, "evidence_withheld": {"data-outside": 2}}
    found = bytes_page.bytes_of(told, "data-outside")
    assert found is not None
    assert found.subjects == ()
    assert [note[:36] for note in found.notes] == ["The bytes of 2 entries are left out:"]
    assert bytes_page.bytes_of(told, "data-unaligned") is None
