"""Bounded, positioned reading of one file.

Nothing here trusts a length: a read is as long as its caller asked at most, never above :data:`MAX_READ`,
and shorter at the end of the file. Names found *inside* an image are never opened by this package.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Final, Self

from .errors import FileUnreadableError

MAX_READ: Final = 1 << 20
"""The most bytes that one call returns: 1 MiB. Longer regions are read with :meth:`ImageSource.chunks`."""


class ImageSource:
    """A file to be read at offsets. Made by :func:`open_image`; a context manager."""

    def __init__(self, file: BinaryIO, *, owned: bool) -> None:
        self._file = file
        self._owned = owned
        self._plain = _is_plain(file)
        self.length = _length_of(file, plain=self._plain)
        self.bytes_read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file if :func:`open_image` opened it; a caller's own file object stays open."""
        if self._owned:
            self._file.close()

    def pread(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes at ``offset``; fewer, or none, where the file ends.

        Raises ``ValueError`` for a size above :data:`MAX_READ` or a negative number, which is a caller's bug,
        and :class:`FileUnreadableError` where the operating system fails.
        """
        if size < 0 or offset < 0 or size > MAX_READ:
            raise ValueError(f"a read of {size} bytes at {offset} is out of bounds")
        # Offsets in an image are 64-bit and hostile; the operating system's are signed.
        wanted = min(size, max(0, self.length - offset))
        if wanted == 0:
            return b""
        parts = []
        try:
            while wanted > 0 and (part := self._read_once(offset, wanted)):
                parts.append(part)
                offset += len(part)
                wanted -= len(part)
        except OSError as error:
            raise FileUnreadableError(
                f"Reading the file failed: {error.strerror or 'input/output error'}."
            ) from error
        data = b"".join(parts)
        self.bytes_read += len(data)
        return data

    def read_into(self, offset: int, target: memoryview) -> int:
        """Fill ``target``, at most :data:`MAX_READ` bytes, from ``offset``; returns how many bytes there were.

        Fewer than ``len(target)`` only where the file ends. Raises as :meth:`pread` does.
        """
        if not self._plain:
            data = self.pread(offset, len(target))
            target[: len(data)] = data
            return len(data)
        if offset < 0 or len(target) > MAX_READ:
            raise ValueError(f"a read of {len(target)} bytes at {offset} is out of bounds")
        wanted = min(len(target), max(0, self.length - offset))
        done = 0
        try:
            while done < wanted and (
                count := os.preadv(self._file.fileno(), [target[done:wanted]], offset + done)
            ):
                done += count
        except OSError as error:
            raise FileUnreadableError(
                f"Reading the file failed: {error.strerror or 'input/output error'}."
            ) from error
        self.bytes_read += done
        return done

    def chunks(self, offset: int, size: int) -> Iterator[tuple[int, bytes]]:
        """The bytes of a region as ``(offset, bytes)`` of at most :data:`MAX_READ` each, up to the file's
        end.
        """
        end = min(offset + size, self.length)
        while offset < end and (data := self.pread(offset, min(MAX_READ, end - offset))):
            yield offset, data
            offset += len(data)

    def length_now(self) -> int:
        """The length that the file has at this moment, which is another than ``length`` where it was written to."""
        return _length_of(self._file, plain=self._plain)

    def changed_at(self) -> int:
        """When the file was last written to, in nanoseconds since the epoch; 0 where there is no such time."""
        return os.fstat(self._file.fileno()).st_mtime_ns if self._plain else 0

    def _read_once(self, offset: int, size: int) -> bytes:
        if self._plain:
            # Asked each time: a number kept from a file closed since may belong to another file by now.
            return os.pread(self._file.fileno(), size, offset)
        self._file.seek(offset)
        return self._file.read(size)


def open_image(image: str | os.PathLike[str] | BinaryIO) -> ImageSource:
    """Open a path, or wrap a seekable binary file object, for bounded reading.

    Only a regular file or a block device is read; a directory, FIFO or socket raises
    :class:`FileUnreadableError`, as does anything that the operating system refuses.
    """
    if not isinstance(image, str | os.PathLike):
        return ImageSource(image, owned=False)
    try:
        # Non-blocking, or opening a FIFO would wait for a writer for ever.
        descriptor = os.open(image, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a valid path"
        raise FileUnreadableError(f"The file could not be opened: {reason}.") from error
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        os.close(descriptor)
        raise FileUnreadableError("This is not a regular file, so there is no image to read.")
    return ImageSource(os.fdopen(descriptor, "rb", buffering=0), owned=True)


def _is_plain(file: BinaryIO) -> bool:
    # Others may lend a descriptor that holds different bytes: a GzipFile, that of its archive.
    if isinstance(file, io.BufferedReader | io.BufferedRandom):
        return isinstance(file.raw, io.FileIO)
    return isinstance(file, io.FileIO)


def _length_of(file: BinaryIO, *, plain: bool) -> int:
    if plain:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            return status.st_size
    # A block device has no st_size; its end can be sought.
    return file.seek(0, io.SEEK_END)
