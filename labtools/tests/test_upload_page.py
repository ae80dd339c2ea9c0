"""/lab/images/ for a visitor, its member and another; and the form that needs no JavaScript."""

import errno
import os
import socket
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from labtools.models import ImageCheck, Upload
from labtools.services import upload_files, uploads
from labtools.tests.factories import make_check
from portal import patience
from portal.accounts.models import User
from portal.tests.factories import make_user

PAGE = "/lab/images/"
FORM = "/lab/images/upload/"


def text(client: Client) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return answer.content.decode()


def image(content: bytes = b"QFI\xfb" * 100, name: str = "vm.qcow2") -> dict[str, object]:
    return {"image": SimpleUploadedFile(name, content), "visibility": "private"}


def test_three_persons_see_their_own(
    owner: User, as_owner: Client, as_member: Client, as_stranger: Client
) -> None:
    make_check(owner, filename="owners-disk.qcow2", visibility="private")
    uploads.create_upload(owner=owner, filename="on-its-way.qcow2", length=1000)
    own, others, visitors = text(as_owner), text(as_member), text(as_stranger)
    assert "owners-disk.qcow2" in own
    assert "on-its-way.qcow2" in own
    assert "0 % here" in own
    for page in (others, visitors):
        assert "owners-disk.qcow2" not in page
        assert "on-its-way.qcow2" not in page
    assert "You have not checked an image yet" in others
    assert "data-upload" in others
    assert "data-upload" not in visitors
    assert "Sign in to bring your own image" in visitors
    assert f"/accounts/login/?next={PAGE}" in visitors


def test_public_reports_are_listed_when_they_are_finished(owner: User, as_stranger: Client) -> None:
    result = {"format": 1}
    make_check(owner, filename="public.qcow2", visibility="public", state="finished", result=result)
    make_check(owner, filename="unlisted.qcow2", visibility="unlisted", state="finished", result=result)
    make_check(owner, filename="working.qcow2", visibility="public")
    page = text(as_stranger)
    assert "public.qcow2" in page
    assert "unlisted.qcow2" not in page
    assert "working.qcow2" not in page


def test_samples_are_shown_also_before_their_reports_are_made(as_stranger: Client, db: None) -> None:
    page = text(as_stranger)
    assert page.count("not checked yet") == 3


def test_query_count_does_not_grow(owner: User, as_owner: Client) -> None:
    counts = []
    for number in (1, 3):
        while ImageCheck.objects.count() < number:
            make_check(owner)
            another = make_user(f"public-{ImageCheck.objects.count()}@example.org")
            make_check(another, visibility="public", state="finished", result={"format": 1}, filename="p")
            uploads.create_upload(owner=owner, filename="u", length=9)
        text(as_owner)
        with CaptureQueriesContext(connection) as queries:
            text(as_owner)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_long_lists_have_pages(owner: User, as_owner: Client) -> None:
    for number in range(21):
        make_check(owner, filename=f"disk-{number:02}.qcow2")
    assert "disk-00" not in text(as_owner)
    second = as_owner.get(PAGE, {"page": "2"}).content.decode()
    assert "disk-00" in second
    assert "disk-20" not in second


def test_unfinished_upload_is_deleted_by_its_owner_only(
    owner: User,
    as_owner: Client,
    as_member: Client,
    as_stranger: Client,
    upload_dir: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    upload = uploads.create_upload(owner=owner, filename="u", length=9)
    url = reverse("labtools:discard_upload", args=[upload.pk])
    assert as_member.post(url).status_code == 404
    assert as_stranger.post(url)["Location"].startswith(reverse("account_login"))
    assert as_owner.get(url).status_code == 405
    assert Upload.objects.count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        assert as_owner.post(url)["Location"] == PAGE
    assert not Upload.objects.exists()
    assert list(upload_dir.iterdir()) == []


# ---------------------------------------------------------------------------------- without JavaScript


def test_form_brings_a_file_to_its_check(owner: User, as_owner: Client) -> None:
    content = b"QFI\xfb" + bytes(300_000)
    answer = as_owner.post(FORM, image(content, "../vm.qcow2"))
    check = ImageCheck.objects.get()
    assert answer["Location"] == check.get_absolute_url()
    assert (check.owner, check.filename, check.visibility) == (owner, "vm.qcow2", "private")
    upload = Upload.objects.get()
    assert (upload.length, upload.offset, upload.state) == (300_004, 300_004, "complete")
    assert upload_files.path_of(upload.pk).read_bytes() == content


def test_empty_file_in_the_form_gets_its_report(as_owner: Client) -> None:
    as_owner.post(FORM, image(b""))
    assert ImageCheck.objects.get().length == 0


def refused(client: Client, body: dict[str, object], on_commit: DjangoCaptureOnCommitCallbacks) -> str:
    """The sentence that the page then shows."""
    with on_commit(execute=True):
        answer = client.post(FORM, body, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert not ImageCheck.objects.exists()
    return " ".join(str(message) for message in answer.context["messages"])


def test_form_refuses_and_keeps_nothing(
    as_owner: Client,
    upload_dir: Path,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    on_commit = django_capture_on_commit_callbacks
    assert refused(as_owner, {"visibility": "private"}, on_commit) == "Choose a file first."
    body = image() | {"visibility": "everyone"}
    assert refused(as_owner, body, on_commit) == "Choose who may see the report."
    settings.UPLOAD_QUOTA_BYTES = 50
    assert "of your 50 bytes are free" in refused(as_owner, image(), on_commit)
    settings.UPLOAD_QUOTA_BYTES, settings.UPLOAD_FORM_MAX_BYTES = 2**30, 50
    assert "at most 50 bytes" in refused(as_owner, image(), on_commit)
    assert not Upload.objects.exists()
    assert not upload_dir.exists() or list(upload_dir.iterdir()) == []


def test_full_disk_in_the_form(
    as_owner: Client,
    monkeypatch: pytest.MonkeyPatch,
    upload_dir: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    monkeypatch.setattr(upload_files.OpenFile, "write_at", lambda self, offset, piece: len(piece) // 2)
    said = refused(as_owner, image(), django_capture_on_commit_callbacks)
    assert "disk is full" in said
    assert list(upload_dir.iterdir()) == []


def test_form_needs_sign_in_and_csrf_token(owner: User, as_stranger: Client) -> None:
    assert as_stranger.post(FORM, image())["Location"].startswith(reverse("account_login"))
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post(FORM, image()).status_code == 403
    assert not Upload.objects.exists()


def test_the_form_gets_more_time_with_every_piece(as_owner: Client) -> None:
    ours, browser = socket.socketpair()
    with ours, browser, patience.limited(ours, -1):
        as_owner.defaults["gunicorn.socket"] = ours  # type: ignore[assignment]  # an environ holds more than text
        as_owner.post(FORM, image())
        patience.cut_overdue()
        browser.send(b"x")
        assert ours.recv(1) == b"x"


def test_a_disk_that_cannot_be_written_is_told_in_a_sentence(
    as_owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "pwrite", read_only)
    answer = as_owner.post(FORM, image(), follow=True)
    assert "cannot store files at the moment" in answer.content.decode()
    assert not Upload.objects.exists()
