"""What talks keep about a member: handed over whole, and gone when they leave."""

import json

import pytest
from django.contrib.admin.sites import site
from django.core.serializers.json import DjangoJSONEncoder
from django.test import Client

from events.models import Conference, ConferenceDay, Session, Speaker, Talk, TripReport, TripReportEntry
from events.personal_data import export_events
from events.services.speakers import claim_speaker
from events.tests.factories import make_chapter
from events.tests.talk_factories import (
    make_conference,
    make_conference_session,
    make_report,
    make_session,
    make_speaker,
    make_talk,
)
from events.tests.test_talks_pages import text
from portal.accounts.models import User
from portal.accounts.services import erase_member
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(member: User) -> Speaker:
    """The member's page as a speaker."""
    return make_speaker("Ravi Member", slug="ravi", user=member, bio="KVM since 2008.")


def test_export_has_everything_and_nothing_of_others(member: User, page: Speaker) -> None:
    talk = make_talk(page, title="Mine", proposed_by=member)
    make_session(make_chapter("pune"), talk=talk, note="In March", reason="Sorry", status="declined")
    make_session(make_chapter(), talk=make_talk(title="Theirs", proposed_by=make_user()))
    conference = make_conference()
    report = make_report(conference, title="My week", author=member, published_at=None)
    session = make_conference_session(conference)
    TripReportEntry.objects.create(report=report, session=session, text="Good one")
    claim_speaker(speaker=make_speaker(), user=member, text="It is me")
    given = json.dumps(export_events(member), cls=DjangoJSONEncoder)
    for words in ("Mine", "KVM since 2008.", "In March", "Sorry", "My week", "Good one", "It is me", "pune"):
        assert words in given
    assert "Theirs" not in given


def test_erasing_takes_the_name_off_talks_that_stay(as_stranger: Client, member: User, page: Speaker) -> None:
    other = make_speaker("Dave")
    talk = make_talk(page, other, slug="both", proposed_by=member)
    make_conference_session(make_conference("forum"), talk=talk)
    make_session(make_chapter(), talk=talk, note="My phone number", reason="Dear Ravi", status="accepted")
    erase_member(user=member)
    assert as_stranger.get("/speakers/ravi/").status_code == 404
    for address in ("/talks/both/", "/conferences/forum/", "/talks/"):
        found = text(as_stranger, address)
        assert "Ravi" not in found
        assert "Dave" in found
    assert not Session.objects.exclude(note="", reason="").exists()


def test_erasing_deletes_what_nobody_took_on(member: User, page: Speaker) -> None:
    linked = make_speaker(user=make_user())
    chapter = make_chapter()
    alone, shared, taken = (
        make_talk(page, proposed_by=member),
        make_talk(page, linked, proposed_by=member),
        make_talk(page, proposed_by=member),
    )
    for talk, status in ((alone, "declined"), (shared, "proposed"), (taken, "accepted")):
        make_session(chapter, talk=talk, status=status)
    erase_member(user=member)
    assert set(Talk.objects.all()) == {shared, taken}


def test_erasing_keeps_published_reports_without_the_name(as_stranger: Client, member: User) -> None:
    conference = make_conference()
    make_report(conference, slug="shown", author=member, author_name="Ravi Member")
    make_report(conference, slug="draft", author=member, published_at=None)
    erase_member(user=member)
    assert list(TripReport.objects.values_list("slug", flat=True)) == ["shown"]
    found = text(as_stranger, "/trip-reports/shown/")
    assert "Ravi" not in found
    assert "A member of the community" in found


def test_a_speaker_without_an_account_stays_when_a_claimant_leaves(member: User) -> None:
    speaker = make_speaker("Dave")
    claim_speaker(speaker=speaker, user=member, text="It is me")
    erase_member(user=member)
    assert Speaker.objects.get() == speaker
    assert not speaker.claims.exists()


def test_staff_write_a_schedule_in_the_admin(as_owner: Client, as_stranger: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    conference = make_conference("forum")
    day, talk = conference.days.get(), make_talk(title="Written by staff")
    address = f"/admin/events/conferenceday/{day.pk}/change/"
    if as_owner.get(address).status_code != 200:  # an admin behind a second factor is tested elsewhere
        pytest.fail("the admin is not reachable for a superuser")
    row = {"talk": talk.pk, "kind": "talk", "track": "", "position": 1, "starts_at_0": "", "starts_at_1": ""}
    data = {f"sessions-0-{name}": value for name, value in (row | {"ends_at_0": "", "ends_at_1": ""}).items()}
    data |= {"conference": conference.pk, "number": 1, "date": "", "title": ""}
    data |= {"sessions-TOTAL_FORMS": 1, "sessions-INITIAL_FORMS": 0}
    assert as_owner.post(address, data).status_code == 302
    assert "Written by staff" in text(as_stranger, "/conferences/forum/")


@pytest.mark.parametrize("model", [Conference, ConferenceDay, Talk, Speaker, TripReport])
def test_pages_of_the_admin_open(as_owner: Client, owner: User, model: type) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    make_report(make_conference(), author=owner)
    make_talk(make_speaker())
    assert model in site._registry
    name = model.__name__.lower()
    row = model.objects.first()  # type: ignore[attr-defined]
    for leaf in ("", "add/", f"{row.pk}/change/"):
        assert as_owner.get(f"/admin/events/{name}/{leaf}").status_code == 200


def test_staff_find_claims_in_the_admin_and_decide_on_the_page(
    as_owner: Client, owner: User, member: User
) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    claim = claim_speaker(speaker=make_speaker("Dave", slug="dave"), user=member, text="It is me")
    assert "Dave" in text(as_owner, "/admin/events/speakerclaim/")
    found = text(as_owner, f"/admin/events/speakerclaim/{claim.pk}/change/")
    assert 'href="/speakers/dave/"' in found
    assert (
        as_owner.post(f"/admin/events/speakerclaim/{claim.pk}/change/", {"status": "accepted"}).status_code
        == 403
    )
    assert as_owner.get("/admin/events/speakerclaim/add/").status_code == 403
