"""What readers of articles are shown."""

from kb.models import Article, ArticleQuerySet, Tag


def newest_articles(limit: int = 3) -> list[Article]:
    """The articles published last, for the home page: without their text."""
    return list(_for_lists(Article.objects.published()).newest()[:limit])


def articles(user: object, *, kind: str, tag: Tag | None) -> ArticleQuerySet:
    """The list that ``user`` may see, the newest first, narrowed where a filter is set; with tags and versions."""
    found = _for_lists(Article.objects.visible_to(user)).newest()
    if kind:
        found = found.filter(kind=kind)
    if tag:
        found = found.filter(tags=tag)
    return found.prefetch_related("applies_to")


def article_page(user: object) -> ArticleQuerySet:
    """Articles as their own page shows them: three queries for one of them, whatever hangs on it."""
    seen = Article.objects.visible_to(user).select_related("owner", "current__author")
    return seen.defer("current__content").prefetch_related("tags", "applies_to")


def _for_lists(found: ArticleQuerySet) -> ArticleQuerySet:
    return found.defer("html", "toc")
