"""Organizers who close a vote at the same moment, and votes that arrive meanwhile; prints what each round left.

Run as a program against a database of its own: threads of a test process share one connection on SQLite.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402  (settings come first)

from events.models import DatePoll, DateVote, Meetup, Rsvp  # noqa: E402
from events.services import mails, polls, votes  # noqa: E402
from events.services.polls import PollRefused  # noqa: E402
from events.tests.factories import NOW, make_chapter, make_meetup, make_organizer  # noqa: E402
from events.tests.poll_factories import DAY, make_poll, options_of, vote  # noqa: E402
from portal.accounts.models import User  # noqa: E402


def make_voter(email: str) -> User:
    """A member; the password, which takes long to hash, is nothing here."""
    return User.objects.create(email=email)


def at_once(acts: list[Callable[[], object]]) -> list[str]:
    """Each act in a thread, all let go together; "done", "refused", or the error's name, of each."""
    gate = threading.Barrier(len(acts))
    ended = [""] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        gate.wait(30)
        try:
            act()
            ended[number] = "done"
        except PollRefused:
            ended[number] = "refused"
        except Exception as error:
            ended[number] = repr(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


def world(number: int) -> tuple[DatePoll, list[User]]:
    """A vote of a chapter with two organizers."""
    chapter = make_chapter(f"race-{number}")
    organizers = [make_voter(f"organizer-{number}-{side}@example.org") for side in "ab"]
    for one in organizers:
        make_organizer(chapter, user=one)
    return make_poll(organizers[0], make_meetup(chapter, slug=f"race-{number}")), organizers


def close_together(number: int) -> dict[str, Any]:
    """Two organizers choose different dates; the chosen one must be the meetup's, and its voter have the seat."""
    poll, organizers = world(number)
    options = options_of(poll)[:2]
    voters = [make_voter(f"voter-{number}-{n}@example.org") for n in range(2)]
    vote(poll, "yes", "no", user=voters[0])
    vote(poll, "no", "yes", user=voters[1])
    ended = at_once(
        [
            lambda who=who, option=option: polls.close_poll(  # type: ignore[misc]
                poll=poll, actor=who, option_pk=option.pk, status="confirmed", at=NOW + DAY
            )
            for who, option in zip(organizers, options, strict=True)
        ]
    )
    poll.refresh_from_db()
    meetup = Meetup.objects.get(pk=poll.meetup_id)
    chosen = next(n for n, option in enumerate(options) if option.pk == poll.chosen_id)
    seats = list(Rsvp.objects.filter(meetup=meetup).values_list("user", flat=True))
    return {
        "ended": sorted(ended),
        "fits": meetup.starts_at == options[chosen].starts_at and seats == [voters[chosen].pk],
    }


def vote_while_closing(number: int) -> dict[str, Any]:
    """Five members vote while an organizer closes: whoever's vote was taken has a seat, nobody else."""
    poll, organizers = world(number)
    first = options_of(poll)[0]
    voters = [make_voter(f"voter-{number}-{n}@example.org") for n in range(5)]
    acts: list[Callable[[], object]] = [
        lambda user=user: votes.cast_votes(  # type: ignore[misc]
            poll=poll, user=user, choices={first.pk: "yes"}, at=NOW
        )
        for user in voters
    ]
    ended = at_once(
        [
            *acts[:2],
            lambda: polls.close_poll(
                poll=poll, actor=organizers[0], option_pk=first.pk, status="confirmed", at=NOW + DAY
            ),
            *acts[2:],
        ]
    )
    taken = {user.pk for user, how in zip(voters, ended[:2] + ended[3:], strict=True) if how == "done"}
    voted = set(DateVote.objects.filter(option=first).values_list("ballot__user", flat=True))
    seated = set(Rsvp.objects.filter(meetup=poll.meetup_id).values_list("user", flat=True))
    return {"odd": [how for how in ended if how not in ("done", "refused")], "fits": taken == voted == seated}


def main() -> None:
    """Three rounds of each."""
    chosen = polls._yes_votes

    def slowly(*args: Any) -> Any:
        """The votes that are counted, and then long enough for others to come between."""
        found = chosen(*args)
        time.sleep(0.2)
        return found

    vars(polls)["_yes_votes"] = slowly
    vars(mails)["tell_date_decided"] = lambda meetup: None  # there is no broker
    if "--without-lock" in sys.argv:
        for module in (
            polls,
            sys.modules["events.services.meetups"],
            sys.modules["events.services.seat_queue"],
        ):
            vars(module)["lock_meetup"] = lambda pk: Meetup.objects.select_related("chapter").get(pk=pk)
    closed = [close_together(number) for number in range(3)]
    voted = [vote_while_closing(number) for number in range(3, 6)]
    print(json.dumps({"closed": closed, "voted": voted}))


if __name__ == "__main__":
    main()
