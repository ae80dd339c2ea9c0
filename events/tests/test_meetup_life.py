"""Which state may follow which, and what a calendar hears of it."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied

from events.models import AuditLog, Meetup
from events.services.life import MOVES, MeetupRefused
from events.services.meetups import (
    cancel_meetup,
    change_meetup,
    copy_meetup,
    create_meetup,
    discard_meetup,
    move_meetup,
    publish_meetup,
    set_date,
)
from events.tests.factories import NOW, make_chapter, make_dated_meetup, make_meetup
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
Status = Meetup.Status
DAY = dt.timedelta(days=1)

#: Every pair of states, and whether the second may follow the first.
TABLE = {
    ("draft", "idea"): True,
    ("draft", "polling"): True,
    ("draft", "tentative"): True,
    ("draft", "confirmed"): True,
    ("draft", "cancelled"): False,
    ("idea", "draft"): False,
    ("idea", "polling"): True,
    ("idea", "tentative"): True,
    ("idea", "confirmed"): True,
    ("idea", "cancelled"): True,
    ("polling", "draft"): False,
    ("polling", "idea"): True,
    ("polling", "tentative"): True,
    ("polling", "confirmed"): True,
    ("polling", "cancelled"): True,
    ("tentative", "draft"): False,
    ("tentative", "idea"): True,
    ("tentative", "polling"): True,
    ("tentative", "confirmed"): True,
    ("tentative", "cancelled"): True,
    ("confirmed", "draft"): False,
    ("confirmed", "idea"): True,
    ("confirmed", "polling"): True,
    ("confirmed", "tentative"): True,
    ("confirmed", "cancelled"): True,
    ("cancelled", "draft"): False,
    ("cancelled", "idea"): True,
    ("cancelled", "polling"): False,
    ("cancelled", "tentative"): True,
    ("cancelled", "confirmed"): True,
}


def test_the_table_names_every_pair() -> None:
    assert set(TABLE) == {(a, b) for a in Status.values for b in Status.values if a != b}
    assert set(MOVES) == set(Status)


@pytest.mark.parametrize(("pair", "may"), TABLE.items(), ids=lambda value: str(value))
def test_each_move_is_taken_or_refused_in_a_sentence(pair: tuple[str, str], may: bool) -> None:
    before, after = pair
    meetup = make_dated_meetup(NOW + DAY, status=before)
    if may:
        assert move_meetup(meetup=meetup, actor=None, status=after, at=NOW) == {"status"}
    else:
        with pytest.raises(MeetupRefused, match=r"^[A-Z].*\.$"):
            move_meetup(meetup=meetup, actor=None, status=after, at=NOW)
    stored = Meetup.objects.get(pk=meetup.pk)
    assert (stored.status, stored.ical_sequence) == ((after, 1) if may else (before, 0))


@pytest.mark.parametrize("after", ["idea", "tentative", "cancelled"])
def test_what_is_over_stays_what_it_was(after: str) -> None:
    meetup = make_dated_meetup(NOW - DAY)
    with pytest.raises(MeetupRefused, match="is over"):
        move_meetup(meetup=meetup, actor=None, status=after, at=NOW)
    with pytest.raises(MeetupRefused, match="is over"):
        change_meetup(meetup=meetup, actor=None, changes={"starts_at": NOW - 2 * DAY}, at=NOW)
    assert change_meetup(meetup=meetup, actor=None, changes={"recap": "It was good."}, at=NOW) == {"recap"}


def test_an_old_meetup_can_be_written_down_as_a_draft_and_published() -> None:
    meetup = make_dated_meetup(NOW - DAY, status="draft")
    assert "status" in publish_meetup(meetup=meetup, actor=None, status="confirmed", at=NOW)


def test_a_cancelled_meetup_without_a_date_can_be_brought_back() -> None:
    meetup = make_meetup(status="cancelled")
    move_meetup(meetup=meetup, actor=None, status="idea", at=NOW)
    assert meetup.status == "idea"


@pytest.mark.parametrize("precision", ["none", "month", "day"])
def test_only_an_exact_date_is_confirmed(precision: str) -> None:
    start = None if precision == "none" else NOW + DAY
    meetup = make_meetup(date_precision=precision, starts_at=start)
    with pytest.raises(MeetupRefused, match=r"needs a day and a time"):
        move_meetup(meetup=meetup, actor=None, status="confirmed", at=NOW)
    with pytest.raises(MeetupRefused, match=r"needs a day and a time"):
        set_date(
            meetup=meetup,
            actor=None,
            starts_at=start,
            ends_at=None,
            precision=precision,
            status="confirmed",
            at=NOW,
        )
    assert move_meetup(meetup=meetup, actor=None, status="tentative", at=NOW) == {"status"}


def test_a_date_and_its_state_are_set_in_one_step_with_one_number() -> None:
    meetup = make_meetup()
    changed = set_date(
        meetup=meetup,
        actor=None,
        starts_at=NOW + DAY,
        ends_at=NOW + 2 * DAY,
        precision="exact",
        status="confirmed",
        at=NOW,
    )
    assert changed == {"starts_at", "ends_at", "date_precision", "status"}
    assert (meetup.ical_sequence, meetup.changed_at) == (1, NOW)


@pytest.mark.parametrize(
    ("starts", "ends", "precision"),
    [
        (NOW, NOW, "exact"),
        (NOW, NOW - DAY, "exact"),
        (None, None, "day"),
        (NOW, None, "none"),
        (None, NOW, "none"),
    ],
)
def test_a_date_that_contradicts_itself_is_refused(
    starts: dt.datetime | None, ends: dt.datetime | None, precision: str
) -> None:
    with pytest.raises(MeetupRefused):
        set_date(
            meetup=make_meetup(),
            actor=None,
            starts_at=starts,
            ends_at=ends,
            precision=precision,
            status="tentative",
            at=NOW,
        )


@pytest.mark.parametrize(
    ("changes", "sequence"),
    [
        ({"title": "Another"}, 1),
        ({"starts_at": NOW + 2 * DAY, "ends_at": None}, 1),
        ({"venue_notes": "Second floor"}, 1),
        ({"mode": "online"}, 1),
        ({"time_zone": "Europe/London"}, 1),
        ({"description": "More words"}, 0),
        ({"capacity": 40}, 0),
        ({"title": "Storage night"}, 0),
    ],
    ids=str,
)
def test_sequence_grows_with_time_place_and_title_alone(changes: dict[str, object], sequence: int) -> None:
    meetup = make_dated_meetup(NOW + DAY, title="Storage night")
    uid = meetup.ical_uid
    change_meetup(meetup=meetup, actor=None, changes=changes, at=NOW)
    assert (meetup.ical_sequence, meetup.ical_uid) == (sequence, uid)


def test_cancelling_twice_counts_once_and_keeps_the_reason() -> None:
    meetup = make_dated_meetup(NOW + DAY)
    cancel_meetup(meetup=meetup, actor=None, reason="The hall is flooded.", at=NOW)
    cancel_meetup(meetup=meetup, actor=None, reason="Another reason", at=NOW)
    assert (meetup.status, meetup.cancel_reason, meetup.ical_sequence) == (
        "cancelled",
        "The hall is flooded.",
        1,
    )
    assert AuditLog.objects.filter(act="cancel_meetup").count() == 1


def test_a_draft_is_discarded_and_nothing_else_is(owner: User) -> None:
    staff = make_user(is_staff=True)
    draft, idea = make_meetup(status="draft"), make_meetup()
    discard_meetup(meetup=draft, actor=staff, at=NOW)
    with pytest.raises(MeetupRefused, match="Cancel it instead"):
        discard_meetup(meetup=idea, actor=staff, at=NOW)
    assert list(Meetup.objects.all()) == [idea]
    assert AuditLog.objects.get().act == "discard_meetup"


def test_publishing_tells_once_and_only_a_draft_is_published() -> None:
    meetup = make_meetup(status="draft")
    publish_meetup(meetup=meetup, actor=None, status="idea", at=NOW)
    meetup.refresh_from_db()
    assert meetup.announced_at == NOW
    with pytest.raises(MeetupRefused, match="published already"):
        publish_meetup(meetup=meetup, actor=None, status="tentative", at=NOW + DAY)


def test_a_copy_is_a_draft_of_its_own() -> None:
    staff = make_user(is_staff=True)
    chapter = make_chapter("pune")
    source = make_dated_meetup(
        NOW + DAY, chapter=chapter, title="Storage night", capacity=40, ical_sequence=3
    )
    change_meetup(meetup=source, actor=None, changes={"topics": ["Block layer"]}, at=NOW)
    source.questions.create(text="Nested KVM?", kind="yes_no", counted_as="have it")
    source.rsvps.create(user=staff, status="going")
    copy = copy_meetup(meetup=source, actor=staff, at=NOW)
    again = copy_meetup(meetup=source, actor=staff, at=NOW, starts_at=NOW + 7 * DAY)
    assert (copy.status, copy.starts_at, copy.date_precision) == ("draft", None, "none")
    assert copy.ical_uid != source.ical_uid
    assert (copy.ical_sequence, copy.capacity, copy.rsvps.count()) == (0, 40, 0)
    assert [question.text for question in copy.questions.all()] == ["Nested KVM?"]
    assert [topic.name for topic in copy.topics.all()] == ["Block layer"]
    assert again.ends_at is not None
    assert again.starts_at == NOW + 7 * DAY
    assert again.ends_at - NOW == 7 * DAY + dt.timedelta(hours=3)
    assert len({source.slug, copy.slug, again.slug}) == 3


def test_a_new_meetup_is_a_draft_in_the_zone_of_its_chapter() -> None:
    chapter = make_chapter("london", time_zone="Europe/London")
    meetup = create_meetup(chapter=chapter, actor=None, fields={"title": "QEMU, KVM & you"}, at=NOW)
    assert (meetup.status, meetup.time_zone, meetup.slug) == ("draft", "Europe/London", "london-qemu-kvm-you")
    nameless = create_meetup(chapter=chapter, actor=None, fields={"title": "会"}, at=NOW)
    assert nameless.slug == "london"


@pytest.mark.parametrize("role", ["member", "volunteer", "check_in", None])
def test_services_ask_again_who_acts(owner: User, role: str | None) -> None:
    meetup = make_dated_meetup(NOW + DAY, status="draft")
    if role:
        meetup.chapter.memberships.create(user=owner, role=role)
    acts: list[Callable[[], object]] = [
        lambda: create_meetup(chapter=meetup.chapter, actor=owner, fields={"title": "Mine"}, at=NOW),
        lambda: change_meetup(meetup=meetup, actor=owner, changes={"title": "Mine"}, at=NOW),
        lambda: move_meetup(meetup=meetup, actor=owner, status="confirmed", at=NOW),
        lambda: publish_meetup(meetup=meetup, actor=owner, status="confirmed", at=NOW),
        lambda: cancel_meetup(meetup=meetup, actor=owner, reason="", at=NOW),
        lambda: discard_meetup(meetup=meetup, actor=owner, at=NOW),
        lambda: copy_meetup(meetup=meetup, actor=owner, at=NOW),
    ]
    for act in acts:
        with pytest.raises(PermissionDenied):
            act()
    assert Meetup.objects.values_list("title", "status").get() == (meetup.title, "draft")


def test_two_who_name_a_new_meetup_alike_at_once_both_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = make_meetup(make_chapter("surat"), slug="surat-rust")
    found = iter(["surat-rust", "surat-rust-2"])  # the first was free when it was looked for
    monkeypatch.setattr("events.services.meetups.free_slug", lambda words: next(found))
    made = create_meetup(chapter=taken.chapter, actor=None, fields={"title": "Rust"}, at=NOW)
    assert made.slug == "surat-rust-2"
