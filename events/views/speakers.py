"""People who give talks."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from events.models import Speaker
from events.queries import talks as queries


@require_safe
def speaker_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """A speaker's talks across the years."""
    speaker = get_object_or_404(Speaker.objects.visible_to(request.user), slug=slug)
    context = {"speaker": speaker, "page": queries.speaker_page(speaker, request.user)}
    return render(request, "events/speaker_detail.html", context)
