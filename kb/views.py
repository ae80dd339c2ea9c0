"""Pages of the knowledge base."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def article_list(request: HttpRequest) -> HttpResponse:
    """Articles by kind."""
    return render(request, "kb/article_list.html")
