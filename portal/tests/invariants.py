"""What is true of every page, read from its HTML."""

from collections import Counter
from html.parser import HTMLParser

_DATA_SCRIPTS = ("application/json", "application/ld+json")


class _Page(HTMLParser):
    """Collects what the invariants ask about."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.title = ""
        self.lang = ""
        self.skip_link = False
        self.referrer = ""
        self.has_protected_form = False
        self._in_title = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.tags[tag] += 1
        self._in_title = self._in_title or (tag == "title" and self.tags["svg"] == 0)
        if tag == "html":
            self.lang = given.get("lang", "")
        if "id" in given:
            self.ids[given["id"]] += 1
        if tag == "a" and given.get("href") == "#main":
            self.skip_link = True
        if tag == "script" and "src" not in given and given.get("type") not in _DATA_SCRIPTS:
            self.wrong.append("inline script")
        if tag == "style" or "style" in given:
            self.wrong.append(f"inline style on <{tag}>")
        self.wrong += [f"event handler {name} on <{tag}>" for name in given if name.startswith("on")]
        for name in ("src", "href", "action"):
            if given.get(name, "").strip().lower().startswith("javascript:"):
                self.wrong.append(f"javascript: in {name} of <{tag}>")
        if tag in ("script", "link", "img", "iframe", "source") and "rel" not in given:
            address = given.get("src") or given.get("href") or ""
            if address.startswith(("http:", "https:", "//")):
                self.wrong.append(f"<{tag}> fetches from elsewhere: {address}")
        if given.get("name") == "csrfmiddlewaretoken":
            self.has_protected_form = True
        if given.get("name") == "referrer":
            self.referrer = given.get("content", "")
        if tag == "img" and "alt" not in given:
            self.wrong.append("image without alt")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


def broken_invariants(html: str) -> list[str]:
    """What a page breaks of what every page keeps; empty for a good page."""
    page = _Page()
    page.feed(html)
    wrong = list(page.wrong)
    for tag, wanted in (("h1", 1), ("main", 1)):
        if page.tags[tag] != wanted:
            wrong.append(f"{page.tags[tag]} <{tag}>")
    for tag in ("header", "nav", "footer"):
        if not page.tags[tag]:
            wrong.append(f"no <{tag}>")
    if not page.title.strip():
        wrong.append("no title")
    if not page.lang:
        wrong.append("no language")
    if not page.skip_link:
        wrong.append("no skip link to #main")
    if page.referrer == "no-referrer" and page.has_protected_form:
        # Browsers then send "Origin: null" with the form, which Django's CSRF check refuses.
        wrong.append("no-referrer on a page with a form")
    wrong += [f"id {name!r} {count} times" for name, count in page.ids.items() if count > 1]
    return wrong
