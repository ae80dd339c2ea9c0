"""Hand work to a queue, after the row that describes it is safe in the database."""

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def send_on_commit(task_name: str, *args: str | int, priority: int = 0) -> None:
    """Send the task of that name with plain ids once the transaction has committed.

    ``priority`` is Redis's: 0 is first, 9 is last.

    By name, because tasks import services and not the other way round; a name that no room registered is a
    ``KeyError`` here and now.

    The row is the promise, the message only makes it quick: when the broker is out of reach this logs and
    returns, and a beat task finds the row that nobody picked up.
    """

    task = current_app.tasks[task_name]

    def send() -> None:
        try:
            task.apply_async(args=args, priority=priority)
        except OperationalError as error:
            # Without the ids: that of an image check is the secret part of its report's link.
            log.warning("broker out of reach, %s waits for beat: %s", task_name, error)

    transaction.on_commit(send)
