"""What is made of an article's text whenever it, or what it shows, changes; so that a reader's page only reads."""

import hashlib
from collections.abc import Iterable, Mapping

from django.db.models import Q

from kb import rendering
from kb.live_parts import live_parts
from kb.models import Article, LiveBlock
from kb.services.check_badges import badges_of, summary_of
from kb.services.link_checks import note_links
from kb.services.naming import store_mentions, store_signatures
from kb.services.surroundings import lock_shown, refresh_surroundings
from portal.embeds import names
from portal.embeds.registry import all_embeds, find

#: columns that rendering fills
RENDERED = ("html", "toc", "words", "renderer")
#: What ``LiveBlock.name`` says of the names in a text, which are no block but go out of date in the same way.
NAMES = "names"


def store_rendering(article: Article, *, is_new_text: bool = True) -> bool:
    """Render the current revision of ``article`` and store the result. ``is_new_text``: not only the lab changed.

    Returns False where somebody published another revision meanwhile: that one was rendered by whoever did it.
    """
    assert article.current is not None
    # Before the answers: what changes while they are drawn is then drawn again.
    stamps = {embed.name: embed.stamp() for embed in all_embeds() if embed.name in article.current.content}
    names_stamp = _stamp_of(NAMES)
    rendered = rendering.render(article.current.content, live_parts(badges_of(article)))
    article.html, article.toc, article.words = rendered.html, list(rendered.toc), rendered.words
    article.renderer = rendering.VERSION
    unchanged = Article.objects.filter(pk=article.pk, current=article.current_id)
    is_ours = bool(unchanged.update(**{name: getattr(article, name) for name in RENDERED}))
    if is_ours:
        if rendered.codes or rendered.fences:
            stamps[NAMES] = names_stamp
        _note_blocks(article, rendered.blocks, stamps)
        note_links(article)
        store_mentions(article, rendered, is_new_text=is_new_text)
        store_signatures(article, rendered)
        refresh_surroundings(article)
        with lock_shown(article) as shown:
            shown["checks"] = summary_of(article)
    return is_ours


def _note_blocks(article: Article, blocks: Iterable[tuple[str, str]], stamps: Mapping[str, str]) -> None:
    """Remember with which stamps blocks and names were drawn: when one is another, the article is stored anew."""
    article.live_blocks.all().delete()
    known = dict.fromkeys((name, argument) for name, argument in blocks if find(name))
    if NAMES in stamps:
        known[NAMES, ""] = None
    LiveBlock.objects.bulk_create(
        LiveBlock(article=article, name=name, argument=argument, stamp=stamps.get(name, ""))
        for name, argument in known
    )


def redraw_blocks() -> list[Article]:
    """Store anew the articles of which a live block would now say something else; return them. One query a block."""
    stale = Q(pk__in=[])
    for name in LiveBlock.objects.order_by("name").values_list("name", flat=True).distinct():
        stale |= Q(name=name) & ~Q(stamp=_stamp_of(name))
    articles = Article.objects.filter(live_blocks__in=LiveBlock.objects.filter(stale), current__isnull=False)
    found = articles.distinct().select_related("current")
    return [article for article in found if store_rendering(article, is_new_text=False)]


def _stamp_of(name: str) -> str:
    if name == NAMES:
        return hashlib.sha256(names.stamp().encode()).hexdigest()
    embed = find(name)
    return embed.stamp() if embed else ""


def rerender_outdated() -> list[Article]:
    """Render anew what an older renderer left; return those articles. Done already, it does nothing."""
    outdated: Iterable[Article] = (
        Article.objects.filter(current__isnull=False)
        .exclude(renderer=rendering.VERSION)
        .select_related("current")
    )
    return [article for article in outdated if store_rendering(article, is_new_text=False)]
