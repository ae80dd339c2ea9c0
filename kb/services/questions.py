"""Questions on sections of articles: asked, answered, and taken into the text. First posts of new members wait."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from kb.models import Answer, Article, Draft, Question, Revision
from kb.roles import is_reviewer
from kb.services.mail_kinds import QUESTIONS
from kb.services.question_marks import UNSETTLED, plain_words, refresh_count, settle_state
from kb.services.review_news import subject_line
from kb.services.writing import start_draft
from portal.accounts.models import User
from portal.mail.services import Letter, queue_letters

#: Posts of one new member that may wait at a time.
MOST_HELD = 5
_LONGEST_SECTION = 100
_HEADING = re.compile(r"#{1,3}[ \t]+\S")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")


class QuestionRefused(ValueError):
    """What was asked for cannot be done; ``str()`` says why, in words for the member."""


def sections_of(article: Article) -> list[tuple[str, str]]:
    """Id and name of every heading in the table of contents, in order."""

    def walk(headings: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        for heading in headings:
            yield heading["id"], heading["name"]
            yield from walk(heading["children"])

    return list(walk(article.toc))


def sections_to_ask_about(article: Article) -> list[tuple[str, str]]:
    """Of those the ones that a question can name: an id that a heading of several lines has is too long to store."""
    return [(one, name) for one, name in sections_of(article) if len(one) <= _LONGEST_SECTION]


@transaction.atomic
def ask(*, article: Article, user: User, section: str, text: str, at: dt.datetime) -> Question:
    """Ask about a section (empty: all of it). Of a member of whom no text was ever approved it waits for a reviewer.

    Raises :class:`QuestionRefused`.
    """
    if section and section not in dict(sections_to_ask_about(article)):
        raise QuestionRefused(
            "The article has no such section any more. Choose another, or ask about all of it."
        )
    state = Question.State.HELD if has_to_wait(user) else Question.State.OPEN
    question = Question.objects.create(
        article=article, section=section, text=text, author=user, state=state, created_at=at
    )
    if state == Question.State.OPEN:
        _came_out(question)
    return question


@transaction.atomic
def answer(*, question: Question, user: User, text: str, at: dt.datetime) -> Answer:
    """Answer a question that everybody sees. Raises :class:`QuestionRefused`."""
    held = lock_question(question)
    if held is None or held.withdrawn_at is not None:
        raise QuestionRefused("Who asked has withdrawn this question meanwhile.")
    if held.state not in UNSETTLED:
        raise QuestionRefused("This question is closed meanwhile.")
    given = Answer.objects.create(
        question=held, text=text, author=user, is_held=has_to_wait(user), created_at=at
    )
    if not given.is_held:
        _answered(given)
    return given


@transaction.atomic
def let_be_seen(*, post: Question | Answer, is_fine: bool, at: dt.datetime) -> bool:
    """A reviewer's decision on ``post`` with the words that it has there. What is refused is gone for good.

    Answers of others to a question that is refused stay, and where its words stood is said that they are withdrawn.
    Returns False where there is nothing to decide: it was decided, withdrawn or changed meanwhile.
    """
    question = lock_question(post.question if isinstance(post, Answer) else post)
    if question is None:
        return False
    decided = (
        _let_question(question, post, is_fine, at)
        if isinstance(post, Question)
        else _let_answer(post, is_fine)
    )
    if decided:
        settle_state(question)
        refresh_count(question.article)
    return decided


def _let_question(question: Question, seen: Question, is_fine: bool, at: dt.datetime) -> bool:
    is_same = question.withdrawn_at is None and question.text == seen.text
    if question.state != Question.State.HELD or not is_same:
        return False
    if is_fine:
        Question.objects.filter(pk=question.pk).update(state=Question.State.OPEN)
        _came_out(question)
    else:
        take_words_away(question, at)
    return True


def _let_answer(seen: Answer, is_fine: bool) -> bool:
    held = Answer.objects.filter(pk=seen.pk, is_held=True, withdrawn_at=None, text=seen.text)
    if not is_fine:
        return bool(held.delete()[0])
    if not held.update(is_held=False):
        return False
    seen.refresh_from_db()
    _answered(seen)
    return True


def take_words_away(question: Question, at: dt.datetime) -> None:
    """Remove a question for good, by whoever holds it; if others answered, its words and its writer's name alone."""
    held = Question.objects.filter(pk=question.pk)
    of_others = (
        question.answers.exclude(author=question.author_id) if question.author_id else question.answers
    )
    if of_others.exists():
        withdrawn_at = question.withdrawn_at or at
        held.update(text="", author=None, withdrawn_at=withdrawn_at, state=Question.State.CLOSED)
    else:
        held.delete()


@transaction.atomic
def close(*, question: Question, user: User) -> None:
    """End a question: who asked, and who keeps the article. Done already, it does nothing."""
    if not may_close(question, user):
        raise QuestionRefused("Only who asked, and who keeps the article, closes a question.")
    lock_question(question)
    Question.objects.filter(pk=question.pk, state__in=UNSETTLED).update(state=Question.State.CLOSED)
    refresh_count(question.article)


def may_close(question: Question, user: object) -> bool:
    """Who asked, the owner of the article, and reviewers."""
    return isinstance(user, User) and (question.author_id == user.pk or may_promote(question, user))


def may_promote(question: Question, user: object) -> bool:
    """The owner of the article, and reviewers."""
    return isinstance(user, User) and (question.article.owner_id == user.pk or is_reviewer(user))


def promote(*, question: Question, user: User, at: dt.datetime) -> Draft:
    """Begin a draft of the article with the question and its answers under the section; nothing is sent yet.

    When a text that has the question in it is approved, :func:`note_promoted` says so on the question.
    """
    if not may_promote(question, user):
        raise QuestionRefused("Only who keeps the article takes a question into its text.")
    if question.state not in UNSETTLED or question.withdrawn_at is not None:
        raise QuestionRefused("This question is closed or withdrawn meanwhile.")
    article = question.article
    draft = start_draft(author=user, article=article, at=at)
    if f"**{plain_words(question.text)}**" in plain_words(draft.content):
        return draft
    headings = [one for one, _ in sections_of(article)]
    place = headings.index(question.section) if question.section in headings else None
    answers = question.answers.filter(is_held=False, withdrawn_at=None).order_by("created_at", "pk")
    words = admonition(question.text, [one.text for one in answers])
    document = draft.document
    draft.document = replace(document, content=put_under(document.content, place, words))
    draft.summary = draft.summary or "A reader's question, with its answer."
    draft.version += 1
    draft.updated_at = at
    draft.save()
    return draft


def admonition(question: str, answers: list[str]) -> str:
    """Question and answers as the Markdown of an admonition."""
    body = "\n\n".join([f"**{' '.join(question.split())}**", *answers]).replace("\r\n", "\n")
    lines = (f"    {line}".rstrip() for line in body.split("\n"))
    return '!!! note "A reader asked"\n' + "\n".join(lines)


def put_under(content: str, place: int | None, words: str) -> str:
    """``words`` at the end of the section of the heading number ``place`` (from 0); at the end of all if None."""
    lines = content.rstrip("\n").split("\n")
    headings: list[int] = []
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1][:3]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence and _HEADING.match(line):
            headings.append(number)
    at = headings[place + 1] if place is not None and place + 1 < len(headings) else len(lines)
    before, after = "\n".join(lines[:at]).rstrip("\n"), "\n".join(lines[at:])
    return "\n\n".join(part for part in (before, words, after) if part) + "\n"


def lock_question(question: Question) -> Question | None:
    """The question as it is, held with its answers until the transaction ends; None if it is gone.

    The article's row comes first, as in every service that holds both: it stores how many questions there are.
    """
    Article.objects.select_for_update().only("pk").filter(pk=question.article_id).first()
    return Question.objects.select_for_update().filter(pk=question.pk).first()


def is_known(user: User) -> bool:
    """Whether a text of theirs was approved, or they approve others': what they post is seen at once."""
    return is_reviewer(user) or Revision.objects.filter(author=user, state=Revision.State.APPROVED).exists()


def has_to_wait(user: User) -> bool:
    """Whether what ``user`` posts waits for a reviewer. Raises :class:`QuestionRefused` where too much does."""
    if is_known(user):
        return False
    mine = {"author": user, "withdrawn_at": None}
    waiting = Question.objects.filter(state=Question.State.HELD, **mine).count()
    waiting += Answer.objects.filter(is_held=True, **mine).count()
    if waiting >= MOST_HELD:
        raise QuestionRefused(
            f"{MOST_HELD} posts of yours wait for a reviewer. Please wait until they are read."
        )
    return True


def _came_out(question: Question) -> None:
    refresh_count(question.article)
    article = question.article
    watching = Q(watches__article=article) | Q(articles=article)
    found = User.objects.filter(watching, is_active=True).order_by("pk").distinct()
    readers = [user for user in found if user.pk != question.author_id]
    _tell(readers, f"A question: {article.title}", question, question.text, f"question:{question.pk}")


def _answered(given: Answer) -> None:
    question = given.question
    settle_state(question)
    asker = question.author
    if asker is not None and asker.is_active and asker.pk != given.author_id:
        subject = f"An answer to your question: {question.article.title}"
        _tell([asker], subject, question, given.text, f"answer:{given.pk}")


def _tell(readers: list[User], subject: str, question: Question, text: str, key: str) -> None:
    address = reverse("kb:questions", args=[question.article.slug])
    context = {
        "article": question.article,
        "text": text,
        "url": f"{settings.SITE_URL}{address}#q{question.pk}",
    }
    letters = [
        Letter(
            to=user.email,
            user=user,
            subject=subject_line(subject),
            context=context,
            dedupe_key=f"kb:{key}:{user.pk}",
        )
        for user in readers
    ]
    queue_letters(kind=QUESTIONS.key, template="kb/mail/question", letters=letters)
