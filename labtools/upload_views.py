"""The page that takes images, for people with and without JavaScript."""

import uuid
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from labtools import queries
from labtools.image_list_page import image_list_page
from labtools.models import Upload
from labtools.request_body import read_timeout
from labtools.services import uploads
from labtools.services.form_uploads import FormUpload
from labtools.upload_forms import FILE_FIELD, ToFormUpload, UploadForm
from portal.accounts.models import User


@require_safe
@never_cache
def image_list(request: HttpRequest) -> HttpResponse:
    """Bring an image; see one's own checks, the samples and the public reports."""
    context = {
        "page": image_list_page(request.user, number=request.GET.get("page", "1")),
        "samples": queries.sample_reports(),
        "form": UploadForm(),
        "file_field": FILE_FIELD,
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "form_max_bytes": settings.UPLOAD_FORM_MAX_BYTES,
        "keep_days": settings.REPORT_KEEP_DAYS,
    }
    return render(request, "labtools/image_list.html", context)


@csrf_exempt  # _take_form is protected; the token can only be read after the place of the bytes is settled
@login_required
@require_POST
def upload_form(request: HttpRequest) -> HttpResponse:
    """The whole file in one form: what a browser without JavaScript sends."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    try:
        with FormUpload(owner=cast(User, request.user), length=int(length)) as target:
            request.upload_handlers = [ToFormUpload(request, target)]
            with read_timeout(request):
                return _take_form(request, target)
    except uploads.UploadRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("labtools:image_list")


@csrf_protect  # reads the form, and with it the file
def _take_form(request: HttpRequest, target: FormUpload) -> HttpResponse:
    form = UploadForm(request.POST)
    target.require_file()
    if not form.is_valid():
        messages.error(request, "Choose who may see the report.")
        return redirect("labtools:image_list")
    return redirect(target.finish(visibility=form.cleaned_data["visibility"]))


@login_required
@require_POST
def discard_upload(request: HttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    """Delete an unfinished upload, bytes and all."""
    found = get_object_or_404(Upload.objects.visible_to(request.user).receiving(), pk=upload_id)
    uploads.delete_upload(found)
    messages.success(request, f"The upload of {found} is deleted.")
    return redirect("labtools:image_list")
