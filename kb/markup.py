"""How this portal writes Markdown's parts as HTML: code with a place for its copy button, tables that scroll."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

from kb.code_markup import KnownError, LinkNames, PlaceErrors, TakeErrors
from kb.variables import INLINE, Variable, box_html, place_html, places, quoted, read_declarations

_MAX_LINES_MARKED = 200
#: Live blocks of one text, and places where they stand: each is drawn from the database, and may be long.
_MOST_BLOCKS, _MOST_PLACES = 40, 100
#: A live block: alone in its paragraph, a name, then its argument.
_BLOCK = re.compile(r"\{\{ ?([a-z][a-z0-9-]{0,39})(?: +([^{}\n]{1,200}?))? ?\}\}")


def read_block(line: str) -> tuple[str, str] | None:
    """Name and argument of the live block that a line asks for; None where it asks for none."""
    match = _BLOCK.fullmatch(line.strip())
    return (match[1], match[2] or "") if match else None


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of code as its writer left it. ``options`` are those that the opening line has beside the language."""

    language: str
    options: Mapping[str, str]
    source: str

    @property
    def digest(self) -> str:
        """SHA-256, hex, of all of it."""
        whole = json.dumps([self.language, sorted(self.options.items()), self.source])
        return hashlib.sha256(whole.encode()).hexdigest()


def _no_block(name: str, argument: str) -> str | None:
    return None


def _no_names(codes: Collection[str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Parts:
    """HTML that the portal puts into an article. All of it is sanitised already.

    ``embed`` gives the live block of a name and an argument, None where there is no block of that name: then the
    text stays as it was written. ``badges`` are what stands at the head of a block of code, by its ``Fence.digest``.
    ``names`` gives what stands in the place of inline code, by its text: a link to the page of what it names.
    """

    embed: Callable[[str, str], str | None] = _no_block
    badges: Mapping[str, str] = field(default_factory=dict)
    names: Callable[[Collection[str]], Mapping[str, str]] = _no_names


def read_fence_options(
    language: str, inputs: dict[str, str], options: dict[str, Any], attrs: dict[str, Any], md: Markdown
) -> bool:
    """Take ``hl_lines="2 4-6"`` and ``title="..."`` from the line that opens a fence; ignore the rest."""
    options["all"] = dict(inputs)
    options["title"] = inputs.get("title", "")
    options["marked"] = _line_numbers(inputs.get("hl_lines", ""))
    return True


def highlight_fence(
    source: str, language: str, css_class: str, options: dict[str, Any], md: Markdown, **more: Any
) -> str:
    """A fenced block as HTML that ``static/js/copy.js`` understands.

    In ``console`` blocks Pygments tells prompt, command and output apart; the copy button takes commands only.
    A diagram is its source, which ``static/js/kb/diagrams.js`` finds by its class.
    """
    portal: PortalMarkup = md.portal  # type: ignore[attr-defined]
    if language == "variables":
        source = portal.declare(source)
        if not source:
            return ""
    is_diagram = language == "mermaid"
    filled, marked = (source, source) if is_diagram else portal.fill(source, language)
    try:
        lexer = get_lexer_by_name(language) if language else TextLexer()
    except ClassNotFound:
        lexer = TextLexer()
    formatter = HtmlFormatter(nowrap=True, hl_lines=options.get("marked", []))
    code = highlight(marked, lexer, formatter)
    if not portal.has_marks_of(marked, code):  # a lexer that knows no such word took it apart
        code = highlight(marked, TextLexer(), formatter)
    # Pygments escapes the source, so a span of these classes can only be its own.
    code = code.replace('<span class="gp">', '<span class="gp prompt">')
    # Line ends after output belong to it, so that a copy without output has no empty lines.
    code = re.sub(r'<span class="go">([^<]*)</span>(\n*)', r'<span class="go output">\1\2</span>', code)
    head = Element("div", {"class": "code-head"})
    SubElement(head, "span").text = options.get("title") or (language if language != "text" else "")
    badge = portal.note_fence(Fence(language, options.get("all", {}), filled))
    if badge:
        SubElement(head, "span").text = badge
    drawn = tostring(head, encoding="unicode", short_empty_elements=False)
    css_class = "code diagram" if is_diagram else "code"
    return f'<div class="{css_class}" data-copy="">{drawn}<pre tabindex="0"><code>{code}</code></pre></div>'


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
            if "".join(head.itertext()).strip():
                head.set("scope", "col")
            else:
                head.tag = "td"  # a corner that names nothing is no head
        for row in table.iter("tr"):
            for place, cell in enumerate(row):
                if "right" in cell.attrib.pop("style", ""):
                    cell.set("class", "numeric")
                if cell.tag == "td" and cell not in heads and place < len(heads):
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


class _TakeBlocks(Treeprocessor):
    """Replace each live block that there is by a mark; ``PortalMarkup.put_parts_into`` puts in the block itself."""

    def __init__(self, md: Markdown, portal: "PortalMarkup") -> None:
        super().__init__(md)
        self._portal = portal

    def run(self, root: Element) -> None:
        for paragraph in root.iter("p"):
            asked = read_block(paragraph.text or "")
            if asked and not len(paragraph):
                paragraph.text = self._portal.note_block(*asked) or paragraph.text


class _FillInlineCode(Treeprocessor):
    """Mark the places of reader variables in code within sentences; after the contents took the headings' text."""

    def __init__(self, md: Markdown, portal: "PortalMarkup") -> None:
        super().__init__(md)
        self._portal = portal

    def run(self, root: Element) -> None:
        for code in root.iter("code"):
            if code.text:
                code.text = AtomicString(self._portal.fill(code.text, INLINE)[1])


class _DressFigures(Treeprocessor):
    """A picture alone in its paragraph, with a title, is a figure with a caption. Pictures load when they come near."""

    def run(self, root: Element) -> None:
        for image in root.iter("img"):
            image.set("loading", "lazy")
        for paragraph in list(root.iter("p")):
            only = next(iter(paragraph)) if len(paragraph) == 1 else None
            if only is None or only.tag != "img" or "title" not in only.attrib:
                continue
            if not ((paragraph.text or "") + (only.tail or "")).strip():
                paragraph.tag = "figure"
                SubElement(paragraph, "figcaption").text = only.attrib.pop("title")


class PortalMarkup(Extension):
    """Our own steps among those of Markdown, for one text: it knows what the text asked for.

    Where the portal's own HTML belongs, the text has a mark with a random number until the author's HTML is sanitised:
    no author can guess it.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.blocks: list[tuple[str, str]] = []
        self.fences: list[Fence] = []
        self.variables: dict[str, Variable] = {}
        self.codes: list[str] = []
        self.errors: list[KnownError] = []
        self._parts = parts
        self._secret = secrets.token_hex(16)
        self._marked: list[str] = []
        self.drawn: dict[tuple[str, str], str | None] = {}
        self._places = 0

    def note_block(self, name: str, argument: str) -> str:
        """Remember that the text asks for this block; the mark for its place, empty where there is none."""
        if (name, argument) not in self.drawn:
            if len(self.drawn) == _MOST_BLOCKS:
                return ""
            self.blocks.append((name, argument))
            self.drawn[name, argument] = self._parts.embed(name, argument)
        found = self.drawn[name, argument] if self._places < _MOST_PLACES else None
        self._places += 1
        return "" if found is None else self._mark(found)

    def note_fence(self, fence: Fence) -> str:
        """Remember the block of code; the mark for its badge, empty where it has none."""
        self.fences.append(fence)
        badge = self._parts.badges.get(fence.digest)
        return self._mark(badge) if badge else ""

    def note_codes(self, codes: list[str]) -> Mapping[str, str]:
        """Remember the inline codes; the marks for those that become links, by text."""
        self.codes += codes
        return {text: self._mark(link) for text, link in self._parts.names(codes).items()} if codes else {}

    def declare(self, source: str) -> str:
        """Take the reader variables that a fence declares; what of it nobody understands is left."""
        found, odd = read_declarations(source, self.variables)
        self.variables |= found
        return "\n".join(odd)

    def fill(self, source: str, language: str) -> tuple[str, str]:
        """``source`` with the defaults of its variables, and with marks in their places."""
        filled, marked, done = [], [], 0
        for place in places(source, language, self.variables):
            variable, before = self.variables[place.name], source[done : place.start]
            filled += [before, quoted(variable.default, place.quoting)]
            self._marked.append(place_html(variable, place.quoting))
            marked += [before, f"value{self._secret}n{len(self._marked) - 1}e"]
            done = place.end
        return "".join([*filled, source[done:]]), "".join([*marked, source[done:]])

    def has_marks_of(self, marked: str, code: str) -> bool:
        """Whether every mark is whole in ``code``."""
        return code.count(f"value{self._secret}n") == marked.count(f"value{self._secret}n")

    def put_parts_into(self, safe: str) -> str:
        """The article's sanitised HTML with what belongs in the places of the marks."""

        def part(match: re.Match[str]) -> str:
            return self._marked[int(match[1] or match[2] or match[3])]

        mark = rf"part{self._secret}n(\d+)e"
        head = box_html(self.variables) if self.variables else ""
        return head + re.sub(rf"<p>{mark}</p>|<span>{mark}</span>|value{self._secret}n(\d+)e", part, safe)

    def _mark(self, html: str) -> str:
        self._marked.append(html)
        return f"part{self._secret}n{len(self._marked) - 1}e"

    def extendMarkdown(self, md: Markdown) -> None:
        """Show raw HTML as text; lower ``h1`` before the table of contents is made; dress the result."""
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")
        # Before inline patterns (20), which would take the marks of emphasis in an argument for Markdown.
        md.treeprocessors.register(_TakeBlocks(md, self), "take_blocks", 25)
        md.treeprocessors.register(taken := TakeErrors(md), "take_errors", 24)
        md.treeprocessors.register(_LowerTopHeading(md), "lower_top_heading", 7)
        md.treeprocessors.register(_NameAnchors(md), "name_anchors", 4)
        md.treeprocessors.register(_DressTables(md), "dress_tables", 3)
        md.treeprocessors.register(_DressFigures(md), "dress_figures", 2)
        md.treeprocessors.register(PlaceErrors(md, taken, self.errors.append), "place_errors", 1.8)
        md.treeprocessors.register(LinkNames(md, self.note_codes), "link_names", 1.5)
        md.treeprocessors.register(_FillInlineCode(md, self), "fill_inline_code", 1)
        md.postprocessors.register(_NameCheckboxes(md), "name_checkboxes", 5)
