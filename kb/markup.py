"""How this portal writes Markdown's parts as HTML: code with a place for its copy button, tables that scroll."""

import re
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.treeprocessors import Treeprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

_MAX_LINES_MARKED = 200


def read_fence_options(
    language: str, inputs: dict[str, str], options: dict[str, Any], attrs: dict[str, Any], md: Markdown
) -> bool:
    """Take ``hl_lines="2 4-6"`` and ``title="..."`` from the line that opens a fence; ignore the rest."""
    options["title"] = inputs.get("title", "")
    options["marked"] = _line_numbers(inputs.get("hl_lines", ""))
    return True


def highlight_fence(
    source: str, language: str, css_class: str, options: dict[str, Any], md: Markdown, **more: Any
) -> str:
    """A fenced block as HTML that ``static/js/copy.js`` understands.

    In ``console`` blocks Pygments tells prompt, command and output apart; the copy button takes commands only.
    """
    try:
        lexer = get_lexer_by_name(language) if language else TextLexer()
    except ClassNotFound:
        lexer = TextLexer()
    formatter = HtmlFormatter(nowrap=True, hl_lines=options.get("marked", []))
    code = highlight(source, lexer, formatter)
    # Pygments escapes the source, so a span of these classes can only be its own.
    code = code.replace('<span class="gp">', '<span class="gp prompt">')
    # Line ends after output belong to it, so that a copy without output has no empty lines.
    code = re.sub(r'<span class="go">([^<]*)</span>(\n*)', r'<span class="go output">\1\2</span>', code)
    head = Element("div", {"class": "code-head"})
    SubElement(head, "span").text = options.get("title") or (language if language != "text" else "")
    drawn = tostring(head, encoding="unicode", short_empty_elements=False)
    return f'<div class="code" data-copy="">{drawn}<pre tabindex="0"><code>{code}</code></pre></div>'


def _line_numbers(text: str) -> list[int]:
    """``"2 4-6"`` as [2, 4, 5, 6]; what is no number is left out, and no range grows without bound."""
    numbers: set[int] = set()
    for part in text.replace(",", " ").split():
        first, _, last = part.partition("-")
        if first.isdecimal() and (last.isdecimal() or not last):
            start = int(first[:6])
            stop = min(int((last or first)[:6]), start + _MAX_LINES_MARKED)
            numbers.update(range(start, stop + 1))
    return sorted(numbers)


class _LowerTopHeading(Treeprocessor):
    """The page has its ``h1`` already, the title: a ``#`` in the text counts as ``##``."""

    def run(self, root: Element) -> None:
        for heading in root.iter("h1"):
            heading.tag = "h2"


class _DressTables(Treeprocessor):
    """Put tables in a box that scrolls by keyboard too, and give each cell its column's name.

    Where it is narrow the style sheet turns rows into stacks and shows these names. Alignment is said by class,
    for the Content-Security-Policy forbids style attributes.
    """

    def run(self, root: Element) -> None:
        tables = [(parent, child) for parent in root.iter() for child in parent if child.tag == "table"]
        for parent, table in tables:
            self._box(parent, table)
            self._dress(table)

    def _box(self, parent: Element, table: Element) -> None:
        box = Element(
            "div", {"class": "table-scroll", "tabindex": "0", "role": "group", "aria-label": "Table"}
        )
        box.tail, table.tail = table.tail, None
        parent[list(parent).index(table)] = box
        box.append(table)
        table.set("class", "stacked")

    def _dress(self, table: Element) -> None:
        heads = list(table.iter("th"))
        for head in heads:
            head.set("scope", "col")
        for row in table.iter("tr"):
            for place, cell in enumerate(row):
                if "right" in cell.attrib.pop("style", ""):
                    cell.set("class", "numeric")
                if cell.tag == "td" and place < len(heads):
                    cell.set("data-label", "".join(heads[place].itertext()))
                    _wrap_content(cell)


def _wrap_content(cell: Element) -> None:
    """Make what a cell holds one box, to stand beside its label."""
    whole = Element("span")
    whole.text, cell.text = cell.text, None
    for child in list(cell):
        cell.remove(child)
        whole.append(child)
    cell.append(whole)


class _NameAnchors(Treeprocessor):
    """Let the permalink of a heading say to a screen reader where it leads."""

    def run(self, root: Element) -> None:
        for tag in ("h2", "h3", "h4", "h5", "h6"):
            for heading in root.iter(tag):
                anchor = next((a for a in heading.iter("a") if a.get("class") == "anchor"), None)
                if anchor is not None:
                    anchor.set("aria-label", "Link to this section")


class _NameCheckboxes(Postprocessor):
    """Name the boxes of task lists; text cannot hold this tag, for it is escaped by now."""

    def run(self, text: str) -> str:
        return text.replace('<input type="checkbox" ', '<input type="checkbox" aria-label="Done" ')


class PortalMarkup(Extension):
    """Our own steps among those of Markdown."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Show raw HTML as text; lower ``h1`` before the table of contents is made; dress the result."""
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")
        md.treeprocessors.register(_LowerTopHeading(md), "lower_top_heading", 7)
        md.treeprocessors.register(_NameAnchors(md), "name_anchors", 4)
        md.treeprocessors.register(_DressTables(md), "dress_tables", 3)
        md.postprocessors.register(_NameCheckboxes(md), "name_checkboxes", 5)
