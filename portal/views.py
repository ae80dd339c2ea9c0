"""Pages that belong to no room: home, about, errors. This module composes the rooms; nothing imports it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.views.decorators.http import require_safe

from portal import logs
from portal.styleguide import example_context


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Next meetups, newest articles, the lab at a glance."""
    return render(request, "home.html")


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Who runs this and why."""
    return render(request, "about.html")


@require_safe
def code_of_conduct(request: HttpRequest) -> HttpResponse:
    """What people may expect of one another here."""
    return render(request, "code_of_conduct.html")


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component of the design with its states."""
    return render(request, "styleguide.html", example_context())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without context processors: whatever broke must not break this page too."""
    context = {"request_id": logs.request_id.get()}
    return HttpResponse(loader.render_to_string("500.html", context), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form sent too late or from elsewhere; what was typed is still in the browser one step back."""
    return render(request, "403_csrf.html", status=403)
