"""A child process of ``bench.meetups``: fills its database, then times one page for each line it is told.

    python -m bench._meetup_world 100      # a hundredth of the whole world

Prints ``ready`` when it is filled; then answers each address on standard input with the seconds it took.
"""

import datetime as dt
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import django

MEMBERS, MEETUPS, RSVPS = 100_000, 10_000, 1_000_000
CHAPTERS = 30


def main() -> None:
    """Fill, say so, then time pages until the input ends. An address that begins with ``*`` is asked as a member."""
    django.setup()
    from django.test import Client
    from django.test.utils import setup_test_environment

    setup_test_environment()
    _fill(int(sys.argv[1]))
    stranger, member = Client(), Client()
    _sign_in(member)
    print("ready", flush=True)
    for line in sys.stdin:
        address = line.strip()
        client = member if address.startswith("*") else stranger
        started = time.perf_counter()
        response = client.get(address.removeprefix("*"))
        seconds = time.perf_counter() - started
        assert response.status_code == 200, (address, response.status_code)
        print(seconds, flush=True)


def _sign_in(client: Any) -> None:
    from portal.accounts.models import User

    client.force_login(
        User.objects.get(email="member0@example.org"), "allauth.account.auth_backends.AuthenticationBackend"
    )


def _fill(part: int) -> None:
    """Members, chapters, meetups over ten years and their sign-ups, a ``part``-th of the whole."""
    from django.core.management import call_command

    from events.models import Chapter, Meetup, Rsvp
    from portal.accounts.models import User

    call_command("migrate", verbosity=0)
    now = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    members, meetups, rsvps = MEMBERS // part, MEETUPS // part, RSVPS // part
    _insert(
        User(email=f"member{n}@example.org", password="", display_name=f"Member {n}") for n in range(members)
    )
    _insert(Chapter(slug=f"city-{n}", city=f"City {n:02}", status="active") for n in range(CHAPTERS))
    users = list(User.objects.order_by("pk").values_list("pk", flat=True))
    chapters = list(Chapter.objects.order_by("pk").values_list("pk", flat=True))
    _insert(_meetup(n, meetups, chapters, now) for n in range(meetups))
    held = list(Meetup.objects.order_by("pk").values_list("pk", flat=True))
    each = rsvps // meetups

    def sign_ups() -> Iterator[Rsvp]:
        for place, meetup in enumerate(held):
            for seat in range(each):
                user = users[(place * each + seat * 7) % len(users)]
                status = "going" if seat < 40 else "waitlisted" if seat < 60 else "declined"
                yield Rsvp(meetup_id=meetup, user_id=user, status=status)

    _insert(sign_ups())
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _meetup(n: int, count: int, chapters: list[int], now: dt.datetime) -> Any:
    """The n-th meetup: four fifths are over, one in twenty has no date yet, two fifths are one chapter's."""
    from events.models import Meetup

    start = now + dt.timedelta(hours=round((n / count - 0.8) * 10 * 365 * 24))
    fields: dict[str, Any] = {
        "status": "confirmed",
        "date_precision": "exact",
        "starts_at": start,
        "ends_at": start + dt.timedelta(hours=3),
    }
    if n % 20 == 19:
        fields = {"status": "idea"}
    return Meetup(
        chapter_id=chapters[3 if n % 5 < 2 else n % len(chapters)],
        slug=f"meetup-{n}",
        title=f"Meetup {n}",
        capacity=40,
        **fields,
    )


def _insert(rows: Iterable[Any]) -> None:
    rows = iter(rows)
    while batch := list(islice(rows, 5000)):
        type(batch[0]).objects.bulk_create(batch)


if __name__ == "__main__":
    main()
