"""Two reports side by side: what became of the findings, whose reports may be chosen, and rubbish."""

import html
import subprocess
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labtools.models import ImageCheck
from labtools.report_comparison import compare_reports
from labtools.tests.factories import make_image, make_image_with_snapshot_and_bad_refcount, make_report
from portal.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def damaged(owner: User, tmp_path: Path) -> ImageCheck:
    image = make_image_with_snapshot_and_bad_refcount(tmp_path / "image")
    return make_report(owner, image.read_bytes(), visibility="private")


@pytest.fixture
def repaired(owner: User, damaged: ImageCheck, tmp_path: Path) -> ImageCheck:
    """The same image after ``qemu-img check -r all``."""
    subprocess.run(
        ["qemu-img", "check", "-q", "-f", "qcow2", "-r", "all", str(tmp_path / "image")], check=False
    )
    return make_report(owner, (tmp_path / "image").read_bytes(), visibility="private")


def text_of(client: Client, check: ImageCheck, other: object = "") -> str:
    address = reverse("labtools:report_compare", args=[check.pk])
    response = client.get(address, {"other": str(other)} if other else {})
    assert response.status_code == 200
    return " ".join(html.unescape(response.content.decode()).split())


def test_a_repair_is_seen(as_owner: Client, damaged: ImageCheck, repaired: ImageCheck) -> None:
    found = compare_reports(damaged, repaired)
    states = {change.title: change.state for change in found.changes}
    assert states["refcount too low"] == "gone"
    assert found.doubts == ()
    assert not found.is_same_file
    rows = {row.label: row for row in found.rows}
    assert (rows["corruptions"].before, rows["corruptions"].after) == ("1", "0")
    assert rows["corruptions"].is_changed
    # The earlier one is "before", from whichever of the two one comes.
    for one, other in ((damaged, repaired), (repaired, damaged)):
        text = text_of(as_owner, one, other.pk)
        before = f'<dt>Before</dt> <dd> <a class="break-all" href="{damaged.get_absolute_url()}"'
        assert before in text
        assert "gone" in text


def test_another_image_is_doubted(as_owner: Client, owner: User, damaged: ImageCheck, tmp_path: Path) -> None:
    other = make_report(owner, make_image(tmp_path / "other", "17M").read_bytes())
    assert "The virtual size differs: 16 MiB and 17 MiB." in text_of(as_owner, damaged, other.pk)
    text_file = make_report(owner, b"just some text\n")
    text = text_of(as_owner, damaged, text_file.pk)
    assert "One of the two has no header that could be read." in text
    assert "only the numbers can be compared" in text


def test_one_file_twice(as_owner: Client, owner: User, tmp_path: Path) -> None:
    content = make_image(tmp_path / "image").read_bytes()
    text = text_of(as_owner, make_report(owner, content), make_report(owner, content).pk)
    assert "the same, byte for byte" in text
    assert "Neither report has a finding." in text


def test_a_link_will_do(as_owner: Client, damaged: ImageCheck, repaired: ImageCheck) -> None:
    text = text_of(as_owner, damaged, f"https://portal.example{repaired.get_absolute_url()}#findings")
    assert "What has changed" in text


def test_own_reports_are_offered_and_nobody_elses(
    as_owner: Client, as_member: Client, damaged: ImageCheck, repaired: ImageCheck
) -> None:
    assert f'href="?other={repaired.pk}"' in text_of(as_owner, damaged)
    ImageCheck.objects.filter(pk=damaged.pk).update(visibility="unlisted")
    assert str(repaired.pk) not in text_of(as_member, damaged)


def test_what_may_not_be_seen_is_not_there(
    as_member: Client, as_stranger: Client, damaged: ImageCheck, repaired: ImageCheck
) -> None:
    ImageCheck.objects.filter(pk=damaged.pk).update(visibility="unlisted")
    for client in (as_member, as_stranger):
        text = text_of(client, damaged, repaired.pk)
        assert "no finished report at this link, or you may not see it" in text
        assert "What has changed" not in text
        assert str(repaired.pk) in text  # what was typed stays
        address = reverse("labtools:report_compare", args=[repaired.pk])
        assert client.get(address, {"other": str(damaged.pk)}).status_code == 404


@pytest.mark.parametrize(
    "typed", ["x", "/lab/images/", "2e634ee1-bc2e-4e9c-9fbb-ff1c242ed834", "%00", "\0", "a" * 400, "<script>"]
)
def test_rubbish_is_answered(as_owner: Client, damaged: ImageCheck, typed: str) -> None:
    text = text_of(as_owner, damaged, typed)
    assert "What has changed" not in text
    assert "<script>alert" not in text


def test_a_report_beside_itself(as_owner: Client, damaged: ImageCheck) -> None:
    assert "That is this report." in text_of(as_owner, damaged, damaged.pk)


def test_queries_do_not_grow_with_reports(
    as_owner: Client, owner: User, damaged: ImageCheck, repaired: ImageCheck
) -> None:
    text_of(as_owner, damaged)  # what is asked once for a session
    with CaptureQueriesContext(connection) as one:
        text_of(as_owner, damaged, repaired.pk)
    for _ in range(3):
        ImageCheck.objects.create(
            owner=owner, state="finished", verdict="clean", result=damaged.result, filename="more"
        )
    with CaptureQueriesContext(connection) as four:
        text_of(as_owner, damaged, repaired.pk)
    assert len(four) == len(one)
