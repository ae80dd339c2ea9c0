"""Looking after an article: settings, deletion, and what can be brought back."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kb.forms.keeping import OwnerForm, ReviewDateForm, SlugForm
from kb.models import Article
from kb.queries import keeping as queries
from kb.services import keeping as service
from kb.views.access import member_of, signed_in, too_often
from kb.views.moved import follows_moves

PER_PAGE = 30


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@follows_moves
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Address, owner, review date and archive of one article, each with a button of its own."""
    article = _kept(request, slug)
    if request.method != "POST":
        return _page(request, article)
    if refusal := too_often(request, "kb_keep"):
        return refusal
    what = request.POST.get("what", "")
    acts: dict[str, Callable[[], tuple[str, str]]] = {
        "slug": lambda: _change_slug(request, article),
        "owner": lambda: _hand_over(request, article),
        "reviewed": lambda: _mark_reviewed(request, article),
        "archive": lambda: _archive(request, article),
        "unarchive": lambda: _unarchive(request, article),
    }
    if what not in acts:
        raise Http404
    try:
        said, where = acts[what]()
    except _Invalid as invalid:
        return _page(request, _kept(request, slug), status=422, **{f"{what}_form": invalid.form})
    messages.success(request, said)
    # Whoever handed the article on may have no settings page of it any more.
    found = queries.kept_article(member_of(request), where)
    return redirect("kb:settings", where) if found else redirect("kb:article", where)


class _Invalid(Exception):
    """What was sent cannot be; ``form`` says why."""

    def __init__(self, form: forms.Form) -> None:
        super().__init__()
        self.form = form


def _change_slug(request: HttpRequest, article: Article) -> tuple[str, str]:
    form = _valid(SlugForm(request.POST, auto_id="slug_%s"))
    changed = _do(
        form,
        lambda: service.change_slug(
            article=article, slug=form.cleaned_data["slug"], actor=member_of(request)
        ),
    )
    return "The article has its new address. The old one leads here.", changed.slug


def _hand_over(request: HttpRequest, article: Article) -> tuple[str, str]:
    form = _valid(OwnerForm(request.POST, auto_id="owner_%s", article=article))
    owner = form.cleaned_data["owner"]
    _do(
        form,
        lambda: service.hand_over(article=article, to=owner, actor=member_of(request), at=timezone.now()),
    )
    return (
        f"{owner.name} keeps it true from now on." if owner else "Nobody owns the article now."
    ), article.slug


def _mark_reviewed(request: HttpRequest, article: Article) -> tuple[str, str]:
    form = _valid(ReviewDateForm(request.POST, auto_id="reviewed_%s"))
    months = form.cleaned_data["months"]
    _do(
        form,
        lambda: service.mark_reviewed(
            article=article, months=months, actor=member_of(request), on=timezone.localdate()
        ),
    )
    return f"Tried today; due again in {months} months.", article.slug


def _archive(request: HttpRequest, article: Article) -> tuple[str, str]:
    form = _valid(forms.Form(request.POST))
    _do(form, lambda: service.archive_article(article=article, actor=member_of(request)))
    return "Archived. Readers no longer find it.", article.slug


def _unarchive(request: HttpRequest, article: Article) -> tuple[str, str]:
    form = _valid(forms.Form(request.POST))
    _do(form, lambda: service.unarchive_article(article=article, actor=member_of(request)))
    return "Readers find it again.", article.slug


def _valid(form: Any) -> Any:
    if not form.is_valid():
        raise _Invalid(form)
    return form


def _do(form: forms.Form, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except service.KeepingRefused as refused:
        form.add_error(None, str(refused))
        raise _Invalid(form) from refused


def _page(request: HttpRequest, article: Article, status: int = 200, **sent: forms.Form) -> HttpResponse:
    context = {
        "article": article,
        "slug_form": SlugForm(auto_id="slug_%s", initial={"slug": article.slug}),
        "owner_form": OwnerForm(auto_id="owner_%s", initial={"owner": article.owner_id}, article=article),
        "reviewed_form": ReviewDateForm(auto_id="reviewed_%s"),
        "may_delete": service.can_delete(member_of(request), article),
        **sent,
    }
    return render(request, "kb/settings.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@follows_moves
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask once, then take the article away; for a month it can be brought back."""
    article = _kept(request, slug)
    if not service.can_delete(member_of(request), article):
        raise Http404
    if request.method != "POST":
        return render(request, "kb/delete.html", {"article": article, "days": service.KEPT.days})
    service.delete_article(article=article, actor=member_of(request), at=timezone.now())
    messages.success(
        request, f"“{article.title}” is deleted. For {service.KEPT.days} days it can be brought back."
    )
    return redirect("kb:deleted")


@require_safe
@signed_in
def deleted(request: HttpRequest) -> HttpResponse:
    """What the reader may bring back."""
    found = queries.deleted_articles(member_of(request))
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "days": service.KEPT.days,
    }
    return render(request, "kb/deleted.html", context)


@require_POST
@signed_in
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring it back."""
    article = get_object_or_404(queries.deleted_articles(member_of(request)), pk=pk)
    try:
        service.restore_article(article=article, actor=member_of(request))
    except PermissionDenied as error:
        raise Http404 from error
    messages.success(request, f"“{article.title}” is back.")
    return redirect(article)


def _kept(request: HttpRequest, slug: str) -> Article:
    found = queries.kept_article(member_of(request), slug)
    if found is None:
        raise Http404
    return found
