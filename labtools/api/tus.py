"""Resumable uploads: tus 1.0.0 (https://tus.io/protocols/resumable-upload), server side.

Core and the extensions creation, creation-with-upload, expiration, termination and checksum. The body of a
PATCH is streamed from the server's input; ``request.body`` and ``request.POST`` are never touched.
"""

import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt

from labtools.api import tus_headers
from labtools.models import ImageCheck, Upload
from labtools.request_body import read_timeout
from labtools.services import uploads as service
from portal.accounts.api_auth import NotAllowed, identify
from portal.accounts.models import User

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
OFFSET_CONTENT = "application/offset+octet-stream"
STATUS: dict[type[service.UploadRefused], int] = {
    service.TooLong: 413,
    service.OverQuota: 413,
    service.TooMany: 429,
    service.DiskFull: 507,
    service.DiskBroken: 503,
    service.WrongOffset: 409,
    service.Busy: 423,
    service.Expired: 410,
    service.Gone: 410,
    service.ChecksumMismatch: 460,
}

Handler = Callable[..., HttpResponse]


@csrf_exempt  # identify() checks the token itself, and only where a session cookie speaks
def uploads(request: HttpRequest) -> HttpResponse:
    """The collection: what the server can do (OPTIONS), and a new upload (POST)."""
    return _answer(request, {"POST": _create})


@csrf_exempt
def upload(request: HttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    """One upload: how far it is (HEAD), more bytes (PATCH), an end to it (DELETE)."""
    return _answer(request, {"HEAD": _head, "PATCH": _patch, "DELETE": _delete}, upload_id)


def _answer(request: HttpRequest, handlers: dict[str, Handler], *args: uuid.UUID) -> HttpResponse:
    """The protocol's frame around a handler: method, version, who is asking, and refusals as statuses."""
    # The header replaces the real method (tus, "X-HTTP-Method-Override"), also for the CSRF check.
    request.method = request.headers.get("X-HTTP-Method-Override", request.method or "").upper()
    try:
        response = _dispatch(request, handlers, *args)
    except service.UploadRefused as refusal:
        response = _sentence(STATUS[type(refusal)], str(refusal))
    except tus_headers.BadHeader as error:
        response = _sentence(400, str(error))
    except NotAllowed as refusal:
        response = _sentence(refusal.status, str(refusal))
        if refusal.status == 401:
            response["WWW-Authenticate"] = "Bearer"
    except Http404:
        response = _sentence(404, "There is no such upload.")
    response["Tus-Resumable"] = VERSION
    response["Cache-Control"] = "no-store"
    return response


def _dispatch(request: HttpRequest, handlers: dict[str, Handler], *args: uuid.UUID) -> HttpResponse:
    if request.method == "OPTIONS":
        return _capabilities()
    if request.method not in handlers:
        response = _sentence(405, f"{request.method} is not possible here.")
        response["Allow"] = ", ".join(["OPTIONS", *handlers])
        return response
    if request.headers.get("Tus-Resumable") != VERSION:
        response = _sentence(412, f"The header Tus-Resumable must be {VERSION}.")
        response["Tus-Version"] = VERSION
        return response
    return handlers[request.method](request, identify(request), *args)


def _capabilities() -> HttpResponse:
    response = HttpResponse(status=204)
    response["Tus-Version"] = VERSION
    response["Tus-Extension"] = EXTENSIONS
    response["Tus-Max-Size"] = str(settings.UPLOAD_MAX_BYTES)
    response["Tus-Checksum-Algorithm"] = ",".join(service.CHECKSUM_ALGORITHMS)
    return response


def _create(request: HttpRequest, user: User) -> HttpResponse:
    if "Upload-Defer-Length" in request.headers:
        raise tus_headers.BadHeader("Upload-Defer-Length is not supported: the length must be known.")
    length = tus_headers.natural(request, "Upload-Length")
    metadata = tus_headers.metadata(request)
    checksum = tus_headers.checksum(request)
    brings_bytes = request.content_type == OFFSET_CONTENT and length > 0
    if brings_bytes:
        tus_headers.natural(request, "Content-Length")  # before anything is made
    created = service.create_upload(
        owner=user,
        filename=metadata.get("filename", metadata.get("name", "")),
        length=length,
        visibility=tus_headers.visibility(metadata),
    )
    response = HttpResponse(status=201)
    if brings_bytes:
        # The upload exists now, whatever becomes of its first bytes: the sender goes on from Upload-Offset.
        try:
            created = _receive(request, created, 0, checksum)
        except service.Gone:
            raise
        except service.UploadRefused as refusal:
            response = _sentence(201, str(refusal))
            created.refresh_from_db()
        response["Upload-Offset"] = str(created.offset)
    response["Location"] = reverse("tus:upload", args=[created.pk])
    return _describe(response, created)


def _head(request: HttpRequest, user: User, upload_id: uuid.UUID) -> HttpResponse:
    response = HttpResponse(status=200)
    found = Upload.objects.visible_to(user).filter(pk=upload_id).first()
    if found is None:
        # The check is done and the upload let go: whoever missed the last answer learns that all arrived.
        check = get_object_or_404(ImageCheck, pk=upload_id, owner=user)
        response["Upload-Offset"] = response["Upload-Length"] = str(check.length)
        response["Upload-Report"] = check.get_absolute_url()
        return response
    response["Upload-Offset"] = str(service.current_offset(found))
    response["Upload-Length"] = str(found.length)
    return _describe(response, found)


def _patch(request: HttpRequest, user: User, upload_id: uuid.UUID) -> HttpResponse:
    found = _get(user, upload_id)
    if request.content_type != OFFSET_CONTENT:
        return _sentence(415, f"The Content-Type of a PATCH must be {OFFSET_CONTENT}.")
    offset = tus_headers.natural(request, "Upload-Offset")
    if not request.META.get("CONTENT_LENGTH"):
        return _sentence(411, "The request must say its Content-Length.")
    found = _receive(request, found, offset, tus_headers.checksum(request))
    response = HttpResponse(status=204)
    response["Upload-Offset"] = str(found.offset)
    return _describe(response, found)


def _delete(request: HttpRequest, user: User, upload_id: uuid.UUID) -> HttpResponse:
    service.delete_upload(_get(user, upload_id))
    return HttpResponse(status=204)


def _get(user: User, upload_id: uuid.UUID) -> Upload:
    return get_object_or_404(Upload.objects.visible_to(user), pk=upload_id)


def _receive(request: HttpRequest, found: Upload, offset: int, checksum: service.Checksum | None) -> Upload:
    count = tus_headers.natural(request, "Content-Length")
    with read_timeout(request) as read:
        return service.receive_bytes(upload=found, offset=offset, count=count, read=read, checksum=checksum)


def _describe(response: HttpResponse, described: Upload) -> HttpResponse:
    """When the upload expires, or where its report is."""
    if described.is_complete:
        # Not asked of the database: its member may have deleted it at this very moment.
        response["Upload-Report"] = ImageCheck(pk=described.pk).get_absolute_url()
    else:
        response["Upload-Expires"] = http_date(described.expires_at.timestamp())
    return response


def _sentence(status: int, text: str) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
