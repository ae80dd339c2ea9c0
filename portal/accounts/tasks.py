"""What beat asks of accounts."""

from celery import shared_task
from django.utils import timezone

from portal.accounts import services


@shared_task(name="portal.accounts.tasks.sweep_accounts")
def sweep_accounts() -> None:
    """Forget accounts that nobody confirmed, and sessions that are over."""
    services.erase_unconfirmed(at=timezone.now())
    services.forget_sessions(at=timezone.now())
