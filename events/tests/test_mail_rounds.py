"""Telling many: who is told of what, once, in pieces, whatever gets lost on the way."""

import copy
import datetime as dt
from typing import Any

import icalendar
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.models import Announcement, CoHost, DateBallot, DatePoll, Meetup
from events.services import mail_pieces, mail_rounds
from events.services import mails as tell
from events.services.meetups import cancel_meetup, move_meetup
from events.tests.factories import NOW, make_chapter, make_dated_meetup, make_meetup
from events.tests.mail_making import mails, make_follow, make_rsvp, readers, rounds, work
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.mail.preferences import set_preference
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
HOUR = 60 * MINUTE
START = NOW + dt.timedelta(days=10)
SETTLED = NOW + 6 * MINUTE


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def a_meetup(**fields: Any) -> Meetup:
    """A confirmed meetup in ten days, in Pune unless the chapter is given."""
    chapter = fields.pop("chapter", None) or make_chapter("pune")
    known = {"title": "Nested KVM", "online_url": "https://x.example/s"}
    return make_dated_meetup(START, chapter=chapter, **(known | fields))


def move(meetup: Meetup, by: dt.timedelta) -> None:
    """As an organizer's form does it."""
    before = copy.copy(meetup)
    assert meetup.starts_at
    assert meetup.ends_at
    meetup.starts_at, meetup.ends_at = meetup.starts_at + by, meetup.ends_at + by
    meetup.ical_sequence += 1
    meetup.save()
    tell.tell_changed(meetup, {"starts_at"}, before)


# ------------------------------------------------------------------------------------------- changes


def test_everybody_who_signed_up_is_told_of_a_new_time_with_the_old_one(owner: User, member: User) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    make_rsvp(meetup, member, "waitlisted")
    make_rsvp(meetup, "maybe@example.org", "maybe")
    make_rsvp(meetup, "no@example.org", "declined")
    make_rsvp(meetup, "never@example.org", "unconfirmed")
    move(meetup, HOUR)
    assert work(NOW) == 0  # the organizer may not be done yet
    work(SETTLED)
    assert readers() == ["maybe@example.org", "member@example.org", "owner@example.org"]
    mail = mails()[0]
    assert mail.subject == "Changed: Nested KVM"
    assert "Wednesday 23 December 2026, 12:30 to 15:30 IST (UTC+05:30)" in mail.text_body
    assert "Before: Wednesday 23 December 2026, 11:30 to 14:30 IST (UTC+05:30)" in mail.text_body


def test_calendar_file_of_a_change_has_the_new_sequence_and_only_who_is_going_gets_it(
    owner: User, member: User
) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    make_rsvp(meetup, member, "waitlisted")
    move(meetup, HOUR)
    work(SETTLED)
    going, waiting = mails()
    [file] = going.attachments.all()
    [event] = icalendar.Calendar.from_ical(bytes(file.content)).walk("VEVENT")
    assert (event["UID"], event["SEQUENCE"]) == (meetup.ical_uid, 1)
    assert not waiting.attachments.exists()


def test_two_moves_in_a_few_minutes_make_one_mail_from_the_first_time_to_the_last(owner: User) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    move(meetup, HOUR)
    move(meetup, HOUR)
    work(SETTLED)
    [mail] = mails()
    assert "13:30 to 16:30" in mail.text_body
    assert "Before: Wednesday 23 December 2026, 11:30" in mail.text_body


def test_a_move_that_is_taken_back_makes_no_mail(owner: User) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    move(meetup, HOUR)
    move(meetup, -HOUR)
    work(SETTLED)
    assert mails() == []
    assert all(one.finished_at for one in rounds())


def test_a_venue_described_anew_is_told_although_the_meetup_names_the_same(owner: User) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    tell.tell_changed(meetup, {"venue"}, meetup)
    work(SETTLED)
    assert "The place has changed." in mails()[0].text_body


def test_a_move_after_the_first_was_told_is_told_too(owner: User) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    move(meetup, HOUR)
    work(SETTLED)
    move(meetup, HOUR)
    work(SETTLED)
    assert len(mails()) == 2


@pytest.mark.parametrize("field", ["title", "description", "capacity", "recap"])
def test_what_nobody_needs_to_know_is_not_mailed(owner: User, field: str) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    tell.tell_changed(meetup, {field})
    assert rounds() == []


def test_new_online_link_goes_to_those_who_come_and_to_nobody_else(owner: User) -> None:
    meetup = a_meetup(mode="hybrid")
    make_rsvp(meetup, owner)
    make_rsvp(meetup, "maybe@example.org", "maybe")
    tell.tell_changed(meetup, {"online_url"})
    work(SETTLED)
    assert readers() == ["owner@example.org"]
    move(meetup, HOUR)
    work(SETTLED)
    for mail in mails():
        assert ("x.example" in mail.text_body + mail.html_body) == (mail.to_email == "owner@example.org")


def test_no_mail_names_another_reader(owner: User, member: User) -> None:
    meetup = a_meetup()
    people = [owner.email, member.email, "guest@example.org"]
    for person in (owner, member, "guest@example.org"):
        make_rsvp(meetup, person)
    move(meetup, HOUR)
    work(SETTLED)
    for mail in mails():
        files = b"".join(bytes(one.content) for one in mail.attachments.all()).decode()
        seen = mail.subject + mail.text_body + mail.html_body + files + str(mail.headers)
        assert [one for one in people if one in seen] in ([], [mail.to_email])


# ------------------------------------------------------------------------------------------- cancelled


def test_cancelling_withdraws_the_entry_says_why_and_drops_what_was_to_be_told(owner: User) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    move(meetup, HOUR)
    meetup.status, meetup.cancel_reason = "cancelled", "The hall is <flooded>."
    meetup.save()
    tell.tell_cancelled(meetup)
    work(NOW)
    work(SETTLED)
    [mail] = mails()
    assert mail.subject == "Cancelled: Nested KVM"
    assert "The hall is <flooded>." in mail.text_body
    assert "The hall is &lt;flooded&gt;." in mail.html_body
    assert "x.example" not in mail.text_body
    [file] = mail.attachments.all()
    assert file.mime_type == "text/calendar; method=CANCEL; charset=utf-8"
    calendar = icalendar.Calendar.from_ical(bytes(file.content))
    assert (calendar["METHOD"], calendar.walk("VEVENT")[0]["STATUS"]) == ("CANCEL", "CANCELLED")


def test_a_meetup_brought_back_before_the_mail_went_out_is_not_called_cancelled(owner: User) -> None:
    meetup = a_meetup(status="cancelled")
    make_rsvp(meetup, owner)
    tell.tell_cancelled(meetup)
    Meetup.objects.update(status="confirmed")
    work(NOW)
    assert mails() == []


def test_a_cancelled_meetup_that_is_brought_back_takes_place_after_all(owner: User) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    make_follow(meetup.chapter, "fan@example.org")
    cancel_meetup(meetup=meetup, actor=None, reason="", at=NOW)
    work(NOW)
    move_meetup(meetup=meetup, actor=None, status="confirmed", at=NOW)
    work(SETTLED)
    first, second = mails()
    assert (first.to_email, second.to_email) == ("owner@example.org", "owner@example.org")
    assert "The meetup takes place after all." in second.text_body
    assert second.attachments.get().mime_type == "text/calendar; method=REQUEST; charset=utf-8"


def test_what_is_over_is_not_told_any_more(owner: User) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    move(meetup, HOUR)
    work(START + dt.timedelta(days=2))
    assert mails() == []


# ------------------------------------------------------------------------------------------- followers


def test_followers_hear_of_a_new_meetup_once_each_with_their_own_way_out(owner: User, member: User) -> None:
    chapter, other = make_chapter("pune"), make_chapter("mumbai")
    meetup = a_meetup(chapter=chapter)
    CoHost.objects.create(meetup=meetup, chapter=other, status="accepted")
    make_follow(chapter, owner)
    make_follow(other, owner)  # follows both: one mail
    make_follow(other, "guest@example.org")
    make_follow(chapter, owner.email)  # the same person, by address
    make_follow(chapter, member, "weekly")
    make_follow(chapter, "none@example.org", "none")
    make_follow(chapter, "never@example.org", confirmed_at=None)
    tell.tell_new_meetup(meetup)
    tell.tell_new_meetup(meetup)
    work(SETTLED)
    assert readers() == ["guest@example.org", "owner@example.org"]
    links = {mail.headers["List-Unsubscribe"] for mail in mails()}
    assert len(links) == 2
    for mail in mails():
        assert not mail.is_transactional
        assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_one_click_stops_the_mail_of_that_chapter_alone(owner: User) -> None:
    chapter, other = make_chapter("pune"), make_chapter("mumbai")
    make_follow(chapter, owner)
    make_follow(other, owner)
    make_follow(chapter, "guest@example.org")
    tell.tell_new_meetup(a_meetup(chapter=chapter))
    work(SETTLED)
    for mail in mails():
        url = mail.headers["List-Unsubscribe"].strip("<>").removeprefix("http://localhost:8000")
        client = Client(enforce_csrf_checks=True)
        assert client.get(url).status_code == 200
        assert client.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    tell.tell_new_meetup(a_meetup(chapter=chapter))
    tell.tell_new_meetup(a_meetup(chapter=other))
    work(SETTLED)
    assert len(mails()) == 3
    assert mails()[-1].to_email == "owner@example.org"


def test_who_switched_the_kind_off_gets_none_by_account_or_by_address(owner: User) -> None:
    meetup = a_meetup()
    make_follow(meetup.chapter, owner)
    make_follow(meetup.chapter, "guest@example.org")
    set_preference(owner, "new_meetups", False)
    tell.tell_new_meetup(meetup)
    work(SETTLED)
    assert readers() == ["guest@example.org"]
    all_of_it = next(word for word in mails()[0].text_body.split() if "/mail/unsubscribe/" in word)
    Client().post(all_of_it.removeprefix("http://localhost:8000"))
    tell.tell_new_meetup(a_meetup(chapter=meetup.chapter))
    work(SETTLED)
    assert len(mails()) == 1


def test_an_account_that_is_closed_gets_no_mail(owner: User) -> None:
    meetup = a_meetup()
    make_follow(meetup.chapter, owner)
    User.objects.update(is_active=False)
    tell.tell_new_meetup(meetup)
    work(SETTLED)
    assert mails() == []


def test_a_draft_is_announced_to_nobody(owner: User) -> None:
    meetup = a_meetup(status="draft")
    make_follow(meetup.chapter, owner)
    tell.tell_new_meetup(meetup)
    work(SETTLED)
    assert mails() == []


# ------------------------------------------------------------------------------------------- date


def a_ballot(meetup: Meetup, email: str, **fields: Any) -> DateBallot:
    poll, _ = DatePoll.objects.get_or_create(meetup=meetup)
    return DateBallot.objects.create(poll=poll, email=email, **({"confirmed_at": NOW} | fields))


def test_a_date_is_told_to_sign_ups_voters_and_followers_one_mail_each(owner: User, member: User) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    make_rsvp(meetup, member, "waitlisted")
    make_rsvp(meetup, "gone@example.org", "declined")
    a_ballot(meetup, "voter@example.org")
    a_ballot(meetup, "gone@example.org")
    a_ballot(meetup, "never@example.org", confirmed_at=None)
    make_follow(meetup.chapter, owner)
    make_follow(meetup.chapter, "voter@example.org")
    make_follow(meetup.chapter, "fan@example.org")
    make_follow(meetup.chapter, "gone@example.org")
    tell.tell_date_decided(meetup)
    tell.tell_date_decided(meetup)
    work(NOW)
    assert readers() == ["fan@example.org", "member@example.org", "owner@example.org", "voter@example.org"]
    texts = {mail.to_email: mail.text_body for mail in mails()}
    assert "You are going." in texts["owner@example.org"]
    assert "You are on the waitlist." in texts["member@example.org"]
    assert "You voted on the date" in texts["voter@example.org"]
    assert OutboxMessage.objects.get(to_email="owner@example.org").attachments.count() == 1


def test_followers_who_are_about_to_hear_of_the_meetup_are_not_told_its_date_apart(owner: User) -> None:
    meetup = a_meetup()
    make_follow(meetup.chapter, owner)
    tell.tell_new_meetup(meetup)
    tell.tell_date_decided(meetup)
    work(NOW)
    work(SETTLED)
    assert [mail.subject for mail in mails()] == ["New meetup in Pune: Nested KVM"]


def test_meetup_without_a_date_is_announced_as_such(owner: User) -> None:
    meetup = make_meetup(make_chapter("pune"))
    make_follow(meetup.chapter, owner)
    tell.tell_new_meetup(meetup)
    work(SETTLED)
    assert "The date is open." in mails()[0].text_body


# ------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("audience", "told"),
    [
        ("going", ["owner@example.org"]),
        ("all", ["member@example.org", "owner@example.org"]),
        ("followers", ["fan@example.org"]),
    ],
)
def test_an_organizers_message_reaches_its_audience_once(
    owner: User, member: User, audience: str, told: list[str]
) -> None:
    meetup = a_meetup()
    make_rsvp(meetup, owner)
    make_rsvp(meetup, member, "waitlisted")
    make_rsvp(meetup, "gone@example.org", "declined")
    make_follow(meetup.chapter, "fan@example.org")
    said = Announcement.objects.create(
        chapter=meetup.chapter,
        meetup=meetup,
        audience=audience,
        subject="Bring\u2028a laptop",
        text="Gate <3>.\n\nRead https://evil.example/ first.",
        author=make_user(display_name="Anil"),
    )
    tell.tell_announcement(said)
    tell.tell_announcement(said)
    work(NOW)
    assert readers() == told
    mail = mails()[0]
    assert mail.subject == "Pune: Bring a laptop"
    assert "Gate &lt;3&gt;." in mail.html_body
    assert 'href="https://evil.example' not in mail.html_body
    assert "Anil, for the Pune chapter" in mail.text_body
    assert "List-Unsubscribe" in mail.headers


def test_a_chapters_message_without_a_meetup_reaches_followers(owner: User) -> None:
    chapter = make_chapter("pune")
    make_follow(chapter, owner)
    tell.tell_announcement(
        Announcement.objects.create(
            chapter=chapter, audience="followers", subject="Rooms wanted", text="Help."
        )
    )
    work(NOW)
    assert [mail.subject for mail in mails()] == ["Pune: Rooms wanted"]


# ------------------------------------------------------------------------------------------- pieces


def crowd(meetup: Meetup, size: int) -> None:
    """People who are going, with addresses alone."""
    for number in range(size):
        make_rsvp(meetup, f"p{number}@example.org")


def test_pieces_go_on_where_the_last_one_ended_and_a_lost_one_is_found(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(mail_pieces, "PIECE", 3)
    meetup = a_meetup()
    crowd(meetup, 7)
    with django_capture_on_commit_callbacks() as asked:
        tell.tell_cancelled(Meetup.objects.get())
        Meetup.objects.update(status="cancelled")
    assert len(asked) == 1
    [round_] = rounds()
    with django_capture_on_commit_callbacks() as asked:
        assert mail_rounds.send_piece(round_.pk, at=NOW)
    assert len(asked) == 4  # three mails, and the next piece
    assert len(mails()) == 3
    # That message is lost: beat finds the round.
    assert mail_rounds.due_rounds(at=NOW) == [round_.pk]
    work(NOW)
    assert len(mails()) == len(set(readers())) == 7
    assert mail_rounds.due_rounds(at=NOW) == []
    assert not mail_rounds.send_piece(round_.pk, at=NOW)  # delivered once more
    assert rounds()[0].queued == 7


def test_a_piece_whose_worker_died_is_done_again_and_nobody_gets_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meetup = a_meetup(status="cancelled")
    crowd(meetup, 4)
    tell.tell_cancelled(meetup)
    [round_] = rounds()
    with monkeypatch.context() as patched:
        real = mail_pieces.queue_piece

        def die(*args: Any, **named: Any) -> None:
            real(*args, **named)
            raise KeyboardInterrupt

        patched.setattr("events.services.mail_rounds.queue_piece", die)
        with pytest.raises(KeyboardInterrupt):
            mail_rounds.send_piece(round_.pk, at=NOW)
    assert len(mails()) == 4
    assert mail_rounds.due_rounds(at=NOW) == []  # in hand, as far as anybody knows
    later = NOW + mail_rounds.LEASE
    assert mail_rounds.due_rounds(at=later) == [round_.pk]
    work(later)
    assert len(mails()) == 4
    assert rounds()[0].finished_at == later


def test_two_workers_do_not_do_the_same_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    meetup = a_meetup(status="cancelled")
    crowd(meetup, 2)
    tell.tell_cancelled(meetup)
    [round_] = rounds()
    real, inner = mail_pieces.queue_piece, []

    def meanwhile(*args: Any, **named: Any) -> Any:
        inner.append(mail_rounds.send_piece(round_.pk, at=NOW))
        return real(*args, **named)

    monkeypatch.setattr("events.services.mail_rounds.queue_piece", meanwhile)
    mail_rounds.send_piece(round_.pk, at=NOW)
    assert inner == [False]
    assert len(mails()) == 2


def test_queries_of_a_piece_do_not_grow_with_its_people(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {}
    for size in (3, 190):
        meetup = a_meetup(status="cancelled", chapter=make_chapter(f"city-{size}"))
        crowd(meetup, size)
        tell.tell_cancelled(meetup)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            mail_rounds.send_piece(rounds()[-1].pk, at=NOW)
        counts[size] = len([one for one in seen if not one["sql"].startswith("INSERT")])
        assert OutboxMessage.objects.filter(dedupe_key__startswith=rounds()[-1].key).count() == size
    assert counts[3] == counts[190]
    assert counts[3] < 30


def test_an_address_that_is_none_does_not_keep_the_others_from_theirs() -> None:
    meetup = a_meetup(status="cancelled")
    make_rsvp(meetup, "not an address")
    make_rsvp(meetup, "fine@example.org")
    tell.tell_cancelled(meetup)
    work(NOW)
    assert readers() == ["fine@example.org"]


def test_nobody_who_is_blocked_is_asked_to_sign_up_for_the_date_that_they_voted_on(member: User) -> None:
    meetup = a_meetup()
    poll = DatePoll.objects.create(meetup=meetup, closed_at=NOW)
    for email in ("v@example.org", "bad@example.org"):
        DateBallot.objects.create(poll=poll, email=email, confirmed_at=NOW)
    meetup.chapter.blocks.create(email="bad@example.org")
    tell.tell_date_decided(meetup)
    work(SETTLED)
    assert readers() == ["v@example.org"]
