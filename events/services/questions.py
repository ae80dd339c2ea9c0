"""What a meetup asks whoever signs up."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from events.models import Answer, Meetup, Question
from events.services.audit import note_act
from events.services.life import MeetupRefused
from events.services.locks import lock_meetup
from events.services.meetups import demand_organizer
from portal.accounts.models import User

MAX_QUESTIONS = 10


@transaction.atomic
def save_question(
    *, meetup: Meetup, actor: User, fields: Mapping[str, Any], question: Question | None = None
) -> Question:
    """Ask something new, or ask ``question`` in other words.

    Raises :class:`MeetupRefused` where answers that were given would lose their meaning.
    """
    demand_organizer(actor, meetup.chapter)
    lock_meetup(meetup.pk)
    if question is None:
        count = meetup.questions.count()
        if count >= MAX_QUESTIONS:
            raise MeetupRefused(f"A meetup asks at most {MAX_QUESTIONS} questions: people want to sign up.")
        last = meetup.questions.last()
        question = Question(meetup=meetup, position=last.position + 1 if last else 0)
    else:
        _keep_meaning(question, fields)
    is_new = question.pk is None
    for name, value in fields.items():
        setattr(question, name, value)
    question.save()
    note_act("add_question" if is_new else "change_question", actor=actor, meetup=meetup, text=question.text)
    return question


@transaction.atomic
def remove_question(*, question: Question, actor: User) -> None:
    """Ask it no longer; its answers go with it."""
    demand_organizer(actor, question.meetup.chapter)
    lock_meetup(question.meetup_id)
    note_act(
        "remove_question",
        actor=actor,
        meetup=question.meetup,
        text=question.text,
        answers=question.answers.count(),
    )
    question.delete()


@transaction.atomic
def raise_question(*, question: Question, actor: User) -> None:
    """Ask it one place earlier."""
    demand_organizer(actor, question.meetup.chapter)
    lock_meetup(question.meetup_id)
    order = list(question.meetup.questions.all())
    place = next(number for number, one in enumerate(order) if one.pk == question.pk)
    if place:
        order[place - 1], order[place] = order[place], order[place - 1]
    for number, one in enumerate(order):
        one.position = number
    Question.objects.bulk_update(order, ["position"])


def _keep_meaning(question: Question, fields: Mapping[str, Any]) -> None:
    given = Answer.objects.filter(question=question).exclude(text="")
    if fields.get("kind", question.kind) != question.kind and given.exists():
        raise MeetupRefused(
            "People have answered this question, so its kind stays. Ask another question instead."
        )
    if question.kind == Question.Kind.CHOICE:
        lost = given.exclude(text__in=fields.get("choices", question.choices)).values_list("text", flat=True)
        if names := sorted(set(lost)):
            raise MeetupRefused(f"Somebody has chosen “{names[0]}”, so it must stay among the choices.")
