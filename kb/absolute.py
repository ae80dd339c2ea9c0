"""Stored HTML for places where relative addresses lead nowhere: feeds and mails."""

import re
from urllib.parse import urljoin

#: nh3 writes attributes in double quotes and escapes quotes within, so that this finds all of them and no others.
_ADDRESS = re.compile(r'(<(?:a|img)\b[^<>]*? (?:href|src)=")([^"]*)(")')


def absolute_html(stored: str, page: str) -> str:
    """``stored`` with every link and picture as seen from anywhere; ``page`` is the article's whole address."""
    return _ADDRESS.sub(lambda match: match[1] + urljoin(page, match[2]) + match[3], stored)
