"""Calendar feeds, and a member's own address."""

import datetime as dt
from collections.abc import Callable
from hashlib import sha256
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from events import calendar_links
from events.models import CalendarToken, Chapter, Meetup
from events.queries import calendars
from events.queries.own_calendar import own_feed
from events.services import calendar_tokens
from portal.accounts.models import User

#: Seconds for which caches, ours and those between us and the readers, may answer for a shared feed.
SHARED_SECONDS = 300


@require_safe
def all_calendar(request: HttpRequest) -> HttpResponseBase:
    """Everybody's feed."""
    now = timezone.now()
    state = calendars.feed_state(None, at=now)
    body = _kept(f"all:{state}", lambda: calendars.all_chapters_feed(at=now))
    return _shared(request, body, "meetups", state.changed_at)


@require_safe
def chapter_calendar(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A chapter's feed; an archived chapter keeps its own, for programs go on asking."""
    chapter = get_object_or_404(Chapter, slug=slug)
    now = timezone.now()
    state = calendars.feed_state(chapter, at=now)
    body = _kept(f"{chapter.pk}:{state}", lambda: calendars.chapter_feed(chapter, at=now))
    return _shared(request, body, chapter.slug, state.changed_at)


def _kept(key: str, make: Callable[[], bytes]) -> bytes:
    """The bytes of a shared feed, made once for all who ask in some minutes, unless a meetup changes.

    A thousand meetups take a good part of a second to write, and programs ask every hour, on the hour.
    """
    name = f"calendar:{sha256(key.encode()).hexdigest()}"
    body: bytes | None = cache.get(name)
    if body is None:
        body = make()
        cache.set(name, body, SHARED_SECONDS)
    return body


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


@require_safe
def own_calendar(request: HttpRequest, token: str) -> HttpResponseBase:
    """A member's own feed, for whoever has its address. One that ended and one that never was are the same."""
    # The index on a random token of 256 bits tells nothing by its time; one query answers, whatever the token is.
    owned = CalendarToken.objects.select_related("user").filter(user__is_active=True)
    user = get_object_or_404(owned, token=token).user
    response = _calendar(request, own_feed(user, at=timezone.now()), "my-meetups")
    response["Cache-Control"] = "private, no-cache"
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
def calendar_list(request: HttpRequest) -> HttpResponse:
    """Every address that a calendar program can follow."""
    return render(request, "events/calendar_list.html", {"chapters": Chapter.objects.listed()})


@login_required
@never_cache
@require_safe
def my_calendar(request: HttpRequest) -> HttpResponse:
    """The address of one's own feed; there is none until one asks for it."""
    token = CalendarToken.objects.filter(user=cast(User, request.user)).first()
    links = calendar_links.subscription(f"/calendar/{token.token}.ics") if token else None
    return render(request, "events/my_calendar.html", {"token": token, "links": links})


@login_required
@require_POST
def my_calendar_new(request: HttpRequest) -> HttpResponse:
    """Make one's address, or a new one in place of the old."""
    had_one = calendar_tokens.replace_token(user=cast(User, request.user), at=timezone.now())
    if had_one:
        messages.success(
            request, "The old address is dead. Give the new one to every program that used the old."
        )
    return redirect("events:my_calendar")


@login_required
@require_POST
def my_calendar_delete(request: HttpRequest) -> HttpResponse:
    """End one's address."""
    calendar_tokens.delete_token(user=cast(User, request.user))
    messages.success(request, "Your calendar address is deleted. Programs that ask for it find nothing.")
    return redirect("events:my_calendar")


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
