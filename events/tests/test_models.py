"""What is always true of a row, and what follows from the time."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from events.models import Chapter, ChapterMembership, Meetup
from events.tests.factories import NOW, make_chapter, make_dated_meetup, make_meetup, make_organizer
from portal.accounts.models import User

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def refused(constraint: str, **fields: Any) -> bool:
    """Whether the database refuses a meetup with these fields, and for this reason."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        make_meetup(**fields)
    return constraint in str(caught.value)


def test_confirmed_meetup_needs_an_exact_start() -> None:
    name = "confirmed_meetup_has_exact_start"
    assert refused(name, status="confirmed")
    assert refused(name, status="confirmed", date_precision="day", starts_at=NOW)
    make_meetup(status="confirmed", date_precision="exact", starts_at=NOW)


def test_a_date_goes_with_its_precision() -> None:
    name = "meetup_date_fits_its_precision"
    assert refused(name, date_precision="none", starts_at=NOW)
    for precision in ("month", "day", "exact"):
        assert refused(name, date_precision=precision)
        make_meetup(date_precision=precision, starts_at=NOW)


def test_meetup_ends_after_it_starts() -> None:
    name = "meetup_ends_after_it_starts"
    assert refused(name, date_precision="exact", starts_at=NOW, ends_at=NOW)
    assert refused(name, date_precision="exact", starts_at=NOW, ends_at=NOW - HOUR)
    assert refused(name, ends_at=NOW)
    make_dated_meetup(NOW, hours=1)


def test_ical_uid_is_given_once_and_to_one_meetup() -> None:
    first, second = make_meetup(), make_meetup()
    assert first.ical_uid != second.ical_uid
    with pytest.raises(IntegrityError), transaction.atomic():
        make_meetup(ical_uid=first.ical_uid)


def test_coordinates_are_whole_and_on_earth() -> None:
    make_chapter(latitude="18.52043", longitude="73.85674")
    for wrong in ({"latitude": "18.5"}, {"longitude": "73.8"}, {"latitude": "91", "longitude": "0"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_chapter(**wrong)


def test_role_is_of_somebody_and_ends_after_it_began(owner: User) -> None:
    chapter = make_chapter()
    today = dt.date(2026, 12, 13)
    for wrong in ({"name": ""}, {"name": "A", "since": today, "until": today - dt.timedelta(1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_organizer(chapter, **wrong)
    make_organizer(chapter, user=owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_organizer(chapter, user=owner)


def test_role_is_shown_by_the_accounts_name_where_there_is_one(owner: User) -> None:
    chapter = make_chapter()
    assert make_organizer(chapter, name="Anil Vettathu").shown_name == "Anil Vettathu"
    assert make_organizer(chapter, user=owner, name="Old name").shown_name == "Asha Owner"


def test_role_is_current_from_its_first_to_its_last_day() -> None:
    day, one = dt.date(2026, 12, 13), dt.timedelta(days=1)
    chapter = make_chapter()
    make_organizer(chapter, name="ended", until=day - one)
    make_organizer(chapter, name="last day", until=day)
    make_organizer(chapter, name="first day", since=day)
    make_organizer(chapter, name="later", since=day + one)
    make_organizer(chapter, name="helper", role="volunteer")
    names = ChapterMembership.objects.leading().current(day).values_list("name", flat=True)
    assert set(names) == {"last day", "first day"}


PASTNESS = [
    ({}, False),
    ({"status": "cancelled"}, True),
    ({"date_precision": "exact", "starts_at": NOW - HOUR, "ends_at": NOW + HOUR}, False),
    ({"date_precision": "exact", "starts_at": NOW - HOUR, "ends_at": NOW}, True),
    ({"date_precision": "exact", "starts_at": NOW - 4 * HOUR}, True),
    ({"date_precision": "exact", "starts_at": NOW - 3.9 * HOUR}, False),
    ({"date_precision": "day", "starts_at": NOW - 23 * HOUR}, False),
    ({"date_precision": "day", "starts_at": NOW - 24 * HOUR}, True),
    ({"date_precision": "month", "starts_at": NOW - 30 * 24 * HOUR}, False),
    ({"date_precision": "month", "starts_at": NOW - 31 * 24 * HOUR}, True),
    ({"date_precision": "exact", "starts_at": NOW + HOUR, "status": "cancelled"}, False),
]


@pytest.mark.parametrize(("fields", "is_past"), PASTNESS)
def test_meetup_is_past_by_the_same_rule_in_python_and_in_the_database(
    fields: dict[str, Any], is_past: bool
) -> None:
    meetup = make_meetup(**fields)
    assert meetup.is_past(NOW) is is_past
    assert list(Meetup.objects.past(at=NOW)) == ([meetup] if is_past else [])
    assert list(Meetup.objects.upcoming(at=NOW)) == ([] if is_past else [meetup])


def test_upcoming_puts_the_next_first_and_open_dates_last() -> None:
    open_date = make_meetup()
    later, sooner = make_dated_meetup(NOW + 48 * HOUR), make_dated_meetup(NOW + HOUR)
    over = [make_dated_meetup(NOW - 48 * HOUR), make_dated_meetup(NOW - 24 * HOUR)]
    assert list(Meetup.objects.upcoming(at=NOW)) == [sooner, later, open_date]
    assert list(Meetup.objects.past(at=NOW)) == over[::-1]


def test_drafts_are_seen_by_those_who_lead_the_chapter_and_by_staff(owner: User, member: User) -> None:
    chapter = make_chapter()
    draft, idea = make_meetup(chapter, status="draft"), make_meetup(chapter)
    elsewhere = make_meetup(status="draft")
    make_organizer(chapter, user=owner)
    make_organizer(chapter, user=member, role="volunteer")
    seen = Meetup.objects.visible_to
    assert set(seen(None)) == set(seen(member)) == {idea}
    assert set(seen(owner)) == {idea, draft}
    ChapterMembership.objects.filter(user=owner).update(until=timezone.localdate() - dt.timedelta(1))
    assert set(seen(owner)) == {idea}
    member.is_staff = True
    assert set(seen(member)) == {idea, draft, elsewhere}


def test_when_is_on_the_wall_clock_of_the_meetups_own_zone() -> None:
    start = dt.datetime(2026, 12, 13, 4, 30, tzinfo=dt.UTC)
    with timezone.override("America/New_York"):
        when = make_dated_meetup(start).when
    assert (when.start, when.end) == (dt.datetime(2026, 12, 13, 10), dt.datetime(2026, 12, 13, 13))
    assert (when.zone, when.stamp) == ("IST", "2026-12-13T10:00+05:30")
    assert when.ends_same_day
    summer = make_dated_meetup(dt.datetime(2026, 7, 1, 9, tzinfo=dt.UTC), time_zone="Europe/London").when
    assert (summer.start, summer.zone) == (dt.datetime(2026, 7, 1, 10), "BST")
    numbered = make_dated_meetup(start, hours=30, time_zone="Asia/Dubai").when
    assert numbered.zone == "UTC+04"
    assert not numbered.ends_same_day


def test_when_is_no_more_exact_than_what_is_settled() -> None:
    local_midnight = dt.datetime(2026, 12, 31, 18, 30, tzinfo=dt.UTC)  # 1 January in India
    day = make_meetup(date_precision="day", starts_at=local_midnight).when
    month = make_meetup(date_precision="month", starts_at=local_midnight).when
    assert (day.stamp, month.stamp) == ("2027-01-01", "2027-01")
    assert make_meetup().when.stamp == ""


def test_archived_chapters_are_not_listed_but_keep_their_page() -> None:
    archived = make_chapter(status="archived")
    proposed = make_chapter(status="proposed")
    assert list(Chapter.objects.listed()) == [proposed]
    assert set(Chapter.objects.visible_to(None)) == {archived, proposed}
