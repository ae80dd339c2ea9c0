"""Pages of talks, speakers, conferences and trip reports that everybody reads."""

import datetime as dt
import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.models import Conference, Resource, Speaker, TripReportEntry
from events.starting_content_conference import load_conference
from events.tests.factories import NOW, make_chapter, make_dated_meetup, make_organizer
from events.tests.talk_factories import (
    make_conference,
    make_conference_session,
    make_report,
    make_session,
    make_speaker,
    make_talk,
)
from portal.accounts.models import User

pytestmark = pytest.mark.django_db


def text(client: Client, address: str) -> str:
    """The page at ``address`` with its white space folded."""
    response = client.get(address)
    assert response.status_code == 200, address
    return " ".join(response.content.decode().split())


def queries(client: Client, address: str) -> int:
    """How many queries the page at ``address`` takes."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_talk_shows_where_it_was_given_and_by_whom(as_stranger: Client) -> None:
    dave = make_speaker("Dave Airlie")
    pune = make_chapter("pune")
    talk = make_talk(
        dave, title="A GPU of virtio", affiliation="Red Hat", abstract="One.\n\nTwo.", slug="gpu"
    )
    conference = make_conference("kvm-forum", name="KVM Forum 2013", days=2)
    make_conference_session(conference, talk=talk, day=2)
    meetup = make_dated_meetup(NOW, chapter=pune, title="Graphics night")
    make_session(pune, talk=talk, meetup=meetup, status="accepted")
    page = text(as_stranger, "/talks/gpu/")
    assert "Dave Airlie</a> (Red Hat)" in page
    assert "KVM Forum 2013</a>, Edinburgh, day 2" in page
    assert "Graphics night</a>, Pune, " in page
    assert "<p>One.</p>" in page
    assert "No slides and no recording are known." in page


@pytest.mark.parametrize("status", ["proposed", "declined", "withdrawn"])
def test_talk_that_nobody_took_on_is_seen_by_its_people_alone(
    as_owner: Client, as_member: Client, as_stranger: Client, owner: User, member: User, status: str
) -> None:
    speaker = make_speaker("Ravi", slug="ravi", user=member)
    talk = make_talk(speaker, slug="secret", title="Secret talk")
    chapter = make_chapter("pune")
    make_organizer(chapter, user=owner)
    make_session(chapter, talk=talk, status=status)
    for client, answer in ((as_owner, 200), (as_member, 200), (as_stranger, 404)):
        assert client.get("/talks/secret/").status_code == answer
        assert "Secret talk" not in text(client, "/talks/")
    assert as_stranger.get("/speakers/ravi/").status_code == 404
    assert as_member.get("/speakers/ravi/").status_code == 200


def test_meetup_that_is_a_draft_is_not_named_on_a_talks_page(
    as_owner: Client, as_stranger: Client, owner: User
) -> None:
    chapter = make_chapter("pune")
    make_organizer(chapter, user=owner)
    meetup = make_dated_meetup(NOW, chapter=chapter, title="Hidden night", status="draft")
    speaker = make_speaker(slug="ann")
    talk = make_talk(speaker, slug="one")
    make_session(chapter, talk=talk, meetup=meetup, status="accepted")
    for address in ("/talks/one/", "/talks/", "/speakers/ann/"):
        assert "Hidden night" not in text(as_stranger, address)
    assert "Hidden night" in text(as_owner, "/talks/one/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=vfio", ["VGA with VFIO"]),
        ("q=balloon", ["Memory"]),
        ("topic=memory", ["Memory"]),
        ("speaker=alex", ["VGA with VFIO"]),
        ("year=2013", ["VGA with VFIO"]),
        ("year=2026", ["Memory"]),
        ("year=2013&topic=memory", []),
        ("year=rubbish&page=x", ["Memory", "VGA with VFIO"]),
        ("topic=%00", ["Memory", "VGA with VFIO"]),
    ],
)
def test_list_is_searched_by_words_topic_speaker_and_year(
    as_stranger: Client, query: str, found: list[str]
) -> None:
    vga = make_talk(make_speaker("Alex Williamson"), title="VGA with VFIO", topic="devices")
    make_conference_session(make_conference(), talk=vga)
    memory = make_talk(make_speaker("Luiz"), title="Memory", topic="memory", abstract="An automatic balloon.")
    pune = make_chapter("pune")
    make_session(pune, talk=memory, meetup=make_dated_meetup(NOW, chapter=pune), status="accepted")
    page = text(as_stranger, f"/talks/?{query}")
    positions = {title: page.find(f">{title}</a>") for title in ("Memory", "VGA with VFIO")}
    assert [title for title in sorted(positions, key=positions.__getitem__) if positions[title] > 0] == found


def test_a_year_of_a_session_that_was_declined_finds_nothing(as_stranger: Client) -> None:
    talk, pune = make_talk(title="Twice offered"), make_chapter("pune")
    make_session(pune, talk=talk, meetup=make_dated_meetup(NOW, chapter=pune), status="declined")
    make_conference_session(make_conference(), talk=talk)
    assert "Twice offered" not in text(as_stranger, "/talks/?year=2026")
    assert "Twice offered" in text(as_stranger, "/talks/?year=2013")


def test_recording_is_drawn_and_nothing_is_loaded_from_where_it_is(as_stranger: Client) -> None:
    talk = make_talk(slug="one")
    make_conference_session(make_conference(), talk=talk)
    Resource.objects.create(talk=talk, kind="video", url="https://video.example/watch?v=1")
    page = text(as_stranger, "/talks/one/")
    assert (
        '<a class="recording" href="https://video.example/watch?v=1" rel="external noopener noreferrer'
        in page
    )
    assert "<strong>video.example</strong>" in page
    assert "<iframe" not in page
    assert "<img" not in page
    assert page.count("video.example") == 2


def test_condition_of_slides_and_recordings_is_said_in_words(as_stranger: Client) -> None:
    load_conference()
    assert "The sound is broken." in text(as_stranger, "/talks/virgil3d-virtio-based-3d-capable-gpu/")
    assert "No recording is known." in text(as_stranger, "/talks/vga-assignment-using-vfio/")
    slides = text(as_stranger, "/talks/nested-ept-to-make-nested-vmx-faster/")
    assert "There are slides, but no address of them is known." in slides


def test_link_that_stopped_answering_says_since_when(as_stranger: Client) -> None:
    talk = make_talk(slug="one")
    make_conference_session(make_conference(), talk=talk)
    since = dt.datetime(2026, 3, 5, tzinfo=dt.UTC)
    Resource.objects.create(
        talk=talk, kind="slides", url="https://a.example/", alive="no", failing_since=since
    )
    page = text(as_stranger, "/talks/one/")
    assert "Does not answer</span> <span>since 5 March 2026" in page


def test_conference_shows_its_sessions_day_by_day(as_stranger: Client) -> None:
    load_conference()
    page = text(as_stranger, "/conferences/kvm-forum-2013/")
    order = [page.find(f">{words}<") for words in ("Opening keynote", "QEMU weather report", "OVA update")]
    assert order == sorted(order)
    assert order[0] > 0
    assert "recording damaged</span> : The sound is broken." in page.replace("</span>:", "</span> :")
    assert "A week in Edinburgh: KVM Forum 2013" in page
    assert "27 sessions" in text(as_stranger, "/conferences/")


def test_conference_tells_machines_what_it_tells_people(as_stranger: Client) -> None:
    load_conference()
    page = text(as_stranger, "/conferences/kvm-forum-2013/")
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found
    data = json.loads(found[1])
    assert (data["@type"], data["name"], data["startDate"]) == ("Event", "KVM Forum 2013", "2013")
    assert len(data["subEvent"]) == 27
    virgil = next(session for session in data["subEvent"] if session["name"].startswith("Virgil3D"))
    assert virgil["performer"] == [
        {
            "@type": "Person",
            "name": "Dave Airlie",
            "affiliation": {"@type": "Organization", "name": "Red Hat"},
        }
    ]


def test_times_of_a_conference_are_those_of_its_own_zone(as_stranger: Client) -> None:
    conference = make_conference("forum", time_zone="Europe/London")
    start = dt.datetime(2013, 10, 21, 9, tzinfo=dt.UTC)
    make_conference_session(conference, starts_at=start, ends_at=start + dt.timedelta(minutes=45))
    assert "10:00–10:45" in text(as_stranger, "/conferences/forum/")


def test_talk_and_trip_report_lead_to_one_another(as_stranger: Client) -> None:
    load_conference()
    report = text(as_stranger, "/trip-reports/kvm-forum-2013-edinburgh/")
    assert 'href="/talks/debugging-live-migration/"' in report
    assert "A member of the community" in report
    talk = text(as_stranger, "/talks/debugging-live-migration/")
    assert 'href="/trip-reports/kvm-forum-2013-edinburgh/#session-' in talk


def test_draft_of_a_report_is_there_for_its_author_alone(
    as_owner: Client, as_member: Client, as_stranger: Client, owner: User
) -> None:
    conference = make_conference("forum")
    session = make_conference_session(conference, talk=make_talk(slug="one"))
    report = make_report(conference, slug="mine", title="My draft", author=owner, published_at=None)
    TripReportEntry.objects.create(report=report, session=session, text="Unfinished thought")
    for client, status in ((as_owner, 200), (as_member, 404), (as_stranger, 404)):
        assert client.get("/trip-reports/mine/").status_code == status
        assert ("My draft" in text(client, "/conferences/forum/")) is (status == 200)
        assert "Unfinished thought" not in text(client, "/talks/one/")


def test_speaker_has_the_talks_of_all_years_the_latest_first(as_stranger: Client) -> None:
    gleb = make_speaker("Gleb", slug="gleb", bio="Looked after KVM.")
    for year in (2011, 2013, 2012):
        make_conference_session(make_conference(year=year), talk=make_talk(gleb, title=f"Of {year}"))
    make_conference_session(make_conference(), talk=make_talk(title="Of another"))
    page = text(as_stranger, "/speakers/gleb/")
    order = [page.find(f">Of {year}<") for year in (2013, 2012, 2011)]
    assert order == sorted(order)
    assert order[0] > 0
    assert "Of another" not in page
    assert "Looked after KVM." in page


@pytest.mark.parametrize("room", ["talks", "speakers", "conferences", "trip-reports"])
@pytest.mark.parametrize("slug", ["none", "a%20b", "%00", "..%2f", "x" * 500])
def test_rubbish_addresses_are_not_found(as_stranger: Client, room: str, slug: str) -> None:
    assert as_stranger.get(f"/{room}/{slug}/").status_code == 404


def test_empty_lists_say_what_to_do_next(as_stranger: Client, as_member: Client) -> None:
    assert "No talk yet" in text(as_stranger, "/talks/")
    assert "No talk matches" in text(as_stranger, "/talks/?q=none")
    assert "No conference yet" in text(as_stranger, "/conferences/")
    assert "You have proposed no talk yet" in text(as_member, "/talks/?whose=mine")
    assert "No talk yet" in text(as_stranger, "/talks/?whose=mine")


def _fill(number: int) -> None:
    conference = make_conference(days=3)
    gleb = make_speaker(slug=f"gleb-{conference.pk}")
    pune = make_chapter()
    report = make_report(conference, slug=f"r-{conference.pk}")
    for each in range(number):
        talk = make_talk(gleb, make_speaker(), slug=f"t-{conference.pk}-{each}", topic=f"Topic {each % 7}")
        session = make_conference_session(conference, talk=talk, day=1 + each % 3)
        meetup = make_dated_meetup(NOW + dt.timedelta(hours=each), chapter=pune)
        make_session(pune, talk=talk, meetup=meetup, status="accepted")
        Resource.objects.create(talk=talk, kind="video", condition="missing")
        TripReportEntry.objects.create(report=report, session=session, text="Seen.")


@pytest.mark.parametrize("page", ["list", "talk", "speaker", "conferences", "conference", "report"])
def test_pages_take_no_more_queries_for_three_hundred_talks_than_for_one(
    as_stranger: Client, page: str
) -> None:
    def address() -> str:
        conference = Conference.objects.latest("pk")
        talk = conference.days.get(number=1).sessions.first()
        assert talk
        return {
            "list": "/talks/",
            "talk": talk.talk.get_absolute_url(),
            "speaker": Speaker.objects.get(slug=f"gleb-{conference.pk}").get_absolute_url(),
            "conferences": "/conferences/",
            "conference": conference.get_absolute_url(),
            "report": f"/trip-reports/r-{conference.pk}/",
        }[page]

    taken = []
    for number in (1, 3, 300):
        _fill(number)
        taken.append(queries(as_stranger, address()))
    assert taken[0] == taken[1] == taken[2] <= 5, taken
