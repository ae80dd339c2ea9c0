"""Hand-written makers of articles."""

import datetime as dt
from itertools import count
from typing import Any

from kb.documents import AppliesToRange, Document
from kb.models import Article, Revision
from kb.services import publish_document

_numbers = count(1)
NOW = dt.datetime(2026, 11, 22, 6, 0, tzinfo=dt.UTC)


def make_article(content: str | None = "Some words.\n", **fields: Any) -> Article:
    """A published article with ``content`` for its text; None leaves it a draft without any."""
    number = next(_numbers)
    at = fields.pop("at", NOW)
    article = Article.objects.create(**({"slug": f"article-{number}", "title": f"Article {number}"} | fields))
    if content is not None:
        publish_text(article, content, at=at)
    return article


def publish_text(article: Article, content: str, at: dt.datetime = NOW, **more: Any) -> Revision:
    """Publish ``content`` under the head that the article has."""
    applies_to = tuple(
        AppliesToRange(one.component, one.minimum, one.maximum) for one in article.applies_to.all()
    )
    document = Document(
        title=article.title,
        content=content,
        kind=article.kind,
        abstract=article.summary,
        tags=tuple(tag.name for tag in article.tags.all()),
        applies_to=applies_to,
        series=article.series.title if article.series else "",
        part=article.part,
    )
    return publish_document(
        article=article, document=document, author=more.pop("author", None), at=at, **more
    )
