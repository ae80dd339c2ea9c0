"""Mails about one sign-up: what they say, what they carry, and that each event makes one."""

import datetime as dt
import re

import icalendar
import pytest
import time_machine
from django.test import Client

from events.models import Rsvp
from events.services import mails as tell
from events.tests.factories import NOW, make_chapter, make_dated_meetup, make_meetup
from events.tests.mail_making import mails, make_rsvp
from portal.accounts.models import User
from portal.tests.factories import make_user

START = dt.datetime(2026, 12, 19, 12, 30, tzinfo=dt.UTC)  # Saturday, 18:00 in India


@pytest.fixture
def rsvp(owner: User) -> Rsvp:
    """The owner is going to a hybrid meetup in Pune."""
    meetup = make_dated_meetup(
        START,
        chapter=make_chapter("pune"),
        title="Nested KVM",
        mode="hybrid",
        online_url="https://meet.example.org/secret",
    )
    return make_rsvp(meetup, owner, guests=1)


def test_who_is_going_gets_time_link_code_and_a_calendar_request(rsvp: Rsvp) -> None:
    tell.tell_going(rsvp)
    [mail] = mails()
    assert mail.subject == "You are going: Nested KVM"
    assert mail.is_transactional
    for body in (mail.text_body, mail.html_body):
        assert "Saturday 19 December 2026, 18:00 to 21:00 IST (UTC+05:30)" in body
        assert "2 seats are yours: for you and a guest." in body
        assert "https://meet.example.org/secret" in body
        assert rsvp.code in body
    [file] = mail.attachments.all()
    assert (file.name, file.mime_type) == ("invitation.ics", "text/calendar; method=REQUEST; charset=utf-8")
    calendar = icalendar.Calendar.from_ical(bytes(file.content))
    assert calendar["METHOD"] == "REQUEST"
    [event] = calendar.walk("VEVENT")
    assert event["UID"] == rsvp.meetup.ical_uid
    assert event["ATTENDEE"] == "mailto:owner@example.org"


def test_second_call_for_the_same_change_makes_no_second_mail(rsvp: Rsvp) -> None:
    tell.tell_promoted(rsvp)
    tell.tell_promoted(rsvp)
    assert len(mails()) == 1
    rsvp.changed_at = NOW
    tell.tell_promoted(rsvp)
    assert len(mails()) == 2


@pytest.mark.parametrize("status", ["waitlisted", "maybe", "offered", "unconfirmed"])
def test_only_who_is_going_reads_the_online_link(rsvp: Rsvp, status: str) -> None:
    other = make_rsvp(rsvp.meetup, f"{status}@example.org", status)
    tell.tell_waitlisted(other)
    tell.tell_offered(other)
    tell.tell_confirm_rsvp(other)
    tell.tell_left(other)
    assert len(mails()) == 4
    for mail in mails():
        assert "secret" not in mail.text_body + mail.html_body
        assert other.code not in mail.text_body + mail.html_body
        for file in mail.attachments.all():
            assert b"secret" not in bytes(file.content)


def test_whoever_left_gets_the_entry_withdrawn(rsvp: Rsvp) -> None:
    rsvp.status = "declined"
    tell.tell_left(rsvp)
    [file] = mails()[0].attachments.all()
    calendar = icalendar.Calendar.from_ical(bytes(file.content))
    assert calendar["METHOD"] == "CANCEL"
    assert calendar.walk("VEVENT")[0]["UID"] == rsvp.meetup.ical_uid


def test_meetup_without_a_day_brings_no_calendar_file(owner: User) -> None:
    rsvp = make_rsvp(make_meetup(), owner)
    tell.tell_going(rsvp)
    [mail] = mails()
    assert "The date is open." in mail.text_body
    assert not mail.attachments.exists()


def test_offer_ends_on_the_meetups_own_clock_not_on_the_readers() -> None:
    reader = make_user("far@example.org", time_zone="America/New_York")
    meetup = make_dated_meetup(START, time_zone="Europe/London")
    rsvp = make_rsvp(meetup, reader, "offered", offer_expires_at=NOW, guests=0)
    tell.tell_offered(rsvp)
    [mail] = mails()
    assert "held for you until Sunday 13 December 2026, 06:00 GMT (UTC+00:00)" in mail.text_body
    assert "Saturday 19 December 2026, 12:30 to 15:30 GMT (UTC+00:00)" in mail.text_body


def test_links_of_a_mail_work_without_signing_in_and_change_nothing_when_followed(rsvp: Rsvp) -> None:
    tell.tell_going(rsvp)
    links = re.findall(r"http://localhost:8000(/\S+)", mails()[0].text_body)
    own = [link for link in links if "rsvp" in link or "sign-up" in link]
    assert len(own) == 3  # the ticket, the sign-up, and leaving it
    for link in own:
        assert Client().get(link).status_code == 200
    rsvp.refresh_from_db()
    assert rsvp.status == "going"


HOSTILE = "Beers\r\nBcc: everyone@example.org\u2028<script>alert(1)</script>\u202etxt.exe " + "x" * 300


def test_hostile_title_and_name_break_neither_header_nor_html(owner: User) -> None:
    meetup = make_dated_meetup(START, chapter=make_chapter("pune"), venue_notes="<b onclick=x>")
    meetup.title = HOSTILE  # longer than PostgreSQL would keep
    rsvp = make_rsvp(meetup, "guest@example.org", name="Eve\r\nX: y <img src=x>")
    tell.tell_going(rsvp)
    tell.tell_confirm_rsvp(rsvp)
    for mail in mails():
        assert len(mail.subject) <= 255
        assert len(mail.subject.splitlines()) == 1
        assert "\u202e" not in mail.subject
        assert "<script" not in mail.html_body
        assert "<b onclick" not in mail.html_body
        assert "<img" not in mail.html_body


def test_address_typed_again_and_again_gets_one_mail_in_ten_minutes(rsvp: Rsvp) -> None:
    with time_machine.travel(NOW, tick=False):
        tell.tell_confirm_rsvp(rsvp)
        tell.tell_confirm_rsvp(rsvp)
        assert len(mails()) == 1
    with time_machine.travel(NOW + dt.timedelta(minutes=11), tick=False):
        tell.tell_confirm_rsvp(rsvp)
    assert len(mails()) == 2


@pytest.mark.parametrize(
    ("zone", "start", "end", "told"),
    [
        (
            "Asia/Kolkata",
            "2026-12-12T12:30",
            "2026-12-12T14:30",
            "12 December 2026, 18:00 to 20:00 IST (UTC+05:30)",
        ),
        ("Asia/Dubai", "2026-12-12T12:30", None, "12 December 2026, 16:30 UTC+04:00"),
        ("UTC", "2026-12-12T12:30", None, "12 December 2026, 12:30 UTC"),
        ("America/St_Johns", "2026-12-12T12:30", None, "12 December 2026, 09:00 NST (UTC-03:30)"),
        (
            "Europe/London",
            "2026-10-24T22:30",
            "2026-10-25T03:00",
            "24 October 2026, 23:30 BST (UTC+01:00) to Sunday 25 October 2026, 03:00 GMT (UTC+00:00)",
        ),
    ],
)
def test_time_names_zone_and_offset(zone: str, start: str, end: str | None, told: str) -> None:
    from events.services.mail_writing import time_text

    moments = [dt.datetime.fromisoformat(f"{one}+00:00") if one else None for one in (start, end)]
    assert time_text(moments[0], moments[1], "exact", zone).endswith(told)


pytestmark = pytest.mark.django_db
