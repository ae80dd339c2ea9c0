"""What a web process does in the service tests, in a process of its own on their database.

``python -m portal.mail.tests.driver queue ADDRESS...`` queues one mail for each address and tells the broker;
``deliver FOLDER`` waits until FOLDER holds a file called go, then attempts every mail and prints the states.
"""

import json
import sys
import time
from pathlib import Path

import django
from django.conf import settings

settings.TEMPLATES[0]["DIRS"].append(Path(__file__).parent / "templates")
django.setup()

from django.db import transaction  # noqa: E402  (Django had to be set up first)

from portal.mail import delivery, kinds  # noqa: E402
from portal.mail.models import OutboxMessage  # noqa: E402
from portal.mail.services import Attachment, queue_mail  # noqa: E402

INVITATION = Attachment("meetup.ics", "text/calendar; method=REQUEST; charset=utf-8", b"BEGIN:VCALENDAR\r\n")


def queue(addresses: list[str]) -> None:
    """One transaction for each mail, as each comes from a request of its own."""
    kinds.register(kinds.Kind("news", "News", "What is new.", can_switch_off=True))
    for number, address in enumerate(addresses):
        with transaction.atomic():
            queue_mail(
                kind="news",
                to=address,
                subject=f"Nachricht №{number}",
                template="mail/tests/note",
                context={"name": "Asha"},
                dedupe_key=f"note:{address}",
                transactional=False,
                attachments=[INVITATION],
            )


def deliver(folder: Path) -> None:
    """Every mail, as soon as all the processes of the test are ready."""
    pks = list(OutboxMessage.objects.values_list("pk", flat=True))
    (folder / f"{time.monotonic_ns()}.ready").touch()
    while not (folder / "go").exists():
        time.sleep(0.002)
    print(json.dumps([delivery.deliver(pk) for pk in pks]))


if __name__ == "__main__":
    if sys.argv[1] == "queue":
        queue(sys.argv[2:])
    else:
        deliver(Path(sys.argv[2]))
