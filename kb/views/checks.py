"""Checked how-tos: what waits for a lab maintainer's word, and what came of the checks of an article."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from kb.checks_syntax import MAX_CHECKS
from kb.models import Article, Check
from kb.queries import checks as queries
from kb.roles import is_lab_maintainer
from kb.services import checks as service
from kb.views.access import for_lab_maintainers, member_of

#: Articles on a page of the queue; each has some blocks.
PER_PAGE = 5


@require_safe
@for_lab_maintainers
def queue(request: HttpRequest) -> HttpResponse:
    """What waits, of one ``article`` or of all: each recipe as the exact command lines that would run."""
    found = queries.waiting_articles()
    if slug := request.GET.get("article"):
        found = found.filter(slug=slug.replace("\0", "")[:120])
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "crumbs": [("Knowledge base", reverse("kb:article_list"))],
        "page": page,
        "waiting": queries.waiting(list(page.object_list)),
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


@require_POST
@for_lab_maintainers
def let_run(request: HttpRequest) -> HttpResponse:
    """Let the blocks run that the page showed: ``checks`` names each, so none that came since is among them."""
    asked = [
        int(pk)
        for pk in request.POST.getlist("checks")[:MAX_CHECKS]
        if pk.isascii() and pk.isdecimal() and len(pk) < 12
    ]
    checks = list(Check.objects.filter(pk__in=asked, article__deleted_at=None).order_by("position", "pk"))
    count = service.let_run(checks=checks, maintainer=member_of(request), at=timezone.now())
    if count < len(asked) or not asked:
        messages.error(
            request,
            f"{count or 'None'} of the checks can run. The others were decided already, or their article changed.",
        )
    else:
        messages.success(request, f"{count} check{'s run' if count > 1 else ' runs'} now, and every day.")
    return redirect("kb:check_queue")


@require_safe
def article_checks(request: HttpRequest, slug: str) -> HttpResponse:
    """The checked blocks of an article: what runs, where, and what came of it."""
    seen = Article.objects.visible_to(request.user).defer("html", "toc")
    article = get_object_or_404(seen, slug=slug, current__isnull=False)
    entries = queries.checks_of(article)
    waits = sum(one.check.state == Check.State.PROPOSED for one in entries)
    context = {
        "article": article,
        "crumbs": [
            ("Knowledge base", reverse("kb:article_list")),
            (article.title, article.get_absolute_url()),
        ],
        "entries": entries,
        "to_decide": waits if is_lab_maintainer(request.user) else 0,
    }
    return render(request, "kb/article_checks.html", context)
