"""Times are shown in the member's own zone."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

GetResponse = Callable[[HttpRequest], HttpResponse]


def time_zone(get_response: GetResponse) -> GetResponse:
    """Activate the signed-in member's time zone for the request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # Only where a session exists: the look-up would cost a visitor's page a query.
        if request.user.is_authenticated:
            with timezone.override(ZoneInfo(request.user.time_zone)):
                return get_response(request)
        return get_response(request)

    return middleware
