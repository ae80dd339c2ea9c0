"""Every POST of chapters, offers and care, by those who may not: nothing is found, and nothing changes."""

import datetime as dt
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events.models import Block, Chapter, ChapterMembership, OrganizerApplication, ProblemReport
from events.tests.factories import make_chapter, make_organizer
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db

#: name of the address, what its slug or number names, and what is sent
POSTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "events:edit_chapter",
        "chapter",
        {"summary": "Taken over", "status": "active", "time_zone": "Asia/Kolkata"},
    ),
    ("events:chapter_status", "chapter", {"status": "quiet"}),
    ("events:chapter_archive", "chapter", {}),
    ("events:add_role", "chapter", {"name": "Mallory", "role": "organizer"}),
    ("events:change_role", "role", {"role": "member"}),
    ("events:end_role", "role", {}),
    ("events:offer_lead", "role", {}),
    ("events:answer_lead_offer", "role", {"answer": "yes"}),
    ("events:answer_lead_offer", "role", {"answer": "no"}),
    ("events:leave_role", "role", {}),
    ("events:chapter_blocks", "chapter", {"email": "victim@example.org"}),
    ("events:unblock", "block", {}),
    ("events:problem_report", "report", {"status": "closed", "notes": "Nothing happened."}),
    ("events:application_say", "application", {"text": "Hello"}),
    ("events:application_decide", "application", {"status": "accepted", "reason": "Mine."}),
    ("events:application_withdraw", "application", {}),
]


@pytest.fixture
def addresses(owner: User) -> dict[str, dict[str, Any]]:
    """Things of others, as addresses name them."""
    pune = make_chapter("pune")
    make_organizer(pune, user=make_user(), role="lead")
    role = make_organizer(pune, user=owner, lead_offered_at=timezone.now())
    block = Block.objects.create(chapter=pune, email="x@example.org")
    report = ProblemReport.objects.create(chapter=pune, text="x")
    application = OrganizerApplication.objects.create(applicant=owner, chapter=pune, motivation="x")
    return {
        "chapter": {"slug": "pune"},
        "role": {"slug": "pune", "pk": role.pk},
        "block": {"slug": "pune", "pk": block.pk},
        "report": {"slug": "pune", "pk": report.pk},
        "application": {"pk": application.pk},
    }


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of the room and of the outbox."""
    models = [*apps.get_app_config("events").get_models(), *apps.get_app_config("mail").get_models()]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


@pytest.mark.parametrize(("name", "thing", "given"), POSTS)
def test_post_by_a_stranger_or_another_member_changes_nothing(
    as_stranger: Client,
    as_member: Client,
    addresses: dict[str, dict[str, Any]],
    name: str,
    thing: str,
    given: dict[str, Any],
) -> None:
    url, before = reverse(name, kwargs=addresses[thing]), everything()
    assert as_member.post(url, given).status_code == 404
    answer = as_stranger.post(url, given)
    assert answer.status_code == 404 or answer["Location"].startswith(reverse("account_login"))
    assert everything() == before


@pytest.mark.parametrize(("name", "thing", "given"), POSTS)
def test_post_about_things_of_another_chapter_is_not_found(
    as_member: Client,
    member: User,
    addresses: dict[str, dict[str, Any]],
    name: str,
    thing: str,
    given: dict[str, Any],
) -> None:
    """Whoever leads one chapter is nobody in another, and cannot reach its rows through their own address."""
    nashik = make_chapter("nashik")
    make_organizer(nashik, user=member, role="lead", takes_reports=True)
    before = everything()
    assert as_member.post(reverse(name, kwargs=addresses[thing]), given).status_code == 404
    if "pk" in addresses[thing] and "slug" in addresses[thing]:
        url = reverse(name, kwargs=addresses[thing] | {"slug": "nashik"})
        assert as_member.post(url, given).status_code == 404
    assert everything() == before


def test_role_that_is_over_opens_nothing(as_member: Client, member: User) -> None:
    pune = make_chapter("pune")
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    make_organizer(pune, user=member, role="lead", takes_reports=True, until=yesterday)
    for name in ("edit_chapter", "chapter_people", "chapter_blocks", "problem_reports", "chapter_acts"):
        assert as_member.get(reverse(f"events:{name}", args=["pune"])).status_code == 404
    as_member.post("/chapters/pune/edit/", {"summary": "x", "status": "active", "time_zone": "Asia/Kolkata"})
    assert Chapter.objects.get().summary == ""
    assert ChapterMembership.objects.get().until == yesterday
