"""The bytes of uploads on disk: ``UPLOAD_DIR/<upload id>``, readable by the portal alone.

Paths are made from the upload's id and nothing else. One writer at a time is kept by ``flock``: it works
between threads and processes, and the kernel drops it when its holder dies.
"""

import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction

from labtools.models import Upload
from labtools.scratch import scratch_of

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FileMissing(Exception):
    """The upload's file is not on disk."""


class FileLocked(Exception):
    """Another request is writing this file now."""


class OpenFile:
    """A locked file of one upload, opened for writing without a buffer of its own."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @property
    def size(self) -> int:
        """Length of the file, in bytes."""
        return os.fstat(self._fd).st_size

    def write_at(self, offset: int, piece: bytes) -> int:
        """Write ``piece`` at ``offset`` and return how many bytes were taken: fewer only when the disk is full.

        Raises ``OSError`` for trouble other than a full disk.
        """
        rest, written = memoryview(piece), 0
        while rest:
            try:
                count = os.pwrite(self._fd, rest, offset + written)
            except OSError as error:
                if error.errno in FULL:
                    break
                raise
            written += count
            rest = rest[count:]
        return written

    def truncate(self, length: int) -> None:
        """Cut the file to ``length`` bytes."""
        os.ftruncate(self._fd, length)

    def sync(self) -> None:
        """Return once the bytes have left the page cache for the disk."""
        os.fdatasync(self._fd)


def path_of(upload_id: uuid.UUID) -> Path:
    """Where the bytes of an upload lie."""
    return Path(settings.UPLOAD_DIR) / str(uuid.UUID(str(upload_id)))


def make_empty(upload_id: uuid.UUID) -> None:
    """Make the upload's file, empty. Raises ``OSError``, among others when the disk is full."""
    folder = _folder()
    fd = os.open(
        folder / path_of(upload_id).name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600
    )
    os.close(fd)


@contextmanager
def locked(upload_id: uuid.UUID) -> Iterator[OpenFile]:
    """Open an upload's file as its only writer. Raises ``FileLocked`` or ``FileMissing`` at once."""
    try:
        fd = os.open(path_of(upload_id), os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise FileMissing from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FileLocked from error
        yield OpenFile(fd)
    finally:
        os.close(fd)


def size_of(upload_id: uuid.UUID) -> int:
    """Bytes on disk. Raises ``FileMissing``."""
    try:
        return path_of(upload_id).stat().st_size
    except FileNotFoundError as error:
        raise FileMissing from error


def remove(upload_id: uuid.UUID) -> None:
    """Delete the file and what an examination put beside it; what is already gone is fine."""
    path = path_of(upload_id)
    path.unlink(missing_ok=True)
    shutil.rmtree(scratch_of(path), ignore_errors=True)


def forget(upload_id: uuid.UUID) -> None:
    """Delete an upload's row now and its bytes on commit; a transfer in the middle notices and ends."""
    Upload.objects.filter(pk=upload_id).delete()
    transaction.on_commit(lambda: remove(upload_id))


def free_bytes() -> int:
    """Room left on the disk that takes uploads."""
    return shutil.disk_usage(_folder()).free


def older_than(moment: float) -> Iterator[uuid.UUID]:
    """Ids of files last written before ``moment`` (seconds since the epoch). Other files are left alone."""
    for entry in os.scandir(_folder()):
        try:
            upload_id = uuid.UUID(entry.name)
            is_old = entry.stat(follow_symlinks=False).st_mtime < moment
        except (ValueError, FileNotFoundError):
            continue
        if is_old:
            yield upload_id


def _folder() -> Path:
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
