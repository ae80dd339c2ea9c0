"""Metadata that was sent in place of an image: taken, examined like one, and said to be what it is."""

from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

import pytest
from django.test import Client

from labtools import sandbox
from labtools.examination import Examination, examine
from labtools.qcow2 import open_image
from labtools.qcow2.corpus.damage import DAMAGES
from labtools.qcow2.skeleton.packing import fingerprint, write_skeleton
from labtools.qcow2.skeleton.plan import plan_skeleton
from labtools.qcow2.tests.makers import make_luks
from labtools.scratch import scratch_of
from labtools.services import upload_files
from labtools.tests.factories import make_report, make_upload
from portal.accounts.models import User

LIMITS = sandbox.Limits(wall_seconds=30, cpu_seconds=30)


def packed(image: Path, *, suspects: bool = True) -> bytes:
    """What the command makes of an image."""
    with open_image(image) as source:
        before, target = fingerprint(source), BytesIO()
        write_skeleton(source, plan_skeleton(source), target, suspects=suspects, before=before)
    return target.getvalue()


def examined(path: Path) -> Examination:
    return examine(path, limits=LIMITS, report=lambda stage, percent: None)


@pytest.mark.parametrize("name", ["none", "leak", "refcount-zero", "l2-reserved-bit", "refcount-order"])
def test_metadata_is_examined_like_the_image(tmp_path: Path, name: str) -> None:
    (damage,) = (each for each in DAMAGES if each.name == name)
    image, sent = tmp_path / "image", tmp_path / "sent"
    damage.image().write(image)
    sent.write_bytes(packed(image))
    whole, alone = examined(image), examined(sent)

    assert (alone.length, alone.sha256, alone.verdict) == (whole.length, "", whole.verdict)
    if name == "leak":
        # Nobody has looked into the leaked cluster.
        told = alone.result["verdict"]
        assert told["sentence"].endswith("; metadata alone does not tell whether they hold a lost table.")
        assert not any(" -r " in advice["command"] for advice in told["advice"])
    else:
        assert alone.result["verdict"] == whole.result["verdict"]
    for part in ("numbers", "messages"):
        assert (alone.result["check"] or {}).get(part) == (whole.result["check"] or {}).get(part)
    assert alone.atlas == whole.atlas
    assert whole.result["supplied"] is None
    assert alone.result["supplied"]["length"] == whole.length
    assert 0 < alone.result["supplied"]["metadata_bytes"] < whole.length
    assert sorted(tmp_path.iterdir()) == [image, sent]


def test_a_luks_header_that_was_not_sent_is_no_leak(tmp_path: Path) -> None:
    image, sent = tmp_path / "image", tmp_path / "sent"
    make_luks(image, "qcow2")
    sent.write_bytes(packed(image))
    found = examined(sent)
    clusters = found.result["check"]["numbers"]["leaks"]

    assert clusters > 0
    assert found.verdict == "clean"
    assert found.result["supplied"]["luks_header_bytes"] > (clusters - 1) * 65536


@pytest.mark.django_db
def test_the_map_says_why_a_luks_header_looks_leaked(tmp_path: Path, owner: User, as_owner: Client) -> None:
    image = tmp_path / "image"
    make_luks(image, "qcow2")
    whole, sent = make_report(owner, image.read_bytes()), make_report(owner, packed(image))
    words = "The LUKS header was not sent."

    for path in ("", "map/"):
        assert words in as_owner.get(sent.get_absolute_url() + path).content.decode()
        assert words not in as_owner.get(whole.get_absolute_url() + path).content.decode()


def test_damaged_metadata_is_a_clear_answer(tmp_path: Path) -> None:
    (damage,) = (each for each in DAMAGES if each.name == "none")
    image, sent = tmp_path / "image", tmp_path / "sent"
    damage.image().write(image)
    raw = gzip.decompress(packed(image))
    sent.write_bytes(gzip.compress(raw[:4096]))
    found = examined(sent)

    assert (found.verdict, found.length) == ("unreadable", sent.stat().st_size)
    assert found.result["verdict"]["sentence"] == "The file of metadata cannot be read."
    assert "too early" in found.result["verdict"]["detail"]
    assert not scratch_of(sent).exists()


@pytest.mark.django_db
def test_the_report_says_whose_word_it_is(client: Client, member: User, tmp_path: Path) -> None:
    (damage,) = (each for each in DAMAGES if each.name == "l2-reserved-bit")
    image = tmp_path / "image"
    damage.image().write(image)
    check = make_report(member, packed(image, suspects=False))
    page = client.get(check.get_absolute_url()).content.decode()

    assert check.length == image.stat().st_size
    assert "Metadata supplied by the client" in page
    assert "may be the guest’s data" in page
    assert "SHA-256</dt>" not in page
    assert "metadata supplied by the client, no SHA-256" in page
    assert client.get(f"/lab/images/{check.pk}.json").json()["report"]["supplied"]["suspect_bytes_left_out"]


@pytest.mark.django_db
def test_what_an_attempt_left_behind_goes_with_the_upload(member: User) -> None:
    upload = make_upload(member, b"QFI\xfb")
    folder = scratch_of(upload_files.path_of(upload.pk))
    folder.mkdir()
    (folder / "image").write_bytes(b"left by a worker that was cut off")

    upload_files.remove(upload.pk)

    assert not folder.exists()
