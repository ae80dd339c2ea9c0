"""What links of an article may lead to inside the portal."""

from functools import cache
from urllib.parse import unquote

from django.urls import Resolver404, resolve

from kb.checking import Known
from kb.models import Article, Attachment

#: Further addresses of one text are taken for good: no text may ask the database without bound.
_MOST_ASKED = 300


def known_pages() -> Known:
    """For one text: remembers what it asked."""
    asked = 0

    @cache
    def article(slug: str) -> str | None:
        """The HTML of a published article; None where there is none."""
        found = Article.objects.published().filter(slug=slug).values_list("html", flat=True).first()
        if found is None:
            later = Article.objects.published().filter(old_slugs__slug=slug)
            found = later.values_list("html", flat=True).first()
        return found

    @cache
    def page(path: str) -> bool:
        nonlocal asked
        asked += 1
        if asked > _MOST_ASKED:
            return True
        try:
            match = resolve(unquote(path))
        except Resolver404:
            return False
        if match.view_name in ("kb:article", "kb:article_markdown"):
            return article(match.kwargs["slug"]) is not None
        if match.view_name == "kb:picture":
            return Attachment.objects.filter(sha256=match.kwargs["sha256"]).exists()
        return True

    def section(path: str, name: str) -> bool | None:
        if not page(path) or asked > _MOST_ASKED:
            return None
        match = resolve(unquote(path))
        if match.view_name != "kb:article":
            return None
        return f'id="s-{name}"' in (article(match.kwargs["slug"]) or "")

    return Known(page, section)
