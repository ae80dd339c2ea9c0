"""Links out of published articles: which there are, and whether they still lead somewhere."""

import datetime as dt
import re
from html import unescape

from django.conf import settings
from django.db.models import QuerySet

from kb.models import Article, Link
from kb.services.mail_kinds import OWN_TEXTS
from kb.services.review_news import subject_line
from portal.links.checking import FAILURES, Finding, LinkChecker, wait_after
from portal.mail.services import Letter, queue_letters

#: Links of one article that are looked after; links that one run takes, and seconds after which it starts no more.
MOST_LINKS, PER_RUN, RUN_SECONDS = 200, 5, 15.0
_CLAIMED_FOR = dt.timedelta(hours=1)
_OUTSIDE = re.compile(r'<a\b[^<>]*? href="(https?://[^"]{1,1000})"')


def links_in(stored: str) -> list[str]:
    """The addresses outside that stored HTML leads to, each once, without their fragments."""
    found = (unescape(url).partition("#")[0] for url in _OUTSIDE.findall(stored))
    return list(dict.fromkeys(url for url in found if len(url) <= 1000))[:MOST_LINKS]


def note_links(article: Article) -> None:
    """Keep a row for each link of the article's text; what it no longer has is forgotten."""
    wanted = set(links_in(article.html))
    article.links.exclude(url__in=wanted).delete()
    known = set(article.links.values_list("url", flat=True))
    rows = [Link(article=article, url=url) for url in sorted(wanted - known)]
    Link.objects.bulk_create(rows, ignore_conflicts=True)


def check_due(*, at: dt.datetime, checker: LinkChecker | None = None) -> int:
    """Ask some of the links whose turn it is, of articles that readers see. Returns how many.

    Each is claimed first, so that two runs at once do not ask the same twice.
    """
    checker = checker or LinkChecker()
    start, checked = checker.clock(), 0
    for link in _due(at).select_related("article__owner").order_by("next_check_at", "pk")[:PER_RUN]:
        if checker.clock() - start > RUN_SECONDS:
            break
        if _due(at).filter(pk=link.pk).update(next_check_at=at + _CLAIMED_FOR):
            note_finding(link=link, finding=checker.look(link.url), at=at)
            checked += 1
    return checked


def _due(at: dt.datetime) -> QuerySet[Link]:
    return Link.objects.filter(next_check_at__lte=at, article__in=Article.objects.published())


def note_finding(*, link: Link, finding: Finding, at: dt.datetime) -> None:
    """Write down what was found. After three failures in a row the link is dead, and the article's owner is told once.

    What does not show itself to programs is no failure.
    """
    failures = link.failures + 1 if finding.is_there is False else 0
    is_dead = failures >= FAILURES
    Link.objects.filter(pk=link.pk).update(
        status=finding.words[:60],
        failures=failures,
        is_dead=is_dead,
        checked_at=at,
        next_check_at=at + wait_after(failures),
    )
    if is_dead and not link.is_dead:
        _tell_owner(link, finding.words, at)


def _tell_owner(link: Link, words: str, at: dt.datetime) -> None:
    article, owner = link.article, link.article.owner
    if owner is None or not owner.is_active:
        return
    letter = Letter(
        to=owner.email,
        user=owner,
        subject=subject_line(f"A link does not answer: {article.title}"),
        context={"article": article, "link": link, "words": words, "url": article_url(article)},
        dedupe_key=f"kb:dead-link:{link.pk}:{at:%Y%m%d}",
    )
    queue_letters(kind=OWN_TEXTS.key, template="kb/mail/dead_link", letters=[letter])


def article_url(article: Article) -> str:
    """The article's whole address."""
    return settings.SITE_URL + article.get_absolute_url()
