"""How chapters fare: for staff alone."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from events.models import Chapter
from events.queries.health import ChapterHealth, chapters_health, open_offers_for_new_cities
from events.services.chapters import change_chapter
from events.views.access import actor_of

_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FAR = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
#: What a column sorts by, what needs a look first.
SORTS: dict[str, tuple[str, Callable[[ChapterHealth], Any]]] = {
    "city": ("City", lambda line: line.chapter.city),
    "status": ("Status", lambda line: line.chapter.status),
    "last": ("Last meetup", lambda line: line.last_meetup or _LONG_AGO),
    "next": ("Next meetup", lambda line: line.next_meetup or _FAR),
    "people": ("Who runs it", lambda line: (line.people, line.leads)),
    "followers": ("Followers", lambda line: -line.followers),
    "waiting": ("Offers waiting", lambda line: -line.waiting),
}


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """A line for each chapter, sorted by ``?sort=``."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not request.user.is_staff:
        raise Http404
    sort = request.GET.get("sort", "city")
    sort = sort if sort in SORTS else "city"
    lines = sorted(chapters_health(at=timezone.now()), key=SORTS[sort][1])
    context = {
        "lines": lines,
        "sort": sort,
        "columns": [(name, label) for name, (label, _) in SORTS.items()],
        "new_cities": open_offers_for_new_cities(),
    }
    return render(request, "events/chapters_health.html", context)


@require_POST
def set_status(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the suggestion: quiet or active."""
    if not request.user.is_authenticated or not request.user.is_staff:
        raise Http404
    chapter = get_object_or_404(Chapter, slug=slug)
    status = request.POST.get("status", "")
    if status not in (Chapter.Status.ACTIVE, Chapter.Status.QUIET) or chapter.status not in (
        Chapter.Status.ACTIVE,
        Chapter.Status.QUIET,
    ):
        raise Http404
    change_chapter(chapter=chapter, actor=actor_of(request), changes={"status": status})
    messages.success(request, f"{chapter.city} is {status} now.")
    return redirect("events:chapters_health")
