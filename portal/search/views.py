"""The search page, and the same for programs."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from portal.search import queries, services
from portal.search.queries import SearchPage


def _search(request: HttpRequest, *, is_typing: bool = False) -> SearchPage:
    """What the address asks for; nonsense in it is nothing asked."""
    room = request.GET.get("room", "")
    page = request.GET.get("page", "1")
    return queries.search(
        request.GET.get("q", ""),
        room=room if room in queries.rooms() else "",
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
        is_typing=is_typing,
    )


@require_safe
@vary_on_headers("HX-Request")
def search_page(request: HttpRequest) -> HttpResponse:
    """What was found in all rooms; htmx asks for the results alone while somebody types."""
    is_typing = "HX-Request" in request.headers
    found = _search(request, is_typing=is_typing)
    if request.method == "GET" and found.query and not found.total and not is_typing:
        services.note_missed(found.query, at=timezone.now())
    context = {
        "found": found,
        "facets": [
            {"facet": facet, "url": "?" + urlencode({"q": found.query, "room": facet.room})}
            for facet in found.facets
        ],
        "all_url": "?" + urlencode({"q": found.query}),
        "mended_url": "?" + urlencode({"q": found.did_you_mean}),
        "previous_url": _page_url(found, found.page - 1) if found.page > 1 else "",
        "next_url": _page_url(found, found.page + 1) if found.page < found.pages else "",
    }
    return render(request, "search/search.html" + ("#results" if is_typing else ""), context)


def _page_url(found: SearchPage, page: int) -> str:
    narrowed = {"room": found.room} if found.room else {}
    return "?" + urlencode({"q": found.query, **narrowed, "page": page})


@require_safe
def search_json(request: HttpRequest) -> JsonResponse:
    """``results`` (``room``, ``title``, ``url``, ``snippet``), ``did_you_mean`` and how much there is."""
    found = _search(request)
    return JsonResponse(
        {
            "query": found.query,
            "total": found.total,
            "is_more": found.is_more,
            "page": found.page,
            "pages": found.pages,
            "has_every_term": found.has_every_term,
            "rooms": {facet.room: facet.count for facet in found.facets},
            "results": [
                {
                    "room": result.room,
                    "title": result.title_text,
                    "url": settings.SITE_URL + result.url,
                    "snippet": result.snippet_text,
                }
                for result in found.results
            ],
            "did_you_mean": found.did_you_mean or None,
        },
        headers={"X-Robots-Tag": "noindex"},
        json_dumps_params={"indent": 1},
    )
