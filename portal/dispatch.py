"""Hand work to a queue, after the row that describes it is safe in the database."""

import logging
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def send_on_commit(task: "Task[..., Any]", *args: str | int) -> None:
    """Send ``task`` with plain ids once the transaction has committed.

    The row is the promise, the message only makes it quick: when the broker is out of reach this logs and
    returns, and a beat task finds the row that nobody picked up.
    """

    def send() -> None:
        try:
            task.apply_async(args=args)
        except OperationalError as error:
            log.warning("broker out of reach, %s%r waits for beat: %s", task.name, args, error)

    transaction.on_commit(send)
