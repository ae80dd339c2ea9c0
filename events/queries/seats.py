"""What the sign-up box of a meetup's page reads, and the page on which one signs up."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from events import seat_words
from events.models import Meetup, Question, Rsvp
from events.queries.people import rows_of
from portal.accounts.models import User

Status = Rsvp.Status
#: Names that the page shows; the rest is a number.
NAMES = 60


@dataclass(frozen=True)
class Need:
    """Something that a meetup needs, and how many of those who come have it: “31 of 40 have …”."""

    words: str
    have: int


@dataclass(frozen=True)
class SeatsBox:
    """Sign-ups of one meetup as one reader may see them.

    ``taken`` are seats, guests and offers included; ``going`` are people. ``left`` and ``capacity`` are None
    without a limit. ``refusal`` says why nobody can sign up now. ``names`` and ``own`` are for members; others are
    counted. ``place`` is the reader's own in the queue, the first 1.
    """

    taken: int
    capacity: int | None
    left: int | None
    going: int
    waiting: int
    maybe: int
    refusal: str
    gives_seats: bool
    asks_more: bool
    needs: list[Need]
    own: Rsvp | None
    place: int
    can_accept: bool
    asks_again: bool
    names: list[str]
    unnamed: int

    @property
    def is_full(self) -> bool:
        """Whether a newcomer would wait, or be refused."""
        return self.left is not None and self.left <= 0


def seat_counts() -> dict[str, Any]:
    """Annotations of a meetup: seats taken, people going, waiting and maybe, and whether it asks questions."""
    seats = Count("pk") + Coalesce(Sum("guests"), 0)
    return {
        "seats_taken": _count(Q(status__in=Rsvp.HOLDING), seats),
        "people_going": _count(Q(status=Status.GOING)),
        "people_waiting": _count(Q(status=Status.WAITLISTED)),
        "people_maybe": _count(Q(status=Status.MAYBE)),
        "asks_questions": Exists(Question.objects.filter(meetup=OuterRef("pk"))),
    }


def _count(which: Q, number: Any = None) -> Coalesce:
    rows = Rsvp.objects.filter(which, meetup=OuterRef("pk")).order_by().values("meetup")
    counted = rows.annotate(number=Count("pk") if number is None else number).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def counted_needs(meetup: Meetup) -> QuerySet[Question]:
    """The meetup's needs, with ``have``: of those who come, how many said yes."""
    yes = Q(answers__text="yes", answers__rsvp__status=Status.GOING)
    return (
        Question.objects.filter(meetup=meetup)
        .exclude(counted_as="")
        .annotate(have=Count("answers", filter=yes))
    )


def seats_box(meetup: Any, user: object, *, needs: list[Need], at: dt.datetime) -> SeatsBox:
    """The box of ``meetup``, which carries :func:`seat_counts`. A visitor's costs no query."""
    own = own_rsvp(meetup, user) if isinstance(user, User) else None
    names = _names(meetup, user) if isinstance(user, User) else []
    place = getattr(own, "before", 0) + 1
    capacity, taken = meetup.capacity, meetup.seats_taken
    asked = own is not None and own.status == Status.GOING and own.reconfirm_asked_for == meetup.starts_at
    return SeatsBox(
        taken=taken,
        capacity=capacity,
        left=None if capacity is None else max(0, capacity - taken),
        going=meetup.people_going,
        waiting=meetup.people_waiting,
        maybe=meetup.people_maybe,
        refusal=seat_words.refusal_to_sign_up(meetup, at),
        gives_seats=seat_words.gives_seats(meetup),
        asks_more=meetup.asks_questions or meetup.guests_allowed > 0,
        needs=needs,
        own=own,
        place=place,
        can_accept=own is not None and own.is_offer_open(at),
        asks_again=bool(asked and own and own.reconfirmed_for != meetup.starts_at),
        names=names,
        unnamed=max(0, meetup.people_going - len(names)),
    )


def own_rsvp(meetup: Meetup, user: User) -> Rsvp | None:
    """The reader's sign-up, also one made with a verified address of theirs; with ``before``, who waits before."""
    earlier = Q(queued_at__lt=OuterRef("queued_at")) | Q(
        queued_at=OuterRef("queued_at"), pk__lt=OuterRef("pk")
    )
    before = Rsvp.objects.filter(earlier, meetup=OuterRef("meetup"), status=Status.WAITLISTED)
    rows = Rsvp.objects.filter(rows_of(user), meetup=meetup).exclude(status=Status.UNCONFIRMED)
    counted = before.order_by().values("meetup").annotate(number=Count("pk")).values("number")
    found = rows.annotate(before=Coalesce(Subquery(counted, output_field=IntegerField()), 0))
    row: Rsvp | None = found.order_by(F("user").asc(nulls_last=True), "pk").first()
    return row


def _names(meetup: Meetup, user: User) -> list[str]:
    """Who comes, in the order of signing up, as ``user`` may read it."""
    going = meetup.rsvps.filter(status=Status.GOING).select_related("user").order_by("queued_at", "pk")
    seen = going.filter(Q(hides_name=False) | Q(user=user))
    return [rsvp.name_for(user) for rsvp in seen[:NAMES]]
