"""Stored HTML for places where relative addresses lead nowhere: feeds and mails."""

import re
from urllib.parse import urljoin

#: nh3 writes attributes in double quotes and escapes quotes within, so that this finds all of them and no others.
_ADDRESS = re.compile(r'(<(?:a|img)\b[^<>]*? (?:href|src)=")([^"]*)(")')


def absolute_html(stored: str, page: str) -> str:
    """``stored`` with every link and picture as seen from anywhere; ``page`` is the article's whole address."""
    return _ADDRESS.sub(lambda match: match[1] + _absolute(match[2], page) + match[3], stored)


def _absolute(address: str, page: str) -> str:
    """``address`` as it stands where it is none, such as ``//[``: one such link must not cost a whole feed."""
    try:
        return urljoin(page, address)
    except ValueError:
        return address
