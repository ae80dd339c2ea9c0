"""Trip reports that grow out of a schedule."""

import pytest
from django.test import Client

from events.models import Conference, Session, TripReport, TripReportEntry
from events.tests.talk_factories import make_conference, make_conference_session, make_report, make_talk
from events.tests.test_talks_pages import queries, text
from portal.accounts.models import User

pytestmark = pytest.mark.django_db
NEW = "/conferences/forum/reports/new/"


@pytest.fixture
def forum() -> Conference:
    """A conference of two days."""
    return make_conference("forum", name="KVM Forum", days=2)


@pytest.fixture
def sessions(forum: Conference) -> list[Session]:
    """One session on each day."""
    talks = [make_talk(title=title, slug=title.lower()) for title in ("Alpha", "Beta")]
    return [make_conference_session(forum, talk=talk, day=day) for day, talk in enumerate(talks, 1)]


def test_member_picks_sessions_by_writing_about_them(
    as_member: Client, as_stranger: Client, sessions: list[Session], member: User
) -> None:
    page = text(as_member, NEW)
    assert page.index("Alpha") < page.index("Beta")
    form = {"title": "My week", "introduction": "Rain.", f"entry_{sessions[1].pk}": "Beta was <b>good</b>."}
    as_member.post(NEW, form | {f"entry_{sessions[0].pk}": "  ", "then": "save"})
    report = TripReport.objects.get()
    assert (report.author, report.published_at) == (member, None)
    assert list(report.entries.values_list("session", "text")) == [(sessions[1].pk, "Beta was <b>good</b>.")]
    assert as_stranger.get(report.get_absolute_url()).status_code == 404
    assert "Draft: you alone see it" in text(as_member, report.get_absolute_url())


def test_publishing_shows_it_on_the_talks_and_taking_back_hides_it(
    as_member: Client, as_stranger: Client, sessions: list[Session], member: User
) -> None:
    report = make_report(Conference.objects.get(), slug="mine", author=member, published_at=None)
    form = {"title": "My week", "introduction": "", f"entry_{sessions[0].pk}": "Worth it."}
    as_member.post("/trip-reports/mine/edit/", form | {"then": "publish"})
    assert "Worth it." in text(as_stranger, "/talks/alpha/")
    assert "Ravi Member" in text(as_stranger, "/trip-reports/mine/")
    report.refresh_from_db()
    first = report.published_at
    as_member.post("/trip-reports/mine/edit/", form | {"then": "publish"})
    report.refresh_from_db()
    assert report.published_at == first is not None
    as_member.post("/trip-reports/mine/edit/", form | {"then": "take_back"})
    assert "Worth it." not in text(as_stranger, "/talks/alpha/")
    assert as_stranger.get("/trip-reports/mine/").status_code == 404


def test_entry_without_words_is_taken_out_and_the_address_stays(
    as_member: Client, sessions: list[Session], member: User
) -> None:
    report = make_report(Conference.objects.get(), slug="mine", author=member)
    TripReportEntry.objects.create(report=report, session=sessions[0], text="Old")
    assert ">Old</textarea>" in text(as_member, "/trip-reports/mine/edit/").replace("> Old", ">Old")
    answer = as_member.post(
        "/trip-reports/mine/edit/", {"title": "Another title", f"entry_{sessions[0].pk}": ""}
    )
    assert answer["Location"] == "/trip-reports/mine/"
    assert not report.entries.exists()


def test_entries_are_about_sessions_of_this_schedule_alone(
    as_member: Client, sessions: list[Session]
) -> None:
    elsewhere = make_conference_session(make_conference())
    dropped = make_conference_session(Conference.objects.get(slug="forum"), status="proposed")
    form = {"title": "My week", f"entry_{elsewhere.pk}": "Not here", f"entry_{dropped.pk}": "Nor this"}
    as_member.post(NEW, form)
    assert TripReport.objects.get().entries.count() == 0


@pytest.mark.parametrize("leaf", ["edit", "delete"])
def test_reports_are_changed_by_their_authors_alone(
    as_owner: Client, as_member: Client, as_stranger: Client, sessions: list[Session], member: User, leaf: str
) -> None:
    make_report(Conference.objects.get(), slug="mine", title="Mine", author=member)
    make_report(Conference.objects.get(), slug="nobodys", title="Nobody's")
    for slug in ("mine", "nobodys"):
        address = f"/trip-reports/{slug}/{leaf}/"
        assert as_stranger.get(address)["Location"].startswith("/accounts/login/")
        assert as_owner.get(address).status_code == 404
        for client in (as_stranger, as_owner):
            assert client.post(address, {"title": "Taken over", "then": "publish"}).status_code == 404
    assert as_member.get(f"/trip-reports/mine/{leaf}/").status_code == 200
    assert as_stranger.post(NEW, {"title": "x"}).status_code == 404
    assert set(TripReport.objects.values_list("title", flat=True)) == {"Mine", "Nobody's"}


def test_deleting_asks_once_and_leaves_the_talks(
    as_member: Client, sessions: list[Session], member: User
) -> None:
    make_report(Conference.objects.get(), slug="mine", author=member)
    assert "Delete this report?" in text(as_member, "/trip-reports/mine/delete/")
    assert TripReport.objects.exists()
    as_member.post("/trip-reports/mine/delete/")
    assert not TripReport.objects.exists()
    assert Session.objects.count() == 2


@pytest.mark.parametrize("wrong", [{"title": " "}, {"title": "x" * 161}, {"introduction": "x" * 20_001}])
def test_what_is_wrong_is_said_and_nothing_is_lost(
    as_member: Client, sessions: list[Session], wrong: dict[str, str]
) -> None:
    form = {"title": "My week", f"entry_{sessions[0].pk}": "Many words."}
    answer = as_member.post(NEW, form | wrong)
    assert answer.status_code == 422
    assert "Many words." in answer.content.decode()
    assert not TripReport.objects.exists()


def test_writing_page_takes_a_constant_number_of_queries(as_member: Client, forum: Conference) -> None:
    as_member.get("/")
    taken = []
    for number in (1, 2, 297):
        for _ in range(number):
            make_conference_session(forum)
        taken.append(queries(as_member, NEW))
    assert taken[0] == taken[1] == taken[2]
