"""Beside each heading of an article's own page a link to the form that asks about that section.

It is put in where the page is drawn, and stands in no stored text: feeds, the search, Markdown and programs do not
have it.
"""

import html
import re
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kb.models import Article
from kb.services.questions import sections_to_ask_about

#: The permalink at the end of a heading, as ``kb.rendering`` leaves it. It begins with a tag that has quotation marks,
#: so neither an attribute nor text, where those are escaped, can hold one.
_END_OF_HEADING = re.compile(
    r'<a (?:aria-label="Link to this section" )?class="anchor" href="#([^"]*)" '
    r'title="Link to this section" rel="ugc">#</a></h[23]>'
)


def html_with_ask_links(article: Article) -> SafeString:
    """The text of ``article`` as its page shows it; as it was stored where readers do not see the article."""
    if article.status != Article.Status.PUBLISHED:
        return SafeString(article.html)
    names = dict(sections_to_ask_about(article))
    form = reverse("kb:questions", args=[article.slug])

    def with_link(heading: re.Match[str]) -> str:
        section = html.unescape(heading[1])
        if section not in names:
            return heading[0]
        return heading[0] + format_html(
            '<a class="ask no-print" href="{}?{}#ask" rel="nofollow" aria-label="Ask about: {}">Ask</a>',
            form,
            urlencode({"section": section}),
            names[section],
        )

    return SafeString(_END_OF_HEADING.sub(with_link, article.html))
