"""Meetups that repeat: made ahead once, each free to go its own way, at the same time of day in every season."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from events import tasks
from events.models import AuditLog, Chapter, Meetup, MeetupSeries
from events.series_rules import Rule, RuleRefused
from events.services.edit_conflicts import fingerprints
from events.services.life import MeetupRefused
from events.services.meetups import FORM_FIELDS, change_meetup, discard_meetup, move_meetup
from events.services.series import (
    change_following,
    end_series,
    extend_series,
    following,
    running_series,
    start_series,
)
from events.tests.factories import make_chapter, make_dated_meetup
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
#: The second Saturday of December 2026, a week before it.
AT = dt.datetime(2026, 12, 5, 6, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
SECOND_SATURDAY = Rule.read("FREQ=MONTHLY;BYDAY=2SA")


@pytest.fixture
def staff(db: None) -> User:
    """Somebody who may do it."""
    return make_user(is_staff=True)


def first_meetup(zone: str = "Europe/London", **fields: Any) -> Meetup:
    """Ten to one on Saturday 12 December 2026, London winter time."""
    start = dt.datetime(2026, 12, 12, 10, tzinfo=dt.UTC)
    chapter = make_chapter(time_zone=zone)
    return make_dated_meetup(start, chapter=chapter, time_zone=zone, title="Reading group", **fields)


def start(
    staff: User, meetup: Meetup | None = None, rule: Rule = SECOND_SATURDAY, until: dt.date | None = None
) -> MeetupSeries:
    """A series of ``meetup``."""
    return start_series(meetup=meetup or first_meetup(), actor=staff, rule=rule, until=until, at=AT)


def days(series: MeetupSeries) -> list[str]:
    """The days of its meetups."""
    found = Meetup.objects.filter(series=series).order_by("series_day")
    return [str(meetup.series_day) for meetup in found]


def of_day(series: MeetupSeries, day: str) -> Meetup:
    """Its meetup of a day."""
    return Meetup.objects.select_related("chapter", "series").get(series=series, series_day=day)


HALF_A_YEAR = ["2026-12-12", "2027-01-09", "2027-02-13", "2027-03-13", "2027-04-10", "2027-05-08"]


def test_half_a_year_is_made_and_ten_o_clock_stays_ten_o_clock(staff: User) -> None:
    series = start(staff)
    assert days(series) == HALF_A_YEAR
    for meetup in Meetup.objects.filter(series=series):
        assert meetup.when.start is not None
        assert meetup.when.end is not None
        assert f"{meetup.when.start:%H:%M} {meetup.when.end:%H:%M}" == "10:00 13:00"
    hours = {meetup.starts_at.hour for meetup in Meetup.objects.filter(series=series) if meetup.starts_at}
    assert hours == {10, 9}
    uids = Meetup.objects.filter(series=series).values_list("ical_uid", flat=True)
    assert len(set(uids)) == len(HALF_A_YEAR)


def test_those_that_follow_are_like_the_first(staff: User) -> None:
    meetup = first_meetup(capacity=30, description="We read.")
    meetup.questions.create(text="Which chapter?")
    meetup.rsvps.create(user=staff, status="going")
    change_meetup(meetup=meetup, actor=None, changes={"topics": ["Memory"]}, at=AT)
    series = start(staff, meetup)
    later = of_day(series, "2027-01-09")
    assert (later.title, later.capacity, later.status) == ("Reading group", 30, "confirmed")
    assert [question.text for question in later.questions.all()] == ["Which chapter?"]
    assert [topic.name for topic in later.topics.all()] == ["Memory"]
    assert later.rsvps.count() == 0
    assert later.announced_at == AT  # followers heard of the first


def test_looking_ahead_twice_makes_nothing_twice(staff: User) -> None:
    series = start(staff)
    assert extend_series(series=series, at=AT) == []
    stale = MeetupSeries.objects.get(pk=series.pk)
    later = AT + 40 * DAY
    assert [str(meetup.series_day) for meetup in extend_series(series=series, at=later)] == [
        "2027-06-12",
        "2027-07-10",
    ]
    assert extend_series(series=stale, at=later) == []
    assert days(series) == [*HALF_A_YEAR, "2027-06-12", "2027-07-10"]


def test_what_was_discarded_does_not_come_back(staff: User) -> None:
    series = start(staff, first_meetup(status="draft"))
    discard_meetup(meetup=of_day(series, "2027-02-13"), actor=staff, at=AT)
    extend_series(series=series, at=AT + 40 * DAY)
    assert "2027-02-13" not in days(series)
    assert "2027-06-12" in days(series)


def test_days_that_passed_while_nothing_ran_are_not_made(staff: User) -> None:
    series = start(staff)
    much_later = dt.datetime(2027, 9, 20, tzinfo=dt.UTC)
    made = extend_series(series=series, at=much_later)
    assert str(made[0].series_day) == "2027-10-09"


def test_a_series_ends_with_its_last_day(staff: User) -> None:
    series = start(staff, until=dt.date(2027, 2, 13))
    assert days(series) == HALF_A_YEAR[:3]
    assert extend_series(series=series, at=AT + 60 * DAY) == []


def test_the_task_goes_on_where_a_rule_cannot_be_read(staff: User) -> None:
    meetup = first_meetup()
    broken, good = start(staff), start(staff, meetup)
    MeetupSeries.objects.filter(pk=broken.pk).update(rule="FREQ=SECONDLY", made_until="2026-12-12")
    MeetupSeries.objects.filter(pk=good.pk).update(made_until="2026-12-12")
    Meetup.objects.filter(series=good).exclude(pk=meetup.pk).delete()
    with pytest.raises(RuleRefused):
        extend_series(series=MeetupSeries.objects.get(pk=broken.pk), at=AT)
    tasks.extend_series()
    assert Meetup.objects.filter(series=good, starts_at__gt=timezone.now()).count() > 3


def test_one_that_was_edited_alone_goes_its_own_way(staff: User) -> None:
    series = start(staff)
    alone = of_day(series, "2027-02-13")
    change_meetup(meetup=alone, actor=staff, changes={"title": "With a guest"}, at=AT)
    assert alone.is_detached
    second = of_day(series, "2027-01-09")
    count = change_following(
        meetup=second,
        actor=staff,
        changes={"title": "Book club", "capacity": 20},
        seen=fingerprints(second, FORM_FIELDS),
        at=AT,
    )
    titles = [of_day(series, day).title for day in HALF_A_YEAR]
    assert titles == ["Reading group", "Book club", "With a guest", "Book club", "Book club", "Book club"]
    assert count == 4
    second.refresh_from_db()
    series.refresh_from_db()
    assert (second.is_detached, series.title) == (False, "Book club")
    assert [meetup.title for meetup in extend_series(series=series, at=AT + 15 * DAY)] == ["Book club"]


def test_publishing_one_leaves_it_in_the_series(staff: User) -> None:
    series = start(staff, first_meetup(status="draft"))
    one = of_day(series, "2027-01-09")
    move_meetup(meetup=one, actor=staff, status="confirmed", at=AT)
    assert not of_day(series, "2027-01-09").is_detached


def test_a_new_time_of_day_holds_for_all_that_follow(staff: User) -> None:
    series = start(staff)
    second = of_day(series, "2027-01-09")
    seen = fingerprints(second, FORM_FIELDS)
    new = dt.datetime(2027, 1, 9, 18, 30, tzinfo=dt.UTC)
    changes = {"starts_at": new, "ends_at": new + dt.timedelta(hours=1)}
    change_following(meetup=second, actor=staff, changes=changes, seen=seen, at=AT)
    walls = [of_day(series, day).when for day in HALF_A_YEAR]
    assert [f"{when.start:%d %H:%M}" for when in walls] == [
        "12 10:00",
        "09 18:30",
        "13 18:30",
        "13 18:30",
        "10 18:30",
        "08 18:30",
    ]
    april = of_day(series, "2027-04-10")
    assert april.starts_at == dt.datetime(2027, 4, 10, 17, 30, tzinfo=dt.UTC)
    assert april.ical_sequence == 1


def test_meetups_are_locked_in_the_order_of_their_keys(staff: User) -> None:
    series = start(staff)
    first, last = of_day(series, "2027-01-09"), of_day(series, "2027-05-08")
    Meetup.objects.filter(pk=last.pk).update(series_day="2027-01-10")
    locked = list(following(series, dt.date(2027, 1, 8), AT))
    assert [meetup.pk for meetup in locked] == sorted(meetup.pk for meetup in locked)
    assert first in locked
    assert last in locked


def test_another_day_is_for_one_alone(staff: User) -> None:
    series = start(staff)
    second = of_day(series, "2027-01-09")
    seen = fingerprints(second, FORM_FIELDS)
    changes = {"starts_at": dt.datetime(2027, 1, 10, 10, tzinfo=dt.UTC), "ends_at": None}
    with pytest.raises(MeetupRefused, match="gives the days"):
        change_following(meetup=second, actor=staff, changes=changes, seen=seen, at=AT)
    assert of_day(series, "2027-01-09").starts_at == dt.datetime(2027, 1, 9, 10, tzinfo=dt.UTC)


def test_ending_discards_drafts_cancels_what_was_seen_and_leaves_those_edited_alone(staff: User) -> None:
    series = start(staff)
    Meetup.objects.filter(series=series, series_day="2027-03-13").update(status="draft")
    change_meetup(meetup=of_day(series, "2027-04-10"), actor=staff, changes={"title": "Stays"}, at=AT)
    gone = end_series(series=series, actor=staff, last_day=dt.date(2027, 1, 9), reason="No room.", at=AT)
    assert gone == 3
    states = {str(m.series_day): m.status for m in Meetup.objects.filter(series=series)}
    assert states == {
        "2026-12-12": "confirmed",
        "2027-01-09": "confirmed",
        "2027-02-13": "cancelled",
        "2027-04-10": "confirmed",
        "2027-05-08": "cancelled",
    }
    assert of_day(series, "2027-02-13").ical_sequence == 1
    assert extend_series(series=series, at=AT + 90 * DAY) == []
    assert AuditLog.objects.filter(act="end_series").count() == 1


@pytest.mark.parametrize(
    "fields",
    [{"status": "cancelled"}, {"status": "tentative", "date_precision": "day", "ends_at": None}],
    ids=str,
)
def test_what_cannot_repeat_is_refused(staff: User, fields: dict[str, Any]) -> None:
    with pytest.raises(MeetupRefused):
        start(staff, first_meetup(**fields))
    repeated = first_meetup()
    with pytest.raises(MeetupRefused, match="lies before its first meetup"):
        start(staff, repeated, until=dt.date(2026, 12, 1))
    start(staff, repeated)
    with pytest.raises(MeetupRefused, match="series already"):
        start(staff, repeated)


def test_an_hour_that_the_clocks_leave_out_moves_forward(staff: User) -> None:
    sunday = make_dated_meetup(
        dt.datetime(2027, 2, 28, 1, 30, tzinfo=dt.UTC),
        hours=1,
        time_zone="Europe/London",
        chapter=make_chapter(),
    )
    at = dt.datetime(2027, 2, 20, tzinfo=dt.UTC)
    series = start_series(
        meetup=sunday, actor=staff, rule=Rule.read("FREQ=MONTHLY;BYDAY=-1SU"), until=None, at=at
    )
    spring = of_day(series, "2027-03-28")
    assert spring.starts_at == dt.datetime(2027, 3, 28, 1, 30, tzinfo=dt.UTC)  # 02:30, the clocks being ahead
    assert spring.ends_at is not None
    assert spring.ends_at > spring.starts_at


def test_an_archived_chapter_gets_no_more_meetups(staff: User) -> None:
    series = start(staff)
    assert list(running_series(AT)) == [series]
    Chapter.objects.update(status="archived")
    assert not running_series(AT).exists()
