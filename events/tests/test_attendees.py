"""The attendees as their organizers read them, and the lists that they take along."""

import csv
import datetime as dt
import io

import pytest
from django.test import Client
from django.utils import timezone

from events.models import AuditLog, Meetup, Rsvp
from events.tests.factories import make_chapter, make_dated_meetup, make_organizer
from portal.accounts.models import User
from portal.csv_file import BYTE_ORDER_MARK, as_csv, safe_cell
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
LIST = "/meetups/storage-night/edit/attendees/"


@pytest.fixture
def meetup(owner: User) -> Meetup:
    """A meetup of a chapter that the owner organizes."""
    chapter = make_chapter("pune")
    make_organizer(chapter, user=owner)
    return make_dated_meetup(
        timezone.now() + dt.timedelta(days=3), chapter=chapter, slug="storage-night", capacity=3
    )


def rows(response: object) -> list[list[str]]:
    """The table of a CSV answer."""
    text = response.content.decode()  # type: ignore[attr-defined]
    assert text.startswith(BYTE_ORDER_MARK)
    return list(csv.reader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline="")))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        '=HYPERLINK("http://x")',
    ],
)
def test_no_cell_begins_a_formula(text: str) -> None:
    assert safe_cell(text) == "'" + text
    table = as_csv(iter([[text, "plain"]]))
    cells = next(csv.reader(io.StringIO(table.removeprefix(BYTE_ORDER_MARK), newline="")))
    assert cells == ["'" + text, "plain"]


@pytest.mark.parametrize("text", ["", "Anil", "a=b", "1-2", "e@example.org", "'quoted"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


def test_list_for_the_door_is_safe_and_has_no_addresses(as_owner: Client, meetup: Meetup) -> None:
    question = meetup.questions.create(text="+Which machine?")
    guest = meetup.rsvps.create(email="evil@example.org", name='=cmd|"/c calc"!A0', status="going", guests=1)
    guest.answers.create(question=question, text="@laptop")
    meetup.rsvps.create(user=make_user("w@example.org", display_name="Wai"), status="waitlisted")
    meetup.rsvps.create(email="never@example.org", name="Never", status="unconfirmed")
    response = as_owner.post(LIST + "export/")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="storage-night-attendees.csv"'
    assert rows(response) == [
        ["Name", "Answer", "Guests", "Code", "Checked in", "'+Which machine?"],
        ['\'=cmd|"/c calc"!A0', "Going", "1", guest.code, "no", "'@laptop"],
        ["Wai", "On the waitlist", "0", meetup.rsvps.get(user__display_name="Wai").code, "no", ""],
    ]
    assert b"@example.org" not in response.content


def test_sponsors_get_only_those_who_agreed_and_come(as_owner: Client, meetup: Meetup) -> None:
    agreed = make_user("yes@example.org", display_name="Yes")
    meetup.rsvps.create(user=agreed, status="going", sponsor_consent=True)
    meetup.rsvps.create(email="no@example.org", name="No", status="going")
    meetup.rsvps.create(email="waits@example.org", name="Waits", status="waitlisted", sponsor_consent=True)
    meetup.rsvps.create(email="left@example.org", name="Left", status="declined", sponsor_consent=True)
    assert rows(as_owner.post(LIST + "sponsors/")) == [["Name", "E-mail address"], ["Yes", "yes@example.org"]]


def test_each_export_is_noted_with_its_size(as_owner: Client, owner: User, meetup: Meetup) -> None:
    meetup.rsvps.create(email="a@example.org", name="A", status="going", sponsor_consent=True)
    as_owner.post(LIST + "export/")
    as_owner.post(LIST + "sponsors/")
    noted = AuditLog.objects.filter(meetup=meetup, actor=owner).order_by("pk")
    assert [(act.act, act.detail) for act in noted] == [
        ("export_attendees", {"people": 1}),
        ("export_for_sponsors", {"people": 1}),
    ]
    for address in ("export/", "sponsors/"):
        assert as_owner.get(LIST + address).status_code == 405


def test_search_finds_by_name_code_and_whole_address_alone(as_owner: Client, meetup: Meetup) -> None:
    meetup.rsvps.create(user=make_user("asha@example.org", display_name="Asha Rao"), status="going")
    guest = meetup.rsvps.create(email="guest@example.org", name="Guest Gupta", status="waitlisted")

    def names(**query: str) -> list[str]:
        page = as_owner.get(LIST, query).context["page"]
        return [rsvp.shown_name for rsvp in page.object_list]

    assert names() == ["Asha Rao", "Guest Gupta"]
    assert names(q="rao") == ["Asha Rao"]
    assert names(q=guest.code.lower()) == ["Guest Gupta"]
    assert names(q="GUEST@example.org") == ["Guest Gupta"]
    assert names(q="asha@example.org") == ["Asha Rao"]
    assert names(q="@example") == []
    assert names(status="waitlisted") == ["Guest Gupta"]
    assert as_owner.get(LIST, {"q": "\0"}).status_code == 200
    assert "@example.org" not in as_owner.get(LIST).content.decode()


def test_removing_somebody_gives_the_seat_to_who_waits(as_owner: Client, owner: User, meetup: Meetup) -> None:
    first = meetup.rsvps.create(user=make_user(), status="going", guests=2)
    second = meetup.rsvps.create(user=make_user(), status="waitlisted")
    assert as_owner.post(f"{LIST}{first.pk}/remove/").status_code == 302
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("declined", "going")
    acts = AuditLog.objects.filter(act="remove_attendee", meetup=meetup, actor=owner)
    assert acts.count() == 1


def test_nobody_removes_somebody_of_another_meetup(as_owner: Client, meetup: Meetup) -> None:
    other = make_dated_meetup(timezone.now()).rsvps.create(user=make_user(), status="going")
    assert as_owner.post(f"{LIST}{other.pk}/remove/").status_code == 404
    other.refresh_from_db()
    assert other.status == Rsvp.Status.GOING
