"""The page that explains the qcow2 format."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labtools.qcow2 import SPECIFICATION, format_tables


@require_safe
def image_format(request: HttpRequest) -> HttpResponse:
    """Every structure of the format, from the rows that decode images."""
    context = {"tab": "images", "tables": format_tables(), "specification": SPECIFICATION}
    return render(request, "labtools/qcow2_format.html", context)
