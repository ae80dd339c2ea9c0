"""tus as two real clients speak it, with gunicorn: whole, cut, killed, two at once."""

import hashlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from labtools.tests.cutting_proxy import CuttingProxy
from labtools.tests.tus import COLLECTION
from portal.tests.processes import ROOT, wait_for
from portal.tests.stack import Stack

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("tus-clients")]

MIB = 1024**2
QUOTA = 64 * MIB
NODE = Path(sys.executable).parent / "node"


class Lab:
    """A running portal, a member with a token, and a few looks behind the scenes."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.token = self.make_member("owner@example.org")

    def make_member(self, email: str) -> str:
        """A member's token."""
        token: str = self.stack.python(
            "import json\n"
            "from portal.accounts import tokens\n"
            "from portal.tests.factories import make_user\n"
            f"print(json.dumps(tokens.create_token(user=make_user({email!r}), name='test', days=1)[1]))\n"
        )
        return token

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        """One request on a new connection; returns (status, headers, text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=30)
        try:
            connection.request(method, path, body, self.headers(**headers))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def headers(self, **more: str) -> dict[str, str]:
        """What every request carries, and ``more`` with ``_`` for ``-``."""
        common = {"Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0"}
        return common | {name.replace("_", "-"): value for name, value in more.items()}

    def create(self, length: int) -> str:
        """A new upload; returns its path."""
        status, headers, text = self.request("POST", COLLECTION, Upload_Length=str(length))
        assert status == 201, text
        location: str = headers["Location"]
        return location

    def offset(self, url: str) -> int:
        """What HEAD says."""
        status, headers, _ = self.request("HEAD", url)
        assert status == 200
        return int(headers["Upload-Offset"])

    def wait_for_offset(self, url: str, offset: int) -> None:
        """Return when HEAD says ``offset``."""
        wait_for(lambda: self.offset(url) == offset, why=self.stack.logs)

    def begin_patch(self, url: str, offset: int, count: int) -> socket.socket:
        """The head of a PATCH on an open connection, whose ``count`` bytes the test sends as it likes."""
        line = socket.create_connection(("127.0.0.1", self.stack.port), timeout=30)
        head = self.headers(
            Host="localhost",
            Upload_Offset=str(offset),
            Content_Length=str(count),
            Content_Type="application/offset+octet-stream",
        )
        text = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        line.sendall(f"PATCH {url} HTTP/1.1\r\n{text}\r\n".encode())
        return line

    def stored(self, url: str) -> Path:
        """Where the bytes lie."""
        return self.stack.folder / "uploads" / url.rsplit("/", 1)[1]

    def tus_js(self, file: Path, port: int | None = None, **job: Any) -> Any:
        """Run tus-js-client; returns what it saw."""
        job |= {
            "file": str(file),
            "endpoint": f"http://localhost:{port or self.stack.port}{COLLECTION}",
            "token": job.get("token", self.token),
        }
        done = subprocess.run(
            [NODE, "labtools/tests/tus_client.mjs", json.dumps(job)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def tuspy(self, file: Path, port: int | None = None, **options: Any) -> Any:
        """An uploader of tuspy."""
        client = TusClient(
            f"http://localhost:{port or self.stack.port}{COLLECTION}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        return client.uploader(str(file), metadata={"filename": "vm.qcow2"}, **options)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("tus")
    env = {"UPLOAD_QUOTA_BYTES": str(QUOTA), "UPLOAD_STALL_SECONDS": "2", "UPLOAD_MAX_BYTES": str(40 * MIB)}
    with Stack(folder, run=("redis", "web"), env=env) as stack:
        yield Lab(stack)


@pytest.fixture(autouse=True)
def _room(lab: Lab) -> None:
    """Each test has the whole quota, and no check of another waits."""
    lab.stack.sql("DELETE FROM labtools_imagecheck")
    lab.stack.sql("DELETE FROM labtools_upload")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """6 MiB and a few bytes that no two tests share."""
    path = tmp_path / "vm.qcow2"
    path.write_bytes(os.urandom(6 * MIB + 123))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checks_of(lab: Lab) -> list[Any]:
    return lab.stack.sql("SELECT filename, state, length, visibility FROM labtools_imagecheck")


# --------------------------------------------------------------------------------------- whole uploads


@pytest.mark.parametrize("job", [{}, {"chunkSize": MIB}, {"uploadDataDuringCreation": True}])
def test_tus_js_client_sends_a_whole_file(lab: Lab, image: Path, job: dict[str, Any]) -> None:
    seen = lab.tus_js(image, **job)
    assert (seen["status"], seen["retries"]) == (200, 0), seen
    path = urlsplit(seen["url"]).path
    assert sha256(lab.stored(path)) == sha256(image)
    assert seen["report"] == f"/lab/images/{path.rsplit('/', 1)[1]}/"
    assert checks_of(lab) == [("vm.qcow2", "queued", image.stat().st_size, "private")]


@pytest.mark.parametrize("options", [{}, {"chunk_size": MIB}, {"chunk_size": MIB, "upload_checksum": True}])
def test_tuspy_sends_a_whole_file(lab: Lab, image: Path, options: dict[str, Any]) -> None:
    uploader = lab.tuspy(image, **options)
    uploader.upload()
    assert sha256(lab.stored(uploader.url)) == sha256(image)
    assert checks_of(lab) == [("vm.qcow2", "queued", image.stat().st_size, "unlisted")]


# ------------------------------------------------------------------------------------------------ cuts


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tus_js_client_goes_on_after_cuts_at_random_offsets(lab: Lab, image: Path, seed: int) -> None:
    cuts = [random.Random(seed + n).randrange(2_000, 2 * MIB) for n in range(5)]
    with CuttingProxy(lab.stack.port, cuts) as proxy:
        seen = lab.tus_js(image, proxy.port)
        assert seen["status"] == 200, (seen, lab.stack.logs())
        assert proxy.made >= 3
    assert sha256(lab.stored(seen["url"])) == sha256(image)
    assert len(checks_of(lab)) == 1


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_tuspy_goes_on_after_cuts_at_random_offsets(lab: Lab, image: Path, seed: int) -> None:
    cuts = [random.Random(seed + n).randrange(2_000, 2 * MIB) for n in range(5)]
    with CuttingProxy(lab.stack.port, cuts) as proxy:
        uploader = lab.tuspy(image, proxy.port)
        for _ in range(40):
            try:
                if uploader.url:
                    uploader.offset = uploader.get_offset()
                uploader.upload()
                break
            except (TusUploadFailed, TusCommunicationError):
                time.sleep(0.05)
        assert proxy.made >= 3
    assert sha256(lab.stored(uploader.url)) == sha256(image)


def test_what_arrived_before_a_cut_is_kept_to_the_byte(lab: Lab) -> None:
    """A piece that gunicorn had not filled yet is not lost: slow lines may never bring a whole one."""
    body = os.urandom(3 * MIB)
    url = lab.create(len(body))
    for offset, end in ((0, 100), (100, MIB + 7), (MIB + 7, 2 * MIB + 1)):
        line = lab.begin_patch(url, offset, len(body) - offset)
        line.sendall(body[offset:end])
        line.close()
        lab.wait_for_offset(url, end)
    assert lab.stored(url).read_bytes() == body[: 2 * MIB + 1]


def test_line_that_went_silent_is_given_up(lab: Lab) -> None:
    """A network that vanishes closes nothing; its sender must not find the upload busy for ever."""
    body = os.urandom(5000)
    url = lab.create(len(body))
    line = lab.begin_patch(url, 0, len(body))
    line.sendall(body[:3000])
    lab.wait_for_offset(url, 3000)
    patch = {"Upload_Offset": "3000", "Content_Type": "application/offset+octet-stream"}
    assert lab.request("PATCH", url, body[3000:], **patch)[0] == 204
    assert lab.stored(url).read_bytes() == body
    line.close()


# -------------------------------------------------------------------------------- killed, and refused


def test_server_killed_in_the_middle_of_a_patch(lab: Lab, image: Path) -> None:
    body = image.read_bytes()
    url = lab.create(len(body))
    line = lab.begin_patch(url, 0, len(body))
    sent = 0
    while lab.offset(url) == 0 or sent < 3 * MIB:
        assert sent < 5 * MIB, "nothing was committed in time"
        sent += line.send(body[sent : sent + MIB // 4])
        time.sleep(0.15)
    lab.stack.stop("web", signal.SIGKILL)
    line.close()
    on_disk = lab.stored(url).stat().st_size
    lab.stack.start("web")
    kept = lab.offset(url)
    assert 0 < kept <= on_disk <= sent
    seen = lab.tus_js(image, uploadUrl=f"{lab.stack.url}{url}")
    assert seen["status"] == 200, seen
    assert sha256(lab.stored(url)) == sha256(image)


def test_two_patches_at_once_one_waits(lab: Lab, image: Path) -> None:
    body = image.read_bytes()
    url = lab.create(len(body))
    line = lab.begin_patch(url, 0, len(body))
    line.sendall(body[:MIB])
    wait_for(lambda: lab.stored(url).stat().st_size == MIB)
    second = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
    # Often enough to meet both worker processes, not only the one that holds the lock.
    assert {lab.request("PATCH", url, b"x" * 10, **second)[0] for _ in range(8)} == {423}
    line.sendall(body[MIB:])
    assert b" 204 " in line.recv(4096)
    line.close()
    assert sha256(lab.stored(url)) == sha256(image)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Upload_Offset": "1"}, 409),
        ({"Upload_Checksum": "sha1 " + "A" * 27 + "="}, 460),
        ({"Content_Type": "text/plain"}, 415),
        ({"Tus_Resumable": "0.2"}, 412),
        ({"Authorization": "Bearer x"}, 401),
    ],
)
def test_refusals_through_gunicorn(lab: Lab, change: dict[str, str], status: int) -> None:
    url = lab.create(100)
    headers = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"} | change
    assert lab.request("PATCH", url, b"x" * 99, **headers)[0] == status
    assert lab.offset(url) == 0


def test_too_long_is_refused_before_its_bytes(lab: Lab) -> None:
    url = lab.create(100)
    with lab.begin_patch(url, 0, 101) as line:
        assert b" 413 " in line.recv(4096)
    assert lab.stored(url).stat().st_size == 0


def test_body_of_unknown_length_is_refused(lab: Lab) -> None:
    url = lab.create(100)
    headers = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
    connection = http.client.HTTPConnection("127.0.0.1", lab.stack.port, timeout=30)
    connection.request("PATCH", url, iter([b"abc"]), lab.headers(**headers), encode_chunked=True)
    assert connection.getresponse().status == 411
    connection.close()


def test_clients_learn_why(lab: Lab, image: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.img"
    with large.open("wb") as file:
        file.truncate(41 * MIB)
    seen = lab.tus_js(large)
    assert seen["status"] == 413
    assert "too large" in seen["body"]
    url = lab.create(image.stat().st_size)
    lab.stack.sql("UPDATE labtools_upload SET expires_at = '2020-01-01 00:00:00'")
    with pytest.raises(TusCommunicationError, match="410"):
        lab.tuspy(image, url=f"{lab.stack.url}{url}")
    other = lab.make_member("other@example.org")
    assert lab.request("HEAD", url, Authorization=f"Bearer {other}")[0] == 404
    # tus-js-client finds its upload gone and begins a new one by itself.
    again = lab.tus_js(image, uploadUrl=f"{lab.stack.url}{url}")
    assert again["status"] == 200
    assert not again["url"].endswith(url)


def test_creations_at_once_do_not_pass_the_quota_together(lab: Lab, tmp_path: Path) -> None:
    """Two processes ask for more than half of the quota, each slow between the look and the row."""
    code = (
        "import json, pathlib, time\n"
        "from labtools.services import upload_files, uploads\n"
        "from portal.accounts.models import User\n"
        "def slowly():\n"
        "    time.sleep(1.5)\n"
        "    return 2**50\n"
        "upload_files.free_bytes = slowly\n"
        "owner = User.objects.get(email='owner@example.org')\n"
        "folder = pathlib.Path({folder!r})\n"
        "(folder / '{name}').touch()\n"
        "while len(list(folder.iterdir())) < 2: time.sleep(0.01)\n"
        "try:\n"
        f"    uploads.create_upload(owner=owner, filename='', length={QUOTA // 2 + 1})\n"
        "    print(json.dumps('created'))\n"
        "except uploads.OverQuota:\n"
        "    print(json.dumps('refused'))\n"
    )
    gate = tmp_path / "gate"
    gate.mkdir()
    with ThreadPoolExecutor(2) as pool:
        asked = [code.format(folder=str(gate), name=name) for name in ("one", "other")]
        answers = list(pool.map(lab.stack.python, asked))
    assert sorted(answers) == ["created", "refused"]
