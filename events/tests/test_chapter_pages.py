"""A chapter's page and the pages around it, each as three persons, and how many queries they take."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from events.models import AuditLog, Chapter, ChapterFollow, Session, Speaker, Talk, TalkSpeaker
from events.queries.health import chapters_health
from events.services import volunteering
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup, make_organizer
from events.tests.test_views import queries
from portal.accounts.models import User
from portal.tests.factories import make_user, signed_in

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def make_held_talk(chapter: Chapter, title: str, **session: object) -> Session:
    """An accepted talk with a speaker at a past meetup of ``chapter``."""
    number = Talk.objects.count()
    talk = Talk.objects.create(slug=f"talk-{number}", title=title)
    speaker = Speaker.objects.create(slug=f"speaker-{number}", name=f"Speaker {number}")
    TalkSpeaker.objects.create(talk=talk, speaker=speaker)
    given = {"status": "accepted", "chapter": chapter} | session
    given.setdefault("meetup", make_dated_meetup(timezone.now() - 2 * DAY, chapter=chapter))
    return Session.objects.create(talk=talk, **given)


def text(client: Client, address: str) -> str:
    """The page at ``address`` with single spaces."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_page_shows_talks_held_and_none_that_are_only_planned_or_declined(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    make_held_talk(pune, "Live migration, held")
    make_held_talk(pune, "Still proposed", status="proposed")
    make_held_talk(pune, "To come", meetup=make_dated_meetup(timezone.now() + DAY, chapter=pune))
    make_held_talk(
        pune, "Of a draft", meetup=make_dated_meetup(timezone.now() - DAY, chapter=pune, status="draft")
    )
    make_held_talk(make_chapter(), "Elsewhere")
    page = text(as_stranger, "/chapters/pune/")
    assert "Live migration, held" in page
    assert "Speaker 0" in page
    for title in ("Still proposed", "To come", "Of a draft", "Elsewhere"):
        assert title not in page


def test_page_says_how_to_help_what_holds_and_who_takes_reports(as_stranger: Client) -> None:
    pune = make_chapter("pune", how_to_help="We need a room.", code_of_conduct="No phones.")
    make_organizer(pune, name="Asha Reads", takes_reports=True, role="volunteer")
    make_organizer(pune, name="Past Reader", takes_reports=True, until=timezone.localdate() - DAY)
    page = text(as_stranger, "/chapters/pune/")
    for words in ("We need a room.", "No phones.", "Asha Reads read"):
        assert words in page
    assert "Past Reader" not in page


def test_only_confirmed_follows_are_counted(as_stranger: Client, member: User) -> None:
    pune = make_chapter("pune")
    ChapterFollow.objects.create(chapter=pune, user=member, confirmed_at=timezone.now())
    ChapterFollow.objects.create(chapter=pune, email="a@example.org", confirmed_at=timezone.now())
    ChapterFollow.objects.create(chapter=pune, email="b@example.org")
    assert "2 follow it" in text(as_stranger, "/chapters/pune/")


def test_archived_chapter_is_read_only_and_unlisted(as_stranger: Client, as_member: Client) -> None:
    make_chapter("pune", status="archived")
    page = text(as_member, "/chapters/pune/")
    assert "archived" in page
    assert "/chapters/pune/follow/" not in page
    as_member.post("/chapters/pune/follow/")
    as_stranger.post("/chapters/pune/follow/", {"email": "a@example.org"})
    assert not ChapterFollow.objects.exists()
    assert "/chapters/pune/" not in text(as_stranger, "/chapters/")


def test_organizer_edits_and_others_cannot(
    as_owner: Client, as_member: Client, as_stranger: Client, owner: User
) -> None:
    pune = make_chapter("pune")
    make_organizer(pune, user=owner)
    given = {
        "summary": "New",
        "description": "D",
        "how_to_help": "H",
        "code_of_conduct": "C",
        "status": "quiet",
        "time_zone": "Asia/Kolkata",
        "latitude": "18.52043",
        "longitude": "73.85674",
    }
    for client in (as_member, as_stranger):
        assert client.post("/chapters/pune/edit/", given).status_code == 404
    pune.refresh_from_db()
    assert pune.summary == ""
    as_owner.post("/chapters/pune/edit/", given)
    pune.refresh_from_db()
    assert (pune.summary, pune.status, str(pune.latitude)) == ("New", "quiet", "18.52043")
    assert sorted(AuditLog.objects.values_list("act", flat=True)) == ["change_chapter_status", "edit_chapter"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"latitude": "18.5", "longitude": ""},
        {"latitude": "91", "longitude": "0"},
        {"latitude": "0", "longitude": "181"},
        {"status": "archived"},
        {"status": "proposed"},
        {"time_zone": "Mars/Olympus"},
        {"description": "x" * 10_001},
    ],
)
def test_organizer_cannot_save_nonsense_nor_archive(
    as_owner: Client, owner: User, wrong: dict[str, str]
) -> None:
    pune = make_chapter("pune")
    make_organizer(pune, user=owner)
    given = {"summary": "New", "status": "active", "time_zone": "Asia/Kolkata"} | wrong
    assert as_owner.post("/chapters/pune/edit/", given).status_code == 200
    pune.refresh_from_db()
    assert (pune.summary, pune.status) == ("", "active")


def test_lead_archives_the_chapter(as_owner: Client, owner: User) -> None:
    pune = make_chapter("pune")
    make_organizer(pune, user=owner, role="lead")
    as_owner.post("/chapters/pune/edit/", {"status": "archived", "time_zone": "Asia/Kolkata"})
    pune.refresh_from_db()
    assert pune.status == "archived"


def test_health_names_what_needs_a_look_and_suggests_a_status(
    as_owner: Client, owner: User, member: User
) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    now = timezone.now()
    sleepy = make_chapter("sleepy", created_at=now - 400 * DAY)
    make_dated_meetup(now - 200 * DAY, chapter=sleepy)
    make_organizer(sleepy, name="By Name")
    awake = make_chapter("awake", status="quiet")
    make_dated_meetup(now + DAY, chapter=awake)
    make_organizer(awake, user=member, role="lead")
    fine = make_chapter("fine", created_at=now - 400 * DAY)
    make_meetup(fine)
    for _ in range(2):
        make_organizer(fine, user=make_user(), role="lead")
    volunteering.offer_to_help(applicant=member, chapter=fine, role="volunteer", motivation="x")
    lines = {line.chapter.slug: line for line in chapters_health(at=now)}
    assert lines["sleepy"].warnings == ["No organizer with an account"]
    assert lines["awake"].warnings == ["Depends on one person"]
    assert lines["fine"].warnings == []
    assert [lines[slug].suggestion for slug in ("sleepy", "awake", "fine")] == ["quiet", "active", ""]
    assert (lines["fine"].waiting, lines["sleepy"].waiting) == (1, 0)
    assert lines["sleepy"].last_meetup is not None
    assert lines["sleepy"].next_meetup is None
    page = text(as_owner, "/chapters/health/?sort=waiting")
    assert page.index(">Fine<") < page.index(">Awake<")
    as_owner.post("/chapters/sleepy/status/", {"status": "quiet"})
    sleepy.refresh_from_db()
    assert sleepy.status == "quiet"


def test_health_is_for_staff_alone(as_member: Client, as_stranger: Client, member: User) -> None:
    pune = make_chapter("pune")
    make_organizer(pune, user=member, role="lead")
    assert as_member.get("/chapters/health/").status_code == 404
    assert as_stranger.get("/chapters/health/").status_code == 302
    for client in (as_member, as_stranger):
        assert client.post("/chapters/pune/status/", {"status": "quiet"}).status_code == 404
    pune.refresh_from_db()
    assert pune.status == "active"


def _grow(pune: Chapter, number: int) -> None:
    for _ in range(number):
        make_organizer(pune, user=make_user(), takes_reports=True)
        make_meetup(pune)
        make_held_talk(pune, "Talk")
        ChapterFollow.objects.create(chapter=pune, user=make_user(), confirmed_at=timezone.now())
        make_organizer(make_chapter(), user=make_user())
        make_chapter(status="proposed")
        volunteering.offer_to_help(applicant=make_user(), chapter=pune, role="volunteer", motivation="x")
        AuditLog.objects.create(chapter=pune, actor=make_user(), act="edit_chapter")


ADDRESSES = [
    "/chapters/",
    "/chapters/pune/",
    "/chapters/start/",
    "/chapters/pune/report/",
    "/chapters/pune/people/",
    "/chapters/pune/acts/",
    "/applications/",
    "/chapters/health/",
]


def test_pages_take_as_many_queries_for_three_as_for_one(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    staff = signed_in(make_user(is_staff=True))
    _grow(pune, 1)

    def counted() -> list[list[int]]:
        visitor = [queries(as_stranger, address) for address in ADDRESSES[:4]]
        return [visitor, [queries(staff, address) for address in ADDRESSES]]

    one = counted()
    _grow(pune, 2)
    assert counted() == one
    assert max(one[0]) <= 5


def test_page_of_a_chapter_with_300_meetups_takes_no_more_queries(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    _grow(pune, 3)
    few = [queries(as_stranger, address) for address in ADDRESSES[:2]]
    for number in range(300):
        make_dated_meetup(timezone.now() + (number - 150) * DAY, chapter=pune)
    assert [queries(as_stranger, address) for address in ADDRESSES[:2]] == few
    assert max(few) <= 5
