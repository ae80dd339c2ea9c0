"""Every status of tus 1.0.0 that the server can answer, one request at a time."""

import base64
import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from labtools.models import ImageCheck, Upload
from labtools.services import upload_files, uploads
from labtools.tests.tus import COLLECTION, create, metadata, patch, send
from portal.accounts.models import User
from portal.accounts.tokens import create_token

BODY = b"QFI\xfb" + bytes(range(200))


def upload_at(url: str) -> Upload:
    return Upload.objects.get(pk=url.rsplit("/", 1)[1])


def stored(url: str) -> bytes:
    return upload_files.path_of(upload_at(url).pk).read_bytes()


def test_options_names_version_extensions_and_limits_without_sign_in(
    as_stranger: Client, db: None, settings: Settings
) -> None:
    response = as_stranger.options(COLLECTION)
    assert response.status_code == 204
    assert response["Tus-Resumable"] == "1.0.0"
    assert response["Tus-Version"] == "1.0.0"
    assert response["Tus-Extension"] == "creation,creation-with-upload,expiration,termination,checksum"
    assert response["Tus-Max-Size"] == str(settings.UPLOAD_MAX_BYTES)
    assert response["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_whole_upload_in_two_pieces_ends_in_a_check(as_owner: Client, owner: User, upload_dir: Path) -> None:
    url = create(
        as_owner, len(BODY), Upload_Metadata=metadata(filename="vm.qcow2", visibility="private") + ",flag"
    )
    first = patch(as_owner, url, 0, BODY[:50])
    assert (first.status_code, first["Upload-Offset"]) == (204, "50")
    assert "Upload-Report" not in first
    assert first["Upload-Expires"].endswith("GMT")
    head = send(as_owner, "HEAD", url)
    assert head.status_code == 200
    assert (head["Upload-Offset"], head["Upload-Length"]) == ("50", str(len(BODY)))
    assert "no-store" in head["Cache-Control"]
    assert not ImageCheck.objects.exists()

    last = patch(as_owner, url, 50, BODY[50:])
    assert (last.status_code, last["Upload-Offset"]) == (204, str(len(BODY)))
    assert stored(url) == BODY
    check = ImageCheck.objects.get()
    assert (check.owner, check.filename, check.length) == (owner, "vm.qcow2", len(BODY))
    assert (check.state, check.visibility) == ("queued", "private")
    assert last["Upload-Report"] == check.get_absolute_url()
    assert "Upload-Expires" not in last
    assert send(as_owner, "HEAD", url)["Upload-Report"] == check.get_absolute_url()
    assert upload_dir.stat().st_mode & 0o777 == 0o700
    assert upload_files.path_of(upload_at(url).pk).stat().st_mode & 0o777 == 0o600


def test_an_empty_patch_after_the_end_changes_nothing(as_owner: Client) -> None:
    url = create(as_owner, len(BODY))
    patch(as_owner, url, 0, BODY)
    again = patch(as_owner, url, len(BODY), b"")
    assert (again.status_code, again["Upload-Offset"]) == (204, str(len(BODY)))
    assert ImageCheck.objects.count() == 1
    assert patch(as_owner, url, len(BODY), b"x").status_code == 413
    assert stored(url) == BODY


def test_address_of_an_upload_leads_to_the_report_when_the_upload_was_let_go(
    as_owner: Client, as_member: Client
) -> None:
    url = create(as_owner, len(BODY))
    patch(as_owner, url, 0, BODY)
    check = ImageCheck.objects.get()
    Upload.objects.all().delete()
    head = send(as_owner, "HEAD", url)
    assert (head.status_code, head["Upload-Offset"], head["Upload-Length"]) == (200, "204", "204")
    assert head["Upload-Report"] == check.get_absolute_url()
    assert send(as_member, "HEAD", url).status_code == 404
    check.delete()
    assert send(as_owner, "HEAD", url).status_code == 404


def test_empty_file_is_complete_at_creation(as_owner: Client) -> None:
    response = send(as_owner, "POST", COLLECTION, Upload_Length="0")
    assert response.status_code == 201
    assert response["Upload-Report"] == ImageCheck.objects.get().get_absolute_url()
    assert stored(response["Location"]) == b""


def test_creation_with_upload_takes_the_first_bytes(as_owner: Client) -> None:
    response = send(as_owner, "POST", COLLECTION, BODY[:10], Upload_Length=str(len(BODY)))
    assert (response.status_code, response["Upload-Offset"]) == (201, "10")
    assert stored(response["Location"]) == BODY[:10]
    whole = send(as_owner, "POST", COLLECTION, BODY, Upload_Length=str(len(BODY)))
    assert whole["Upload-Report"] == ImageCheck.objects.get().get_absolute_url()


def test_creation_with_too_many_bytes_keeps_the_upload_and_says_so(as_owner: Client) -> None:
    response = send(as_owner, "POST", COLLECTION, BODY, Upload_Length="3")
    assert (response.status_code, response["Upload-Offset"]) == (201, "0")
    assert stored(response["Location"]) == b""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload_Length": ""}, 400),
        ({"Upload_Length": "-1"}, 400),
        ({"Upload_Length": "1e3"}, 400),
        ({"Upload_Length": "9" * 19}, 400),
        ({"Upload_Length": "9" * 18}, 413),
        ({"Upload_Length": "5", "Upload_Defer_Length": "1"}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": "filename not!base64"}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": "a YQ==,a YQ=="}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": "a " + "YWFh" * 2000}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": metadata(visibility="everyone")}, 400),
        ({"Upload_Length": "5", "Upload_Checksum": "sha1 AAAA"}, 400),
        ({"Upload_Length": "5", "Tus_Resumable": ""}, 412),
        ({"Upload_Length": "5", "Tus_Resumable": "0.2.2"}, 412),
    ],
)
def test_creation_refuses(as_owner: Client, headers: dict[str, str], status: int) -> None:
    response = send(as_owner, "POST", COLLECTION, **headers)
    assert response.status_code == status
    assert response["Tus-Resumable"] == "1.0.0"
    assert response.content.decode().strip().endswith(".")
    assert (response.get("Tus-Version") == "1.0.0") == (status == 412)
    assert not Upload.objects.exists()


def test_file_names_are_cleaned_and_never_paths(as_owner: Client, upload_dir: Path) -> None:
    url = create(as_owner, 5, Upload_Metadata=metadata(filename="../../etc/pass\x00wd\u202e" + "x" * 400))
    upload = upload_at(url)
    assert upload.filename == ("passwd" + "x" * 400)[:255]
    assert [path.name for path in upload_dir.iterdir()] == [str(upload.pk)]


@pytest.mark.parametrize(
    ("offset", "body", "headers", "status"),
    [
        (0, b"12345", {"Content_Type": "application/octet-stream"}, 415),
        (1, b"1234", {}, 409),
        (0, b"123456", {}, 413),
        (0, b"12345", {"Upload_Offset": "zero"}, 400),
        (0, b"12345", {"Upload_Offset": ""}, 400),
        (0, b"12345", {"Upload_Checksum": "md5 AAAA"}, 400),
        (0, b"12345", {"Upload_Checksum": "sha1"}, 400),
        (0, b"12345", {"Tus_Resumable": ""}, 412),
    ],
)
def test_patch_refuses_and_leaves_the_file_alone(
    as_owner: Client, offset: int, body: bytes, headers: dict[str, str], status: int
) -> None:
    url = create(as_owner, 5)
    response = patch(as_owner, url, offset, body, **headers)
    assert response.status_code == status
    assert stored(url) == b""
    assert upload_at(url).offset == 0


def test_patch_without_length_is_411(as_owner: Client) -> None:
    url = create(as_owner, 5)
    response = as_owner.generic(
        "PATCH",
        url,
        content_type="application/offset+octet-stream",
        headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Transfer-Encoding": "chunked"},
        CONTENT_LENGTH="",
        CONTENT_TYPE="application/offset+octet-stream",
    )
    assert response.status_code == 411


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_checksum_that_differs_throws_the_piece_away(as_owner: Client, algorithm: str) -> None:
    def checksum(of: bytes) -> str:
        return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, of).digest()).decode()}"

    url = create(as_owner, len(BODY))
    assert patch(as_owner, url, 0, BODY[:100], Upload_Checksum=checksum(BODY[:100])).status_code == 204
    wrong = patch(as_owner, url, 100, b"?" * 104, Upload_Checksum=checksum(BODY[100:]))
    assert wrong.status_code == 460
    assert stored(url) == BODY[:100]
    assert send(as_owner, "HEAD", url)["Upload-Offset"] == "100"
    assert not ImageCheck.objects.exists()
    assert patch(as_owner, url, 100, BODY[100:], Upload_Checksum=checksum(BODY[100:])).status_code == 204
    assert stored(url) == BODY


def test_second_writer_is_told_that_the_upload_is_busy(as_owner: Client) -> None:
    url = create(as_owner, 5)
    with upload_files.locked(upload_at(url).pk):
        assert patch(as_owner, url, 0, b"12345").status_code == 423
        assert send(as_owner, "HEAD", url)["Upload-Offset"] == "0"
    assert patch(as_owner, url, 0, b"12345").status_code == 204


def test_expired_upload_is_gone_and_going_on_puts_the_end_off(as_owner: Client) -> None:
    url = create(as_owner, 5)
    soon = timezone.now() + timedelta(minutes=1)
    Upload.objects.update(expires_at=soon)
    assert patch(as_owner, url, 0, b"12").status_code == 204
    assert upload_at(url).expires_at > soon + timedelta(hours=1)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert patch(as_owner, url, 2, b"345").status_code == 410
    assert send(as_owner, "HEAD", url).status_code == 410
    assert stored(url) == b"12"


def test_delete_removes_row_and_bytes(
    as_owner: Client, upload_dir: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    url = create(as_owner, 5)
    patch(as_owner, url, 0, b"12")
    with django_capture_on_commit_callbacks(execute=True):
        assert send(as_owner, "DELETE", url).status_code == 204
    assert list(upload_dir.iterdir()) == []
    for method in ("HEAD", "DELETE"):
        assert send(as_owner, method, url).status_code == 404
    assert patch(as_owner, url, 2, b"345").status_code == 404


def test_creation_without_a_length_of_its_bytes_makes_nothing(as_owner: Client) -> None:
    answer = as_owner.generic(
        "POST",
        COLLECTION,
        b"12",
        content_type="application/offset+octet-stream",
        headers={"Tus-Resumable": "1.0.0", "Upload-Length": "5"},
        CONTENT_LENGTH="",
    )
    assert answer.status_code == 400
    assert not Upload.objects.exists()


def test_deleted_while_its_first_bytes_come_is_410(as_owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def deleted(**_: object) -> Upload:
        Upload.objects.all().delete()
        raise uploads.Gone("This upload was deleted.")

    monkeypatch.setattr(uploads, "receive_bytes", deleted)
    assert send(as_owner, "POST", COLLECTION, b"12", Upload_Length="5").status_code == 410


def test_deleted_with_its_last_byte_is_answered_with_its_report(
    as_owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = uploads.complete

    def complete(upload: Upload) -> None:
        real(upload)
        upload_files.forget(upload.pk)

    url = create(as_owner, 2)
    monkeypatch.setattr(uploads, "complete", complete)
    answer = patch(as_owner, url, 0, b"12")
    assert answer.status_code == 204
    assert answer["Upload-Report"] == f"/lab/images/{url.rsplit('/', 1)[1]}/"


def test_file_lost_from_disk_is_410_so_that_clients_start_anew(as_owner: Client) -> None:
    url = create(as_owner, 5)
    upload_files.remove(upload_at(url).pk)
    assert send(as_owner, "HEAD", url).status_code == 410
    assert patch(as_owner, url, 0, b"12345").status_code == 410


def test_file_shorter_than_the_offset_is_believed(as_owner: Client) -> None:
    """After a power cut the last pages may be missing though the database says that they were written."""
    url = create(as_owner, 5)
    patch(as_owner, url, 0, b"1234")
    with upload_files.locked(upload_at(url).pk) as file:
        file.truncate(3)
    assert patch(as_owner, url, 4, b"5").status_code == 409
    assert send(as_owner, "HEAD", url)["Upload-Offset"] == "3"
    assert patch(as_owner, url, 3, b"45").status_code == 204
    assert stored(url) == b"12345"


def test_method_override_replaces_the_method(as_owner: Client) -> None:
    url = create(as_owner, 5)
    response = send(as_owner, "POST", url, b"12345", Upload_Offset="0", X_HTTP_Method_Override="PATCH")
    assert (response.status_code, stored(url)) == (204, b"12345")


@pytest.mark.parametrize(("path", "allowed"), [("", "OPTIONS, POST"), ("x", "OPTIONS, HEAD, PATCH, DELETE")])
def test_other_methods_are_405(as_owner: Client, path: str, allowed: str) -> None:
    url = create(as_owner, 5) if path else COLLECTION
    response = send(as_owner, "PUT", url)
    assert (response.status_code, response["Allow"]) == (405, allowed)


# ----------------------------------------------------------------------------------------- who may what


def test_three_persons(as_owner: Client, as_member: Client, as_stranger: Client) -> None:
    url = create(as_owner, 5)
    for other, status in ((as_member, 404), (as_stranger, 401)):
        assert send(other, "HEAD", url).status_code == status
        assert patch(other, url, 0, b"12345").status_code == status
        assert send(other, "DELETE", url).status_code == status
    stranger = send(as_stranger, "POST", COLLECTION, Upload_Length="5")
    assert (stranger.status_code, stranger["WWW-Authenticate"]) == (401, "Bearer")
    assert upload_at(url).offset == 0
    assert Upload.objects.count() == 1


def test_session_needs_the_csrf_token(owner: User, settings: Settings) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    assert send(browser, "POST", COLLECTION, Upload_Length="5").status_code == 403
    hidden = send(browser, "GET", COLLECTION, Upload_Length="5", X_HTTP_Method_Override="POST")
    assert hidden.status_code == 403
    assert not Upload.objects.exists()
    browser.cookies[settings.CSRF_COOKIE_NAME] = secret = "a" * 32
    url = create(browser, 5, X_CSRFToken=secret)
    assert patch(browser, url, 0, b"12345").status_code == 403
    assert patch(browser, url, 0, b"12345", X_CSRFToken=secret).status_code == 204


def test_token_needs_no_csrf_and_acts_for_its_member_only(owner: User, member: User) -> None:
    _, secret = create_token(user=owner, name="curl", days=1)
    _, other = create_token(user=member, name="curl", days=1)
    program = Client(enforce_csrf_checks=True)
    url = create(program, 5, Authorization=f"Bearer {secret}")
    assert upload_at(url).owner == owner
    assert patch(program, url, 0, b"1", Authorization=f"Bearer {other}").status_code == 404
    assert patch(program, url, 0, b"1", Authorization="Bearer nonsense").status_code == 401
    assert patch(program, url, 0, b"12345", Authorization=f"Bearer {secret}").status_code == 204


def test_wrong_token_beside_a_good_session_is_refused(as_owner: Client) -> None:
    response = send(as_owner, "POST", COLLECTION, Upload_Length="5", Authorization="Bearer nonsense")
    assert response.status_code == 401
