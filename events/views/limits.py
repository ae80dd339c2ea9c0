"""How often somebody may send a form of this room; the numbers are in ``settings.ACCOUNT_RATE_LIMITS``."""

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse


def too_often(request: HttpRequest, action: str, *, key: str | None = None) -> HttpResponse | None:
    """The answer 429 for whoever sends ``action`` too often, else None, which counts this time."""
    if ratelimit.consume(request, action=action, key=key):
        return None
    response: HttpResponse = ratelimit.respond_429(request)
    return response
