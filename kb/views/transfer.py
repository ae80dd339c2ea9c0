"""Articles as files: zips to download for everybody, and the way back for reviewers."""

from typing import cast

from allauth.core import ratelimit
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from kb.bundles import NotABundleError, read_zip, write_zip
from kb.forms.transfer import ImportForm
from kb.models import Article
from kb.roles import is_reviewer
from kb.services.transfer import Outcome, Result, export_bundle, import_bundle
from kb.views.access import member_of, signed_in
from kb.views.moved import follows_moves
from portal.file_uploads import takes_files

#: Bytes of a zip that a page takes; larger ones go through ``manage.py kb_import``.
MOST_BYTES = 20 * 2**20


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """Every published article with its pictures."""
    refused = ratelimit.consume_or_429(request, action="kb_export", limit_get=True)
    return cast(HttpResponse, refused) if refused else _zip(export_bundle_of(None), "knowledge-base")


@require_safe
@follows_moves
def export_article(request: HttpRequest, slug: str) -> HttpResponse:
    """One published article with its pictures."""
    data = export_bundle_of(slug)
    if not data:
        raise Http404("No published article has this address")
    return _zip(data, slug)


def export_bundle_of(slug: str | None) -> bytes:
    """The zip; empty where there is no such article."""
    articles = Article.objects.published()
    bundle = export_bundle(articles if slug is None else articles.filter(slug=slug))
    return write_zip(bundle) if bundle.articles or slug is None else b""


def _zip(data: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return HttpResponse(data, content_type="application/zip", headers=headers)


@takes_files(most_bytes=MOST_BYTES)
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def import_articles(request: HttpRequest) -> HttpResponse:
    """Take in a zip: what would become of each file, or what became of it."""
    if not is_reviewer(request.user):
        raise Http404
    form = ImportForm(request.POST or None, request.FILES or None)
    results: list[Result] | None = None
    is_trial = True
    if request.method == "POST" and form.is_valid():
        is_trial = form.cleaned_data["is_trial"]
        try:
            results = import_bundle(
                bundle=read_zip(form.cleaned_data["file"].read()),
                author=member_of(request),
                at=timezone.now(),
                is_trial=is_trial,
            )
        except NotABundleError as error:
            form.add_error("file", str(error))
    told = [result for result in results or () if result.outcome != Outcome.UNCHANGED]
    context = {
        "form": form,
        "results": results,
        "told": told,
        "unchanged": len(results or ()) - len(told),
        "is_trial": is_trial,
    }
    status = 400 if form.is_bound and not form.is_valid() else 200
    return render(request, "kb/import.html", context, status=status)
