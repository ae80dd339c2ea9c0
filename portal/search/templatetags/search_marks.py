"""Show what was found with its hits marked."""

from collections.abc import Iterable

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from portal.search.snippets import Segment

register = template.Library()


@register.filter
def marked(segments: Iterable[Segment]) -> SafeString:
    """The text of ``segments``, escaped, the hits in ``<mark>``."""
    pieces = (
        format_html("<mark>{}</mark>", segment.text)
        if segment.is_marked
        else conditional_escape(segment.text)
        for segment in segments
    )
    return mark_safe("".join(pieces))  # noqa: S308  every piece was escaped above
