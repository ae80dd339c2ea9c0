"""Tasks on the queue ``mail``: retry and backoff live in the rows, so a lost message to a worker loses nothing."""

import logging

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from portal.mail import delivery

log = logging.getLogger(__name__)


# The hard limit ends a worker's attempt well before its claim counts as abandoned and another begins.
@shared_task(name="portal.mail.tasks.deliver_message", time_limit=settings.MAIL_STUCK_SECONDS // 2)
def deliver_message(message_pk: int) -> None:
    """One attempt to send one mail."""
    delivery.deliver(message_pk)


@shared_task(name="portal.mail.tasks.send_due")
def send_due() -> None:
    """Beat: hand every mail whose time has come to a worker, and take back what a dead worker had claimed."""
    delivery.take_back_abandoned()
    for message_pk in delivery.lease_due():
        try:
            deliver_message.apply_async(args=(message_pk,), expires=settings.MAIL_DUE_SECONDS * 10)
        except OperationalError as error:
            log.warning("broker out of reach, mail waits for the next round: %s", error)
            return


@shared_task(name="portal.mail.tasks.erase_old")
def erase_old() -> None:
    """Beat: remove the bodies of mail that was dealt with long ago."""
    delivery.erase_old()
