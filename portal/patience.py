"""How long the body of a request may take to come. The web worker looks once a second and cuts off what is late.

A timeout of the socket is not enough: it begins anew with every byte, and a byte every few seconds is enough to
hold a thread for years.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_until: dict[int, tuple[socket.socket, float]] = {}


@contextmanager
def limited(connection: socket.socket, seconds: float) -> Iterator[None]:
    """Give what is read from ``connection`` inside so many seconds, and more when :func:`extend` says so."""
    _until[id(connection)] = (connection, time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.pop(id(connection), None)


def extend(connection: socket.socket, seconds: float) -> None:
    """Count anew: so many seconds from now. Nothing happens for a connection without a limit."""
    if id(connection) in _until:
        _until[id(connection)] = (connection, time.monotonic() + seconds)


def cut_overdue() -> None:
    """Let nothing more come in on connections that are late: who reads there sees the end, and can still answer."""
    now = time.monotonic()
    for connection, until in list(_until.values()):
        if until <= now:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
