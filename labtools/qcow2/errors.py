"""What can go wrong before there is anything to report: one small family of typed errors.

Each error carries a stable ``code`` for programs and a sentence for a person, which is also ``str(error)``.
No sentence quotes a path: the file's name on a server is nobody's business, and the caller knows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .sniff import Format


class ImageError(Exception):
    """The file cannot be read as a qcow2 image. ``code`` is stable, ``sentence`` is for a person."""

    code: ClassVar[str] = "image-error"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class FileUnreadableError(ImageError):
    """The operating system would not open or read the file, or it is not a regular file."""

    code = "file-unreadable"


class EmptyFileError(ImageError):
    """The file has no bytes at all."""

    code = "file-empty"


class NotQcow2Error(ImageError):
    """The file is something else; ``format`` says what, and what to do with it."""

    code = "not-qcow2"

    def __init__(self, found: Format) -> None:
        super().__init__(found.sentence)
        self.format = found


class TruncatedHeaderError(ImageError):
    """The file begins like a qcow2 image but ends inside the header."""

    code = "header-truncated"


class SkeletonError(ImageError):
    """The metadata cannot be taken out of this image, or a file of metadata is not what it should be."""

    code = "skeleton"


class NoPreview(SkeletonError):
    """There is no preview of the repair of this image; the sentence says why."""

    code = "no-preview"
