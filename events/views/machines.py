"""Feeds, pictures and frames for other programs and sites; none of them knows who asks."""

import datetime as dt

from csp.decorators import csp
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Atom1Feed
from django.utils.http import quote_etag
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import conditional_page, require_safe

from events import pictures
from events.models import Chapter, Meetup
from events.queries import machines

_DAY = 24 * 3600
_LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@require_safe
@conditional_page
def meetup_feed(request: HttpRequest) -> HttpResponse:
    """Atom: meetups of all chapters as they are announced."""
    return _feed(reverse("events:meetup_list"), f"Meetups · {settings.SITE_NAME}", None)


@require_safe
@conditional_page
def chapter_feed(request: HttpRequest, slug: str) -> HttpResponse:
    """Atom: one chapter's meetups as they are announced."""
    chapter = get_object_or_404(Chapter.objects.visible_to(None), slug=slug)
    title = f"Meetups in {chapter.city} · {settings.SITE_NAME}"
    return _feed(chapter.get_absolute_url(), title, chapter)


class _Feed(Atom1Feed):
    """Django says that a feed without entries was updated just now, which would be new at every question."""

    def latest_post_date(self) -> dt.datetime:
        return super().latest_post_date() if self.items else _LONG_AGO


def _feed(page: str, title: str, chapter: Chapter | None) -> HttpResponse:
    link = settings.SITE_URL + page
    feed = _Feed(
        title=title, link=link, description="", language="en", feed_url=f"{link}feed.atom", feed_guid=link
    )
    for meetup in machines.announced(chapter=chapter):
        feed.add_item(**machines.feed_entry(meetup))
    response = HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_safe
def meetup_picture(request: HttpRequest, slug: str) -> HttpResponse:
    """The picture that other sites show beside a link to the meetup. Drawn once and kept while nothing changes."""
    seen = Meetup.objects.visible_to(None).select_related("chapter", "venue")
    meetup = get_object_or_404(seen, slug=slug)
    version = machines.picture_version(meetup)
    response = get_conditional_response(request, etag=quote_etag(version))
    if response is None:
        key = f"meetup-picture:{version}"
        picture = cache.get(key)
        if picture is None:
            picture = pictures.draw_card(**machines.picture_facts(meetup))
            cache.set(key, picture, _DAY)
        response = HttpResponse(picture, content_type="image/png")
    if not isinstance(response, HttpResponseNotModified):
        response["Content-Disposition"] = "inline"
    response["ETag"] = quote_etag(version)
    response["Cache-Control"] = f"public, max-age={_DAY}" if "v" in request.GET else "public, max-age=300"
    return response


_FRAME_POLICY = {
    "default-src": ["'none'"],
    "style-src": ["'self'"],
    "font-src": ["'self'"],
    "base-uri": ["'self'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["*"],
}


@require_safe
@xframe_options_exempt
@csp(_FRAME_POLICY)  # type: ignore[arg-type]  # typed for views without arguments
def chapter_embed(request: HttpRequest, slug: str) -> HttpResponse:
    """A chapter's next meetups for a frame in another site: the same for everybody, no script, no form."""
    chapter = get_object_or_404(Chapter.objects.visible_to(None), slug=slug)
    context = {"chapter": chapter, "meetups": machines.embedded(chapter, at=timezone.now())}
    response = render(request, "events/chapter_embed.html", context)
    response["Cache-Control"] = "public, max-age=300"
    return response
