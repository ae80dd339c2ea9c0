"""Hand-written makers of articles."""

import datetime as dt
from itertools import count
from typing import Any

from kb.models import Article
from kb.services import publish_revision

_numbers = count(1)
NOW = dt.datetime(2026, 11, 22, 6, 0, tzinfo=dt.UTC)


def make_article(content: str | None = "Some words.\n", **fields: Any) -> Article:
    """A published article with ``content`` for its text; None leaves it a draft without any."""
    number = next(_numbers)
    at = fields.pop("at", NOW)
    article = Article.objects.create(**({"slug": f"article-{number}", "title": f"Article {number}"} | fields))
    if content is not None:
        publish_revision(article=article, content=content, author=None, at=at)
    return article
