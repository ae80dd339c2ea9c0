"""Meetups that repeat, for their organizers."""

import datetime as dt

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events.forms.organizing import EndSeriesForm, SeriesForm
from events.models import Chapter, Meetup, MeetupSeries
from events.series_rules import words_of
from events.services.life import MeetupRefused
from events.services.series import end_series, start_series
from events.views.access import actor_of, for_chapter_organizers, for_meetup_organizers


@require_http_methods(["GET", "HEAD", "POST"])
@for_meetup_organizers
def repeat(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Let a meetup repeat."""
    start = meetup.when.start
    form = SeriesForm(
        request.POST or None, initial={"how": "second", "weekday": start.weekday() if start else 5}
    )
    if request.method == "POST" and form.is_valid():
        try:
            series = start_series(
                meetup=meetup,
                actor=actor_of(request),
                rule=form.rule,
                until=form.cleaned_data["until"],
                at=timezone.now(),
            )
        except MeetupRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "The series is planned for half a year ahead.")
            return redirect("events:series", meetup.chapter.slug, series.pk)
    context = {"meetup": meetup, "is_past": meetup.is_past(timezone.now()), "form": form}
    return render(request, "events/series_new.html", context, status=422 if form.errors else 200)


@require_safe
@for_chapter_organizers
def series_list(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """The series of a chapter."""
    context = {"chapter": chapter, "series": chapter.series.order_by("-pk")[:100]}
    return render(request, "events/series_list.html", context)


@require_safe
@for_chapter_organizers
def series_detail(request: HttpRequest, chapter: Chapter, series: int) -> HttpResponse:
    """A series, its meetups to come, and its end."""
    return _page(request, get_object_or_404(MeetupSeries, pk=series, chapter=chapter), EndSeriesForm())


@require_POST
@for_chapter_organizers
def end(request: HttpRequest, chapter: Chapter, series: int) -> HttpResponse:
    """End a series with a day."""
    found = get_object_or_404(MeetupSeries.objects.select_related("chapter"), pk=series, chapter=chapter)
    form = EndSeriesForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    gone = end_series(
        series=found,
        actor=actor_of(request),
        last_day=form.cleaned_data["last_day"],
        reason=form.cleaned_data["reason"],
        at=timezone.now(),
    )
    last = form.cleaned_data["last_day"]
    messages.success(request, f"The series ends with {last:%d %B %Y}; {gone} later meetups are taken away.")
    return redirect("events:series", chapter.slug, found.pk)


def _page(request: HttpRequest, series: MeetupSeries, form: EndSeriesForm) -> HttpResponse:
    now = timezone.now()
    coming = Meetup.objects.filter(series=series, starts_at__gt=now - dt.timedelta(days=1))
    context = {
        "chapter": series.chapter,
        "series": series,
        "rule": words_of(series.rule),
        "coming": coming.order_by("starts_at")[:60],
        "form": form,
    }
    return render(request, "events/series.html", context, status=422 if form.errors else 200)
