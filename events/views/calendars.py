"""Calendar feeds, and a member's own address."""

import datetime as dt
from hashlib import sha256

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from events.models import Chapter, Meetup
from events.queries import calendars

#: Seconds for which caches between us and many readers of one feed may answer alone.
SHARED_SECONDS = 300


@require_safe
def all_calendar(request: HttpRequest) -> HttpResponseBase:
    """Everybody's feed."""
    now = timezone.now()
    changed = calendars.shared_feed_changed_at(None, at=now)
    return _shared(request, calendars.all_chapters_feed(at=now), "meetups", changed)


@require_safe
def chapter_calendar(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A chapter's feed; an archived chapter keeps its own, for programs go on asking."""
    chapter = get_object_or_404(Chapter, slug=slug)
    now = timezone.now()
    changed = calendars.shared_feed_changed_at(chapter, at=now)
    return _shared(request, calendars.chapter_feed(chapter, at=now), chapter.slug, changed)


@require_safe
def meetup_file(request: HttpRequest, slug: str) -> HttpResponseBase:
    """One meetup as a file; there is none for a draft, nor while the day is open."""
    meetup = get_object_or_404(Meetup.objects.visible_to(None), slug=slug)
    if not calendars.has_calendar_day(meetup):
        raise Http404
    response = _shared(request, calendars.meetup_calendar(meetup), meetup.slug, meetup.changed_at)
    if response.status_code == 200:
        response["Content-Disposition"] = f'attachment; filename="{meetup.slug}.ics"'
    return response


def _shared(request: HttpRequest, body: bytes, name: str, changed: dt.datetime) -> HttpResponseBase:
    response = _calendar(request, body, name, changed)
    response["Cache-Control"] = f"public, max-age={SHARED_SECONDS}"
    return response


def _calendar(
    request: HttpRequest, body: bytes, name: str, changed: dt.datetime | None = None
) -> HttpResponseBase:
    """The answer with its ETag, or 304 where the client has these bytes."""
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    seconds = int(changed.timestamp()) if changed else None
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'inline; filename="{name}.ics"'
    response["ETag"] = etag
    if seconds is not None:
        response["Last-Modified"] = http_date(seconds)
    return get_conditional_response(request, etag, seconds, response) or response
