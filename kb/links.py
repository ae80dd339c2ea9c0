"""The links of a rendered text that lead outside the portal."""

from html.parser import HTMLParser
from urllib.parse import urlsplit


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where an ``a`` leads."""
        href = dict(attrs).get("href") if tag == "a" else None
        if href:
            self.found[href] = None


def outside_links(rendered: str, own_origin: str) -> list[str]:
    """Addresses on the web that ``rendered`` leads to, each once, in order; not those of ``own_origin``."""
    parser = _Anchors()
    parser.feed(rendered)
    return [url for url in parser.found if _leads_outside(url, own_origin)]


def _leads_outside(url: str, own_origin: str) -> bool:
    try:
        parts, own = urlsplit(url), urlsplit(own_origin)
    except ValueError:
        return True  # nobody can tell where it leads
    return parts.scheme in ("http", "https") and parts.netloc.lower() != own.netloc.lower()
