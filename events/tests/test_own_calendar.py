"""A member's own feed: what is in it, and the secret of its address."""

import datetime as dt
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.models import CalendarToken, DateBallot, DateOption, DatePoll, DateVote, Meetup, Rsvp
from events.personal_data import erase_events, export_events
from events.services.calendar_tokens import replace_token
from events.tests.calendar_reading import read_calendar, read_events
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup
from portal.accounts.models import User

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 12, 13, 6, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
PAGE = "/me/calendar/"
LINK = "https://meet.example/secret-room"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def token(owner: User) -> str:
    """The owner's secret."""
    replace_token(user=owner, at=NOW)
    return CalendarToken.objects.get(user=owner).token


def feed(token: str) -> dict[str, Any]:
    """The events of the feed of ``token``, read by somebody who is not signed in."""
    response = Client().get(f"/calendar/{token}.ics")
    assert response.status_code == 200
    return read_events(response.content)


def make_poll(meetup: Meetup, *days: int) -> list[DateOption]:
    """An open poll with an option on each of ``days`` from now."""
    poll = DatePoll.objects.create(meetup=meetup, created_at=NOW)
    starts = [NOW + day * DAY for day in days]
    return [
        DateOption.objects.create(poll=poll, starts_at=start, ends_at=start + dt.timedelta(hours=2))
        for start in starts
    ]


def vote(user: User, options: list[DateOption], *choices: str) -> None:
    ballot = DateBallot.objects.create(poll=options[0].poll, user=user)
    for option, choice in zip(options, choices, strict=True):
        DateVote.objects.create(ballot=ballot, option=option, choice=choice, voted_at=NOW)


@pytest.mark.parametrize(
    ("answer", "title", "status", "is_busy"),
    [
        ("going", "Rust", "CONFIRMED", True),
        ("maybe", "Maybe: Rust", "TENTATIVE", False),
        ("waitlisted", "Waitlist: Rust", "TENTATIVE", False),
        ("offered", "Seat offered: Rust", "TENTATIVE", False),
    ],
)
def test_answer_is_said_and_only_who_comes_has_the_link(
    owner: User, token: str, answer: str, title: str, status: str, is_busy: bool
) -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Rust", mode="online", online_url=LINK)
    expires = NOW + dt.timedelta(hours=2, minutes=30) if answer == "offered" else None
    Rsvp.objects.create(meetup=meetup, user=owner, status=answer, offer_expires_at=expires, guests=2)
    event = feed(token)[meetup.ical_uid]
    assert event["SUMMARY"] == title
    assert event["STATUS"] == status
    assert event["TRANSP"] == ("OPAQUE" if is_busy else "TRANSPARENT")
    assert (LINK in event["DESCRIPTION"]) is is_busy
    assert ("CONFERENCE" in event) is is_busy
    assert "Guests with you: 2." in event["DESCRIPTION"]
    assert ("held until 13 December 2026, 14:00 (Asia/Kolkata)" in event["DESCRIPTION"]) is (
        answer == "offered"
    )


def test_only_own_answers_are_there(owner: User, member: User, token: str) -> None:
    chapter = make_chapter()
    own, others, declined, draft = (make_dated_meetup(NOW + DAY, chapter=chapter) for _ in range(4))
    Meetup.objects.filter(pk=draft.pk).update(status="draft")
    for meetup, user, status in (
        (own, owner, "going"),
        (others, member, "going"),
        (declined, owner, "declined"),
        (draft, owner, "going"),
    ):
        Rsvp.objects.create(meetup=meetup, user=user, status=status)
    open_ = make_meetup(chapter)
    Rsvp.objects.create(meetup=open_, user=owner, status="going")
    assert list(feed(token)) == [own.ical_uid]


def test_cancelled_meetup_stays_with_its_reason_and_without_its_link(owner: User, token: str) -> None:
    meetup = make_dated_meetup(
        NOW + DAY, title="Rust", status="cancelled", cancel_reason="No power.", mode="online", online_url=LINK
    )
    Rsvp.objects.create(meetup=meetup, user=owner, status="waitlisted")
    event = feed(token)[meetup.ical_uid]
    assert (event["SUMMARY"], event["STATUS"]) == ("Cancelled: Rust", "CANCELLED")
    assert "No power." in event["DESCRIPTION"]
    assert LINK not in event["DESCRIPTION"]


def test_entry_is_newer_when_the_answer_changes(owner: User, token: str) -> None:
    meetup = make_dated_meetup(NOW + DAY, changed_at=NOW - DAY)
    Rsvp.objects.create(meetup=meetup, user=owner, status="going", changed_at=NOW - DAY)
    before = feed(token)[meetup.ical_uid]
    Rsvp.objects.update(status="maybe", changed_at=NOW)
    after = feed(token)[meetup.ical_uid]
    assert after["DTSTAMP"].dt - before["DTSTAMP"].dt == DAY


def test_options_of_an_open_poll_are_tentative_for_their_voters(owner: User, token: str) -> None:
    meetup = make_meetup(title="Rust", status="polling")
    options = make_poll(meetup, 7, 8, 9)
    vote(owner, options, "yes", "if_need_be", "no")
    found = feed(token)
    assert list(found) == [options[0].ical_uid, options[1].ical_uid]
    for uid in found:
        assert found[uid]["STATUS"] == "TENTATIVE"
        assert found[uid]["SUMMARY"] == "Date vote: Rust"
        assert found[uid]["SEQUENCE"] == 0
        assert found[uid]["DTSTART"].params["TZID"] == "Asia/Kolkata"
    assert found[options[1].ical_uid].start == options[1].starts_at
    assert found[options[1].ical_uid].end == options[1].ends_at
    assert "if need be" in found[options[1].ical_uid]["DESCRIPTION"]
    body = Client().get(f"/meetups/{meetup.slug}/event.ics")
    assert body.status_code == 404
    assert options[0].ical_uid.encode() not in Client().get("/calendar.ics").content


def close(options: list[DateOption], chosen: int | None) -> Meetup:
    poll = options[0].poll
    poll.closed_at = NOW
    poll.chosen = None if chosen is None else options[chosen]
    poll.save()
    if poll.chosen:
        Meetup.objects.filter(pk=poll.meetup_id).update(
            status="confirmed", date_precision="exact", starts_at=poll.chosen.starts_at
        )
    return Meetup.objects.get(pk=poll.meetup_id)


def test_closed_poll_cancels_what_was_not_chosen_and_makes_room_for_the_meetup(
    owner: User, token: str
) -> None:
    options = make_poll(make_meetup(title="Rust", status="polling"), 7, 8)
    vote(owner, options, "yes", "yes")
    meetup = close(options, 0)
    Rsvp.objects.create(meetup=meetup, user=owner, status="going")
    found = feed(token)
    assert set(found) == {meetup.ical_uid, options[1].ical_uid}
    assert found[meetup.ical_uid]["STATUS"] == "CONFIRMED"
    lost = found[options[1].ical_uid]
    assert (lost["STATUS"], lost["SUMMARY"], lost["SEQUENCE"]) == ("CANCELLED", "Not chosen: Rust", 1)


def test_voter_without_a_seat_sees_the_chosen_date_as_tentative(owner: User, token: str) -> None:
    options = make_poll(make_meetup(status="polling"), 7, 8)
    vote(owner, options, "if_need_be", "no")
    meetup = close(options, 0)
    found = feed(token)
    assert list(found) == [meetup.ical_uid]
    assert found[meetup.ical_uid]["STATUS"] == "TENTATIVE"
    assert "You have no seat yet." in found[meetup.ical_uid]["DESCRIPTION"]
    Rsvp.objects.create(meetup=meetup, user=owner, status="declined")
    assert feed(token) == {}


@pytest.mark.parametrize("how", ["poll", "meetup"])
def test_options_are_cancelled_when_the_vote_comes_to_nothing(owner: User, token: str, how: str) -> None:
    options = make_poll(make_meetup(status="polling"), 7)
    vote(owner, options, "yes")
    if how == "poll":
        close(options, None)
    else:
        Meetup.objects.update(status="cancelled")
    assert feed(token)[options[0].ical_uid]["STATUS"] == "CANCELLED"


def test_feed_of_somebody_without_plans_is_valid_and_in_their_zone(owner: User, token: str) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Europe/Berlin")
    calendar = read_calendar(Client().get(f"/calendar/{token}.ics").content)
    assert calendar["X-WR-TIMEZONE"] == "Europe/Berlin"
    assert calendar.walk("VEVENT") == []


def test_feed_is_private_and_answers_304(owner: User, token: str) -> None:
    meetup = make_dated_meetup(NOW + DAY)
    Rsvp.objects.create(meetup=meetup, user=owner, status="going")
    address = f"/calendar/{token}.ics"
    response = Client().get(address)
    assert response["Cache-Control"] == "private, no-cache"
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "Last-Modified" not in response
    assert Client().get(address, headers={"if-none-match": response["ETag"]}).status_code == 304
    head = Client().head(address)
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", response["ETag"])
    assert Client().post(address).status_code == 405


def test_feed_takes_as_many_queries_for_thirty_as_for_one(owner: User, token: str) -> None:
    chapter = make_chapter()
    counts = []
    for number in (1, 29):
        for index in range(number):
            meetup = make_dated_meetup(NOW + index * DAY, chapter=chapter)
            Rsvp.objects.create(meetup=meetup, user=owner, status="going")
            vote(owner, make_poll(make_meetup(chapter, status="polling"), 7), "yes")
        with CaptureQueriesContext(connection) as captured:
            assert len(feed(token)) == (2 if number == 1 else 60)
        counts.append(len(captured))
    assert counts == [5, 5]


def test_unknown_and_ended_addresses_are_the_same_and_cost_the_same(owner: User, token: str) -> None:
    replace_token(user=owner, at=NOW)
    answers = []
    for dead in (token, "no-such-token", "x" * 500):
        with CaptureQueriesContext(connection) as captured:
            response = Client().get(f"/calendar/{dead}.ics")
        answers.append((response.status_code, len(captured)))
    assert answers == [(404, 1)] * 3
    new = CalendarToken.objects.get(user=owner).token
    assert feed(new) == {}
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert Client().get(f"/calendar/{new}.ics").status_code == 404


def test_token_is_in_no_log(token: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Client().get(f"/calendar/{token}.ics")
        CalendarToken.objects.all().delete()
        Client().get(f"/calendar/{token}.ics")
        Client().post(f"/calendar/{token}.ics")
    said = caplog.text
    assert "Not Found: /calendar/<slug:token>.ics" in said
    assert "Method Not Allowed" in said
    assert token not in said


def test_page_makes_shows_replaces_and_deletes_the_address(as_owner: Client, owner: User) -> None:
    assert CalendarToken.objects.count() == 0
    assert "You have no address yet" in as_owner.get(PAGE).content.decode()
    assert CalendarToken.objects.count() == 0
    assert as_owner.post(reverse("events:my_calendar_new")).headers["Location"] == PAGE
    first = CalendarToken.objects.get(user=owner).token
    page = as_owner.get(PAGE)
    assert f"/calendar/{first}.ics" in page.content.decode()
    assert f'href="webcal://localhost:8000/calendar/{first}.ics"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    answer = as_owner.post(reverse("events:my_calendar_new"), follow=True).content.decode()
    second = CalendarToken.objects.get(user=owner).token
    assert second != first
    assert "The old address is dead." in answer
    assert first not in answer
    assert Client().get(f"/calendar/{first}.ics").status_code == 404
    assert Client().get(f"/calendar/{second}.ics").status_code == 200
    as_owner.post(reverse("events:my_calendar_delete"))
    assert Client().get(f"/calendar/{second}.ics").status_code == 404
    assert not CalendarToken.objects.exists()


def test_nobody_touches_the_address_of_another(as_member: Client, as_stranger: Client, token: str) -> None:
    assert token not in as_member.get(PAGE).content.decode()
    as_member.post(reverse("events:my_calendar_delete"))
    for address in (reverse("events:my_calendar_new"), reverse("events:my_calendar_delete")):
        assert as_member.get(address).status_code == 405
        assert as_stranger.post(address).headers["Location"].startswith("/accounts/login/")
    assert CalendarToken.objects.get().token == token


def test_address_is_part_of_what_is_exported_and_erased(owner: User, token: str) -> None:
    assert export_events(owner)["calendar_address_since"] == NOW
    erase_events(owner)
    assert not CalendarToken.objects.exists()


def test_votes_that_are_no_news_are_left_out(owner: User, token: str) -> None:
    hidden = make_poll(make_meetup(status="draft"), 7)
    vote(owner, hidden, "yes")
    old = make_poll(make_meetup(status="idea"), 7)
    vote(owner, old, "yes")
    DatePoll.objects.filter(pk=old[0].poll_id).update(closed_at=NOW - 92 * DAY)
    over = make_poll(make_meetup(status="polling"), -91)
    vote(owner, over, "yes")
    assert feed(token) == {}


def test_chosen_date_that_was_left_again_is_not_said_to_be_chosen(owner: User, token: str) -> None:
    options = make_poll(make_meetup(status="polling"), 7)
    vote(owner, options, "yes")
    meetup = close(options, 0)
    assert list(feed(token)) == [meetup.ical_uid]
    Meetup.objects.filter(pk=meetup.pk).update(starts_at=NOW + 9 * DAY)
    assert feed(token) == {}


def test_dates_of_a_vote_that_nobody_closed_are_off_once_the_meetup_left_it(owner: User, token: str) -> None:
    options = make_poll(make_meetup(title="Rust", status="tentative"), 10)
    vote(owner, options, "yes")
    assert str(feed(token)[options[0].ical_uid]["STATUS"]) == "CANCELLED"
