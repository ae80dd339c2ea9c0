"""Markdown to HTML: the one way, for page, preview, feed and export.

Markdown is untrusted. Raw HTML in it is shown as text, not passed through; what the extensions make of the
rest is sanitised by nh3 at the very end, whatever they do. Two extensions are left out on purpose: ``smarty``
turns ``--cap`` into a dash, ``snippets`` reads files.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

from markdown import Markdown

from kb.code_markup import KnownError
from kb.markup import Fence, Parts, PortalMarkup, highlight_fence, read_fence_options
from kb.sanitising import ID_PREFIX, sanitise
from kb.variables import Variable

#: Raise it when the same Markdown gives other HTML; stored articles are then rendered anew.
VERSION = 8

_EXTENSIONS = [
    "tables",
    "footnotes",
    "admonition",
    "attr_list",
    "def_list",
    "abbr",
    "toc",
    "sane_lists",
    "pymdownx.superfences",
    "pymdownx.details",
    "pymdownx.tabbed",
    "pymdownx.tasklist",
    "pymdownx.tilde",
]
_CONFIGURATION: dict[str, dict[str, Any]] = {
    "toc": {
        "permalink": "#",
        "permalink_class": "anchor",
        "permalink_title": "Link to this section",
        "toc_depth": "2-3",
    },
    "footnotes": {"BACKLINK_TEXT": "back"},
    "pymdownx.superfences": {
        "css_class": "code",
        "custom_fences": [
            {"name": "*", "class": "code", "format": highlight_fence, "validator": read_fence_options}
        ],
    },
    "pymdownx.tabbed": {"alternate_style": True},
    "pymdownx.tilde": {"subscript": False},
}


class Heading(TypedDict):
    """One line of a table of contents: where it is, what it says (plain text), and what is below it."""

    id: str
    name: str
    children: list["Heading"]


@dataclass(frozen=True)
class Rendered:
    """What Markdown became. ``html`` is safe to show as it stands; ``words`` counts the source's words."""

    html: str
    toc: list[Heading]
    words: int
    blocks: tuple[tuple[str, str], ...] = ()
    drawn: Mapping[tuple[str, str], str | None] = field(default_factory=dict)
    fences: tuple[Fence, ...] = ()
    variables: tuple[Variable, ...] = ()
    codes: tuple[str, ...] = ()
    errors: tuple[KnownError, ...] = ()


def render(markdown: str, parts: Parts | None = None) -> Rendered:
    """Render an article's Markdown. Total: any text gives some HTML, and none of it runs.

    ``parts`` are live blocks and badges, HTML that is safe already and that no author can imitate: they are put in
    after the author's own HTML was sanitised. ``blocks`` of the result are the live blocks that the text asks for,
    as name and argument, whether there are such or not, ``drawn`` what came of each; ``fences`` its blocks of code, in
    order, with the defaults of their reader variables; ``variables`` those (``kb.variables``); ``codes`` its inline
    code outside headings and links, ``errors`` the messages that its admonitions explain.
    """
    markup = PortalMarkup(parts or Parts())
    converter = Markdown(extensions=[*_EXTENSIONS, markup], extension_configs=_CONFIGURATION, tab_length=4)
    converter.portal = markup  # type: ignore[attr-defined]  # for highlight_fence, which superfences calls
    try:
        unsafe = converter.convert(markdown.replace("\x00", ""))
    except RecursionError:  # lists in lists beyond any reader: shown as it was typed
        markup = PortalMarkup(Parts())
        unsafe, tokens = f"<pre><code>{html.escape(markdown)}</code></pre>", []
    else:
        tokens = converter.toc_tokens  # type: ignore[attr-defined]
    toc = [_heading(token) for token in tokens]
    return Rendered(
        html=markup.put_parts_into(sanitise(unsafe)),
        toc=toc,
        words=len(markdown.split()),
        blocks=tuple(markup.blocks),
        drawn=markup.drawn,
        fences=tuple(markup.fences),
        variables=tuple(markup.variables.values()),
        codes=tuple(markup.codes),
        errors=tuple(_in_page(one) for one in markup.errors),
    )


def _in_page(error: KnownError) -> KnownError:
    return replace(error, section=ID_PREFIX + error.section) if error.section else error


def _heading(token: dict[str, Any]) -> Heading:
    return {
        "id": ID_PREFIX + token["id"],
        "name": html.unescape(token["name"]),
        "children": [_heading(child) for child in token["children"]],
    }
