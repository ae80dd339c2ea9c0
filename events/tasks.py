"""Work of the meetups room that happens outside a request. A task loads by id and calls one service."""

from celery import shared_task
from django.utils import timezone

from events.services import resource_checks


@shared_task(name="events.tasks.check_resources")
def check_resources() -> None:
    """Runs every few minutes: ask a few slides and recordings whether they still answer."""
    resource_checks.check_due(at=timezone.now())
