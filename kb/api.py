"""Published articles for programs: list and read. The same for everybody; nothing is changed here."""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import reverse
from ninja import Field, Query, Router, Schema

from kb import queries
from kb.absolute import absolute_html
from kb.models import Article

router = Router(tags=["Articles"])


class ArticleProblem(Schema):
    """Why a request was refused."""

    detail: str = Field(description="One sentence.")


class ArticleEntry(Schema):
    """A published article without its text."""

    slug: str
    title: str
    kind: str = Field(description="`how-to`, `troubleshooting`, `reference` or `trip-report`.")
    summary: str = Field(description="One or two sentences; may be empty.")
    tags: list[str] = Field(description="Slugs.")
    applies_to: list[str] = Field(description="Such as `QEMU 5.2 and later`.")
    series: str | None = Field(None, description="Slug of the series that it is a part of.")
    part: int | None = Field(None, description="Its place in the series, from 1.")
    words: int
    published_at: datetime
    updated_at: datetime
    reviewed_at: date | None = Field(None, description="When it was last tried as written.")
    url: str = Field(description="The page.")
    markdown_url: str = Field(description="The text as Markdown.")

    @staticmethod
    def resolve_tags(article: Article) -> list[str]:
        """As stored with the text."""
        return [slug for slug, _ in article.shown.get("tags", [])]

    @staticmethod
    def resolve_applies_to(article: Article) -> list[str]:
        """As stored with the text."""
        return list(article.shown.get("applies_to", []))

    @staticmethod
    def resolve_series(article: Article) -> str | None:
        """As stored with the text."""
        return (article.shown.get("series") or {}).get("slug")

    @staticmethod
    def resolve_part(article: Article) -> int | None:
        """Among the parts that readers see."""
        return (article.shown.get("series") or {}).get("part")

    @staticmethod
    def resolve_url(article: Article) -> str:
        """Whole."""
        return settings.SITE_URL + article.get_absolute_url()

    @staticmethod
    def resolve_markdown_url(article: Article) -> str:
        """Whole."""
        return settings.SITE_URL + reverse("kb:article_markdown", args=[article.slug])


class ArticleWithText(ArticleEntry):
    """A published article."""

    html: str = Field(description="Sanitised; its addresses are whole.")
    markdown: str = Field(description="As it was written.")

    @staticmethod
    def resolve_html(article: Article) -> str:
        """As stored, for reading elsewhere."""
        return absolute_html(article.html, settings.SITE_URL + article.get_absolute_url())

    @staticmethod
    def resolve_markdown(article: Article) -> str:
        """Of the revision that readers see."""
        return article.current.content if article.current else ""


class ArticleList(Schema):
    """A page of the articles, the newest first."""

    count: int = Field(description="Of all, not only of this page.")
    items: list[ArticleEntry]


class ArticleFilter(Schema):
    """Which articles, and which part of the list."""

    kind: str = Field("", max_length=15, description="Empty: every kind.")
    tag: str = Field("", max_length=50, description="Slug of a tag, or of another word for it.")
    limit: int = Field(50, ge=1, le=100, description="How many at most.")
    offset: int = Field(0, ge=0, le=1_000_000, description="How many to leave out.")


@router.get("/", response=ArticleList, summary="List the articles", url_name="articles", auth=None)
def list_articles(request: HttpRequest, wanted: Query[ArticleFilter]) -> dict[str, Any]:
    """Everything that is published, the newest first."""
    tag = queries.find_tag(wanted.tag) if wanted.tag else None
    found = queries.articles(None, kind=wanted.kind, tag=tag)
    if wanted.tag and tag is None:
        found = found.none()
    found = found.prefetch_related(None)  # all of it is in ``shown``
    return {"count": found.count(), "items": list(found[wanted.offset : wanted.offset + wanted.limit])}


@router.get(
    "/{slug:slug}",
    response={200: ArticleWithText, 404: ArticleProblem},
    summary="Read an article",
    url_name="article",
    auth=None,
)
def read_article(request: HttpRequest, slug: str) -> Article:
    """As HTML and as Markdown. An old address is not followed here: the list has the new one."""
    found = Article.objects.published().select_related("current").defer("toc").filter(slug=slug).first()
    if found is None:
        raise Http404
    return found
