"""What visitors read: the list of articles, an article, its Markdown."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from kb import queries
from kb.forms import ArticleFilterForm
from kb.models import Article

PER_PAGE = 20


@require_safe
def article_list(request: HttpRequest) -> HttpResponse:
    """Articles, the newest first; narrowed by kind and by subject."""
    form = ArticleFilterForm(request.GET)
    narrowed = form.cleaned_data if form.is_valid() else {}
    kind, tag = narrowed.get("kind", ""), narrowed.get("tag")
    context = {
        "form": form,
        "is_narrowed": bool(kind or tag),
        "page": Paginator(queries.articles(request.user, kind=kind, tag=tag), PER_PAGE).get_page(
            request.GET.get("page")
        ),
    }
    return render(request, "kb/article_list.html", context)


@require_safe
def article_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One article, as it was rendered when it was saved."""
    article = get_object_or_404(queries.article_page(request.user), slug=slug)
    context = {"article": article, "is_review_due": article.is_review_due(timezone.localdate())}
    return render(request, "kb/article_detail.html", context)


@require_safe
def article_markdown(request: HttpRequest, slug: str) -> HttpResponse:
    """The article as Markdown, for those who read, quote or keep it elsewhere."""
    seen = Article.objects.visible_to(request.user).select_related("current").defer("html", "toc")
    article = get_object_or_404(seen, slug=slug, current__isnull=False)
    assert article.current is not None
    text = f"# {article.title}\n\n{article.current.content}"
    canonical = f'<{settings.SITE_URL}{article.get_absolute_url()}>; rel="canonical"'
    return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers={"Link": canonical})
