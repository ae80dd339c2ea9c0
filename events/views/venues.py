"""The places of a chapter, for its organizers."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events.forms.organizing import VenueForm
from events.models import Chapter, Venue
from events.services.life import MeetupRefused
from events.services.venues import remove_venue, save_venue
from events.views.access import actor_of, for_chapter_organizers


@require_safe
@for_chapter_organizers
def venues(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """The places of a chapter."""
    context = {"chapter": chapter, "venues": Venue.objects.filter(chapter=chapter)}
    return render(request, "events/venues.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_chapter_organizers
def edit_venue(request: HttpRequest, chapter: Chapter, venue: int | None = None) -> HttpResponse:
    """A new place, or one described anew."""
    found = get_object_or_404(Venue, pk=venue, chapter=chapter) if venue else None
    form = VenueForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        stored = get_object_or_404(Venue, pk=venue, chapter=chapter) if venue else None
        save_venue(
            chapter=chapter,
            actor=actor_of(request),
            fields=form.values(),
            at=timezone.now(),
            venue=stored,
        )
        messages.success(request, "The venue is saved.")
        return redirect("events:venues", chapter.slug)
    context = {"chapter": chapter, "venue": found, "form": form}
    return render(request, "events/venue_edit.html", context, status=422 if form.errors else 200)


@require_POST
@for_chapter_organizers
def delete_venue(request: HttpRequest, chapter: Chapter, venue: int) -> HttpResponse:
    """Forget a place that no meetup names."""
    found = get_object_or_404(Venue.objects.select_related("chapter"), pk=venue, chapter=chapter)
    try:
        remove_venue(venue=found, actor=actor_of(request))
    except MeetupRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "The venue is gone.")
    return redirect("events:venues", chapter.slug)
