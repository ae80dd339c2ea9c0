"""An article's history: who changed what and when, older texts, the differences, and the way back."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from kb.diffs import compare
from kb.forms.history import CompareForm, RevertForm
from kb.models import Article, Revision
from kb.queries import history as queries
from kb.queries.review import plain_lines
from kb.roles import is_reviewer
from kb.services import review as service
from kb.views.access import for_reviewers, member_of, too_often
from kb.views.moved import follows_moves

PER_PAGE = 50


@require_safe
@follows_moves
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Every text that the reader may see, the newest first."""
    article = _article(request, slug)
    context = {
        "article": article,
        "page": Paginator(queries.history(request.user, article), PER_PAGE).get_page(request.GET.get("page")),
        "contributors": queries.contributors(article),
    }
    return render(request, "kb/history.html", context)


@require_safe
@follows_moves
def revision(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One text as it was, for whoever may see it; not for search engines."""
    article = _article(request, slug)
    shown = _revision(request, article, pk)
    if refusal := too_often(request, "kb_old_text"):
        return refusal
    context = {
        "article": article,
        "revision": shown,
        "html": queries.rendered(shown),
        "is_current": shown.pk == article.current_id,
        "may_revert": _may_revert(request, article, shown),
    }
    response = render(request, "kb/revision.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
@follows_moves
def diff(request: HttpRequest, slug: str) -> HttpResponse:
    """Two texts side by side. Without ``b`` what readers see now; without ``a`` what the other was written on."""
    article = _article(request, slug)
    form = CompareForm(request.GET)
    if not form.is_valid():
        raise Http404
    after = _revision(request, article, form.cleaned_data["b"] or article.current_id or 0)
    before_pk = form.cleaned_data["a"] or after.based_on_id
    before = _revision(request, article, before_pk) if before_pk else None
    if refusal := too_often(request, "kb_old_text"):
        return refusal
    found = compare(before.document, after.document) if before else None
    context = {
        "article": article,
        "before": before,
        "after": after,
        "diff": found,
        "lines": plain_lines(found) if found else (),
        "may_revert": before is not None and _may_revert(request, article, before),
    }
    response = render(request, "kb/diff.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_reviewers
def revert(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What readers would see instead, and the button that does it."""
    article = _article(request, slug)
    old = _revision(request, article, pk)
    if not _may_revert(request, article, old):
        raise Http404
    form = RevertForm(request.POST or None)
    if form.is_valid():
        try:
            service.revert_to(
                revision=old, reviewer=member_of(request), at=timezone.now(), **form.cleaned_data
            )
        except service.ReviewRefused as refused:
            form.add_error(None, str(refused))
            article = _article(request, slug)
        else:
            messages.success(request, "Readers see the older text again. What they saw is in the history.")
            return redirect(article)
    assert article.current is not None
    found = compare(article.current.document, old.document)
    context = {"article": article, "revision": old, "form": form, "diff": found, "lines": plain_lines(found)}
    return render(request, "kb/revert.html", context, status=422 if form.errors else 200)


def _may_revert(request: HttpRequest, article: Article, old: Revision) -> bool:
    """A reviewer, a text that readers have seen, and another one than they see."""
    return (
        is_reviewer(request.user)
        and old.state == Revision.State.APPROVED
        and article.status == Article.Status.PUBLISHED
        and article.current is not None
        and article.current.sha != old.sha
    )


def _article(request: HttpRequest, slug: str) -> Article:
    seen = Article.objects.visible_to(request.user).select_related("current").defer("html", "toc", "shown")
    return get_object_or_404(seen, slug=slug)


def _revision(request: HttpRequest, article: Article, pk: int) -> Revision:
    found = queries.revision_of(request.user, article, pk)
    if found is None:
        raise Http404
    return found
