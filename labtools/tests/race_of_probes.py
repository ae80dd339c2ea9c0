"""Several workers at one host at the same moment; prints as JSON what each kind of race left.

Run as a program against a database of its own: threads of a test process share one connection on SQLite.
"""

import json
import threading
from collections.abc import Callable

import django
import pytest

django.setup()

from django.db import connection  # noqa: E402  (settings come first)
from django.utils import timezone  # noqa: E402

from labtools.models import LabHost  # noqa: E402
from labtools.services import asking, probing  # noqa: E402
from labtools.tests.lab_hosts import AT, make_host, probe_answer  # noqa: E402

WORKERS = 6


def all_at_once(act: Callable[[int], object]) -> list[object]:
    """What ``act`` returns for each number, in threads that start together."""
    start = threading.Barrier(WORKERS)
    found: list[object] = []

    def run(number: int) -> None:
        try:
            start.wait(10)
            found.append(act(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def state(host: LabHost) -> list[object]:
    """How asking the host ended."""
    host.refresh_from_db()
    return [host.probe_state, host.failures, host.sightings.count()]


def claims() -> list[object]:
    """A task that was delivered to every worker: the numbers of the claims, and how it ended."""
    asked = []

    def answer_of(host: LabHost) -> bytes:
        asked.append(host.probe_number)
        return probe_answer()

    host = make_host("claimed", probe_state="queued", next_probe_at=AT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "answer_of", answer_of)
        all_at_once(lambda number: probing.run_probe(host.pk))
    return [asked, state(host)]


def requests() -> list[object]:
    """Everybody asks for a probe: how many were told that theirs is the one, and how many messages went out."""
    host = make_host("requested")
    sent: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probing, "_dispatch", lambda pk, priority: sent.append(pk))
        told = all_at_once(lambda number: probing.request_probe(host=host, at=timezone.now()))
    return [told.count(True), len(sent)]


def sweeps() -> list[object]:
    """Every worker sweeps, and finds a probe that stopped."""
    host = make_host("stopped", probe_state="running", probe_started_at=AT, probe_number=3, next_probe_at=AT)
    all_at_once(lambda number: probing.sweep_hosts(at=AT))
    return state(host)


def equals() -> list[object]:
    """Hosts that are equal answer at the same moment: their failures, and how many snapshots there are."""
    hosts = [
        make_host(f"equal-{number}", probe_state="queued", next_probe_at=AT) for number in range(WORKERS)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "answer_of", lambda host: probe_answer("8.1.0"))
        all_at_once(lambda number: probing.run_probe(hosts[number].pk))
    seen = LabHost.objects.filter(slug__startswith="equal-").values_list("failures", "current__snapshot")
    return [sum(failures for failures, _ in seen), len({snapshot for _, snapshot in seen if snapshot})]


if __name__ == "__main__":
    print(json.dumps({one.__name__: one() for one in (claims, requests, sweeps, equals)}))
