"""The list of meetups, and one meetup."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from events import queries
from events.forms.meetup_list import MeetupFilterForm
from events.queries import machines
from events.queries.meetup_page import meetup_page, readable_meetups

PER_PAGE = 20


@require_safe
def meetup_list(request: HttpRequest) -> HttpResponse:
    """Meetups to come, or with ``?when=past`` those that are over; narrowed by the filters."""
    past = request.GET.get("when") == "past"
    form = MeetupFilterForm(request.GET)
    narrowing = form.narrowing()
    found = queries.meetups(request.user, at=timezone.now(), past=past, narrowing=narrowing)
    context = {
        "form": form,
        "past": past,
        "is_narrowed": bool(narrowing),
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),  # type: ignore[arg-type]  # counts and slices
    }
    return render(request, "events/meetup_list.html", context)


@require_safe
def meetup_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One meetup."""
    meetup = get_object_or_404(readable_meetups(request.user), slug=slug)
    page = meetup_page(meetup, request.user, timezone.now())
    context = {
        "page": page,
        "meetup": meetup,
        "is_past": page.is_past,
        "linked_data": machines.structured_data(meetup),
        "picture": machines.picture_address(meetup),
        "organizers": page.organizers,
    }
    return render(request, "events/meetup_detail.html", context)
