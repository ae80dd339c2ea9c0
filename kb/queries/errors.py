"""What the knowledge base knows of a pasted text: by its signatures of errors, else by search and by names."""

from dataclasses import dataclass

from django.db.models import Count

from kb import error_lines
from kb.error_lines import Signature
from kb.markup import Fence
from kb.mentions import in_fences
from kb.models import Article, ErrorSignature
from portal.embeds.names import look_up
from portal.search.queries import Result, search

#: Signatures that are compared, messages that are shown, and other articles.
MAX_SIGNATURES, MAX_SHOWN, MAX_OTHERS = 5_000, 10, 6
#: Lines that are searched for where no signature is found.
MAX_SEARCHED = 3


@dataclass(frozen=True)
class KnownError:
    """A message of the text that an article explains. ``line`` is without what differs from host to host."""

    signature: ErrorSignature
    line: str
    count: int

    @property
    def url(self) -> str:
        """The section that tells what to do."""
        section = self.signature.section
        return self.signature.article.get_absolute_url() + (f"#{section}" if section else "")


@dataclass(frozen=True)
class Findings:
    """The answer to a pasted text. ``searched`` are the lines by which ``others`` were found."""

    known: list[KnownError]
    searched: list[str]
    others: list[Result]
    naming: list[Article]
    lines: int

    def __bool__(self) -> bool:
        return bool(self.known or self.others or self.naming)


def find_errors(text: str) -> Findings:
    """Look ``text`` up. Nothing of it is kept."""
    lines = error_lines.read_lines(text)
    known = _known(lines)
    searched = [] if known else error_lines.telling_lines(lines, MAX_SEARCHED) or lines[:1]
    return Findings(
        known=known,
        searched=searched,
        others=_others(searched),
        naming=[] if known else _naming(text),
        lines=len(lines),
    )


def _known(lines: list[str]) -> list[KnownError]:
    rows = ErrorSignature.objects.filter(article__in=Article.objects.published()).order_by("pk")
    patterns = rows.values_list("pk", "pattern")[:MAX_SIGNATURES]
    found = error_lines.find_known(lines, (Signature(pk, pattern) for pk, pattern in patterns))[:MAX_SHOWN]
    signatures = ErrorSignature.objects.select_related("article").in_bulk([one.key for one in found])
    return [KnownError(signatures[one.key], one.line, one.count) for one in found if one.key in signatures]


def _others(searched: list[str]) -> list[Result]:
    found: dict[str, Result] = {}
    for line in searched:
        if words := error_lines.search_words(line):
            for result in search(words, room="Knowledge base").results:
                found.setdefault(result.url, result)
    return list(found.values())[:MAX_OTHERS]


def _naming(text: str) -> list[Article]:
    """Articles about the devices and machine types that the text names, those that share most with it first."""
    known = look_up(in_fences([Fence("", {}, text[: error_lines.MAX_TEXT])]))
    names = {one.name for one in known.values()}
    found = Article.objects.published().filter(mentions__name__in=names).defer("html", "toc", "shown")
    return list(found.annotate(shared=Count("mentions")).order_by("-shared", "title")[:MAX_OTHERS])
