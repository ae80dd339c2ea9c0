"""Receiving, quota, full disks, cuts and the sweep, below HTTP."""

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from labtools.models import ImageCheck, Upload
from labtools.services import checks, upload_files, uploads
from portal.accounts.models import User


def reader(*pieces: bytes | OSError) -> Callable[[int], bytes]:
    """A connection that delivers ``pieces``, each at most as long as asked for, then nothing."""
    queue = list(pieces)

    def read(size: int) -> bytes:
        if not queue:
            return b""
        piece = queue.pop(0)
        if isinstance(piece, OSError):
            raise piece
        if len(piece) > size:
            queue.insert(0, piece[size:])
        return piece[:size]

    return read


def make_upload(owner: User, length: int) -> Upload:
    return uploads.create_upload(owner=owner, filename="vm.qcow2", length=length)


def on_disk(upload: Upload) -> bytes:
    return upload_files.path_of(upload.pk).read_bytes()


def receive(upload: Upload, *pieces: bytes | OSError, offset: int = 0, count: int | None = None) -> Upload:
    wanted = upload.length - offset if count is None else count
    return uploads.receive_bytes(upload=upload, offset=offset, count=wanted, read=reader(*pieces))


def test_a_cut_keeps_what_arrived_and_the_rest_completes_it(owner: User) -> None:
    upload = make_upload(owner, 10)
    receive(upload, b"0123", OSError("reset"), b"45", OSError("closed"), b"lost")
    upload.refresh_from_db()
    assert (upload.offset, upload.state) == (6, "receiving")
    assert on_disk(upload) == b"012345"
    receive(upload, b"6789", offset=6)
    upload.refresh_from_db()
    assert (upload.offset, upload.state) == (10, "complete")
    assert on_disk(upload) == b"0123456789"
    assert ImageCheck.objects.get().upload == upload


def test_a_cut_piece_with_a_checksum_is_not_kept(owner: User) -> None:
    upload = make_upload(owner, 10)
    uploads.receive_bytes(
        upload=upload,
        offset=0,
        count=10,
        read=reader(b"01234"),
        checksum=uploads.Checksum("sha1", b"\0" * 20),
    )
    upload.refresh_from_db()
    assert (upload.offset, on_disk(upload)) == (0, b"")


def test_offset_is_committed_while_bytes_still_come(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "COMMIT_SECONDS", 0.0)
    upload, seen = make_upload(owner, 6), []

    def read(size: int) -> bytes:
        seen.append(Upload.objects.get(pk=upload.pk).offset)
        return b"ab"

    uploads.receive_bytes(upload=upload, offset=0, count=6, read=read)
    assert seen == [0, 2, 4]


def test_bytes_written_but_not_committed_by_a_killed_server_are_cut_off(owner: User) -> None:
    upload = make_upload(owner, 6)
    receive(upload, b"abc")
    with upload_files.locked(upload.pk) as file:
        file.write_at(3, b"JUNKJUNK")
    receive(upload, b"d", offset=3, count=1)
    assert on_disk(upload) == b"abcd"


@pytest.mark.parametrize("checksum", [None, uploads.Checksum("sha1", b"\0" * 20)])
def test_delete_in_the_middle_ends_the_transfer(
    owner: User, monkeypatch: pytest.MonkeyPatch, checksum: uploads.Checksum | None
) -> None:
    monkeypatch.setattr(uploads, "COMMIT_SECONDS", 0.0)
    upload, reads = make_upload(owner, 1000), []

    def read(size: int) -> bytes:
        Upload.objects.filter(pk=upload.pk).delete()
        reads.append(size)
        return b"x"

    with pytest.raises(uploads.Gone):
        uploads.receive_bytes(upload=upload, offset=0, count=1000, read=read, checksum=checksum)
    assert len(reads) == 1, "nothing more is written"


def test_one_member_has_so_many_senders_at_once(
    owner: User, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_SENDING", 1)
    first, second, others = make_upload(owner, 10), make_upload(owner, 10), make_upload(member, 1)

    def read(size: int) -> bytes:
        with pytest.raises(uploads.Busy, match="1 connections are sending"):
            receive(second, b"x")
        receive(others, b"x")
        return b""

    uploads.receive_bytes(upload=first, offset=0, count=10, read=read)
    receive(second, b"x", count=1)
    assert on_disk(second) == b"x"


def test_no_upload_ends_while_many_checks_wait(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = make_upload(owner, 3)
    monkeypatch.setattr(checks, "MAX_WAITING", 1)
    make_upload(owner, 0)
    receive(upload, b"ab", count=2)
    with pytest.raises(uploads.TooMany, match="1 of your checks"):
        receive(upload, b"c", offset=2)
    assert on_disk(upload) == b"ab"
    ImageCheck.objects.all().delete()
    receive(upload, b"c", offset=2)
    assert upload.is_complete


def test_full_disk_keeps_what_fitted(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = make_upload(owner, 10)
    real = os.pwrite

    def small_disk(fd: int, data: memoryview, offset: int) -> int:
        if offset >= 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[: 4 - offset], offset)

    monkeypatch.setattr(os, "pwrite", small_disk)
    with pytest.raises(uploads.DiskFull, match="What has arrived is kept"):
        receive(upload, b"0123456789")
    upload.refresh_from_db()
    assert (upload.offset, on_disk(upload)) == (4, b"0123")
    monkeypatch.setattr(os, "pwrite", real)
    receive(upload, b"456789", offset=4)
    assert on_disk(upload) == b"0123456789"


def test_other_disk_trouble_is_not_called_full(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = make_upload(owner, 10)

    def broken(fd: int, data: memoryview, offset: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pwrite", broken)
    with pytest.raises(uploads.DiskBroken, match="cannot store files"):
        receive(upload, b"0123456789")


def test_no_upload_is_begun_without_room_on_the_disk(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_files, "free_bytes", lambda: uploads.DISK_RESERVE_BYTES + 9)
    make_upload(owner, 9)
    with pytest.raises(uploads.DiskFull):
        make_upload(owner, 10)
    assert Upload.objects.count() == 1


def test_quota_counts_declared_lengths_of_living_uploads_of_one_member(
    owner: User, member: User, settings: Settings
) -> None:
    settings.UPLOAD_QUOTA_BYTES = 100
    first = make_upload(owner, 60)
    with pytest.raises(uploads.OverQuota, match="only 40 bytes of your 100 bytes are free"):
        make_upload(owner, 41)
    make_upload(member, 100)
    make_upload(owner, 40)
    uploads.delete_upload(first)
    make_upload(owner, 60)
    assert uploads.quota_used(owner) == 100


def test_number_of_uploads_is_bounded(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_LIVING_UPLOADS", 1)
    make_upload(owner, 1)
    with pytest.raises(uploads.TooMany, match="too many unfinished uploads"):
        make_upload(owner, 1)


def test_no_upload_is_begun_while_many_checks_wait(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MAX_WAITING", 1)
    make_upload(owner, 0)
    with pytest.raises(uploads.TooMany, match="1 of your checks"):
        make_upload(owner, 1)


def test_largest_length_is_a_setting(owner: User, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 5
    make_upload(owner, 5)
    with pytest.raises(uploads.TooLong):
        make_upload(owner, 6)


def test_a_failing_check_request_leaves_the_upload_unfinished(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Complete and requested, or neither: otherwise a file would lie there that nobody checks."""
    upload = make_upload(owner, 3)

    def fail(**_: object) -> None:
        raise RuntimeError("no")

    with monkeypatch.context() as patched:
        patched.setattr(uploads, "request_image_check", fail)
        with pytest.raises(RuntimeError):
            receive(upload, b"abc")
    upload.refresh_from_db()
    assert upload.state == "receiving"
    receive(upload, offset=3)
    assert ImageCheck.objects.get().upload_id == upload.pk


def test_sweep_deletes_expired_partial_uploads_only(owner: User, upload_dir: Path) -> None:
    old, young, done = make_upload(owner, 5), make_upload(owner, 5), make_upload(owner, 0)
    past = timezone.now() - timedelta(seconds=1)
    Upload.objects.filter(pk__in=[old.pk, done.pk]).update(expires_at=past)
    assert uploads.delete_expired_uploads() == 1
    assert {path.name for path in upload_dir.iterdir()} == {str(young.pk), str(done.pk)}
    assert set(Upload.objects.values_list("pk", flat=True)) == {young.pk, done.pk}


def test_sweep_deletes_old_files_that_nobody_owns(owner: User, upload_dir: Path) -> None:
    kept, orphan, fresh = make_upload(owner, 5), make_upload(owner, 5), make_upload(owner, 5)
    Upload.objects.filter(pk__in=[orphan.pk, fresh.pk]).delete()
    (upload_dir / "notes.txt").touch()
    for path in (kept, orphan):
        os.utime(upload_files.path_of(path.pk), (0, 0))
    os.utime(upload_dir / "notes.txt", (0, 0))
    assert uploads.delete_orphaned_files() == 1
    assert {path.name for path in upload_dir.iterdir()} == {str(kept.pk), str(fresh.pk), "notes.txt"}


def test_erasing_a_member_removes_all_bytes(
    owner: User,
    member: User,
    upload_dir: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_upload(owner, 5), make_upload(owner, 6)
    other = make_upload(member, 5)
    with django_capture_on_commit_callbacks(execute=True):
        uploads.delete_uploads_of(owner)
    assert [path.name for path in upload_dir.iterdir()] == [str(other.pk)]


def test_a_disk_that_cannot_be_written_is_told_in_a_sentence(
    owner: User, monkeypatch: pytest.MonkeyPatch, upload_dir: Path
) -> None:
    upload = make_upload(owner, 10)

    def read_only(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", read_only)
        with pytest.raises(uploads.DiskBroken, match="cannot store files"):
            receive(upload, b"0123456789")
    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(uploads.DiskBroken, match="cannot store files"):
        make_upload(owner, 10)
    assert Upload.objects.get() == upload
