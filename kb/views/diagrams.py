"""The frame in which diagrams are drawn: script, and nothing else."""

from csp.decorators import csp
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

#: Mermaid runs on an author's text. Whatever that text makes it do happens in an origin that has nothing, without
#: cookies, storage, network or a way out of the frame. Mermaid styles its drawings by inline style; no page of the
#: portal itself allows that.
_POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": ["allow-scripts"],
}


@require_safe
@xframe_options_sameorigin
@csp(_POLICY)
def diagram(request: HttpRequest) -> HttpResponse:
    """An empty frame, the same for everybody; ``static/js/kb/diagrams.js`` hands it what to draw."""
    response = render(request, "kb/diagram.html")
    response["Cache-Control"] = "public, max-age=3600"
    return response
