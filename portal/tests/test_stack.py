"""The portal as real processes: what it says of its own health while parts of it come and go."""

import json
from pathlib import Path

import pytest

from portal.tests.processes import wait_for
from portal.tests.stack import Stack

pytestmark = pytest.mark.services


def _until_ready(stack: Stack, wanted: bool, seconds: float) -> dict[str, object]:
    wait_for(lambda: stack.is_ready() is wanted, seconds, why=stack.logs)
    answer: dict[str, object] = json.loads(stack.get("/readyz")[1])
    return answer


def test_readyz_names_the_part_that_is_missing_and_recovers(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        _until_ready(stack, True, 60)
        stack.stop("images")
        checks = _until_ready(stack, False, 20)["checks"]
        assert checks == {
            "database": True,
            "broker": True,
            "worker:mail": True,
            "worker:images": False,
            "worker:labs": True,
        }
        stack.stop("redis")
        status, body = stack.get("/readyz")
        assert status == 503
        assert json.loads(body)["checks"]["broker"] is False
        assert stack.get("/healthz") == (200, "ok\n"), "the process itself is well"
        stack.start("redis")
        stack.start("images")
        _until_ready(stack, True, 60)


def test_request_id_follows_into_the_task(tmp_path: Path) -> None:
    with Stack(tmp_path, run=("redis", "mail"), env={"LOG_FORMAT": "json"}) as stack:
        stack.python(
            "from portal import logs\nfrom portal.mail.tasks import deliver_message\n"
            "logs.request_id.set('followed-4711')\n"
            "deliver_message.apply_async(args=[4711])"
        )
        log = stack.services["mail"].log
        wait_for(lambda: "followed-4711" in log.read_text(), why=stack.logs)
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        mine = [line for line in lines if line["request_id"] == "followed-4711"]
        assert mine, log.read_text()
        assert any("deliver_message" in line["message"] for line in mine)
