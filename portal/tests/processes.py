"""Real services for tests, each on a private socket or a loopback port, each ended by its own process id."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], object], seconds: float = 60, *, why: Callable[[], str] = str) -> None:
    """Return as soon as ``condition()`` holds; fail with what ``why()`` then says when it never does.

    ``seconds`` is for a machine under load: the wait ends with the condition, not with the time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain. {why()}"
        time.sleep(0.05)


class Service:
    """A child process with its own session, logged to a file, ended with everything that it started."""

    def __init__(self, name: str, argv: list[str], log_dir: Path, env: dict[str, str] | None = None) -> None:
        self.name, self.argv, self.env = name, argv, env
        self.log = log_dir / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; the log of an earlier start is kept above the new lines."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, sign: signal.Signals = signal.SIGTERM, patience: float = 10) -> None:
        """Send ``sign`` to the process, wait for it, then end what is left of its group."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(10)
        self.process = None

    def wait_until(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        """Call ``ready`` until it is true; fail with the log if the process ends or time runs out."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process is not None
            if ready():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{self.name} did not come up:\n{self.log.read_text(errors='replace')[-4000:]}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class RedisServer(Service):
    """A private redis-server on ``<folder>/redis.sock`` that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        argv = [
            "redis-server",
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        super().__init__("redis", argv, folder)
        self.client = redis.Redis(unix_socket_path=str(self.socket))

    def start(self) -> None:
        super().start()
        self.wait_until(self.answers, 10)

    def answers(self) -> bool:
        """Whether it takes commands yet."""
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        """Forget everything."""
        self.client.flushall()
