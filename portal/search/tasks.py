"""The index is brought in step now and then, whatever a room forgot to tell."""

from celery import shared_task
from django.utils import timezone

from portal.search import services


@shared_task(name="portal.search.tasks.reconcile")
def reconcile() -> None:
    """Runs every few minutes."""
    services.reconcile_all(at=timezone.now())
