"""The linter: a text by POST, or in the address where it is short."""

from typing import cast

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from labtools import lint_page
from labtools.exports import csv_answer, json_answer
from labtools.lint_page import LintPage

_METHODS = ["GET", "HEAD", "POST"]


def _given(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


def _page(request: HttpRequest) -> LintPage:
    return lint_page.lint_page(request.user, _given(request), is_posted=request.method == "POST")


def _refused(request: HttpRequest) -> HttpResponse | None:
    """The answer for whoever asks too much; None for all others. An empty page costs nothing."""
    if "text" not in _given(request):
        return None
    # A text in the address costs as much as one in a body; allauth would count no GET by itself.
    return cast(HttpResponse | None, ratelimit.consume_or_429(request, action="lab_lint", limit_get=True))


@require_http_methods(_METHODS)
@never_cache
@sensitive_post_parameters("text")
@sensitive_variables()
def lint(request: HttpRequest) -> HttpResponse:
    """The form, and below it what was found. Nothing of the text is stored."""
    if refused := _refused(request):
        return refused
    page = _page(request)
    context = {"tab": "lint", "page": page, "form": page.form}
    return render(request, "labtools/lint.html", context, status=422 if page.form.errors else 200)


# Nothing is changed and nothing depends on who asks but which hosts are visible: programs post without a token.
@csrf_exempt
@require_http_methods(_METHODS)
@never_cache
@sensitive_post_parameters("text")
@sensitive_variables()
def lint_json(request: HttpRequest) -> HttpResponse:
    """The same as data."""
    if refused := _refused(request):
        return refused
    page = _page(request)
    answer = json_answer(request, lint_page.page_json(page))
    answer.status_code = 422 if page.form.errors else 200
    return answer


@csrf_exempt
@require_http_methods(_METHODS)
@never_cache
@sensitive_post_parameters("text")
@sensitive_variables()
def lint_csv(request: HttpRequest) -> HttpResponse:
    """The findings as a table."""
    if refused := _refused(request):
        return refused
    page = _page(request)
    answer = csv_answer("findings", lint_page.CSV_HEADER, lint_page.csv_rows(page))
    # A text that could not be read has no findings either, and is not fine.
    answer.status_code = 422 if page.form.errors else 200
    return answer
