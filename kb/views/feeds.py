"""Articles for feed readers: Atom (RFC 4287), whole and of one tag. None of it knows who asks."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.xmlutils import SimplerXMLGenerator
from django.views.decorators.http import conditional_page, require_safe

from kb import queries
from kb.absolute import absolute_html
from kb.models import Tag

_LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class _Feed(Atom1Feed):
    """Entries with their whole text; a feed without entries is not new at every question."""

    def latest_post_date(self) -> dt.datetime:
        return super().latest_post_date() if self.items else _LONG_AGO

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["whole"], {"type": "html"})


@require_safe
@conditional_page
def feed(request: HttpRequest) -> HttpResponse:
    """Atom: what changed last in the whole knowledge base."""
    return _answer(reverse("kb:article_list"), "kb:feed", [], f"Knowledge base · {settings.SITE_NAME}", None)


@require_safe
@conditional_page
def tag_feed(request: HttpRequest, slug: str) -> HttpResponse:
    """Atom: what changed last among the articles of one tag."""
    tag = queries.find_tag(slug)
    if tag is None:
        raise Http404("No tag of this name")
    if tag.slug != slug:
        return redirect("kb:tag_feed", tag.slug, permanent=True)
    page = f"{reverse('kb:article_list')}?tag={tag.slug}"
    return _answer(page, "kb:tag_feed", [tag.slug], f"{tag.name} · {settings.SITE_NAME}", tag)


def _answer(page: str, name: str, arguments: list[str], title: str, tag: Tag | None) -> HttpResponse:
    link = settings.SITE_URL + page
    here = settings.SITE_URL + reverse(name, args=arguments)
    made = _Feed(title=title, link=link, description="", language="en", feed_url=here, feed_guid=here)
    for article in queries.feed_articles(tag):
        url = settings.SITE_URL + article.get_absolute_url()
        made.add_item(
            title=article.title,
            link=url,
            unique_id=url,
            description=article.summary,
            pubdate=article.published_at,
            updateddate=article.updated_at,
            whole=absolute_html(article.html, url),
        )
    response = HttpResponse(made.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
    response["Cache-Control"] = "public, max-age=300"
    return response
