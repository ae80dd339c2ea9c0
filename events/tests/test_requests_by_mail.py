"""Whoever has to answer hears that somebody asks, and whoever asked hears the answer."""

import datetime as dt

import pytest

from events.models import Speaker, SpeakerClaim
from events.services import co_hosts, speakers, talks
from events.tests.factories import make_chapter, make_meetup, make_organizer
from events.tests.mail_making import mails
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 12, 1, 6, tzinfo=dt.UTC)


def told() -> list[tuple[str, str]]:
    """To whom what was said, in the order of saying."""
    return [(mail.to_email, mail.subject) for mail in mails()]


def test_co_hosting_is_asked_and_answered_by_mail(owner: User, member: User) -> None:
    pune, bangalore = make_chapter("pune"), make_chapter("bangalore")
    make_organizer(pune, user=owner)
    make_organizer(bangalore, user=member)
    make_organizer(bangalore, name="Without an account")
    make_organizer(bangalore, user=make_user("left@example.org"), until=dt.date(2020, 1, 1))
    meetup = make_meetup(pune, title="Storage night")
    asked = co_hosts.ask_co_host(meetup=meetup, chapter=bangalore, actor=owner, at=NOW)
    co_hosts.ask_co_host(meetup=meetup, chapter=bangalore, actor=owner, at=NOW)  # twice is once
    assert told() == [(member.email, "Pune asks Bangalore to hold a meetup together")]
    assert "/chapters/bangalore/co-hosting/" in mails()[0].text_body
    co_hosts.answer_co_host(co_host=asked, actor=member, agrees=True, at=NOW)
    assert told()[1:] == [(owner.email, "Bangalore agreed to hold the meetup with you")]
    co_hosts.answer_co_host(co_host=asked, actor=member, agrees=False, at=NOW)
    assert told()[2:] == [(owner.email, "Bangalore does not hold the meetup with you")]


def test_organizers_hear_of_a_talk_once(owner: User, member: User) -> None:
    pune = make_chapter("pune")
    make_organizer(pune, user=owner)
    talks.propose_talk(chapter=pune, user=member, title="One port, many names", abstract="NPIV.", at=NOW)
    assert told() == [(owner.email, "A talk for Pune: One port, many names")]
    assert "/chapters/pune/talks/" in mails()[0].text_body


def test_a_claim_goes_to_whoever_decides_and_every_claimant_hears_the_end(owner: User, member: User) -> None:
    staff = make_user("staff@example.org", is_staff=True)
    make_user("gone@example.org", is_staff=True, is_active=False)
    page = Speaker.objects.create(slug="gleb", name="Gleb")
    other = make_user("other@example.org")
    first = speakers.claim_speaker(speaker=page, user=member, text="It is me.")
    speakers.claim_speaker(speaker=page, user=member, text="Again.")  # twice is once
    speakers.claim_speaker(speaker=page, user=other, text="No, me.")
    assert told() == [(staff.email, "Is this Gleb?")] * 2
    speakers.decide_claim(claim=first, actor=staff, is_right=True, at=NOW)
    assert sorted(told()[2:]) == [
        (member.email, "Your speaker’s page: yes"),
        (other.email, "Your speaker’s page: no"),
    ]
    assert set(SpeakerClaim.objects.values_list("status", flat=True)) == {"accepted", "declined"}


def test_those_who_ran_the_chapter_are_asked_before_staff(owner: User, member: User) -> None:
    make_user("staff@example.org", is_staff=True)
    pune = make_chapter("pune")
    make_organizer(pune, user=owner)
    session = talks.propose_talk(chapter=pune, user=member, title="A talk", abstract="Text.", at=NOW)
    talks.decide_talk(session=session, actor=owner, is_taken=True, reason="", at=NOW)
    page = Speaker.objects.create(slug="gleb", name="Gleb")
    session.talk.speaking.create(speaker=page, position=1)
    before = len(told())
    speakers.claim_speaker(speaker=page, user=make_user("gleb@example.org"), text="It is me.")
    assert told()[before:] == [(owner.email, "Is this Gleb?")]
