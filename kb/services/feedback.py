"""Whether it worked for those who read it: one answer a reader and revision, changed or taken back at will."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from kb.models import Article, HelpfulVote, Revision
from kb.services.surroundings import lock_shown
from portal.accounts.models import User


class NothingToJudge(ValueError):
    """The article shows no text that could have worked."""


@transaction.atomic
def say_whether_it_worked(
    *,
    article: Article,
    user: User | None,
    visitor: str,
    worked: bool,
    versions: str,
    reason: str,
    at: dt.datetime,
) -> HelpfulVote:
    """Keep one reader's answer for the revision that readers see now; a second one of theirs replaces the first.

    ``visitor`` is the keyed hash of a visitor's cookie, empty for members. Words of visitors, and of members of whom
    no text was ever approved, wait until a reviewer looked at them. Raises :class:`NothingToJudge`.
    """
    if article.current_id is None:
        raise NothingToJudge
    is_known = (
        user is not None and Revision.objects.filter(author=user, state=Revision.State.APPROVED).exists()
    )
    who: dict[str, Any] = {"user": user, "visitor": "" if user else visitor}
    vote, _ = HelpfulVote.objects.update_or_create(
        revision_id=article.current_id,
        **who,
        defaults={
            "worked": worked,
            "versions": versions,
            "reason": reason,
            "is_held": bool(reason or versions) and not is_known,
            "created_at": at,
        },
    )
    refresh_worked(article)
    return vote


@transaction.atomic
def take_answer_back(*, article: Article, user: User | None, visitor: str) -> bool:
    """Forget the reader's answer for the revision that readers see now; False where there was none."""
    gone, _ = _of(article, user, visitor).delete()
    if gone:
        refresh_worked(article)
    return bool(gone)


def answer_of(article: Article, user: User | None, visitor: str) -> HelpfulVote | None:
    """What this reader said of the revision that readers see now."""
    return _of(article, user, visitor).first()


@transaction.atomic
def let_words_be_seen(*, vote: HelpfulVote, are_fine: bool) -> None:
    """A reviewer's decision on held words: shown to the owner and on the dashboards, or removed; the answer stays."""
    if are_fine:
        HelpfulVote.objects.filter(pk=vote.pk, is_held=True).update(is_held=False)
    else:
        HelpfulVote.objects.filter(pk=vote.pk, is_held=True).update(is_held=False, reason="", versions="")
    refresh_worked(vote.revision.article)


def refresh_worked(article: Article) -> None:
    """Store with the article for how many readers of its present text it worked, and with which versions last."""
    votes = HelpfulVote.objects.filter(revision=article.current_id)
    counted = votes.aggregate(yes=Count("pk", filter=Q(worked=True)), all=Count("pk"))
    seen = votes.filter(worked=True, is_held=False).exclude(versions="").order_by("-created_at").first()
    said = {"yes": counted["yes"], "all": counted["all"], "versions": seen.versions if seen else ""}
    with lock_shown(article) as shown:
        shown["worked"] = said if counted["all"] else None


def _of(article: Article, user: User | None, visitor: str) -> QuerySet[HelpfulVote]:
    votes = HelpfulVote.objects.filter(revision=article.current_id)
    if user is not None:
        return votes.filter(user=user)
    return votes.filter(visitor=visitor) if visitor else votes.none()
