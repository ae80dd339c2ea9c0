"""Working copies: begun, saved while somebody types, brought up to what readers see, sent for review, thrown away."""

import datetime as dt
from dataclasses import dataclass, replace

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from kb.checking import too_much
from kb.documents import Document
from kb.merging import Merge, merge_documents
from kb.models import Article, Draft, Revision
from kb.roles import is_reviewer
from kb.services.brakes import is_new, refusal_for_new
from kb.services.pictures import hold_pictures
from kb.services.publishing import lock_article
from kb.services.review_news import tell_submitted
from kb.services.slugs import free_slug
from portal.accounts.models import User

#: What a member who is no reviewer may have waiting at once.
MOST_WAITING = 5
#: Working copies of one member.
MOST_DRAFTS = 50
#: Characters of one text: some sixty printed pages.
MAX_CONTENT = 200_000
EMPTY = Document(title="", content="")


class WritingRefused(Exception):
    """What was asked for is not done; ``str()`` says why, in a sentence for the writer."""


class StaleDraft(Exception):
    """Another tab or device saved the draft meanwhile; ``draft`` is as that one left it."""

    def __init__(self, draft: Draft) -> None:
        super().__init__("The draft was saved elsewhere meanwhile.")
        self.draft = draft


class DraftGone(Exception):
    """The draft was sent or discarded meanwhile."""


class TextMovedOn(Exception):
    """Readers see a newer text than the one that the draft began with, and both changed the same."""

    def __init__(self, merge: Merge, current: Revision) -> None:
        super().__init__("Others changed the same passages meanwhile.")
        self.merge = merge
        self.current = current


@dataclass(frozen=True, slots=True)
class Submission:
    """What came of sending a draft: the revision that waits, and whether others' changes were put into it."""

    revision: Revision
    was_merged: bool


def start_draft(
    *, author: User, at: dt.datetime, article: Article | None = None, document: Document | None = None
) -> Draft:
    """A working copy: of ``article``, or of nothing for a new one. Going on with an article gives the draft there is.

    An article's draft begins with the text that the author sent last and that was not approved, else with what
    readers see. ``document`` is what a new article begins with. Raises :class:`WritingRefused`.
    """
    _demand_verified(author)
    if article is not None:
        found = Draft.objects.filter(author=author, article=article).first()
        if found is not None:
            return found
    if Draft.objects.filter(author=author).count() >= MOST_DRAFTS:
        raise WritingRefused(f"You have {MOST_DRAFTS} drafts. Send or discard one of them first.")
    draft = Draft(author=author, article=article, created_at=at, updated_at=at)
    draft.document = (document or EMPTY).normalised()
    if article is not None:
        begun = _last_unapproved(author, article) or article.current
        draft.based_on = article.current if begun == article.current or begun is None else begun.based_on
        draft.document = begun.document if begun else replace(EMPTY, title=article.title, kind=article.kind)
    try:
        with transaction.atomic():
            draft.save()
    except IntegrityError:  # the other of two clicks was faster
        return Draft.objects.get(author=author, article=article)
    return draft


def _last_unapproved(author: User, article: Article) -> Revision | None:
    """What the author sent last, unless a text of theirs was approved since: it waits, or was sent back."""
    last = article.revisions.filter(author=author).order_by("-created_at", "-pk").first()
    settled = (Revision.State.APPROVED, Revision.State.MERGED, Revision.State.WITHDRAWN)
    return None if last is None or last.state in settled else last


def _demand_verified(author: User) -> None:
    if not author.is_active or not EmailAddress.objects.filter(user=author, verified=True).exists():
        raise WritingRefused("Confirm your e-mail address first: reviewers answer there.")


@transaction.atomic
def save_draft(
    *,
    draft: Draft,
    version: int,
    document: Document,
    at: dt.datetime,
    summary: str | None = None,
    significance: str | None = None,
) -> Draft:
    """Keep ``document`` as the draft's text, if ``version`` is still the one that is stored. Returns it, one up.

    What is stored already is not stored again, so a save that is sent twice is one. Raises :class:`StaleDraft`
    and :class:`DraftGone`.
    """
    locked = Draft.objects.select_for_update().filter(pk=draft.pk).first()
    if locked is None:
        raise DraftGone
    document = document.normalised()
    kept = (
        locked.summary if summary is None else summary,
        locked.significance if significance is None else significance,
    )
    if locked.document == document and (locked.summary, locked.significance) == kept:
        return locked
    if locked.version != version:
        raise StaleDraft(locked)
    hold_pictures(document.content)
    locked.document = document
    locked.summary, locked.significance = kept
    locked.version += 1
    locked.updated_at = at
    locked.save()
    return locked


@transaction.atomic
def discard_draft(*, draft: Draft) -> None:
    """Throw the working copy away; what was sent for review stays. Done already, it does nothing."""
    Draft.objects.filter(pk=draft.pk).delete()


def merge_of(draft: Draft) -> Merge | None:
    """The draft put together with what readers see now; None while it began with that, or for a new article."""
    article = draft.article
    if article is None or article.current is None or article.current_id == draft.based_on_id:
        return None
    base = draft.based_on.document if draft.based_on else None
    return merge_documents(base, draft.document, article.current.document)


@transaction.atomic
def settle_draft(*, draft: Draft, version: int, current: int, document: Document, at: dt.datetime) -> Draft:
    """Keep the text in which the writer brought both together: it is based on the revision ``current`` from now on.

    Readers may see yet another text by now; :func:`merge_of` says so. Raises :class:`StaleDraft` and
    :class:`DraftGone`.
    """
    saved = save_draft(draft=draft, version=version, document=document, at=at)
    approved = Revision.objects.filter(article=saved.article_id, state=Revision.State.APPROVED)
    saved.based_on = approved.filter(pk=current).first() or saved.based_on
    saved.save(update_fields=["based_on"])
    return saved


@transaction.atomic
def submit_draft(*, draft: Draft, at: dt.datetime) -> Submission:
    """Send the draft for review: it becomes a revision, and is gone.

    For a new article its row is made, which only owner and reviewers see. What others published meanwhile is put
    into the text where nothing conflicts. An earlier text of the same author that still waits is withdrawn.
    Raises :class:`WritingRefused`, :class:`TextMovedOn` where both changed the same, and :class:`DraftGone`.
    """
    locked = (
        Draft.objects.select_for_update(of=("self",))
        .select_related("author", "article__current", "based_on")
        .filter(pk=draft.pk)
        .first()
    )
    if locked is None:
        raise DraftGone
    author, document = locked.author, locked.document.normalised()
    _demand_verified(author)
    _demand_whole(document)
    article = lock_article(locked.article) if locked.article else None
    locked.article = article  # as it is under the lock: what others published while this waited is merged too
    if article is not None and article.deleted_at is not None:
        raise WritingRefused(
            "This article was deleted meanwhile. Copy your text before you discard the draft."
        )
    merge = merge_of(locked)
    if merge is not None:
        assert article is not None
        assert article.current is not None
        if not merge.is_clean:
            raise TextMovedOn(merge, article.current)
        document = merge.document
        _demand_whole(document)
    if article is not None and article.current is not None and article.current.document == document:
        raise WritingRefused("This is the text that readers see already: nothing is changed.")
    _demand_room(author, article, document)
    if article is None:
        article = _new_article(document, author, at)
    revision = hand_in(
        article=article,
        document=document,
        author=author,
        at=at,
        summary=locked.summary,
        significance=locked.significance,
    )
    tell_submitted(revision)
    locked.delete()
    return Submission(revision, was_merged=merge is not None)


def hand_in(
    *,
    article: Article,
    document: Document,
    author: User,
    at: dt.datetime,
    summary: str,
    significance: str = Revision.Significance.CHANGE,
) -> Revision:
    """Let ``document`` wait for review as a change of the locked ``article``, in place of its author's last one."""
    waiting = Revision.objects.filter(article=article, author=author, state=Revision.State.SUBMITTED)
    waiting.update(state=Revision.State.WITHDRAWN)
    hold_pictures(document.content)
    revision = Revision(
        article=article,
        based_on=article.current,
        summary=summary,
        significance=significance,
        author=author,
        sha=document.sha,
        created_at=at,
    )
    revision.document = document
    revision.save()
    return revision


def _demand_whole(document: Document) -> None:
    if not document.title:
        raise WritingRefused("Give the article a title.")
    if not document.content:
        raise WritingRefused("There is no text yet.")
    if len(document.content) > MAX_CONTENT:
        raise WritingRefused(too_long(document.content))
    if refusal := too_much(document.content):
        raise WritingRefused(refusal)


def too_long(content: str) -> str:
    """The sentence for a text beyond the bound."""
    return (
        f"The text has {len(content):,} characters; {MAX_CONTENT:,} are the most. "
        "Make it a series of shorter articles."
    )


def _demand_room(author: User, article: Article | None, document: Document) -> None:
    """Few texts at once from one writer, so that no queue of one person's keeps others waiting; of new ones fewer."""
    if is_reviewer(author):
        return
    User.objects.select_for_update().get(
        pk=author.pk
    )  # two drafts sent at once are counted one after the other
    waiting = Revision.objects.waiting().filter(author=author)
    if article is not None:
        waiting = waiting.exclude(article=article)  # which this one replaces
    if is_new(author) and (refusal := refusal_for_new(document, waiting=waiting.count())):
        raise WritingRefused(refusal)
    if waiting.count() >= MOST_WAITING:
        raise WritingRefused(
            f"{MOST_WAITING} texts of yours wait for review. Your draft is kept; send it when one of them was judged."
        )


def _new_article(document: Document, author: User, at: dt.datetime) -> Article:
    """The row that the text hangs on. Another article may take the address at the same moment: then the next one."""
    for _ in range(5):
        article = Article(
            slug=free_slug(document.title),
            title=document.title,
            kind=document.kind,
            summary=document.abstract,
            owner=author,
            created_at=at,
            updated_at=at,
        )
        try:
            with transaction.atomic():
                article.save()
        except IntegrityError:
            continue
        return article
    raise WritingRefused("Another article of this title was sent at this moment. Send yours once more.")
