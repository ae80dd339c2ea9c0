"""Cards of names, for articles: a piece of a page, and the same for everybody."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from labtools.embeds.names import page_of
from labtools.queries.cards import card as find_card

KINDS = ("device", "option", "machine", "cpu")
#: No name of a host is longer, an option's is two.
MAX_NAME = 401


@require_safe
@cache_control(public=True, max_age=300)
def card(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """What public hosts say of the name, whoever asks."""
    found = find_card(kind, name) if kind in KINDS and len(name) <= MAX_NAME else None
    if found is None:
        raise Http404("No public host knows that name")
    return render(request, "labtools/card.html", {"card": found, "page": page_of(kind, name)})
