"""Seats against a model of a few lines, through any sequence of events."""

import datetime as dt
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from events.models import Meetup, Person, Rsvp
from events.services import seat_clock, seats
from events.tests.factories import NOW, make_dated_meetup
from portal.tests.factories import make_user

PEOPLE = 6
HOUR = dt.timedelta(hours=1)


@dataclass
class Party:
    """What the model knows of one person."""

    status: str = ""
    guests: int = 0
    expires: dt.datetime | None = None


class SeatsMachine(RuleBasedStateMachine):
    """Joins, leaves, changes of guests and of the limit, offers and time, in any order.

    The model is a list in the order of waiting; the real thing must agree with it after every step.
    """

    @initialize(
        capacity=st.integers(1, 5),
        waitlist=st.sampled_from(["auto", "offer"]),
        first=st.lists(st.integers(0, 2), min_size=PEOPLE - 1, max_size=PEOPLE - 1),
    )
    def begin(self, capacity: int, waitlist: str, first: list[int]) -> None:
        start = NOW + dt.timedelta(days=400)
        self.meetup = make_dated_meetup(
            start, capacity=capacity, waitlist=waitlist, guests_allowed=2, offer_hours=5
        )
        self.people = [make_user() for _ in range(PEOPLE)]
        self.now, self.capacity, self.waitlist = NOW, capacity, waitlist
        self.model = {user.pk: Party() for user in self.people}
        self.queue: list[int] = []
        for who, guests in enumerate(first):
            self._join(who, guests, "going")

    # Several rules for one thing: hypothesis leaves some rules out of every run.
    @rule(who=st.integers(0, PEOPLE - 1), guests=st.integers(0, 2))
    def come(self, who: int, guests: int) -> None:
        self._join(who, guests, "going")

    @rule(who=st.integers(0, PEOPLE - 1))
    def want_another_guest(self, who: int) -> None:
        self._join(who, self.model[self.people[who].pk].guests + 1, "going")

    @rule(who=st.integers(0, PEOPLE - 1), guests=st.integers(0, 2))
    def be_interested(self, who: int, guests: int) -> None:
        self._join(who, guests, "maybe")

    def _join(self, who: int, guests: int, wanted: str) -> None:
        user = self.people[who]
        party = self.model[user.pk]
        self._settle()
        refused = not self._ask(user.pk, party, guests, wanted)
        try:
            seats.join_meetup(
                meetup=self.meetup, person=Person.of(user), wanted=wanted, guests=guests, at=self.now
            )
        except seats.SeatsRefused:
            assert refused
            self._undo_nothing()
        else:
            assert not refused
        self._settle()

    def _ask(self, pk: int, party: Party, guests: int, wanted: str) -> bool:
        """Whether the model gives it."""
        had = party.guests if party.status in ("going", "offered", "waitlisted", "maybe") else 0
        if guests > max(2, had) or 1 + guests > max(self.capacity, 1 + had):
            return False
        if wanted == "maybe":
            self._leave_queue(pk)
            party.status, party.expires = "maybe", None
        elif party.status in ("going", "offered"):
            if guests - party.guests > max(0, self._free()) and guests > party.guests:
                return False
            party.status, party.expires = "going", None
        elif party.status == "waitlisted":
            if guests > party.guests:
                self._leave_queue(pk)
                self.queue.append(pk)
        elif 1 + guests <= self._free():
            party.status = "going"
        else:
            party.status = "waitlisted"
            self.queue.append(pk)
        party.guests = guests
        return True

    @rule(who=st.integers(0, PEOPLE - 1))
    def leave(self, who: int) -> None:
        pk = self.people[who].pk
        row = Rsvp.objects.filter(user=pk).first()
        if row:
            seats.leave_meetup(rsvp=row, at=self.now)
            self._leave_queue(pk)
            self.model[pk] = Party("declined")
            self._settle()

    @rule(capacity=st.integers(0, 6))
    def change_the_limit(self, capacity: int) -> None:
        Meetup.objects.update(capacity=capacity)
        self.capacity = capacity
        seats.settle_seats(meetup=self.meetup, at=self.now)
        self._settle()

    @rule(hours=st.integers(1, 6))
    def time_passes(self, hours: int) -> None:
        self.now += hours * HOUR
        seat_clock.expire_offers(at=self.now)
        self._settle()

    def _undo_nothing(self) -> None:
        """A refusal leaves everything as it was, what became due in the meantime included; beat comes for that."""
        seat_clock.expire_offers(at=self.now)

    def _leave_queue(self, pk: int) -> None:
        self.queue = [one for one in self.queue if one != pk]

    def _free(self) -> int:
        holding = [party for party in self.model.values() if party.status in ("going", "offered")]
        return self.capacity - sum(1 + party.guests for party in holding)

    def _settle(self) -> None:
        for party in self.model.values():
            if party.expires and party.expires <= self.now:
                party.status, party.expires = "maybe", None
        for pk in list(self.queue):
            party = self.model[pk]
            if 1 + party.guests <= self._free():
                self._leave_queue(pk)
                party.status = "offered" if self.waitlist == "offer" else "going"
                party.expires = self.now + 5 * HOUR if self.waitlist == "offer" else None

    @invariant()
    def rows_are_those_of_the_model(self) -> None:
        rows = {
            row.user_id: Party(row.status, row.guests, row.offer_expires_at)
            for row in Rsvp.objects.filter(meetup=self.meetup)
        }
        assert len(rows) == self.meetup.rsvps.count()  # one row for each person
        assert rows == {pk: party for pk, party in self.model.items() if party.status}

    @invariant()
    def the_queue_is_in_order(self) -> None:
        assert [row.user_id for row in self.meetup.rsvps.waiting()] == self.queue


@pytest.mark.django_db
def test_seats_are_those_of_the_model_after_any_sequence_of_events() -> None:
    run_state_machine_as_test(
        SeatsMachine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
