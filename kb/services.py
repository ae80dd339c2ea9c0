"""Changes of state in the knowledge base."""

import datetime as dt
import hashlib
from collections.abc import Iterable

from django.db import transaction

from kb import rendering
from kb.models import Article, Revision
from portal.accounts.models import User
from portal.search.services import index_changed


@transaction.atomic
def publish_revision(
    *, article: Article, content: str, author: User | None, at: dt.datetime, summary: str = ""
) -> Revision:
    """Make ``content`` what readers of ``article`` see, rendered now and stored. Returns the revision.

    Safe to run twice: content that readers see already makes no second revision. ``article`` is brought up
    to date in place. Publishing for the first time sets ``published_at`` to ``at``.
    """
    locked = Article.objects.select_for_update(of=("self",)).select_related("current").get(pk=article.pk)
    sha = hashlib.sha256(content.encode()).hexdigest()
    current = locked.current
    if current is None or current.sha != sha:
        current = Revision.objects.create(
            article=locked,
            based_on=current,
            content=content,
            summary=summary,
            state=Revision.State.APPROVED,
            author=author,
            sha=sha,
            created_at=at,
        )
        article.updated_at = at
    article.current = current
    article.status = Article.Status.PUBLISHED
    article.published_at = locked.published_at or at
    _store(article, content)
    article.save(update_fields=["current", "status", "published_at", "updated_at", *_RENDERED])
    index_changed("article", str(article.pk))
    return current


def rerender_outdated() -> list[Article]:
    """Render anew what an older renderer left; return those articles. Done already, it does nothing."""
    outdated: Iterable[Article] = (
        Article.objects.filter(current__isnull=False)
        .exclude(renderer=rendering.VERSION)
        .select_related("current")
    )
    done = []
    for article in outdated:
        assert article.current is not None
        _store(article, article.current.content)
        # Only if nobody published another revision meanwhile: that one was rendered by the new renderer.
        unchanged = Article.objects.filter(pk=article.pk, current=article.current_id)
        if unchanged.update(**{name: getattr(article, name) for name in _RENDERED}):
            done.append(article)
    return done


_RENDERED = ["html", "toc", "words", "renderer"]


def _store(article: Article, content: str) -> None:
    rendered = rendering.render(content)
    article.html, article.toc, article.words = rendered.html, list(rendered.toc), rendered.words
    article.renderer = rendering.VERSION
