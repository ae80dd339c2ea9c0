"""The builder: everything is in the address, so that the address is the link."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from labtools import build_page
from labtools.exports import csv_answer, json_answer


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def build(request: HttpRequest) -> HttpResponse:
    """Choose a device, fill its fields, and read what comes of them. htmx asks for that part alone."""
    address = f"{reverse('labtools:build')}?{build_page.clean_query(request.GET)}"
    is_part = "HX-Request" in request.headers
    if not is_part and "" in request.GET.dict().values():
        return redirect(address)
    page = build_page.build_page(request.user, request.GET)
    context = {"tab": "build", "page": page}
    if is_part and page.device is not None:
        part = render(request, "labtools/build_preview.html", context)
        part["HX-Replace-Url"] = address
        return part
    is_missing = bool(page.asked) and page.device is None
    return render(request, "labtools/build.html", context, status=404 if is_missing else 200)


@require_safe
@never_cache
def build_json(request: HttpRequest) -> HttpResponse:
    """The same as data."""
    page = build_page.build_page(request.user, request.GET)
    build_page.device_or_404(page)
    return json_answer(request, build_page.page_json(page))


@require_safe
@never_cache
def build_csv(request: HttpRequest) -> HttpResponse:
    """The fields as a table."""
    page = build_page.build_page(request.user, request.GET)
    build_page.device_or_404(page)
    return csv_answer("device-fields", build_page.CSV_HEADER, build_page.csv_rows(page))
