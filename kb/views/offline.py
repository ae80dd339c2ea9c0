"""Reading without a network: the page that says what is kept, and the worker that shows it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import conditional_page, require_safe

#: What the page for times without a network needs.
_FILES = (
    *(f"css/{name}.css" for name in ("tokens", "base", "layout", "site", "components", "forms", "matter")),
    *("css/utilities.css", "js/kb/kept.js"),
    *("js/requests.js", "js/theme.js", "js/menu.js", "js/copy.js", "js/password.js"),
)


@require_safe
@conditional_page
def offline(request: HttpRequest) -> HttpResponse:
    """Which articles this browser keeps; a script lists them."""
    return render(request, "kb/offline.html")


@require_safe
@conditional_page
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker of the room: it answers under ``/kb/`` alone, for that is where it lies."""
    context = {"files": _FILES, "static_url": settings.STATIC_URL}
    response = render(request, "kb/worker.js", context, content_type="text/javascript")
    response["Cache-Control"] = "public, no-cache"
    return response
