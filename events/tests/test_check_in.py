"""At the door: once is once, the earlier moment counts, and nobody without the role does anything."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.models import AuditLog, Meetup, Rsvp
from events.queries.check_in import code_hash, door
from events.services import check_in
from events.services.check_in import Act, CheckInRefused, HouseFull
from events.services.links import sign_link
from events.tests.factories import NOW, make_dated_meetup, make_organizer
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.mail.services import queue_mail
from portal.tests.factories import make_user
from portal.tests.invariants import broken_invariants

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _now() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def meetup(owner: User) -> Meetup:
    """A meetup that begins soon, for four; the owner runs its chapter."""
    found = make_dated_meetup(NOW + 30 * MINUTE, capacity=4)
    make_organizer(found.chapter, user=owner)
    return found


@pytest.fixture
def helper(meetup: Meetup, member: User) -> User:
    """Somebody who only helps at the door."""
    make_organizer(meetup.chapter, user=member, role="check_in")
    return member


def coming(meetup: Meetup, name: str = "Gita", **fields: Any) -> Rsvp:
    """Somebody with a seat."""
    values = {"status": "going", "email": f"{uuid.uuid4().hex[:8]}@example.org", "name": name}
    return Rsvp.objects.create(meetup=meetup, **(values | fields))


def do(
    meetup: Meetup, actor: User, rsvp: Rsvp, what: str = "in", *, at: dt.datetime = NOW, key: str = ""
) -> str:
    """One act, now known to the server; what became of it."""
    act = Act(key=key or check_in.new_key(), what=what, at=at, rsvp_pk=rsvp.pk)
    outcome = check_in.act_at_door(meetup=meetup, actor=actor, acts=[act], at=NOW)[0]
    rsvp.refresh_from_db()
    return outcome.outcome


def test_a_person_is_checked_in_and_it_is_noted(meetup: Meetup, helper: User) -> None:
    rsvp = coming(meetup)
    assert do(meetup, helper, rsvp) == "done"
    assert (rsvp.checked_in_at, rsvp.checked_in_by) == (NOW, helper)
    note = AuditLog.objects.get(act="check_in")
    assert (note.actor, note.meetup, note.detail["rsvp"]) == (helper, meetup, rsvp.pk)


def test_an_act_that_arrives_twice_is_done_once_also_after_it_was_undone(
    meetup: Meetup, helper: User
) -> None:
    rsvp = coming(meetup)
    assert do(meetup, helper, rsvp, key="same") == "done"
    assert do(meetup, helper, rsvp, key="same") == "done"
    assert do(meetup, helper, rsvp, "undo") == "done"
    assert do(meetup, helper, rsvp, key="same") == "done"
    assert rsvp.checked_in_at is None
    acts = [Act(key="twice", what="in", at=NOW, rsvp_pk=coming(meetup).pk)] * 2
    check_in.act_at_door(meetup=meetup, actor=helper, acts=acts, at=NOW)
    assert AuditLog.objects.filter(act="check_in").count() == 2


def test_the_earlier_of_two_moments_counts_and_the_later_hears_of_it(
    meetup: Meetup, helper: User, owner: User
) -> None:
    rsvp = coming(meetup)
    do(meetup, owner, rsvp, at=NOW - 2 * MINUTE)
    act = Act(key=check_in.new_key(), what="in", at=NOW, rsvp_pk=rsvp.pk)
    later = check_in.act_at_door(meetup=meetup, actor=helper, acts=[act], at=NOW)[0]
    assert later.sentence == "Gita was already checked in at 11:28 by Asha Owner."
    rsvp.refresh_from_db()
    assert (rsvp.checked_in_at, rsvp.checked_in_by) == (NOW - 2 * MINUTE, owner)
    assert do(meetup, helper, rsvp, at=NOW - 5 * MINUTE) == "already"
    assert (rsvp.checked_in_at, rsvp.checked_in_by) == (NOW - 5 * MINUTE, helper)


def test_what_was_undone_later_does_not_come_back_from_a_phone(meetup: Meetup, helper: User) -> None:
    rsvp = coming(meetup)
    do(meetup, helper, rsvp, at=NOW - 9 * MINUTE)
    do(meetup, helper, rsvp, "undo", at=NOW - 3 * MINUTE)
    assert do(meetup, helper, rsvp, at=NOW - 5 * MINUTE) == "undone"
    assert rsvp.checked_in_at is None
    assert do(meetup, helper, rsvp, at=NOW - MINUTE) == "done"
    assert do(meetup, helper, rsvp, "undo", at=NOW - 2 * MINUTE) == "already"
    assert rsvp.checked_in_at == NOW - MINUTE


def test_a_phones_clock_is_believed_within_bounds(meetup: Meetup, helper: User) -> None:
    ahead, behind = coming(meetup), coming(meetup)
    do(
        meetup,
        helper,
        ahead,
        at=dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.timezone(-dt.timedelta(hours=12))),
    )
    do(meetup, helper, behind, at=dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=12))))
    assert (ahead.checked_in_at, behind.checked_in_at) == (NOW, NOW - dt.timedelta(hours=48))


def test_a_code_of_another_meetup_and_people_without_a_seat_are_not_let_in(
    meetup: Meetup, helper: User
) -> None:
    other = coming(make_dated_meetup(NOW))
    waiting, declined = coming(meetup, status="waitlisted"), coming(meetup, status="declined")
    acts = [
        Act(key="k1", what="in", at=NOW, rsvp_pk=other.pk),
        Act(key="k2", what="in", at=NOW, code=other.code),
        Act(key="k3", what="in", at=NOW, rsvp_pk=declined.pk),
        Act(key="k4", what="in", at=NOW, rsvp_pk=waiting.pk),
        Act(key="k5", what="in", at=NOW),
    ]
    outcomes = check_in.act_at_door(meetup=meetup, actor=helper, acts=acts, at=NOW)
    assert [one.outcome for one in outcomes] == ["unknown", "unknown", "unknown", "no_seat", "unknown"]
    assert not Rsvp.objects.filter(checked_in_at__isnull=False).exists()
    code = Act(key="k6", what="in", at=NOW, code=f" {coming(meetup).code.lower()} ")
    assert check_in.act_at_door(meetup=meetup, actor=helper, acts=[code], at=NOW)[0].outcome == "done"


def test_nobody_without_the_role_acts_and_no_cancelled_meetup_takes_anybody(
    meetup: Meetup, owner: User
) -> None:
    rsvp, stranger = coming(meetup), make_user()
    with pytest.raises(PermissionDenied):
        do(meetup, stranger, rsvp)
    with pytest.raises(PermissionDenied):
        check_in.admit_walk_in(meetup=meetup, actor=stranger, name="X", at=NOW)
    with pytest.raises(PermissionDenied):
        check_in.admit_without_seat(meetup=meetup, actor=stranger, rsvp_pk=rsvp.pk, at=NOW)
    Meetup.objects.update(status="cancelled")
    with pytest.raises(CheckInRefused):
        do(meetup, owner, rsvp)
    with pytest.raises(CheckInRefused):
        check_in.admit_walk_in(meetup=meetup, actor=owner, name="X", at=NOW)
    assert (Rsvp.objects.count(), AuditLog.objects.count()) == (1, 0)


def test_walk_ins_get_free_seats_and_more_only_by_an_organizer_who_says_so(
    meetup: Meetup, helper: User, owner: User
) -> None:
    coming(meetup, guests=2)
    walked = check_in.admit_walk_in(meetup=meetup, actor=helper, name="Walk One", at=NOW)
    assert (walked.status, walked.checked_in_at, walked.checked_in_by) == ("going", NOW, helper)
    for actor, over in ((helper, False), (helper, True), (owner, False)):
        with pytest.raises(HouseFull, match="All 4 seats are taken"):
            check_in.admit_walk_in(meetup=meetup, actor=actor, name="Walk Two", over=over, at=NOW)
    check_in.admit_walk_in(meetup=meetup, actor=owner, name="Walk Two", over=True, at=NOW)
    assert meetup.rsvps.holding().seats() == 5
    notes = AuditLog.objects.filter(act="admit_walk_in").order_by("pk")
    assert [note.detail["over_capacity"] for note in notes] == [False, True]


def test_no_mail_goes_to_whoever_gave_no_address(meetup: Meetup, helper: User) -> None:
    walked = check_in.admit_walk_in(meetup=meetup, actor=helper, name="Walk One", at=NOW)
    message = queue_mail(
        kind="account",
        to=walked.address,
        subject="x",
        template="accounts/erased_message",
        context={},
        dedupe_key="x",
    )
    assert (message, OutboxMessage.objects.count()) == (None, 0)


def test_a_walk_in_who_had_signed_up_keeps_the_one_row_and_the_blocked_stay_out(
    meetup: Meetup, helper: User
) -> None:
    waiting = coming(meetup, status="waitlisted", email="w@example.org")
    check_in.admit_walk_in(meetup=meetup, actor=helper, name="Gita", email="W@example.org", at=NOW)
    waiting.refresh_from_db()
    assert (waiting.status, Rsvp.objects.count()) == ("going", 1)
    maybe = coming(meetup, status="maybe", guests=3)
    check_in.admit_without_seat(meetup=meetup, actor=helper, rsvp_pk=maybe.pk, at=NOW)
    maybe.refresh_from_db()
    assert (maybe.status, maybe.guests, maybe.checked_in_at) == ("going", 0, NOW)
    meetup.chapter.blocks.create(email="bad@example.org")
    with pytest.raises(CheckInRefused, match="blocked"):
        check_in.admit_walk_in(meetup=meetup, actor=helper, name="B", email="bad@example.org", at=NOW)


@pytest.mark.parametrize("number", [1, 3, 300])
def test_the_door_reads_its_list_in_one_query(
    meetup: Meetup, owner: User, number: int, django_assert_num_queries: Any
) -> None:
    Rsvp.objects.bulk_create(
        Rsvp(meetup=meetup, status="going", email=f"p{n}@example.org", checked_in_at=NOW, checked_in_by=owner)
        for n in range(number)
    )
    with django_assert_num_queries(1):
        found = door(meetup)
    assert (found.here, found.expected, found.people[0].by) == (number, number, "Asha Owner")


def test_guests_count_at_the_door(meetup: Meetup) -> None:
    coming(meetup, guests=2, checked_in_at=NOW)
    coming(meetup)
    coming(meetup, status="waitlisted")
    found = door(meetup)
    assert (found.here, found.expected, len(found.people)) == (3, 4, 3)


# ---------------------------------------------------------------------------------------------- pages

PAGES = ("check_in", "check_in_worker", "check_in_sync")


def url(name: str, meetup: Meetup, *more: object) -> str:
    """An address about the meetup."""
    return reverse(f"events:{name}", args=[meetup.slug, *more])


def sync(client: Client, meetup: Meetup, *acts: dict[str, Any]) -> Any:
    """What the page's script sends."""
    return client.post(
        url("check_in_sync", meetup), json.dumps({"acts": acts}), content_type="application/json"
    )


def test_strangers_and_members_find_nothing(
    meetup: Meetup, as_stranger: Client, as_member: Client, member: User
) -> None:
    rsvp = coming(meetup, user=member, email="", name="")
    for name, *more in (("check_in",), ("check_in_worker",), ("check_in_code", rsvp.code)):
        assert as_stranger.get(url(name, meetup, *more)).status_code == 302
        assert as_member.get(url(name, meetup, *more)).status_code == 404
    data = {"do": "in", "pk": rsvp.pk, "name": "X", "code": rsvp.code}
    for client in (as_stranger, as_member):
        for act in ("in", "code", "walk_in", "admit", "undo"):
            assert client.post(url("check_in", meetup), data | {"do": act}).status_code == 404
        assert (
            sync(
                client, meetup, {"key": "k" * 8, "what": "in", "at": NOW.isoformat(), "pk": rsvp.pk}
            ).status_code
            == 404
        )
    rsvp.refresh_from_db()
    assert (rsvp.checked_in_at, Rsvp.objects.count()) == (None, 1)


def test_a_helper_does_everything_without_a_script(meetup: Meetup, helper: User, as_member: Client) -> None:
    rsvp, other = coming(meetup, "Gita Guest"), coming(meetup, "Hari")
    address = url("check_in", meetup)
    page = as_member.get(address)
    assert broken_invariants(page.content.decode()) == []
    assert page["Permissions-Policy"].startswith("camera=(self)")
    found = as_member.get(address, {"q": "guest"}).content.decode()
    assert ("data-name>Gita Guest<" in found, "data-name>Hari<" in found) == (True, False)
    for data, here in (({"do": "in", "pk": rsvp.pk}, True), ({"do": "undo", "pk": rsvp.pk}, False)):
        as_member.post(address, data)
        rsvp.refresh_from_db()
        assert bool(rsvp.checked_in_at) == here
    said = as_member.post(address, {"do": "code", "code": other.code}, follow=True)
    assert "Hari is checked in." in said.content.decode()
    again = as_member.post(address, {"do": "code", "code": other.code}, follow=True)
    assert "Hari was already checked in at 11:30 by Ravi Member." in again.content.decode()
    for number in range(2):
        as_member.post(address, {"do": "walk_in", "name": f"Walk {number}"})
    full = as_member.post(address, {"do": "walk_in", "name": "Too many", "over": "on"})
    assert (full.status_code, Rsvp.objects.count()) == (409, 4)
    assert b"All 4 seats are taken" in full.content
    assert b'name="over"' not in full.content
    for nonsense in ({}, {"do": "in"}, {"do": "in", "pk": "x"}, {"do": "admit", "pk": "9" * 30}):
        assert as_member.post(address, nonsense).status_code == 302


def test_an_organizer_goes_over_by_saying_so(meetup: Meetup, as_owner: Client) -> None:
    coming(meetup, guests=3)
    waiting = coming(meetup, status="waitlisted")
    address = url("check_in", meetup)
    full = as_owner.post(address, {"do": "admit", "pk": waiting.pk})
    assert (full.status_code, b"Let them in all the same" in full.content) == (409, True)
    assert broken_invariants(full.content.decode()) == []
    as_owner.post(address, {"do": "admit", "pk": waiting.pk, "over": "1"})
    walk = {"do": "walk_in", "name": "Walk"}
    assert b'name="over"' in as_owner.post(address, walk).content
    assert as_owner.post(address, walk | {"over": "on"}).status_code == 302
    assert meetup.rsvps.filter(checked_in_at__isnull=False).count() == 2


def test_sync_takes_acts_and_answers_with_the_list(meetup: Meetup, helper: User, as_member: Client) -> None:
    rsvp = coming(meetup, "Gita", email="secret@example.org")
    act = {"key": "0123456789abcdef", "what": "in", "at": (NOW - MINUTE).isoformat(), "pk": rsvp.pk}
    answer = sync(as_member, meetup, act)
    assert answer.status_code == 200
    [person] = answer.json()["people"]
    assert person == {
        "pk": rsvp.pk,
        "name": "Gita",
        "guests": 0,
        "seat": True,
        "state": "Going",
        "hash": code_hash(meetup, rsvp.code),
        "at": "11:29",
        "by": "Ravi Member",
    }
    assert rsvp.code not in answer.content.decode()
    assert "secret@" not in answer.content.decode()
    assert [one["outcome"] for one in sync(as_member, meetup, act).json()["outcomes"]] == ["done"]
    assert sync(as_member, meetup).json()["outcomes"] == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '{"acts": [{}]}',
        '{"acts": [{"key": "12345678", "what": "steal", "at": "2026-12-13T06:00:00Z"}]}',
        '{"acts": [{"key": "12345678", "what": "in", "at": "2026-12-13T06:00:00"}]}',
        '{"acts": [{"key": "1", "what": "in", "at": "2026-12-13T06:00:00Z"}]}',
        json.dumps({"acts": [{"key": "12345678", "what": "in", "at": "2026-12-13T06:00:00Z"}] * 201}),
    ],
)
def test_sync_refuses_rubbish(meetup: Meetup, helper: User, as_member: Client, body: str) -> None:
    answer = as_member.post(url("check_in_sync", meetup), body, content_type="application/json")
    assert answer.status_code == 400
    assert not AuditLog.objects.exists()


def test_sync_needs_the_csrf_token(meetup: Meetup, owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    assert sync(client, meetup).status_code == 403


def test_a_ticket_is_for_its_owner_and_leads_helpers_to_the_person(
    meetup: Meetup, helper: User, as_member: Client, as_stranger: Client, owner: User, as_owner: Client
) -> None:
    rsvp = coming(meetup, user=owner, email="", name="")
    page = as_owner.get(url("ticket", meetup))
    assert (page.status_code, rsvp.code in page.content.decode()) == (200, True)
    assert b"<svg" in page.content
    assert broken_invariants(page.content.decode()) == []
    assert url("ticket", meetup) in as_owner.get(meetup.get_absolute_url()).content.decode()
    assert as_member.get(url("ticket", meetup)).status_code == 404
    assert as_stranger.get(url("ticket", meetup)).status_code == 302
    door_page = as_member.get(url("check_in_code", meetup, rsvp.code))
    assert b"Check in Asha Owner" in door_page.content
    rsvp.refresh_from_db()
    assert rsvp.checked_in_at is None, "looking at it checks nobody in"


def test_a_ticket_by_link_and_its_picture(meetup: Meetup, as_stranger: Client) -> None:
    rsvp = coming(meetup)
    token = sign_link(rsvp, "view")
    look_after = as_stranger.get(reverse("events:rsvp_link", args=[token])).content.decode()
    assert reverse("events:rsvp_ticket", args=[token]) in look_after
    page = as_stranger.get(reverse("events:rsvp_ticket", args=[token]))
    assert (page.status_code, rsvp.code in page.content.decode()) == (200, True)
    picture = as_stranger.get(reverse("events:rsvp_ticket_picture", args=[token]))
    assert (picture["Content-Type"], picture.content[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    Meetup.objects.update(status="cancelled")
    assert as_stranger.get(reverse("events:rsvp_ticket_picture", args=[token])).status_code == 404
    Meetup.objects.update(status="confirmed")
    Rsvp.objects.update(status="waitlisted")
    assert as_stranger.get(reverse("events:rsvp_ticket_picture", args=[token])).status_code == 404
    waiting = as_stranger.get(reverse("events:rsvp_ticket", args=[token])).content.decode()
    assert "You have no seat" in waiting
    assert rsvp.code not in waiting


def test_signing_out_wipes_what_pages_kept(as_owner: Client) -> None:
    answer = as_owner.post(reverse("account_logout"))
    assert answer["Clear-Site-Data"] == '"storage"'
    assert "Clear-Site-Data" not in as_owner.post(reverse("account_login"), {})


def test_a_member_who_gives_an_address_of_theirs_at_the_door_takes_one_seat(
    meetup: Meetup, helper: User
) -> None:
    user = make_user()
    EmailAddress.objects.create(user=user, email="asha@example.org", verified=True)
    own = coming(meetup, email="", name="", user=user)
    walked = check_in.admit_walk_in(meetup=meetup, actor=helper, name="A", email="asha@example.org", at=NOW)
    assert (walked.pk, walked.user, meetup.rsvps.count()) == (own.pk, user, 1)


def test_a_code_with_a_nul_byte_belongs_to_nobody(meetup: Meetup, helper: User) -> None:
    act = Act(key=check_in.new_key(), what="in", at=NOW, code="A\0B")
    with CaptureQueriesContext(connection) as asked:
        found = check_in.act_at_door(meetup=meetup, actor=helper, acts=[act], at=NOW)
    assert found[0].outcome == "unknown"
    assert not any("\0" in query["sql"] for query in asked)  # PostgreSQL would refuse it
