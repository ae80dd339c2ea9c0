"""Show the text of a mail as HTML without trusting it."""

import re
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
_ADDRESS = re.compile(r"(https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]])")


@register.filter
def own_links(text: str, request: HttpRequest | None = None) -> SafeString:
    """``text`` escaped, with links to the portal itself made clickable.

    Only to the portal: mails quote what people typed, and a name such as "Prize: http://…" must not become a
    link in a mail of ours. ``request`` adds the address at which the portal was reached to ``SITE_URL``.
    """
    own = {_origin(settings.SITE_URL)}
    if request:
        own.add((request.scheme or "", request.get_host()))
    parts = _ADDRESS.split(text)  # text, address, text, address, ..., text
    return format_html_join(
        "",
        "{}",
        (
            (format_html('<a href="{}">{}</a>', part, part) if i % 2 and _origin(part) in own else part,)
            for i, part in enumerate(parts)
        ),
    )


def _origin(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ("", "")
    return (parts.scheme, parts.netloc)
