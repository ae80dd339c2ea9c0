"""What reviewers do with texts sent for review, and what their authors can still do.

Every act is conditional: it happens to a text that is still waiting, or :class:`ReviewRefused` says why not. The
article's lock makes acts on one article follow one another. docs/decisions/0090-knowledge-base-workflow.md has the
rules.
"""

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction

from kb.checking import too_much
from kb.merging import Merge, merge_documents
from kb.models import Article, Draft, ReviewComment, Revision, Watch
from kb.models.revisions import DocumentFields
from kb.roles import can_approve, is_reviewer
from kb.services import review_news
from kb.services.publishing import lock_article, make_current
from portal.accounts.models import User

State = Revision.State
LONGEST_WORDS = 2000


class ReviewRefused(Exception):
    """What somebody asked for cannot be; the message is a sentence for them."""


class ConflictsWithReaders(ReviewRefused):
    """Readers' text changed in the same places since the text was written; ``merge`` says where."""

    def __init__(self, merge: Merge) -> None:
        super().__init__(
            "Readers’ text has changed in the same places since this was written. Send it back: its author gets it "
            "with both texts beside each other."
        )
        self.merge = merge


def merged_with_readers(revision: Revision, current: Revision | None) -> Merge | None:
    """``revision`` brought together with what readers see by now; None where nothing has moved on since."""
    base = revision.based_on
    if current is None or (base is not None and current.sha == base.sha):
        return None
    return merge_documents(base.document if base else None, revision.document, current.document)


@transaction.atomic
def approve_revision(
    *, revision: Revision, reviewer: User, at: dt.datetime, seen: int | None, words: str = ""
) -> Revision:
    """Let readers see ``revision``; returns what they see now.

    ``seen`` is the key of the revision that readers saw when the reviewer looked, None for a new article: where
    another one came meanwhile the reviewer has to look again. Where it had come before, the two are merged, and the
    merged text is a new revision of the same author. Raises :class:`ReviewRefused`, its
    :class:`ConflictsWithReaders`, and ``PermissionDenied``.
    """
    article, revision = _take(revision)
    if not is_reviewer(reviewer):
        raise PermissionDenied
    if not can_approve(reviewer, revision):
        raise ReviewRefused(
            "You wrote this text. Somebody else has to approve it, unless it mends only some words, and no command, "
            "code or link."
        )
    _refuse_unless_open(article, revision)
    before = article.current
    if (before.pk if before else None) != seen:
        raise ReviewRefused("Readers’ text changed while you were looking. Look at the differences again.")
    merge = merged_with_readers(revision, before)
    if merge and not merge.is_clean:
        raise ConflictsWithReaders(merge)
    if merge and (refusal := too_much(merge.document.content)):
        raise ReviewRefused(f"Put together with what readers see by now, this is too much. {refusal}")
    is_merged = merge is not None and merge.document.sha != revision.sha
    _judge(revision, State.MERGED if is_merged else State.APPROVED, reviewer, words, at)
    shown = _merged_revision(revision, merge, before, at) if merge and is_merged else revision
    review_news.tell_approved(revision, is_merged=is_merged)
    if shown != before:
        make_current(article=article, revision=shown, at=at)
        _watch_own_article(shown)
        review_news.tell_watchers(shown, before=before)
    return shown


@transaction.atomic
def reject_revision(*, revision: Revision, reviewer: User, words: str, at: dt.datetime) -> Draft | None:
    """Send ``revision`` back with ``words``; its author gets a draft of it, which is returned.

    A draft of the article that the author has begun meanwhile stays as it is. Raises :class:`ReviewRefused` and
    ``PermissionDenied``.
    """
    article, revision = _take(revision)
    if not is_reviewer(reviewer):
        raise PermissionDenied
    if reviewer.pk == revision.author_id:
        raise ReviewRefused("You wrote this text. Withdraw it, and you have it among your drafts again.")
    if not words.strip():
        raise ReviewRefused("Say what has to change: the author reads it.")
    _refuse_unless_open(article, revision)
    _judge(revision, State.REJECTED, reviewer, words, at)
    draft = _give_back(revision, at)
    review_news.tell_sent_back(revision, draft)
    return draft


@transaction.atomic
def withdraw_revision(*, revision: Revision, author: User, at: dt.datetime) -> Draft | None:
    """The author takes a waiting text back; it is a draft of theirs again. Raises as :func:`reject_revision` does."""
    _, revision = _take(revision)
    if author.pk != revision.author_id:
        raise PermissionDenied
    if not Revision.objects.filter(pk=revision.pk, state=State.SUBMITTED).update(state=State.WITHDRAWN):
        raise ReviewRefused("This text is not waiting any more.")
    return _give_back(revision, at)


@transaction.atomic
def add_comment(
    *, revision: Revision, author: User, text: str, line: int | None, at: dt.datetime
) -> ReviewComment:
    """Say something to a line of the Markdown, from 1, or to all of it (None): reviewers, and the author in answer.

    The same words to the same line twice are one comment. Raises :class:`ReviewRefused` and ``PermissionDenied``.
    """
    article, revision = _take(revision)
    if not is_reviewer(author) and author.pk != revision.author_id:
        raise PermissionDenied
    text = text.replace("\x00", "").strip()
    if not text:
        raise ReviewRefused("Write what you want to say.")
    if revision.state not in (State.SUBMITTED, State.REJECTED) or article.deleted_at:
        raise ReviewRefused("Nobody discusses this text any more: it is not waiting.")
    if line is not None and not 1 <= line <= revision.content.count("\n") + 1:
        raise ReviewRefused(f"The text has no line {line}.")
    comment, is_new = ReviewComment.objects.get_or_create(
        revision=revision, author=author, line=line, text=text[:LONGEST_WORDS], defaults={"created_at": at}
    )
    if is_new:
        review_news.tell_comment(comment, at=at)
    return comment


@transaction.atomic
def revert_to(*, revision: Revision, reviewer: User, at: dt.datetime, seen: int, reason: str) -> Revision:
    """Let readers see the text of an older approved ``revision`` again, as a new revision; returns it.

    ``seen`` is the key of the revision that readers saw when the reviewer looked. Raises :class:`ReviewRefused`
    and ``PermissionDenied``.
    """
    article, revision = _take(revision)
    if not is_reviewer(reviewer):
        raise PermissionDenied
    _refuse_unless_readable(article)
    before = article.current
    if revision.state != State.APPROVED or before is None:
        raise ReviewRefused("Only a text that readers have seen can be brought back.")
    if before.sha == revision.sha:
        raise ReviewRefused("Readers see this text already.")
    if before.pk != seen:
        raise ReviewRefused("Readers’ text changed while you were looking. Look at the differences again.")
    shown = _copy(revision, based_on=before, author=reviewer, reviewer=reviewer, at=at)
    shown.summary = f"Back to the text of {revision.created_at:%Y-%m-%d}: {reason.strip()}".rstrip(": ")[:200]
    shown.significance = Revision.Significance.CHANGE
    shown.save()
    make_current(article=article, revision=shown, at=at)
    review_news.tell_watchers(shown, before=before)
    return shown


def _take(revision: Revision) -> tuple[Article, Revision]:
    """The article, held until the transaction ends, and the revision as it is now."""
    article = lock_article(revision.article)
    fresh = Revision.objects.select_related("based_on", "author").get(pk=revision.pk)
    fresh.article = article
    return article, fresh


def _refuse_unless_open(article: Article, revision: Revision) -> None:
    _refuse_unless_readable(article)
    if revision.state == State.WITHDRAWN:
        raise ReviewRefused("Its author has withdrawn this text.")
    if revision.state != State.SUBMITTED:
        raise ReviewRefused("Somebody has decided this in the meantime.")


def _refuse_unless_readable(article: Article) -> None:
    if article.deleted_at:
        raise ReviewRefused("The article is deleted.")
    if article.status == Article.Status.ARCHIVED:
        raise ReviewRefused("The article is archived. Bring it back on its settings page first.")


def _judge(revision: Revision, state: str, reviewer: User, words: str, at: dt.datetime) -> None:
    """Move a waiting revision on, exactly once."""
    judged = {"state": state, "reviewer": reviewer, "reviewed_at": at}
    judged["verdict"] = words.replace("\x00", "").strip()[:LONGEST_WORDS]
    if not Revision.objects.filter(pk=revision.pk, state=State.SUBMITTED).update(**judged):
        raise ReviewRefused("Somebody has decided this in the meantime.")
    for name, value in judged.items():
        setattr(revision, name, value)


def _merged_revision(revision: Revision, merge: Merge, before: Revision | None, at: dt.datetime) -> Revision:
    if before and before.sha == merge.document.sha:
        return before  # readers see all of it already
    merged = _copy(revision, based_on=before, author=revision.author, reviewer=revision.reviewer, at=at)
    merged.document = merge.document
    merged.sha = merge.document.sha
    merged.save()
    return merged


def _copy(
    revision: Revision,
    *,
    based_on: Revision | None,
    author: User | None,
    reviewer: User | None,
    at: dt.datetime,
) -> Revision:
    """The same document as another approved revision, not saved."""
    copied = Revision(
        article=revision.article,
        based_on=based_on,
        summary=revision.summary,
        significance=revision.significance,
        state=State.APPROVED,
        author=author,
        reviewer=reviewer,
        reviewed_at=at,
        sha=revision.sha,
        created_at=at,
    )
    copied.document = revision.document
    return copied


def _give_back(revision: Revision, at: dt.datetime) -> Draft | None:
    """The author's draft of the article: one of this text, unless they have begun another."""
    if revision.author is None:
        return None
    columns = [column.name for column in DocumentFields._meta.fields]
    taken_over = {name: getattr(revision, name) for name in (*columns, "based_on", "summary", "significance")}
    draft, _ = Draft.objects.get_or_create(
        author=revision.author,
        article=revision.article,
        defaults=taken_over | {"created_at": at, "updated_at": at},
    )
    return draft


def _watch_own_article(shown: Revision) -> None:
    """Whose first text of an article is approved watches it from then on; who stopped watching is left in peace."""
    if shown.author is None or not shown.author.is_active:
        return
    own = Revision.objects.filter(article=shown.article, author=shown.author, state=State.APPROVED)
    if not own.exclude(pk=shown.pk).exists():
        Watch.objects.get_or_create(article=shown.article, user=shown.author)
