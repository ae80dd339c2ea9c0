"""Offers to help: from the form to the role."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from events.models import (
    ApplicationMessage,
    AuditLog,
    Block,
    Chapter,
    ChapterFollow,
    ChapterMembership,
    OrganizerApplication,
)
from events.services import volunteering
from events.tests.factories import make_chapter, make_organizer
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user, signed_in

pytestmark = pytest.mark.django_db
WHY = "I have a room for forty people and every second Saturday."


@pytest.fixture
def staff(db: None) -> User:
    return make_user("staff@example.org", display_name="Sana Staff", is_staff=True)


@pytest.fixture
def as_staff(staff: User) -> Client:
    return signed_in(staff)


def offer(applicant: User, **fields: object) -> OrganizerApplication:
    given = {"chapter": None, "role": "organizer", "motivation": WHY, **fields}
    return volunteering.offer_to_help(applicant=applicant, **given)  # type: ignore[arg-type]


def decide(application: OrganizerApplication, actor: User, status: str = "accepted", **more: object) -> None:
    volunteering.decide_application(
        application=application,
        actor=actor,
        status=status,
        at=timezone.now(),
        **({"reason": "Because."} | more),  # type: ignore[arg-type]
    )


def roles() -> list[tuple[str, str, str]]:
    rows = ChapterMembership.objects.order_by("pk")
    return [(one.chapter.slug, one.shown_name, one.role) for one in rows]


def test_member_starts_a_chapter_and_staff_accept_it(
    as_member: Client, as_staff: Client, member: User, staff: User
) -> None:
    given = {"city": " Nagpur ", "country": "India", "role": "volunteer", "motivation": WHY}
    response = as_member.post("/chapters/start/", given)
    application = OrganizerApplication.objects.get()
    assert response["Location"] == f"/applications/{application.pk}/"
    assert (application.status, application.city, application.role) == ("new", "Nagpur", "lead")
    assert not Chapter.objects.exists()
    for status in ("in_review", "on_hold", "accepted"):
        as_staff.post(f"/applications/{application.pk}/decide/", {"status": status, "reason": "Good."})
        application.refresh_from_db()
        assert application.status == status
    chapter = Chapter.objects.get()
    assert (chapter.slug, chapter.city, chapter.status) == ("nagpur", "Nagpur", "active")
    assert roles() == [("nagpur", "Ravi Member", "lead")]
    assert as_member.get("/chapters/nagpur/edit/").status_code == 200
    told = OutboxMessage.objects.filter(to_user=member).order_by("pk").values_list("subject", flat=True)
    assert [subject.split(":")[0] for subject in told] == [
        "Your offer to help in Nagpur has arrived",
        "Your offer to help in Nagpur is being read",
        "Your offer to help in Nagpur is on hold",
        "Welcome",
    ]
    assert OutboxMessage.objects.filter(to_user=staff).count() == 1
    assert {"make_chapter", "accept_application"} <= set(AuditLog.objects.values_list("act", flat=True))


def test_two_offers_for_one_new_city_make_one_chapter_with_one_lead(
    member: User, owner: User, staff: User
) -> None:
    first, second = offer(member, city="Nagpur"), offer(owner, city="  NAGPUR")
    assert (first.chapter, second.chapter) == (None, None)
    decide(first, staff)
    decide(second, staff)
    assert Chapter.objects.count() == 1
    assert roles() == [("nagpur", "Ravi Member", "lead"), ("nagpur", "Asha Owner", "organizer")]


@pytest.mark.parametrize(
    ("city", "country", "slug"),
    [
        ("Start", "India", "start-chapter"),
        ("Hyderabad", "Pakistan", "hyderabad-pakistan"),
        ("São Paulo", "Brazil", "sao-paulo"),
        ("पुणे", "India", "city-"),
    ],
)
def test_address_of_a_new_chapter_is_free_and_no_word_of_ours(
    member: User, owner: User, staff: User, city: str, country: str, slug: str
) -> None:
    make_chapter("hyderabad", city="Hyderabad", country="India")
    for person in (member, owner):
        decide(offer(person, city=city, country=country), staff)
    made = Chapter.objects.exclude(slug="hyderabad").get()
    assert made.slug.startswith(slug)
    assert made.city == city


def test_offer_for_a_proposed_city_joins_what_is_there(member: User, staff: User) -> None:
    proposed = make_chapter("nagpur", status="proposed")
    application = offer(member, city="nagpur")
    assert application.chapter == proposed
    decide(application, staff)
    proposed.refresh_from_db()
    assert proposed.status == "active"
    assert roles() == [("nagpur", "Ravi Member", "lead")]


def test_lead_decides_offers_to_their_chapter_and_no_others(
    as_owner: Client, owner: User, member: User
) -> None:
    pune = make_chapter("pune")
    make_organizer(pune, user=owner, role="lead")
    ours, theirs = offer(member, chapter=pune), offer(member, chapter=make_chapter("nashik"))
    page = as_owner.get("/applications/").content.decode()
    assert f"/applications/{ours.pk}/" in page
    assert f"/applications/{theirs.pk}/" not in page
    assert as_owner.get(f"/applications/{theirs.pk}/").status_code == 404
    assert as_owner.post(f"/applications/{theirs.pk}/decide/", {"status": "accepted"}).status_code == 404
    as_owner.post(f"/applications/{ours.pk}/decide/", {"status": "accepted"})
    assert ("pune", "Ravi Member", "organizer") in roles()


def test_nobody_decides_their_own_offer_but_a_superuser(owner: User, staff: User) -> None:
    pune = make_chapter("pune")
    make_organizer(pune, user=owner, role="lead")
    for person in (owner, staff):
        with pytest.raises(PermissionDenied):
            decide(offer(person, chapter=pune), person)
    chief = make_user(is_staff=True, is_superuser=True)
    decide(offer(chief, chapter=pune), chief)


def test_decided_offer_is_not_decided_again(member: User, staff: User) -> None:
    application = offer(member, chapter=make_chapter("pune"))
    stale = OrganizerApplication.objects.get()
    decide(application, staff, "rejected")
    for status in ("accepted", "in_review", "rejected"):
        with pytest.raises(volunteering.ApplicationRefused, match="meantime"):
            decide(stale, staff, status)
    with pytest.raises(volunteering.ApplicationRefused):
        volunteering.withdraw_application(application=stale, actor=member, at=timezone.now())
    assert roles() == []


def test_rejection_needs_a_reason(as_staff: Client, member: User) -> None:
    application = offer(member, chapter=make_chapter("pune"))
    page = as_staff.post(f"/applications/{application.pk}/decide/", {"status": "rejected", "reason": " "})
    assert page.status_code == 422
    application.refresh_from_db()
    assert application.status == "new"


def test_notes_stay_among_those_who_decide(as_member: Client, as_staff: Client, member: User) -> None:
    application = offer(member, chapter=make_chapter("pune"))
    address = f"/applications/{application.pk}/"
    as_staff.post(f"{address}say/", {"text": "Which days?"})
    as_staff.post(f"{address}say/", {"text": "A doubtful case.", "is_note": "on"})
    as_member.post(f"{address}say/", {"text": "Saturdays.", "is_note": "on"})
    theirs, ours = as_member.get(address).content.decode(), as_staff.get(address).content.decode()
    assert "Which days?" in theirs
    assert "doubtful" not in theirs
    assert "doubtful" in ours
    assert list(ApplicationMessage.objects.values_list("text", "is_note")) == [
        ("Which days?", False),
        ("A doubtful case.", True),
        ("Saturdays.", False),
    ]
    assert not OutboxMessage.objects.filter(text_body__contains="doubtful").exists()
    assert OutboxMessage.objects.get(text_body__contains="Which days?").to_user == member


def test_applicant_withdraws_and_nobody_else_does(as_member: Client, as_staff: Client, member: User) -> None:
    application = offer(member, chapter=make_chapter("pune"))
    assert as_staff.post(f"/applications/{application.pk}/withdraw/").status_code == 404
    as_member.post(f"/applications/{application.pk}/withdraw/")
    application.refresh_from_db()
    assert application.status == "withdrawn"
    offer(member, chapter=Chapter.objects.get())  # one may offer again


def test_one_open_offer_for_a_place(as_member: Client, member: User) -> None:
    pune = make_chapter("pune")
    given = {"chapter": "pune", "country": "India", "role": "organizer", "motivation": WHY}
    assert as_member.post("/chapters/start/", given).status_code == 302
    assert "already" in as_member.post("/chapters/start/", given).content.decode()
    offer(member, city="Nagpur")
    with pytest.raises(volunteering.ApplicationRefused):
        offer(member, city="nagpur ")
    assert OrganizerApplication.objects.filter(chapter=pune).count() == 1


def test_blocked_people_cannot_offer_help(member: User) -> None:
    pune = make_chapter("pune")
    Block.objects.create(chapter=pune, email=member.email)
    with pytest.raises(volunteering.ApplicationRefused, match="blocked"):
        offer(member, chapter=pune)


def test_organizer_known_by_name_gets_an_account_and_keeps_their_place(
    as_staff: Client, member: User
) -> None:
    pune = make_chapter("pune")
    named = make_organizer(pune, name="Anil Vettathu")
    elsewhere = make_organizer(make_chapter("nashik"))
    application = offer(member, chapter=pune)
    address = f"/applications/{application.pk}/decide/"
    assert as_staff.post(address, {"status": "accepted", "takes_over": elsewhere.pk}).status_code == 422
    as_staff.post(address, {"status": "accepted", "takes_over": named.pk})
    named.refresh_from_db()
    assert (named.user, named.name, ChapterMembership.objects.filter(chapter=pune).count()) == (member, "", 1)


def test_accepting_never_takes_a_higher_role_away(owner: User, staff: User) -> None:
    pune = make_chapter("pune")
    make_organizer(pune, user=owner, role="lead")
    decide(offer(owner, chapter=pune, role="volunteer"), staff)
    assert roles() == [("pune", "Asha Owner", "lead")]


def test_proposed_city_gathers_people_once_each(
    as_member: Client, as_owner: Client, as_stranger: Client
) -> None:
    for client in (as_member, as_owner, as_owner):
        client.post("/chapters/propose/", {"city": "Nagpur", "country": "India"})
    assert (Chapter.objects.get().status, ChapterFollow.objects.count()) == ("proposed", 2)
    for address in ("/chapters/", "/chapters/nagpur/"):
        assert "2 people want this" in " ".join(as_stranger.get(address).content.decode().split())
    assert as_stranger.post("/chapters/propose/", {"city": "X"})["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("city", ["http://spam.example", "www.spam.example", "<b>", "   ", "x" * 81, "1234"])
def test_city_is_a_name_and_no_advertisement(as_member: Client, city: str) -> None:
    assert as_member.post("/chapters/propose/", {"city": city, "country": "India"}).status_code == 422
    assert not Chapter.objects.exists()


def test_proposing_is_limited(as_member: Client) -> None:
    statuses = [
        as_member.post("/chapters/propose/", {"city": f"City {name}", "country": "India"}).status_code
        for name in "ABCD"
    ]
    assert statuses == [302, 302, 302, 429]


def test_strangers_and_other_members_get_nothing_of_an_offer(
    as_stranger: Client, as_owner: Client, member: User
) -> None:
    application = offer(member, chapter=make_chapter("pune"))
    before = list(OrganizerApplication.objects.values())
    for leaf in ("", "say/", "decide/", "withdraw/"):
        address = f"/applications/{application.pk}/{leaf}"
        given = {"text": "x", "status": "accepted"}
        assert as_owner.post(address, given).status_code in (404, 405)
        assert as_stranger.post(address, given).status_code in (302, 405)
    assert as_owner.get(f"/applications/{application.pk}/").status_code == 404
    assert as_owner.get("/applications/").status_code == 404
    assert list(OrganizerApplication.objects.values()) == before
    assert as_stranger.post("/chapters/start/", {"motivation": WHY}).status_code == 302
    assert not ApplicationMessage.objects.exists()
