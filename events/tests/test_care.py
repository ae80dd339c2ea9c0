"""Reports of problems, blocks, and the log of acts."""

import datetime as dt

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction
from django.test import Client
from django.utils import timezone

from events.models import AuditLog, Block, Chapter, ChapterFollow, Person, ProblemReport, Rsvp
from events.queries.care import is_blocked
from events.services import care, seats
from events.services.locks import lock_meetup
from events.templatetags.chapter_pages import detail_in_words
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup, make_organizer
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user, signed_in

pytestmark = pytest.mark.django_db
WHAT = "Somebody shouted at a speaker."


@pytest.fixture
def pune() -> Chapter:
    return make_chapter("pune")


def test_anybody_reports_and_only_those_named_and_staff_read(
    as_stranger: Client, as_owner: Client, as_member: Client, owner: User, member: User, pune: Chapter
) -> None:
    make_organizer(pune, user=owner, takes_reports=True, role="volunteer")
    make_organizer(pune, user=member, role="lead")  # leads, and is not named
    as_stranger.post("/chapters/pune/report/", {"text": WHAT})
    report = ProblemReport.objects.get()
    assert (report.reporter, report.contact, report.text) == (None, "", WHAT)
    address = f"/chapters/pune/reports/{report.pk}/"
    staff = signed_in(make_user(is_staff=True))
    for client, status in ((as_owner, 200), (staff, 200), (as_member, 404), (as_stranger, 302)):
        assert client.get(address).status_code == status
        assert client.get("/chapters/pune/reports/").status_code == status
    for client in (as_member, as_stranger):
        assert client.post(address, {"status": "closed", "notes": "x"}).status_code == 404
    report.refresh_from_db()
    assert report.status == "new"
    mail = OutboxMessage.objects.get()
    assert mail.to_user == owner
    assert WHAT not in mail.text_body


def test_report_about_somebody_named_is_kept_from_them(
    as_member: Client, as_owner: Client, owner: User, pune: Chapter
) -> None:
    make_organizer(pune, user=owner, takes_reports=True)
    other = make_user()
    make_organizer(pune, user=other, takes_reports=True)
    as_member.post("/chapters/pune/report/", {"text": WHAT, "kept_from": [owner.pk]})
    report = ProblemReport.objects.get()
    assert as_owner.get(f"/chapters/pune/reports/{report.pk}/").status_code == 404
    assert "Report of" not in as_owner.get("/chapters/pune/reports/").content.decode()
    assert signed_in(other).get(f"/chapters/pune/reports/{report.pk}/").status_code == 200
    assert [mail.to_user for mail in OutboxMessage.objects.all()] == [other]


def test_report_kept_from_everybody_named_reaches_staff(
    as_member: Client, owner: User, pune: Chapter
) -> None:
    make_organizer(pune, user=owner, takes_reports=True, role="lead")
    staff = make_user(is_staff=True)
    as_member.post("/chapters/pune/report/", {"text": WHAT, "kept_from": [owner.pk]})
    assert [mail.to_user for mail in OutboxMessage.objects.all()] == [staff]


def test_account_is_kept_with_a_report_only_if_its_owner_says_so(
    as_member: Client, member: User, pune: Chapter
) -> None:
    as_member.post("/chapters/pune/report/", {"text": WHAT})
    as_member.post("/chapters/pune/report/", {"text": WHAT, "names_me": "on"})
    reporters = ProblemReport.objects.order_by("pk").values_list("reporter", flat=True)
    assert list(reporters) == [None, member.pk]


def test_nobody_who_is_not_named_can_be_kept_from_a_report(
    as_member: Client, member: User, pune: Chapter
) -> None:
    make_organizer(pune, user=make_user(), takes_reports=True)
    response = as_member.post("/chapters/pune/report/", {"text": WHAT, "kept_from": [member.pk]})
    assert (response.status_code, ProblemReport.objects.count()) == (200, 0)


def test_report_is_handled_and_closed_without_a_word_of_it_in_the_log(
    as_owner: Client, owner: User, pune: Chapter
) -> None:
    make_organizer(pune, user=owner, takes_reports=True)
    report = care.report_problem(chapter=pune, text=WHAT)
    as_owner.post(f"/chapters/pune/reports/{report.pk}/", {"status": "closed", "notes": "We talked."})
    report.refresh_from_db()
    assert (report.status, report.notes, report.handled_by) == ("closed", "We talked.", owner)
    assert report.closed_at
    log = AuditLog.objects.get()
    assert log.act == "handle_report"
    assert "shouted" not in str(log.detail)
    assert "talked" not in str(log.detail)


def test_reporting_is_limited(as_stranger: Client, pune: Chapter) -> None:
    statuses = [as_stranger.post("/chapters/pune/report/", {"text": WHAT}).status_code for _ in range(6)]
    assert statuses == [302] * 5 + [429]


def test_report_may_name_a_meetup_of_the_chapter_and_no_draft(as_stranger: Client, pune: Chapter) -> None:
    make_meetup(pune, slug="secret", status="draft")
    make_meetup(slug="elsewhere")
    for slug in ("secret", "elsewhere"):
        as_stranger.post("/chapters/pune/report/", {"text": WHAT, "meetup": slug})
    assert not ProblemReport.objects.exists()


def test_block_holds_for_the_account_and_for_each_of_its_addresses(member: User, pune: Chapter) -> None:
    by_address, by_account = Person(email=member.email), Person.of(member)
    for blocked in ({"user": member}, {"email": member.email}):
        block = Block.objects.create(chapter=pune, **blocked)
        assert is_blocked(by_address, pune)
        assert is_blocked(by_account, pune)
        assert not is_blocked(by_account, make_chapter())
        block.delete()
    assert not is_blocked(by_account, pune)


def test_organizer_blocks_by_address_or_by_sign_up_and_unblocks(
    as_owner: Client, owner: User, member: User, pune: Chapter
) -> None:
    make_organizer(pune, user=owner)
    ChapterFollow.objects.create(chapter=pune, user=member, confirmed_at=timezone.now())
    rsvp = Rsvp.objects.create(meetup=make_meetup(pune), user=member, status="maybe")
    page = as_owner.get(f"/chapters/pune/blocks/?rsvp={rsvp.pk}").content.decode()
    assert "Ravi Member" in page
    as_owner.post("/chapters/pune/blocks/", {"rsvp": rsvp.pk, "reason": "Threats."})
    as_owner.post("/chapters/pune/blocks/", {"email": "Stalker@example.org"})
    assert set(Block.objects.values_list("user", "email")) == {(member.pk, ""), (None, "stalker@example.org")}
    assert not ChapterFollow.objects.exists()
    for block in Block.objects.all():
        as_owner.post(f"/chapters/pune/blocks/{block.pk}/remove/")
    assert not Block.objects.exists()
    assert "stalker@example.org" not in str(list(AuditLog.objects.values_list("detail", flat=True)))
    assert (
        sorted(AuditLog.objects.values_list("act", flat=True))
        == ["block_person"] * 2 + ["unblock_person"] * 2
    )


def test_organizer_learns_nothing_about_an_address(
    as_owner: Client, owner: User, member: User, pune: Chapter
) -> None:
    make_organizer(pune, user=owner)
    as_owner.post("/chapters/pune/blocks/", {"email": member.email})
    assert "Ravi" not in as_owner.get("/chapters/pune/blocks/").content.decode()


def test_sign_up_of_another_chapter_names_nobody(
    as_owner: Client, owner: User, member: User, pune: Chapter
) -> None:
    make_organizer(pune, user=owner)
    rsvp = Rsvp.objects.create(meetup=make_meetup(), user=member, status="maybe")
    assert "Ravi" not in as_owner.get(f"/chapters/pune/blocks/?rsvp={rsvp.pk}").content.decode()
    assert as_owner.post("/chapters/pune/blocks/", {"rsvp": rsvp.pk}).status_code == 404


def test_those_who_run_the_chapter_cannot_be_blocked(owner: User, member: User, pune: Chapter) -> None:
    make_organizer(pune, user=owner)
    make_organizer(pune, user=member, role="lead")
    with pytest.raises(care.CareRefused):
        care.block_person(chapter=pune, actor=owner, person=Person.of(member), reason="")


def test_strangers_and_members_block_nobody_and_read_no_log(
    as_member: Client, as_stranger: Client, pune: Chapter
) -> None:
    block = Block.objects.create(chapter=pune, email="x@example.org")
    for client, status in ((as_member, 404), (as_stranger, 302)):
        assert client.get("/chapters/pune/blocks/").status_code == status
        assert client.get("/chapters/pune/acts/").status_code == status
        assert client.post("/chapters/pune/blocks/", {"email": "y@example.org"}).status_code == 404
        assert client.post(f"/chapters/pune/blocks/{block.pk}/remove/").status_code == 404
    assert Block.objects.get() == block


def test_lead_reads_the_acts_of_their_own_chapter(as_owner: Client, owner: User, pune: Chapter) -> None:
    row = make_organizer(pune, user=owner, role="lead")
    now = timezone.now()
    for number, chapter in enumerate((pune, make_chapter("nashik"))):
        AuditLog.objects.create(
            chapter=chapter,
            actor=owner,
            act="edit_chapter",
            detail={"note": f"number {number}"},
            created_at=now - dt.timedelta(days=number),
        )
    page = as_owner.get("/chapters/pune/acts/").content.decode()
    assert "Edit chapter" in page
    assert "number 0" in page
    assert "number 1" not in page
    row.role = "organizer"
    row.save()
    assert as_owner.get("/chapters/pune/acts/").status_code == 404


def test_seats_are_neither_given_nor_promised_to_blocked_people(member: User, pune: Chapter) -> None:
    meetup = make_dated_meetup(timezone.now() + dt.timedelta(days=3), chapter=pune, capacity=1)
    now = timezone.now()
    Rsvp.objects.create(meetup=meetup, user=member, status="waitlisted")
    for blocked in ({"user": member}, {"email": member.email}):
        block = Block.objects.create(chapter=pune, **blocked)
        with pytest.raises(seats.SeatsRefused, match="blocked"):
            seats.join_meetup(meetup=meetup, person=Person.of(member), at=now)
        with transaction.atomic():
            seats.settle_seats(meetup=lock_meetup(meetup.pk), at=now)
        assert Rsvp.objects.get().status == "waitlisted"
        block.delete()
    with transaction.atomic():
        seats.settle_seats(meetup=lock_meetup(meetup.pk), at=now)
    assert Rsvp.objects.get().status == "going"


def test_blocking_an_address_ends_the_follow_of_the_member_whose_it_is(
    owner: User, member: User, pune: Chapter
) -> None:
    make_organizer(pune, user=owner)
    EmailAddress.objects.update_or_create(user=member, email="other@example.org", defaults={"verified": True})
    ChapterFollow.objects.create(chapter=pune, user=member, confirmed_at=timezone.now())
    care.block_person(chapter=pune, actor=owner, person=Person(email="other@example.org"), reason="")
    assert not ChapterFollow.objects.exists()


def test_acts_are_told_in_words_on_the_clock_of_the_place() -> None:
    meetup = make_meetup(make_chapter("pune"), time_zone="Asia/Kolkata")
    entry = AuditLog(
        chapter=meetup.chapter,
        meetup=meetup,
        detail={
            "starts_at": ["2026-12-13T02:42:32.746939+00:00", "2026-12-20T02:42:00+00:00"],
            "takes_reports": False,
            "act": "in_review",
            "until": "",
            "text": "9999-99-99T99:99:99+00:00",
        },
    )
    assert detail_in_words(entry) == (
        "starts at: Sun 13 Dec 2026, 08:12 IST, Sun 20 Dec 2026, 08:12 IST; takes reports: no; "
        "act: in review; text: 9999-99-99T99:99:99+00:00"
    )
