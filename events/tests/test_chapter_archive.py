"""A chapter's archive: the same bytes when it comes back, nothing private in it, and no harm from hostile ones."""

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from events.ical.validator import problems
from events.models import (
    AuditLog,
    Chapter,
    ChapterFollow,
    Meetup,
    Question,
    Resource,
    Rsvp,
    Session,
    Speaker,
    Talk,
    TalkSpeaker,
    Topic,
    Venue,
)
from events.queries.chapter_archive import write_archive
from events.services import chapter_archive
from events.services.chapter_archive import ArchiveRefused, import_chapter, read_archive
from events.tests.factories import NOW, make_chapter, make_dated_meetup, make_meetup, make_organizer
from portal.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def pune(owner: User, member: User) -> Chapter:
    """A chapter with something of everything, and with private things beside it."""
    pune = make_chapter(
        "pune",
        city="Pune",
        description="First paragraph.\r\n\r\n# Not a heading <b>",
        latitude="18.52043",
        longitude="73.85674",
    )
    make_organizer(pune, user=owner, role="lead", since=dt.date(2026, 1, 1))
    make_organizer(pune, name="Anil Vettathu")
    make_organizer(pune, user=member, role="volunteer")
    venue = Venue.objects.create(chapter=pune, name="Room 12", address="MG Road\nPune", room_for=40)
    Venue.objects.create(chapter=pune, name="Attic")
    meetup = make_dated_meetup(
        NOW,
        chapter=pune,
        slug="first",
        title="KVM | *night*",
        venue=venue,
        online_url="https://meet.example/SECRET",
    )
    meetup.topics.add(Topic.objects.get_or_create(slug="kvm", defaults={"name": "KVM"})[0])
    Question.objects.create(meetup=meetup, text="Nested KVM?", kind="yes_no", counted_as="have nested KVM")
    make_meetup(pune, slug="open-date", title="Some day")
    make_meetup(pune, slug="secret", title="SECRET draft", status="draft")
    talk = Talk.objects.create(slug="migration", title="Live migration", abstract="How it\n\nworks.")
    speaker = Speaker.objects.create(slug="gita", name="Gita Speaks", affiliation="Today Ltd")
    TalkSpeaker.objects.create(talk=talk, speaker=speaker, affiliation="Then Ltd")
    Resource.objects.create(
        talk=talk, kind="slides", url="https://example.org/s.pdf", note="Page 3 is missing"
    )
    Session.objects.create(talk=talk, chapter=pune, meetup=meetup, status="accepted", starts_at=NOW)
    declined = Talk.objects.create(slug="declined", title="SECRET declined")
    Session.objects.create(talk=declined, chapter=pune, meetup=meetup, status="declined")
    ChapterFollow.objects.create(chapter=pune, email="follower@example.org", confirmed_at=NOW)
    Rsvp.objects.create(meetup=meetup, email="guest@example.org", name="Guest", status="going")
    return pune


def forget_everything() -> None:
    Session.objects.all().delete()
    Meetup.objects.all().delete()
    for model in (Chapter, Talk, Speaker, Topic):
        model._default_manager.all().delete()


def files(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_archive_comes_back_with_the_same_bytes(pune: Chapter) -> None:
    before = write_archive(pune)
    forget_everything()
    chapter = import_chapter(read_archive(before))
    assert write_archive(chapter) == before
    assert Meetup.objects.get(slug="first").venue == Venue.objects.get(name="Room 12")
    assert chapter.memberships.filter(user__isnull=False).count() == 0


def test_archive_holds_nothing_about_members(pune: Chapter, owner: User, member: User) -> None:
    text = "\n".join(files(write_archive(pune)).values())
    assert "SECRET" not in text
    assert "@example.org" not in text
    for name in ("Guest", "follower@", member.name):
        assert name not in text
    assert owner.name in text  # the page names who leads


def test_files_are_for_people_calendars_and_programs(pune: Chapter) -> None:
    found = files(write_archive(pune))
    assert sorted(found) == [
        "README.md",
        "calendar.ics",
        "chapter.json",
        "chapter.md",
        "meetups/first.md",
        "meetups/open-date.md",
    ]
    assert problems(found["calendar.ics"].encode()) == []
    assert found["calendar.ics"].count("BEGIN:VEVENT") == 1
    assert "\\# Not a heading \\<b\\>" in found["chapter.md"]
    assert "KVM \\| \\*night\\*" in found["meetups/first.md"]
    assert "Gita Speaks" in found["meetups/first.md"]


def test_writing_takes_as_many_queries_for_many_meetups(
    pune: Chapter, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        write_archive(pune)
    for number in range(20):
        make_dated_meetup(NOW + dt.timedelta(days=number), chapter=pune)
    with django_assert_num_queries(len(few)):
        write_archive(pune)


def test_chapter_that_is_here_is_not_touched(pune: Chapter) -> None:
    data = write_archive(pune)
    with pytest.raises(ArchiveRefused, match="already"):
        import_chapter(read_archive(data))
    pune.slug = "elsewhere"
    pune.save()
    before = Meetup.objects.count()
    with pytest.raises(ArchiveRefused):  # its meetups are here
        import_chapter(read_archive(data))
    assert (Chapter.objects.count(), Meetup.objects.count()) == (1, before)


def test_talks_and_speakers_that_are_here_stay_as_they_are(pune: Chapter) -> None:
    data = write_archive(pune)
    Session.objects.all().delete()
    Meetup.objects.all().delete()
    Chapter.objects.all().delete()
    Talk.objects.filter(slug="migration").update(title="Renamed")
    import_chapter(read_archive(data))
    assert Talk.objects.get(slug="migration").title == "Renamed"
    assert Resource.objects.count() == 1


def zipped(content: bytes | str, name: str = "chapter.json", times: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for _ in range(times):
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 no zip",
        zipped("{}"),
        zipped("[]"),
        zipped("[" * 100_000),
        zipped("{}", name="../chapter.json"),
        zipped(b"\xff\xfe"),
    ],
)
def test_rubbish_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(ArchiveRefused, match=r"\.$"):
        read_archive(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(ArchiveRefused, match="exactly one"):
        read_archive(zipped("{}", times=2))


def test_bombs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chapter_archive, "MOST_JSON", 10_000)
    with pytest.raises(ArchiveRefused, match="too long"):
        read_archive(zipped(b" " * 10_001))
    monkeypatch.setattr(chapter_archive, "MOST_FILES", 2)
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(3):
            archive.writestr(str(number), "")
    with pytest.raises(ArchiveRefused, match="too many"):
        read_archive(many.getvalue())
    monkeypatch.setattr(chapter_archive, "MOST_BYTES", 100)
    with pytest.raises(ArchiveRefused, match="at most"):
        read_archive(b"x" * 101)


def test_damage_in_the_middle_is_refused(pune: Chapter) -> None:
    data = bytearray(write_archive(pune))
    place = data.index(b"chapter.json") + 200
    data[place : place + 40] = bytes(40)
    with pytest.raises(ArchiveRefused):
        read_archive(bytes(data))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"unknown": 1},
        {"status": "ruling"},
        {"slug": "no slug"},
        {"city": "x" * 81},
        {"summary": "a\x00b"},
        {"time_zone": "Mars/Olympus"},
        {"latitude": "91", "longitude": "0"},
    ],
)
def test_archive_that_breaks_a_rule_makes_nothing(pune: Chapter, change: dict[str, Any]) -> None:
    content = json.loads(files(write_archive(pune))["chapter.json"]) | change
    forget_everything()
    with pytest.raises(ArchiveRefused):
        import_chapter(read_archive(zipped(json.dumps(content))))
    assert not Chapter.objects.exists()


@pytest.mark.parametrize(
    "change", [{"venue": 99}, {"status": "draft"}, {"starts_at": None}, {"slug": "open-date"}]
)
def test_meetup_that_breaks_a_rule_makes_nothing(pune: Chapter, change: dict[str, Any]) -> None:
    content = json.loads(files(write_archive(pune))["chapter.json"])
    content["meetups"][0] |= change
    forget_everything()
    with pytest.raises(ArchiveRefused):
        import_chapter(read_archive(zipped(json.dumps(content))))
    assert not Chapter.objects.exists()


def test_commands_write_and_read(pune: Chapter, tmp_path: Path) -> None:
    path = tmp_path / "pune.zip"
    call_command("chapter_export", "pune", output=path, verbosity=0)
    assert path.read_bytes() == write_archive(pune)
    with pytest.raises(CommandError, match="already"):
        call_command("chapter_import", path)
    with pytest.raises(CommandError):
        call_command("chapter_import", tmp_path / "missing.zip")
    with pytest.raises(CommandError):
        call_command("chapter_export", "nowhere")
    forget_everything()
    call_command("chapter_import", path)
    assert Chapter.objects.get().slug == "pune"


def test_page_gives_the_archive_to_organizers_alone(
    as_owner: Client, as_member: Client, as_stranger: Client, pune: Chapter
) -> None:
    response = as_owner.post("/chapters/pune/archive/")
    assert response["Content-Type"] == "application/zip"
    assert response.content == write_archive(pune)
    assert AuditLog.objects.get().act == "export_chapter"
    for client in (as_member, as_stranger):
        assert client.post("/chapters/pune/archive/").status_code == 404
