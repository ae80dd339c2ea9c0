"""What a writer's pages read."""

from dataclasses import dataclass

from django.db.models import QuerySet

from kb.models import Article, Draft, Revision, Series
from portal.accounts.models import User


@dataclass(frozen=True, slots=True)
class Desk:
    """What a member has in hand: working copies, what waits for review, and what was sent back."""

    drafts: list[Draft]
    waiting: list[Revision]
    sent_back: list[Revision]

    @property
    def is_empty(self) -> bool:
        return not (self.drafts or self.waiting or self.sent_back)


def own_drafts(user: User) -> QuerySet[Draft]:
    """The member's working copies, the last touched first; without their text."""
    return Draft.objects.filter(author=user).select_related("article").defer("content")


def desk_of(user: User) -> Desk:
    """Everything of :class:`Desk`. What was sent back counts until the author sent, or was approved with, another."""
    mine = Revision.objects.filter(author=user, article__deleted_at=None).select_related("article")
    bare = mine.defer("content", "article__html", "article__toc", "article__shown")
    judged = bare.filter(state=Revision.State.REJECTED).order_by("-created_at", "-pk")[:50]
    latest = dict(
        mine.filter(article__in=[one.article_id for one in judged])
        .exclude(state=Revision.State.WITHDRAWN)
        .order_by("created_at", "pk")
        .values_list("article_id", "pk")
    )
    return Desk(
        drafts=list(own_drafts(user)[:100]),
        waiting=list(bare.filter(state=Revision.State.SUBMITTED).order_by("-created_at")[:100]),
        sent_back=[one for one in judged if latest.get(one.article_id) == one.pk],
    )


def my_desk(user: User) -> Desk | None:
    """The same for the member's own page; None when there is nothing."""
    desk = desk_of(user)
    return None if desk.is_empty else desk


def series_titles() -> list[str]:
    """Titles of the series there are, for suggestions."""
    return list(Series.objects.values_list("title", flat=True)[:200])


def others_waiting(article: Article, user: User) -> int:
    """How many texts of others wait for this article's reviewers."""
    return Revision.objects.waiting().filter(article=article).exclude(author=user).count()
