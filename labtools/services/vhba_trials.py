"""The life of a trial: asked for by a member, taken by one worker of the queue ``labs``, kept for some days."""

import logging
import uuid
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from labtools.labhost import npiv
from labtools.models import VhbaTrial
from portal import dispatch
from portal.accounts.models import User

log = logging.getLogger(__name__)

State = VhbaTrial.State
KEEP = timedelta(days=7)
RESEND_AFTER, GIVE_UP_AFTER = timedelta(seconds=30), timedelta(minutes=10)
"""How long a trial waits before its task is sent again, and before nobody is expected to take it any more."""
STALE_AFTER = timedelta(seconds=3 * npiv.TRIAL_DEADLINE)
SWEEP_AT_ONCE = 100

NOBODY_CAME = "No worker of the lab took the trial within ten minutes. Please try again later."
CUT_OFF = "The trial was cut off. Please try it again."
OUT_OF_FORM = "The plan is not of a form that this portal makes. Please make it anew."
APOLOGY = "Something went wrong on our side, not on yours. It has been logged."


@transaction.atomic
def request_trial(*, user: User, choice: npiv.Choice) -> VhbaTrial:
    """A trial of ``choice``, dispatched on commit; the member's own that is still at work, if there is one."""
    try:
        with transaction.atomic():
            trial = VhbaTrial.objects.create(
                owner=user, parent=npiv.pack_hba(choice.parent), fields=npiv.choice_fields(choice)
            )
    except IntegrityError:
        working = VhbaTrial.objects.working().filter(owner=user).first()
        if working is None:
            raise
        return working
    _dispatch(trial.pk)
    return trial


def _dispatch(trial_id: uuid.UUID) -> None:
    dispatch.send_on_commit("labtools.labs.try_vhba", str(trial_id))


def run_trial(trial_id: uuid.UUID) -> None:
    """Take the trial if it is queued and bring it to its end; otherwise do nothing. Raises nothing of the trial's."""
    now = timezone.now()
    queued = VhbaTrial.objects.filter(pk=trial_id, state=State.QUEUED)
    if queued.update(state=State.RUNNING, started_at=now) != 1:
        return
    trial = VhbaTrial.objects.get(pk=trial_id)
    try:
        choice = _choice(trial)
        result = npiv.trial_json(npiv.run_trial(choice))
    except (npiv.PasteError, npiv.TrialError) as error:
        _end(trial, State.FAILED, failure=str(error))
    except Exception:
        log.exception("trial %s ended in a bug", str(trial_id)[:8])
        _end(trial, State.ERRORED, failure=APOLOGY)
    else:
        _end(trial, State.FINISHED, result=result)


def _choice(trial: VhbaTrial) -> npiv.Choice:
    choice, faults = npiv.make_choice(npiv.unpack_hba(trial.parent), trial.fields, {})
    if choice is None:
        log.warning("trial %s: %s", str(trial.pk)[:8], faults)
        raise npiv.TrialError(OUT_OF_FORM)
    return choice


def _end(trial: VhbaTrial, state: str, **fields: object) -> None:
    """Leave RUNNING, unless the sweep gave it up meanwhile."""
    ours = VhbaTrial.objects.filter(pk=trial.pk, state=State.RUNNING, started_at=trial.started_at)
    ours.update(state=state, finished_at=timezone.now(), **fields)


def sweep_trials(*, at: datetime) -> None:
    """What beat asks for: send again what nobody took, give up what will not end, delete what is old."""
    queued = VhbaTrial.objects.filter(state=State.QUEUED)
    queued.filter(created_at__lte=at - GIVE_UP_AFTER).update(
        state=State.FAILED, failure=NOBODY_CAME, finished_at=at
    )
    waiting = queued.filter(created_at__lte=at - RESEND_AFTER).order_by("created_at")
    for trial_id in waiting.values_list("pk", flat=True)[:SWEEP_AT_ONCE]:
        _dispatch(trial_id)
    VhbaTrial.objects.filter(state=State.RUNNING, started_at__lte=at - STALE_AFTER).update(
        state=State.FAILED, failure=CUT_OFF, finished_at=at
    )
    VhbaTrial.objects.filter(created_at__lte=at - KEEP).delete()
