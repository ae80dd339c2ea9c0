"""Who gets a seat: each rule of docs/decisions/0060-seats.md."""

import datetime as dt
from typing import Any

import pytest

from events.models import Block, Meetup, Person, Rsvp
from events.services import seats
from events.services.seats import SeatsRefused
from events.tests.factories import NOW, make_dated_meetup, make_meetup
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR
START = NOW + 10 * DAY


def a_meetup(capacity: int | None = 2, **fields: Any) -> Meetup:
    """A confirmed meetup ten days ahead."""
    return make_dated_meetup(START, capacity=capacity, **fields)


def join(meetup: Meetup, user: User | None = None, *, at: dt.datetime = NOW, **more: Any) -> Rsvp:
    """A member signs up; a new one unless given."""
    return seats.join_meetup(meetup=meetup, person=Person.of(user or make_user()), at=at, **more)


def by_mail(meetup: Meetup, email: str = "a@example.org", *, at: dt.datetime = NOW, **more: Any) -> Rsvp:
    """Somebody without an account signs up."""
    person = Person(email=email, name=more.pop("name", "Asha"))
    return seats.join_meetup(meetup=meetup, person=person, at=at, **more)


def state(*rsvps: Rsvp) -> list[str]:
    """The stored statuses."""
    return [Rsvp.objects.get(pk=rsvp.pk).status for rsvp in rsvps]


def mails(word: str = "") -> list[str]:
    """Who got mail whose dedupe key contains ``word``, in order."""
    found = OutboxMessage.objects.filter(dedupe_key__contains=word).order_by("pk")
    return list(found.values_list("to_email", flat=True))


# ------------------------------------------------------------------------------------------- joining


def test_seats_are_given_until_none_is_left_and_then_people_wait() -> None:
    meetup = a_meetup(2)
    assert state(*(join(meetup) for _ in range(4))) == ["going", "going", "waitlisted", "waitlisted"]


def test_without_a_limit_everybody_gets_a_seat() -> None:
    meetup = a_meetup(None, guests_allowed=30)
    assert state(join(meetup), join(meetup, guests=30)) == ["going", "going"]


def test_guests_take_seats_too() -> None:
    meetup = a_meetup(3, guests_allowed=2)
    assert state(join(meetup, guests=1), join(meetup, guests=1), join(meetup)) == [
        "going",
        "waitlisted",
        "going",
    ]


def test_signing_up_twice_is_signing_up_once() -> None:
    meetup, user = a_meetup(1), make_user()
    first = join(meetup, user)
    again = join(meetup, user, at=NOW + HOUR)
    assert again.pk == first.pk
    assert again.changed_at == first.changed_at
    assert mails("going") == [user.email]
    waiting = join(meetup)
    same = join(meetup, waiting.user, at=NOW + HOUR)
    assert (same.pk, same.queued_at) == (waiting.pk, waiting.queued_at)
    assert len(mails("waitlisted")) == 1


def test_full_without_waitlist_is_refused_in_words() -> None:
    meetup = a_meetup(3, waitlist="off", guests_allowed=2)
    join(meetup)
    with pytest.raises(SeatsRefused, match="only 2 seats left; you and your guests need 3"):
        join(meetup, guests=2)
    join(meetup)
    join(meetup)
    with pytest.raises(SeatsRefused, match="full, and it has no waitlist"):
        join(meetup)
    assert join(meetup, wanted="maybe").status == "maybe"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"status": "draft"}, "not published"),
        ({"status": "cancelled"}, "cancelled"),
        ({"takes_rsvps": False}, "Nobody needs to sign up"),
        ({"starts_at": NOW - DAY, "ends_at": NOW}, "is over"),
        ({"starts_at": NOW, "ends_at": NOW + HOUR}, "has begun"),
        ({"registration_opens_at": NOW + HOUR}, "Sign-up opens on Sunday 13 December 2026 at 12:30 Asia"),
        ({"registration_closes_at": NOW}, "Sign-up closed on Sunday 13 December 2026 at 11:30 Asia"),
    ],
)
@pytest.mark.parametrize("wanted", ["going", "maybe"])
def test_sign_up_is_refused_in_words(fields: dict[str, Any], sentence: str, wanted: str) -> None:
    meetup = a_meetup(**fields)
    for attempt in (join, by_mail):
        with pytest.raises(SeatsRefused, match=sentence):
            attempt(meetup, wanted=wanted)
    assert Rsvp.objects.count() == 0
    assert mails() == []


def test_a_window_that_is_open_is_open_from_its_first_moment_to_its_last() -> None:
    meetup = a_meetup(registration_opens_at=NOW, registration_closes_at=NOW + HOUR)
    assert state(join(meetup), join(meetup, at=NOW + HOUR - dt.timedelta(seconds=1))) == ["going", "going"]


def test_blocked_people_are_refused_whichever_way_they_come() -> None:
    meetup, user = a_meetup(), make_user("blocked@example.org")
    Block.objects.create(chapter=meetup.chapter, user=user)
    Block.objects.create(chapter=meetup.chapter, email="stranger@example.org")
    by_address = make_user("stranger@example.org")
    for person in (user, by_address):
        with pytest.raises(SeatsRefused, match="have blocked you"):
            join(meetup, person)
    # By mail nothing may tell a stranger who is blocked: only the owner of the address learns it, from the link.
    for email in ("blocked@example.org", "stranger@example.org"):
        rsvp = by_mail(meetup, email)
        assert rsvp.status == "unconfirmed"
        with pytest.raises(SeatsRefused, match="have blocked you"):
            seats.confirm_rsvp(rsvp=rsvp, at=NOW)
    assert join(make_dated_meetup(START), user).status == "going"


def test_while_the_date_is_open_one_can_be_interested_but_not_going() -> None:
    for status in ("idea", "tentative", "polling"):
        meetup = make_meetup(status=status)
        with pytest.raises(SeatsRefused, match="date is still open"):
            join(meetup)
        assert join(meetup, wanted="maybe").status == "maybe"
    voted = make_meetup(status="polling", date_precision="exact", starts_at=START)
    with pytest.raises(SeatsRefused, match="date is still open"):
        join(voted)
    by_month = make_meetup(status="tentative", date_precision="month", starts_at=NOW - DAY, capacity=1)
    assert state(join(by_month), join(by_month)) == ["going", "waitlisted"]


# ------------------------------------------------------------------------------------------- guests


def test_guests_are_bounded() -> None:
    meetup = a_meetup(9, guests_allowed=2)
    for guests, sentence in ((3, "at most 2 guests"), (-1, "below zero")):
        with pytest.raises(SeatsRefused, match=sentence):
            join(meetup, guests=guests)
    with pytest.raises(SeatsRefused, match="everybody signs up for themselves"):
        join(a_meetup(guests_allowed=0), guests=1)
    with pytest.raises(SeatsRefused, match="has 2 seats; you and your guests would need 4"):
        join(a_meetup(2, guests_allowed=5), guests=3)


def test_guests_that_were_agreed_to_stay_when_the_meetup_allows_fewer() -> None:
    meetup = a_meetup(9, guests_allowed=3)
    rsvp = join(meetup, guests=3)
    Meetup.objects.update(guests_allowed=1, capacity=2)
    assert seats.change_rsvp(rsvp=rsvp, hides_name=True, at=NOW).guests == 3
    assert seats.change_rsvp(rsvp=rsvp, guests=2, at=NOW).guests == 2
    with pytest.raises(SeatsRefused, match=r"at most 1 guest\."):
        seats.change_rsvp(rsvp=rsvp, guests=3, at=NOW)


def test_more_guests_than_fit_are_refused_and_one_keeps_ones_seats() -> None:
    meetup = a_meetup(4, guests_allowed=3)
    rsvp, _ = join(meetup, guests=1), join(meetup)
    with pytest.raises(SeatsRefused, match=r"only 1 seat left\. You keep what you have"):
        seats.change_rsvp(rsvp=rsvp, guests=3, at=NOW)
    assert (Rsvp.objects.get(pk=rsvp.pk).guests, state(rsvp)) == (1, ["going"])
    assert seats.change_rsvp(rsvp=rsvp, guests=2, at=NOW).guests == 2
    with pytest.raises(SeatsRefused, match="no seat left for another guest"):
        seats.change_rsvp(rsvp=rsvp, guests=3, at=NOW)


def test_more_guests_need_sign_up_to_be_open_and_fewer_do_not() -> None:
    meetup = a_meetup(9, guests_allowed=3)
    rsvp = join(meetup, guests=1)
    Meetup.objects.update(registration_closes_at=NOW + HOUR)
    with pytest.raises(SeatsRefused, match="Sign-up closed"):
        seats.change_rsvp(rsvp=rsvp, guests=2, at=NOW + HOUR)
    assert seats.change_rsvp(rsvp=rsvp, guests=0, at=NOW + HOUR).guests == 0


def test_waiting_for_more_seats_begins_at_the_end_and_for_fewer_keeps_the_place() -> None:
    meetup = a_meetup(3, guests_allowed=2)
    join(meetup, guests=1)
    greedy = join(meetup, guests=1, at=NOW + HOUR)
    patient = join(meetup, guests=1, at=NOW + 2 * HOUR)
    assert state(greedy, patient) == ["waitlisted", "waitlisted"]
    seats.change_rsvp(rsvp=greedy, guests=1, hides_name=True, at=NOW + 3 * HOUR)
    assert list(meetup.rsvps.waiting()) == [greedy, patient]
    seats.change_rsvp(rsvp=greedy, guests=2, at=NOW + 4 * HOUR)
    assert list(meetup.rsvps.waiting()) == [patient, greedy]


def test_fewer_guests_while_waiting_may_fit_at_once() -> None:
    meetup = a_meetup(2, guests_allowed=1)
    join(meetup)
    waiting = join(meetup, guests=1)
    assert waiting.status == "waitlisted"
    assert seats.change_rsvp(rsvp=waiting, guests=0, at=NOW).status == "going"
    assert mails("promoted") == [waiting.address]
