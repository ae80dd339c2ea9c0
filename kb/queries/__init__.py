"""What the pages of the knowledge base read, one module a subject."""

from kb.queries.reading import (
    article_page,
    articles,
    contributors,
    feed_articles,
    find_tag,
    newest_articles,
)

__all__ = [
    "article_page",
    "articles",
    "contributors",
    "feed_articles",
    "find_tag",
    "newest_articles",
]
