"""Lines of a comparison as HTML: every character of the texts escaped, what differs in ``ins`` or ``del``."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from kb.diffs import Row, Side

register = template.Library()


@register.filter
def old_text(row: Row) -> SafeString:
    """The line as it was."""
    return _text(row.old, "del", row.kind == "removed")


@register.filter
def new_text(row: Row) -> SafeString:
    """The line as it is now."""
    return _text(row.new, "ins", row.kind == "added")


def _text(side: Side | None, mark: str, is_whole: bool) -> SafeString:
    """In one element of its own, so that no white space of the template comes between."""
    if side is None:
        return SafeString("")
    pieces = ((mark if is_whole or piece.is_changed else "span", piece.text) for piece in side.segments)
    text = format_html_join("", "<{0}>{1}</{0}>", pieces)
    return format_html('<span class="diff-text">{}</span>', text)
