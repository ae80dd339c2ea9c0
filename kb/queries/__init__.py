"""What the pages of the knowledge base read, one module a subject."""

from kb.queries.reading import article_page, articles, newest_articles

__all__ = ["article_page", "articles", "newest_articles"]
