"""Signing up as three persons: a member, another member, a stranger with nothing but an address."""

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import Answer, Block, Meetup, Question, Rsvp
from events.services import links, seats
from events.tests.factories import make_dated_meetup, make_meetup
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def meetup_ahead(**fields: Any) -> Meetup:
    """A confirmed meetup in ten days."""
    return make_dated_meetup(timezone.now() + 10 * DAY, slug="night", **fields)


def text(client: Client, address: str = "/meetups/night/") -> str:
    """The page, in one line."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def post(client: Client, address: str = "/meetups/night/rsvp/", **data: Any) -> tuple[int, str]:
    """Status and, after a redirect, the page that follows."""
    response = client.post(address, data)
    if response.status_code == 302:
        return 302, text(client, response["Location"])
    return response.status_code, " ".join(response.content.decode().split())


def statuses() -> list[str]:
    """All sign-ups in order."""
    return list(Rsvp.objects.order_by("pk").values_list("status", flat=True))


def linked(rsvp: Rsvp, action: str) -> str:
    """The path of a link in a mail."""
    return f"/rsvp/{links.sign_link(rsvp, action)}/"


def test_member_signs_up_with_one_button_and_leaves_with_one(as_member: Client, member: User) -> None:
    meetup_ahead(capacity=1)
    assert "I am coming" in text(as_member)
    status, page = post(as_member, wanted="going")
    assert (status, statuses()) == (302, ["going"])
    assert "You are going" in page
    assert "1 of 1 seats" in page
    assert Rsvp.objects.get().code in page
    status, page = post(as_member, "/meetups/night/rsvp/leave/")
    assert (status, statuses()) == (302, ["declined"])
    assert "You are not coming" in page


def test_second_member_waits_and_is_told_the_place(as_member: Client, as_owner: Client) -> None:
    meetup_ahead(capacity=1)
    post(as_owner, wanted="going")
    assert "Join the waitlist" in text(as_member)
    page = post(as_member, wanted="going")[1]
    assert "On the waitlist</span> place 1" in page
    post(as_owner, "/meetups/night/rsvp/leave/")
    assert statuses() == ["declined", "going"]


def test_stranger_has_a_form_and_holds_a_seat_once_the_mail_is_answered(as_stranger: Client) -> None:
    meetup_ahead(capacity=1)
    assert 'href="/meetups/night/rsvp/"' in text(as_stranger)
    status, page = post(as_stranger, wanted="going", name="Meera", email="Meera@Example.org")
    assert status == 302
    assert "A mail is on its way to Meera@Example.org" in page
    assert "0 of 1 seats" in page
    mail = OutboxMessage.objects.get()
    assert mail.to_email == "meera@example.org"
    path = re.search(r"http://[^/]+(/rsvp/[^/]+/)", mail.text_body)
    assert path is not None
    assert "Confirm your sign-up" in text(as_stranger, path[1])
    assert statuses() == ["unconfirmed"]  # a scanner that follows the link changes nothing
    assert "You are going" in post(as_stranger, path[1], do="confirm")[1]
    assert statuses() == ["going"]
    assert "1 of 1 seats" in text(as_stranger)


def test_form_keeps_what_was_typed_and_says_what_is_wrong(as_stranger: Client) -> None:
    meetup = meetup_ahead(guests_allowed=2)
    Question.objects.create(meetup=meetup, text="Which hypervisor?", is_required=True)
    status, page = post(as_stranger, wanted="going", name="Meera", email="no-address", guests="9")
    assert (status, statuses()) == (422, [])
    for kept in ('value="Meera"', 'value="no-address"', 'value="9"', "Please answer this question."):
        assert kept in page
    status, _ = post(as_stranger, wanted="maybe", name="Meera", email="m@example.org")
    assert (status, Rsvp.objects.get().wanted) == (302, "maybe")


def test_refusal_is_shown_in_the_form(as_member: Client, member: User) -> None:
    meetup = meetup_ahead()
    Block.objects.create(chapter=meetup.chapter, user=member)
    status, page = post(as_member, wanted="going")
    assert (status, statuses()) == (422, [])
    assert "have blocked you" in page


def test_answers_are_kept_shown_again_and_counted(as_member: Client, as_owner: Client) -> None:
    meetup = meetup_ahead()
    need = Question.objects.create(
        meetup=meetup, text="Nested KVM?", kind="yes_no", counted_as="have a machine with nested KVM"
    )
    post(as_member, wanted="going", **{f"question_{need.pk}": "yes"})
    page = post(as_owner, wanted="going", **{f"question_{need.pk}": "no"})[1]
    assert "1 of 2 have a machine with nested KVM." in page
    assert 'value="no" id="id_question' in re.sub(
        r" (required|checked)(?=[ >])", "", text(as_owner, "/meetups/night/rsvp/")
    )
    assert set(Answer.objects.values_list("text", flat=True)) == {"yes", "no"}
    post(as_member, "/meetups/night/rsvp/leave/")
    assert "0 of 1 have a machine" in text(as_owner)


def test_no_answer_tells_whether_an_address_has_signed_up(as_stranger: Client) -> None:
    meetup_ahead()
    form = {"wanted": "going", "name": "Meera", "email": "m@example.org"}
    first = as_stranger.post("/meetups/night/rsvp/", form)
    seats.confirm_rsvp(rsvp=Rsvp.objects.get(), at=timezone.now())
    before = text(Client())
    second = Client().post("/meetups/night/rsvp/", form | {"name": "Mallory", "hides_name": "on"})
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])
    assert Rsvp.objects.get().name == "Meera"
    assert text(Client()) == before


def test_sign_ups_by_mail_are_limited_by_address(as_stranger: Client) -> None:
    meetup_ahead()
    form = {"wanted": "going", "name": "Meera", "email": "m@example.org"}
    answers = [as_stranger.post("/meetups/night/rsvp/", form).status_code for _ in range(6)]
    assert answers == [302] * 5 + [429]
    assert as_stranger.post("/meetups/night/rsvp/", form | {"email": "n@example.org"}).status_code == 302


def test_sign_ups_by_mail_are_limited_by_network_address(as_stranger: Client) -> None:
    meetup_ahead(capacity=None)
    form = {"wanted": "going", "name": "Meera"}
    answers = [
        as_stranger.post("/meetups/night/rsvp/", form | {"email": f"m{n}@example.org"}).status_code
        for n in range(21)
    ]
    assert answers == [302] * 20 + [429]
    other = as_stranger.post(
        "/meetups/night/rsvp/", form | {"email": "z@example.org"}, REMOTE_ADDR="192.0.2.9"
    )
    assert other.status_code == 302


def test_confirming_by_an_old_link_or_by_another_one_does_nothing(as_stranger: Client) -> None:
    meetup_ahead()
    post(as_stranger, wanted="going", name="Meera", email="m@example.org")
    rsvp = Rsvp.objects.get()
    path = linked(rsvp, "confirm")
    post(as_stranger, linked(rsvp, "cancel"), do="confirm")
    assert statuses() == ["unconfirmed"]
    with time_machine.travel(timezone.now() + 3 * DAY + dt.timedelta(minutes=1)):
        assert "This link is too old" in text(as_stranger, path)
        post(as_stranger, path, do="confirm")
        assert statuses() == ["unconfirmed"]


@pytest.mark.parametrize("token", ["no-such-token", "a:b:c", "x" * 300])
def test_forged_links_are_not_found(as_stranger: Client, token: str) -> None:
    assert as_stranger.get(f"/rsvp/{token}/").status_code == 404
    assert as_stranger.post(f"/rsvp/{token}/", {"do": "cancel"}).status_code == 404


def test_link_cancels_in_one_click_and_works_twice(as_stranger: Client, as_member: Client) -> None:
    meetup_ahead()
    post(as_member, wanted="going")
    path = linked(Rsvp.objects.get(), "cancel")
    assert "I cannot come" in text(as_stranger, path)
    assert statuses() == ["going"]
    for _ in range(2):
        assert "You are not signed up" in post(as_stranger, path, do="cancel")[1]
        assert statuses() == ["declined"]


def test_offer_is_taken_or_refused_by_link_and_by_page(as_member: Client, as_owner: Client) -> None:
    meetup_ahead(capacity=1, waitlist="offer")
    for client in (as_owner, as_member):
        post(client, wanted="going")
    post(as_owner, "/meetups/night/rsvp/leave/")
    assert statuses() == ["declined", "offered"]
    assert "A seat is held for you" in text(as_member)
    rsvp = Rsvp.objects.get(status="offered")
    assert "You are going" in post(Client(), linked(rsvp, "accept"), do="accept")[1]
    assert statuses() == ["declined", "going"]
    Rsvp.objects.filter(pk=rsvp.pk).update(status="offered", offer_expires_at=timezone.now() + DAY)
    assert "You are going" in post(as_member, "/meetups/night/rsvp/accept/")[1]
    assert statuses() == ["declined", "going"]


def test_reconfirming_by_page_and_by_link(as_member: Client) -> None:
    meetup = meetup_ahead(asks_reconfirmation=True)
    post(as_member, wanted="going")
    Rsvp.objects.update(reconfirm_asked_for=meetup.starts_at, reconfirm_asked_at=timezone.now())
    assert "Do you still come?" in text(as_member)
    post(as_member, "/meetups/night/rsvp/reconfirm/")
    assert Rsvp.objects.get().reconfirmed_for == meetup.starts_at
    Rsvp.objects.update(reconfirmed_for=None)
    path = linked(Rsvp.objects.get(), "reconfirm")
    assert "Yes, I come" in text(Client(), path)
    post(Client(), path, do="reconfirm")
    assert Rsvp.objects.get().reconfirmed_for == meetup.starts_at


def test_changing_what_one_does_not_have_is_not_found(
    as_member: Client, as_stranger: Client, as_owner: Client
) -> None:
    meetup_ahead()
    post(as_owner, wanted="going")
    for act in ("leave", "accept", "reconfirm"):
        assert as_member.post(f"/meetups/night/rsvp/{act}/").status_code == 404
        assert as_stranger.post(f"/meetups/night/rsvp/{act}/").status_code == 404
        assert as_owner.get(f"/meetups/night/rsvp/{act}/").status_code == 405
    assert statuses() == ["going"]


def test_drafts_take_no_sign_ups_from_those_who_do_not_see_them(
    as_member: Client, as_stranger: Client
) -> None:
    make_meetup(slug="night", status="draft")
    for client in (as_member, as_stranger):
        assert client.get("/meetups/night/rsvp/").status_code == 404
        assert client.post("/meetups/night/rsvp/", {"wanted": "maybe"}).status_code == 404


def test_names_are_for_members_and_hidden_ones_for_nobody(
    as_member: Client, as_stranger: Client, as_owner: Client
) -> None:
    meetup_ahead(capacity=None)
    post(as_owner, wanted="going", hides_name="on")
    assert "Asha Owner" in text(as_owner)
    assert "Asha Owner" not in text(as_member)
    post(as_member, wanted="going")
    page = text(as_owner)
    assert "Ravi Member" in page
    assert "@" not in page.split("Who comes")[1].split("</details>")[0]
    assert "and 1 more" in text(as_member)
    assert "Ravi Member" not in text(as_stranger)
    assert "2 are coming" in text(as_stranger)


def test_open_date_takes_interest_only(as_member: Client) -> None:
    make_meetup(slug="night", status="idea")
    page = text(as_member)
    assert "I am interested" in page
    assert "I am coming" not in page
    assert "You are interested" in post(as_member, wanted="maybe")[1]
    status, page = post(as_member, wanted="going")
    assert (status, statuses()) == (422, ["maybe"])
    assert "The date is still open" in page


@pytest.mark.parametrize("reader", ["as_stranger", "as_member"])
def test_page_takes_as_many_queries_for_300_as_for_one(request: pytest.FixtureRequest, reader: str) -> None:
    client = request.getfixturevalue(reader)
    meetup = meetup_ahead(capacity=250)
    Question.objects.create(meetup=meetup, text="KVM?", kind="yes_no", counted_as="have KVM")

    def grow(number: int) -> int:
        for _ in range(number):
            status = "going" if meetup.rsvps.count() < 250 else "waitlisted"
            Rsvp.objects.create(meetup=meetup, user=make_user(), status=status)
        client.get("/meetups/night/")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/meetups/night/").status_code == 200
        return len(captured)

    one = grow(1)
    assert [grow(2), grow(297)] == [one, one]
    if reader == "as_stranger":
        assert one <= 5


def test_own_page_lists_what_one_signed_up_to(as_member: Client, member: User) -> None:
    soon = meetup_ahead(title="Storage night")
    past = make_dated_meetup(timezone.now() - 10 * DAY, title="First night")
    other = make_dated_meetup(timezone.now() - 10 * DAY, title="Missed night")
    Rsvp.objects.create(meetup=soon, email=member.email, status="going")  # before there was an account
    Rsvp.objects.create(meetup=past, user=member, status="going")
    Rsvp.objects.create(meetup=other, user=member, status="declined")
    page = text(as_member, "/me/")
    assert "Storage night" in page
    assert "First night" in page
    assert "Missed night" not in page
