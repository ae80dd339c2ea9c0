"""Conferences with their schedules."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from events.models import Conference
from events.queries import conferences as queries


@require_safe
def conference_list(request: HttpRequest) -> HttpResponse:
    """Conferences, the latest first."""
    return render(request, "events/conference_list.html", {"conferences": queries.conferences()})


@require_safe
def conference_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One conference, day by day."""
    conference = get_object_or_404(Conference, slug=slug)
    page = queries.conference_page(conference, request.user)
    context = {"conference": conference, "page": page, "linked_data": queries.structured_data(page)}
    return render(request, "events/conference_detail.html", context)
