"""What the search finds in the knowledge base."""

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any

from kb.models import Article, ArticleQuerySet
from portal.search.registry import Entry, Source, register

#: What the lab says in an article is found in the lab; no author can write a section.
_LIVE_BLOCK = re.compile(r'<section class="live-block.*?</section>', re.DOTALL)
_ANCHOR = re.compile(r'<a [^>]*class="anchor"[^>]*>.*?</a>', re.DOTALL)
_BLOCK = re.compile(r"</?(?:p|div|pre|h[1-6]|li|ul|ol|tr|t[dh]|table|blockquote|dt|dd|br|hr)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")


def plain_text(rendered: str) -> str:
    """The words of stored HTML, blocks apart, without the marks that link to headings."""
    without = _TAG.sub("", _BLOCK.sub("\n", _ANCHOR.sub("", _LIVE_BLOCK.sub("\n", rendered))))
    return re.sub(r"\s+", " ", html.unescape(without)).strip()


def _public() -> ArticleQuerySet:
    return Article.objects.published().prefetch_related("tags").order_by("pk")


def _entries() -> Iterator[Entry]:
    for article in _public().iterator(chunk_size=200):
        yield _entry_of(article)


def _entry(key: str) -> Entry | None:
    article = _public().filter(pk=key).first()
    return None if article is None else _entry_of(article)


def _entry_of(article: Article) -> Entry:
    tags = " ".join(tag.name for tag in article.tags.all())
    return Entry(
        key=str(article.pk),
        title=article.title,
        url=article.get_absolute_url(),
        head="\n".join([article.summary, *_headings(article.toc), tags]),
        body=plain_text(article.html),
        note=article.get_kind_display(),
        weight=1.5,
    )


def _headings(toc: Iterable[dict[str, Any]]) -> Iterator[str]:
    for heading in toc:
        yield heading["name"]
        yield from _headings(heading["children"])


def register_all() -> None:
    """Let the search find the articles."""
    register(Source("article", "Knowledge base", _entries, _entry))
