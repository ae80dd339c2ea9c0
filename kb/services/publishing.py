"""Making a document what readers of an article see."""

import datetime as dt
import hashlib

from django.db import transaction
from django.utils.text import slugify

from kb.documents import Document
from kb.models import AppliesTo, Article, Revision, Series, Tag
from kb.services.checks import propose_checks
from kb.services.feedback import refresh_worked
from kb.services.pictures import hold_pictures
from kb.services.question_marks import note_promoted
from kb.services.storing import store_rendering
from kb.services.surroundings import refresh_neighbours
from portal.accounts.models import User
from portal.search.services import index_changed


@transaction.atomic
def publish_document(
    *,
    article: Article,
    document: Document,
    author: User | None,
    at: dt.datetime,
    summary: str = "",
    significance: str = Revision.Significance.CHANGE,
    reviewer: User | None = None,
    origin: str = Revision.Origin.MEMBER,
) -> Revision:
    """Make ``document`` what readers of ``article`` see, as an approved revision. Returns the revision.

    Safe to run twice: a document that readers see already makes no second revision. ``article`` is brought up
    to date in place. Publishing for the first time sets ``published_at`` to ``at``.
    """
    locked = lock_article(article)
    document = document.normalised()
    current = locked.current
    if current is None or current.sha != document.sha:
        hold_pictures(document.content)
        current = Revision(
            article=locked,
            based_on=current,
            summary=summary,
            significance=significance,
            state=Revision.State.APPROVED,
            author=author,
            reviewer=reviewer,
            origin=origin,
            reviewed_at=at,
            sha=document.sha,
            created_at=at,
        )
        current.document = document
        current.save()
    make_current(article=locked, revision=current, at=at)
    article.refresh_from_db()
    return current


def lock_article(article: Article) -> Article:
    """The article as it is now, held until the transaction ends.

    Without a join: whoever waited on PostgreSQL gets the article anew, but what was joined to it as it was before.
    """
    return Article.objects.select_for_update().get(pk=article.pk)


def make_current(*, article: Article, revision: Revision, at: dt.datetime) -> None:
    """Let readers see ``revision`` of the locked ``article``: its words, its head, its tags and versions."""
    document = revision.document
    if article.current_id != revision.pk:
        article.updated_at = at
    article.current = revision
    article.title, article.kind, article.summary = document.title, document.kind, document.abstract
    article.series = _series(document.series)
    article.part = document.part if article.series else None
    article.status = Article.Status.PUBLISHED
    article.published_at = article.published_at or at
    article.save(
        update_fields=[
            *("current", "title", "kind", "summary", "series", "part"),
            *("status", "published_at", "updated_at"),
        ]
    )
    article.tags.set([_tag(name) for name in document.tags])
    _set_applies_to(article, document)
    propose_checks(revision=revision, at=at)
    store_rendering(article)
    refresh_worked(article)
    note_promoted(article, revision)
    refresh_neighbours(article)
    index_changed("article", str(article.pk))


def _series(title: str) -> Series | None:
    if not title:
        return None
    return Series.objects.get_or_create(
        slug=slugify(title)[:80] or _series_number(title), defaults={"title": title}
    )[0]


def _series_number(title: str) -> str:
    """For titles without Latin letters, of which each needs an address of its own."""
    return f"series-{hashlib.sha256(title.encode()).hexdigest()[:12]}"


def _tag(name: str) -> Tag:
    """The tag of that name, or that it is another word for."""
    slug = slugify(name)[:50] or "tag"
    found = next((tag for tag in Tag.objects.all() if slug == tag.slug or slug in tag.aliases), None)
    return found or Tag.objects.get_or_create(slug=slug, defaults={"name": name[:50]})[0]


def _set_applies_to(article: Article, document: Document) -> None:
    # A text may name a first version twice; the database takes it once: open where one of them is, else the last.
    ranges: dict[tuple[str, str], str] = {}
    for named in document.applies_to:
        key = (named.component, named.minimum)
        ranges[key] = named.maximum if ranges.get(key, named.maximum) else ""
    wanted = {(component, minimum, maximum) for (component, minimum), maximum in ranges.items()}
    for row in article.applies_to.all():
        one = (row.component, row.minimum, row.maximum)
        if one in wanted:
            wanted.discard(one)
        else:
            row.delete()
    AppliesTo.objects.bulk_create(
        AppliesTo(article=article, component=component, minimum=minimum, maximum=maximum)
        for component, minimum, maximum in sorted(wanted)
    )
