"""When a seat cannot be had, in words for the person who asks."""

import datetime as dt
from collections.abc import Iterable, Mapping

from django.db.models import Q

from events.models import Meetup, Person, Question, Rsvp
from events.queries.care import is_blocked, rows_of_blocked
from events.seat_words import gives_seats, refusal_of_state, refusal_to_sign_up
from events.seat_words import moves_waitlist as moves_waitlist
from events.seat_words import starts_at as starts_at

#: Answers by the question's primary key; ``yes`` or ``no``, a choice, or a line of text.
Answers = Mapping[int, str]
NO_ANSWERS: Answers = {}


class SeatsRefused(Exception):
    """What somebody asked for cannot be; the message is a sentence for them."""


def refuse_sign_up(meetup: Meetup, at: dt.datetime) -> None:
    """Raise unless people can sign up at ``at``."""
    if refusal := refusal_to_sign_up(meetup, at):
        raise SeatsRefused(refusal)


def refuse_state(meetup: Meetup, at: dt.datetime) -> None:
    """Raise where nobody can come, whenever they signed up."""
    if refusal := refusal_of_state(meetup, at):
        raise SeatsRefused(refusal)


def refuse_blocked(meetup: Meetup, person: Person) -> None:
    """Raise if the chapter's organizers have blocked ``person``, as a member or by one of their addresses."""
    if is_blocked(person, meetup.chapter):
        raise SeatsRefused(
            f"The organizers in {meetup.chapter.city} have blocked you from signing up to their meetups."
        )


def blocked(meetup: Meetup) -> Q:
    """Sign-ups of people whom the chapter has blocked."""
    return rows_of_blocked(meetup.chapter_id)


def refuse_guests(meetup: Meetup, guests: int, *, kept: int = 0) -> None:
    """Raise if ``guests`` are more than the meetup allows; ``kept`` were agreed to before it allowed fewer."""
    if guests < 0:
        raise SeatsRefused("The number of guests cannot be below zero.")
    allowed = meetup.guests_allowed
    if guests > max(allowed, kept):
        if allowed == 0:
            raise SeatsRefused("Guests are not possible at this meetup: everybody signs up for themselves.")
        raise SeatsRefused(f"You can bring at most {allowed} guest{'s' if allowed != 1 else ''}.")
    if meetup.capacity is not None and 1 + guests > max(meetup.capacity, 1 + kept):
        raise SeatsRefused(
            f"The meetup has {_seats(meetup.capacity)}; you and your guests would need {1 + guests}."
        )


def refuse_interest_only(meetup: Meetup) -> None:
    """Raise while no seats are given out."""
    if not gives_seats(meetup):
        raise SeatsRefused(
            "The date is still open, so there are no seats yet. Say that you are interested, and you hear of it."
        )


def refusal_of_party(free: int, guests: int) -> str:
    """Why a party does not fit where nobody can wait."""
    if free <= 0:
        return "This meetup is full, and it has no waitlist."
    return f"There {'is' if free == 1 else 'are'} only {_seats(free)} left; you and your guests need {1 + guests}."


def refusal_of_more_guests(free: int) -> str:
    """Why somebody who has seats cannot have more."""
    if free <= 0:
        return "There is no seat left for another guest. You keep what you have."
    return f"There {'is' if free == 1 else 'are'} only {_seats(free)} left. You keep what you have."


def checked_answers(questions: Iterable[Question], answers: Answers, *, required: bool) -> dict[int, str]:
    """The answers as they are kept, empty ones left out. Raises for one that is missing, or none of the choices."""
    kept: dict[int, str] = {}
    for question in questions:
        text = str(answers.get(question.pk, "")).strip()
        if not text:
            if required and question.is_required:
                raise SeatsRefused(f"Please answer: {question.text}")
            continue
        if text not in possible_answers(question, text) or len(text) > 500:
            raise SeatsRefused(f"Please choose one of the answers to: {question.text}")
        kept[question.pk] = text
    return kept


def possible_answers(question: Question, text: str) -> list[str]:
    """What may be answered; any text where text is asked for."""
    if question.kind == Question.Kind.YES_NO:
        return ["yes", "no"]
    if question.kind == Question.Kind.CHOICE:
        return [str(choice) for choice in question.choices]
    return [text]


def refuse_expired_offer(rsvp: Rsvp, at: dt.datetime) -> None:
    """Raise if the seat that was offered is no longer held."""
    if not rsvp.is_offer_open(at):
        raise SeatsRefused("The time to take this seat is over, and it went to the next in the queue.")


def _seats(number: int) -> str:
    return f"{number} seat{'s' if number != 1 else ''}"
