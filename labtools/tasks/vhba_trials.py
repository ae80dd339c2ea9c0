"""The queue ``labs``: trials of vHBA plans on libvirt's test driver."""

import uuid

from celery import shared_task
from django.utils import timezone

from labtools.services import vhba_trials


@shared_task(name="labtools.labs.try_vhba")
def try_vhba(trial_id: str) -> None:
    """Bring one queued trial to its end."""
    vhba_trials.run_trial(uuid.UUID(trial_id))


@shared_task(name="labtools.labs.sweep_vhba_trials")
def sweep_vhba_trials() -> None:
    """Runs every few seconds: resend, give up, delete what is old."""
    vhba_trials.sweep_trials(at=timezone.now())
