"""Pages about oneself."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@login_required
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    """One's own corner of the portal."""
    return render(request, "accounts/me.html")
