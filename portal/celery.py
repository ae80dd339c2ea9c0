"""The Celery application. The id of the request that sent a task goes with it into the worker's logs."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun, worker_ready

from portal import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

if os.environ.get("WARNED_OF_ROOT"):  # bin/serve has said it, in one line instead of eight from each worker
    warnings.simplefilter("ignore", SecurityWarning)

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")


@setup_logging.connect
def _leave_logging_to_django(**_: Any) -> None:
    """A receiver is enough: Celery then keeps its hands off the handlers that settings.LOGGING made."""


@before_task_publish.connect
def _send_request_id(headers: dict[str, Any], **_: Any) -> None:
    headers["request_id"] = logs.request_id.get()


@task_prerun.connect
def _take_request_id(task: Any, **_: Any) -> None:
    logs.request_id.set(getattr(task.request, "request_id", None) or "-")


@task_postrun.connect
def _drop_request_id(**_: Any) -> None:
    logs.request_id.set("-")


@worker_ready.connect
def _show_first_pulse(sender: Any, **_: Any) -> None:
    """A worker that has just come up need not wait for beat to be seen."""
    from portal import pulse

    for queue in sender.task_consumer.queues:
        pulse.mark(queue.name)
