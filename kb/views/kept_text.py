"""Forms that carry an article's text give it back when there is nothing to keep it in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from kb.forms.writing import answered_content
from kb.services.own_posts import PostGone
from kb.services.writing import MAX_CONTENT, DraftGone
from kb.views.access import View

_MAX_WORDS = 10_000


def wants_json(request: HttpRequest) -> bool:
    """Whether the page's own program asks, which keeps the text itself."""
    return request.headers.get("Accept", "").startswith("application/json")


def keeps_text(view: View) -> Callable[..., HttpResponse]:
    """Answer a form whose draft is gone, or whose sender is signed out by now, with the text that was in it.

    A draft of somebody else is as good as none: the answer is the same.
    """
    return _keeps(view, "content", MAX_CONTENT, "kb/draft_gone.html")


def keeps_words(view: View) -> Callable[..., HttpResponse]:
    """The same for a question or an answer, and for an article that readers no longer see."""
    return _keeps(view, "text", _MAX_WORDS, "kb/post_gone.html")


def _keeps(view: View, field: str, longest: int, template: str) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        try:
            return view(request, *args, **more)
        except (Http404, DraftGone, PostGone) as error:
            if request.method != "POST" or wants_json(request):
                raise Http404 from error
            # An answer's form stands on a page of another address.
            back = reverse("kb:article_list") if request.path.endswith("/answer/") else request.path
            # The page that brings two texts together sends pieces of one.
            typed = request.POST.get(field) or answered_content(request.POST)
            context = {"content": typed[:longest], "back": back}
            return render(request, template, context, status=404)

    return guarded
