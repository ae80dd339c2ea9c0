"""What is made of an article's text whenever it, or what it shows, changes; so that a reader's page only reads."""

from collections.abc import Iterable

from kb import rendering
from kb.models import Article
from kb.services.surroundings import refresh_surroundings

#: columns that rendering fills
RENDERED = ("html", "toc", "words", "renderer")


def store_rendering(article: Article) -> bool:
    """Render the current revision of ``article`` and store the result.

    Returns False where somebody published another revision meanwhile: that one was rendered by whoever did it.
    """
    assert article.current is not None
    rendered = rendering.render(article.current.content)
    article.html, article.toc, article.words = rendered.html, list(rendered.toc), rendered.words
    article.renderer = rendering.VERSION
    unchanged = Article.objects.filter(pk=article.pk, current=article.current_id)
    is_ours = bool(unchanged.update(**{name: getattr(article, name) for name in RENDERED}))
    if is_ours:
        refresh_surroundings(article)
    return is_ours


def rerender_outdated() -> list[Article]:
    """Render anew what an older renderer left; return those articles. Done already, it does nothing."""
    outdated: Iterable[Article] = (
        Article.objects.filter(current__isnull=False)
        .exclude(renderer=rendering.VERSION)
        .select_related("current")
    )
    return [article for article in outdated if store_rendering(article)]
