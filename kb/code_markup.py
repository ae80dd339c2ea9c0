"""Steps of Markdown's that read an article's code: names that lead somewhere, and error messages that it explains."""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

#: Inside these, code leads nowhere: they lead somewhere themselves, or name a section.
_NO_LINKS_IN = frozenset({"a", "h1", "h2", "h3", "h4", "h5", "h6", "summary", "label", "pre"})
#: Pieces of inline code of one text that may become links, and known errors of one text.
_MAX_CODES, _MAX_ERRORS = 1000, 100


@dataclass(frozen=True, slots=True)
class KnownError:
    """An admonition ``!!! error "message with *"``: the message, why it comes, and the heading above it."""

    pattern: str
    cause: str
    section: str
    """Id of the heading as the page has it; empty above the first heading."""


class LinkNames(Treeprocessor):
    """Let inline code that names something lead to its page. ``marks`` gives a mark for each code that does."""

    def __init__(self, md: Markdown, marks: Callable[[list[str]], Mapping[str, str]]) -> None:
        super().__init__(md)
        self._marks = marks

    def run(self, root: Element) -> None:
        """Put the marks in the places of the codes."""
        found = [
            (parent, code, html.unescape(code.text or ""))
            for parent, code in _inline_codes(root)
            if not len(code)
        ][:_MAX_CODES]
        marks = self._marks([text for _, _, text in found])
        for parent, code, text in found:
            if text in marks:
                place = Element("span")
                place.text, place.tail = AtomicString(marks[text]), code.tail
                parent[list(parent).index(code)] = place


def _inline_codes(parent: Element) -> Iterator[tuple[Element, Element]]:
    for child in parent:
        if child.tag == "code":
            yield parent, child
        elif child.tag not in _NO_LINKS_IN and "admonition-title" not in child.get("class", ""):
            yield from _inline_codes(child)


class TakeErrors(Treeprocessor):
    """Take the messages of ``!!! error`` admonitions as they are written, before ``*`` is a mark of emphasis."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self._taken: dict[Element, tuple[str, str]] = {}

    def run(self, root: Element) -> None:
        """Remember each admonition of a known error until its heading has an id."""
        for box in root.iter("div"):
            if box.get("class", "").split() != ["admonition", "error"] or not len(box):
                continue
            # “error” is a form's word in the style sheets.
            box.set("class", "admonition bug")
            title, *rest = box
            pattern = " ".join((title.text or "").split())
            is_titled = title.get("class") == "admonition-title" and pattern not in ("", "Error")
            if is_titled and len(self._taken) < _MAX_ERRORS:
                title.text = AtomicString("Error message: ")
                SubElement(title, "code").text = AtomicString(html.escape(pattern, quote=False))
                cause = next((one.text or "" for one in rest if one.tag == "p"), "")
                self._taken[box] = (pattern, _plain(cause))

    def placed(self, root: Element) -> Iterator[KnownError]:
        """The errors with their headings, when headings have their ids."""
        section = ""
        for element in root.iter():
            if element.tag in ("h2", "h3", "h4", "h5", "h6"):
                section = element.get("id", section)
            if found := self._taken.get(element):
                yield KnownError(*found, section)


class PlaceErrors(Treeprocessor):
    """Hand on what :class:`TakeErrors` took, after the table of contents gave headings their ids."""

    def __init__(self, md: Markdown, taken: TakeErrors, note: Callable[[KnownError], None]) -> None:
        super().__init__(md)
        self._taken, self._note = taken, note

    def run(self, root: Element) -> None:
        """Hand them on in their order."""
        for error in self._taken.placed(root):
            self._note(error)


def _plain(markdown: str) -> str:
    """A sentence without the marks of code, emphasis and links: for plain text."""
    text = re.sub(r"\[([^\[\]]{0,200})\]\([^()\s]{0,500}\)", r"\1", markdown)
    return " ".join(re.sub(r"[`*]", "", text).split())
