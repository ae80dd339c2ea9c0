"""How fast an upload is beside a bare WSGI view, and how much memory it takes. UPLOAD_BENCH_MIB sets the size."""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import Figure
from portal.tests.processes import Service, free_port
from portal.tests.stack import Stack

MIB = 1024**2
SPEED_MIB = int(os.environ.get("UPLOAD_BENCH_MIB", "512"))
MEMORY_MIB = 2048
ROUNDS = 6
COLLECTION = "/api/v1/uploads/"


def bench() -> list[Figure]:
    """Throughput as a ratio, then peak memory during a large upload and its check."""
    with tempfile.TemporaryDirectory(prefix="bench-upload-", dir=_roomy()) as folder:
        return _in(Path(folder))


def _roomy() -> str | None:
    """A folder on a disk: /tmp may be memory, which would measure something else."""
    return os.environ.get("BENCH_DIR")


def _in(folder: Path) -> list[Figure]:
    env = {"UPLOAD_QUOTA_BYTES": str(2**50), "LOG_LEVEL": "WARNING"}
    with Stack(folder, run=("redis", "web"), env=env) as stack:
        ratio = _ratio(stack)
        stack.start("images")
        web, worker = _peaks(stack)
    return [
        Figure(f"upload throughput, {SPEED_MIB} MiB, beside a bare WSGI view", ratio, "times", at_least=0.7),
        Figure("peak memory of a web process, 2 GiB upload", web, "MiB", at_most=150),
        Figure("peak memory of a worker process, check of 2 GiB", worker, "MiB", at_most=150),
    ]


def _ratio(stack: Stack) -> float:
    """Best round of each, taken in turns: a disk that others use too only ever adds time, and it adds it to
    whoever comes second in a round.
    """
    port, body = free_port(), os.urandom(MIB)
    argv = [str(Path(sys.executable).parent / "gunicorn"), "-c", "python:portal.gunicorn_conf"]
    argv += ["--bind", f"127.0.0.1:{port}", "bench._bare_upload:application"]
    token = _token(stack)
    bare_seconds, tus_seconds = [], []
    with Service("bare", argv, stack.folder, stack.env) as bare:
        bare.wait_until(lambda: _accepts(port))
        for number in range(ROUNDS * 2):
            if number % 4 in (0, 3):
                bare_seconds.append(_put(port, body))
                (stack.folder / "bare-upload").unlink()
            else:
                tus_seconds.append(_tus(stack.port, token, body))
    return min(bare_seconds) / min(tus_seconds)


def _accepts(port: int) -> bool:
    try:
        http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
    except OSError:
        return False
    return True


def _pieces(body: bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield body


def _put(port: int, body: bytes) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    begun = time.perf_counter()
    connection.request("PUT", "/", _pieces(body, SPEED_MIB), {"Content-Length": str(SPEED_MIB * MIB)})
    assert connection.getresponse().status == 204
    return time.perf_counter() - begun


def _tus(port: int, token: str, body: bytes) -> float:
    """Seconds of one whole upload, creation included; it is deleted afterwards."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    common = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    begun = time.perf_counter()
    # One byte more than is sent: what is measured is the way of the bytes, without a check behind it.
    connection.request("POST", COLLECTION, headers=common | {"Upload-Length": str(SPEED_MIB * MIB + 1)})
    answer = connection.getresponse()
    answer.read()
    location = answer.headers["Location"]
    patch = {
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(SPEED_MIB * MIB),
    }
    connection.request("PATCH", location, _pieces(body, SPEED_MIB), common | patch)
    answer = connection.getresponse()
    answer.read()
    seconds = time.perf_counter() - begun
    assert answer.status == 204
    connection.request("DELETE", location, headers=common)
    assert connection.getresponse().status == 204
    return seconds


def _peaks(stack: Stack) -> tuple[float, float]:
    """VmHWM in MiB of the largest web and worker process, after a 2 GiB image was sent and checked."""
    image = _make_image(stack.folder / "large.qcow2")
    size, token = image.stat().st_size, _token(stack)
    common = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=1200)
    headers = common | {"Upload-Length": str(size), "Content-Type": "application/offset+octet-stream"}
    with image.open("rb") as file:
        connection.request("POST", COLLECTION, file, headers | {"Content-Length": str(size)})
        answer = connection.getresponse()
        answer.read()
    assert answer.headers["Upload-Offset"] == str(size)
    path = answer.headers["Upload-Report"].rstrip("/") + ".json"
    worker = 0.0
    while True:
        worker = max(worker, _peak(stack, "images"))
        connection.request("GET", path, headers=common)
        state = connection.getresponse().read()
        if b'"finished"' in state:
            return _peak(stack, "web"), worker
        assert not any(word in state for word in (b'"failed"', b'"errored"')), state[:500]
        time.sleep(0.2)


def _make_image(path: Path) -> Path:
    """A qcow2 image whose file has 2 GiB."""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "4G"], check=True)
    step = 512
    for start in range(0, MEMORY_MIB, step):
        write = f"write -q -P {start // step + 1} {start}M {step}M"
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", write, path], check=True)
    return path


def _peak(stack: Stack, name: str) -> float:
    process = stack.services[name].process
    assert process is not None
    found = [process.pid, *_children(process.pid)]
    return max(_high_water(pid) for pid in found)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _high_water(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _token(stack: Stack) -> str:
    token: str = stack.python(
        "import json\n"
        "from portal.accounts import tokens\n"
        "from portal.tests.factories import make_user\n"
        "print(json.dumps(tokens.create_token(user=make_user(f'{__import__(\"uuid\").uuid4()}@example.org'),"
        " name='bench', days=1)[1]))\n"
    )
    return token
