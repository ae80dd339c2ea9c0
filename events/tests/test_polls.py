"""Votes on a date: who may do what, whose vote counts, and what closing makes of them."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied

from events.models import AuditLog, Block, DateBallot, DatePoll, DateVote, Meetup, Person, Rsvp
from events.personal_data import erase_events, export_events
from events.queries.polls import results
from events.services import polls, seats, votes
from events.services.life import MeetupRefused
from events.services.meetups import cancel_meetup, move_meetup, set_date
from events.services.polls import PollRefused
from events.tests.factories import NOW, make_dated_meetup, make_meetup, make_organizer
from events.tests.mail_making import work
from events.tests.poll_factories import (
    DAY,
    HOUR,
    make_dates,
    make_poll,
    options_of,
    said_by,
    vote,
    vote_by_mail,
)
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db


def close(poll: DatePoll, organizer: User, number: int = 0, status: str = "confirmed") -> DatePoll:
    """The organizer chooses the date of that number."""
    option = options_of(poll)[number]
    return polls.close_poll(poll=poll, actor=organizer, option_pk=option.pk, status=status, at=NOW + DAY)


def mailed(word: str) -> list[str]:
    """Who got mail whose dedupe key begins with ``word``."""
    found = OutboxMessage.objects.filter(dedupe_key__startswith=word).order_by("pk")
    return list(found.values_list("to_email", flat=True))


# ------------------------------------------------------------------------------------------ opening


def test_opening_puts_the_meetup_to_the_vote_and_is_noted(owner: User) -> None:
    meetup = make_meetup(date_precision="month", starts_at=NOW)
    poll = make_poll(owner, meetup)
    meetup.refresh_from_db()
    assert (meetup.status, meetup.date_precision, poll.options.count()) == ("polling", "month", 3)
    assert AuditLog.objects.filter(meetup=meetup, act="open_poll", actor=owner).count() == 1


def test_a_date_that_was_known_is_open_while_people_vote(owner: User) -> None:
    meetup = make_dated_meetup(NOW + 5 * DAY, status="tentative")
    make_poll(owner, meetup)
    meetup.refresh_from_db()
    assert (meetup.starts_at, meetup.ends_at, meetup.date_precision) == (None, None, "none")
    assert meetup.ical_sequence == 1


@pytest.mark.parametrize(
    ("dates", "closes_at"),
    [
        (make_dates(1), None),
        (make_dates(21), None),
        (make_dates(1) * 2, None),
        ([(NOW - 2 * DAY, NOW), *make_dates(1)], None),
        ([(NOW + DAY, NOW + DAY), *make_dates(1)], None),
        ([(NOW + DAY, NOW + 9 * DAY), *make_dates(1)], None),
        (make_dates(2), NOW - DAY),
        (make_dates(2), NOW + 12 * DAY),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(
    owner: User, dates: list[tuple[dt.datetime, dt.datetime]], closes_at: dt.datetime | None
) -> None:
    meetup = make_meetup()
    make_organizer(meetup.chapter, user=owner)
    with pytest.raises(PollRefused):
        polls.open_poll(meetup=meetup, actor=owner, dates=dates, closes_at=closes_at, at=NOW)
    meetup.refresh_from_db()
    assert (meetup.status, DatePoll.objects.count()) == ("idea", 0)


def test_one_vote_at_a_time_and_none_on_drafts_and_cancelled_meetups(owner: User) -> None:
    poll = make_poll(owner)
    with pytest.raises(PollRefused):
        make_poll(owner, poll.meetup)
    for status in ("draft", "cancelled"):
        with pytest.raises(MeetupRefused):
            make_poll(owner, make_meetup(status=status))
    assert DatePoll.objects.count() == 1


def test_every_act_asks_who_acts(owner: User, member: User) -> None:
    poll = make_poll(owner)
    first = options_of(poll)[0]
    make_organizer(poll.meetup.chapter, user=member, role="volunteer")
    acts: tuple[Callable[[], object], ...] = (
        lambda: polls.open_poll(meetup=make_meetup(), actor=member, dates=make_dates(), at=NOW),
        lambda: polls.add_option(poll=poll, actor=member, span=make_dates(4)[3], at=NOW),
        lambda: polls.remove_option(poll=poll, actor=member, option_pk=first.pk, at=NOW),
        lambda: polls.set_close_time(poll=poll, actor=member, closes_at=NOW + DAY, at=NOW),
        lambda: close(poll, member),
        lambda: polls.end_poll(poll=poll, actor=member, at=NOW),
        lambda: polls.reopen_poll(poll=poll, actor=member, closes_at=None, at=NOW),
    )
    for act in acts:
        with pytest.raises(PermissionDenied):
            act()
    poll.refresh_from_db()
    assert (poll.closed_at, poll.closes_at, poll.options.count()) == (None, None, 3)


# ------------------------------------------------------------------------------------------- the dates


def test_dates_are_added_and_removed_while_it_is_open(owner: User) -> None:
    poll = make_poll(owner)
    ballot = vote(poll, "yes", "no", "yes")
    vote_by_mail(poll, "yes", confirm=False)
    added = polls.add_option(poll=poll, actor=owner, span=make_dates(4)[3], at=NOW)
    first = options_of(poll)[0]
    assert polls.remove_option(poll=poll, actor=owner, option_pk=first.pk, at=NOW) == 1
    assert polls.remove_option(poll=poll, actor=owner, option_pk=first.pk, at=NOW) == 0
    assert [option.pk for option in options_of(poll)][-1] == added.pk
    assert [choice for choice, _ in said_by(ballot)] == ["no", "yes"]
    note = AuditLog.objects.get(act="remove_poll_date")
    assert note.detail["votes"] == 1


def test_there_are_two_to_twenty_dates_and_each_once(owner: User) -> None:
    poll = make_poll(owner, dates=2)
    first = options_of(poll)[0]
    with pytest.raises(PollRefused, match="at least 2"):
        polls.remove_option(poll=poll, actor=owner, option_pk=first.pk, at=NOW)
    with pytest.raises(PollRefused, match="already"):
        polls.add_option(poll=poll, actor=owner, span=make_dates(1)[0], at=NOW)
    for span in make_dates(20)[2:]:
        polls.add_option(poll=poll, actor=owner, span=span, at=NOW)
    with pytest.raises(PollRefused, match="at most 20"):
        polls.add_option(poll=poll, actor=owner, span=make_dates(21)[20], at=NOW)
    assert poll.options.count() == 20


def test_a_closed_vote_keeps_its_dates(owner: User) -> None:
    poll = make_poll(owner)
    close(poll, owner)
    with pytest.raises(PollRefused):
        polls.add_option(poll=poll, actor=owner, span=make_dates(4)[3], at=NOW)
    with pytest.raises(PollRefused):
        polls.remove_option(poll=poll, actor=owner, option_pk=options_of(poll)[2].pk, at=NOW)
    with pytest.raises(PollRefused):
        polls.set_close_time(poll=poll, actor=owner, closes_at=NOW + 2 * DAY, at=NOW)
    assert poll.options.count() == 3


# ------------------------------------------------------------------------------------------- voting


def test_a_choice_keeps_its_moment_until_it_changes(owner: User, member: User) -> None:
    poll = make_poll(owner)
    vote(poll, "yes", "no", user=member, at=NOW)
    ballot = vote(poll, "yes", "yes", "if_need_be", user=member, at=NOW + HOUR)
    assert said_by(ballot) == [("yes", NOW), ("yes", NOW + HOUR), ("if_need_be", NOW + HOUR)]
    assert DateBallot.objects.count() == 1


def test_what_is_left_out_stays(owner: User, member: User) -> None:
    poll = make_poll(owner)
    vote(poll, "yes", "no", user=member)
    assert said_by(vote(poll, "", "yes", user=member, at=NOW + HOUR)) == [("yes", NOW), ("yes", NOW + HOUR)]


def test_no_vote_counts_after_its_end(owner: User, member: User) -> None:
    poll = make_poll(owner, closes_at=NOW + HOUR)
    vote(poll, "yes", user=member, at=NOW + HOUR - dt.timedelta(seconds=1))
    waiting = vote_by_mail(poll, "yes", confirm=False)
    acts: tuple[Callable[[], object], ...] = (
        lambda: vote(poll, "no", user=member, at=NOW + HOUR),
        lambda: vote_by_mail(poll, "no", email="b@example.org", at=NOW + HOUR),
        lambda: votes.confirm_votes(ballot=waiting, choices=votes_of(waiting), at=NOW + HOUR),
    )
    for act in acts:
        with pytest.raises(PollRefused, match="This vote ended on Sunday 13 December 2026, 12:30 IST"):
            act()
    assert DateVote.objects.filter(choice="no").count() == 0
    waiting.refresh_from_db()
    assert waiting.confirmed_at is None


def votes_of(ballot: DateBallot) -> dict[int, str]:
    """What it says now."""
    return dict(ballot.votes.values_list("option", "choice"))


def test_no_vote_counts_once_the_meetup_is_settled_otherwise_or_off(owner: User) -> None:
    settled, off = make_poll(owner), make_poll(owner)
    start, end = make_dates(1)[0]
    set_date(
        meetup=settled.meetup, actor=owner, starts_at=start, ends_at=end,
        precision="exact", status="confirmed", at=NOW,
    )  # fmt: skip
    cancel_meetup(meetup=off.meetup, actor=owner, reason="No room.", at=NOW)
    for poll, why in ((settled, "no longer put to the vote"), (off, "cancelled")):
        with pytest.raises(PollRefused, match=why):
            vote(poll, "yes")
    assert DateVote.objects.count() == 0


def test_a_date_that_was_removed_meanwhile_is_said_and_nothing_is_saved(owner: User, member: User) -> None:
    poll = make_poll(owner)
    gone, kept, _ = options_of(poll)
    polls.remove_option(poll=poll, actor=owner, option_pk=gone.pk, at=NOW)
    with pytest.raises(PollRefused, match="changed the dates"):
        votes.cast_votes(poll=poll, user=member, choices={gone.pk: "yes", kept.pk: "yes"}, at=NOW)
    other = options_of(make_poll(owner))[0]
    with pytest.raises(PollRefused):
        votes.cast_votes(poll=poll, user=member, choices={other.pk: "yes"}, at=NOW)
    assert DateBallot.objects.count() == 0


def test_whoever_is_blocked_does_not_vote(owner: User, member: User) -> None:
    poll = make_poll(owner)
    Block.objects.create(chapter=poll.meetup.chapter, user=member)
    with pytest.raises(PollRefused, match="blocked"):
        vote(poll, "yes", user=member)
    votes.ask_to_vote(
        poll=poll, email=member.email, name="M", choices={options_of(poll)[0].pk: "yes"}, at=NOW
    )
    assert DateBallot.objects.count() == 0
    assert mailed("confirm-ballot") == []


def test_votes_are_taken_back(owner: User, member: User) -> None:
    poll = make_poll(owner)
    ballot = vote(poll, "yes", user=member)
    votes.withdraw_votes(ballot=ballot, at=NOW)
    votes.withdraw_votes(ballot=ballot, at=NOW)
    assert DateVote.objects.count() == 0
    late = vote(poll, "yes", user=member)
    close(poll, owner)
    with pytest.raises(PollRefused):
        votes.withdraw_votes(ballot=late, at=NOW)
    assert DateVote.objects.count() == 1


# ------------------------------------------------------------------------------------- by e-mail alone


def test_an_address_counts_once_its_owner_has_confirmed(owner: User) -> None:
    poll = make_poll(owner)
    ballot = vote_by_mail(poll, "yes", "no", email="Guest@Example.org".lower(), confirm=False)
    assert mailed("confirm-ballot") == ["guest@example.org"]
    assert [(one.yes, one.no) for one in results(poll, at=NOW).tallies] == [(0, 0)] * 3
    votes.confirm_votes(ballot=ballot, choices=votes_of(ballot), at=NOW + HOUR)
    standing = results(poll, at=NOW)
    assert [(one.yes, one.no) for one in standing.tallies] == [(1, 0), (0, 1), (0, 0)]
    assert said_by(ballot) == [("yes", NOW), ("no", NOW)]
    assert standing.voted == 1


def test_nobody_else_changes_votes_that_count_and_the_owner_gets_a_link(owner: User) -> None:
    poll = make_poll(owner)
    ballot = vote_by_mail(poll, "yes", "no")
    OutboxMessage.objects.all().delete()
    first = options_of(poll)[0]
    votes.ask_to_vote(
        poll=poll, email="GUEST@example.org", name="Mallory", choices={first.pk: "no"}, at=NOW + HOUR
    )
    assert said_by(ballot) == [("yes", NOW), ("no", NOW)]
    ballot.refresh_from_db()
    assert ballot.name == "Gita Guest"
    assert mailed("confirm-ballot") == ["guest@example.org"]


def test_a_member_may_vote_by_address_and_it_becomes_their_own(owner: User, member: User) -> None:
    poll = make_poll(owner)
    own = vote(poll, "yes", "no", "yes", user=member, at=NOW)
    kept = vote_by_mail(poll, "yes", "yes", "no", email=member.email, at=NOW - HOUR)
    assert (kept.pk, DateBallot.objects.count()) == (own.pk, 1)
    assert said_by(own) == [("yes", NOW - HOUR), ("no", NOW), ("yes", NOW)]


def test_a_newer_vote_by_address_replaces_the_members(owner: User, member: User) -> None:
    poll = make_poll(owner)
    own = vote(poll, "no", user=member, at=NOW)
    votes.ask_to_vote(
        poll=poll,
        email=member.email,
        name="Ravi",
        choices=dict.fromkeys([one.pk for one in options_of(poll)], "yes"),
        hides_name=True,
        at=NOW + HOUR,
    )
    assert [choice for choice, _ in said_by(own)] == ["no"], "nothing counts before it is confirmed"
    waiting = DateBallot.objects.get(user=None)
    votes.confirm_votes(ballot=waiting, choices=votes_of(waiting), hides_name=True, at=NOW + 2 * HOUR)
    assert said_by(own) == [("yes", NOW + HOUR)] * 3
    own.refresh_from_db()
    assert own.hides_name


def test_a_member_who_voted_before_there_was_an_account_keeps_the_place(owner: User) -> None:
    poll = make_poll(owner)
    early = vote_by_mail(poll, "yes", email="new@example.org")
    user = make_user("new@example.org")
    ballot = vote(poll, "yes", "yes", user=user, at=NOW + HOUR)
    assert ballot.pk == early.pk
    assert said_by(ballot) == [("yes", NOW), ("yes", NOW + HOUR)]
    assert (ballot.user, ballot.email) == (user, "")


def test_ballots_of_a_new_member_are_adopted_and_unconfirmed_ones_are_not(owner: User) -> None:
    poll, other = make_poll(owner), make_poll(owner)
    vote_by_mail(poll, "yes", email="new@example.org")
    vote_by_mail(other, "yes", email="new@example.org", confirm=False)
    user = make_user("new@example.org")
    assert votes.adopt_all_ballots() == 1
    assert votes.adopt_all_ballots() == 0
    assert set(DateBallot.objects.values_list("poll", "user")) == {(poll.pk, user.pk), (other.pk, None)}


def test_what_nobody_confirms_is_forgotten(owner: User) -> None:
    poll = make_poll(owner)
    vote_by_mail(poll, "yes", email="late@example.org", confirm=False)
    vote_by_mail(poll, "yes", email="kept@example.org")
    assert votes.forget_unconfirmed_ballots(at=NOW + 3 * DAY) == 0
    assert votes.forget_unconfirmed_ballots(at=NOW + 3 * DAY + HOUR) == 1
    assert list(DateBallot.objects.values_list("email", flat=True)) == ["kept@example.org"]


# ------------------------------------------------------------------------------------------- closing


def test_a_date_becomes_the_meetups_and_yes_becomes_seats_in_vote_order(owner: User) -> None:
    meetup = make_meetup(capacity=2)
    poll = make_poll(owner, meetup)
    third = vote(poll, "yes", at=NOW + 3 * HOUR).user
    changed_late = make_user()
    vote(poll, "no", user=changed_late, at=NOW)
    vote(poll, "yes", user=changed_late, at=NOW + 4 * HOUR)
    second = vote_by_mail(poll, "yes", at=NOW + 2 * HOUR)
    first = vote(poll, "yes", "yes", at=NOW + HOUR, hides_name=True).user
    perhaps = vote(poll, "if_need_be", at=NOW).user
    vote(poll, "no", "yes", at=NOW)
    vote_by_mail(poll, "yes", email="never@example.org", confirm=False)

    close(poll, owner)

    meetup.refresh_from_db()
    start, end = make_dates(1)[0]
    assert (meetup.status, meetup.starts_at, meetup.ends_at) == ("confirmed", start, end)
    assert meetup.date_precision == "exact"
    rows = {(one.user or one.email): one for one in meetup.rsvps.select_related("user")}
    assert {who: row.status for who, row in rows.items()} == {
        first: "going",
        second.email: "going",
        third: "waitlisted",
        changed_late: "waitlisted",
    }
    waiting = meetup.rsvps.waiting().values_list("user", flat=True)
    assert list(waiting) == [third and third.pk, changed_late.pk]
    assert first
    assert rows[first].hides_name
    work(NOW)
    told = mailed("date-decided")
    assert len(told) == len(set(told)) == 6
    assert {second.email, perhaps and perhaps.email} < set(told)


def test_whoever_was_blocked_after_voting_gets_no_seat(owner: User, member: User) -> None:
    poll = make_poll(owner)
    vote(poll, "yes", user=member)
    Block.objects.create(chapter=poll.meetup.chapter, user=member)
    close(poll, owner)
    assert Rsvp.objects.count() == 0


def test_closing_twice_is_closing_once(owner: User) -> None:
    poll = make_poll(owner)
    vote(poll, "yes", "yes")
    close(poll, owner, 0)
    meetup = Meetup.objects.get()
    close(poll, owner, 0)
    with pytest.raises(PollRefused, match="Wednesday 23 December 2026, 11:30 IST was chosen"):
        close(poll, owner, 1)
    with pytest.raises(PollRefused):
        polls.end_poll(poll=poll, actor=owner, at=NOW)
    after = Meetup.objects.get()
    assert (after.ical_sequence, after.starts_at) == (meetup.ical_sequence, make_dates(1)[0][0])
    assert AuditLog.objects.filter(act="close_poll").count() == 1


def test_a_date_that_is_over_or_gone_is_not_chosen(owner: User) -> None:
    poll = make_poll(owner)
    first = options_of(poll)[0]
    with pytest.raises(PollRefused, match="over"):
        polls.close_poll(poll=poll, actor=owner, option_pk=first.pk, status="confirmed", at=first.starts_at)
    polls.remove_option(poll=poll, actor=owner, option_pk=first.pk, at=NOW)
    with pytest.raises(PollRefused, match="no longer among"):
        polls.close_poll(poll=poll, actor=owner, option_pk=first.pk, status="confirmed", at=NOW)
    poll.refresh_from_db()
    assert (poll.closed_at, poll.meetup.status) == (None, "polling")


def test_a_date_is_not_chosen_for_a_meetup_that_is_off_or_settled_otherwise(owner: User) -> None:
    poll = make_poll(owner)
    vote(poll, "yes")
    cancel_meetup(meetup=poll.meetup, actor=owner, reason="", at=NOW)
    with pytest.raises(PollRefused, match="not put to the vote"):
        close(poll, owner)
    poll.refresh_from_db()
    assert (poll.closed_at, Meetup.objects.get().status, Rsvp.objects.count()) == (None, "cancelled", 0)


def test_it_ends_without_a_choice_and_is_taken_up_again(owner: User, member: User) -> None:
    poll = make_poll(owner)
    ballot = vote(poll, "yes", user=member)
    polls.end_poll(poll=poll, actor=owner, at=NOW)
    polls.end_poll(poll=poll, actor=owner, at=NOW)
    assert (Meetup.objects.get().status, Rsvp.objects.count()) == ("idea", 0)
    assert AuditLog.objects.filter(act="end_poll").count() == 1
    polls.reopen_poll(poll=poll, actor=owner, closes_at=None, at=NOW)
    assert Meetup.objects.get().status == "polling"
    assert said_by(vote(poll, "yes", "yes", user=member, at=NOW + HOUR)) == [
        ("yes", NOW),
        ("yes", NOW + HOUR),
    ]
    assert ballot.pk == DateBallot.objects.get().pk


def test_taking_it_up_again_opens_the_date_and_gives_calendars_new_entries(owner: User) -> None:
    poll = make_poll(owner)
    vote(poll, "yes")
    close(poll, owner)
    before = {option.pk: option.ical_uid for option in options_of(poll)}
    poll = polls.reopen_poll(poll=poll, actor=owner, closes_at=NOW + 2 * DAY, at=NOW)
    meetup = Meetup.objects.get()
    assert (meetup.status, meetup.starts_at, poll.chosen, poll.closed_at) == ("polling", None, None, None)
    assert all(before[option.pk] != option.ical_uid for option in options_of(poll))
    assert list(Rsvp.objects.values_list("status", flat=True)) == ["going"]
    close(poll, owner, 1)
    assert Meetup.objects.get().starts_at == make_dates(2)[1][0]


def test_only_the_newest_vote_is_taken_up_again(owner: User) -> None:
    first = make_poll(owner)
    polls.end_poll(poll=first, actor=owner, at=NOW)
    make_poll(owner, first.meetup)
    with pytest.raises(PollRefused, match="newer"):
        polls.reopen_poll(poll=first, actor=owner, closes_at=None, at=NOW)


def test_a_seat_that_was_given_back_after_the_vote_is_not_given_again(owner: User, member: User) -> None:
    poll = make_poll(owner)
    vote(poll, "yes", user=member, at=NOW)
    rsvp = Rsvp.objects.create(
        meetup=poll.meetup, user=member, status="declined", changed_at=NOW + HOUR, queued_at=NOW
    )
    close(poll, owner)
    rsvp.refresh_from_db()
    assert rsvp.status == "declined"


# ------------------------------------------------------------------------------------- results, own data


def test_the_best_date_has_the_most_yes_then_the_most_if_need_be(owner: User) -> None:
    poll = make_poll(owner)
    assert results(poll, at=NOW).best == []
    vote(poll, "yes", "yes", "no")
    assert [one.is_best for one in results(poll, at=NOW).tallies] == [True, True, False]
    vote(poll, "if_need_be", "no", "if_need_be")
    standing = results(poll, at=NOW)
    assert [one.is_best for one in standing.tallies] == [True, False, False]
    assert not standing.is_tied


def test_names_are_for_members_and_hidden_ones_for_organizers(owner: User, member: User) -> None:
    poll = make_poll(owner)
    vote(poll, "yes", user=member, hides_name=True)
    vote_by_mail(poll, "no")

    def names(reader: object, organizes: bool = False) -> list[str]:
        return [one.name for one in results(poll, at=NOW, names_for=reader, organizes=organizes).voters]

    assert names(None) == []
    assert names(make_user()) == ["Somebody", "Gita Guest"]
    assert names(owner, organizes=True) == ["Ravi Member (hidden from others)", "Gita Guest"]
    assert names(member)[0].startswith("Ravi Member (you")
    assert results(poll, at=NOW, names_for=owner).voters[1].words == ("No", "No answer", "No answer")


@pytest.mark.parametrize("number", [1, 3, 300])
def test_results_take_the_same_queries_for_any_number_of_voters(
    owner: User, number: int, django_assert_num_queries: object
) -> None:
    poll = make_poll(owner)
    ballots = DateBallot.objects.bulk_create(
        DateBallot(poll=poll, email=f"v{n}@example.org", name=f"Voter {n}", confirmed_at=NOW)
        for n in range(number)
    )
    DateVote.objects.bulk_create(
        DateVote(ballot=ballot, option=option, choice="yes", voted_at=NOW)
        for ballot in ballots
        for option in options_of(poll)
    )
    with django_assert_num_queries(4):  # type: ignore[operator]
        standing = results(poll, at=NOW, names_for=owner, organizes=True)
    assert (len(standing.voters), standing.tallies[2].yes) == (number, number)


def test_own_votes_are_handed_over_and_erased(owner: User, member: User) -> None:
    poll = make_poll(owner)
    vote(poll, "yes", user=member)
    vote_by_mail(poll, "no", email="keep@example.org")
    mine = export_events(member)["date_votes"]
    assert [(one["choice"], one["option__starts_at"]) for one in mine] == [("yes", make_dates(1)[0][0])]
    erase_events(member)
    assert list(DateBallot.objects.values_list("email", flat=True)) == ["keep@example.org"]


def test_an_address_of_the_member_is_handed_over_and_erased_too(owner: User, member: User) -> None:
    poll = make_poll(owner)
    vote_by_mail(poll, "no", email=member.email, confirm=False)
    assert [one["choice"] for one in export_events(member)["date_votes"]] == ["no"]
    erase_events(member)
    assert DateBallot.objects.count() == 0


def test_seats_of_voters_are_told_once_and_joining_is_possible_after(owner: User, member: User) -> None:
    poll = make_poll(owner)
    vote(poll, "no", user=member)
    close(poll, owner)
    rsvp = seats.join_meetup(meetup=poll.meetup, person=Person.of(member), at=NOW + DAY)
    assert rsvp.status == "going"


def test_a_vote_that_a_cancelled_meetup_left_open_comes_back_with_new_entries(owner: User) -> None:
    poll = make_poll(owner)
    before = {option.ical_uid for option in options_of(poll)}
    meetup = poll.meetup
    cancel_meetup(
        meetup=meetup, actor=owner, reason="Flood", at=NOW
    )  # calendars are told that the dates are off
    move_meetup(meetup=meetup, actor=owner, status="idea", at=NOW)
    polls.reopen_poll(poll=poll, actor=owner, closes_at=None, at=NOW)
    assert before.isdisjoint(option.ical_uid for option in options_of(poll))
