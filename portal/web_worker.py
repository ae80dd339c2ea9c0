"""gunicorn's threaded worker, with an end to its patience: slow peers never hold every thread.

gunicorn gives a connection a thread at its first byte and waits there for the rest, without limit: forty
connections that send half a header each, or a few uploads that drip, were the end of the portal for everybody.
Here a request waits for its thread until it is whole, in the kernel's buffer. A thread that must wait for its
peer all the same (for an upload, or for a reader who takes a long page slowly) needs one of a few places for
that; the other threads of the process are kept for requests that need no waiting.
"""

import errno
import select
import socket
import threading
import time
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers import gthread  # type: ignore[import-untyped]  # it ships no types

from portal import patience

WHOLE_BYTES = 64 * 1024
"""Requests up to this length, header and body, wait outside the threads until they are whole."""
WAIT_SECONDS = 20.0
"""How long a request may take to become whole."""
BODY_SECONDS = 60.0
"""How long the body of a longer request may take, unless its view asks for more time (:mod:`portal.patience`)."""
SEND_SECONDS = 60.0
"""How long a peer may take to read one piece of an answer that does not fit into the kernel's buffer."""
SEND_BUFFER_BYTES = 256 * 1024
"""What the kernel is asked to hold of an answer (socket(7), SO_SNDBUF): the longest pages and static files."""
FAREWELL_SECONDS = 2.0
"""How long a connection whose last answer is sent may stay open for the peer to read it."""
KEPT_FREE = 4
"""Threads of each process that never wait for a peer."""

_SORRY = b"Too many files are being sent at the moment. Please try again soon.\n"
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s"
) % (len(_SORRY), _SORRY)


class Arrival(Enum):
    """How much of a request is here."""

    WHOLE = auto()  #: all of it, or the end of the connection
    PART = auto()  #: more must come, and it fits into the buffer
    LONG = auto()  #: it does not fit, does not say how long it is, waits for a word of ours, or is an upload


def arrival(start: bytes) -> tuple[Arrival, int]:
    """How much of the request that begins with ``start`` is there, and at how many bytes to look again."""
    header, end, _ = start.partition(b"\r\n\r\n")
    if not end:
        return (Arrival.LONG, 0) if len(start) >= WHOLE_BYTES else (Arrival.PART, len(start) + 1)
    length, is_long = 0, False
    for line in header.split(b"\r\n")[1:]:
        name, _, value = (part.strip() for part in line.lower().partition(b":"))
        if name == b"content-length" and value.isdigit():  # gunicorn refuses the rest
            length = int(value[:18])
        # Of an upload what came before a cut is kept, and a refusal comes before the bytes, however few they are.
        is_long = is_long or name in (b"transfer-encoding", b"expect", b"tus-resumable")
        if name == b"transfer-encoding":
            length = WHOLE_BYTES  # nobody knows
    whole = len(header) + len(end) + length
    if len(start) >= whole:
        return Arrival.WHOLE, 0
    return (Arrival.LONG, 0) if is_long or whole > WHOLE_BYTES else (Arrival.PART, whole)


class PatientSocket(socket.socket):
    """A connection on which a thread waits for the peer only while it has one of the places for that."""

    def __init__(self, taken_over: socket.socket, places: threading.Semaphore) -> None:
        timeout = taken_over.gettimeout()
        super().__init__(fileno=taken_over.detach())
        self.settimeout(timeout)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._places, self._has_place = places, False

    def take_place(self) -> None:
        """Raises ``ConnectionResetError``, which gunicorn takes for a peer that went away, when none is free."""
        if not self._has_place and not self._places.acquire(blocking=False):
            raise ConnectionResetError(errno.ECONNRESET, "too many slow peers")
        self._has_place = True

    def leave_place(self) -> None:
        """Give the place back, if there is one."""
        if self._has_place:
            self._has_place = False
            self._places.release()

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As ever; raises ``ConnectionResetError`` where it would have to wait and has no place."""
        may_wait = self.gettimeout() != 0 and not flags & socket.MSG_DONTWAIT
        if may_wait and not self._has_place and not self._is_readable():
            self.take_place()
        return super().recv(size, flags)

    def _is_readable(self) -> bool:
        poll = select.poll()
        poll.register(self, select.POLLIN)
        return bool(poll.poll(0))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As ever; raises ``ConnectionResetError`` where it would have to wait and has no place, or waits too long."""
        rest = memoryview(data)
        with suppress(BlockingIOError):
            rest = rest[self.send(rest, flags | socket.MSG_DONTWAIT) :]
        if not rest:
            return
        self.take_place()
        before = self.gettimeout()
        self.settimeout(SEND_SECONDS)
        try:
            super().sendall(rest, flags)
        except TimeoutError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the peer reads too slowly") from error
        finally:
            self.settimeout(before)


class PatientWorker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """One process of the web server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._leaving: list[Any] = []
        self._places = threading.BoundedSemaphore(max(1, self.cfg.threads - KEPT_FREE))

    def handle(self, conn: Any) -> Any:
        """Answer the request of ``conn`` if it is whole, put it aside if it is not; runs in a thread."""
        if conn.sock.fileno() < 0:
            return False
        if not isinstance(conn.sock, PatientSocket):
            conn.sock = PatientSocket(conn.sock, self._places)
            conn.asked_since, conn.asked_bytes = None, 0
        if conn.asked_since is None:
            conn.asked_since = time.monotonic()
        state, wanted = self._look(conn)
        if state is Arrival.PART:
            if time.monotonic() - conn.asked_since > WAIT_SECONDS:
                return False
            conn.asked_bytes = wanted
            # The poller wakes up when so many bytes are there (socket(7)), not at each of them.
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
            return gthread._DEFER
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        conn.data_ready, conn.asked_since, conn.asked_bytes = True, None, 0
        try:
            if state is Arrival.LONG:
                conn.sock.take_place()
        except ConnectionResetError:
            conn.sock.sendall(_BUSY)
            return False
        try:
            with patience.limited(conn.sock, BODY_SECONDS):
                return super().handle(conn)
        finally:
            conn.sock.leave_place()

    def _look(self, conn: Any) -> tuple[Arrival, int]:
        """Look at the bytes that are there without taking them; :func:`arrival` of them."""
        if conn.initialized and conn.parser.unreader.buf.getvalue():
            return Arrival.LONG, 0  # begun already, behind the request before: not to be seen from here
        try:
            start = conn.sock.recv(WHOLE_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return Arrival.PART, 1
        except OSError:
            return Arrival.WHOLE, 0  # broken: gunicorn tidies up
        if not start:
            return Arrival.WHOLE, 0
        if len(start) < conn.asked_bytes:
            # Woken up with less than it waited for: the sender has hung up, or the kernel is short of memory.
            return Arrival.LONG, 0
        return arrival(start)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """As gunicorn's; a request that is put aside keeps its age, and a farewell does not stop this thread."""
        result = None if fs.cancelled() or fs.exception() else fs.result()
        if result is gthread._DEFER and self.alive:
            conn.sock.setblocking(False)
            conn.timeout = conn.asked_since + WAIT_SECONDS
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))
        elif result is False:
            self._say_farewell(conn)
        else:
            super().finish_request(conn, fs)

    def _say_farewell(self, conn: Any) -> None:
        """End our half, and close when the peer has ended its own or :data:`FAREWELL_SECONDS` are over.

        Closed at once, the answer would be lost with bytes of the peer that nobody read (RFC 9112, section 9.6).
        gunicorn waits for the peer in the thread that accepts connections, which is then deaf to everybody.
        """
        try:
            conn.sock.setblocking(False)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.timeout, conn.drained = time.monotonic() + FAREWELL_SECONDS, 0
        self._leaving.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._drain, conn))

    def _drain(self, conn: Any, client: socket.socket) -> None:
        try:
            read = client.recv(WHOLE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            read = b""
        conn.drained += len(read)
        if not read or conn.drained > WHOLE_BYTES:
            self._drop(conn, self._leaving)

    def _drop(self, conn: Any, kept_in: Any) -> None:
        self.poller.unregister(conn.sock)
        kept_in.remove(conn)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Close what did not become whole, or did not leave, in time; cut off long requests that are late."""
        now = time.monotonic()
        for waiting in (self.pending_conns, self._leaving):
            for conn in [conn for conn in waiting if conn.timeout <= now]:
                self._drop(conn, waiting)
        patience.cut_overdue()
