"""What is made of an article's text whenever it, or what it shows, changes; so that a reader's page only reads."""

from collections.abc import Iterable, Mapping

from django.db.models import Q

from kb import rendering
from kb.markup import Parts
from kb.models import Article, LiveBlock
from kb.services.link_checks import note_links
from kb.services.surroundings import refresh_surroundings
from portal.embeds.registry import all_embeds, find

#: columns that rendering fills
RENDERED = ("html", "toc", "words", "renderer")


def store_rendering(article: Article) -> bool:
    """Render the current revision of ``article`` and store the result.

    Returns False where somebody published another revision meanwhile: that one was rendered by whoever did it.
    """
    assert article.current is not None
    stamps = {
        embed.name: embed.stamp() for embed in all_embeds() if f"{{{{ {embed.name}" in article.current.content
    }
    rendered = rendering.render(article.current.content, Parts(embed=draw_block))
    article.html, article.toc, article.words = rendered.html, list(rendered.toc), rendered.words
    article.renderer = rendering.VERSION
    unchanged = Article.objects.filter(pk=article.pk, current=article.current_id)
    is_ours = bool(unchanged.update(**{name: getattr(article, name) for name in RENDERED}))
    if is_ours:
        _note_blocks(article, rendered.blocks, stamps)
        note_links(article)
        refresh_surroundings(article)
    return is_ours


def draw_block(name: str, argument: str) -> str | None:
    """The HTML of a live block; None where no room has one of that name."""
    embed = find(name)
    return None if embed is None else embed.draw(argument)


def _note_blocks(article: Article, blocks: Iterable[tuple[str, str]], stamps: Mapping[str, str]) -> None:
    """Remember with which stamps the blocks were drawn: when one is another, the article is stored anew."""
    article.live_blocks.all().delete()
    known = dict.fromkeys((name, argument) for name, argument in blocks if find(name))
    LiveBlock.objects.bulk_create(
        LiveBlock(article=article, name=name, argument=argument, stamp=stamps.get(name, ""))
        for name, argument in known
    )


def redraw_blocks() -> list[Article]:
    """Store anew the articles of which a live block would now say something else; return them. One query a block."""
    stale = Q(pk__in=[])
    for name in LiveBlock.objects.order_by("name").values_list("name", flat=True).distinct():
        embed = find(name)
        stale |= Q(name=name) & ~Q(stamp=embed.stamp() if embed else "")
    articles = Article.objects.filter(live_blocks__in=LiveBlock.objects.filter(stale), current__isnull=False)
    return [article for article in articles.distinct().select_related("current") if store_rendering(article)]


def rerender_outdated() -> list[Article]:
    """Render anew what an older renderer left; return those articles. Done already, it does nothing."""
    outdated: Iterable[Article] = (
        Article.objects.filter(current__isnull=False)
        .exclude(renderer=rendering.VERSION)
        .select_related("current")
    )
    return [article for article in outdated if store_rendering(article)]
