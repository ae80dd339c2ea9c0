"""Trip reports: read by everybody, written by whoever was there."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from events.forms.trip_reports import TripReportForm
from events.models import Conference, TripReport
from events.queries import conferences as queries
from events.services import trip_reports as services
from events.views.access import signed_in
from events.views.limits import too_often
from portal.accounts.models import User


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


def _page(
    request: HttpRequest, conference: Conference, days: list[queries.Day], form: TripReportForm, **more: Any
) -> HttpResponse:
    rows = [
        (day.day, [(session, form[f"entry_{session.pk}"]) for session in day.sessions])
        for day in days
        if day.sessions
    ]
    context = {"conference": conference, "form": form, "days": rows, **more}
    return render(request, "events/trip_report_edit.html", context, status=422 if form.errors else 200)


def _publish_if_asked(request: HttpRequest, report: TripReport) -> HttpResponse:
    if request.POST.get("then") == "publish":
        services.publish_report(report=report, at=timezone.now())
        messages.success(request, "Your report is published.")
    elif request.POST.get("then") == "take_back":
        services.take_back_report(report=report)
        messages.success(request, "Your report is a draft again: you alone see it.")
    else:
        messages.success(request, "Your report is saved.")
    return redirect(report)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new_trip_report(request: HttpRequest, slug: str) -> HttpResponse:
    """A member picks sessions of the schedule and writes about them."""
    conference = get_object_or_404(Conference, slug=slug)
    days = queries.schedule(conference)
    sessions = [session for day in days for session in day.sessions]
    form = TripReportForm(request.POST or None, sessions=sessions, title=f"{conference.name}: a trip report")
    if request.method == "POST" and form.is_valid():
        if refused := too_often(request, "trip_report"):
            return refused
        report = services.start_report(
            conference=conference,
            author=cast(User, request.user),
            title=form.cleaned_data["title"],
            introduction=form.cleaned_data["introduction"],
            texts=form.texts(),
        )
        return _publish_if_asked(request, report)
    return _page(request, conference, days, form)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_trip_report(request: HttpRequest, slug: str) -> HttpResponse:
    """Its author goes on with a report, publishes it, or takes it back."""
    own = TripReport.objects.filter(author=cast(User, request.user)).select_related("conference")
    report = get_object_or_404(own, slug=slug)
    days = queries.schedule(report.conference)
    sessions = [session for day in days for session in day.sessions]
    form = TripReportForm(request.POST or None, sessions=sessions, report=report)
    if request.method == "POST" and form.is_valid():
        services.change_report(
            report=report,
            title=form.cleaned_data["title"],
            introduction=form.cleaned_data["introduction"],
            texts=form.texts(),
        )
        return _publish_if_asked(request, report)
    return _page(request, report.conference, days, form, report=report)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def delete_trip_report(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask once, then delete it."""
    own = TripReport.objects.filter(author=cast(User, request.user)).select_related("conference")
    report = get_object_or_404(own, slug=slug)
    if request.method != "POST":
        return render(request, "events/trip_report_delete.html", {"report": report})
    report.delete()
    messages.success(request, "Your report is deleted.")
    return redirect(report.conference)
