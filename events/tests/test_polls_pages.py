"""The pages of votes on a date, as a stranger, a member and an organizer meet them."""

import datetime as dt
import re

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from events.models import DateBallot, DateOption, DatePoll, DateVote, Meetup
from events.services import poll_links, polls
from events.tests.factories import NOW, make_meetup, make_organizer
from events.tests.poll_factories import HOUR, make_poll, options_of, said_by, vote, vote_by_mail
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user
from portal.tests.invariants import broken_invariants

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def poll(owner: User) -> DatePoll:
    """An open vote of the owner's chapter."""
    return make_poll(owner)


def said(poll: DatePoll, *words: str, **more: str) -> dict[str, str]:
    """A filled form."""
    return {f"date-{one.pk}": word for one, word in zip(options_of(poll), words, strict=False) if word} | more


def url(name: str, poll: DatePoll, *more: object) -> str:
    """An address about the vote's meetup."""
    return reverse(f"events:{name}", args=[poll.meetup.slug, *more])


BY_MAIL = {"name": "Gita", "email": "gita@example.org"}


def test_a_member_votes_and_changes_the_vote(poll: DatePoll, as_member: Client, member: User) -> None:
    page = as_member.get(url("poll", poll))
    assert page.status_code == 200
    assert b"Save your votes" not in page.content
    assert as_member.post(url("poll", poll), said(poll, "yes", "no", hides_name="on")).status_code == 302
    ballot = DateBallot.objects.get()
    assert (ballot.user, ballot.hides_name, said_by(ballot)) == (member, True, [("yes", NOW), ("no", NOW)])
    again = as_member.get(url("poll", poll)).content.decode()
    assert again.count("checked") == 3, "two votes and the hidden name are as they were given"
    assert "Ravi Member (you; others read" in again
    as_member.post(url("poll", poll), said(poll, "no"))
    ballot.refresh_from_db()
    assert ([choice for choice, _ in said_by(ballot)], ballot.hides_name) == (["no", "no"], False)
    as_member.post(url("withdraw_votes", poll))
    assert DateVote.objects.count() == 0


def test_a_stranger_votes_by_mail_and_the_link_makes_it_count(poll: DatePoll, as_stranger: Client) -> None:
    answer = as_stranger.post(url("poll", poll), said(poll, "yes", "if_need_be", **BY_MAIL))
    assert (answer.status_code, DateBallot.objects.get().confirmed_at) == (302, None)
    text = OutboxMessage.objects.get().text_body
    link = re.search(r"http\S+/ballots/\S+", text)
    assert link
    path = link[0].partition("/ballots/")[2]
    address = f"/ballots/{path}"
    page = as_stranger.get(address)
    assert DateBallot.objects.get().confirmed_at is None, "a scanner that follows links confirms nothing"
    assert b"do not count yet" in page.content
    assert broken_invariants(page.content.decode()) == []
    assert as_stranger.post(address, said(poll, "yes", "no")).status_code == 302
    ballot = DateBallot.objects.get()
    assert (ballot.confirmed_at, [choice for choice, _ in said_by(ballot)]) == (NOW, ["yes", "no"])
    assert b"Your votes count" in as_stranger.get(address).content
    as_stranger.post(address, {"do": "withdraw"})
    assert DateBallot.objects.count() == 0
    assert b"no longer kept" in as_stranger.get(address).content


def test_link_of_a_member_leads_on_to_the_vote(poll: DatePoll, as_stranger: Client, member: User) -> None:
    ballot = vote_by_mail(poll, "yes", email=member.email, confirm=False)
    address = poll_links.ballot_url(ballot).partition("8000")[2] or poll_links.ballot_url(ballot)
    path = "/ballots/" + address.partition("/ballots/")[2]
    assert as_stranger.post(path, said(poll, "yes"))["Location"] == url("poll", poll)
    assert DateBallot.objects.get().user == member


@pytest.mark.parametrize("who", ["nobody", "voter", "waiting", "member", "blocked"])
def test_the_form_says_nothing_about_an_address(poll: DatePoll, as_stranger: Client, who: str) -> None:
    email = "known@example.org"
    if who in ("voter", "waiting"):
        vote_by_mail(poll, "no", email=email, confirm=who == "voter")
    elif who == "member":
        vote(poll, "no", user=make_user(email))
    elif who == "blocked":
        poll.meetup.chapter.blocks.create(email=email)
    answer = as_stranger.post(
        url("poll", poll), said(poll, "yes", name="X", email=email, hides_name="on"), follow=True
    )
    assert answer.redirect_chain == [(url("poll", poll), 302)]
    assert [str(one) for one in answer.context["messages"]] == [
        "A mail with a link is on its way to known@example.org. "
        "Your votes count once you have pressed the button behind it."
    ]
    if who == "voter":
        assert list(DateVote.objects.values_list("choice", flat=True)) == ["no"]


def test_votes_by_mail_are_bounded(poll: DatePoll, as_stranger: Client) -> None:
    spellings = ("gita@example.org", "Gita@example.org", "GITA@example.org", "gita@Example.org")
    answers = [
        as_stranger.post(url("poll", poll), said(poll, "yes", name="Gita", email=one)) for one in spellings
    ]
    assert [one.status_code for one in answers] == [302, 302, 302, 429]
    assert OutboxMessage.objects.count() == 1


def test_what_was_typed_is_kept_when_it_is_refused(poll: DatePoll, as_stranger: Client) -> None:
    DatePoll.objects.update(closes_at=NOW)
    answer = as_stranger.post(url("poll", poll), said(poll, "yes", "no", **BY_MAIL))
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "This vote ended on" in text
    assert text.count(" checked") == 2
    assert 'value="gita@example.org"' in text
    assert DateVote.objects.count() == 0
    assert as_stranger.post(url("poll", poll), said(poll, "yes", name="Gita", email="no")).status_code == 422


def test_a_vote_on_a_date_that_is_gone_is_refused(poll: DatePoll, as_member: Client, owner: User) -> None:
    form = said(poll, "yes", "no")
    polls.remove_option(poll=poll, actor=owner, option_pk=options_of(poll)[0].pk, at=NOW)
    answer = as_member.post(url("poll", poll), form)
    assert (answer.status_code, DateVote.objects.count()) == (409, 0)
    assert b"An organizer has changed the dates" in answer.content


def test_results_are_words_and_names_are_for_members(
    poll: DatePoll, as_stranger: Client, as_member: Client
) -> None:
    vote(poll, "yes", user=make_user(display_name="Voter One"))
    for client, shows in ((as_stranger, False), (as_member, True)):
        text = client.get(url("poll", poll)).content.decode()
        assert ("Voter One" in text) == shows
        assert " ".join(text.split()).count("Best so far") == 1
        assert broken_invariants(text) == []
    page = as_stranger.get(poll.meetup.get_absolute_url()).content.decode()
    assert "1 yes · 0 if need be · 0 no" in page
    assert url("poll", poll) in page


def test_a_draft_shows_no_vote(poll: DatePoll, as_member: Client) -> None:
    Meetup.objects.update(status="draft")
    assert as_member.get(url("poll", poll)).status_code == 404
    assert as_member.post(url("poll", poll), said(poll, "yes")).status_code == 404


@pytest.mark.parametrize("number", [1, 3, 300])
def test_visitors_pages_take_the_same_queries_at_any_number_of_voters(
    poll: DatePoll, as_stranger: Client, number: int, django_assert_max_num_queries: object
) -> None:
    ballots = DateBallot.objects.bulk_create(
        DateBallot(poll=poll, email=f"v{n}@example.org", confirmed_at=NOW) for n in range(number)
    )
    DateVote.objects.bulk_create(
        DateVote(ballot=ballot, option=options_of(poll)[0], choice="yes", voted_at=NOW) for ballot in ballots
    )
    for address in (url("poll", poll), poll.meetup.get_absolute_url()):
        with django_assert_max_num_queries(5):  # type: ignore[operator]
            page = as_stranger.get(address)
        assert str(number) in page.content.decode()


# ------------------------------------------------------------------------------------- the organizers

POSTS = ("add_date", "set_poll_end", "choose_date", "end_poll", "reopen_poll")


def test_strangers_and_members_find_no_organizers_page(
    poll: DatePoll, as_stranger: Client, as_member: Client, member: User
) -> None:
    make_organizer(poll.meetup.chapter, user=member, role="check_in")
    option = options_of(poll)[0]
    assert as_stranger.get(url("manage_poll", poll)).status_code == 302
    assert as_member.get(url("manage_poll", poll)).status_code == 404
    data = {
        "option": option.pk,
        "status": "confirmed",
        "day": "2027-01-01",
        "starts": "10:00",
        "ends": "12:00",
    }
    for client in (as_stranger, as_member):
        for name in ("manage_poll", *POSTS):
            assert client.post(url(name, poll), data).status_code == 404, name
        assert client.post(url("remove_date", poll, option.pk)).status_code == 404
    for name in POSTS:
        assert as_member.get(url(name, poll)).status_code == 405
    poll.refresh_from_db()
    assert (poll.closed_at, poll.options.count()) == (None, 3)


def rows(*dates: tuple[str, str, str]) -> dict[str, str]:
    """A filled form of dates."""
    data = {"form-TOTAL_FORMS": str(len(dates)), "form-INITIAL_FORMS": "0", "closes": ""}
    for n, (day, starts, ends) in enumerate(dates):
        data |= {f"form-{n}-day": day, f"form-{n}-starts": starts, f"form-{n}-ends": ends}
    return data


def test_an_organizer_starts_a_vote_on_the_meetups_clock(as_owner: Client, owner: User) -> None:
    meetup = make_meetup(time_zone="Europe/London")
    make_organizer(meetup.chapter, user=owner)
    address = reverse("events:manage_poll", args=[meetup.slug])
    assert broken_invariants(as_owner.get(address).content.decode()) == []
    data = rows(("2027-01-16", "10:00", "13:00"), ("", "", ""), ("2027-07-17", "22:00", "01:00"))
    assert as_owner.post(address, data | {"closes": "2027-01-10T18:00"}).status_code == 302
    utc = dt.UTC
    assert list(DateOption.objects.values_list("starts_at", "ends_at")) == [
        (dt.datetime(2027, 1, 16, 10, tzinfo=utc), dt.datetime(2027, 1, 16, 13, tzinfo=utc)),
        (dt.datetime(2027, 7, 17, 21, tzinfo=utc), dt.datetime(2027, 7, 18, 0, tzinfo=utc)),
    ]
    assert DatePoll.objects.get().closes_at == dt.datetime(2027, 1, 10, 18, tzinfo=utc)


@pytest.mark.parametrize(
    ("dates", "closes", "why"),
    [
        ([("2027-01-16", "10:00", "13:00")], "", "2 to 20 dates"),
        ([("2027-01-16", "10:00", "13:00"), ("2027-01-16", "10:00", "14:00")], "", "are the same"),
        ([("2027-01-16", "10:00", "13:00"), ("2027-01-17", "", "14:00")], "", "This field is required"),
        ([("2027-03-28", "01:30", "03:00"), ("2027-01-17", "10:00", "14:00")], "", "leave 01:30 out"),
        (
            [("2027-01-16", "10:00", "13:00"), ("2027-01-17", "10:00", "14:00")],
            "soon",
            "Give a day and a time",
        ),
        ([("9999-12-31", "10:00", "09:00"), ("2027-01-17", "10:00", "14:00")], "", "Give a year"),
    ],
)
def test_dates_that_make_no_sense_are_said_and_kept(
    as_owner: Client, owner: User, dates: list[tuple[str, str, str]], closes: str, why: str
) -> None:
    meetup = make_meetup(time_zone="Europe/London")
    make_organizer(meetup.chapter, user=owner)
    answer = as_owner.post(
        reverse("events:manage_poll", args=[meetup.slug]), rows(*dates) | {"closes": closes}
    )
    text = answer.content.decode()
    assert (answer.status_code, DatePoll.objects.count()) == (422, 0)
    assert why in text
    assert f'value="{dates[0][0]}"' in text


def test_more_rows_keep_what_was_typed(as_owner: Client, owner: User) -> None:
    meetup = make_meetup()
    make_organizer(meetup.chapter, user=owner)
    data = rows(("2027-01-16", "10:00", "x")) | {"more": "1"}
    text = as_owner.post(reverse("events:manage_poll", args=[meetup.slug]), data).content.decode()
    assert 'value="2027-01-16"' in text
    assert text.count('type="date"') == 5


def test_an_organizer_changes_closes_and_takes_up_the_vote(poll: DatePoll, as_owner: Client) -> None:
    vote(poll, "yes", "yes")
    day = {"day": "2027-01-16", "starts": "10:00", "ends": "13:00"}
    as_owner.post(url("add_date", poll), day)
    assert poll.options.count() == 4
    assert as_owner.post(url("add_date", poll), day).status_code == 409
    assert as_owner.post(url("add_date", poll), {"day": "x"}).status_code == 422
    first, second, *_ = options_of(poll)
    removed = as_owner.post(url("remove_date", poll, first.pk), follow=True)
    assert "The date is removed, and the 1 vote on it with it." in removed.content.decode()
    as_owner.post(url("set_poll_end", poll), {"closes": "2026-12-20T10:00"})
    poll.refresh_from_db()
    assert poll.closes_at == dt.datetime(2026, 12, 20, 4, 30, tzinfo=dt.UTC)
    assert (
        as_owner.post(url("choose_date", poll), {"option": first.pk, "status": "confirmed"}).status_code
        == 422
    )
    as_owner.post(url("choose_date", poll), {"option": second.pk, "status": "tentative"})
    meetup = Meetup.objects.get()
    assert (meetup.status, meetup.starts_at) == ("tentative", second.starts_at)
    closed = as_owner.get(url("manage_poll", poll))
    assert b"a date was chosen" in closed.content
    assert broken_invariants(closed.content.decode()) == []
    as_owner.post(url("reopen_poll", poll))
    assert Meetup.objects.get().status == "polling"
    assert broken_invariants(as_owner.get(url("manage_poll", poll)).content.decode()) == []
    as_owner.post(url("end_poll", poll))
    assert Meetup.objects.get().status == "idea"
    refused = as_owner.post(url("add_date", poll), day)
    assert refused.status_code == 409


def test_the_vote_says_when_it_is_closed(poll: DatePoll, as_owner: Client, as_member: Client) -> None:
    with time_machine.travel(NOW + HOUR, tick=False):
        as_owner.post(url("choose_date", poll), {"option": options_of(poll)[0].pk, "status": "confirmed"})
    text = as_member.get(url("poll", poll)).content.decode()
    assert "Wednesday 23 December 2026, 11:30 IST was chosen" in text
    assert 'name="date-' not in text
    refused = as_member.post(url("poll", poll), said(poll, "yes"))
    assert refused.status_code == 409
