"""What every response carries: the request's id, the permissions policy, and who may keep it."""

import logging
import re
import secrets
import time
from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.template import loader
from django.urls import reverse
from django.utils.cache import patch_cache_control

from portal import logs

log = logging.getLogger("portal.access")
GetResponse = Callable[[HttpRequest], HttpResponse]
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_NO_PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"


def request_id(get_response: GetResponse) -> GetResponse:
    """Give each request an id, or keep the one that a proxy gave: for logs, tasks, error pages and the answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        given = offered if _ACCEPTABLE_ID.fullmatch(offered) else secrets.token_hex(8)
        token = logs.request_id.set(given)
        started = time.monotonic()
        try:
            response = get_response(request)
            # The route, not the path: links to unlisted reports and one-click tokens are nothing for a log.
            route = request.resolver_match.route if request.resolver_match else "(no such address)"
            milliseconds = round((time.monotonic() - started) * 1000)
            log.info("%s /%s %s %s ms", request.method, route, response.status_code, milliseconds)
        finally:
            logs.request_id.reset(token)
        response["X-Request-ID"] = given
        return response

    return middleware


def no_nul(get_response: GetResponse) -> GetResponse:
    """Take NUL bytes out of queries, and know no address with one: PostgreSQL takes none in text."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info:
            raise Http404("NUL in the address")
        query = request.META.get("QUERY_STRING", "")
        request.META["QUERY_STRING"] = query.replace("%00", "").replace("\0", "")
        return get_response(request)

    return middleware


def permissions_policy(get_response: GetResponse) -> GetResponse:
    """Switch off the device features that no page uses."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Permissions-Policy", _NO_PERMISSIONS)
        return response

    return middleware


def private_pages(get_response: GetResponse) -> GetResponse:
    """Let no cache keep what was made for somebody in particular: not a proxy's, and not a shared browser's.

    Around the sessions: a session that begins or ends here counts too. What says ``public`` of itself is the same
    for everybody (feeds, pictures), and keeps its ``ETag``.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        cookie = settings.SESSION_COOKIE_NAME
        is_somebodys = (
            cookie in request.COOKIES or cookie in response.cookies or "Authorization" in request.headers
        )
        if is_somebodys and "public" not in response.get("Cache-Control", ""):
            patch_cache_control(response, private=True, no_store=True)
        return response

    return middleware


class BusyDatabase:
    """Turn a change that waited too long for SQLite's one writer into a page that says so, with status 503.

    The writer before it may be a backup or a bulk import; nothing is broken, and nothing was changed.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for a locked database; anything else goes its way."""
        if not isinstance(exception, OperationalError) or "database is locked" not in str(exception):
            return None
        log.warning("the database stayed locked: %s", exception)
        page = loader.render_to_string("503.html", {"request_id": logs.request_id.get()})
        return HttpResponse(page, status=503, headers={"Retry-After": "30"})


def forget_on_sign_out(get_response: GetResponse) -> GetResponse:
    """Let the browser drop what pages keep in it when somebody signs out: the list at a meetup's door, uploads.

    https://www.w3.org/TR/clear-site-data/; browsers heed it on HTTPS and on this machine.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if (
            request.method == "POST"
            and response.status_code == 302
            and request.path == reverse("account_logout")
        ):
            response["Clear-Site-Data"] = '"storage"'
        return response

    return middleware
