"""Chapters that hold a meetup together: the page of the one that asks, and of the one that is asked."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events.forms.organizing import CoHostForm
from events.models import Chapter, CoHost, Meetup
from events.services.co_hosts import answer_co_host, ask_co_host, withdraw_co_host
from events.services.life import MeetupRefused
from events.views.access import actor_of, for_chapter_organizers, for_meetup_organizers


@require_http_methods(["GET", "HEAD", "POST"])
@for_meetup_organizers
def co_hosts(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Whom a meetup's organizers asked, and whom else they may ask."""
    form = CoHostForm(request.POST or None, meetup=meetup)
    if request.method == "POST" and form.is_valid():
        chapter = form.cleaned_data["chapter"]
        try:
            ask_co_host(meetup=meetup, chapter=chapter, actor=actor_of(request), at=timezone.now())
        except MeetupRefused as refused:
            form.add_error("chapter", str(refused))
        else:
            messages.success(request, f"The organizers of {chapter.city} are asked.")
            return redirect("events:co_hosts", meetup.slug)
    context = {
        "meetup": meetup,
        "is_past": meetup.is_past(timezone.now()),
        "form": form,
        "asked": meetup.co_hosts.select_related("chapter", "asked_by", "answered_by").order_by("pk"),
    }
    return render(request, "events/co_hosts.html", context, status=422 if form.errors else 200)


@require_POST
@for_meetup_organizers
def withdraw(request: HttpRequest, meetup: Meetup, co_host: int) -> HttpResponse:
    """Take back the asking, or end the holding together."""
    found = get_object_or_404(meetup.co_hosts.select_related("chapter", "meetup__chapter"), pk=co_host)
    withdraw_co_host(co_host=found, actor=actor_of(request))
    messages.success(request, f"{found.chapter.city} is no longer asked or named.")
    return redirect("events:co_hosts", meetup.slug)


@require_safe
@for_chapter_organizers
def co_hosting(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """What a chapter is asked to hold together with others."""
    asked = chapter.co_hosted.select_related("meetup__chapter", "asked_by").order_by("-pk")
    context = {"chapter": chapter, "asked": asked[:100]}
    return render(request, "events/co_hosting.html", context)


@require_POST
@for_chapter_organizers
def answer(request: HttpRequest, chapter: Chapter, co_host: int) -> HttpResponse:
    """Agree, decline, or step back."""
    asked = CoHost.objects.select_related("chapter", "meetup__chapter")
    found = get_object_or_404(asked, pk=co_host, chapter=chapter)
    agrees = request.POST.get("answer") == "agree"
    try:
        answer_co_host(co_host=found, actor=actor_of(request), agrees=agrees, at=timezone.now())
    except MeetupRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "You hold it together." if agrees else "You do not hold it together.")
    return redirect("events:co_hosting", chapter.slug)
