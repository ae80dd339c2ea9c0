"""What has waited for somebody's decision for longer than it should."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from kb.models import Answer, Article, HelpfulVote, Question, Revision
from kb.queries.checks import proposed

#: How many of one sort are read, and so told of, at most.
MOST = 200


@dataclass(frozen=True, slots=True)
class Overdue:
    """What waits: texts as (title, since, their author), posts by their author, titles of articles with commands."""

    texts: tuple[tuple[str, dt.datetime, int | None], ...]
    posts: tuple[int | None, ...]
    """Questions, answers and words on whether it worked that are held, by their writer; None for a visitor."""
    commands: tuple[str, ...]

    def texts_for(self, user: int) -> list[tuple[str, dt.datetime]]:
        """Those that the reviewer ``user`` did not write: others decide on one's own."""
        return [(title, since) for title, since, author in self.texts if author != user]

    def posts_for(self, user: int) -> int:
        """How many, without the reviewer's own."""
        return sum(author != user for author in self.posts)


def overdue(*, before: dt.datetime) -> Overdue:
    """What waits since ``before`` or longer, the longest waiting first. Five queries."""
    shown = Article.objects.published()
    texts = Revision.objects.waiting().filter(created_at__lte=before)
    held = Q(withdrawn_at=None, since__lte=before)
    since = Coalesce("edited_at", "created_at")
    asked = Question.objects.annotate(since=since).filter(held, state=Question.State.HELD, article__in=shown)
    given = Answer.objects.annotate(since=since).filter(held, is_held=True, question__article__in=shown)
    said = HelpfulVote.objects.filter(is_held=True, created_at__lte=before, revision__article__in=shown)
    commands = (
        proposed()
        .filter(revision__article__in=shown)
        .annotate(
            since=Greatest(
                "revision__created_at", Coalesce("revision__reviewed_at", F("revision__created_at"))
            )
        )
    )
    return Overdue(
        texts=tuple(texts.values_list("title", "created_at", "author")[:MOST]),
        posts=(*_writers(asked, "author"), *_writers(given, "author"), *_writers(said, "user")),
        commands=tuple(
            dict.fromkeys(commands.filter(since__lte=before).values_list("article__title", flat=True)[:MOST])
        ),
    )


def _writers(found: "QuerySet[Any]", name: str) -> tuple[int | None, ...]:
    return tuple(found.order_by("pk").values_list(name, flat=True)[:MOST])
