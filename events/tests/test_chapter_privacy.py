"""What is forgotten when, handed over to a member, and erased with them."""

import datetime as dt
import json

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from events import personal_data
from events.models import (
    Answer,
    ApplicationMessage,
    AuditLog,
    Block,
    ChapterFollow,
    ChapterMembership,
    DateBallot,
    DatePoll,
    OrganizerApplication,
    ProblemReport,
    Question,
    Rsvp,
)
from events.services import retention, roles
from events.services.audit import note_act
from events.tasks import tend_chapters
from events.tests.factories import NOW, make_chapter, make_dated_meetup, make_organizer
from portal.accounts.models import User
from portal.accounts.services import erase_member
from portal.tests.factories import make_user, signed_in

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)


def test_unconfirmed_follows_go_after_three_days_and_no_others(member: User) -> None:
    pune = make_chapter("pune")
    old, young = NOW - 3 * DAY - MINUTE, NOW - 3 * DAY + MINUTE
    for email, created, confirmed in (
        ("gone@example.org", old, None),
        ("young@example.org", young, None),
        ("confirmed@example.org", old, NOW),
    ):
        ChapterFollow.objects.create(chapter=pune, email=email, created_at=created, confirmed_at=confirmed)
    ChapterFollow.objects.create(chapter=pune, user=member, created_at=old)
    assert retention.forget_unconfirmed_follows(at=NOW) == 1
    assert not ChapterFollow.objects.filter(email="gone@example.org").exists()
    assert ChapterFollow.objects.count() == 3


def test_closed_reports_go_after_half_a_year_and_open_ones_stay() -> None:
    pune = make_chapter("pune")
    old = NOW - 180 * DAY - MINUTE
    for status, closed in (("closed", old), ("closed", old + 2 * MINUTE), ("in_hand", None)):
        ProblemReport.objects.create(
            chapter=pune, text="x", status=status, closed_at=closed, created_at=old - 400 * DAY
        )
    assert retention.forget_closed_reports(at=NOW) == 1
    assert ProblemReport.objects.count() == 2


def test_addresses_of_those_without_account_go_30_days_after_the_meetup(member: User) -> None:
    long_over = make_dated_meetup(NOW - 30 * DAY - dt.timedelta(hours=4), hours=3)
    just_over = make_dated_meetup(NOW - 29 * DAY, hours=3)
    kept = Rsvp.objects.create(meetup=just_over, email="a@example.org", name="A", status="going")
    mine = Rsvp.objects.create(meetup=long_over, user=member, status="going")
    gone = [
        Rsvp.objects.create(meetup=long_over, email=f"{name}@example.org", name=name, status="going")
        for name in "bc"
    ]
    texts = Question.objects.create(meetup=long_over, text="Your employer?")
    counted = Question.objects.create(meetup=long_over, text="Nested KVM?", kind="yes_no")
    for rsvp in (mine, *gone):
        Answer.objects.create(question=texts, rsvp=rsvp, text="Example Ltd")
        Answer.objects.create(question=counted, rsvp=rsvp, text="yes")
    poll = DatePoll.objects.create(meetup=long_over)
    ballot = DateBallot.objects.create(poll=poll, email="d@example.org", name="D", confirmed_at=NOW)
    assert retention.forget_addresses(at=NOW) == 3
    assert retention.forget_addresses(at=NOW) == 0
    for row in (*gone, ballot):
        row.refresh_from_db()
        assert row.name == ""
        assert row.email.endswith("@forgotten.invalid")
    kept.refresh_from_db()
    assert (kept.email, kept.name) == ("a@example.org", "A")
    assert Rsvp.objects.filter(meetup=long_over, status="going").count() == 3
    assert Answer.objects.filter(question=texts).get().rsvp == mine
    assert Answer.objects.filter(question=counted).count() == 3


def test_old_acts_go() -> None:
    for age in (729, 731):
        AuditLog.objects.create(act="edit_chapter", created_at=NOW - age * DAY)
    assert retention.forget_acts(at=NOW) == 1


def test_beat_tends_chapters_and_the_about_page_says_the_same_numbers(as_stranger: Client) -> None:
    tasks = [entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()]
    assert "events.tasks.tend_chapters" in tasks
    old = timezone.now() - 4 * DAY
    ChapterFollow.objects.create(chapter=make_chapter(), email="x@example.org", created_at=old)
    tend_chapters()
    assert not ChapterFollow.objects.exists()
    page = as_stranger.get("/about/").content.decode()
    for sentence in (
        f"{settings.FOLLOW_CONFIRM_DAYS} days",
        f"{settings.RSVP_ADDRESS_KEEP_DAYS} days after",
        f"{settings.REPORT_CLOSED_KEEP_DAYS} days after it was closed",
        f"{settings.ACT_KEEP_DAYS // 365} years",
    ):
        assert sentence in " ".join(page.split())


def everything_about(user: User) -> None:
    """A row of each kind that chapters keep about ``user``."""
    pune = make_chapter("pune")
    make_organizer(pune, user=user, role="volunteer")
    ChapterFollow.objects.create(chapter=pune, user=user, confirmed_at=NOW)
    ChapterFollow.objects.create(chapter=make_chapter("nashik"), email=user.email, confirmed_at=NOW)
    application = OrganizerApplication.objects.create(applicant=user, chapter=pune, motivation="MOTIVE")
    ApplicationMessage.objects.create(application=application, author=user, text="OWN WORDS")
    ApplicationMessage.objects.create(application=application, text="SECRET NOTE", is_note=True)
    other = OrganizerApplication.objects.create(applicant=make_user(), chapter=pune, motivation="x")
    ApplicationMessage.objects.create(application=other, author=user, text="WORDS TO OTHERS")
    ProblemReport.objects.create(chapter=pune, reporter=user, contact=user.email, text="WHAT HAPPENED")
    Block.objects.create(chapter=pune, email=user.email, reason="SECRET REASON")
    note_act("edit_chapter", actor=user, chapter=pune)
    note_act("give_role", actor=None, chapter=pune, person=user.name)


def test_export_hands_over_all_of_it_but_what_is_others(member: User) -> None:
    everything_about(member)
    exported = personal_data.export_events(member)
    assert len(exported["follows"]) == 2
    assert len(exported["chapter_roles"]) == len(exported["blocked_by_chapters"]) == 1
    assert len(exported["acts"]) == 1
    text = json.dumps(exported, default=str)
    for word in ("MOTIVE", "OWN WORDS", "WORDS TO OTHERS", "WHAT HAPPENED"):
        assert word in text
    assert "SECRET" not in text


def test_erasing_leaves_neither_name_nor_address_nor_words(member: User) -> None:
    everything_about(member)
    address, name = member.email, member.name
    erase_member(user=member)
    for model in (ChapterMembership, ChapterFollow):
        assert not model._default_manager.exists()
    assert OrganizerApplication.objects.count() == 1
    assert "WORDS TO OTHERS" not in str(list(ApplicationMessage.objects.values()))
    report = ProblemReport.objects.get()
    assert (report.reporter, report.contact, report.text) == (None, "", "WHAT HAPPENED")
    log = str(list(AuditLog.objects.values()))
    assert name not in log
    assert address not in log
    assert Block.objects.count() == 1  # it protects others


def test_page_of_erasing_names_the_chapters_that_lose_their_last_lead(owner: User) -> None:
    pune, nashik = make_chapter("pune"), make_chapter("nashik")
    for chapter in (pune, nashik):
        make_organizer(chapter, user=owner, role="lead")
    make_organizer(nashik, user=make_user(), role="lead")
    client = signed_in(owner)
    page = client.get("/me/delete/").content.decode()
    assert "last lead of the Pune chapter" in page
    assert "Nashik" not in page
    erase_member(user=owner)
    assert AuditLog.objects.get(act="lose_lead").chapter == pune
    assert not roles.leads_of(pune, at=timezone.now()).exists()


def test_own_page_shows_roles_follows_and_offers(as_member: Client, member: User) -> None:
    assert "Chapters you follow" not in as_member.get("/me/").content.decode()
    everything_about(member)
    page = as_member.get("/me/").content.decode()
    for heading in ("My chapters", "Your offers to help", "Chapters you follow"):
        assert heading in page
