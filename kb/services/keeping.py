"""Looking after an article: its address, its owner, its review date, the archive, and deletion that can be undone.

Each act is conditional and safe to repeat; what cannot be is :class:`KeepingRefused`.
"""

import datetime as dt
import re

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from kb.models import Article, Draft, Revision, SlugRedirect
from kb.roles import can_keep, is_reviewer
from kb.services.publishing import lock_article
from kb.services.review_news import reviewers, tell_new_owner
from kb.services.slugs import is_free_slug
from kb.services.surroundings import refresh_neighbours
from portal.accounts.models import User
from portal.search.services import index_changed

#: How long what was deleted can be brought back.
KEPT = dt.timedelta(days=30)
#: After how many months somebody should try an article again, as its keeper may choose.
INTERVALS = (3, 6, 12, 24)
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class KeepingRefused(Exception):
    """What somebody asked for cannot be; the message is a sentence for them."""


@transaction.atomic
def change_slug(*, article: Article, slug: str, actor: User) -> Article:
    """Give ``article`` another address; the one it had leads there for ever. Returns the article.

    An address that it had before it can have again. Raises :class:`KeepingRefused` and ``PermissionDenied``.
    """
    locked = _take(article, actor)
    if slug == locked.slug:
        return locked
    if not _SLUG.fullmatch(slug) or len(slug) > 80:
        raise KeepingRefused(
            "An address is made of small letters and digits, with single hyphens between them."
        )
    if not is_free_slug(slug, apart_from=locked):
        raise KeepingRefused("This address belongs to another page, or did once.")
    old, locked.slug = locked.slug, slug
    SlugRedirect.objects.filter(slug=slug, article=locked).delete()  # or the address would lead to itself
    try:
        with transaction.atomic():
            locked.save(update_fields=["slug"])
            SlugRedirect.objects.create(slug=old, article=locked)
    except IntegrityError as error:  # another article took it at this moment
        raise KeepingRefused("This address belongs to another page, or did once.") from error
    _changed(locked)
    return locked


def possible_owners(article: Article) -> "QuerySet[User]":
    """Whom an article can be handed to: whose text readers have seen, its owner, and reviewers."""
    wrote = Revision.objects.filter(article=article, state=Revision.State.APPROVED).values("author")
    may = Q(pk__in=wrote) | Q(pk__in=[user.pk for user in reviewers()]) | Q(pk=article.owner_id)
    return User.objects.filter(may, is_active=True).order_by("display_name", "pk")


@transaction.atomic
def hand_over(*, article: Article, to: User | None, actor: User, at: dt.datetime) -> None:
    """Let ``to`` keep the article true from now on, or nobody. Raises as :func:`change_slug` does."""
    locked = _take(article, actor)
    if locked.owner_id == (to.pk if to else None):
        return
    if to and not possible_owners(locked).filter(pk=to.pk).exists():
        raise KeepingRefused("Only somebody who wrote part of it, or a reviewer, can keep it true.")
    locked.owner = to
    locked.save(update_fields=["owner"])
    tell_new_owner(locked, by=actor, at=at)


@transaction.atomic
def mark_reviewed(*, article: Article, months: int, actor: User, on: dt.date) -> None:
    """Somebody tried the article as written on the day ``on``; it is due again after ``months`` (:data:`INTERVALS`)."""
    locked = _take(article, actor)
    if months not in INTERVALS:
        raise KeepingRefused("Choose one of the times that are offered.")
    locked.reviewed_at, locked.review_due = on, months_later(on, months)
    locked.save(update_fields=["reviewed_at", "review_due"])


def months_later(day: dt.date, months: int) -> dt.date:
    """The same day some months later; the last of that month where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    first = dt.date(day.year + years, month + 1, 1)
    last = (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


@transaction.atomic
def archive_article(*, article: Article, actor: User) -> None:
    """Take it away from readers without losing anything. Raises as :func:`change_slug` does."""
    _move(_take(article, actor), Article.Status.PUBLISHED, Article.Status.ARCHIVED)


@transaction.atomic
def unarchive_article(*, article: Article, actor: User) -> None:
    """Give it back to readers, as it was. Raises as :func:`change_slug` does."""
    _move(_take(article, actor), Article.Status.ARCHIVED, Article.Status.PUBLISHED)


def can_delete(user: User, article: Article) -> bool:
    """Reviewers; the owner while readers have seen nobody else's text in it."""
    if is_reviewer(user):
        return True
    others = Revision.objects.filter(article=article, state=Revision.State.APPROVED).exclude(author=user)
    return article.owner_id == user.pk and not others.exists()


@transaction.atomic
def delete_article(*, article: Article, actor: User, at: dt.datetime) -> None:
    """Take it away from everybody; it can be brought back for :data:`KEPT`. Done already, it does nothing."""
    locked = lock_article(article)
    if not can_delete(actor, locked):
        raise PermissionDenied
    if locked.deleted_at is None:
        locked.deleted_at, locked.deleted_by = at, actor
        locked.save(update_fields=["deleted_at", "deleted_by"])
        _changed(locked)


@transaction.atomic
def restore_article(*, article: Article, actor: User) -> None:
    """Bring back what was deleted: whoever deleted it, and reviewers. Done already, it does nothing."""
    locked = lock_article(article)
    if not is_reviewer(actor) and locked.deleted_by_id != actor.pk:
        raise PermissionDenied
    if locked.deleted_at is not None:
        locked.deleted_at = locked.deleted_by = None
        locked.save(update_fields=["deleted_at", "deleted_by"])
        _changed(locked)


def purge_deleted(*, at: dt.datetime) -> int:
    """Remove for good what was deleted longer than :data:`KEPT` ago; return how many. Working copies of it stay."""
    old = Article.objects.deleted().filter(deleted_at__lt=at - KEPT)
    return sum(_purge(pk, at) for pk in old.values_list("pk", flat=True))


@transaction.atomic
def _purge(pk: int, at: dt.datetime) -> bool:
    article = Article.objects.deleted().select_for_update().filter(pk=pk, deleted_at__lt=at - KEPT).first()
    if article is None:
        return False  # brought back at the last moment
    Draft.objects.filter(article=article).update(article=None, based_on=None)
    article.status, article.current = Article.Status.DRAFT, None  # what it shows is protected, also with it
    article.save(update_fields=["status", "current"])
    article.delete()
    return True


def _take(article: Article, actor: User) -> Article:
    """The article, held until the transaction ends, if ``actor`` may look after it."""
    locked = lock_article(article)
    if not can_keep(actor, locked):
        raise PermissionDenied
    if locked.deleted_at:
        raise KeepingRefused("The article is deleted.")
    return locked


def _move(locked: Article, before: str, after: str) -> None:
    if locked.status == after:
        return
    if locked.status != before:
        raise KeepingRefused("Readers have never seen this article.")
    locked.status = after
    locked.save(update_fields=["status"])
    _changed(locked)


def _changed(locked: Article) -> None:
    """Its place in the search, and on the pages of others, is another."""
    refresh_neighbours(locked)
    index_changed("article", str(locked.pk))
