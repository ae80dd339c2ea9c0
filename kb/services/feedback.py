"""Whether it worked for those who read it: one answer a reader and revision, changed or taken back at will."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from kb.models import Article, HelpfulVote, Revision
from kb.services.mail_kinds import FAILED
from kb.services.review_news import subject_line
from kb.services.surroundings import lock_shown
from portal.accounts.models import User
from portal.embeds.versions import versions_seen
from portal.mail.services import Letter, queue_letters

#: Reasons that one page shows.
_MOST_REASONS = 50
#: Versions that the form offers, those of readers among them, and answers that are read for those.
_MOST_VERSIONS, _MOST_OF_READERS, _VERSIONS_READ = 20, 8, 100


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
    no text was ever approved, wait until a reviewer looked at them. A failure with a reason is told to the owner,
    once its words may be seen. Raises :class:`NothingToJudge`.
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
    _tell_owner(vote, article, at)
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
def let_words_be_seen(*, vote: HelpfulVote, are_fine: bool, at: dt.datetime) -> None:
    """A reviewer's decision on the words in ``vote``: shown to the owner, or removed; the answer itself stays.

    Words that their reader changed since the reviewer saw them still wait. Done already, it does nothing.
    """
    waiting = HelpfulVote.objects.filter(
        pk=vote.pk, is_held=True, reason=vote.reason, versions=vote.versions, worked=vote.worked
    )
    kept = {} if are_fine else {"reason": "", "versions": ""}
    if waiting.update(is_held=False, **kept):
        vote.refresh_from_db()
        refresh_worked(vote.revision.article)
        _tell_owner(vote, vote.revision.article, at)


def words_that_wait() -> QuerySet[HelpfulVote]:
    """Answers with words that no reviewer looked at, of articles that readers see; the longest waiting first."""
    shown = Article.objects.published()
    return HelpfulVote.objects.filter(is_held=True, revision__article__in=shown).order_by("created_at", "pk")


def reasons(article: Article) -> list[HelpfulVote]:
    """What failed for readers of the text as it is now, in their words, the newest first."""
    said = HelpfulVote.objects.filter(revision=article.current_id, worked=False, is_held=False)
    return list(said.exclude(reason="")[:_MOST_REASONS])


def versions_to_choose_from(article: Article) -> list[str]:
    """What a reader may have: with which it worked for others, the last first; then what the portal sees in use.

    Of readers only words that were let in, and none of those for whom it failed, which who keeps the article reads.
    """
    said = HelpfulVote.objects.filter(revision__article=article, worked=True, is_held=False)
    last = said.exclude(versions="").order_by("-created_at", "-pk").values_list("versions", flat=True)
    of_readers = list(dict.fromkeys(last[:_VERSIONS_READ]))[:_MOST_OF_READERS]
    return list(dict.fromkeys([*of_readers, *versions_seen()]))[:_MOST_VERSIONS]


def refresh_worked(article: Article) -> None:
    """Store with the article for how many readers of its present text it worked, and with which versions last."""
    votes = HelpfulVote.objects.filter(revision=article.current_id)
    counted = votes.aggregate(yes=Count("pk", filter=Q(worked=True)), all=Count("pk"))
    seen = votes.filter(worked=True, is_held=False).exclude(versions="").order_by("-created_at").first()
    said = {"yes": counted["yes"], "all": counted["all"], "versions": seen.versions if seen else ""}
    with lock_shown(article) as shown:
        shown["worked"] = said if counted["all"] else None


def _tell_owner(vote: HelpfulVote, article: Article, at: dt.datetime) -> None:
    """One mail a day and article: what else was said that day stands on the page that it leads to."""
    owner = article.owner
    if vote.worked or vote.is_held or not vote.reason or owner is None or not owner.is_active:
        return
    if vote.user_id == owner.pk:
        return
    address = reverse("kb:did_it_work", args=[article.slug])
    letter = Letter(
        to=owner.email,
        user=owner,
        subject=subject_line(f"It did not work for a reader: {article.title}"),
        context={"article": article, "vote": vote, "url": f"{settings.SITE_URL}{address}"},
        dedupe_key=f"kb:failed:{article.pk}:{at:%Y%m%d}:{owner.pk}",
    )
    queue_letters(kind=FAILED.key, template="kb/mail/failed", letters=[letter])


def _of(article: Article, user: User | None, visitor: str) -> QuerySet[HelpfulVote]:
    votes = HelpfulVote.objects.filter(revision=article.current_id)
    if user is not None:
        return votes.filter(user=user)
    return votes.filter(visitor=visitor) if visitor else votes.none()
