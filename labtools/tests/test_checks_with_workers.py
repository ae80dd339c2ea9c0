"""Checks with a real broker, worker and beat: what dies is survived, what was not sent is sent later."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labtools.tests.factories import make_image, make_image_with_snapshot_and_bad_refcount
from portal.tests.processes import wait_for
from portal.tests.stack import Stack

pytestmark = pytest.mark.services

REQUEST = """
from pathlib import Path
from django.conf import settings
from labtools.models import ImageCheck
from labtools.services import checks, upload_files
from labtools.tests.factories import make_upload
from portal.tests.factories import make_user
path = Path({path!r})
upload = make_upload(make_user(), length=path.stat().st_size, offset=path.stat().st_size)
path.replace(upload_files.path_of(upload.pk))
checks.request_image_check(upload=upload)
"""


def rows(stack: Stack) -> list[tuple[str, str, int, int, str]]:
    """State, stage, progress, attempts and verdict of every check, read past Django."""
    return stack.sql("SELECT state, stage, progress, attempts, verdict FROM labtools_imagecheck")


def wait_for_check(stack: Stack, wanted: Callable[[tuple[str, str, int, int, str]], bool]) -> None:
    wait_for(
        lambda: any(wanted(row) for row in rows(stack)), 90, why=lambda: f"{rows(stack)}\n{stack.logs()}"
    )


def test_worker_killed_in_the_middle_is_survived(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image.qcow2")
    with image.open("r+b") as file:
        file.truncate(3 << 30)  # takes some seconds to hash, and no room
    env = {"IMAGE_CHECK_STALE_SECONDS": "5"}
    with Stack(tmp_path, run=("redis", "images", "beat"), env=env) as stack:
        stack.python(REQUEST.format(path=str(image)))
        wait_for_check(stack, lambda row: row[0] == "running" and 0 < row[2] < 90)
        stack.stop("images", signal.SIGKILL)
        assert rows(stack)[0][0] == "running"
        stack.start("images")
        wait_for_check(stack, lambda row: row[0] == "finished")
        state, _, _, attempts, verdict = rows(stack)[0]
        assert (state, attempts, verdict) == ("finished", 2, "clean")
        assert list((tmp_path / "uploads").iterdir()) == []


def test_request_without_a_broker_is_checked_later(tmp_path: Path) -> None:
    image = make_image_with_snapshot_and_bad_refcount(tmp_path / "image.qcow2")
    with Stack(tmp_path, run=()) as stack:
        started = time.monotonic()
        stack.python(REQUEST.format(path=str(image)))
        assert time.monotonic() - started < 20
        assert rows(stack) == [("queued", "waiting", 0, 0, "")]
        stack.sql("UPDATE labtools_imagecheck SET created_at = datetime('now', '-2 minutes')")
        for name in ("redis", "images", "beat"):
            stack.start(name)
        wait_for_check(stack, lambda row: row[0] == "finished")
        assert rows(stack)[0][3:] == (1, "corrupt")
