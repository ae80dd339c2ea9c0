"""Descriptions of other systems as plain text."""

import html
import re

import nh3

from events.ical.writer import clean
from events.imports.entries import LONGEST_TEXT

# What is parsed as HTML at all: the time that deep nesting takes grows with its square.
_MOST_HTML = 20_000
_LOOKS_LIKE_HTML = re.compile(r"</?(p|br|a|b|i|u|em|strong|ul|ol|li|div|span|h[1-6])\b[^<>]*>", re.IGNORECASE)
_BLOCKS = {"p", "br", "li", "div", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"}
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
_ITEM = re.compile(r"<li>")
_BREAK = re.compile(r"<br>|</li>")
_BLOCK_END = re.compile(r"</(?:p|div|ul|ol|h[1-6])>")
_TAG = re.compile(r"<[^>]*>")


def plain_text(text: str) -> str:
    """``text``, which may be HTML, as plain text of at most :data:`LONGEST_TEXT` characters.

    Scripts, styles and comments go with what is in them; links keep their address behind them.
    """
    if _LOOKS_LIKE_HTML.search(text):
        text = _of_html(text[:_MOST_HTML])
    text = clean(text)
    lines = [line.strip() for line in text.split("\n")]
    tidy = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return tidy if len(tidy) <= LONGEST_TEXT else tidy[: LONGEST_TEXT - 1] + "…"


def _of_html(text: str) -> str:
    # nh3 gives well-formed HTML of these few tags, so that patterns are enough for the rest.
    tidy = nh3.clean(
        text,
        tags=_BLOCKS | {"a"},
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    tidy = _LINK.sub(_link, tidy)
    tidy = _BREAK.sub("\n", _ITEM.sub("- ", tidy))
    return html.unescape(_TAG.sub("", _BLOCK_END.sub("\n\n", tidy)))


def _link(found: re.Match[str]) -> str:
    address, words = found[1], _TAG.sub("", found[2])
    return words if words.strip() in ("", address) and words.strip() else f"{words} ({address})".strip()
