"""``bin/serve``, the second half of ``bin/run``: everything comes up, and everything ends, however it is ended."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from portal.tests.processes import ROOT, Service, free_port

pytestmark = pytest.mark.services


def _serve(folder: Path, **env: str) -> Service:
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "VAR_DIR": str(folder), "BEAT_SECONDS": "1"}
    return Service("serve", [sys.executable, "bin/serve"], folder, clean | env)


def _processes_of(folder: Path) -> list[str]:
    """Command lines of living processes whose environment names ``folder``, or that work in it: redis-server
    writes its title over its environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            if f"VAR_DIR={folder}".encode() in environment or (process / "cwd").readlink() == folder:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended while we looked
    return [command for command in found if command]


def _left(folder: Path) -> list[str]:
    """What still runs of a portal that was told to end, after at most 20 seconds."""
    deadline = time.monotonic() + 20
    while (left := _processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_everything_runs_and_everything_ends(tmp_path: Path, sign: signal.Signals) -> None:
    with _serve(tmp_path, PORT=str(free_port())) as serve:
        serve.wait_until(lambda: "The portal is at" in serve.log.read_text(), 120)
        printed = serve.log.read_text()
        url = next(line.split()[-1] for line in printed.splitlines() if "The portal is at" in line)
        with urllib.request.urlopen(f"{url}readyz", timeout=10) as answer:  # noqa: S310
            assert answer.status == 200
        for wanted in ("accounts/signup/", "mailbox/", "createsuperuser"):
            assert wanted in printed
        running = " ".join(_processes_of(tmp_path))
        for program in ("redis-server", "gunicorn", "-Q mail", "-Q images", "-Q labs", "beat"):
            assert program in running
        assert serve.process
        serve.process.send_signal(sign)
        serve.process.wait(20)
        assert _left(tmp_path) == []


def test_everything_ends_when_nobody_reads_the_output_any_more(tmp_path: Path) -> None:
    port = free_port()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VAR_DIR": str(tmp_path), "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "bin/serve"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as serve:
        assert serve.stdout
        for line in serve.stdout:
            if b"The portal is at" in line:
                break
        serve.stdout.close()
        with urllib.request.urlopen(f"http://localhost:{port}/robots.txt", timeout=10):
            pass  # which the web server tells its log
        assert serve.wait(30) != 0
        assert _left(tmp_path) == []


def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "PORT": port}
        done = subprocess.run(
            [sys.executable, "bin/serve"], cwd=ROOT, env=env, capture_output=True, text=True
        )
    assert done.returncode == 1
    assert port in done.stderr
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["http", "0", "65536"])
def test_a_port_that_is_none_is_said_at_once(tmp_path: Path, port: str) -> None:
    env = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "PORT": port}
    done = subprocess.run([sys.executable, "bin/serve"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert "is not a port number" in done.stderr
