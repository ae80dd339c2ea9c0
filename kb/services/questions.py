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
from kb.services.question_marks import UNSETTLED, plain_words, refresh_count
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
    state = Question.State.HELD if _is_new(user) else Question.State.OPEN
    question = Question.objects.create(
        article=article, section=section, text=text, author=user, state=state, created_at=at
    )
    if state == Question.State.OPEN:
        _came_out(question)
    return question


@transaction.atomic
def answer(*, question: Question, user: User, text: str, at: dt.datetime) -> Answer:
    """Answer a question that everybody sees. Raises :class:`QuestionRefused`."""
    held = _lock(question)
    if held.state not in (Question.State.OPEN, Question.State.ANSWERED):
        raise QuestionRefused("This question is closed meanwhile.")
    given = Answer.objects.create(question=held, text=text, author=user, is_held=_is_new(user), created_at=at)
    if not given.is_held:
        _answered(given)
    return given


@transaction.atomic
def let_be_seen(*, post: Question | Answer, is_fine: bool) -> None:
    """A reviewer's decision on a post that waits. What is refused is deleted. Done already, it does nothing."""
    if isinstance(post, Question):
        waiting = Question.objects.select_for_update().filter(pk=post.pk, state=Question.State.HELD)
        if not is_fine:
            waiting.delete()
        elif waiting.update(state=Question.State.OPEN):
            post.refresh_from_db()
            _came_out(post)
        return
    held = Answer.objects.filter(pk=post.pk, is_held=True)
    if not is_fine:
        held.delete()
    elif held.update(is_held=False):
        post.refresh_from_db()
        _answered(post)


@transaction.atomic
def close(*, question: Question, user: User) -> None:
    """End a question: who asked, and who keeps the article. One that nobody answered goes with its last trace."""
    if not may_close(question, user):
        raise QuestionRefused("Only who asked, and who keeps the article, closes a question.")
    held = _lock(question)
    if held.author_id == user.pk and not held.answers.exists() and held.promoted_in_id is None:
        held.delete()
    else:
        Question.objects.filter(pk=held.pk, state__in=UNSETTLED).update(state=Question.State.CLOSED)
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
    article = question.article
    draft = start_draft(author=user, article=article, at=at)
    if f"**{plain_words(question.text)}**" in plain_words(draft.content):
        return draft
    headings = [one for one, _ in sections_of(article)]
    place = headings.index(question.section) if question.section in headings else None
    answers = question.answers.filter(is_held=False).order_by("created_at", "pk")
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


def _lock(question: Question) -> Question:
    return Question.objects.select_for_update().get(pk=question.pk)


def _is_new(user: User) -> bool:
    known = Revision.objects.filter(author=user, state=Revision.State.APPROVED).exists()
    if known or is_reviewer(user):
        return False
    waiting = Question.objects.filter(author=user, state=Question.State.HELD).count()
    waiting += Answer.objects.filter(author=user, is_held=True).count()
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
    Question.objects.filter(pk=question.pk, state=Question.State.OPEN).update(state=Question.State.ANSWERED)
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
