"""The life of a probe: one at a time, whose result counts, and how a host that fails is left alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from labtools import tasks
from labtools.models import Fact, Inventory, LabHost, Sighting, Snapshot
from labtools.queries.devices import public_names
from labtools.queries.sources import sources
from labtools.services import asking, hosts, probing
from labtools.services.asking import ProbeFailure
from labtools.services.snapshots import record_document
from labtools.tests.lab_hosts import AT, make_document, make_host, probe_answer, record
from portal.accounts.models import User
from portal.tests.factories import make_user

State = LabHost.ProbeState
Sent = list[tuple[int, int]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Hosts whose probe was handed to the broker, each with its priority."""
    found: Sent = []
    monkeypatch.setattr(
        tasks.labs.probe_host, "apply_async", lambda args, priority: found.append((args[0], priority))
    )
    return found


@pytest.fixture(autouse=True)
def _middle_of_every_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 0.5)


def answer(monkeypatch: pytest.MonkeyPatch, result: bytes | Exception, then: Any = None) -> list[int]:
    """Let hosts answer so; ``then`` is called while they do. Returns the hosts that were asked."""
    asked = []

    def answer_of(host: LabHost) -> bytes:
        asked.append(host.pk)
        if then is not None:
            then(host)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(asking, "answer_of", answer_of)
    return asked


def queued(slug: str = "pune-1", **fields: Any) -> LabHost:
    """A host that waits for a worker."""
    return make_host(slug, probe_state=State.QUEUED, next_probe_at=AT, **fields)


REFUSED = ProbeFailure("connection-refused", "Nobody listens at that port.", "Start sshd on the host.")


@pytest.mark.django_db
class TestAsking:
    def test_idle_host_is_queued_once(
        self, sent: Sent, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        host = make_host()
        with django_capture_on_commit_callbacks(execute=True):
            assert probing.request_probe(host=host, at=AT)
            assert not probing.request_probe(host=host, at=AT)
        host.refresh_from_db()
        assert host.probe_state == State.QUEUED
        assert sent == [(host.pk, probing.DUE)]

    @pytest.mark.parametrize(
        "fields",
        [
            {"probe_state": State.RUNNING, "probe_started_at": AT},
            {"transport": LabHost.Transport.REFERENCE},
        ],
    )
    def test_running_hosts_and_references_are_not_queued(self, fields: dict[str, Any]) -> None:
        assert not probing.request_probe(host=make_host(**fields), at=AT)

    def test_staff_may_ask_now_and_others_may_not(self, member: User) -> None:
        host = make_host()
        for person in (member, None, make_user(is_staff=True, is_active=False)):
            with pytest.raises(PermissionDenied):
                probing.ask_now(person=person, host=host, at=AT)
        assert probing.ask_now(person=make_user(is_staff=True), host=host, at=AT)

    def test_staff_ask_past_an_open_circuit_and_a_switch(self) -> None:
        host = make_host(failures=9, next_probe_at=AT + timedelta(hours=5), is_enabled=False)
        assert probing.ask_now(person=make_user(is_staff=True), host=host, at=AT)


@pytest.mark.django_db
class TestRunning:
    def test_an_answer_is_kept(self, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        answer(monkeypatch, probe_answer())
        host = queued(failures=2, last_failure="refused", last_failure_words="x", last_failure_mend="y")
        before = timezone.now()
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert host.current is not None
        assert host.current.snapshot.emulators.get().version == "7.2.22"
        assert (host.probe_state, host.probe_number, host.probe_started_at) == (State.IDLE, 1, None)
        assert (host.failures, host.last_failure, host.last_failure_words, host.last_failure_mend) == (
            0,
            "",
            "",
            "",
        )
        assert host.last_answer_at is not None
        assert host.last_answer_at >= before
        assert host.next_probe_at == host.last_answer_at + timedelta(seconds=settings.LAB_REFRESH_SECONDS)

    def test_the_demonstration_tells_nothing_of_the_workers_machine(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer(monkeypatch, probe_answer())
        for slug, transport in (("demonstration", "demonstration"), ("this-machine", "local")):
            host = queued(slug)
            LabHost.objects.filter(pk=host.pk).update(transport=transport)
            Sighting.objects.all().delete()
            Snapshot.objects.all().delete()
            probing.run_probe(host.pk)
            found = Snapshot.objects.get()
            assert bool(found.kernel or found.machine) == (transport == "local")

    def test_what_a_good_answer_lacks_is_kept_for_staff_until_the_next(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer(monkeypatch, probe_answer())
        host = queued()
        probing.run_probe(host.pk)
        host.refresh_from_db()
        (lacking,) = host.shortcomings
        assert "/dev/kvm" in lacking["words"]
        assert "usermod -aG kvm" in lacking["mend"]
        answer(monkeypatch, probe_answer().replace(b"/dev/kvm cannot", b"it cannot"))
        LabHost.objects.update(probe_state=State.QUEUED)
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert host.shortcomings == []

    @pytest.mark.parametrize("state", [State.IDLE, State.RUNNING])
    def test_what_is_not_queued_is_not_asked(self, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = answer(monkeypatch, probe_answer())
        host = make_host(probe_state=state, probe_started_at=AT)
        probing.run_probe(host.pk)
        probing.run_probe(host.pk + 1)
        assert asked == []

    def test_a_second_delivery_while_it_runs_asks_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def deliver_again(host: LabHost) -> None:
            if len(asked) == 1:
                probing.run_probe(host.pk)

        asked = answer(monkeypatch, probe_answer(), then=deliver_again)
        host = queued()
        probing.run_probe(host.pk)
        assert asked == [host.pk]

    def test_what_fails_is_told_with_how_to_mend_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answer(monkeypatch, REFUSED)
        host = queued()
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert (host.probe_state, host.failures, host.last_failure) == (State.IDLE, 1, "connection-refused")
        assert host.last_failure_words == REFUSED.words
        assert host.last_failure_mend == REFUSED.mend

    def test_words_of_a_host_are_bounded_and_printable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answer(monkeypatch, ProbeFailure("ssh", "a\x1b[31m\0\u202eb" + "x" * 9999, "m" * 9999))
        host = queued()
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert "a?[31m??bxxx" in host.last_failure_words
        assert len(host.last_failure_words) == 1000
        assert len(host.last_failure_mend) == 1000

    @pytest.mark.parametrize("lie", [b"", b"{}", b"[" * 100_000, b'{"format": 1}', b"\xff\x00", b"null"])
    def test_a_lying_host_harms_its_own_row_only(self, lie: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        answer(monkeypatch, lie)
        host, other = queued(), make_host("pune-2")
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert (host.last_failure, host.failures, host.current) == ("malformed", 1, None)
        assert LabHost.objects.get(pk=other.pk).failures == 0

    def test_a_bug_is_logged_and_told_in_general_words(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        answer(monkeypatch, RuntimeError("secret of the inside"))
        host = queued()
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert (host.probe_state, host.last_failure) == (State.IDLE, "error")
        assert "secret" not in host.last_failure_words + host.last_failure_mend
        assert "secret of the inside" in caplog.text

    @pytest.mark.parametrize(("different", "hours"), [(12, 1), (13, 6)])
    def test_a_host_that_changes_too_often_is_asked_less_often(
        self, different: int, hours: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        host = make_host()
        for number in range(different):
            answer(monkeypatch, probe_answer(f"9.0.{number}"))
            LabHost.objects.filter(pk=host.pk).update(probe_state=State.QUEUED)
            probing.run_probe(host.pk)
        host.refresh_from_db()
        assert host.last_answer_at
        assert host.next_probe_at - host.last_answer_at == timedelta(hours=hours)
        # A day later it may be asked as often as every other host.
        Sighting.objects.update(first_at=timezone.now() - timedelta(days=1), last_at=timezone.now())
        LabHost.objects.filter(pk=host.pk).update(probe_state=State.QUEUED)
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert host.next_probe_at - host.last_answer_at < timedelta(hours=2)

    def test_a_bug_while_keeping_leaves_nothing_half_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answer(monkeypatch, probe_answer())

        def record_and_break(**given: Any) -> None:
            record_document(**given)
            raise RuntimeError

        monkeypatch.setattr("labtools.services.probing.record_document", record_and_break)
        host = queued()
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert host.last_failure == "error"
        assert not Sighting.objects.exists()

    def test_a_late_answer_of_a_probe_that_was_taken_back_is_dropped(
        self, monkeypatch: pytest.MonkeyPatch, sent: Sent
    ) -> None:
        def take_back(host: LabHost) -> None:
            probing.sweep_hosts(at=host.next_probe_at)
            assert LabHost.objects.get(pk=host.pk).last_failure == "worker_stopped"

        answer(monkeypatch, probe_answer(), then=take_back)
        host = queued()
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert (host.probe_state, host.failures, host.current) == (State.IDLE, 1, None)

    def test_a_late_answer_does_not_end_the_next_probe(
        self, monkeypatch: pytest.MonkeyPatch, sent: Sent
    ) -> None:
        def next_one_runs(host: LabHost) -> None:
            LabHost.objects.filter(pk=host.pk).update(probe_number=host.probe_number + 1)

        for result in (probe_answer(), REFUSED):
            answer(monkeypatch, result, then=next_one_runs)
            host = queued(slug=f"pune-{len(str(result))}")
            probing.run_probe(host.pk)
            host.refresh_from_db()
            assert (host.probe_state, host.failures, host.current) == (State.RUNNING, 0, None)

    @pytest.mark.parametrize("result", [probe_answer(), REFUSED], ids=["answer", "failure"])
    def test_what_comes_after_the_address_was_changed_is_asked_again(
        self, result: bytes | Exception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def change(host: LabHost) -> None:
            LabHost.objects.filter(pk=host.pk).update(ssh_host="192.0.2.9")

        answer(monkeypatch, result, then=change)
        host = queued()
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert (host.probe_state, host.failures, host.current) == (State.IDLE, 0, None)
        assert host.next_probe_at <= timezone.now()

    @pytest.mark.parametrize("result", [probe_answer(), REFUSED], ids=["answer", "failure"])
    def test_a_host_that_staff_delete_meanwhile_is_forgotten(
        self, result: bytes | Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        staff = make_user(is_staff=True)

        def remove(asked: LabHost) -> None:
            hosts.remove_host(person=staff, host=LabHost.objects.get(pk=asked.pk))

        answer(monkeypatch, result, then=remove)
        host = queued()
        record(host, make_document(version="5.2.0"))
        probing.run_probe(host.pk)
        # Parts of snapshots that hosts share may stay; what libvirt had may not.
        assert not Fact.objects.filter(kind=Fact.Kind.INVENTORY).exists()
        assert [model.objects.count() for model in (LabHost, Sighting, Snapshot, Inventory)] == [0] * 4
        assert public_names() == []
        assert [line for line in caplog.records if line.levelname in ("WARNING", "ERROR")] == []

    @pytest.mark.parametrize("result", [probe_answer(), REFUSED], ids=["answer", "failure"])
    def test_a_host_that_staff_disable_meanwhile_stays_so_and_keeps_its_answer(
        self, result: bytes | Exception, monkeypatch: pytest.MonkeyPatch, sent: Sent
    ) -> None:
        staff = make_user(is_staff=True)

        def disable(host: LabHost) -> None:
            hosts.set_enabled(person=staff, host=host, is_enabled=False, at=AT)

        answer(monkeypatch, result, then=disable)
        host = queued()
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert (host.is_enabled, host.probe_state) == (False, State.IDLE)
        assert (host.current is not None, host.failures) == ((True, 0) if result != REFUSED else (False, 1))
        probing.sweep_hosts(at=timezone.now() + timedelta(days=30))
        assert sent == []

    def test_a_host_that_staff_hide_meanwhile_shows_strangers_nothing_of_its_answer(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        staff = make_user(is_staff=True)

        def hide(asked: LabHost) -> None:
            host = LabHost.objects.get(pk=asked.pk)
            host.visibility = LabHost.Visibility.PRIVATE
            hosts.change_host(person=staff, host=host, at=AT)

        answer(monkeypatch, probe_answer(), then=hide)
        host = queued(transport=LabHost.Transport.LOCAL)
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert (host.visibility, host.current is not None) == ("private", True)
        assert public_names() == []
        assert sources(AnonymousUser()) == ()


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_host_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    open_ones = []
    answer(monkeypatch, probe_answer(), then=lambda host: open_ones.append(connection.in_atomic_block))
    probing.run_probe(queued().pk)
    assert open_ones == [False]


class TestWaiting:
    def test_waits_double_from_the_third_failure_up_to_six_hours(self) -> None:
        minutes = [probing.wait_after(failures, 0.5).total_seconds() / 60 for failures in range(1, 14)]
        assert minutes == [1, 1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
        assert probing.wait_after(10**9, 0.5) == timedelta(hours=6)

    def test_each_wait_is_spread_by_a_tenth(self) -> None:
        assert probing.wait_after(12, 0.0) == timedelta(hours=6) * 0.9
        assert probing.wait_after(12, 1.0) == timedelta(hours=6) * 1.1


@pytest.mark.django_db
class TestSweeping:
    @pytest.fixture(autouse=True)
    def _commit(self, sent: Sent, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> None:
        self.sent, self.commit = sent, django_capture_on_commit_callbacks

    def sweep(self, at: datetime = AT) -> Sent:
        """Sweep once; what was sent since the last time."""
        self.sent.clear()
        with self.commit(execute=True):
            probing.sweep_hosts(at=at)
        return list(self.sent)

    def test_due_hosts_are_queued_the_healthy_ones_first(self) -> None:
        dead = make_host("dead", failures=1, next_probe_at=AT - timedelta(hours=1))
        due = make_host("due", next_probe_at=AT)
        make_host("later", next_probe_at=AT + timedelta(seconds=1))
        make_host("off", next_probe_at=AT, is_enabled=False)
        make_host("reference", next_probe_at=AT, transport=LabHost.Transport.REFERENCE)
        assert self.sweep() == [(due.pk, probing.DUE), (dead.pk, probing.FAILING)]
        assert self.sweep() == []

    def test_an_open_circuit_lets_one_through_when_its_time_has_come(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer(monkeypatch, REFUSED)
        host = make_host(next_probe_at=AT)
        at = AT
        monkeypatch.setattr("django.utils.timezone.now", lambda: at)
        waits: list[float] = []
        for _ in range(6):
            assert self.sweep(at) == [(host.pk, probing.FAILING if waits else probing.DUE)]
            probing.run_probe(host.pk)
            host.refresh_from_db()
            assert self.sweep(host.next_probe_at - timedelta(seconds=1)) == []
            waits.append((host.next_probe_at - at).total_seconds())
            at = host.next_probe_at
        assert waits == [60, 60, 60, 120, 240, 480]
        answer(monkeypatch, probe_answer())
        self.sweep(at)
        probing.run_probe(host.pk)
        host.refresh_from_db()
        assert (host.failures, host.next_probe_at) == (0, at + timedelta(hours=1))

    def test_what_nobody_picked_up_is_sent_again_now_and_then(self) -> None:
        host = make_host(next_probe_at=AT)
        assert self.sweep() == [(host.pk, probing.DUE)]
        assert self.sweep(AT + probing.RESEND_AFTER - timedelta(seconds=1)) == []
        assert self.sweep(AT + probing.RESEND_AFTER) == [(host.pk, probing.DUE)]
        assert self.sweep(AT + probing.RESEND_AFTER) == []

    def test_a_running_probe_is_taken_back_after_its_deadline_and_the_margin(
        self, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        def die(host: LabHost) -> None:
            raise KeyboardInterrupt

        answer(monkeypatch, probe_answer(), then=die)
        host = queued()
        with pytest.raises(KeyboardInterrupt):
            probing.run_probe(host.pk, at=AT)
        until = AT + timedelta(seconds=settings.LAB_PROBE_SECONDS) + probing.MARGIN
        self.sweep(until - timedelta(seconds=1))
        host.refresh_from_db()
        assert host.probe_state == State.RUNNING
        self.sweep(until)
        host.refresh_from_db()
        assert (host.probe_state, host.failures, host.last_failure) == (State.IDLE, 1, "worker_stopped")
        assert self.sweep(host.next_probe_at) == [(host.pk, probing.FAILING)]

    def test_the_worker_is_ended_before_its_probe_is_taken_back(self, settings: Settings) -> None:
        task = current_app.tasks["labtools.labs.probe_host"]
        margin = settings.LAB_PROBE_SECONDS + probing.MARGIN.total_seconds()
        assert settings.LAB_PROBE_SECONDS < task.time_limit < margin
