"""Ask lab hosts: queued when due, claimed by one worker, answered or failed, tried ever more rarely while it fails.

Every change of state is one conditional UPDATE, so a task may be delivered twice and a worker may die at any line.
``next_probe_at`` says when beat looks at a host again: an idle one is then due, a queued one is sent again, and a
running one has stopped. A host that fails :data:`FAILURES_TO_OPEN` times in a row opens its circuit: it is asked once
after a minute, then after 2, 4, 8, … up to :data:`LONGEST_WAIT`, until it answers or staff ask it.
"""

import logging
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from labtools.labhost.document import HostDocument
from labtools.labhost.labprobe import printable
from labtools.labhost.transport import ProbeFailure, read_document, shortcomings
from labtools.models import LabHost
from labtools.queries import hosts as hosts_queries
from labtools.services import asking
from labtools.services.hosts import require_staff
from labtools.services.snapshots import record_document
from portal import dispatch
from portal.embeds import changes

log = logging.getLogger(__name__)

State = LabHost.ProbeState
FAILURES_TO_OPEN = hosts_queries.FAILURES_TO_OPEN
LONGEST_WAIT = timedelta(hours=6)
RESTLESS_WAIT = timedelta(hours=6)
"""How long a host is left alone that gives another answer nearly each time (``queries.hosts.MAX_NEW_A_DAY``)."""
SPREAD = 0.1
"""Each wait is up to so much shorter or longer, so that hosts that failed together do not come back together."""
RESEND_AFTER = timedelta(minutes=5)
"""How long a queued probe waits before its task is sent again."""
MARGIN = timedelta(seconds=60)
"""How long beyond its deadline a running probe may be silent before its worker counts as dead."""
SWEEP_AT_ONCE = 200
MAX_WORDS = 1000

# Redis: 0 is first. Pulses and sweeps are 0, so that a row of dead hosts does not hide a living worker.
ASKED_BY_A_PERSON, DUE, FAILING = 3, 6, 9


@dataclass(frozen=True)
class Failure:
    """Why a host gave no document: a code for programs, what failed, and how to mend it."""

    code: str
    words: str
    mend: str


STOPPED = Failure(
    "worker_stopped",
    "The worker that asked this host stopped before it had an answer.",
    "It is asked again. If this comes back, look into the log of the labs worker.",
)
BROKEN = Failure(
    "error",
    "Something went wrong on the portal's side while this host was asked.",
    "It has been logged, and the host is asked again. Nothing on the host has to be changed.",
)


# -------------------------------------------------------------------------------------------- asking


def ask_now(*, person: object, host: LabHost, at: datetime) -> bool:
    """Let staff ask a host at once, also one that is disabled or whose circuit is open; False if it is being asked."""
    require_staff(person)
    return request_probe(host=host, at=at, priority=ASKED_BY_A_PERSON)


@transaction.atomic
def request_probe(*, host: LabHost, at: datetime, priority: int = DUE) -> bool:
    """Queue a probe of ``host`` unless one is queued or running; False if so, and for references."""
    idle = LabHost.objects.filter(pk=host.pk, probe_state=State.IDLE)
    queued = idle.exclude(transport=LabHost.Transport.REFERENCE).update(
        probe_state=State.QUEUED, next_probe_at=at + RESEND_AFTER
    )
    if queued:
        _dispatch(host.pk, priority)
    return bool(queued)


def _dispatch(host_id: int, priority: int) -> None:
    dispatch.send_on_commit("labtools.labs.probe_host", host_id, priority=priority)


def wait_after(failures: int, spread: float) -> timedelta:
    """How long to leave a host alone after so many failures in a row; ``spread`` is a chance from 0 to 1.

    The interval of refreshing for none, the first wait for one and two, then doubling from the first wait.
    """
    if failures == 0:
        wait = timedelta(seconds=settings.LAB_REFRESH_SECONDS)
    else:
        doublings = min(max(failures - FAILURES_TO_OPEN, 0), 20)
        wait = min(timedelta(seconds=settings.LAB_RETRY_SECONDS * 2**doublings), LONGEST_WAIT)
    return wait * (1 - SPREAD + 2 * SPREAD * spread)


def _after(failures: int) -> timedelta:
    return wait_after(failures, _chance())


def _after_answer(host: LabHost, at: datetime) -> timedelta:
    """Until the next look at a host that has just answered: rarer while it is restless."""
    wait = _after(0)
    if hosts_queries.restless_answers(host, at):
        wait = max(wait, RESTLESS_WAIT * (1 - SPREAD + 2 * SPREAD * _chance()))
    return wait


def _chance() -> float:
    return random.random()  # noqa: S311 (no secret)


# ------------------------------------------------------------------------------------------- working


@dataclass(frozen=True)
class _Claim:
    """A host that is ours to ask while it is RUNNING under this number, and how it was reached when we took it."""

    host: LabHost

    def locked(self) -> LabHost | None:
        """The row as it is now, locked until the transaction ends; None when it is not ours any more."""
        ours = LabHost.objects.select_for_update(of=("self",))
        return ours.filter(
            pk=self.host.pk, probe_state=State.RUNNING, probe_number=self.host.probe_number
        ).first()


def run_probe(host_id: int, *, at: datetime | None = None) -> None:
    """Take the host if it is queued, ask it and keep what comes of it; otherwise do nothing.

    Raises nothing of the host's. No transaction is open while the host is asked. A result that comes after the
    probe was taken back is dropped.
    """
    claim = _claim(host_id, at or timezone.now())
    if claim is None:
        return
    try:
        document = read_document(asking.answer_of(claim.host))
        if claim.host.transport == LabHost.Transport.DEMONSTRATION:
            # It is open to all; the worker's machine, on which libvirt invents it, need not be.
            document = replace(document, machine="", kernel="")
        _keep(claim, document)
    except ProbeFailure as failure:
        _fail(claim, Failure(failure.code, failure.words, failure.mend))
    except Exception:
        log.exception("probe of lab host %s ended in a bug", host_id)
        _fail(claim, BROKEN)


def _claim(host_id: int, at: datetime) -> _Claim | None:
    until = at + timedelta(seconds=settings.LAB_PROBE_SECONDS) + MARGIN
    queued = LabHost.objects.filter(pk=host_id, probe_state=State.QUEUED)
    taken = queued.update(
        probe_state=State.RUNNING,
        probe_number=F("probe_number") + 1,
        probe_started_at=at,
        last_asked_at=at,
        next_probe_at=until,
    )
    host = LabHost.objects.filter(pk=host_id, probe_state=State.RUNNING).first() if taken else None
    return None if host is None else _Claim(host)


@transaction.atomic
def _keep(claim: _Claim, document: HostDocument) -> None:
    host = claim.locked()
    at = timezone.now()
    if host is None:
        log.info("an answer of lab host %s came after its probe was taken back", claim.host.pk)
        return
    if host.reach != claim.host.reach:
        _ask_again(host, at)
        return
    before = host.current_id
    if record_document(host=host, document=document, at=at).pk != before:
        changes.announce()
    LabHost.objects.filter(pk=host.pk).update(
        probe_state=State.IDLE,
        probe_started_at=None,
        next_probe_at=at + _after_answer(host, at),
        failures=0,
        last_failure="",
        last_failure_words="",
        last_failure_mend="",
        last_answer_at=at,
        shortcomings=[
            {"words": _bounded(one.words), "mend": _bounded(one.mend)} for one in shortcomings(document)
        ],
    )


def _ask_again(host: LabHost, at: datetime) -> None:
    """It was changed while it was asked: what came is not of the host that it is now."""
    LabHost.objects.filter(pk=host.pk).update(probe_state=State.IDLE, probe_started_at=None, next_probe_at=at)


@transaction.atomic
def _fail(claim: _Claim, failure: Failure) -> None:
    host = claim.locked()
    if host is None:
        return
    at = timezone.now()
    if host.reach != claim.host.reach:
        _ask_again(host, at)
        return
    _note_failure(host, failure, at)


def _note_failure(host: LabHost, failure: Failure, at: datetime) -> None:
    failures = host.failures + 1
    if failures == FAILURES_TO_OPEN:
        log.warning("lab host %s failed %d times in a row, its circuit opens", host.pk, failures)
    LabHost.objects.filter(pk=host.pk).update(
        probe_state=State.IDLE,
        probe_started_at=None,
        next_probe_at=at + _after(failures),
        failures=failures,
        last_failure=failure.code[:40],
        last_failure_words=_bounded(failure.words),
        last_failure_mend=_bounded(failure.mend),
    )


def _bounded(words: str) -> str:
    """What a host may have had a part in, as text of bounded length without control characters."""
    text = printable(words[: MAX_WORDS * 2])
    return text if len(text) <= MAX_WORDS else f"{text[: MAX_WORDS - 1]}…"


# --------------------------------------------------------------------------------------- sweeping up


def sweep_hosts(*, at: datetime) -> None:
    """What beat asks for: take back what stopped, send again what nobody took, queue what is due."""
    _take_back_stopped(at)
    _resend_queued(at)
    _queue_due(at)


def _take_back_stopped(at: datetime) -> None:
    """A running probe whose worker died counts as a failure: it may be the host that ended the worker."""
    stopped = LabHost.objects.filter(probe_state=State.RUNNING, next_probe_at__lte=at)
    for host in stopped.order_by("next_probe_at")[:SWEEP_AT_ONCE]:
        with transaction.atomic():
            same = _Claim(host).locked()
            if same is not None:
                log.warning("probe %d of lab host %s stopped", host.probe_number, host.pk)
                _note_failure(same, STOPPED, at)


def _resend_queued(at: datetime) -> None:
    """A queued probe whose message was lost is sent again. A message too many finds the row taken."""
    waiting = LabHost.objects.filter(probe_state=State.QUEUED, next_probe_at__lte=at)
    for host in waiting.order_by("next_probe_at")[:SWEEP_AT_ONCE]:
        with transaction.atomic():
            same = LabHost.objects.filter(
                pk=host.pk, probe_state=State.QUEUED, next_probe_at=host.next_probe_at
            )
            if same.update(next_probe_at=at + RESEND_AFTER):
                _dispatch(host.pk, _priority(host))


def _queue_due(at: datetime) -> None:
    due = LabHost.objects.probed().filter(probe_state=State.IDLE, next_probe_at__lte=at)
    for host in due.order_by("failures", "next_probe_at", "pk")[:SWEEP_AT_ONCE]:
        request_probe(host=host, at=at, priority=_priority(host))


def _priority(host: LabHost) -> int:
    """Whoever answered last time goes before whoever did not: the dead keep nobody waiting."""
    return FAILING if host.failures else DUE
