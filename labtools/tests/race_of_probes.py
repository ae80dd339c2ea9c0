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

from labtools.labhost.document import HostDocument  # noqa: E402
from labtools.models import Emulator, Fact, LabHost, Snapshot  # noqa: E402
from labtools.queries import facts  # noqa: E402
from labtools.services import asking, probing, snapshots, sweeping  # noqa: E402
from labtools.tests.lab_hosts import (  # noqa: E402
    AT,
    device,
    make_document,
    make_document_json,
    make_host,
    probe_answer,
    record,
)

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


def _document(name: str) -> HostDocument:
    """A document whose device list and property list no other name has."""
    raw = make_document_json()
    raw["qemu"][0]["devices"].append(device(f"zz-{name}", properties=[{"name": name, "type": "bool"}]))
    return make_document(raw)


def _leave_behind(name: str) -> None:
    """Parts that nothing uses at the moment, as a host leaves them that was removed."""
    host = make_host(name)
    record(host, _document(name))
    host.delete()
    Snapshot.objects.filter(sightings__isnull=True).delete()


def _lost_parts(name: str) -> int:
    """How many parts of what the host ``name`` has are not there."""
    wanted: set[str] = set()
    for emulator in Emulator.objects.filter(snapshot__sightings__host__slug=name):
        wanted |= {emulator.devices, emulator.machines, emulator.objects_digest}
        if Fact.objects.filter(pk=emulator.devices).exists():
            listed = facts.read_fact(emulator.devices)
            wanted |= {one["properties"] for one in listed if one["properties"]}
    return len(wanted - set(Fact.objects.values_list("pk", flat=True))) if wanted else -1


def _beside(act: Callable[[], object], reached: threading.Event) -> threading.Thread:
    """Let ``act`` run in a thread of its own; ``reached`` tells that it has ended."""

    def run() -> None:
        try:
            act()
        finally:
            reached.set()
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def sweep_while_a_probe_is_recorded() -> int:
    """A document that needs parts which nothing used is recorded, and not committed, when the sweep comes."""
    _leave_behind("recorded")
    host = make_host("recorded-again")
    swept = threading.Event()
    threads = []

    def pause() -> None:
        threads.append(_beside(sweeping.sweep_unused, swept))
        swept.wait(1.5)
        original()

    original = snapshots.refresh_device_rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots, "refresh_device_rows", pause)
        record(host, _document("recorded"))
    for thread in threads:
        thread.join(60)
    return _lost_parts("recorded-again")


def probe_while_the_sweep_goes_on() -> int:
    """The sweep has seen that parts are unused when a probe brings them into use; the probe ends, or has to wait."""
    return sum(_lost_to_the_sweep(f"swept-{is_locked}", is_locked=is_locked) for is_locked in (False, True))


def _lost_to_the_sweep(name: str, *, is_locked: bool) -> int:
    """A probe comes before the sweep asks for the store's lock, or when it has it and has looked once more."""
    _leave_behind(name)
    host = make_host(f"{name}-again")
    document = _document(name)
    recorded = threading.Event()
    threads: list[threading.Thread] = []
    original = snapshots.lock_store

    def lock_beside_a_probe() -> None:
        if is_locked:
            original()
        if not threads:
            threads.append(_beside(lambda: record(host, document), recorded))
            recorded.wait(1.5)
        original()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "lock_store", lock_beside_a_probe)
        sweeping.sweep_unused()
    for thread in threads:
        thread.join(60)
    return _lost_parts(f"{name}-again")


RACES = (claims, requests, sweeps, equals, sweep_while_a_probe_is_recorded, probe_while_the_sweep_goes_on)

if __name__ == "__main__":
    print(json.dumps({one.__name__: one() for one in RACES}))
