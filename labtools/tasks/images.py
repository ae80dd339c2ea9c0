"""The queue ``images``: bring checks to their end, and clean up after uploads."""

import uuid

from celery import shared_task
from django.utils import timezone

from labtools.services import checks, uploads


@shared_task(name="labtools.tasks.check_image")
def check_image(check_id: str) -> None:
    """Bring one queued check to its end."""
    checks.run_image_check(uuid.UUID(check_id))


@shared_task(name="labtools.tasks.sweep_checks")
def sweep_checks() -> None:
    """Runs every few seconds: resend, take back, delete what is due."""
    checks.sweep_checks(at=timezone.now())


@shared_task(name="labtools.tasks.sweep_uploads")
def sweep_uploads() -> None:
    """Runs every few minutes: give back the room of uploads that nobody went on with."""
    uploads.delete_expired_uploads()
    uploads.delete_orphaned_files()
