"""An article as a file: a head in YAML between two lines of ``---``, then Markdown. Made to be kept in git.

The same article always gives the same bytes, and what was read gives what was written: in between nothing is lost.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import yaml

from kb.documents import AppliesToRange, Document

#: Characters of a whole file: the longest article with a generous head.
MAX_LENGTH = 260_000
_FENCE = "---\n"
_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*\Z")
_SHA = re.compile(r"[0-9a-f]{64}\Z")
_KEYS = ("slug", "title", "kind", "summary", "tags", "applies_to", "series", "part")
_DATES = ("reviewed", "review_due")
_LAST = ("base",)


class NotAnArticleError(ValueError):
    """The text is no article in this form; ``str()`` says why, in words for whoever sent it."""


@dataclass(frozen=True, slots=True)
class ArticleFile:
    """A document with the address and dates of its article, and the ``sha`` of the revision that it was made from."""

    slug: str
    document: Document
    reviewed: dt.date | None = None
    review_due: dt.date | None = None
    base: str = ""


class _PlainLoader(yaml.SafeLoader):
    """YAML without anchors: with them, a few lines could stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise NotAnArticleError("The head uses YAML's anchors and aliases, which articles do not need.")
        return super().compose_node(parent, index)


# An explicit !!int or !!timestamp is no way around that: what constructs them also raises whatever it likes.
_PlainLoader.yaml_constructors = {
    tag: maker
    for tag, maker in yaml.SafeLoader.yaml_constructors.items()
    if tag in (None, "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")
}
# Dates and numbers are read as text: "2026-11-22" and "10.0" are what the writer typed.
_PlainLoader.yaml_implicit_resolvers = {}


def to_text(article: ArticleFile) -> str:
    """The file's text. Lines end in ``\\n``; keys that say nothing are left out."""
    document = article.document.normalised()
    head: dict[str, Any] = {
        "slug": article.slug,
        "title": document.title,
        "kind": document.kind,
        "summary": document.abstract,
        "tags": list(document.tags),
        "applies_to": [_range_to_text(one) for one in document.applies_to],
        "series": document.series,
        "part": None if document.part is None else str(document.part),
        "reviewed": None if article.reviewed is None else article.reviewed.isoformat(),
        "review_due": None if article.review_due is None else article.review_due.isoformat(),
        "base": article.base,
    }
    said = {key: value for key, value in head.items() if value}
    written = "".join(_line(key, value) for key, value in said.items())
    return f"{_FENCE}{written}{_FENCE}\n{document.content}"


def from_text(text: str) -> ArticleFile:
    """Read what ``to_text`` wrote, or what somebody wrote by hand in the same form.

    Raises:
        NotAnArticleError: there is no head, or something in it is not what it should be.
    """
    if len(text) > MAX_LENGTH:
        raise NotAnArticleError(f"The file is longer than {MAX_LENGTH:,} characters.")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if not text.startswith(_FENCE):
        raise NotAnArticleError("The file does not begin with a head between two lines of ---.")
    head_text, found, content = text[len(_FENCE) :].partition(f"\n{_FENCE}")
    if not found:
        raise NotAnArticleError("The head does not end: a second line of --- is missing.")
    head = _read_head(head_text)
    document = Document(
        title=_text(head, "title", required=True),
        kind=_text(head, "kind") or "how-to",
        abstract=_text(head, "summary"),
        tags=tuple(_texts(head, "tags")),
        applies_to=tuple(_range_from_text(one) for one in _texts(head, "applies_to")),
        series=_text(head, "series"),
        part=_number(head, "part"),
        content=content.removeprefix("\n"),
    )
    slug, base = _text(head, "slug", required=True), _text(head, "base")
    if not _SLUG.match(slug) or len(slug) > 80:
        raise NotAnArticleError("slug: small letters, digits and hyphens only, 80 at most.")
    if base and not _SHA.match(base):
        raise NotAnArticleError("base: this is not the checksum of a revision.")
    dates = {name: _date(head, name) for name in _DATES}
    return ArticleFile(slug=slug, document=document.normalised(), base=base, **dates)


def _line(key: str, value: str | list[str]) -> str:
    return yaml.safe_dump({key: value}, allow_unicode=True, width=10**6, default_flow_style=False)


def _read_head(text: str) -> dict[str, Any]:
    try:
        head = yaml.load(text, Loader=_PlainLoader)  # noqa: S506  a loader of our own, stricter than SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, NotAnArticleError):
            raise
        raise NotAnArticleError("The head is not YAML.") from error
    if not isinstance(head, dict):
        raise NotAnArticleError("The head is not a list of keys with values.")
    unknown = [key for key in head if key not in (*_KEYS, *_DATES, *_LAST)]
    if unknown:
        raise NotAnArticleError(f"The head has a key that articles do not have: {str(unknown[0])[:40]}.")
    return head


def _text(head: dict[str, Any], key: str, *, required: bool = False) -> str:
    value = head.get(key) or ""
    if not isinstance(value, str):
        raise NotAnArticleError(f"{key}: one line of text is expected.")
    if required and not value.strip():
        raise NotAnArticleError(f"{key} is missing from the head.")
    return " ".join(value.split())


def _texts(head: dict[str, Any], key: str) -> list[str]:
    value = head.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise NotAnArticleError(f"{key}: a list is expected, with a hyphen before each.")
    return [" ".join(one.split()) for one in value if one.strip()]


def _number(head: dict[str, Any], key: str) -> int | None:
    value = _text(head, key)
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 5 and int(value)):
        raise NotAnArticleError(f"{key}: a number from 1 is expected.")
    return int(value)


def _date(head: dict[str, Any], key: str) -> dt.date | None:
    value = _text(head, key)
    try:
        return dt.date.fromisoformat(value) if value else None
    except ValueError:
        raise NotAnArticleError(f"{key}: a day such as 2026-11-22 is expected.") from None


def _range_to_text(one: AppliesToRange) -> str:
    """``qemu``, ``qemu 5.2`` for one version, ``qemu 5.2-`` and later, ``qemu -7.2`` up to it, ``qemu 5.2-7.2``."""
    if one.minimum == one.maximum:
        return f"{one.component} {one.minimum}".strip()
    return f"{one.component} {one.minimum}-{one.maximum}"


def _range_from_text(text: str) -> AppliesToRange:
    component, _, versions = text.partition(" ")
    if "-" not in versions:
        return AppliesToRange(component, versions, versions)
    minimum, _, maximum = versions.partition("-")
    return AppliesToRange(component, minimum.strip(), maximum.strip())
