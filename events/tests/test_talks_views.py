"""Pages where talks are offered, decided and arranged, each as three persons and more."""

import datetime as dt
import re

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from events.models import Chapter, Meetup, Resource, Session, Speaker, SpeakerClaim, Talk
from events.tests.factories import make_chapter, make_dated_meetup, make_organizer
from events.tests.talk_factories import (
    make_conference,
    make_conference_session,
    make_report,
    make_session,
    make_speaker,
    make_talk,
)
from events.tests.test_talks_pages import queries, text
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db

OFFER = {
    "title": "virtio in an hour",
    "abstract": "How rings work.",
    "topic": "virtio",
    "kind": "talk",
    "affiliation": "KVM India",
    "others": "Anil Vettathu, Red Hat",
    "note": "Only in March.",
}


def client_of(user: User) -> Client:
    """A browser in which ``user`` is signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def pune(owner: User) -> Chapter:
    """A chapter that the owner organizes."""
    chapter = make_chapter("pune", city="Pune")
    make_organizer(chapter, user=owner)
    return chapter


@pytest.fixture
def meetup(pune: Chapter) -> Meetup:
    """A meetup of Pune from 10:00 to 13:00 in India, three days from now."""
    day = timezone.now().date() + dt.timedelta(days=3)
    start = dt.datetime.combine(day, dt.time(4, 30), dt.UTC)
    return make_dated_meetup(start, chapter=pune, slug="storage-night")


def test_member_proposes_and_organizer_accepts(
    as_owner: Client, as_member: Client, as_stranger: Client, member: User, pune: Chapter
) -> None:
    answer = as_member.post("/chapters/pune/talks/propose/", OFFER)
    talk = Talk.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, talk.get_absolute_url())
    session = talk.sessions.get()
    assert (session.chapter, session.status, session.note) == (pune, "proposed", "Only in March.")
    page = text(as_owner, "/chapters/pune/talks/")
    assert "virtio in an hour" in page
    assert "Only in March." in page
    assert "Proposed, not decided yet" in text(as_member, "/talks/?whose=mine")
    answer = as_owner.post(
        f"/chapters/pune/talks/{session.pk}/decide/", {"decision": "accept", "reason": "Yes!"}
    )
    assert answer["Location"] == "/chapters/pune/talks/"
    page = text(as_stranger, talk.get_absolute_url())
    assert "Ravi Member</a> (KVM India)" in page
    assert "Anil Vettathu</a> (Red Hat)" in page
    assert "the meetup is not settled" in page
    assert "Only in March." not in page
    assert "Yes!" not in page


def test_refusal_needs_a_reason(as_owner: Client, pune: Chapter) -> None:
    session = make_session(pune)
    address = f"/chapters/pune/talks/{session.pk}/decide/"
    page = as_owner.post(address, {"decision": "decline"}, follow=True).content.decode()
    assert "Say why you decline it" in page
    session.refresh_from_db()
    assert session.status == "proposed"
    as_owner.post(address, {"decision": "decline", "reason": "Too long."})
    session.refresh_from_db()
    assert (session.status, session.reason) == ("declined", "Too long.")


@pytest.mark.parametrize(
    "wrong",
    [{"title": ""}, {"abstract": " "}, {"kind": "x"}, {"others": "N\n" * 1 + "a\nb\nc\nd\ne\nf\ng\nh\ni"}],
)
def test_what_is_missing_in_a_proposal_is_said(
    as_member: Client, pune: Chapter, wrong: dict[str, str]
) -> None:
    answer = as_member.post("/chapters/pune/talks/propose/", OFFER | wrong)
    assert answer.status_code == 422
    assert not Talk.objects.exists()


def test_talk_is_offered_to_another_chapter(
    as_member: Client, as_owner: Client, member: User, pune: Chapter
) -> None:
    talk = make_talk(slug="one", proposed_by=member)
    make_session(make_chapter(), talk=talk)
    assert "Talk " in text(as_member, "/chapters/pune/talks/propose/")
    assert 'value="pune" selected' in text(as_member, "/talks/one/propose/?chapter=pune")
    assert as_owner.get("/talks/one/propose/").status_code == 404
    as_member.post("/talks/one/propose/", {"chapter": "pune", "note": "Again."})
    assert talk.sessions.filter(chapter=pune, note="Again.").exists()
    again = as_member.post("/talks/one/propose/", {"chapter": "pune"})
    assert (again.status_code, talk.sessions.count()) == (422, 2)


def acts(session: Session) -> list[tuple[str, dict[str, str]]]:
    """Every address of organizers about ``session``, with what it takes."""
    return [
        (f"/chapters/pune/talks/{session.pk}/decide/", {"decision": "decline", "reason": "No."}),
        (f"/meetups/storage-night/talks/{session.pk}/add/", {}),
        (f"/meetups/storage-night/talks/{session.pk}/remove/", {}),
        (f"/meetups/storage-night/talks/{session.pk}/move/", {"steps": "1"}),
        (f"/meetups/storage-night/talks/{session.pk}/times/", {"starts_at": "2030-01-01T10:00"}),
    ]


def test_strangers_acts_find_nothing_and_change_nothing(
    as_member: Client, as_stranger: Client, member: User, owner: User, pune: Chapter, meetup: Meetup
) -> None:
    elsewhere = client_of(make_user())
    make_organizer(make_chapter(), user=User.objects.latest("pk"))
    on = make_session(pune, meetup=meetup, status="accepted", position=1)
    make_session(pune, meetup=meetup, status="accepted", position=2)
    waiting = make_session(pune, status="accepted", talk=make_talk(slug="one"))
    speaker = make_speaker(slug="ann", user=owner)
    claimed = make_speaker(slug="bob")
    claim = SpeakerClaim.objects.create(speaker=claimed, user=owner, text="Me.")
    before = list(Session.objects.order_by("pk").values())
    addresses = [*acts(on), *acts(waiting)]
    addresses += [
        ("/talks/one/edit/", {"title": "Mine now"}),
        ("/talks/one/propose/", {"chapter": "pune"}),
        ("/talks/one/leave/", {}),
        (f"/talks/one/withdraw/{waiting.pk}/", {}),
        (f"/speakers/{speaker.slug}/edit/", {"name": "Mine now"}),
        (f"/speakers/{speaker.slug}/claim/", {"text": "Me."}),
        (f"/speakers/bob/claims/{claim.pk}/decide/", {"decision": "accept"}),
    ]
    for client in (as_stranger, as_member, elsewhere):
        for address, data in addresses:
            assert client.post(address, data).status_code == 404, address
    assert as_stranger.post("/chapters/pune/talks/propose/", OFFER).status_code == 404
    assert list(Session.objects.order_by("pk").values()) == before
    assert (
        Speaker.objects.filter(name="Mine now").count() == Talk.objects.filter(title="Mine now").count() == 0
    )
    assert SpeakerClaim.objects.get().status == "open"


def test_pages_of_organizers_are_theirs_alone(
    as_owner: Client, as_member: Client, as_stranger: Client, pune: Chapter, meetup: Meetup
) -> None:
    for address in ("/chapters/pune/talks/", "/meetups/storage-night/talks/"):
        assert as_owner.get(address).status_code == 200
        assert as_member.get(address).status_code == 404
        assert as_stranger.get(address)["Location"].startswith("/accounts/login/")


def test_organizer_arranges_the_programme(
    as_owner: Client, as_stranger: Client, pune: Chapter, meetup: Meetup
) -> None:
    one, two = (
        make_session(
            pune, make_speaker(), status="accepted", talk=make_talk(make_speaker("Ann"), title=title)
        )
        for title in ("First", "Second")
    )
    base = "/meetups/storage-night/talks"
    for session in (one, two):
        as_owner.post(f"{base}/{session.pk}/add/")
    moved = as_owner.post(f"{base}/{two.pk}/move/", {"steps": "-1"})
    assert moved["Location"] == f"{base}/?moved={two.pk}-up"
    page = as_owner.get(moved["Location"]).content.decode()
    assert "“Second” is now number 1." in page
    buttons = [button for button in re.findall(r"<button[^>]*>", page) if "autofocus" in button]
    assert len(buttons) == 1
    assert 'aria-label="Up: “Second”"' in buttons[0]
    day = meetup.starts_at.date().isoformat()  # type: ignore[union-attr]
    as_owner.post(f"{base}/{two.pk}/times/", {"starts_at": f"{day}T10:15", "ends_at": f"{day}T11:00"})
    two.refresh_from_db()
    assert two.starts_at
    assert two.starts_at.isoformat() == f"{day}T04:45:00+00:00"
    assert f'value="{day}T10:15"' in text(as_owner, f"{base}/")
    shown = text(as_stranger, "/meetups/storage-night/")
    assert shown.index("Second") < shown.index("First")
    assert "10:15–11:00" in shown
    assert "Ann</a>" in shown
    as_owner.post(f"{base}/{two.pk}/remove/")
    assert "Second" not in text(as_stranger, "/meetups/storage-night/")
    assert Session.objects.filter(pk=two.pk, status="accepted", meetup=None, starts_at=None).exists()


def test_times_that_cannot_be_are_refused_beside_their_field(
    as_owner: Client, pune: Chapter, meetup: Meetup
) -> None:
    Meetup.objects.update(time_zone="Europe/London")
    session = make_session(pune, meetup=meetup, status="accepted")
    address = f"/meetups/storage-night/talks/{session.pk}/times/"
    for wrong in (
        {"starts_at": "2030-03-31T01:30"},  # the clocks go forward over it
        {"starts_at": "2030-01-01T11:00", "ends_at": "2030-01-01T10:00"},
        {"ends_at": "2030-01-01T10:00"},
        {"starts_at": "rubbish"},
    ):
        answer = as_owner.post(address, wrong)
        assert answer.status_code == 422, wrong
        assert 'aria-invalid="true"' in answer.content.decode()
    session.refresh_from_db()
    assert session.starts_at is None


def test_warning_about_odd_times_is_shown(as_owner: Client, pune: Chapter, meetup: Meetup) -> None:
    session = make_session(pune, meetup=meetup, status="accepted")
    answer = as_owner.post(
        f"/meetups/storage-night/talks/{session.pk}/times/", {"starts_at": "2031-01-01T10:00"}, follow=True
    )
    assert "outside the time of the meetup" in answer.content.decode()


def test_proposed_talks_are_on_no_public_page(as_stranger: Client, pune: Chapter, meetup: Meetup) -> None:
    make_session(pune, meetup=meetup, talk=make_talk(title="Hidden offer"))
    for address in ("/meetups/storage-night/", "/chapters/pune/", "/talks/"):
        assert "Hidden offer" not in text(as_stranger, address)


def test_meetup_page_stays_within_five_queries(as_stranger: Client, pune: Chapter, meetup: Meetup) -> None:
    for number in (1, 2, 297):
        for _ in range(number):
            make_session(pune, make_speaker(), make_speaker(), meetup=meetup, status="accepted")
        assert queries(as_stranger, "/meetups/storage-night/") <= 5


def test_organizers_pages_take_a_constant_number_of_queries(
    as_owner: Client, pune: Chapter, meetup: Meetup
) -> None:
    addresses = ("/chapters/pune/talks/", "/meetups/storage-night/talks/", "/talks/?whose=mine")
    taken = []
    as_owner.get(addresses[0])  # the first request of a session costs more
    for number in (1, 2, 27):
        for _ in range(number):
            make_session(pune, make_speaker(), talk=make_talk(make_speaker(), proposed_by=make_user()))
            make_session(pune, make_speaker(), status="accepted")
            make_session(pune, make_speaker(), meetup=meetup, status="accepted")
        taken.append([queries(as_owner, address) for address in addresses])
    assert taken[0] == taken[1] == taken[2]


def edit(talk: Talk, **more: str) -> dict[str, str]:
    """What the page for changing ``talk`` sends."""
    count = talk.resources.count()
    form = {"title": talk.title, "abstract": "New.", "topic": "", "named": "Ann, Red Hat"}
    form |= {f"kept-{count}-kind": "", f"kept-{count}-condition": "good"}
    return form | {"kept-TOTAL_FORMS": str(count + 1), "kept-INITIAL_FORMS": str(count)} | more


def test_its_people_keep_slides_and_recordings(as_member: Client, as_stranger: Client, member: User) -> None:
    talk = make_talk(slug="one", proposed_by=member)
    make_conference_session(make_conference(), talk=talk)
    first = {"kept-0-kind": "video", "kept-0-url": "video.example/1", "kept-0-condition": "damaged"}
    answer = as_member.post("/talks/one/edit/", edit(talk, **first, **{"kept-0-note": "No sound."}))
    assert answer.status_code == 302
    kept = Resource.objects.get()
    assert (kept.url, kept.note) == ("https://video.example/1", "No sound.")
    assert "No sound." in text(as_stranger, "/talks/one/")
    Resource.objects.update(alive="no", failures=4, failing_since=timezone.now(), check_result="HTTP 404")
    same = {"kept-0-id": str(kept.pk), "kept-0-kind": "video", "kept-0-condition": "good"}
    as_member.post("/talks/one/edit/", edit(talk, **same, **{"kept-0-url": kept.url}))
    kept.refresh_from_db()
    assert (kept.alive, kept.failures, kept.condition) == ("no", 4, "good")
    as_member.post("/talks/one/edit/", edit(talk, **same, **{"kept-0-url": "https://video.example/2"}))
    kept.refresh_from_db()
    assert (kept.alive, kept.failures, kept.failing_since, kept.check_result) == ("unknown", 0, None, "")
    as_member.post("/talks/one/edit/", edit(talk, **same, **{"kept-0-url": kept.url, "kept-0-DELETE": "on"}))
    assert not Resource.objects.exists()


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://files.example/x", "data:text/html,x", "file:///etc/passwd"]
)
def test_only_web_addresses_are_kept(as_member: Client, member: User, url: str) -> None:
    talk = make_talk(slug="one", proposed_by=member)
    data = edit(talk, **{"kept-0-kind": "video", "kept-0-url": url, "kept-0-condition": "good"})
    assert as_member.post("/talks/one/edit/", data).status_code == 422
    assert not Resource.objects.exists()


def test_resource_of_another_talk_is_not_changed(as_member: Client, member: User) -> None:
    talk = make_talk(slug="one", proposed_by=member)
    theirs = Resource.objects.create(talk=make_talk(), kind="slides", url="https://a.example/")
    data = edit(
        talk,
        **{
            "kept-0-id": str(theirs.pk),
            "kept-0-kind": "slides",
            "kept-0-url": "https://b.example/",
            "kept-0-condition": "good",
        },
    )
    data |= {"kept-INITIAL_FORMS": "1"}
    as_member.post("/talks/one/edit/", data)
    theirs.refresh_from_db()
    assert (theirs.url, theirs.talk_id == talk.pk) == ("https://a.example/", False)


def test_withdrawing_asks_once(
    as_member: Client, as_stranger: Client, member: User, pune: Chapter, meetup: Meetup
) -> None:
    talk = make_talk(slug="one", proposed_by=member)
    session = make_session(pune, talk=talk, meetup=meetup, status="accepted")
    address = f"/talks/one/withdraw/{session.pk}/"
    assert "Withdraw this talk?" in text(as_member, address)
    session.refresh_from_db()
    assert session.status == "accepted"
    as_member.post(address)
    session.refresh_from_db()
    assert (session.status, session.meetup) == ("withdrawn", None)
    assert as_stranger.get("/talks/one/").status_code == 404


def test_member_claims_a_page_and_staff_decide(
    as_member: Client, as_owner: Client, as_stranger: Client, owner: User, member: User
) -> None:
    speaker = make_speaker("Ravi", slug="ravi")
    make_conference_session(make_conference(), speaker)
    assert "It is about me" in text(as_stranger, "/speakers/ravi/")
    as_member.post("/speakers/ravi/claim/", {"text": "I wrote to the list as ravi@example.org."})
    assert "You said so on" in text(as_member, "/speakers/ravi/")
    assert "I wrote to the list" not in text(as_owner, "/speakers/ravi/")
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    assert "I wrote to the list" in text(as_owner, "/speakers/ravi/")
    claim = SpeakerClaim.objects.get()
    as_owner.post(f"/speakers/ravi/claims/{claim.pk}/decide/", {"decision": "accept"})
    speaker.refresh_from_db()
    assert speaker.user == member
    assert (
        as_member.post("/speakers/ravi/edit/", {"name": "Ravi M", "bio": "KVM since 2008."}).status_code
        == 302
    )
    assert "KVM since 2008." in text(as_stranger, "/speakers/ravi/")
    assert as_owner.get("/speakers/ravi/edit/").status_code == 404
    assert as_owner.get("/speakers/ravi/claim/").status_code == 404


def test_words_of_people_are_never_markup(as_member: Client, as_stranger: Client, pune: Chapter) -> None:
    evil = "<script>alert(1)</script>"
    as_member.post(
        "/chapters/pune/talks/propose/",
        OFFER | {"title": evil, "abstract": evil, "topic": evil, "others": evil},
    )
    Session.objects.update(status="accepted")
    for address in ("/talks/", Talk.objects.get().get_absolute_url()):
        assert evil not in text(as_stranger, address)


METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def test_three_persons_times_every_address_and_method(
    as_owner: Client,
    as_member: Client,
    as_stranger: Client,
    owner: User,
    member: User,
    pune: Chapter,
    meetup: Meetup,
) -> None:
    """The owner organizes Pune, the member gives the talk; an unknown method is refused, whoever sends it."""
    speaker = make_speaker(slug="ann", user=member)
    talk = make_talk(speaker, slug="one", proposed_by=member)
    session = make_session(pune, talk=talk, meetup=meetup, status="accepted", position=1)
    claimed = make_speaker(slug="bob")
    conference = make_conference("forum")
    make_conference_session(conference, claimed)
    make_report(conference, slug="week", author=member)
    claim = SpeakerClaim.objects.create(speaker=claimed, user=member, text="Me.")
    at = f"/meetups/storage-night/talks/{session.pk}"
    sign_in, no = 302, 404
    # address: what a GET gives stranger, member, owner; then a POST without anything in it
    table: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
        "/talks/": ((200, 200, 200), (405, 405, 405)),
        "/talks/one/": ((200, 200, 200), (405, 405, 405)),
        "/talks/one/edit/": ((sign_in, 200, 200), (no, 422, 422)),
        "/talks/one/propose/": ((sign_in, 200, no), (no, 200, no)),
        "/talks/one/leave/": ((405, 405, 405), (no, 302, no)),
        f"/talks/one/withdraw/{session.pk}/": ((sign_in, 200, no), (no, 302, no)),
        "/chapters/pune/talks/": ((sign_in, no, 200), (405, 405, 405)),
        "/chapters/pune/talks/propose/": ((sign_in, 200, 200), (no, 200, 200)),
        f"/chapters/pune/talks/{session.pk}/decide/": ((405, 405, 405), (no, no, 302)),
        "/meetups/storage-night/talks/": ((sign_in, no, 200), (405, 405, 405)),
        f"{at}/add/": ((405, 405, 405), (no, no, 302)),
        f"{at}/remove/": ((405, 405, 405), (no, no, 302)),
        f"{at}/move/": ((405, 405, 405), (no, no, 400)),
        f"{at}/times/": ((405, 405, 405), (no, no, 302)),
        "/speakers/ann/": ((200, 200, 200), (405, 405, 405)),
        "/speakers/ann/edit/": ((sign_in, 200, no), (no, 200, no)),
        "/speakers/bob/claim/": ((sign_in, 200, 200), (no, 200, 200)),
        f"/speakers/bob/claims/{claim.pk}/decide/": ((405, 405, 405), (no, no, no)),
        "/conferences/": ((200, 200, 200), (405, 405, 405)),
        "/conferences/forum/": ((200, 200, 200), (405, 405, 405)),
        "/conferences/forum/reports/new/": ((sign_in, 200, 200), (no, 200, 200)),
        "/trip-reports/week/": ((200, 200, 200), (405, 405, 405)),
        "/trip-reports/week/edit/": ((sign_in, 200, no), (no, 200, no)),
        "/trip-reports/week/delete/": ((sign_in, 200, no), (no, 302, no)),
    }
    wrong = []
    for address, (by_get, by_post) in table.items():
        for number, client in enumerate((as_stranger, as_member, as_owner)):
            for method in METHODS:
                wanted = {"get": by_get[number], "head": by_get[number], "post": by_post[number]}.get(
                    method, 405
                )
                with transaction.atomic():
                    status = getattr(client, method)(address).status_code
                    transaction.set_rollback(True)
                if status != wanted:
                    wrong.append(f"{method} {address} as {number}: {status}, not {wanted}")
    assert wrong == []
