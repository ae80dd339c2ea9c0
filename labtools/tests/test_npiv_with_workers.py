"""A trial with a real broker, worker and beat: on the queue of the labs, and when the broker was down."""

from pathlib import Path
from typing import Any

import pytest

from portal.tests.processes import wait_for
from portal.tests.stack import Stack

pytestmark = pytest.mark.services

REQUEST = """
import json
from labtools.labhost import npiv
from labtools.queries import fibre_channel
from labtools.services import vhba_trials
from labtools.tests.fibre_hosts import make_fibre_host
from portal.tests.factories import make_user
make_fibre_host()
(host,) = fibre_channel.fibre_hosts(None)
names = {"wwnn": "5001a4a111111111", "wwpn": "5001a4a222222222"}
choice, faults = npiv.make_choice(host.survey.hbas[0], names, {})
print(json.dumps(str(vhba_trials.request_trial(user=make_user(), choice=choice).pk)))
"""


def rows(stack: Stack) -> list[tuple[str, str]]:
    return stack.sql("SELECT state, failure FROM labtools_vhbatrial")


def wait_until(stack: Stack, wanted: Any) -> None:
    wait_for(lambda: rows(stack) == wanted, 60, why=lambda: f"{rows(stack)}\n{stack.logs()}")


def test_a_trial_is_taken_by_the_workers_of_the_labs_alone(tmp_path: Path) -> None:
    with Stack(tmp_path, run=("redis", "images", "labs")) as stack:
        stack.python(REQUEST)
        wait_until(stack, [("finished", "")])
        taken = stack.sql("SELECT result FROM labtools_vhbatrial")[0][0]
        assert "scsi_host12" in taken


def test_a_trial_asked_for_without_a_broker_is_taken_later(tmp_path: Path) -> None:
    with Stack(tmp_path, run=()) as stack:
        stack.python(REQUEST)
        assert rows(stack) == [("queued", "")]
        stack.sql("UPDATE labtools_vhbatrial SET created_at = datetime('now', '-1 minutes')")
        for name in ("redis", "labs", "beat"):
            stack.start(name)
        wait_until(stack, [("finished", "")])


def test_a_new_portal_shows_the_hbas_of_the_test_driver_once_its_worker_has_asked(tmp_path: Path) -> None:
    with Stack(tmp_path, run=("redis", "web", "labs", "beat")) as stack:
        assert "No host has been asked yet" in stack.get("/lab/npiv/")[1]
        stack.python("from labtools.services import hosts; hosts.ensure_first_hosts()")
        wait_for(lambda: "scsi_host11" in stack.get("/lab/npiv/")[1], 120, why=stack.logs)
        status, text = stack.get("/lab/npiv/?wwnn=5001a4a111111111&wwpn=5001a4a222222222")
        assert (status, "The plan is complete." in text) == (200, True)
