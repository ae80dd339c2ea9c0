"""Conferences with their schedules, and what members wrote about them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from events.models import Conference, TripReport
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


@require_safe
def trip_report_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """What somebody brought home from a conference, session by session."""
    seen = TripReport.objects.visible_to(request.user).select_related("conference", "author")
    report = get_object_or_404(seen, slug=slug)
    context = {
        "report": report,
        "page": queries.report_page(report),
        "is_author": report.author_id is not None and report.author_id == request.user.pk,
    }
    return render(request, "events/trip_report_detail.html", context)
