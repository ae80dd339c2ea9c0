"""Files on their way in: created, received piece by piece, completed, deleted.

The offset in the database follows the bytes on disk, never the other way round: what is committed has been
written. No transaction is open while bytes arrive, for SQLite has one writer and a slow line can take hours.
"""

import hashlib
import hmac
import logging
import re
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from labtools.models import ImageCheck, Upload
from labtools.qcow2 import binary_size
from labtools.services import upload_files
from labtools.services.checks import TooManyChecks, check_room_for, request_image_check
from portal.accounts.models import User

log = logging.getLogger(__name__)

PIECE_BYTES = 1024**2
COMMIT_SECONDS = 1.0
DISK_RESERVE_BYTES = 256 * 1024**2
MAX_LIVING_UPLOADS = 200
MAX_SENDING = 4
"""Requests of one member that may bring bytes at once, in each process of the web server, whose threads are few."""
MAX_FILENAME_CHARACTERS = 255
ORPHAN_SECONDS = 3600.0
CHECKSUM_ALGORITHMS = ("sha1", "sha256")


class UploadRefused(Exception):
    """An upload that cannot go on as asked; ``str()`` of it is one sentence for the person."""


class TooLong(UploadRefused):
    """More bytes than allowed or declared."""


class OverQuota(UploadRefused):
    """The member's share of the disk is used up."""


class TooMany(UploadRefused):
    """The member has too many uploads or checks at once."""


class DiskFull(UploadRefused):
    """The server's disk has no room; what has arrived stays."""


class DiskBroken(UploadRefused):
    """The server's disk cannot be written, for a reason that only its operators can know."""


class WrongOffset(UploadRefused):
    """The sender means to go on at another byte than the one that is missing next."""


class Busy(UploadRefused):
    """Another request is sending bytes of the same upload, or :data:`MAX_SENDING` of the same member."""


class Expired(UploadRefused):
    """The time to go on has run out."""


class Gone(UploadRefused):
    """The upload was deleted."""


class ChecksumMismatch(UploadRefused):
    """The bytes of this request differ from what the sender meant to send; they were thrown away."""


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one request must hash to (tus checksum extension)."""

    algorithm: str
    digest: bytes


def clean_filename(sent: str) -> str:
    """The last part of a name that somebody sent, without control characters; for showing, never for opening."""
    last = re.split(r"[/\\]", sent)[-1]
    visible = "".join(char for char in last if unicodedata.category(char)[0] != "C")
    return visible.strip()[:MAX_FILENAME_CHARACTERS]


def quota_used(owner: User) -> int:
    """Bytes that the member's uploads occupy or have been promised."""
    used: int = Upload.objects.filter(owner=owner).aggregate(total=Sum("length", default=0))["total"]
    return used


def create_upload(
    *, owner: User, filename: str, length: int, visibility: str = ImageCheck.Visibility.UNLISTED
) -> Upload:
    """Promise room for ``length`` bytes. A file of no bytes is complete at once, and its report says so.

    Raises ``TooLong``, ``OverQuota``, ``TooMany`` or ``DiskFull``.
    """
    if length > settings.UPLOAD_MAX_BYTES:
        raise TooLong(f"The file is too large: at most {binary_size(settings.UPLOAD_MAX_BYTES)} are taken.")
    with transaction.atomic():
        # Two creations of one member wait for each other, so that both cannot pass the same quota.
        # On SQLite the transaction itself is alone; elsewhere this row is the lock.
        User.objects.select_for_update().get(pk=owner.pk)
        _require_share(owner, length)
        with disk_may_fail():
            free = upload_files.free_bytes()
        if free < length + DISK_RESERVE_BYTES:
            raise DiskFull("The server has no room for this file at the moment. Please try again later.")
        upload = Upload.objects.create(
            owner=owner,
            filename=clean_filename(filename),
            length=length,
            visibility=ImageCheck.Visibility(visibility),
            expires_at=_expiry(timezone.now()),
        )
        with disk_may_fail():
            upload_files.make_empty(upload.pk)
        if length == 0:
            complete(upload)
    return upload


def current_offset(upload: Upload) -> int:
    """The byte to go on with. After a power cut the file may hold less than was written to it.

    Raises ``Gone`` when the file is not there, ``Expired`` when time has run out.
    """
    if upload.is_complete:
        return upload.length
    _require_time(upload)
    try:
        return min(upload.offset, upload_files.size_of(upload.pk))
    except upload_files.FileMissing as error:
        raise Gone("This upload is not here any more. Please send the file again.") from error


def receive_bytes(
    *,
    upload: Upload,
    offset: int,
    count: int,
    read: Callable[[int], bytes],
    checksum: Checksum | None = None,
) -> Upload:
    """Take up to ``count`` bytes from ``read`` into the file at ``offset``; return the upload as it then stands.

    ``read(n)`` returns at most n bytes, none at the end; an ``OSError`` of it means that the connection was
    cut. What arrived before a cut stays, unless a checksum was to prove it. The last byte completes the
    upload and requests the check. Raises ``UploadRefused`` of every kind that is not about beginning.
    """
    try:
        with sending(upload.owner_id), upload_files.locked(upload.pk) as file:
            _prepare(upload, file, offset, count)
            if upload.is_complete:
                return upload
            if offset + count == upload.length:
                _require_room_for_check(upload.owner_id)
            transfer = _Transfer(upload, file, checksum)
            try:
                transfer.take(read, count)
            finally:
                transfer.settle(whole=transfer.taken == count)
            if upload.offset == upload.length:
                complete(upload)
    except upload_files.FileLocked as error:
        raise Busy("Another connection is sending this file at the moment.") from error
    except upload_files.FileMissing as error:
        raise Gone("This upload is not here any more. Please send the file again.") from error
    return upload


_senders: Counter[int] = Counter()
_senders_lock = threading.Lock()


@contextmanager
def sending(member_id: int) -> Iterator[None]:
    """Count a request that brings bytes. Raises ``Busy`` when its member has enough of them."""
    with _senders_lock:
        if _senders[member_id] >= MAX_SENDING:
            raise Busy(
                f"{MAX_SENDING} connections are sending files of yours at the moment. Please wait for one."
            )
        _senders[member_id] += 1
    try:
        yield
    finally:
        with _senders_lock:
            _senders[member_id] -= 1
            if not _senders[member_id]:
                del _senders[member_id]


def complete(upload: Upload) -> None:
    """All bytes are there: mark it and request the check, both or neither, once."""
    with transaction.atomic():
        if Upload.objects.receiving().filter(pk=upload.pk).update(state=Upload.State.COMPLETE):
            upload.state = Upload.State.COMPLETE
            request_image_check(upload=upload, visibility=upload.visibility)


def delete_upload(upload: Upload) -> None:
    """Delete row and bytes, at once, also in the middle of a transfer; the transfer notices and ends."""
    upload_files.forget(upload.pk)


def delete_uploads_of(owner: User) -> None:
    """Delete all bytes that a member has sent; part of erasing an account."""
    for upload in Upload.objects.filter(owner=owner):
        delete_upload(upload)


def delete_expired_uploads(*, at: datetime | None = None) -> int:
    """Delete unfinished uploads whose time has run out; return how many."""
    moment, deleted = at or timezone.now(), 0
    for upload_id in list(Upload.objects.expired(at=moment).values_list("pk", flat=True)):
        # Asked again in the DELETE: a sender may have come back since the list was made.
        if Upload.objects.expired(at=moment).filter(pk=upload_id).delete()[0]:
            upload_files.remove(upload_id)
            deleted += 1
    return deleted


def delete_orphaned_files(*, older_than: float = ORPHAN_SECONDS) -> int:
    """Delete files that no upload owns, such as those of an erased account; return how many."""
    deleted = 0
    for upload_id in upload_files.older_than(time.time() - older_than):
        if not Upload.objects.filter(pk=upload_id).exists():
            upload_files.remove(upload_id)
            deleted += 1
    return deleted


class _Transfer:
    """The bytes of one request: into the file as they come, into the database about once a second."""

    def __init__(self, upload: Upload, file: upload_files.OpenFile, checksum: Checksum | None) -> None:
        self.upload, self.file, self.checksum = upload, file, checksum
        self.start, self.taken = upload.offset, 0
        self._hash = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
        self._committed_at = time.monotonic()

    def take(self, read: Callable[[int], bytes], count: int) -> None:
        """Write what comes until ``count`` bytes are there or the connection ends. Raises ``DiskFull``, ``Gone``."""
        line = _Line(read)
        while self.taken < count:
            piece = line.read(min(PIECE_BYTES, count - self.taken))
            if not piece:
                return
            with disk_may_fail():
                written = self.file.write_at(self.start + self.taken, piece)
            self.taken += written
            if written < len(piece):
                raise DiskFull("The server's disk is full. What has arrived is kept; please go on later.")
            if self._hash:
                self._hash.update(piece)
            if time.monotonic() - self._committed_at >= COMMIT_SECONDS:
                self._commit()

    def settle(self, *, whole: bool) -> None:
        """Commit what was taken; throw away what a checksum was to prove and did not.

        Raises ``ChecksumMismatch`` and ``Gone``.
        """
        proven = self._is_proven() if whole else self.checksum is None
        if not proven:
            self.file.truncate(self.start)
            self.taken = 0
        self.file.sync()
        self._commit(is_proven=proven)
        if whole and not proven:
            raise ChecksumMismatch("The bytes changed on their way; this part must be sent again.")

    def _is_proven(self) -> bool:
        if self.checksum is None or self._hash is None:
            return True
        return hmac.compare_digest(self._hash.digest(), self.checksum.digest)

    def _commit(self, *, is_proven: bool = False) -> None:
        # What a checksum is to prove does not count yet, but a deletion is noticed all the same.
        taken = self.taken if is_proven or self.checksum is None else 0
        offset, expires_at = self.start + taken, _expiry(timezone.now())
        changed = Upload.objects.receiving().filter(pk=self.upload.pk)
        if not changed.update(offset=offset, expires_at=expires_at):
            raise Gone("This upload was deleted.")
        self.upload.offset, self.upload.expires_at = offset, expires_at
        self._committed_at = time.monotonic()


class _Line:
    """The sender's connection: pieces until the end or a cut.

    A server that gathers a whole piece before it returns still holds the beginning of one when the
    connection breaks, and hands it over when asked again, once. On a line that breaks often this is all progress.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self._is_cut = read, False

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        if self._is_cut:
            return b""
        try:
            return self._read(size)
        except OSError as cut:
            self._is_cut = True
            log.info("upload cut: %s", cut)
        try:
            return self._read(size)
        except OSError:
            return b""


def _prepare(upload: Upload, file: upload_files.OpenFile, offset: int, count: int) -> None:
    """Look again, now as the only writer, and cut off what a killed server wrote but did not commit."""
    try:
        upload.refresh_from_db()
    except Upload.DoesNotExist as error:
        raise Gone("This upload was deleted.") from error
    _require_time(upload)
    upload.offset = current_offset(upload)
    if offset != upload.offset:
        raise WrongOffset(f"The next byte must be number {upload.offset}, not {offset}.")
    if count > upload.length - offset:
        raise TooLong(f"Only {upload.length - offset} bytes are missing, but {count} were to follow.")
    if not upload.is_complete:
        file.truncate(offset)


@contextmanager
def disk_may_fail() -> Iterator[None]:
    """Say in a sentence that the disk is read-only, broken or full, and log what it was."""
    try:
        yield
    except OSError as error:
        log.exception("uploads cannot be written")
        raise DiskBroken("The server cannot store files at the moment. Please try again later.") from error


def _require_room_for_check(owner_id: int) -> None:
    try:
        check_room_for(owner_id)
    except TooManyChecks as error:
        raise TooMany(str(error)) from error


def _require_share(owner: User, length: int) -> None:
    _require_room_for_check(owner.pk)
    if Upload.objects.filter(owner=owner).count() >= MAX_LIVING_UPLOADS:
        raise TooMany("You have too many unfinished uploads. Finish or delete one of them first.")
    free = max(0, settings.UPLOAD_QUOTA_BYTES - quota_used(owner))
    if length > free:
        raise OverQuota(
            f"The file has {binary_size(length)}, but only {binary_size(free)} of your "
            f"{binary_size(settings.UPLOAD_QUOTA_BYTES)} are free. Finish or delete an unfinished upload first."
        )


def _require_time(upload: Upload) -> None:
    if upload.is_expired(at=timezone.now()):
        raise Expired("This upload has expired. Please send the file again.")


def _expiry(now: datetime) -> datetime:
    return now + timedelta(hours=settings.UPLOAD_EXPIRES_HOURS)
