"""Chapters by city, and one chapter."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from events import queries
from events.models import Chapter


@require_safe
def chapter_list(request: HttpRequest) -> HttpResponse:
    """Chapters by city."""
    context = {"chapters": queries.listed_chapters(at=timezone.now())}
    response = render(request, "events/chapter_list.html", context)
    response["Permissions-Policy"] = "geolocation=(self)"  # to sort by distance, in the browser alone
    return response


@require_safe
def chapter_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One chapter: who runs it, its meetups to come and past."""
    chapter = get_object_or_404(Chapter.objects.visible_to(request.user), slug=slug)
    page = queries.chapter_page(chapter, request.user, at=timezone.now())
    return render(request, "events/chapter_detail.html", {"page": page, "chapter": chapter})
