"""What visitors read: the list of articles, an article, its Markdown."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import conditional_page, require_safe

from kb import queries
from kb.ask_links import html_with_ask_links
from kb.forms import ArticleFilterForm
from kb.linked_data import linked_data
from kb.models import Article, Series
from kb.queries.history import is_watched
from kb.roles import can_keep, is_lab_maintainer, is_reviewer
from kb.views.moved import follows_moves

PER_PAGE = 20


@require_safe
def article_list(request: HttpRequest) -> HttpResponse:
    """Articles, the newest first; narrowed by kind, by subject (also by another word for it) and by series."""
    asked = request.GET.copy()
    known = queries.find_tag(request.GET["tag"]) if request.GET.get("tag") else None
    if known is not None:
        asked["tag"] = known.slug
    form = ArticleFilterForm(asked)
    form.is_valid()  # what is no filter narrows nothing
    kind, tag, series = (form.cleaned_data.get(name) for name in ("kind", "tag", "series"))
    found = queries.articles(request.user, kind=kind or "", tag=tag)
    if series:
        found = found.filter(series=series).order_by("part", "pk")
    context = {
        "form": form,
        "is_narrowed": bool(kind or tag or series),
        "reviews": is_reviewer(request.user),
        "lets_run": is_lab_maintainer(request.user),
        "tag": tag,
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "kb/article_list.html", context)


@require_safe
@follows_moves
@conditional_page
def article_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One article, as it was rendered when it was saved."""
    article = get_object_or_404(queries.article_page(request.user), slug=slug)
    context = {
        "article": article,
        "text": html_with_ask_links(article),
        "contributors": queries.contributors(article),
        "is_review_due": article.is_review_due(timezone.localdate()),
        "linked_data": linked_data(article),
        "may_keep": can_keep(request.user, article),
        "watches": request.user.is_authenticated and is_watched(request.user, article),
    }
    return render(request, "kb/article_detail.html", context)


@require_safe
@follows_moves
@conditional_page
def article_markdown(request: HttpRequest, slug: str) -> HttpResponse:
    """The article as Markdown, for those who read, quote or keep it elsewhere."""
    seen = Article.objects.visible_to(request.user).select_related("current").defer("html", "toc", "shown")
    article = get_object_or_404(seen, slug=slug, current__isnull=False)
    assert article.current is not None
    text = f"# {article.title}\n\n{article.current.content}"
    canonical = f'<{settings.SITE_URL}{article.get_absolute_url()}>; rel="canonical"'
    return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers={"Link": canonical})


@require_safe
def series(request: HttpRequest, slug: str) -> HttpResponse:
    """The parts of a series, in their order."""
    found = get_object_or_404(Series, slug=slug)
    parts = queries.articles(request.user, kind="", tag=None).filter(series=found).order_by("part", "pk")
    if not parts:
        raise Http404("A series without a published part")
    return render(request, "kb/series_detail.html", {"series": found, "parts": parts})
