"""Roles in a chapter: who gives and takes them, and that no chapter is left without a lead."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.utils import timezone

from events.models import AuditLog, Chapter, ChapterFollow, ChapterMembership
from events.services import roles
from events.tests.factories import make_chapter, make_organizer
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user
from portal.tests.processes import ROOT
from portal.tests.stack import migrated_database

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def pune() -> Chapter:
    return make_chapter("pune")


@pytest.fixture
def lead(pune: Chapter, owner: User) -> ChapterMembership:
    return make_organizer(pune, user=owner, role="lead", since=timezone.localdate() - 30 * DAY)


def held(chapter: Chapter) -> list[tuple[str, str]]:
    """Who holds which role today."""
    rows = ChapterMembership.objects.filter(chapter=chapter).current(timezone.localdate())
    return sorted((one.shown_name, one.role) for one in rows)


def test_lead_gives_changes_and_ends_roles_and_each_is_noted_and_told(
    as_owner: Client, lead: ChapterMembership, member: User, pune: Chapter
) -> None:
    ChapterFollow.objects.create(chapter=pune, user=member, confirmed_at=timezone.now())
    page = as_owner.get("/chapters/pune/people/?q=ravi").content.decode()
    assert f"?user={member.pk}" in page
    as_owner.post("/chapters/pune/people/add/", {"user": member.pk, "role": "check_in"})
    assert held(pune) == [("Asha Owner", "lead"), ("Ravi Member", "check_in")]
    row = ChapterMembership.objects.get(user=member)
    until = (timezone.localdate() + 60 * DAY).isoformat()
    as_owner.post(f"/chapters/pune/people/{row.pk}/change/", {"role": "organizer", "until": until})
    assert held(pune) == [("Asha Owner", "lead"), ("Ravi Member", "organizer")]
    as_owner.post(f"/chapters/pune/people/{row.pk}/end/")
    assert held(pune) == [("Asha Owner", "lead")]
    assert list(AuditLog.objects.order_by("pk").values_list("act", flat=True)) == [
        "give_role",
        "change_role",
        "end_role",
    ]
    mails = OutboxMessage.objects.filter(to_user=member).order_by("pk")
    assert [mail.subject for mail in mails] == [
        "You are check-in in Pune",
        "Your role in Pune has changed",
        "Your role in Pune has ended",
    ]


def test_only_followers_can_be_given_a_role_out_of_the_blue(
    as_owner: Client, lead: ChapterMembership, member: User, pune: Chapter
) -> None:
    assert (
        as_owner.post("/chapters/pune/people/add/", {"user": member.pk, "role": "organizer"}).status_code
        == 404
    )
    assert "Ravi" not in as_owner.get("/chapters/pune/people/?q=ravi").content.decode().split("<main")[1]
    assert held(pune) == [("Asha Owner", "lead")]


def test_somebody_without_account_is_noted_by_name_but_never_as_lead(
    as_owner: Client, lead: ChapterMembership, pune: Chapter
) -> None:
    as_owner.post("/chapters/pune/people/add/", {"name": " Anil  Vettathu ", "role": "organizer"})
    assert ("Anil Vettathu", "organizer") in held(pune)
    assert as_owner.post("/chapters/pune/people/add/", {"name": "Nobody", "role": "lead"}).status_code == 422
    assert as_owner.post("/chapters/pune/people/add/", {"name": " ", "role": "organizer"}).status_code == 422


@pytest.mark.parametrize("leaf", ["end", "leave", "change"])
def test_last_lead_cannot_go_in_any_way(
    as_owner: Client, lead: ChapterMembership, pune: Chapter, leaf: str
) -> None:
    soon = (timezone.localdate() + DAY).isoformat()
    for given in ({}, {"role": "organizer"}, {"role": "lead", "until": soon}):
        as_owner.post(f"/chapters/pune/people/{lead.pk}/{leaf}/", given)
        lead.refresh_from_db()
        assert (lead.role, lead.until) == ("lead", None)
    page = as_owner.get("/chapters/pune/people/").content.decode()
    if leaf != "change":
        assert "last lead" in page


def test_lead_whose_role_ends_does_not_count_for_the_one_who_stays(
    lead: ChapterMembership, member: User, pune: Chapter, owner: User
) -> None:
    at = timezone.now()
    roles.give_role(
        chapter=pune, actor=owner, user=member, role="lead", until=timezone.localdate() + 90 * DAY, at=at
    )
    with pytest.raises(roles.RoleRefused, match="last lead"):
        roles.end_role(membership=lead, actor=owner, at=at)
    other = ChapterMembership.objects.get(user=member)
    roles.change_role(membership=other, actor=owner, role="lead", until=None, takes_reports=False, at=at)
    roles.end_role(membership=lead, actor=owner, at=at)
    assert held(pune) == [("Ravi Member", "lead")]


def test_inactive_lead_does_not_count(lead: ChapterMembership, pune: Chapter, owner: User) -> None:
    make_organizer(pune, user=make_user(is_active=False), role="lead")
    with pytest.raises(roles.RoleRefused):
        roles.end_role(membership=lead, actor=owner, at=timezone.now())


def test_handover_happens_when_the_organizer_says_yes_and_not_before(
    as_owner: Client, as_member: Client, lead: ChapterMembership, member: User, pune: Chapter
) -> None:
    row = make_organizer(pune, user=member)
    as_owner.post(f"/chapters/pune/people/{row.pk}/offer-lead/")
    assert held(pune) == [("Asha Owner", "lead"), ("Ravi Member", "organizer")]
    assert "Will you lead Pune?" in as_member.get("/chapters/pune/").content.decode()
    as_member.post(f"/chapters/pune/people/{row.pk}/lead/", {"answer": "yes"})
    assert held(pune) == [("Asha Owner", "organizer"), ("Ravi Member", "lead")]
    assert as_owner.get("/chapters/pune/people/").status_code == 404
    as_member.post(
        f"/chapters/pune/people/{row.pk}/lead/", {"answer": "yes"}
    )  # a second click changes nothing
    assert held(pune) == [("Asha Owner", "organizer"), ("Ravi Member", "lead")]


def test_handover_can_be_declined_taken_back_and_accepted_by_nobody_else(
    as_owner: Client, as_member: Client, lead: ChapterMembership, member: User, pune: Chapter
) -> None:
    row = make_organizer(pune, user=member)
    for client in (as_member, as_owner):
        as_owner.post(f"/chapters/pune/people/{row.pk}/offer-lead/")
        assert as_owner.post(f"/chapters/pune/people/{row.pk}/lead/", {"answer": "yes"}).status_code == 404
        client.post(f"/chapters/pune/people/{row.pk}/lead/", {"answer": "no"})
        as_member.post(f"/chapters/pune/people/{row.pk}/lead/", {"answer": "yes"})
        assert held(pune) == [("Asha Owner", "lead"), ("Ravi Member", "organizer")]


def test_offer_of_somebody_who_no_longer_leads_is_void(
    lead: ChapterMembership, member: User, pune: Chapter, owner: User
) -> None:
    at = timezone.now()
    row = make_organizer(pune, user=member)
    roles.offer_lead(membership=row, actor=owner, at=at)
    make_organizer(pune, user=make_user(), role="lead")
    roles.end_role(membership=lead, actor=owner, at=at)
    with pytest.raises(roles.RoleRefused, match="does not lead"):
        roles.answer_lead_offer(membership=row, actor=member, accept=True, at=at)


def test_members_lay_down_their_own_role_and_nobody_elses(
    as_member: Client, lead: ChapterMembership, member: User, pune: Chapter
) -> None:
    row = make_organizer(pune, user=member, role="volunteer", since=timezone.localdate() - DAY)
    assert as_member.post(f"/chapters/pune/people/{lead.pk}/leave/").status_code == 404
    as_member.post(f"/chapters/pune/people/{row.pk}/leave/")
    assert held(pune) == [("Asha Owner", "lead")]


def test_organizer_who_does_not_lead_gives_and_takes_nothing(
    as_member: Client, lead: ChapterMembership, member: User, pune: Chapter
) -> None:
    row = make_organizer(pune, user=member)
    before = list(ChapterMembership.objects.values())
    for address in (
        "people/add/",
        f"people/{lead.pk}/end/",
        f"people/{row.pk}/change/",
        f"people/{row.pk}/offer-lead/",
    ):
        given = {"role": "lead", "name": "X"}
        assert as_member.post(f"/chapters/pune/{address}", given).status_code == 404
    with pytest.raises(PermissionDenied):
        roles.give_role(chapter=pune, actor=member, role="lead", user=member, at=timezone.now())
    assert list(ChapterMembership.objects.values()) == before


def test_role_of_another_chapter_is_not_found(as_owner: Client, lead: ChapterMembership) -> None:
    other = make_organizer(make_chapter("nashik"))
    for leaf in ("change", "end", "offer-lead"):
        assert (
            as_owner.post(f"/chapters/pune/people/{other.pk}/{leaf}/", {"role": "member"}).status_code == 404
        )


def test_holder_and_lead_are_told_once_two_weeks_before_a_role_ends(
    lead: ChapterMembership, member: User, pune: Chapter, owner: User
) -> None:
    now = timezone.now()
    row = make_organizer(pune, user=member, until=timezone.localdate(now) + 15 * DAY)
    roles.tell_of_ends(at=now)
    assert not OutboxMessage.objects.exists()
    for _ in range(2):
        roles.tell_of_ends(at=now + DAY)
    assert sorted(OutboxMessage.objects.values_list("to_user", flat=True)) == sorted([owner.pk, member.pk])
    row.until = timezone.localdate(now) + 45 * DAY
    row.save()
    roles.tell_of_ends(at=now + 31 * DAY)  # the new last day is another end
    assert OutboxMessage.objects.count() == 4


def test_role_of_a_last_lead_that_an_import_gave_an_end_does_not_end(pune: Chapter, owner: User) -> None:
    row = make_organizer(pune, user=owner, role="lead", until=timezone.localdate() + DAY)
    roles.tell_of_ends(at=timezone.now())
    row.refresh_from_db()
    assert row.until is None
    assert AuditLog.objects.get().act == "keep_last_lead"


def _race(folder: Path, *more: str) -> list[Any]:
    """What several rounds left, in a process with threads of its own."""
    if connection.vendor == "sqlite":
        shutil.copy(migrated_database(), folder / "portal.sqlite3")
        url = f"sqlite:///{folder}/portal.sqlite3"
    else:
        # Committed rows of the test database, which the program opens by itself.
        url = os.environ["TEST_DATABASE_URL"].rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}"
    env = os.environ | {
        "DATABASE_URL": url,
        "VAR_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    argv = [sys.executable, "-m", "events.tests.race_of_leads", *more]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.django_db(transaction=True)
def test_two_leads_who_leave_at_once_leave_one(tmp_path: Path) -> None:
    assert _race(tmp_path) == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_race_of_leads_finds_what_the_lock_prevents(tmp_path: Path) -> None:
    """The positive control. SQLite has one writer from the start of a transaction, so there it holds even so."""
    left = _race(tmp_path, "--without-lock")
    if connection.vendor == "sqlite":
        assert left == [1, 1, 1]
    else:
        assert 0 in left  # three tries: one of them may happen to be in turn


@pytest.mark.django_db(transaction=True)
def test_two_offers_for_a_new_city_accepted_at_once_make_one_chapter_with_one_lead(tmp_path: Path) -> None:
    assert _race(tmp_path, "--offers") == [[1, 1], [1, 1], [1, 1]]
