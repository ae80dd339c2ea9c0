"""What readers of articles are shown."""

from kb.models import Article, ArticleQuerySet, Revision, Tag


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
    """Articles as their own page shows them: one query, for what hangs on them is in ``shown``."""
    return Article.objects.visible_to(user).select_related("owner", "current").defer("current__content")


def contributors(article: Article) -> list[str]:
    """Who wrote what readers see, the first first, each once; those who left are not among them."""
    written = (
        Revision.objects.filter(article=article, state=Revision.State.APPROVED, author__isnull=False)
        .order_by("created_at", "pk")
        .select_related("author")
        .only("author__display_name", "author__email", "article")
    )
    return list(dict.fromkeys(one.author.name for one in written if one.author))


def feed_articles(tag: Tag | None, limit: int = 30) -> list[Article]:
    """The articles that changed last, with their text, for Atom."""
    found = Article.objects.published().order_by("-updated_at", "-pk").defer("toc", "shown")
    return list((found.filter(tags=tag) if tag else found)[:limit])


def find_tag(slug: str) -> Tag | None:
    """The tag of that slug, or the one that it is another word for."""
    exact = Tag.objects.filter(slug=slug).first()
    return exact or next((tag for tag in Tag.objects.exclude(aliases=[]) if slug in tag.aliases), None)


def _for_lists(found: ArticleQuerySet) -> ArticleQuerySet:
    return found.defer("html", "toc")
