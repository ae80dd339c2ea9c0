"""Whether a change is no more than mended words, so that it needs no second person."""

import re
from dataclasses import replace

from rapidfuzz.distance import Levenshtein

from kb.documents import Document

#: Characters put in, taken out or changed, in all.
MOST = 60
#: What readers copy or follow: fences, code in a line, targets of links, addresses, and raw HTML.
_MEANT_EXACTLY = re.compile(
    r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)|`[^`\n]*`|\]\([^)\n]*\)|^ {4,}.*$|^\[[^\]\n]*\]:.*$|\w+://[^\s>)]*|<[^>\n]*>|\{\{.*?\}\}",
    re.MULTILINE | re.DOTALL,
)


def mends_words_only(before: Document, after: Document) -> bool:
    """At most :data:`MOST` characters of title, summary and prose differ, and nothing of code, links or the head."""
    if replace(after, title=before.title, abstract=before.abstract, content=before.content) != before:
        return False
    if _exact(before.content) != _exact(after.content):
        return False
    pairs = ((one.title, one.abstract, one.content) for one in (before, after))
    changed = (Levenshtein.distance(old, new, score_cutoff=MOST) for old, new in zip(*pairs, strict=True))
    return sum(changed) <= MOST


def _exact(content: str) -> list[str]:
    return [match[0] for match in _MEANT_EXACTLY.finditer(content)]
