"""Reading the body of a request, with a limit on how long it may bring nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RD, socket

from django.conf import settings
from django.http import HttpRequest

from portal import patience

SLOWEST_BYTES_PER_SECOND = 4096
"""A sender slower than this is cut off piece by piece: what came is kept, and it may come back."""


def allow_time(request: HttpRequest, size: int) -> None:
    """Let the next ``size`` bytes of the body take as long as the slowest sender that we wait for needs for them."""
    connection = request.META.get("gunicorn.socket")
    if isinstance(connection, socket):
        patience.extend(connection, settings.UPLOAD_STALL_SECONDS + size / SLOWEST_BYTES_PER_SECOND)


@contextmanager
def read_timeout(request: HttpRequest) -> Iterator[Callable[[int], bytes]]:
    """Read the request's body, but give it up when it brings nothing for ``UPLOAD_STALL_SECONDS``.

    A network that vanishes closes nothing: without a limit the thread and the upload's lock would wait for
    ever, and the sender who comes back would find the upload busy. gunicorn offers its socket; a server
    that does not (uWSGI, Apache) has a read limit of its own.
    """
    connection = request.META.get("gunicorn.socket")
    if not isinstance(connection, socket):
        yield request.read
        return

    def read(size: int) -> bytes:
        allow_time(request, size)
        try:
            return request.read(size)
        except OSError:
            # Ends the next read at once, which then hands over what gunicorn has gathered of a piece.
            with suppress(OSError):
                connection.shutdown(SHUT_RD)
            raise

    before = connection.gettimeout()
    connection.settimeout(settings.UPLOAD_STALL_SECONDS)
    try:
        yield read
    finally:
        with suppress(OSError):
            connection.settimeout(before)
