"""Which pages take files in their forms, and how large ones: none, unless its view says so.

Django reads a whole form, files and all, before it looks at the CSRF token: whoever sends a file to any page would
fill the disk for temporary files. The lab's images have a way of their own (:mod:`labtools.upload_views`).
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.files.uploadhandler import (
    FileUploadHandler,
    MemoryFileUploadHandler,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError

GetResponse = Callable[[HttpRequest], HttpResponse]
View = TypeVar("View", bound=Callable[..., HttpResponse])


class FileBound(FileUploadHandler):
    """Ends a form with a 400 page when its files together are longer than ``most_bytes``; by default at the first."""

    def __init__(self, request: HttpRequest | None = None, most_bytes: int = 0) -> None:
        super().__init__(request)
        self._left = most_bytes

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Raises ``MultiPartParserError`` where no file is taken, before its first byte."""
        super().new_file(*args, **kwargs)
        self._require(self._left > 0)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Count, and hand on to the next handler. Raises ``MultiPartParserError`` at the first byte too many."""
        self._left -= len(raw_data)
        self._require(self._left >= 0)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler has it."""

    @staticmethod
    def _require(kept: bool) -> None:
        if not kept:
            raise MultiPartParserError("More in files than this page takes")


def takes_files(*, most_bytes: int) -> Callable[[View], View]:
    """Decorate a view whose form has files, of at most so many bytes together; it finds them in ``request.FILES``."""

    def decorate(view: View) -> View:
        view.most_file_bytes = most_bytes  # type: ignore[attr-defined]  # read by bound_files
        return view

    return decorate


class BoundFiles:
    """Middleware before the CSRF check, which reads the form: lets in what :func:`takes_files` says of the view."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing yet: the view is not known."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponse], *_: Any) -> None:
        """Django's hook for the moment when the view is known."""
        most_bytes = getattr(view, "most_file_bytes", 0)
        if most_bytes:
            request.upload_handlers = [
                FileBound(request, most_bytes),
                MemoryFileUploadHandler(request),
                TemporaryFileUploadHandler(request),
            ]
