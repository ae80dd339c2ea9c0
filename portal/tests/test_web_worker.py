"""Slow senders against the real web server: it goes on answering everybody else."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import patience
from portal.tests.stack import Stack
from portal.web_worker import WHOLE_BYTES, Arrival, PatientSocket, arrival

Pair = tuple[PatientSocket, socket.socket, threading.Semaphore]
HEAD = b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n"
FORM = HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n"
COOKIE = b"Cookie: csrf_%d=abcdefghijklmnopqrstuvwxyzabcdef\r\n\r\na="  # without it nobody reads the form


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"GET / HT", (Arrival.PART, 9)),
        (b"GET / HTTP/1.1\r\n\r\n", (Arrival.WHOLE, 0)),
        (HEAD + b"Content-Length: 3\r\n\r\nab", (Arrival.PART, len(HEAD) + 24)),
        (HEAD + b"content-length : 3\r\n\r\nabc", (Arrival.WHOLE, 0)),
        (HEAD + b"Content-Length: 70000\r\n\r\n", (Arrival.LONG, 0)),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", (Arrival.LONG, 0)),
        (HEAD + b"Tus-Resumable: 1.0.0\r\nContent-Length: 3\r\n\r\nab", (Arrival.LONG, 0)),
        (HEAD + b"Tus-Resumable: 1.0.0\r\nContent-Length: 3\r\n\r\nabc", (Arrival.WHOLE, 0)),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", (Arrival.LONG, 0)),
        (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", (Arrival.LONG, 0)),
        (HEAD + b"Content-Length: -1\r\n\r\n", (Arrival.WHOLE, 0)),
        (b"G" * WHOLE_BYTES, (Arrival.LONG, 0)),
    ],
)
def test_how_much_of_a_request_is_there(start: bytes, expected: tuple[Arrival, int]) -> None:
    assert arrival(start) == expected


def test_a_late_connection_sees_the_end_and_an_extended_one_does_not() -> None:
    late, far_late = socket.socketpair()
    slow, far_slow = socket.socketpair()
    with late, far_late, slow, far_slow, patience.limited(late, -1), patience.limited(slow, -1):
        patience.extend(slow, 60)
        patience.cut_overdue()
        assert late.recv(1) == b""
        far_slow.send(b"x")
        assert slow.recv(1) == b"x"


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Our end, the peer's, and the one place for those who wait."""
    ours, far = socket.socketpair()
    place = threading.Semaphore(1)
    with PatientSocket(ours, place) as patient, far:
        yield patient, far, place


def test_what_is_there_is_read_and_what_fits_is_sent_without_a_place(pair: Pair) -> None:
    patient, far, place = pair
    far.send(b"here")
    assert patient.recv(10) == b"here"
    patient.sendall(b"answer")
    assert far.recv(10) == b"answer"
    assert place.acquire(blocking=False), "nobody took it"


def test_nobody_waits_for_a_peer_without_a_place(pair: Pair) -> None:
    patient, _, place = pair
    place.acquire()
    with pytest.raises(ConnectionResetError):
        patient.recv(10)
    with pytest.raises(ConnectionResetError):
        patient.sendall(bytes(2**22))


def test_who_has_a_place_waits_and_gives_it_back(pair: Pair) -> None:
    patient, far, place = pair
    later = threading.Timer(0.2, far.send, [b"late"])
    later.start()
    assert patient.recv(10) == b"late"
    assert not place.acquire(blocking=False)
    patient.leave_place()
    assert place.acquire(blocking=False)
    later.join()


def test_a_reader_who_takes_too_long_is_let_go(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.web_worker.SEND_SECONDS", 0.1)
    patient, _, _ = pair
    with pytest.raises(ConnectionResetError):
        patient.sendall(bytes(2**22))
    assert patient.gettimeout() is None


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("web")
    with Stack(folder, run=("web",)) as running:
        yield running


@pytest.mark.services
@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: loc",
        FORM + b"Content-Length: 5000\r\n" + COOKIE,
        FORM + b"Content-Length: 99999\r\n" + COOKIE,
    ],
    ids=["nothing", "header", "body", "long body"],
)
def test_pages_are_served_while_slow_senders_hold_the_line(stack: Stack, beginning: bytes) -> None:
    with contextlib.ExitStack() as senders:
        for _ in range(48):
            sender = senders.enter_context(socket.create_connection(("127.0.0.1", stack.port)))
            sender.sendall(beginning.replace(b"%d", str(stack.port).encode()))
        started = time.monotonic()
        assert stack.get("/healthz") == (200, "ok\n")
        assert time.monotonic() - started < 4, "gunicorn waits 5 s for the first byte"


@pytest.mark.services
def test_peers_that_do_not_hang_up_after_the_answer_stop_nobody(stack: Stack) -> None:
    with contextlib.ExitStack() as peers:
        for _ in range(12):
            peer = peers.enter_context(socket.create_connection(("127.0.0.1", stack.port), timeout=10))
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        started = time.monotonic()
        assert stack.get("/healthz") == (200, "ok\n")
        assert time.monotonic() - started < 2, "gunicorn waits 2 s for each, in the thread that accepts"
        assert peer.makefile("rb").read().endswith(b"ok\n")


@pytest.mark.services
def test_a_request_in_pieces_is_answered_and_so_is_the_next_on_the_line(stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as line:
        answers = line.makefile("rb")
        for piece in (b"GET /healthz HT", b"TP/1.1\r\nHost: localhost\r\n", b"\r\n"):
            line.sendall(piece)
            time.sleep(0.05)
        for _ in range(2):
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            while answers.readline() != b"ok\n":
                pass
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")


@pytest.mark.services
def test_a_sender_who_hangs_up_half_way_is_let_go_at_once(stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as line:
        line.sendall(b"GET /healthz HT")
        time.sleep(0.2)
        line.shutdown(socket.SHUT_WR)
        started = time.monotonic()
        assert line.recv(1) == b""
        assert time.monotonic() - started < 5, "not only when the time for a header has run out"


@pytest.mark.services
def test_a_header_does_not_say_where_the_portal_lies(stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as line:
        line.sendall(b"GET /evil/healthz HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /evil\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 404")


@pytest.mark.services
def test_one_upload_too_many_is_asked_to_come_back(stack: Stack) -> None:
    long = FORM + b"Content-Length: 99999\r\n" + COOKIE.replace(b"%d", str(stack.port).encode())
    with contextlib.ExitStack() as stay:
        senders = [
            stay.enter_context(socket.create_connection(("127.0.0.1", stack.port), timeout=10))
            for _ in range(48)
        ]
        for sender in senders:
            sender.sendall(long)
        refused, _, _ = select.select(senders, [], [], 10)
        answer = refused[0].makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(b"Please try again soon.\n")
