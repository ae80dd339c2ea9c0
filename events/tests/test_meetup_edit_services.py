"""Editing a meetup: zones, seats, and two organizers at once."""

import datetime as dt
from typing import Any

import pytest

from events.models import Meetup
from events.services.edit_conflicts import EditConflict, fingerprints
from events.services.life import MeetupRefused
from events.services.meetups import FORM_FIELDS, change_meetup
from events.tests.factories import NOW, make_dated_meetup, make_meetup
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def edit(meetup: Meetup, seen: dict[str, str] | None = None, **changes: Any) -> set[str]:
    """Change ``meetup`` as the portal itself."""
    return change_meetup(meetup=meetup, actor=None, changes=changes, at=NOW, seen=seen)


def whole(meetup: Meetup, **changes: Any) -> dict[str, Any]:
    """What the form sends: every field, ``changes`` among them."""
    stored = {name: getattr(meetup, name) for name in FORM_FIELDS - {"topics"}}
    return stored | {"topics": [topic.name for topic in meetup.topics.all()]} | changes


@pytest.mark.parametrize(
    ("old", "new", "start", "moved"),
    [
        ("Asia/Kolkata", "Europe/London", (2027, 7, 3, 4, 30), (2027, 7, 3, 9, 0)),
        ("Europe/London", "America/New_York", (2027, 7, 3, 9, 0), (2027, 7, 3, 14, 0)),
        ("Europe/London", "America/New_York", (2027, 3, 20, 10, 0), (2027, 3, 20, 14, 0)),
    ],
)
def test_another_zone_keeps_the_wall_clock(
    old: str, new: str, start: tuple[int, ...], moved: tuple[int, ...]
) -> None:
    moment = dt.datetime(*start, tzinfo=dt.UTC)  # type: ignore[arg-type, misc]
    meetup = make_dated_meetup(
        moment, time_zone=old, registration_closes_at=moment - dt.timedelta(hours=1), hours=2
    )
    wall = meetup.when.start
    edit(meetup, time_zone=new)
    assert meetup.starts_at == dt.datetime(*moved, tzinfo=dt.UTC)  # type: ignore[arg-type, misc]
    assert meetup.when.start == wall
    assert meetup.starts_at is not None
    assert meetup.ends_at == meetup.starts_at + dt.timedelta(hours=2)
    assert meetup.registration_closes_at == meetup.starts_at - dt.timedelta(hours=1)


def test_seats_that_are_taken_cannot_be_taken_away() -> None:
    meetup = make_dated_meetup(NOW + DAY, capacity=5)
    meetup.rsvps.create(user=make_user(), status="going", guests=2)
    meetup.rsvps.create(user=make_user(), status="offered", offer_expires_at=NOW + DAY)
    meetup.rsvps.create(user=make_user(), status="waitlisted")
    with pytest.raises(MeetupRefused, match=r"^4 seats are taken or offered, so there cannot be only 3"):
        edit(meetup, capacity=3)
    assert edit(meetup, capacity=4) == {"capacity"}


def test_nobody_moves_the_date_while_people_vote_on_it() -> None:
    meetup = make_meetup(status="polling")
    poll = meetup.polls.create()
    with pytest.raises(MeetupRefused, match="Close the vote first"):
        edit(meetup, starts_at=NOW + DAY, date_precision="day")
    assert edit(meetup, title="Still possible") == {"title"}
    poll.closed_at = NOW
    poll.save()
    assert edit(meetup, starts_at=NOW + DAY, date_precision="day") == {"starts_at", "date_precision"}


def test_only_named_fields_are_changed_this_way() -> None:
    for name in ("status", "chapter", "ical_uid", "slug", "lock_version"):
        with pytest.raises(ValueError, match="cannot be changed this way"):
            edit(make_meetup(), None, **{name: "x"})


def test_topics_are_made_and_changed_as_a_whole() -> None:
    meetup = make_meetup()
    assert edit(meetup, topics=["Migration", "Block layer"]) == {"topics"}
    assert edit(meetup, topics=["block layer", "migration"]) == set()
    assert edit(make_meetup(), topics=["MIGRATION"]) == {"topics"}
    assert edit(meetup, topics=[]) == {"topics"}


def test_two_who_edit_different_fields_keep_both() -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Old", summary="Old")
    seen = fingerprints(meetup, FORM_FIELDS)
    mine, theirs = whole(meetup, title="Mine"), whole(meetup, summary="Theirs")
    edit(meetup, seen, **theirs)
    assert edit(meetup, seen, **mine) == {"title"}
    assert (meetup.title, meetup.summary) == ("Mine", "Theirs")


def test_two_who_edit_the_same_field_are_told() -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Old", summary="Old")
    seen = fingerprints(meetup, FORM_FIELDS)
    mine = whole(meetup, title="Mine", summary="Mine too")
    edit(meetup, seen, **whole(meetup, title="Theirs"))
    with pytest.raises(EditConflict) as found:
        edit(meetup, seen, **mine)
    assert found.value.fields == {"title"}
    assert found.value.mine == {"title", "summary"}
    meetup.refresh_from_db()
    assert (meetup.title, meetup.summary) == ("Theirs", "Old")


def test_two_who_make_the_same_change_agree() -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Old")
    seen = fingerprints(meetup, FORM_FIELDS)
    same = whole(meetup, title="New")
    edit(meetup, seen, **same)
    assert edit(meetup, seen, **same) == set()


def test_start_and_zone_are_one_thing() -> None:
    meetup = make_dated_meetup(NOW + DAY)
    seen = fingerprints(meetup, FORM_FIELDS)
    mine = whole(meetup, ends_at=NOW + 2 * DAY)
    edit(meetup, seen, **whole(meetup, starts_at=NOW + dt.timedelta(hours=23)))
    with pytest.raises(EditConflict) as found:
        edit(meetup, seen, **mine)
    assert found.value.fields == {"starts_at", "ends_at"}


def test_the_same_moment_typed_in_another_zone_stays_that_moment() -> None:
    meetup = make_dated_meetup(NOW + DAY)
    seen = fingerprints(meetup, FORM_FIELDS)
    edit(meetup, seen, **whole(meetup, time_zone="Europe/London"))
    assert meetup.starts_at == NOW + DAY


def test_a_page_that_carries_nothing_is_trusted_with_nothing() -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Stored")
    with pytest.raises(EditConflict):
        edit(meetup, {}, **whole(meetup, title="Typed long ago"))
