"""A small network for tests: names that resolve to public addresses, and local servers that answer for them."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from portal.links.checking import LinkChecker
from portal.links.fetching import Answer, Fetcher, Network

PUBLIC = "93.184.215.14"
OTHER_PUBLIC = "151.101.1.1"


class SmallNetwork(Network):
    """Names and servers of a test. ``names`` may give other addresses each time a name is asked for."""

    def __init__(self, names: dict[str, list[list[str]]], port: int = 0) -> None:
        self.names, self.port = names, port
        self.dialled: list[tuple[str, int]] = []
        self.secured: list[str] = []
        self.resolved: list[str] = []

    def resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        answers = self.names.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        self.dialled.append((address, port))
        return super().dial("127.0.0.1", self.port, timeout)

    def secure(self, plain: socket.socket, host: str) -> socket.socket:
        self.secured.append(host)
        return plain


Script = Callable[[bytes], bytes]


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket, bytes], None]) -> Iterator[int]:
    """A local server that hands each connection and its request's head to ``answer``; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line, contextlib.suppress(OSError):
                    head = b""
                    while b"\r\n\r\n" not in head:
                        if not (more := line.recv(4096)):
                            break
                        head += more
                    answer(line, head)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


@contextlib.contextmanager
def pages(
    by_target: dict[str, str], names: dict[str, list[list[str]]] | None = None
) -> Iterator[tuple[SmallNetwork, list[str]]]:
    """A network whose every host serves ``by_target``: "METHOD path", or the path alone, to what follows HTTP/1.1."""
    asked: list[str] = []

    def answer(line: socket.socket, head: bytes) -> None:
        method, target, _ = head.decode().split("\r\n")[0].split(" ")
        host = next(row for row in head.decode().split("\r\n") if row.lower().startswith("host:"))[6:]
        asked.append(f"{method} {host}{target}")
        said = by_target.get(f"{method} {target}") or by_target.get(target) or "404 Not Found"
        line.sendall(f"HTTP/1.1 {said}\r\n".encode() + (b"" if "\r\n\r\n" in said else b"\r\n"))

    with serving(answer) as port:
        yield SmallNetwork(names or {"a.example": [[PUBLIC]], "b.example": [[OTHER_PUBLIC]]}, port), asked


def fetch(network: Network, url: str, **more: object) -> Answer:
    """Ask ``url`` in ``network``."""
    seconds = float(more.pop("seconds", 5))  # type: ignore[arg-type]
    return Fetcher("Test/1", network, seconds=seconds).fetch(url, **more)  # type: ignore[arg-type]


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def checker(network: Network) -> tuple[LinkChecker, Clock]:
    """A checker that waits without losing time."""
    clock = Clock()
    return LinkChecker(network, sleep=clock.sleep, clock=clock), clock
