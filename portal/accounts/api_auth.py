"""Who is asking, where programs ask: an API token, or a browser's session with its CSRF token."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from portal.accounts import tokens
from portal.accounts.models import User


class NotAllowed(Exception):
    """Nobody, or somebody who may not; ``status`` is 401 or 403, ``str()`` a sentence for the person."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def identify(request: HttpRequest) -> User:
    """The member behind a request. Raises ``NotAllowed``.

    A token proves itself. A session cookie is sent by the browser whoever made it send the request, so
    with a session the CSRF token is asked for as well; the view must be ``csrf_exempt``.
    """
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        user = tokens.user_of(raw.strip())
        if user is None:
            raise NotAllowed(401, "This API token is not valid: it may have been revoked or have expired.")
        return user
    if not isinstance(request.user, User):
        raise NotAllowed(401, "You are not signed in. Please sign in and go on.")
    if _Csrf(_unused).process_view(request, _unused, (), {}) is not None:
        raise NotAllowed(403, "This page is too old. Please reload it and go on.")
    return request.user


class _Csrf(CsrfViewMiddleware):
    """Django's own check, asked for its verdict instead of its error page."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(reason, status=403)


def _unused(request: HttpRequest) -> HttpResponse:
    raise AssertionError("only stands where Django's CSRF check expects a view")
