"""Who is told of which change: each event once, a draft never, what is over never."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from events.models import Meetup
from events.services import mails
from events.services.meetups import (
    cancel_meetup,
    change_meetup,
    move_meetup,
    publish_meetup,
    set_date,
    tell_of_place,
)
from events.tests.factories import NOW, make_dated_meetup, make_meetup
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
News = list[tuple[Any, ...]]


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> News:
    """What the mails are asked to tell."""
    told: News = []
    for name in ("tell_new_meetup", "tell_date_decided", "tell_cancelled"):
        monkeypatch.setattr(mails, name, lambda meetup, name=name: told.append((name, meetup.pk)))
    monkeypatch.setattr(
        mails,
        "tell_changed",
        lambda meetup, changed, before: told.append(("tell_changed", meetup.pk, changed, before.title)),
    )
    return told


def date(meetup: Meetup, status: str) -> None:
    """Give it the day after tomorrow."""
    set_date(
        meetup=meetup,
        actor=None,
        starts_at=NOW + 2 * DAY,
        ends_at=None,
        precision="exact",
        status=status,
        at=NOW,
    )


def test_publishing_tells_followers(news: News) -> None:
    meetup = make_dated_meetup(NOW + DAY, status="draft")
    change_meetup(meetup=meetup, actor=None, changes={"title": "Not told of"}, at=NOW)
    publish_meetup(meetup=meetup, actor=None, status="confirmed", at=NOW)
    assert news == [("tell_new_meetup", meetup.pk)]


def test_an_old_meetup_that_is_written_down_is_no_news(news: News) -> None:
    meetup = make_dated_meetup(NOW - DAY, status="draft")
    publish_meetup(meetup=meetup, actor=None, status="confirmed", at=NOW)
    change_meetup(meetup=meetup, actor=None, changes={"title": "Corrected"}, at=NOW)
    assert news == []


@pytest.mark.parametrize("status", ["confirmed", "tentative"])
def test_a_first_date_is_told_as_decided(news: News, status: str) -> None:
    meetup = make_meetup()
    date(meetup, status)
    date(meetup, status)
    assert news == [("tell_date_decided", meetup.pk)]


def test_a_date_that_moves_is_told_as_a_change(news: News) -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Was")
    date(meetup, "confirmed")
    assert news == [("tell_changed", meetup.pk, {"starts_at", "ends_at"}, "Was")]


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"title": "Is", "venue_notes": "Second floor"}, {"title", "venue_notes"}),
        ({"title": "Was"}, set()),
    ],
    ids=["two things", "nothing"],
)
def test_a_change_is_told_with_what_was(news: News, changes: dict[str, str], changed: set[str]) -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Was")
    change_meetup(meetup=meetup, actor=None, changes=changes, at=NOW)
    assert news == ([("tell_changed", meetup.pk, changed, "Was")] if changed else [])


def test_cancelling_is_told_once_and_coming_back_as_a_change(news: News) -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Was")
    for _ in range(2):
        cancel_meetup(meetup=meetup, actor=None, reason="Rain", at=NOW)
    move_meetup(meetup=meetup, actor=None, status="confirmed", at=NOW)
    assert [one[0] for one in news] == ["tell_cancelled", "tell_changed"]


def test_a_venue_described_anew_is_a_change_of_place(news: News) -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Was")
    tell_of_place(meetup=meetup, at=NOW)
    assert news == [("tell_changed", meetup.pk, {"venue"}, "Was")]


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        ({"capacity": 3}, ["going", "going", "waitlisted"]),
        ({"capacity": None}, ["going", "going", "going"]),
        ({"waitlist": "offer", "capacity": 3}, ["going", "offered", "waitlisted"]),
        ({"title": "Nothing is free"}, ["going", "waitlisted", "waitlisted"]),
    ],
    ids=str,
)
def test_seats_that_become_free_go_to_those_who_wait(
    changes: dict[str, Any], statuses: list[str], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    meetup = make_dated_meetup(NOW + DAY, capacity=1)
    for number, status in enumerate(["going", "waitlisted", "waitlisted"]):
        guests = 1 if number == 1 else 0
        meetup.rsvps.create(
            user=make_user(), status=status, guests=guests, queued_at=NOW + number * dt.timedelta(minutes=1)
        )
    change_meetup(meetup=meetup, actor=None, changes=changes, at=NOW)
    assert [rsvp.status for rsvp in meetup.rsvps.order_by("queued_at")] == statuses
