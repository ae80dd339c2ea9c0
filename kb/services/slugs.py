"""Addresses of articles: which are free, and one for a title."""

from django.utils.text import slugify

from kb.models import RESERVED_SLUGS, Article, SlugRedirect

_LENGTH = 80


def is_free_slug(slug: str, *, apart_from: Article | None = None) -> bool:
    """Whether an article may take this address: no page, article (deleted or not) or earlier address has it."""
    others = Article.objects.filter(slug=slug)
    former = SlugRedirect.objects.filter(slug=slug)
    if apart_from is not None:
        others, former = others.exclude(pk=apart_from.pk), former.exclude(article=apart_from)
    return slug not in RESERVED_SLUGS and not others.exists() and not former.exists()


def free_slug(title: str) -> str:
    """An address made of the title's words; with a number where it is taken. Without Latin letters: ``article-N``."""
    stem = slugify(title)[:_LENGTH].strip("-_") or "article"
    taken = {
        *Article.objects.filter(slug__startswith=stem[:70]).values_list("slug", flat=True),
        *SlugRedirect.objects.filter(slug__startswith=stem[:70]).values_list("slug", flat=True),
        *RESERVED_SLUGS,
    }
    slug, number = stem, 2
    while slug in taken:
        slug = f"{stem[: _LENGTH - len(str(number)) - 1].rstrip('-_')}-{number}"
        number += 1
    return slug
