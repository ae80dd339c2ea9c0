"""Checked how-tos: what waits for a lab maintainer's word, and what came of the checks of an article."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from kb.models import Article, Check
from kb.queries import checks as queries
from kb.services import checks as service
from kb.views.access import for_lab_maintainers, member_of

PER_PAGE = 20


@require_safe
@for_lab_maintainers
def queue(request: HttpRequest) -> HttpResponse:
    """What waits: each recipe as the exact command lines that would run."""
    page = Paginator(queries.proposed(), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "crumbs": [("Knowledge base", reverse("kb:article_list"))],
        "page": page,
        "entries": queries.shown(list(page.object_list)),
    }
    return render(request, "kb/check_queue.html", context)


@require_POST
@for_lab_maintainers
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a check run, or refuse it."""
    check = get_object_or_404(Check, pk=pk, article__deleted_at=None)
    run = request.POST.get("decision") == "run"
    try:
        service.decide(check=check, maintainer=member_of(request), run=run, at=timezone.now())
    except service.NotDecidable:
        messages.error(
            request, "That check was decided already, or its article changed since. Nothing was done."
        )
    else:
        messages.success(request, "The check runs now, and every day." if run else "The check is refused.")
    return redirect("kb:check_queue")


@require_safe
def article_checks(request: HttpRequest, slug: str) -> HttpResponse:
    """The checked blocks of an article: what runs, where, and what came of it."""
    seen = Article.objects.visible_to(request.user).defer("html", "toc")
    article = get_object_or_404(seen, slug=slug, current__isnull=False)
    context = {
        "article": article,
        "crumbs": [
            ("Knowledge base", reverse("kb:article_list")),
            (article.title, article.get_absolute_url()),
        ],
        "entries": queries.checks_of(article),
    }
    return render(request, "kb/article_checks.html", context)
