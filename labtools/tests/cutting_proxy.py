"""A TCP proxy on loopback that cuts connections after a given number of bytes, as bad networks do."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Forwards to ``port``. Each of ``cuts`` ends one connection after so many bytes from its sender; then none is cut.

    Every other cut is a reset, the rest are plain ends. Requests that are shorter than the next cut pass whole.
    """

    def __init__(self, port: int, cuts: Iterable[int]) -> None:
        self._port, self._cuts = port, list(cuts)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.made = 0

    @property
    def left(self) -> int:
        """Cuts that have not been made."""
        return len(self._cuts)

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sender, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(sender,), daemon=True).start()

    def _connect(self, sender: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._port))
        threading.Thread(target=self._back, args=(server, sender), daemon=True).start()
        passed = 0
        with contextlib.suppress(OSError):
            while piece := sender.recv(65536):
                with self._lock:
                    limit = self._cuts[0] if self._cuts else None
                    is_cut = limit is not None and passed + len(piece) >= limit
                    if is_cut:
                        self._cuts.pop(0)
                        self.made += 1
                server.sendall(piece[: limit - passed] if is_cut and limit is not None else piece)
                passed += len(piece)
                if is_cut:
                    self._cut(server, sender)
                    return
        self._end(server)

    def _cut(self, server: socket.socket, sender: socket.socket) -> None:
        for side in (server, sender):
            if self.made % 2:
                # Linger of 0 seconds: close() sends RST instead of FIN, once the other thread lets go of it.
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RD)
                side.close()
            else:
                self._end(side)

    def _back(self, server: socket.socket, sender: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                sender.sendall(piece)
            sender.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _end(side: socket.socket) -> None:
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
        side.close()
