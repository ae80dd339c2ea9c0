"""What members do with their own questions and answers: change, withdraw, bring back. Nobody else may do it.

Decision 96 says what stays of a question that others answered.
"""

import datetime as dt

from django.db import transaction

from kb.models import Answer, Question
from kb.services.question_marks import UNSETTLED, refresh_count, settle_state
from kb.services.questions import (
    QuestionRefused,
    has_to_wait,
    lock_question,
    sections_to_ask_about,
    take_words_away,
)
from portal.accounts.models import User

Post = Question | Answer
#: How long what was withdrawn can be brought back; then its words are gone.
KEPT = dt.timedelta(days=30)
#: How many one run of :func:`purge_withdrawn` removes.
_BATCH = 200


class PostGone(Exception):
    """A reviewer deleted it, or the article is gone, meanwhile."""


class StalePost(Exception):
    """It was changed elsewhere meanwhile; ``post`` is as it is stored now."""

    def __init__(self, post: Post) -> None:
        super().__init__("It was changed elsewhere meanwhile.")
        self.post = post


@transaction.atomic
def edit_post(
    *, post: Post, user: User, version: int, text: str, at: dt.datetime, section: str | None = None
) -> Post:
    """Change one's own words, if ``version`` is still the one that is stored; ``section`` is a question's.

    Held words stay held. Words of a member of whom no text was ever approved are held again, for a reviewer let
    others in. What is stored already is not stored again. Raises :class:`QuestionRefused`, :class:`StalePost` and
    :class:`PostGone`.
    """
    question, mine = _take(post, user)
    section = mine.section if isinstance(mine, Question) and section is None else section
    if mine.text == text and (isinstance(mine, Answer) or mine.section == section):
        return mine
    if mine.version != version:
        raise StalePost(mine)
    if mine.withdrawn_at is not None:
        raise QuestionRefused("It was withdrawn meanwhile. Bring it back first.")
    if question.withdrawn_at is not None or question.state not in (*UNSETTLED, Question.State.HELD):
        raise QuestionRefused("The question is closed or withdrawn meanwhile.")
    if isinstance(mine, Question):
        if section and section != mine.section and section not in dict(sections_to_ask_about(mine.article)):
            raise QuestionRefused("The article has no such section any more. Choose another.")
        mine.section = section or ""
    if not _is_held(mine) and has_to_wait(user):
        _hold(mine)
    mine.text, mine.version, mine.edited_at = text, mine.version + 1, at
    mine.save()
    _note(question)
    return mine


@transaction.atomic
def withdraw_post(*, post: Post, user: User, at: dt.datetime) -> None:
    """Take one's own words away from everybody else. Done already, it does nothing. Raises :class:`PostGone`."""
    question, mine = _take(post, user)
    if mine.withdrawn_at is None:
        _set_withdrawn(mine, at)
        _note(question)


@transaction.atomic
def bring_back_post(*, post: Post, user: User) -> None:
    """Undo :func:`withdraw_post`: everything is as it was, and nobody is told again. Done already, it does nothing.

    Raises :class:`PostGone` and, where too much of a new member waits, :class:`QuestionRefused`.
    """
    question, mine = _take(post, user)
    if mine.withdrawn_at is None:
        return
    if _is_held(mine):
        has_to_wait(user)
    _set_withdrawn(mine, None)
    _note(question)


def purge_withdrawn(*, at: dt.datetime) -> int:
    """Remove for good what was withdrawn longer than :data:`KEPT` ago, some of it; return how many."""
    old = {"withdrawn_at__lt": at - KEPT}
    answers = Answer.objects.filter(**old).order_by("pk").select_related("question")[:_BATCH]
    questions = Question.objects.filter(**old).exclude(text="").order_by("pk")[:_BATCH]
    done = sum(_purge(post, at - KEPT) for post in [*answers, *questions])
    Question.objects.filter(text="", answers=None).delete()  # the last answer for which it was kept is gone
    return done


@transaction.atomic
def _purge(post: Post, before: dt.datetime) -> bool:
    question = lock_question(post.question if isinstance(post, Answer) else post)
    if question is None:
        return False
    if isinstance(post, Answer):
        done = bool(Answer.objects.filter(pk=post.pk, withdrawn_at__lt=before).delete()[0])
    else:
        done = question.withdrawn_at is not None and question.withdrawn_at < before
        if done:
            take_words_away(question, before)
    if done:
        refresh_count(question.article)
    return done


def _take(post: Post, user: User) -> tuple[Question, Post]:
    """The question, and the post as it is, held until the transaction ends."""
    question = lock_question(post.question if isinstance(post, Answer) else post)
    if question is None:
        raise PostGone
    mine: Post | None = question
    if isinstance(post, Answer):
        mine = Answer.objects.select_for_update().filter(pk=post.pk).first()
    if mine is None or mine.author_id is None or mine.author_id != user.pk:
        raise PostGone
    return question, mine


def _is_held(post: Post) -> bool:
    return post.is_held if isinstance(post, Answer) else post.state == Question.State.HELD


def _hold(post: Post) -> None:
    if isinstance(post, Answer):
        post.is_held = True
    else:
        post.state = Question.State.HELD


def _set_withdrawn(post: Post, at: dt.datetime | None) -> None:
    post.withdrawn_at = at
    post.save(update_fields=["withdrawn_at"])


def _note(question: Question) -> None:
    settle_state(question)
    refresh_count(question.article)
