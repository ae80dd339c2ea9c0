"""A file that comes whole in one form, from a browser without JavaScript: same room, same quota, same check."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import transaction

from labtools.models import ImageCheck, Upload
from labtools.qcow2 import binary_size
from labtools.services import upload_files, uploads
from portal.accounts.models import User


class NoFile(uploads.UploadRefused):
    """The form came without a file."""


class FormUpload:
    """Room for the file of one form, taken before its first byte and given back unless ``finish`` was reached.

    ``length`` is that of the whole request, the most that the file can have. Entering raises what
    ``create_upload`` and ``sending`` raise, and ``TooLong`` beyond ``UPLOAD_FORM_MAX_BYTES``.
    """

    def __init__(self, *, owner: User, length: int) -> None:
        self.owner, self.length = owner, length
        self.upload: Upload | None = None
        self.filename, self.taken, self.is_full = "", 0, False

    def __enter__(self) -> Self:
        limit = settings.UPLOAD_FORM_MAX_BYTES
        if self.length > limit:
            raise uploads.TooLong(
                f"Without JavaScript at most {binary_size(limit)} can be sent. "
                "Switch it on, or use the tus client below: both can go on after a lost connection."
            )
        with ExitStack() as held:
            held.enter_context(uploads.sending(self.owner.pk))
            self.upload = uploads.create_upload(owner=self.owner, filename="", length=max(1, self.length))
            self._file = held.enter_context(upload_files.locked(self.upload.pk))
            self._held = held.pop_all()
        return self

    def write(self, piece: bytes) -> bool:
        """Append ``piece``; False when the disk is full. Raises ``DiskBroken``."""
        with uploads.disk_may_fail():
            written = self._file.write_at(self.taken, piece)
        self.taken += written
        self.is_full = written < len(piece)
        return not self.is_full

    def require_file(self) -> None:
        """Raise ``NoFile`` or ``DiskFull`` unless a whole file has arrived."""
        if self.is_full:
            raise uploads.DiskFull("The server's disk is full. Please try again later.")
        if not self.filename:
            raise NoFile("Choose a file first.")

    def finish(self, *, visibility: str) -> ImageCheck:
        """All has arrived: request its check."""
        assert self.upload is not None  # entered
        self._file.sync()
        with transaction.atomic():
            Upload.objects.filter(pk=self.upload.pk).update(
                filename=uploads.clean_filename(self.filename),
                length=self.taken,
                offset=self.taken,
                visibility=ImageCheck.Visibility(visibility),
            )
            self.upload.refresh_from_db()
            uploads.complete(self.upload)
        return self.upload.image_check

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()
        if self.upload is not None and not self.upload.is_complete:
            uploads.delete_upload(self.upload)
