"""``manage.py doctor`` tells what is missing, by what is really there."""

import io

import pytest
from django.core.management import call_command

from portal import pulse
from portal.tests.processes import RedisServer


def _doctor() -> tuple[int, dict[str, str]]:
    out = io.StringIO()
    status = 0
    try:
        call_command("doctor", stdout=out, no_color=True)
    except SystemExit as end:
        status = int(str(end.code))
    lines = [line.split("  ", 1) for line in out.getvalue().splitlines()]
    return status, {line[1].strip().split(":")[0]: line[0].strip() for line in lines}


@pytest.mark.django_db
def test_doctor_is_content_only_when_every_worker_was_seen() -> None:
    status, findings = _doctor()
    assert status == 1
    assert findings["worker of images"] == "MISS"
    assert findings["database"] == findings["broker"] == findings["sandbox"] == findings["qemu-img"] == "ok"
    for queue in ("mail", "images", "labs"):
        pulse.mark(queue)
    assert _doctor()[0] == 0


@pytest.mark.django_db
def test_doctor_says_that_the_broker_is_down(redis_server: RedisServer) -> None:
    redis_server.stop()
    try:
        status, findings = _doctor()
    finally:
        redis_server.start()
    assert (status, findings["broker"], findings["worker of mail"]) == (1, "MISS", "MISS")
