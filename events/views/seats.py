"""Signing up to a meetup, and looking after one's sign-up by a link from a mail."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from events.models import Rsvp
from events.services.links import LinkInvalid, read_link


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rsvp_link(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind a link in a mail: it shows one button, and only that button acts."""
    try:
        link = read_link(token)
    except LinkInvalid as error:
        raise Http404 from error
    rsvp = get_object_or_404(Rsvp.objects.select_related("meetup__chapter", "user"), pk=link.rsvp_pk)
    return render(request, "events/rsvp_link.html", {"rsvp": rsvp, "link": link})
