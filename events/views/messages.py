"""Messages of organizers: written, looked at once more with the number of readers, then sent."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from events.forms.organizing import MessageForm
from events.models import Chapter, Meetup
from events.queries.organizing import receivers_of
from events.services.announcements import send_announcement
from events.services.life import MeetupRefused
from events.views.access import actor_of, for_chapter_organizers, for_meetup_organizers

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@GET_OR_POST
@for_meetup_organizers
def meetup_messages(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Write to those who come to a meetup."""
    return _write(request, meetup.chapter, meetup)


@GET_OR_POST
@for_chapter_organizers
def chapter_messages(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """Write to those who follow a chapter."""
    return _write(request, chapter, None)


def _write(request: HttpRequest, chapter: Chapter, meetup: Meetup | None) -> HttpResponse:
    """A first POST shows the message as it will be read; one with ``confirmed`` sends it."""
    form = MessageForm(request.POST or None, meetup=meetup)
    sent = chapter.announcements.filter(meetup=meetup).select_related("author")
    context: dict[str, Any] = {"chapter": chapter, "meetup": meetup, "form": form, "sent": sent[:50]}
    if meetup is not None:
        context["is_past"] = meetup.is_past(timezone.now())
    if request.method != "POST" or not form.is_valid():
        return render(request, "events/messages.html", context, status=422 if form.errors else 200)
    data = form.cleaned_data
    if "confirmed" not in request.POST:
        if "again" not in request.POST:
            context["preview"] = data
            context["receivers"] = receivers_of(chapter, meetup, data["audience"])
        return render(request, "events/messages.html", context)
    try:
        send_announcement(chapter=chapter, meetup=meetup, actor=actor_of(request), at=timezone.now(), **data)
    except MeetupRefused as refused:
        form.add_error(None, str(refused))
        return render(request, "events/messages.html", context, status=422)
    messages.success(request, "The message is on its way.")
    return redirect(request.path)
