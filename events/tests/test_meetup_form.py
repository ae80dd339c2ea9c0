"""Typing a meetup: what the form makes of days and times, and the page where two edit at once."""

import datetime as dt
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from events.forms.meetup_edit import MeetupForm, typed_values
from events.models import Chapter, Meetup, Venue
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup, make_organizer
from portal.accounts.models import User

pytestmark = pytest.mark.django_db
EDIT = "/meetups/storage-night/edit/details/"
TYPED = {
    "title": "Storage night",
    "date_precision": "exact",
    "day": "2027-07-03",
    "start_time": "10:00",
    "end_time": "13:00",
    "time_zone": "Europe/London",
    "mode": "in_person",
    "takes_rsvps": "on",
    "waitlist": "auto",
    "offer_hours": "24",
    "guests_allowed": "0",
}


@pytest.fixture
def chapter(owner: User) -> Chapter:
    """A chapter that the owner organizes."""
    chapter = make_chapter("pune")
    make_organizer(chapter, user=owner)
    return chapter


def form(chapter: Chapter, **typed: Any) -> MeetupForm:
    """The form with ``typed`` in it."""
    return MeetupForm(TYPED | typed, chapter=chapter)


def errors(chapter: Chapter, field: str, **typed: Any) -> str:
    """What it says at ``field``."""
    filled = form(chapter, **typed)
    assert not filled.is_valid()
    return " ".join(map(str, filled.errors[field]))


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type, misc]


def test_typed_times_are_those_of_the_meetups_zone(chapter: Chapter) -> None:
    filled = form(chapter, registration_opens="2027-06-01T09:00", registration_closes="2027-07-02T18:00")
    with timezone.override("America/New_York"):
        assert filled.is_valid(), filled.errors
    changes = filled.changes()
    assert (changes["starts_at"], changes["ends_at"]) == (utc(2027, 7, 3, 9), utc(2027, 7, 3, 12))
    assert changes["registration_opens_at"] == utc(2027, 6, 1, 8)
    assert changes["registration_closes_at"] == utc(2027, 7, 2, 17)


@pytest.mark.parametrize(
    ("precision", "starts", "ends"),
    [("none", None, None), ("month", utc(2027, 6, 30, 23), None), ("day", utc(2027, 7, 2, 23), None)],
)
def test_less_is_known_of_the_date(
    chapter: Chapter, precision: str, starts: dt.datetime | None, ends: dt.datetime | None
) -> None:
    filled = form(chapter, date_precision=precision)
    assert filled.is_valid()
    assert (filled.changes()["starts_at"], filled.changes()["ends_at"]) == (starts, ends)


@pytest.mark.parametrize(
    ("field", "sentence", "typed"),
    [
        ("day", "Give the day", {"day": ""}),
        ("day", "Give a year from", {"day": "0001-01-01"}),
        ("end_day", "Give a year from", {"end_day": "9999-12-31"}),
        ("start_time", "Give the time at which it starts", {"start_time": ""}),
        ("end_time", "must end after", {"end_time": "09:00"}),
        ("end_time", "must end after", {"end_time": "10:00"}),
        ("end_time", "Give the time at which it ends", {"end_day": "2027-07-04", "end_time": ""}),
        ("time_zone", "", {"time_zone": "Europe/Atlantis"}),
        ("time_zone", "", {"time_zone": "../../etc/passwd"}),
        (
            "registration_closes",
            "close after it opens",
            {"registration_opens": "2027-07-02T10:00", "registration_closes": "2027-07-01T10:00"},
        ),
        ("registration_opens", "Give a year", {"registration_opens": "9999-12-31T23:59"}),
        ("registration_opens", "Give a day and a time", {"registration_opens": "soon"}),
        ("topics", "At most five", {"topics": "a,b,c,d,e,f"}),
        ("capacity", "", {"capacity": "0"}),
        ("capacity", "", {"capacity": "99999999999999999999"}),
        ("online_url", "https://", {"mode": "online", "online_url": "http://meet.example.org/"}),
        ("online_url", "", {"mode": "online", "online_url": "javascript:alert(1)"}),
        (
            "online_url",
            "user name",
            {"mode": "online", "online_url": "https://meet.example.org@evil.example/"},
        ),
        ("online_url", "no video meeting", {"online_url": "https://meet.example.org/"}),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    chapter: Chapter, field: str, sentence: str, typed: dict[str, str]
) -> None:
    assert sentence in errors(chapter, field, **typed)


def test_a_left_out_hour_is_explained(chapter: Chapter) -> None:
    said = errors(chapter, "start_time", day="2027-03-28", start_time="01:30")
    assert "clocks of Europe/London go forward by 60 minutes and leave 01:30 out" in said
    said = errors(
        chapter,
        "end_time",
        day="2027-03-13",
        end_day="2027-03-14",
        end_time="02:15",
        time_zone="America/New_York",
    )
    assert "leave 02:15 out" in said


def test_an_hour_that_comes_twice_is_asked_about(chapter: Chapter) -> None:
    asked = form(chapter, day="2027-10-31", start_time="01:30")
    assert not asked.is_valid()
    assert "first 01:30 BST (UTC+01:00), then 01:30 GMT (UTC+00:00)" in " ".join(
        map(str, asked.errors["start_time"])
    )
    shown = [field.name for _, fields in asked.sections() for field in fields]
    assert "which_start" in shown
    assert "which_end" not in shown
    answered = form(chapter, day="2027-10-31", start_time="01:30", which_start="second")
    assert answered.is_valid()
    assert answered.changes()["starts_at"] == utc(2027, 10, 31, 1, 30)
    assert "which_start" not in [field.name for _, fields in form(chapter).sections() for field in fields]


def test_what_is_stored_comes_back_unchanged(chapter: Chapter) -> None:
    venue = Venue.objects.create(chapter=chapter, name="Hall")
    meetup = make_dated_meetup(
        utc(2027, 10, 31, 1, 30),
        hours=30,
        chapter=chapter,
        time_zone="Europe/London",
        venue=venue,
        description="a\nb",
    )
    shown = MeetupForm(chapter=chapter, initial=typed_values(meetup))
    sent = {name: shown[name].value() for name in shown.fields}
    sent = {name: value for name, value in sent.items() if value is not None and value is not False}
    again = MeetupForm(sent | {"venue": venue.pk, "description": "a\r\nb"}, chapter=chapter)
    assert again.is_valid(), again.errors
    stored = {name: getattr(meetup, name) for name in again.changes() if name != "topics"}
    assert again.changes() == stored | {"topics": []}


def test_only_venues_of_the_chapter_can_be_chosen(chapter: Chapter) -> None:
    other = Venue.objects.create(chapter=make_chapter(), name="Elsewhere")
    assert errors(chapter, "venue", venue=other.pk)


# --- pages


def sent_back(page: str, **typed: str) -> dict[str, str]:
    """What a browser sends of the edit page, ``typed`` into it."""
    found = re.search(r'name="base" value="([^"]*)"', page)
    assert found
    return TYPED | {"time_zone": "Asia/Kolkata"} | typed | {"base": unescape(found[1])}


@pytest.fixture
def meetup(chapter: Chapter) -> Meetup:
    """A meetup whose stored values are those of TYPED."""
    return make_dated_meetup(
        utc(2027, 7, 3, 4, 30), chapter=chapter, slug="storage-night", title="Storage night", status="draft"
    )


def test_two_who_edit_at_once_see_both_texts_and_lose_none(as_owner: Client, meetup: Meetup) -> None:
    page = as_owner.get(EDIT).content.decode()
    theirs = sent_back(page, description="Theirs: bring a laptop.", summary="Only theirs")
    mine = sent_back(page, description="Mine: bring a cable.", title="Only mine")
    assert as_owner.post(EDIT, theirs).status_code == 302
    answer = as_owner.post(EDIT, mine)
    assert answer.status_code == 409
    shown = answer.content.decode()
    assert "Asha Owner saved" in " ".join(shown.split())
    assert "Theirs: bring a laptop." in shown
    assert "Mine: bring a cable." in answer.context["form"]["description"].as_widget()
    meetup.refresh_from_db()
    assert (meetup.description, meetup.title) == ("Theirs: bring a laptop.", "Storage night")
    # Sent once more, with both brought together, it is saved, and what only they changed is kept.
    form = answer.context["form"]
    assert form["summary"].value() == "Only theirs"
    together = sent_back(shown, description="Bring both.", title="Only mine", summary=form["summary"].value())
    assert as_owner.post(EDIT, together).status_code == 302
    meetup.refresh_from_db()
    assert (meetup.description, meetup.title, meetup.summary) == ("Bring both.", "Only mine", "Only theirs")


def test_a_refused_form_keeps_what_was_typed(as_owner: Client, meetup: Meetup) -> None:
    page = as_owner.get(EDIT).content.decode()
    answer = as_owner.post(EDIT, sent_back(page, title="", description="A long text that nobody types twice"))
    assert answer.status_code == 422
    assert "A long text that nobody types twice" in answer.content.decode()
    meetup.refresh_from_db()
    assert meetup.description == ""


@pytest.mark.parametrize("base", ["", "{", "[]", "null", '{"title": {}}', "[" * 4000, "\0"])
def test_a_broken_base_saves_nothing(as_owner: Client, meetup: Meetup, base: str) -> None:
    typed = TYPED | {"time_zone": "Asia/Kolkata", "title": "Forced", "base": base}
    assert as_owner.post(EDIT, typed).status_code in (409, 422)
    meetup.refresh_from_db()
    assert meetup.title == "Storage night"


def test_a_new_meetup_needs_a_title_alone(as_owner: Client, chapter: Chapter) -> None:
    typed = TYPED | {"title": "Idea", "date_precision": "none", "day": "", "start_time": "", "end_time": ""}
    answer = as_owner.post("/chapters/pune/meetups/new/", typed)
    meetup = Meetup.objects.get(chapter=chapter)
    assert answer["Location"] == f"/meetups/{meetup.slug}/edit/"
    assert (meetup.status, meetup.starts_at, meetup.title) == ("draft", None, "Idea")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "https://evil.example/",
        "/kb/../accounts/logout/",
        "/meetups/x/",
        "/kb/a b/",
        "/kb//",
        "javascript:alert(1)",
        "/kb/x/?next=y",
        "/kb/x/\n",
    ],
)
def test_a_recap_leads_to_articles_here_alone(as_owner: Client, meetup: Meetup, path: str) -> None:
    page = as_owner.get("/meetups/storage-night/edit/recap/").content.decode()
    base = sent_back(page)["base"]
    answer = as_owner.post(
        "/meetups/storage-night/edit/recap/", {"recap_path": path.replace("\n", "\nx"), "base": base}
    )
    assert answer.status_code == 422
    meetup.refresh_from_db()
    assert meetup.recap_path == ""
    good = {"recap": "It was full.", "recap_path": "/kb/storage-night/", "base": base}
    assert as_owner.post("/meetups/storage-night/edit/recap/", good).status_code == 302
    page = as_owner.get("/meetups/storage-night/").content.decode()
    assert "It was full." in page
    assert 'href="/kb/storage-night/"' in page


def test_an_idea_has_no_time_to_repeat_or_copy(as_owner: Client, chapter: Chapter) -> None:
    make_meetup(chapter, slug="idea")
    assert as_owner.post("/meetups/idea/edit/copy/", {"day": "2027-01-01"}).status_code == 422
    assert as_owner.post("/meetups/idea/edit/repeat/", {"how": "second", "weekday": "5"}).status_code == 422
    assert Meetup.objects.count() == 1


@pytest.mark.parametrize("address", ["https://[", "https://[x]/"])
def test_brackets_that_hold_no_address_are_refused(chapter: Chapter, address: str) -> None:
    form = MeetupForm({**TYPED, "mode": "online", "online_url": address}, chapter=chapter)
    assert "online_url" in form.errors
