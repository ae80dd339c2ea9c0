"""Tasks of the portal itself."""

from celery import shared_task

from portal import pulse as pulse_service


@shared_task(name="portal.tasks.pulse")
def pulse(queue: str) -> None:
    """Runs on each queue every few seconds and leaves a mark that ``/readyz`` reads."""
    pulse_service.mark(queue)
