"""What readers post, as HTML: plain text, escaped, in paragraphs; its addresses are links nobody vouches for."""

import hashlib
import re

from django import template
from django.utils.html import escape, format_html, linebreaks
from django.utils.safestring import SafeString

from kb.models import Answer, HelpfulVote, Question

register = template.Library()
_ADDRESS = re.compile(r"""(https?://[^\s<>"'`]{1,1000})""", re.IGNORECASE)
_NOT_ITS_END = ".,;:!?)]}"


@register.filter
def post_text(text: str) -> SafeString:
    """``text`` in paragraphs; what begins with http:// or https:// is a link with ``rel="ugc nofollow"``."""
    pieces = (
        _link(piece) if number % 2 else escape(piece) for number, piece in enumerate(_ADDRESS.split(text))
    )
    return SafeString(linebreaks("".join(pieces)))


@register.filter
def post_mark(post: Question | Answer | HelpfulVote) -> str:
    """Names the words of ``post`` as they are, so that a decision counts for what was seen and nothing later."""
    words = f"{post.worked}\n{post.versions}\n{post.reason}" if isinstance(post, HelpfulVote) else post.text
    return hashlib.sha256(words.encode()).hexdigest()


def _link(address: str) -> str:
    shown = address.rstrip(_NOT_ITS_END)
    link = format_html('<a href="{0}" rel="ugc nofollow">{0}</a>', shown)
    return link + escape(address[len(shown) :])
