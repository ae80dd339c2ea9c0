"""The private queue ``labs``: only its workers may reach lab hosts. Names begin with ``labtools.labs.``."""

import logging

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from labtools.services import probing, sweeping
from labtools.services.catalogue import refresh_catalogue as refresh

log = logging.getLogger(__name__)

# The probe keeps to its own deadline; this ends a worker that hangs where no deadline of ours reaches.
_HARD_LIMIT = settings.LAB_PROBE_SECONDS + 45


@shared_task(name="labtools.labs.probe_host", time_limit=_HARD_LIMIT)
def probe_host(host_id: int) -> None:
    """Ask one queued host."""
    probing.run_probe(host_id)


@shared_task(name="labtools.labs.sweep_hosts")
def sweep_hosts() -> None:
    """Runs every few seconds: queue what is due, send again, take back."""
    probing.sweep_hosts(at=timezone.now())


@shared_task(name="labtools.labs.sweep_unused")
def sweep_unused() -> None:
    """Runs once a day: take away what of the lab's store nobody needs any more."""
    swept = sweeping.sweep_unused()
    log.info("swept %d sightings, %d snapshots, %d parts", swept.sightings, swept.snapshots, swept.facts)


@shared_task(name="labtools.labs.refresh_catalogue")
def refresh_catalogue() -> None:
    """Runs every few seconds: bring the lab's search in step with what is public."""
    refresh()
