"""Who comes, for organizers: searching, removing, taking the list along."""

from collections.abc import Callable, Iterator

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from events.forms.organizing import AttendeeFilterForm
from events.models import Meetup, Rsvp
from events.queries.attendees import attendee_table, attendees, sponsor_table
from events.services.audit import note_act
from events.services.seats import remove_attendee
from events.views.access import actor_of, for_meetup_organizers
from portal.csv_file import as_csv

PER_PAGE = 50


@require_safe
@for_meetup_organizers
def attendee_list(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Who signed up, with their answers."""
    form = AttendeeFilterForm(request.GET)
    narrowed = form.cleaned_data if form.is_valid() else {}
    words, status = narrowed.get("q", ""), narrowed.get("status", "")
    found = attendees(meetup, words=words, status=status)
    context = {
        "meetup": meetup,
        "is_past": meetup.is_past(timezone.now()),
        "form": form,
        "is_narrowed": bool(words or status),
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "events/attendees.html", context)


@require_POST
@for_meetup_organizers
def remove(request: HttpRequest, meetup: Meetup, rsvp: int) -> HttpResponse:
    """Take somebody's seat away; whoever waits gets it."""
    found = get_object_or_404(Rsvp.objects.select_related("user"), pk=rsvp, meetup=meetup)
    remove_attendee(rsvp=found, actor=actor_of(request), at=timezone.now())
    messages.success(request, f"{found.shown_name} is removed.")
    return redirect("events:attendees", meetup.slug)


@require_POST
@for_meetup_organizers
def export(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """The list for the door as CSV. Taking it along is an act, and is noted."""
    return _csv(request, meetup, attendee_table, "export_attendees", "attendees")


@require_POST
@for_meetup_organizers
def export_for_sponsors(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Those who agreed that sponsors get their name and address."""
    return _csv(request, meetup, sponsor_table, "export_for_sponsors", "for-sponsors")


def _csv(
    request: HttpRequest,
    meetup: Meetup,
    table: Callable[[Meetup], Iterator[list[str]]],
    act: str,
    name: str,
) -> HttpResponse:
    rows = list(table(meetup))
    note_act(act, actor=actor_of(request), meetup=meetup, people=len(rows) - 1)
    file = f"{meetup.slug}-{name}.csv"
    return HttpResponse(
        as_csv(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )
