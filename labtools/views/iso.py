"""The ISO doctor: a question by its address, pasted output by POST. Nothing that is pasted is stored or logged."""

from typing import cast

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from labtools import iso_page
from labtools.exports import csv_answer, json_answer
from labtools.iso_page import IsoPage

METHODS = ["GET", "HEAD", "POST"]


def _page(request: HttpRequest) -> IsoPage | HttpResponse:
    """The page, or the refusal of too many pastes."""
    if request.method != "POST":
        return iso_page.iso_page(request.user, request.GET)
    if not ratelimit.consume(request, action="iso_paste"):
        return cast(HttpResponse, ratelimit.respond_429(request))
    return iso_page.iso_page(request.user, request.GET, request.POST)


def _status(page: IsoPage) -> int:
    is_refused = page.output.is_bound and page.is_own and not page.output.is_valid()
    return 422 if is_refused else 200


@require_http_methods(METHODS)
@sensitive_post_parameters("output")
@never_cache
def doctor(request: HttpRequest) -> HttpResponse:
    """Path and machine; then the commands and the text box, or what the lab's inventory tells; then the diagnosis."""
    page = _page(request)
    if isinstance(page, HttpResponse):
        return page
    return render(request, "labtools/iso.html", {"tab": "iso", "page": page}, status=_status(page))


@csrf_exempt  # Changes nothing, and no other site can read the answer.
@require_http_methods(METHODS)
@sensitive_post_parameters("output")
@never_cache
def doctor_json(request: HttpRequest) -> HttpResponse:
    """The same as data: ``output`` by POST, ``path`` and ``host`` in the address."""
    page = _page(request)
    if isinstance(page, HttpResponse):
        return page
    answer = json_answer(request, iso_page.page_json(page))
    answer.status_code = _status(page)
    return answer


@csrf_exempt
@require_http_methods(METHODS)
@sensitive_post_parameters("output")
@never_cache
def doctor_csv(request: HttpRequest) -> HttpResponse:
    """The findings as a table."""
    page = _page(request)
    if isinstance(page, HttpResponse):
        return page
    answer = csv_answer("iso-doctor", iso_page.CSV_COLUMNS, iso_page.csv_rows(page))
    answer.status_code = _status(page)
    return answer
