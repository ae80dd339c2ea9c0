"""Forms that carry an article's text give it back when there is nothing to keep it in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from kb.services.writing import MAX_CONTENT, DraftGone
from kb.views.access import View


def wants_json(request: HttpRequest) -> bool:
    """Whether the page's own program asks, which keeps the text itself."""
    return request.headers.get("Accept", "").startswith("application/json")


def keeps_text(view: View) -> Callable[..., HttpResponse]:
    """Answer a form whose draft is gone, or whose sender is signed out by now, with the text that was in it.

    A draft of somebody else is as good as none: the answer is the same.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        try:
            return view(request, *args, **more)
        except (Http404, DraftGone) as error:
            if request.method != "POST" or wants_json(request):
                raise Http404 from error
            content = request.POST.get("content", "")[:MAX_CONTENT]
            return render(request, "kb/draft_gone.html", {"content": content}, status=404)

    return guarded
