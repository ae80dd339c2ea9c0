"""Organizers' pages about one meetup."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from events.models import Meetup
from events.views.access import for_meetup_organizers


@require_safe
@for_meetup_organizers
def manage_meetup(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Where a meetup stands, and what its organizers can do next."""
    context = {"meetup": meetup, "is_past": meetup.is_past(timezone.now())}
    return render(request, "events/manage_overview.html", context)
