"""What frees seats, and who gets them: each path of docs/decisions/0060-seats.md."""

import datetime as dt
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import PermissionDenied

from events.models import AuditLog, Block, DateBallot, DatePoll, Meetup, Person, Question, Rsvp
from events.services import links, seat_clock, seats
from events.services.seats import SeatsRefused
from events.tests.factories import NOW, make_dated_meetup, make_meetup, make_organizer
from events.tests.test_seats import DAY, HOUR, START, a_meetup, by_mail, join, mails, state
from portal.accounts import services as accounts
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db


def _erased(rsvp: Rsvp) -> None:
    assert rsvp.user is not None
    accounts.erase_member(user=rsvp.user)


def _removed(rsvp: Rsvp) -> None:
    organizer = make_user()
    make_organizer(rsvp.meetup.chapter, user=organizer)
    seats.remove_attendee(rsvp=rsvp, actor=organizer, at=NOW)


def _raised(rsvp: Rsvp) -> None:
    Meetup.objects.update(capacity=3)
    seats.settle_seats(meetup=rsvp.meetup, at=NOW)


def _lifted(rsvp: Rsvp) -> None:
    Meetup.objects.update(capacity=None)
    seats.settle_seats(meetup=rsvp.meetup, at=NOW)


def _silent(rsvp: Rsvp) -> None:
    Meetup.objects.update(asks_reconfirmation=True)
    others = Rsvp.objects.exclude(pk=rsvp.pk)
    seat_clock.ask_reconfirmations(at=START - 2 * DAY)
    others.update(reconfirmed_for=START)
    assert seat_clock.release_unconfirmed(at=START - DAY) == 1


def _merged(rsvp: Rsvp) -> None:
    """The one who holds a second seat by an address of theirs takes it over."""
    assert rsvp.user is not None
    other = Rsvp.objects.filter(status="going").exclude(pk=rsvp.pk).get()
    Rsvp.objects.filter(pk=other.pk).update(user=None, email="second@example.org")
    EmailAddress.objects.create(user=rsvp.user, email="second@example.org", verified=True)
    join(rsvp.meetup, rsvp.user)


FREEING: list[Callable[[Rsvp], object]] = [
    lambda rsvp: seats.leave_meetup(rsvp=rsvp, at=NOW),
    lambda rsvp: seats.change_rsvp(rsvp=rsvp, wanted="maybe", at=NOW),
    lambda rsvp: join(rsvp.meetup, rsvp.user, wanted="maybe"),
    lambda rsvp: join(rsvp.meetup, rsvp.user, wanted="declined"),
    _removed,
    _raised,
    _lifted,
    _erased,
    _silent,
    _merged,
]


@pytest.mark.parametrize("free", FREEING)
def test_whatever_frees_a_seat_gives_it_to_the_first_who_waits_once(free: Callable[[Rsvp], object]) -> None:
    meetup = a_meetup(2)
    holder, _ = join(meetup), join(meetup)
    first, second = join(meetup), join(meetup)
    free(holder)
    expected = "going" if free is _lifted else "waitlisted"
    assert state(first, second) == ["going", expected]
    assert mails("promoted").count(first.address) == 1
    assert mails("promoted").count(second.address) == (expected == "going")


def test_fewer_guests_free_their_seats() -> None:
    meetup = a_meetup(3, guests_allowed=2)
    holder = join(meetup, guests=2)
    first, second, third = join(meetup), join(meetup), join(meetup)
    seats.change_rsvp(rsvp=holder, guests=0, at=NOW)
    assert state(first, second, third) == ["going", "going", "waitlisted"]


def test_the_first_who_fits_is_promoted_and_whoever_is_passed_over_keeps_the_place() -> None:
    meetup = a_meetup(3, guests_allowed=2)
    leaving, _, _ = join(meetup), join(meetup), join(meetup)
    large, small = join(meetup, guests=1), join(meetup)
    seats.leave_meetup(rsvp=leaving, at=NOW)
    assert state(large, small) == ["waitlisted", "going"]
    newcomer = join(meetup)
    assert list(meetup.rsvps.waiting()) == [large, newcomer]
    seats.leave_meetup(rsvp=small, at=NOW)
    assert state(large, newcomer) == ["waitlisted", "going"]
    Meetup.objects.update(capacity=5)
    seats.settle_seats(meetup=meetup, at=NOW)
    assert state(large) == ["going"]


def test_nobody_new_goes_before_those_who_wait_beside_a_free_seat() -> None:
    meetup = a_meetup(1)
    join(meetup)
    waiting = join(meetup)
    Meetup.objects.update(capacity=2)  # somebody forgot to tell the queue
    newcomer = join(meetup)
    assert state(waiting, newcomer) == ["going", "waitlisted"]


def test_a_later_request_that_came_first_keeps_its_place() -> None:
    meetup = a_meetup(1)
    join(meetup)
    first, slow = join(meetup, at=NOW + HOUR), join(meetup, at=NOW)
    assert list(meetup.rsvps.waiting()) == [first, slow]


def test_lowering_the_limit_throws_nobody_out_and_promotes_nobody() -> None:
    meetup = a_meetup(3)
    going = [join(meetup) for _ in range(3)]
    waiting = join(meetup)
    Meetup.objects.update(capacity=1)
    assert seats.settle_seats(meetup=meetup, at=NOW) == []
    seats.leave_meetup(rsvp=going[0], at=NOW)
    assert state(*going, waiting) == ["declined", "going", "going", "waitlisted"]
    seats.leave_meetup(rsvp=going[1], at=NOW)
    assert state(waiting) == ["waitlisted"]
    seats.leave_meetup(rsvp=going[2], at=NOW)
    assert state(waiting) == ["going"]


@pytest.mark.parametrize(
    "fields", [{"status": "cancelled"}, {"starts_at": NOW - HOUR, "ends_at": NOW + HOUR}]
)
def test_the_queue_stands_still_once_the_meetup_is_cancelled_or_has_begun(fields: dict[str, object]) -> None:
    meetup = a_meetup(1)
    holder, waiting = join(meetup), join(meetup)
    Meetup.objects.update(**fields)
    assert seats.leave_meetup(rsvp=holder, at=NOW).status == "declined"
    assert state(waiting) == ["waitlisted"]


def test_the_queue_moves_after_sign_up_has_closed() -> None:
    meetup = a_meetup(1)
    holder, waiting = join(meetup), join(meetup)
    Meetup.objects.update(registration_closes_at=NOW)
    seats.leave_meetup(rsvp=holder, at=NOW + HOUR)
    assert state(waiting) == ["going"]


def test_blocked_people_are_passed_over() -> None:
    meetup = a_meetup(1)
    holder, blocked, next_one = join(meetup), join(meetup), join(meetup)
    Block.objects.create(chapter=meetup.chapter, user=blocked.user)
    Block.objects.create(chapter=meetup.chapter, email="other@example.org")
    seats.leave_meetup(rsvp=holder, at=NOW)
    assert state(blocked, next_one) == ["waitlisted", "going"]


def test_leaving_twice_is_leaving_once_and_after_the_end_it_is_too_late() -> None:
    meetup = a_meetup(1)
    rsvp = join(meetup)
    seats.leave_meetup(rsvp=rsvp, at=NOW)
    seats.leave_meetup(rsvp=rsvp, at=NOW + HOUR)
    assert mails("left") == [rsvp.address]
    other = join(meetup)
    with pytest.raises(SeatsRefused, match="is over"):
        seats.leave_meetup(rsvp=other, at=START + DAY)
    assert state(other) == ["going"]


def test_leaving_and_coming_back_is_at_the_end_of_the_queue() -> None:
    meetup = a_meetup(1)
    join(meetup)
    first, second = join(meetup), join(meetup)
    seats.leave_meetup(rsvp=first, at=NOW)
    join(meetup, first.user, at=NOW + HOUR)
    assert list(meetup.rsvps.waiting()) == [second, first]


def test_only_organizers_take_somebody_off_the_list_and_the_log_knows() -> None:
    meetup = a_meetup(1)
    rsvp, organizer = join(meetup), make_user()
    with pytest.raises(PermissionDenied):
        seats.remove_attendee(rsvp=rsvp, actor=organizer, at=NOW)
    make_organizer(meetup.chapter, user=organizer)
    for _ in range(2):
        seats.remove_attendee(rsvp=rsvp, actor=organizer, at=NOW)
    assert state(rsvp) == ["declined"]
    act = AuditLog.objects.get(act="remove_attendee")
    assert (act.actor, act.detail) == (organizer, {"rsvp": rsvp.pk, "was": "going"})


# ------------------------------------------------------------------------------------------- offers


def offered(capacity: int = 1, **fields: object) -> tuple[Meetup, Rsvp, Rsvp]:
    """A full meetup by offers, of which one has left: who has the offer, and who is next."""
    meetup = a_meetup(capacity, waitlist="offer", offer_hours=24, **fields)
    holders = [join(meetup) for _ in range(capacity)]
    first, second = join(meetup), join(meetup)
    seats.leave_meetup(rsvp=holders[0], at=NOW)
    return meetup, first, second


def test_an_offer_holds_the_seat_until_it_is_taken() -> None:
    meetup, first, second = offered()
    first.refresh_from_db()
    assert (first.status, first.offer_expires_at) == ("offered", NOW + DAY)
    assert state(join(meetup), second) == ["waitlisted", "waitlisted"]
    assert mails("offered") == [first.address]
    for _ in range(2):
        assert seats.accept_offer(rsvp=first, at=NOW + HOUR).status == "going"
    assert Rsvp.objects.get(pk=first.pk).offer_expires_at is None
    assert state(second) == ["waitlisted"]


def test_saying_that_one_comes_takes_the_offer() -> None:
    meetup, first, _ = offered()
    assert join(meetup, first.user, at=NOW + HOUR).status == "going"


def test_an_offer_that_is_refused_goes_to_the_next() -> None:
    _, first, second = offered()
    seats.leave_meetup(rsvp=first, at=NOW + HOUR)
    assert state(first, second) == ["declined", "offered"]


def test_an_offer_that_runs_out_goes_to_the_next_and_its_owner_leaves_the_queue() -> None:
    _, first, second = offered()
    assert seat_clock.expire_offers(at=NOW + DAY - dt.timedelta(seconds=1)) == 0
    assert state(first, second) == ["offered", "waitlisted"]
    assert seat_clock.expire_offers(at=NOW + DAY) == 1
    assert state(first, second) == ["maybe", "offered"]
    assert seat_clock.expire_offers(at=NOW + DAY) == 0


def test_an_offer_cannot_be_taken_late_even_before_beat_has_come() -> None:
    meetup, first, second = offered()
    with pytest.raises(SeatsRefused, match="time to take this seat is over"):
        seats.accept_offer(rsvp=first, at=NOW + DAY)
    assert state(first) == ["offered"]
    assert join(meetup, at=NOW + DAY).status == "waitlisted"
    assert state(first, second) == ["maybe", "offered"]


def test_no_offer_lasts_beyond_the_start() -> None:
    meetup = a_meetup(1, waitlist="offer", offer_hours=48)
    holder, first = join(meetup), join(meetup)
    seats.leave_meetup(rsvp=holder, at=START - HOUR)
    first.refresh_from_db()
    assert first.offer_expires_at == START


def test_changing_an_offer_keeps_it_an_offer() -> None:
    _, first, _ = offered(2, guests_allowed=1)
    changed = seats.change_rsvp(rsvp=first, hides_name=True, at=NOW + HOUR)
    assert (changed.status, changed.offer_expires_at) == ("offered", NOW + DAY)
    with pytest.raises(SeatsRefused, match="no seat left"):
        seats.change_rsvp(rsvp=first, guests=1, at=NOW + HOUR)


def test_beat_gives_out_what_lies_free_for_whatever_reason() -> None:
    meetup = a_meetup(1)
    join(meetup)
    waiting = join(meetup)
    Meetup.objects.update(capacity=2)
    assert seat_clock.expire_offers(at=NOW) == 1
    assert state(waiting) == ["going"]


# ------------------------------------------------------------------------------- e-mail sign-ups


def test_an_address_holds_no_seat_until_it_is_confirmed_and_then_its_turn_is_now() -> None:
    meetup = a_meetup(1)
    rsvp = by_mail(meetup)
    member = join(meetup)
    assert state(rsvp, member) == ["unconfirmed", "going"]
    for _ in range(2):
        assert seats.confirm_rsvp(rsvp=rsvp, at=NOW + HOUR).status == "waitlisted"
    assert mails() == ["a@example.org", member.address, "a@example.org"]


def test_interest_by_mail_is_confirmed_as_interest() -> None:
    rsvp = by_mail(a_meetup(), wanted="maybe")
    assert seats.confirm_rsvp(rsvp=rsvp, at=NOW).status == "maybe"


def test_a_double_click_sends_one_mail_and_a_lost_mail_another() -> None:
    meetup = a_meetup()
    for at in (NOW, NOW + dt.timedelta(seconds=1), NOW + HOUR):
        by_mail(meetup, at=at)
    assert (Rsvp.objects.count(), len(mails())) == (1, 2)
    by_mail(meetup, at=NOW + 2 * HOUR, wanted="maybe")
    assert (Rsvp.objects.get().wanted, len(mails())) == ("maybe", 3)


def test_a_sign_up_that_counts_is_not_changed_by_whoever_types_the_address() -> None:
    meetup = a_meetup(5, guests_allowed=3)
    rsvp = seats.confirm_rsvp(rsvp=by_mail(meetup), at=NOW)
    by_mail(meetup, "A@example.org", guests=3, name="Mallory", at=NOW + HOUR)
    rsvp.refresh_from_db()
    assert (rsvp.status, rsvp.guests, rsvp.name) == ("going", 0, "Asha")
    member = join(meetup)
    by_mail(meetup, member.address, wanted="maybe", at=NOW + HOUR)
    assert (Rsvp.objects.count(), state(member)) == (2, ["going"])


def test_unconfirmed_sign_ups_are_forgotten_when_the_link_is() -> None:
    rsvp = by_mail(a_meetup())
    assert seat_clock.forget_unconfirmed(at=NOW + links.CONFIRM_WITHIN - HOUR) == 0
    assert seat_clock.forget_unconfirmed(at=NOW + links.CONFIRM_WITHIN) == 1
    with pytest.raises(SeatsRefused, match="no longer there"):
        seats.confirm_rsvp(rsvp=rsvp, at=NOW)


def test_confirming_is_possible_after_sign_up_closed_but_not_after_the_start() -> None:
    meetup = a_meetup(5)
    early, late = by_mail(meetup, "a@example.org"), by_mail(meetup, "b@example.org")
    Meetup.objects.update(registration_closes_at=NOW + HOUR)
    assert seats.confirm_rsvp(rsvp=early, at=NOW + 2 * HOUR).status == "going"
    with pytest.raises(SeatsRefused, match="has begun"):
        seats.confirm_rsvp(rsvp=late, at=START)


def test_member_takes_over_what_their_address_signed_up() -> None:
    meetup = a_meetup(2, guests_allowed=1)
    rsvp = seats.confirm_rsvp(rsvp=by_mail(meetup, "asha@example.org", guests=1), at=NOW)
    user = make_user("asha@example.org")
    mine = join(meetup, user, guests=1)
    assert (mine.pk, mine.user, mine.email, mine.status, mine.guests) == (rsvp.pk, user, "", "going", 1)
    assert mails("going") == ["asha@example.org"]


def test_an_unverified_address_takes_over_nothing() -> None:
    meetup = a_meetup(5)
    rsvp = seats.confirm_rsvp(rsvp=by_mail(meetup, "asha@example.org"), at=NOW)
    thief = make_user()
    EmailAddress.objects.create(user=thief, email="asha@example.org", verified=False)
    assert join(meetup, thief).pk != rsvp.pk


def test_confirming_with_a_members_address_makes_it_the_members_row() -> None:
    meetup = a_meetup(5)
    user = make_user("asha@example.org")
    rsvp = by_mail(meetup, "asha@example.org")
    confirmed = seats.confirm_rsvp(rsvp=rsvp, at=NOW)
    assert (confirmed.user, confirmed.status, Rsvp.objects.count()) == (user, "going", 1)
    again = by_mail(meetup, "asha@example.org", at=NOW + DAY)
    assert (again.pk, Rsvp.objects.count()) == (confirmed.pk, 1)


def test_member_who_declined_confirms_by_mail_into_the_one_row() -> None:
    meetup = a_meetup(5)
    user = make_user("asha@example.org")
    seats.leave_meetup(rsvp=join(meetup, user), at=NOW)
    rsvp = by_mail(meetup, "asha@example.org", at=NOW + HOUR)
    assert seats.confirm_rsvp(rsvp=rsvp, at=NOW + HOUR).status == "going"
    assert Rsvp.objects.get().user == user


def test_an_unconfirmed_sign_up_cannot_be_changed_past_the_mail() -> None:
    rsvp = by_mail(a_meetup())
    with pytest.raises(SeatsRefused, match="confirm your e-mail address"):
        seats.change_rsvp(rsvp=rsvp, wanted="going", at=NOW)
    for act in (seats.accept_offer, seats.reconfirm_rsvp):
        with pytest.raises(SeatsRefused):
            act(rsvp=rsvp, at=NOW)
    assert state(rsvp) == ["unconfirmed"]


# -------------------------------------------------------------------------------------- questions


def test_answers_are_required_of_whoever_comes_and_must_be_among_the_choices() -> None:
    meetup = a_meetup(5)
    line = Question.objects.create(meetup=meetup, text="Which hypervisor?", is_required=True)
    pick = Question.objects.create(meetup=meetup, text="T-shirt", kind="choice", choices=["S", "M"])
    with pytest.raises(SeatsRefused, match="Please answer: Which hypervisor"):
        join(meetup)
    with pytest.raises(SeatsRefused, match="one of the answers to: T-shirt"):
        join(meetup, answers={line.pk: "KVM", pick.pk: "XXL"})
    rsvp = join(meetup, answers={line.pk: " KVM ", pick.pk: "M", 999: "nothing"})
    assert list(rsvp.answers.order_by("pk").values_list("text", flat=True)) == ["KVM", "M"]
    seats.change_rsvp(rsvp=rsvp, answers={pick.pk: ""}, at=NOW)
    assert list(rsvp.answers.values_list("text", flat=True)) == ["KVM"]
    assert join(meetup, wanted="maybe").status == "maybe"


# ------------------------------------------------------------------------------------------ votes


def test_voters_get_seats_in_the_order_of_their_votes() -> None:
    meetup = a_meetup(2)
    people = [Person.of(make_user()) for _ in range(3)] + [Person(email="v@example.org", name="Vera")]
    votes = [(person, NOW - (9 - number) * HOUR) for number, person in enumerate(people)]
    seated = seats.seat_voters(meetup=meetup, votes=votes, at=NOW)
    assert [rsvp.status for rsvp in seated] == ["going", "going", "waitlisted", "waitlisted"]
    assert [rsvp.person.key for rsvp in meetup.rsvps.waiting()] == [person.key for person in people[2:]]
    assert mails() == []
    assert [rsvp.pk for rsvp in seats.seat_voters(meetup=meetup, votes=votes, at=NOW)] == [
        r.pk for r in seated
    ]


def test_voters_who_signed_up_declined_or_are_blocked() -> None:
    meetup = a_meetup(5)
    going, gone, blocked, interested = (make_user() for _ in range(4))
    join(meetup, going)
    seats.leave_meetup(rsvp=join(meetup, gone), at=NOW)
    join(meetup, interested, wanted="maybe")
    Block.objects.create(chapter=meetup.chapter, user=blocked)
    users = (going, gone, blocked, interested)
    votes = [(Person.of(user), NOW - HOUR) for user in users]
    seated = seats.seat_voters(meetup=meetup, votes=votes, at=NOW)
    assert [rsvp.user for rsvp in seated] == [going, interested]
    back = seats.seat_voters(meetup=meetup, votes=[(Person.of(gone), NOW + HOUR)], at=NOW + HOUR)
    assert [rsvp.status for rsvp in back] == ["going"]


def test_voters_beyond_the_seats_are_interested_where_nobody_can_wait() -> None:
    meetup = a_meetup(1, waitlist="off")
    votes = [(Person.of(make_user()), NOW) for _ in range(2)]
    assert [r.status for r in seats.seat_voters(meetup=meetup, votes=votes, at=NOW)] == ["going", "maybe"]


def test_a_vote_with_a_hidden_name_is_a_seat_with_a_hidden_name() -> None:
    meetup, user = a_meetup(5), make_user()
    poll = DatePoll.objects.create(meetup=meetup)
    DateBallot.objects.create(poll=poll, user=user, hides_name=True)
    DateBallot.objects.create(poll=poll, email="v@example.org", hides_name=True)
    votes = [(Person.of(user), NOW), (Person(email="v@example.org"), NOW), (Person.of(make_user()), NOW)]
    seats.seat_voters(meetup=meetup, votes=votes, at=NOW)
    assert list(Rsvp.objects.order_by("pk").values_list("hides_name", flat=True)) == [True, True, False]


# ---------------------------------------------------------------------------------- reconfirmation


def asking(**fields: object) -> tuple[Meetup, Rsvp, Rsvp]:
    """A meetup that asks again, full, with one who waits."""
    meetup = a_meetup(1, asks_reconfirmation=True, **fields)
    return meetup, join(meetup), join(meetup)


def test_everybody_who_goes_is_asked_once_48_hours_before() -> None:
    _, going, _ = asking()
    assert seat_clock.ask_reconfirmations(at=START - 2 * DAY - HOUR) == 0
    assert seat_clock.ask_reconfirmations(at=START - 2 * DAY) == 1
    assert seat_clock.ask_reconfirmations(at=START - DAY) == 0
    assert mails("reconfirm") == [going.address]


def test_whoever_answers_keeps_the_seat() -> None:
    _, going, waiting = asking()
    seat_clock.ask_reconfirmations(at=START - 2 * DAY)
    seats.reconfirm_rsvp(rsvp=going, at=START - 2 * DAY + HOUR)
    assert seat_clock.release_unconfirmed(at=START - DAY) == 0
    assert state(going, waiting) == ["going", "waitlisted"]


def test_whoever_does_not_answer_in_time_is_only_interested() -> None:
    _, going, waiting = asking()
    seat_clock.ask_reconfirmations(at=START - 2 * DAY)
    assert seat_clock.release_unconfirmed(at=START - DAY - HOUR) == 0
    assert seat_clock.release_unconfirmed(at=START - DAY) == 1
    assert state(going, waiting) == ["maybe", "going"]
    assert mails("released") == [going.address]
    assert seats.reconfirm_rsvp(rsvp=going, at=START - HOUR).status == "waitlisted"


def test_nobody_loses_a_seat_less_than_twelve_hours_after_being_asked() -> None:
    _, going, _ = asking()
    seat_clock.ask_reconfirmations(at=START - 20 * HOUR)
    assert seat_clock.release_unconfirmed(at=START - 9 * HOUR) == 0
    assert seat_clock.release_unconfirmed(at=START - 8 * HOUR) == 1
    assert state(going) == ["maybe"]


def test_whoever_signs_up_late_is_not_asked_and_a_moved_meetup_asks_again() -> None:
    meetup = a_meetup(5, asks_reconfirmation=True)
    late = join(meetup, at=START - DAY)
    assert seat_clock.ask_reconfirmations(at=START - HOUR) == 0
    Meetup.objects.update(starts_at=START + 10 * DAY, ends_at=START + 11 * DAY)
    assert seat_clock.ask_reconfirmations(at=START + 9 * DAY) == 1
    assert mails("reconfirm") == [late.address]


def test_nobody_is_asked_where_the_organizer_does_not_want_it_or_it_is_off() -> None:
    for fields in ({}, {"asks_reconfirmation": True, "status": "cancelled"}):
        meetup = a_meetup(5)
        join(meetup)
        Meetup.objects.filter(pk=meetup.pk).update(**fields)
    assert seat_clock.ask_reconfirmations(at=START - DAY) == 0


# ------------------------------------------------------------------------------------ the account


def test_erasing_takes_the_sign_ups_of_the_members_addresses_too_and_leaves_others() -> None:
    meetup, past = a_meetup(1), make_dated_meetup(NOW - 10 * DAY)
    other = join(make_meetup(status="idea"), wanted="maybe")
    rsvp = seats.confirm_rsvp(rsvp=by_mail(meetup, "asha@example.org"), at=NOW)
    waiting = join(meetup)
    user: User = make_user("asha@example.org")
    Rsvp.objects.create(meetup=past, user=user, status="going")
    accounts.erase_member(user=user)
    assert not Rsvp.objects.filter(pk=rsvp.pk).exists()
    assert set(Rsvp.objects.all()) == {waiting, other}
    assert state(waiting) == ["going"]


def test_what_was_asked_by_mail_is_not_lost_when_it_joins_the_members_own_row() -> None:
    meetup = a_meetup()
    question = Question.objects.create(meetup=meetup, text="Food?")
    member = make_user()
    own = seats.leave_meetup(rsvp=join(meetup, member), at=NOW)
    asked = by_mail(meetup, "second@example.org", hides_name=True, answers={question.pk: "Vegan"})
    EmailAddress.objects.create(user=member, email="second@example.org", verified=True)
    seats.confirm_rsvp(rsvp=asked, at=NOW)
    own.refresh_from_db()
    assert (own.status, own.hides_name) == ("going", True)  # the list of who comes would have named them
    assert own.answers.get().text == "Vegan"


def test_whoever_was_blocked_meanwhile_takes_no_seat_by_an_old_link() -> None:
    meetup, first, _ = offered(2)
    maybe = join(meetup, wanted="maybe")
    Meetup.objects.update(capacity=None)
    for row in (first, maybe):
        Block.objects.create(chapter=meetup.chapter, user=row.user)
    for act, row in ((seats.accept_offer, first), (seats.reconfirm_rsvp, maybe)):
        with pytest.raises(SeatsRefused, match="blocked"):
            act(rsvp=row, at=NOW + HOUR)
    assert state(first, maybe) == ["offered", "maybe"]
