"""The portal as the race test runs it: each change of seats takes a little longer, so that a race has room, and
what happens is logged in the order in which it happens.

``RACE_LOCK=off`` takes the lock out, and on SQLite the transaction that begins with the write lock; everything
else stays. Only this module knows how: no setting of the portal does.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from portal.wsgi import application as application

from django.db import connection, transaction  # isort: skip  (Django is set up by the line above)

from events.models import Meetup, Rsvp  # isort: skip
from events.services import mails, seat_queue, seats  # isort: skip
from events.services.audit import note_act  # isort: skip

_really_locked = seat_queue.locked


@contextmanager
def _slowly_locked(meetup_pk: int) -> Iterator[Meetup]:
    with _really_locked(meetup_pk) as meetup:
        time.sleep(0.005)
        yield meetup


@contextmanager
def _not_locked(meetup_pk: int) -> Iterator[Meetup]:
    with nullcontext() if connection.vendor == "sqlite" else transaction.atomic():
        meetup = Meetup.objects.select_related("chapter").get(pk=meetup_pk)
        time.sleep(0.005)
        yield meetup


def _logged(act: str, tell: Callable[[Rsvp], None]) -> Callable[[Rsvp], None]:
    def told(rsvp: Rsvp) -> None:
        note_act(act, actor=None, meetup=rsvp.meetup, user=rsvp.user_id)
        tell(rsvp)

    return told


seats.locked = _not_locked if os.environ.get("RACE_LOCK") == "off" else _slowly_locked  # type: ignore[attr-defined]
for act in ("going", "waitlisted", "promoted", "left"):
    setattr(mails, f"tell_{act}", _logged(act, getattr(mails, f"tell_{act}")))
