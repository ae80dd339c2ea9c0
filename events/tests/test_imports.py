"""Importing: what is planned, what is done, twice, by whom, and that nobody is mailed."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.imports.entries import MOST_BYTES, ImportRefused
from events.models import AuditLog, Chapter, Meetup, Rsvp, Venue
from events.queries.calendars import chapter_feed
from events.services.imports import Plan, import_meetups, plan_import, read_file
from events.tests.calendar_reading import read_events
from events.tests.factories import make_chapter, make_dated_meetup, make_organizer
from events.tests.test_import_reading import GRAPHQL, REST, ics
from portal.accounts.models import User
from portal.mail.models import OutboxMessage

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 12, 13, 6, tzinfo=dt.UTC)
PAST = (
    "UID:past\nSEQUENCE:2\nSUMMARY:Past one\nDTSTART:20260710T043000Z\nDTEND:20260710T063000Z\nLOCATION:Hall"
)
COMING = "UID:coming\nSUMMARY:Coming one\nDTSTART:20270110T043000Z"
CANCELLED = "UID:off\nSUMMARY:Off\nSTATUS:CANCELLED\nDTSTART:20270111T043000Z"
DAY = "UID:day\nSUMMARY:Some day\nDTSTART;VALUE=DATE:20260711"
FILE = ics(PAST, COMING, CANCELLED, DAY)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def chapter(owner: User) -> Chapter:
    """A chapter that the owner leads."""
    chapter = make_chapter("pune", city="Pune")
    make_organizer(chapter, user=owner, role="lead")
    return chapter


def plan(chapter: Chapter, data: bytes, *, shows_coming: bool = False) -> Plan:
    reading = read_file(data, chapter=chapter, at=NOW)
    return plan_import(chapter=chapter, reading=reading, shows_coming=shows_coming, at=NOW)


def carry_out(
    chapter: Chapter, actor: User, data: bytes, *, shows_coming: bool = False, at: dt.datetime = NOW
) -> Plan:
    reading = read_file(data, chapter=chapter, at=at)
    return import_meetups(chapter=chapter, actor=actor, reading=reading, shows_coming=shows_coming, at=at)


def states() -> dict[str, str]:
    return dict(Meetup.objects.values_list("title", "status"))


def test_past_ones_are_shown_and_coming_ones_are_drafts(chapter: Chapter, owner: User) -> None:
    done = carry_out(chapter, owner, FILE)
    assert states() == {"Past one": "confirmed", "Coming one": "draft", "Some day": "tentative"}
    assert [(left.title, left.reason) for left in done.left_out] == [
        ("Off", "It is cancelled before it took place.")
    ]
    past = Meetup.objects.get(title="Past one")
    assert (past.ical_uid, past.ical_sequence, past.source) == ("past", 2, "ics:past")
    assert (past.venue_notes, past.date_precision, past.announced_at) == ("Hall", "exact", NOW)
    assert past.slug == "pune-past-one"
    assert past.is_past(NOW)
    assert Meetup.objects.get(title="Some day").date_precision == "day"
    assert Meetup.objects.get(title="Coming one").announced_at is None
    act = AuditLog.objects.get()
    assert (act.act, act.actor, act.detail) == ("import_meetups", owner, {"new": 3, "changed": 0})


def test_coming_ones_are_shown_where_the_organizer_wants_it(chapter: Chapter, owner: User) -> None:
    carry_out(chapter, owner, FILE, shows_coming=True)
    assert states() == {
        "Past one": "confirmed",
        "Coming one": "confirmed",
        "Off": "cancelled",
        "Some day": "tentative",
    }
    assert Meetup.objects.filter(announced_at=NOW).count() == 4


def test_same_file_changes_nothing_a_second_time(chapter: Chapter, owner: User) -> None:
    carry_out(chapter, owner, FILE)
    before = list(Meetup.objects.order_by("pk").values())
    again = carry_out(chapter, owner, FILE, at=NOW + dt.timedelta(days=1))
    assert (again.new, again.changed, len(again.kept)) == ([], [], 3)
    assert list(Meetup.objects.order_by("pk").values()) == before
    assert AuditLog.objects.count() == 1


def test_newer_sequence_changes_what_was_imported(chapter: Chapter, owner: User) -> None:
    carry_out(chapter, owner, FILE)
    later = FILE.replace(b"SEQUENCE:2", b"SEQUENCE:9").replace(b"20260710T043000Z", b"20260712T043000Z")
    later = later.replace(b"20260710T063000Z", b"20260712T063000Z").replace(b"Past one", b"Past one, moved")
    done = carry_out(chapter, owner, later)
    assert (len(done.new), len(done.changed)) == (0, 1)
    past = Meetup.objects.get(ical_uid="past")
    assert past.title == "Past one, moved"
    assert past.starts_at == dt.datetime(2026, 7, 12, 4, 30, tzinfo=dt.UTC)
    assert past.ical_sequence == 9
    older = later.replace(b"SEQUENCE:9", b"SEQUENCE:8").replace(b"moved", b"older")
    assert carry_out(chapter, owner, older).changed == []
    assert Meetup.objects.get(ical_uid="past").title == "Past one, moved"


def test_newer_state_of_a_draft_leaves_it_a_draft(chapter: Chapter, owner: User) -> None:
    carry_out(chapter, owner, FILE)
    moved = FILE.replace(b"UID:coming", b"UID:coming\r\nSEQUENCE:3").replace(b"20270110", b"20270115")
    assert [step.status_label for step in carry_out(chapter, owner, moved).changed] == ["Draft"]
    meetup = Meetup.objects.get(ical_uid="coming")
    assert (meetup.status, meetup.starts_at) == ("draft", dt.datetime(2027, 1, 15, 4, 30, tzinfo=dt.UTC))
    off = moved.replace(b"SEQUENCE:3", b"SEQUENCE:4\r\nSTATUS:CANCELLED")
    assert "Discard it" in " ".join(left.reason for left in carry_out(chapter, owner, off).left_out)
    assert Meetup.objects.get(ical_uid="coming").status == "draft"


def test_meetup_for_which_people_signed_up_is_left_to_its_own_page(
    chapter: Chapter, owner: User, member: User
) -> None:
    carry_out(chapter, owner, FILE, shows_coming=True)
    meetup = Meetup.objects.get(ical_uid="coming")
    Rsvp.objects.create(meetup=meetup, user=member, status="going")
    moved = FILE.replace(b"UID:coming", b"UID:coming\r\nSEQUENCE:3").replace(b"20270110", b"20270115")
    done = carry_out(chapter, owner, moved, shows_coming=True)
    assert done.changed == []
    assert "People have signed up" in done.left_out[0].reason
    meetup.refresh_from_db()
    assert meetup.starts_at == dt.datetime(2027, 1, 10, 4, 30, tzinfo=dt.UTC)


def test_what_another_chapter_has_is_left_alone(chapter: Chapter, owner: User) -> None:
    other = make_chapter("bangalore")
    make_dated_meetup(NOW, chapter=other, title="Theirs", ical_uid="past", slug="theirs")
    done = carry_out(chapter, owner, ics(PAST))
    assert [left.reason for left in done.left_out] == ["Another chapter has it already."]
    assert states() == {"Theirs": "confirmed"}


def test_our_own_feed_brings_nothing_new(chapter: Chapter, owner: User) -> None:
    make_dated_meetup(NOW + dt.timedelta(days=3), chapter=chapter)
    done = carry_out(chapter, owner, chapter_feed(chapter, at=NOW))
    assert (done.new, done.changed, len(done.kept)) == ([], [], 1)


def test_feed_of_another_portal_comes_whole(chapter: Chapter, owner: User) -> None:
    venue = Venue.objects.create(chapter=chapter, name="Hall")
    there = make_dated_meetup(
        NOW + dt.timedelta(days=3), chapter=chapter, title="KVM, QEMU; पुणे", description="A\nB", venue=venue
    )
    feed = chapter_feed(chapter, at=NOW)
    Meetup.objects.all().delete()
    carry_out(chapter, owner, feed, shows_coming=True)
    here = Meetup.objects.get()
    assert (here.title, here.starts_at, here.ends_at) == (there.title, there.starts_at, there.ends_at)
    assert (here.ical_uid, here.time_zone, here.status) == (there.ical_uid, there.time_zone, "confirmed")
    assert list(read_events(chapter_feed(chapter, at=NOW))) == [there.ical_uid]


def test_meetup_com_makes_venues_once_and_keeps_no_members(chapter: Chapter, owner: User) -> None:
    second = REST | {"id": "next", "venue": REST["venue"] | {"name": "HALL"}}  # type: ignore[operator]
    data = json.dumps([REST, second]).encode()
    carry_out(chapter, owner, data)
    carry_out(chapter, owner, data)
    venue = Venue.objects.get()
    assert (venue.name, venue.address, float(venue.latitude or 0)) == ("Hall", "1 Lane\nPune", 18.52)
    meetup = Meetup.objects.get(source="meetup.com:abcdlq")
    assert (meetup.venue, meetup.status, meetup.mode) == (venue, "confirmed", "in_person")
    assert meetup.recap == "23 people had signed up on meetup.com."
    assert meetup.description == "Hello\n\nFirst announced at https://www.meetup.com/osvi/events/abcdlq/"
    assert Meetup.objects.count() == 2


def test_online_meetup_keeps_its_link_to_itself(chapter: Chapter, owner: User) -> None:
    event = GRAPHQL | {"eventType": "ONLINE", "howToFindUs": "https://meet.example/x"}
    carry_out(chapter, owner, json.dumps([event]).encode())
    meetup = Meetup.objects.get()
    assert (meetup.mode, meetup.online_url) == ("online", "https://meet.example/x")
    assert "meet.example" not in meetup.description


def test_repetition_in_a_file_is_said(chapter: Chapter) -> None:
    reasons = [left.reason for left in plan(chapter, json.dumps([REST, REST]).encode()).left_out]
    assert reasons == ["It is in the file twice; the first one counts."]


def test_nobody_is_mailed(
    chapter: Chapter, owner: User, member: User, django_capture_on_commit_callbacks: Any
) -> None:
    from events.models import ChapterFollow

    ChapterFollow.objects.create(chapter=chapter, user=member, confirmed_at=NOW)
    with django_capture_on_commit_callbacks(execute=True) as hooks:
        carry_out(chapter, owner, FILE, shows_coming=True)
    assert hooks == []
    assert not OutboxMessage.objects.exists()


def test_plan_changes_nothing_and_takes_one_query(chapter: Chapter) -> None:
    with CaptureQueriesContext(connection) as captured:
        found = plan(chapter, FILE)
    assert len(captured) == 1
    assert [step.entry.title for step in found.new] == ["Past one", "Coming one", "Some day"]
    assert not Meetup.objects.exists()


def test_only_who_leads_the_chapter_imports(chapter: Chapter, member: User) -> None:
    with pytest.raises(PermissionDenied):
        carry_out(chapter, member, FILE)
    assert not Meetup.objects.exists()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        (b"PK\x03\x04zip", "Unpack it"),
        (b"%PDF-1.7", "no file that can be read here"),
        (b"\x89PNG\r\n\x1a\n", "not in UTF-8"),
        (b"x" * (MOST_BYTES + 1), "larger than 1024 KiB"),
        (b"begin:vcalendar\r\nend:vcalendar\r\n", "no event"),
    ],
)
def test_other_files_are_refused_in_a_sentence(chapter: Chapter, data: bytes, sentence: str) -> None:
    with pytest.raises(ImportRefused, match=sentence):
        read_file(data, chapter=chapter, at=NOW)


# ------------------------------------------------------------------------------------------ pages

PAGE = "/chapters/pune/import/"
CONFIRM = "/chapters/pune/import/confirm/"


def send(client: Client, data: bytes, **fields: str) -> Any:
    return client.post(PAGE, {"file": SimpleUploadedFile("events.ics", data), **fields})


def test_file_is_shown_first_and_imported_when_confirmed(as_owner: Client, chapter: Chapter) -> None:
    page = as_owner.get(PAGE).content.decode()
    assert "What is taken" in page
    assert f'href="{PAGE}"' in page
    shown = " ".join(send(as_owner, FILE).content.decode().split())
    assert "3 new, 0 changed, 0 here already" in shown
    assert "10 July 2026, 10:00 Asia/Kolkata" in shown
    assert "It is cancelled before it took place." in shown
    assert not Meetup.objects.exists()
    answer = as_owner.post(CONFIRM, follow=True)
    assert answer.redirect_chain == [("/chapters/pune/", 302)]
    assert "Imported: 3 new, 0 changed." in answer.content.decode()
    assert Meetup.objects.count() == 3
    assert "not kept any more" in as_owner.post(CONFIRM, follow=True).content.decode()
    assert "Nothing in this file is new." in send(as_owner, FILE).content.decode()


def test_choice_to_show_is_kept_until_it_is_confirmed(as_owner: Client, chapter: Chapter) -> None:
    send(as_owner, FILE, shows_coming="on")
    as_owner.post(CONFIRM)
    assert states()["Coming one"] == "confirmed"


def test_refused_file_is_named_beside_its_field(as_owner: Client, chapter: Chapter) -> None:
    assert "This is a zip archive." in send(as_owner, b"PK\x03\x04").content.decode()
    assert "larger than 1024 KiB" in send(as_owner, b"x" * (MOST_BYTES + 1)).content.decode()
    assert send(as_owner, b"x" * (3 * MOST_BYTES)).status_code == 400
    assert "This field is required." in as_owner.post(PAGE, {}).content.decode()


def test_markup_in_a_file_is_shown_as_text(as_owner: Client, chapter: Chapter) -> None:
    data = ics("UID:1\nSUMMARY:<script>alert(1)</script>\nDTSTART:20260710T043000Z\nLOCATION:<img src=x>")
    shown = send(as_owner, data).content.decode()
    assert "<script>alert" not in shown
    assert "<img src=x>" not in shown


def test_others_find_no_import_and_change_nothing(
    as_member: Client, as_stranger: Client, as_owner: Client, chapter: Chapter
) -> None:
    assert as_stranger.get(PAGE).headers["Location"].startswith("/accounts/login/")
    assert as_stranger.get(CONFIRM).status_code == 405
    send(as_owner, FILE)
    for client in (as_stranger, as_member):
        assert send(client, FILE).status_code == 404
        assert client.post(CONFIRM).status_code == 404
    assert as_member.get(PAGE).status_code == 404
    assert as_owner.get("/chapters/no-such/import/").status_code == 404
    for method in (as_owner.put, as_owner.delete, as_owner.patch):
        assert method(PAGE).status_code == 405
    assert not Meetup.objects.exists()


def test_file_of_one_organizer_is_not_confirmed_by_another(
    as_owner: Client, as_member: Client, chapter: Chapter, member: User
) -> None:
    make_organizer(chapter, user=member)
    send(as_owner, FILE)
    as_member.post(CONFIRM)
    assert not Meetup.objects.exists()
