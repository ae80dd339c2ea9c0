"""Mails that time brings: reminders once for each start, and one summary a week."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Announcement, ChapterFollow, CoHost, Meetup
from events.services import digests, mail_clock
from events.services import mails as tell
from events.tests.factories import make_chapter, make_dated_meetup
from events.tests.mail_making import mails, make_follow, make_rsvp, readers, work
from portal.accounts.models import User
from portal.mail.preferences import set_preference
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR
START = dt.datetime(2026, 12, 19, 12, 30, tzinfo=dt.UTC)  # Saturday, 18:00 in India


def beat(at: dt.datetime) -> None:
    """What beat does at ``at``."""
    with time_machine.travel(at, tick=False):
        mail_clock.remind(at=at)
        mail_clock.summarise_week(at=at)
        work(at)


def reminders() -> list[str]:
    return readers("meetup_reminders")


# ------------------------------------------------------------------------------------------- reminders


def test_reminder_comes_a_day_before_and_never_twice(owner: User) -> None:
    make_rsvp(make_dated_meetup(START, title="Nested KVM"), owner)
    beat(START - 24 * HOUR - dt.timedelta(minutes=5))
    assert reminders() == []
    for minutes in (0, 5, 60, 1400):
        beat(START - 24 * HOUR + dt.timedelta(minutes=minutes))
    assert reminders() == ["owner@example.org"]
    [mail] = mails()
    assert mail.subject == "Tomorrow: Nested KVM"
    assert "18:00 to 21:00 IST (UTC+05:30)" in mail.text_body
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_only_who_is_going_is_reminded(owner: User) -> None:
    meetup = make_dated_meetup(START)
    make_rsvp(meetup, owner)
    for status in ("maybe", "waitlisted", "offered", "declined", "unconfirmed"):
        make_rsvp(meetup, f"{status}@example.org", status)
    beat(START - 23 * HOUR)
    assert reminders() == ["owner@example.org"]


@pytest.mark.parametrize("status", ["cancelled", "tentative", "idea", "polling", "draft"])
def test_only_a_confirmed_meetup_reminds(owner: User, status: str) -> None:
    make_rsvp(make_dated_meetup(START, status=status), owner)
    beat(START - 23 * HOUR)
    assert reminders() == []


def test_who_switched_reminders_off_gets_none(owner: User) -> None:
    make_rsvp(make_dated_meetup(START), owner)
    set_preference(owner, "meetup_reminders", False)
    beat(START - 23 * HOUR)
    assert reminders() == []


def test_a_moved_meetup_reminds_again_and_moved_back_not_a_third_time(owner: User) -> None:
    meetup = make_dated_meetup(START)
    make_rsvp(meetup, owner)
    beat(START - 23 * HOUR)
    Meetup.objects.update(starts_at=START + 7 * DAY, ends_at=None)
    beat(START - 20 * HOUR)
    assert len(reminders()) == 1
    beat(START + 6 * DAY + HOUR)
    assert len(reminders()) == 2
    Meetup.objects.update(starts_at=START + 8 * DAY)
    beat(START + 7 * DAY + HOUR)
    Meetup.objects.update(starts_at=START + 7 * DAY)
    beat(START + 7 * DAY - HOUR)
    assert len(reminders()) == 3


def test_moved_after_the_round_began_the_old_time_is_told_to_nobody(owner: User) -> None:
    make_rsvp(make_dated_meetup(START), owner)
    mail_clock.remind(at=START - 23 * HOUR)
    Meetup.objects.update(starts_at=START + 7 * DAY, ends_at=None)
    work(START - 23 * HOUR)
    assert reminders() == []


def test_beat_that_was_down_for_hours_reminds_late_but_not_after_the_start(owner: User) -> None:
    make_rsvp(make_dated_meetup(START, title="Late"), owner)
    make_rsvp(make_dated_meetup(START - 3 * HOUR, title="Begun"), owner)
    beat(START - 2 * HOUR)
    [mail] = mails()
    assert mail.subject == "Today: Late"


def test_a_round_that_waited_past_the_start_reminds_nobody(owner: User) -> None:
    make_rsvp(make_dated_meetup(START), owner)
    mail_clock.remind(at=START - HOUR)
    work(START)
    assert mails() == []


def test_who_signed_up_just_now_is_not_reminded_of_it(owner: User, member: User) -> None:
    meetup = make_dated_meetup(START)
    at = START - 23 * HOUR
    make_rsvp(meetup, owner, changed_at=at - HOUR)
    make_rsvp(meetup, member, changed_at=at - 7 * HOUR)
    beat(at)
    assert reminders() == ["member@example.org"]


def test_a_date_decided_within_the_last_day_waits_a_little_with_its_reminder(owner: User) -> None:
    meetup = make_dated_meetup(START)
    make_rsvp(meetup, owner)
    at = START - 20 * HOUR
    with time_machine.travel(at, tick=False):
        tell.tell_date_decided(meetup)
    beat(at + HOUR)
    assert (len(mails()), reminders()) == (1, [])
    beat(at + 7 * HOUR)
    assert reminders() == ["owner@example.org"]


@pytest.mark.parametrize(
    ("zone", "wall", "sent_at"),
    [
        # Clocks go back in the night before: the same wall-clock time the day before is 25 hours away.
        ("Europe/Berlin", dt.datetime(2026, 10, 25, 18, 0), "2026-10-24T17:00+00:00"),
        # Clocks go forward: 23 hours.
        ("Europe/Berlin", dt.datetime(2027, 3, 28, 18, 0), "2027-03-27T16:00+00:00"),
        ("America/New_York", dt.datetime(2026, 11, 1, 10, 0), "2026-10-31T15:00+00:00"),
        ("Asia/Kolkata", dt.datetime(2026, 10, 25, 18, 0), "2026-10-24T12:30+00:00"),
    ],
)
def test_a_day_is_24_hours_also_where_the_clocks_change(
    owner: User, zone: str, wall: dt.datetime, sent_at: str
) -> None:
    start = wall.replace(tzinfo=ZoneInfo(zone))
    make_rsvp(
        make_dated_meetup(start, time_zone=zone), owner, changed_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    )
    due = dt.datetime.fromisoformat(sent_at)
    assert start - due == 24 * HOUR
    beat(due - dt.timedelta(seconds=1))
    assert mails() == []
    beat(due)
    assert f"{wall:%H:%M}" in mails()[0].text_body
    assert len(reminders()) == 1


# ------------------------------------------------------------------------------------------- summaries

MONDAY = dt.datetime(2026, 12, 14, 3, 30, tzinfo=dt.UTC)  # 09:00 in India, in week 51


def test_one_mail_for_all_chapters_of_a_reader_with_or_without_an_account(owner: User) -> None:
    pune, mumbai = make_chapter("pune"), make_chapter("mumbai")
    for chapter in (pune, mumbai):
        make_dated_meetup(
            START,
            chapter=chapter,
            title=f"In {chapter.city}",
            announced_at=MONDAY - DAY,
            online_url="https://x.example/",
        )
        make_follow(chapter, owner, "weekly")
        make_follow(chapter, "fan@example.org", "weekly")
    make_follow(pune, "each@example.org")
    make_follow(pune, "never@example.org", "weekly", confirmed_at=None)
    beat(MONDAY - dt.timedelta(minutes=1))
    assert mails() == []
    beat(MONDAY)
    beat(MONDAY + HOUR)
    beat(MONDAY + 6 * DAY)
    assert readers("meetup_digest") == ["fan@example.org", "owner@example.org"]
    for mail in mails("meetup_digest"):
        assert mail.subject == "This week: Mumbai, Pune"
        for body in (mail.text_body, mail.html_body):
            assert "In Pune" in body
            assert "In Mumbai" in body
            assert "Saturday 19 December 2026, 18:00 to 21:00 IST (UTC+05:30)" in body
            assert "x.example" not in body
        assert mail.text_body.count("/follows/") == 2
        assert "List-Unsubscribe" in mail.headers


def test_next_week_has_its_own_summary_and_calls_nothing_new_again(owner: User) -> None:
    pune = make_chapter("pune")
    make_follow(pune, owner, "weekly")
    make_dated_meetup(START + 4 * DAY, chapter=pune, title="Nested", announced_at=MONDAY - DAY)
    beat(MONDAY)
    beat(MONDAY + 7 * DAY)
    first, second = mails()
    assert "New: Nested" in first.text_body
    assert "Nested" in second.text_body
    assert "New: Nested" not in second.text_body


def test_a_week_without_news_and_without_a_meetup_soon_brings_no_mail(owner: User) -> None:
    pune = make_chapter("pune")
    make_follow(pune, owner, "weekly")
    make_dated_meetup(MONDAY + 30 * DAY, chapter=pune, announced_at=MONDAY - 20 * DAY)
    make_dated_meetup(MONDAY + 2 * DAY, chapter=pune, status="draft")
    beat(MONDAY)
    assert mails() == []


def test_a_week_in_which_nothing_ran_is_made_up_for(owner: User) -> None:
    pune = make_chapter("pune")
    make_follow(pune, owner, "weekly")
    beat(MONDAY)
    make_dated_meetup(MONDAY + 60 * DAY, chapter=pune, title="Missed", announced_at=MONDAY + DAY)
    beat(MONDAY + 16 * DAY)
    assert "New: Missed" in mails()[0].text_body


def test_summary_has_what_is_cancelled_messages_and_what_is_held_together(owner: User) -> None:
    pune, mumbai = make_chapter("pune"), make_chapter("mumbai")
    make_follow(pune, owner, "weekly")
    make_dated_meetup(START, chapter=pune, status="cancelled", title="Gone", changed_at=MONDAY - DAY)
    shared = make_dated_meetup(START, chapter=mumbai, title="Shared", announced_at=MONDAY - DAY)
    CoHost.objects.create(meetup=shared, chapter=pune, status="accepted")
    asked = make_dated_meetup(START, chapter=mumbai, title="Only asked", announced_at=MONDAY - DAY)
    CoHost.objects.create(meetup=asked, chapter=pune, status="asked")
    for audience, words in (("followers", "Rooms wanted"), ("going", "For those who come")):
        Announcement.objects.create(
            chapter=pune, audience=audience, subject=words, text="Please.", created_at=MONDAY - DAY
        )
    beat(MONDAY)
    text = mails()[0].text_body
    assert "Cancelled: Gone" in text
    assert "New: Shared" in text
    assert "Rooms wanted" in text
    assert "Only asked" not in text
    assert "For those who come" not in text


def test_who_switched_the_summary_off_gets_none(owner: User) -> None:
    pune = make_chapter("pune")
    make_follow(pune, owner, "weekly")
    make_dated_meetup(START, chapter=pune, announced_at=MONDAY - DAY)
    set_preference(owner, "meetup_digest", False)
    beat(MONDAY)
    assert mails() == []


def test_queries_of_summaries_do_not_grow_with_readers_or_meetups() -> None:
    counts = []
    chapters = [make_chapter() for _ in range(3)]
    for size in (2, 60):
        for number in range(size):
            user = make_user()
            for chapter in chapters[:2]:
                make_follow(chapter, user, "weekly")
            make_dated_meetup(START + number * DAY, chapter=chapters[0], announced_at=MONDAY - DAY)
        rows = list(digests.readers().select_related("user"))
        since: dict[str, Any] = {"since": MONDAY - 7 * DAY, "until": MONDAY, "at": MONDAY}
        with CaptureQueriesContext(connection) as seen:
            assert len(digests.letters(rows, week="2026-W51", **since)) == ChapterFollow.objects.count() / 2
        counts.append(len(seen))
    assert counts[0] == counts[1]
