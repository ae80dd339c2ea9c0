"""Pictures: taken from members, shown to everybody who has the address."""

from typing import BinaryIO, cast

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from kb.models import Attachment
from kb.services.pictures import keep_picture, markdown_of
from kb.views.access import member_of, signed_in, too_often
from portal.file_uploads import takes_files
from portal.pictures_sent import MAX_BYTES, PictureRefused

_YEAR = 365 * 24 * 3600


@takes_files(most_bytes=MAX_BYTES)
@require_POST
@signed_in
def add(request: HttpRequest) -> HttpResponse:
    """Keep a picture; answer its address and the line of Markdown that shows it."""
    if refused := too_often(request, "kb_picture"):
        return refused
    try:
        line = line_of_picture(request)
    except PictureRefused as refusal:
        return JsonResponse({"problem": str(refusal)}, status=422)
    return JsonResponse({"markdown": line}, status=201)


def line_of_picture(request: HttpRequest) -> str:
    """Keep the picture that a form sent, and give its line of Markdown. Raises ``PictureRefused``."""
    sent = request.FILES.get("picture")
    alt = request.POST.get("picture_alt", "")
    if not isinstance(sent, UploadedFile) or sent.file is None:
        raise PictureRefused("Choose a picture first.")
    kept = keep_picture(
        file=cast(BinaryIO, sent.file),
        name=sent.name or "",
        alt=alt,
        author=member_of(request),
        at=timezone.now(),
    )
    return markdown_of(kept, alt)


@require_safe
def picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """One picture, for ever the same. The headers make a file that is something else after all harmless."""
    found = get_object_or_404(Attachment, sha256=sha256)
    try:
        stream = found.file.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(
        stream,
        filename=found.name,
        content_type=found.media_type,
        headers={
            "Content-Security-Policy": "default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": f"public, max-age={_YEAR}, immutable",
        },
    )
