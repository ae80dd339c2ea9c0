"""What stands around an article's text, stored with it: the neighbours in its series, related articles, versions.

Names of people are not among it: they are asked for when the page is read, so that whoever leaves is gone at once.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from kb.models import Article, ArticleQuerySet, Mention, Tag

#: How many related articles a page names.
RELATED = 5
#: How many candidates of each kind are weighed, the newest first.
_CANDIDATES = 300
#: What a link from one to the other is worth, against a tag that only these two have.
_LINK, _MENTION = 1.0, 0.5
#: How many of its names are compared.
_NAMES = 100
_TO_ARTICLE = re.compile(r'href="/kb/([a-z0-9][a-z0-9_-]{0,79})/')


@contextmanager
def lock_shown(article: Article) -> Iterator[dict[str, Any]]:
    """What stands around ``article`` as it is now, to be changed in place; stored at the end if it differs.

    Several write parts of it, so each holds the row meanwhile.
    """
    with transaction.atomic():
        held = Article.objects.select_for_update(of=("self",)).only("shown").get(pk=article.pk)
        shown = dict(held.shown)
        yield shown
        article.shown = shown
        if shown != held.shown:
            Article.objects.filter(pk=article.pk).update(shown=shown)


def refresh_surroundings(article: Article) -> None:
    """Work out anew what stands around ``article`` and store it. Done already, it changes nothing."""
    found: dict[str, Any] = {
        "tags": [[tag.slug, tag.name] for tag in article.tags.all()],
        "applies_to": [str(one) for one in article.applies_to.all()],
        "links": sorted(set(_TO_ARTICLE.findall(article.html)) - {article.slug}),
        "series": _series(article),
    }
    found["related"] = _related(article, found["links"])
    with lock_shown(article) as shown:
        shown.update(found)


def refresh_neighbours(article: Article) -> None:
    """The same for the articles whose pages name ``article`` or ought to: of its series, and those it is related to."""
    slugs = [url.removeprefix("/kb/").strip("/") for _, url in article.shown.get("related", [])]
    near = Q(slug__in=[*slugs, *article.shown.get("links", [])])
    if article.series_id:
        near |= Q(series=article.series_id)
    for other in Article.objects.published().filter(near).exclude(pk=article.pk).defer("toc")[:100]:
        refresh_surroundings(other)


def refresh_all_surroundings() -> int:
    """Every published article, daily: what was missed when something went, and how rare a tag is. Returns how many."""
    done = 0
    for pk in Article.objects.published().values_list("pk", flat=True):
        article = Article.objects.published().defer("toc").filter(pk=pk).first()
        if article is not None:
            refresh_surroundings(article)
            done += 1
    return done


def _series(article: Article) -> dict[str, Any] | None:
    if article.series is None:
        return None
    parts = list(
        Article.objects.published()
        .filter(series=article.series_id)
        .order_by("part", "pk")
        .only("slug", "title", "part", "series")
    )
    place = next((number for number, part in enumerate(parts) if part.pk == article.pk), None)
    if place is None:
        return None
    return {
        "slug": article.series.slug,
        "title": article.series.title,
        "part": place + 1,
        "of": len(parts),
        "previous": _link(parts[place - 1]) if place else None,
        "next": _link(parts[place + 1]) if place + 1 < len(parts) else None,
    }


def _related(article: Article, links: list[str]) -> list[list[str]]:
    """The nearest others: by links either way, by names in code and by tags, a rare one more than a common one."""
    others = Article.objects.published().exclude(pk=article.pk)
    if article.series_id:
        others = others.exclude(series=article.series_id)  # the box of the series names them
    score: dict[int, float] = defaultdict(float)

    def count(found: ArticleQuerySet, worth: float) -> None:
        for pk in found.newest().values_list("pk", flat=True)[:_CANDIDATES]:
            score[pk] += worth

    for tag in Tag.objects.filter(pk__in=article.tags.values("pk")).annotate(used=Count("articles")):
        count(others.filter(tags=tag), 1 / max(1, tag.used - 1))
    for pk, worth in _by_names(article, others):
        score[pk] += worth
    count(others.filter(Q(slug__in=links) | Q(html__contains=f'href="/kb/{article.slug}/')), _LINK)
    best = [pk for pk, _ in sorted(score.items(), key=lambda item: (-item[1], -item[0]))[:RELATED]]
    found = others.in_bulk(best)
    return [_link(found[pk]) for pk in best]


def _by_names(article: Article, others: ArticleQuerySet) -> Iterable[tuple[int, float]]:
    """The articles that name the same devices, options and commands: a name that few have counts for more."""
    names = article.mentions.values_list("kind", "name")[:_NAMES]
    same = reduce(or_, (Q(kind=kind, name=name) for kind, name in names), Q(pk__in=[]))
    sharing: dict[tuple[str, str], list[int]] = defaultdict(list)
    found = Mention.objects.filter(same, article__in=others)
    for kind, name, pk in found.values_list("kind", "name", "article")[: _CANDIDATES * 10]:
        sharing[kind, name].append(pk)
    for pks in sharing.values():
        yield from ((pk, _MENTION / len(pks)) for pk in pks)


def _link(article: Article) -> list[str]:
    return [article.title, article.get_absolute_url()]
