"""What the race test asks of processes of their own, on its database.

``make SLUG`` makes a meetup with people who are going and people who want to, and prints their sessions;
``raise SLUG FOLDER`` waits for a file called go in FOLDER, then raises the number of seats step by step;
``rows SLUG`` prints what became of everybody.
"""

import json
import sys
import time
from pathlib import Path

import django

django.setup()

import datetime as dt  # noqa: E402  (Django had to be set up first)
from importlib import import_module  # noqa: E402

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from events.models import AuditLog, Meetup, Rsvp  # noqa: E402
from events.services import locks, seats  # noqa: E402
from events.services.audit import note_act  # noqa: E402
from events.tests import race_wsgi as race_wsgi  # noqa: E402  (the same log of what happens)
from events.tests.factories import make_chapter, make_dated_meetup  # noqa: E402
from portal.accounts.models import User  # noqa: E402
from portal.mail.models import OutboxMessage  # noqa: E402

SEATS_AT_FIRST, RAISES, SEATS_EACH = 30, 10, 2
LEAVING, JOINING = 20, 450
ENGINE = import_module(settings.SESSION_ENGINE)


@transaction.atomic
def make(slug: str) -> None:
    """A meetup with 30 seats, 20 of them taken by people who will leave, and 450 people who will come."""
    now = timezone.now()
    meetup = make_dated_meetup(
        now + dt.timedelta(days=30),
        chapter=make_chapter(slug),
        slug=slug,
        title=slug,
        capacity=SEATS_AT_FIRST,
    )
    users = User.objects.bulk_create(
        User(email=f"{slug}-{number}@example.org", password="!") for number in range(LEAVING + JOINING)
    )
    Rsvp.objects.bulk_create(Rsvp(meetup=meetup, user=user, status="going") for user in users[:LEAVING])
    store = ENGINE.SessionStore()
    sessions = [
        Session(
            session_key=f"{slug}-{user.pk:x}-".ljust(32, "z"),
            expire_date=now + dt.timedelta(days=1),
            session_data=store.encode(
                {
                    SESSION_KEY: str(user.pk),
                    BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
                    HASH_SESSION_KEY: user.get_session_auth_hash(),
                }
            ),
        )
        for user in users
    ]
    Session.objects.bulk_create(sessions)
    keys = [session.session_key for session in sessions]
    print(json.dumps({"leaving": keys[:LEAVING], "joining": keys[LEAVING:]}))


def raise_seats(slug: str, folder: Path) -> None:
    """As an organizer does who finds more chairs, again and again."""
    pk = Meetup.objects.get(slug=slug).pk
    (folder / "raiser.ready").touch()
    while not (folder / "go").exists():
        time.sleep(0.002)
    for _ in range(RAISES):
        with transaction.atomic():
            meetup = locks.lock_meetup(pk)
            meetup.capacity = (meetup.capacity or 0) + SEATS_EACH
            meetup.save(update_fields=["capacity"])
            note_act("raised", actor=None, meetup=meetup)
            seats.settle_seats(meetup=meetup, at=timezone.now())
        time.sleep(0.1)


def rows(slug: str) -> None:
    """Each sign-up's user and status; what happened, in the order of the log; the subjects of each one's mails."""
    meetup = Meetup.objects.get(slug=slug)
    mails = OutboxMessage.objects.filter(subject__contains=meetup.title).values_list("to_user", "subject")
    happened = AuditLog.objects.filter(meetup=meetup).order_by("pk").values_list("act", "detail__user")
    print(
        json.dumps(
            {
                "capacity": meetup.capacity,
                "rows": list(meetup.rsvps.values_list("user", "status")),
                "happened": list(happened),
                "mails": list(mails),
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    elif sys.argv[1] == "raise":
        raise_seats(sys.argv[2], Path(sys.argv[3]))
    else:
        rows(sys.argv[2])
