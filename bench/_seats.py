"""Measures in a process of its own, with Django on the database of the environment; prints the ratio."""

import datetime as dt
import time

import django

django.setup()

from django.db import transaction  # noqa: E402  (Django had to be set up first)
from django.db.models import F  # noqa: E402
from django.utils import timezone  # noqa: E402

from events.models import Meetup, Person  # noqa: E402
from events.services.seats import join_meetup  # noqa: E402
from events.tests.factories import make_dated_meetup  # noqa: E402
from portal.accounts.models import User  # noqa: E402

ROUNDS, EACH = 5, 100


def main() -> None:
    """The best round of each, taken in turns: others on the machine only ever add time."""
    meetup = make_dated_meetup(timezone.now() + dt.timedelta(days=30), capacity=ROUNDS * EACH // 2)
    users = User.objects.bulk_create(User(email=f"m{n}@example.org") for n in range(ROUNDS * EACH))
    bare, joined = [], []
    for start in range(0, len(users), EACH):
        begun = time.perf_counter()
        for _ in range(EACH):
            with transaction.atomic():
                Meetup.objects.filter(pk=meetup.pk).update(lock_version=F("lock_version") + 1)
        bare.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        for user in users[start : start + EACH]:
            join_meetup(meetup=meetup, person=Person.of(user), at=timezone.now())
        joined.append(time.perf_counter() - begun)
    print(min(bare) / min(joined))


if __name__ == "__main__":
    main()
