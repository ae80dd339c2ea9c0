"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal import logs


def site(request: HttpRequest) -> dict[str, Any]:
    """The site's name and address, the request's id, and whether the mailbox page stands in for SMTP."""
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "request_id": logs.request_id.get(),
        "mailbox_page": settings.MAILBOX_PAGE,
    }
