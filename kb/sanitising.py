"""The last word on HTML that came from Markdown: an allow-list of elements, attributes and class names."""

import nh3
from pygments.token import STANDARD_TYPES

#: Before every id of an article, so that no heading can take the place of an id of the page around it.
ID_PREFIX = "s-"

_MARKUP = (
    "admonition admonition-title anchor code code-head diagram footnote footnote-backref footnote-ref numeric "
    "output prompt stacked table-scroll tabbed-alternate tabbed-block tabbed-content tabbed-labels tabbed-set "
    "task-list task-list-item bug danger example info note tip warning quote success"
)
#: class names that articles may carry: those of code tokens, and those of their own parts
_CLASSES = frozenset(filter(None, STANDARD_TYPES.values())) | frozenset(_MARKUP.split()) | {"hll"}

_ELEMENTS = (
    "a abbr blockquote br code dd del details div dl dt em figcaption figure h2 h3 h4 h5 h6 hr img input kbd "
    "label li ol p pre s span strong sub summary sup table tbody td tfoot th thead tr ul"
)
_ATTRIBUTES = {
    "*": {"class", "id"},
    "a": {"href", "title", "aria-label"},
    "abbr": {"title"},
    "details": {"open"},
    "div": {"data-copy"},
    "img": {"src", "alt", "title", "width", "height"},
    "input": {"checked", "disabled", "name"},
    "label": {"for"},
    "ol": {"start"},
    "td": {"colspan", "data-label", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_VALUES = {
    "input": {"type": {"checkbox", "radio"}, "aria-label": {"Done"}},
    "pre": {"tabindex": {"0"}},
    "img": {"loading": {"lazy"}},
    "div": {"tabindex": {"0"}, "role": {"group"}, "aria-label": {"Table"}},
}


def _filter(tag: str, attribute: str, value: str) -> str | None:
    """Keep ids in their own space, classes to those that articles use, and images to this site's own."""
    if attribute == "class":
        return " ".join(name for name in value.split() if name in _CLASSES) or None
    if attribute in ("id", "for"):
        return ID_PREFIX + value
    if tag == "a" and attribute == "href" and value.startswith("#"):
        return f"#{ID_PREFIX}{value[1:]}"
    if tag == "img" and attribute == "src":
        # "//host" and "/\host" lead to other servers; CSP would stop them, and readers need not ask them.
        return value if value.startswith("/") and value[1:2] not in ("/", "\\") else None
    return value


def sanitise(unsafe: str) -> str:
    """HTML of which nothing runs, nothing loads from elsewhere, and nothing looks like the page around it."""
    return nh3.clean(
        unsafe,
        tags=set(_ELEMENTS.split()),
        attributes=_ATTRIBUTES,
        tag_attribute_values=_VALUES,
        attribute_filter=_filter,
        url_schemes={"http", "https", "mailto"},
        link_rel="ugc",
    )
