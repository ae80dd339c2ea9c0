"""Pages of the lab."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from labtools.models import ImageCheck


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What the lab can do."""
    return render(request, "labtools/index.html")


@require_safe
def image_list(request: HttpRequest) -> HttpResponse:
    """Bring an image; see one's own checks, the samples and the public reports."""
    return render(request, "labtools/image_list.html", {"checks": ImageCheck.objects.listed()})


@require_safe
def report(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """The report of one image."""
    check = get_object_or_404(ImageCheck.objects.visible_to(request.user), pk=check_id)
    return render(request, "labtools/report.html", {"check": check})
