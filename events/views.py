"""Pages of the meetups room."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def meetup_list(request: HttpRequest) -> HttpResponse:
    """Meetups to come."""
    return render(request, "events/meetup_list.html")


@require_safe
def chapter_list(request: HttpRequest) -> HttpResponse:
    """Chapters by city."""
    return render(request, "events/chapter_list.html")
