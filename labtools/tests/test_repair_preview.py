"""What a repair would write: tried when the image is examined, kept with its report, and right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from labtools import examination, qcow2
from labtools.models import ImageCheck, RepairPatch
from labtools.qcow2.corpus.damage import DAMAGES
from labtools.services import checks
from labtools.tests.factories import make_report
from labtools.tests.test_supplied import examined, packed
from portal.accounts.models import User


def write(name: str, path: Path) -> Path:
    (damage,) = (each for each in DAMAGES if each.name == name)
    damage.image().write(path)
    return path


def patch_address(check: ImageCheck) -> str:
    return f"/lab/images/{check.pk}/repair.patch"


@pytest.mark.django_db
@pytest.mark.parametrize("alone", [False, True])
def test_the_patch_of_a_report_repairs_the_image(
    client: Client, member: User, tmp_path: Path, alone: bool
) -> None:
    image, patch = write("refcount-zero", tmp_path / "image"), tmp_path / "repair.patch"
    check = make_report(member, packed(image) if alone else image.read_bytes())
    answer = client.get(patch_address(check))
    patch.write_bytes(answer.content)
    command = [sys.executable, "-m", "labtools.qcow2", "apply-patch"]
    command += [str(patch), str(image), "--undo", str(tmp_path / "undo")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)

    assert answer["Content-Disposition"] == 'attachment; filename="repair.patch"'
    assert check.verdict == "corrupt"
    assert examined(image).verdict == "clean"
    page = client.get(check.get_absolute_url()).content.decode()
    assert "What a repair would do" in page
    assert "It would mend 1 corruption and 0 leaks; 0 corruptions and 0 leaks would stay." in page
    assert patch_address(check) in page


@pytest.mark.django_db
def test_only_who_sees_the_report_gets_the_patch(
    client: Client, as_member: Client, member: User, tmp_path: Path
) -> None:
    check = make_report(member, write("leak", tmp_path / "image").read_bytes())
    checks.change_visibility(check=check, visibility="private")
    assert (
        client.get(patch_address(check)).status_code,
        as_member.get(patch_address(check)).status_code,
    ) == (
        404,
        200,
    )

    checks.delete_image_check(check=check)
    assert not RepairPatch.objects.exists()


@pytest.mark.django_db
def test_where_nothing_is_to_be_repaired_there_is_no_word_of_it(
    client: Client, member: User, tmp_path: Path
) -> None:
    check = make_report(member, write("none", tmp_path / "image").read_bytes())
    assert check.result is not None
    assert check.result["repair"] is None
    assert "What a repair would do" not in client.get(check.get_absolute_url()).content.decode()
    assert client.get(patch_address(check)).status_code == 404


@pytest.mark.django_db
def test_a_preview_that_is_refused_says_why(
    client: Client, member: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = write("l2-reserved-bit", tmp_path / "image")
    check = make_report(member, packed(image, suspects=False))
    # Without the damaged table there is nothing left to repair but leaks, and those are not the image's.
    page = client.get(check.get_absolute_url()).content.decode()
    assert "some of the metadata was left out" in page
    assert patch_address(check) not in page

    monkeypatch.setattr(examination, "MAX_PATCH", 10)
    found = examined(image)
    assert found.patch == b""
    assert found.result["repair"] == {"refused": examination.TOO_LARGE}

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(qcow2, "preview_repair", full)
    assert examined(image).result["repair"] == {"refused": examination.NO_ROOM}


@pytest.mark.django_db
def test_a_repair_that_gives_a_lost_table_away_is_warned_about(
    client: Client, member: User, tmp_path: Path
) -> None:
    words = "do not apply it before you know where they come from"
    lost = make_report(member, write("lost-l2-table", tmp_path / "lost").read_bytes())
    leak = make_report(member, write("leak", tmp_path / "leak").read_bytes())
    assert words in client.get(lost.get_absolute_url()).content.decode()
    assert words not in client.get(leak.get_absolute_url()).content.decode()

    # Leaked clusters are not metadata: whoever sends that alone is told that nobody looked into them.
    alone = make_report(member, packed(tmp_path / "lost"))
    assert (
        "nobody has looked whether a lost L2 table" in client.get(alone.get_absolute_url()).content.decode()
    )
    assert "nobody has looked" not in client.get(leak.get_absolute_url()).content.decode()
