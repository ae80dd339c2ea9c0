"""What mails bring for the reader's calendar."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.models import Meetup, Rsvp
from events.queries.calendars import invitation
from events.tests.calendar_reading import read_calendar, read_events
from events.tests.factories import make_dated_meetup, make_meetup
from portal.accounts.models import User

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 12, 13, 6, 0, tzinfo=dt.UTC)
START = dt.datetime(2026, 12, 20, 4, 30, tzinfo=dt.UTC)
LINK = "https://meet.example/secret-room"


def entry(meetup: Meetup, **wanted: Any) -> tuple[Any, Any]:
    """The valid calendar that a mail brings, and its only event."""
    calendar = read_calendar(invitation(meetup, at=NOW, **wanted))
    (event,) = calendar.walk("VEVENT")
    return calendar, event


def rsvp_of(user: User, meetup: Meetup, status: str = "going") -> Rsvp:
    return Rsvp.objects.create(meetup=meetup, user=user, status=status)


def test_request_names_the_reader_alone(member: User, owner: User) -> None:
    meetup = make_dated_meetup(START, mode="online", online_url=LINK)
    rsvp_of(owner, meetup)
    calendar, event = entry(meetup, method="REQUEST", rsvp=rsvp_of(member, meetup))
    assert calendar["METHOD"] == "REQUEST"
    assert event["UID"] == meetup.ical_uid
    assert event["ATTENDEE"] == "mailto:member@example.org"
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert event["ATTENDEE"].params["CN"] == member.name
    assert event["ORGANIZER"] == "mailto:portal@localhost"
    assert event["DTSTAMP"].dt == NOW
    assert LINK in event["DESCRIPTION"]
    assert event["CONFERENCE"] == LINK
    assert event["TRANSP"] == "OPAQUE"
    assert b"owner@" not in calendar.to_ical()


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("maybe", "TENTATIVE"),
        ("waitlisted", "NEEDS-ACTION"),
        ("offered", "NEEDS-ACTION"),
        ("declined", "DECLINED"),
    ],
)
def test_only_who_comes_gets_the_link(member: User, status: str, answer: str) -> None:
    meetup = make_dated_meetup(START, mode="online", online_url=LINK)
    rsvp = Rsvp(meetup=meetup, user=member, status=status)
    for method in ("REQUEST", "CANCEL", "PUBLISH"):
        _, event = entry(meetup, method=method, rsvp=rsvp)
        assert LINK.encode() not in event.to_ical().replace(b"\r\n ", b"")
        assert event["TRANSP"] == "TRANSPARENT"
    _, event = entry(meetup, method="REQUEST", rsvp=rsvp)
    assert event["ATTENDEE"].params["PARTSTAT"] == answer


def test_somebody_without_an_account_is_invited_by_their_address() -> None:
    rsvp = Rsvp(
        meetup=make_dated_meetup(START), email="guest+x@example.org", name='Guest "G"; One', status="going"
    )
    _, event = entry(rsvp.meetup, method="REQUEST", rsvp=rsvp)
    assert event["ATTENDEE"] == "mailto:guest+x@example.org"
    assert event["ATTENDEE"].params["CN"].replace("^'", '"') == 'Guest "G"; One'


def test_cancel_of_a_cancelled_meetup_says_so_to_everybody(member: User) -> None:
    meetup = make_dated_meetup(START, status="cancelled", cancel_reason="The hall is flooded.")
    Meetup.objects.filter(pk=meetup.pk).update(ical_sequence=4)
    meetup.refresh_from_db()
    calendar, event = entry(meetup, method="CANCEL", rsvp=rsvp_of(member, meetup))
    assert calendar["METHOD"] == "CANCEL"
    assert event["STATUS"] == "CANCELLED"
    assert event["SEQUENCE"] == 4
    assert "flooded" in event["DESCRIPTION"]


def test_cancel_of_one_reader_leaves_the_meetup_standing(member: User) -> None:
    """RFC 5546, section 3.2.5: STATUS is left out where only some are uninvited."""
    meetup = make_dated_meetup(START)
    _, event = entry(meetup, method="CANCEL", rsvp=rsvp_of(member, meetup, "declined"))
    assert "STATUS" not in event


def test_cancel_may_be_made_when_the_date_is_withdrawn(member: User) -> None:
    meetup = make_meetup()
    _, event = entry(meetup, method="CANCEL", rsvp=rsvp_of(member, meetup, "declined"))
    assert "DTSTART" not in event


def test_publish_names_nobody_but_the_organizer(member: User) -> None:
    meetup = make_dated_meetup(START)
    calendar, event = entry(meetup, method="PUBLISH", rsvp=rsvp_of(member, meetup))
    assert calendar["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in event
    assert event["ORGANIZER"].params["CN"] == f"{meetup.chapter.city} chapter"


def test_uid_and_sequence_are_those_of_the_feed(as_stranger: Client, member: User) -> None:
    meetup = make_dated_meetup(START)
    Meetup.objects.filter(pk=meetup.pk).update(ical_sequence=7)
    meetup.refresh_from_db()
    _, mailed = entry(meetup, method="REQUEST", rsvp=rsvp_of(member, meetup))
    body = as_stranger.get(f"/meetups/{meetup.slug}/event.ics").content
    (fed,) = read_events(body).values()
    for name in ("UID", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "LOCATION"):
        assert mailed[name] == fed[name]


def test_what_cannot_be_said_is_refused(member: User) -> None:
    open_, dated = make_meetup(), make_dated_meetup(START)
    rsvp = rsvp_of(member, dated)
    for meetup, wanted in (
        (open_, {"method": "REQUEST", "rsvp": rsvp}),
        (open_, {"method": "PUBLISH"}),
        (dated, {"method": "REQUEST"}),
        (dated, {"method": "REPLY", "rsvp": rsvp}),
    ):
        with pytest.raises(ValueError):
            invitation(meetup, **wanted)


def test_many_invitations_to_one_meetup_load_its_parts_once(member: User) -> None:
    meetup = make_dated_meetup(START)
    rsvp = rsvp_of(member, meetup)
    invitation(meetup, method="REQUEST", rsvp=rsvp)
    with CaptureQueriesContext(connection) as captured:
        invitation(meetup, method="REQUEST", rsvp=rsvp)
    assert len(captured) == 0
