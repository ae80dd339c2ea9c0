"""Addresses at which there is no article any more: it moved, or somebody deleted it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse

from kb.models import SlugRedirect
from kb.models.articles import Article
from kb.queries.keeping import gone_since

View = Callable[Concatenate[HttpRequest, ...], HttpResponse]


def follows_moves(view: View) -> Callable[..., HttpResponse]:
    """Where ``view`` finds no article of that slug: lead to where it is now (301), or say that it was deleted (410)."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **more: Any) -> HttpResponse:
        try:
            return view(request, slug, **more)
        except Http404:
            if request.method not in ("GET", "HEAD"):
                raise
            answer = _elsewhere(request, slug)
            if answer is None:
                raise
            return answer

    return guarded


def _elsewhere(request: HttpRequest, slug: str) -> HttpResponse | None:
    seen = Article.objects.visible_to(request.user)
    moved = SlugRedirect.objects.filter(slug=slug, article__in=seen).select_related("article")
    match = request.resolver_match
    found = moved.only("article__slug").first()
    if found and match:
        url = reverse(match.view_name, kwargs=match.kwargs | {"slug": found.article.slug})
        query = request.META.get("QUERY_STRING", "")
        return HttpResponsePermanentRedirect(f"{url}?{query}" if query else url)
    gone = gone_since(slug)
    return render(request, "kb/gone.html", {"article": gone}, status=410) if gone else None
