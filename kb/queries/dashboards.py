"""What needs somebody: for reviewers in all articles, for an owner in their own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import shorten as cut
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, FloatField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone

from kb.models import Article, ArticleQuerySet, Check, CheckRun, Flag, HelpfulVote, Link, Question, Revision
from kb.queries.checks import waiting_articles
from kb.roles import is_lab_maintainer, is_reviewer
from portal.accounts.models import User
from portal.search.models import MissedSearch

#: Entries of one list.
SHOWN = 10
#: From how many votes on an article's text, and which share of failures, it is called unhelpful.
_VOTES, _SHARE = 3, 0.3


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what, where to go, and a word on it. Texts may be those of strangers."""

    title: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One list with how much there is in all."""

    key: str
    title: str
    empty: str
    count: int
    entries: list[Entry] = field(default_factory=list)
    more_url: str = ""


def has_dashboards(user: User) -> bool:
    """Reviewers, lab maintainers, and owners of an article."""
    may = is_reviewer(user) or is_lab_maintainer(user)
    return may or Article.objects.filter(owner=user, deleted_at=None).exists()


def dashboards(user: User) -> list[Board]:
    """Every list that ``user`` is shown; two queries each at most, however much there is."""
    articles = Article.objects.filter(deleted_at=None).exclude(status=Article.Status.ARCHIVED)
    reviews = is_reviewer(user)
    if not reviews:
        articles = articles.filter(owner=user)
    boards = [
        _waiting(articles, reviews),
        _unhelpful(articles),
        _due(articles),
        *([_undecided_checks()] if is_lab_maintainer(user) else []),
        _failing_checks(articles),
        _flags(articles),
        _questions(articles, reviews),
        _dead_links(articles),
    ]
    return [*boards, _missed()] if reviews else boards


def _board(
    key: str,
    title: str,
    empty: str,
    found: "QuerySet[Any]",
    entry: Callable[[Any], Entry],
    more_url: str = "",
) -> Board:
    entries = [entry(row) for row in found[: SHOWN + 1]]
    # Counting is for lists that are longer than what is shown.
    count = found.count() if len(entries) > SHOWN else len(entries)
    return Board(key, title, empty, count, entries[:SHOWN], more_url if count else "")


def _waiting(articles: ArticleQuerySet, reviews: bool) -> Board:
    found = Revision.objects.waiting().filter(article__in=articles).select_related("author", "article")

    def entry(one: Revision) -> Entry:
        url = (
            reverse("kb:review", args=[one.pk]) if reviews else reverse("kb:history", args=[one.article.slug])
        )
        return Entry(one.title, url, f"{one.byline}, since {_day(one.created_at)}")

    if not reviews:  # what others send is theirs and the reviewers' until it is approved
        found = found.filter(author=F("article__owner"))
    return _board(
        "waiting",
        "Waiting for review",
        "Nothing waits.",
        found.defer("content", "article__html", "article__toc", "article__shown"),
        entry,
        reverse("kb:review_queue") if reviews else "",
    )


def _unhelpful(articles: ArticleQuerySet) -> Board:
    """By the votes on the text that readers see now: those on older texts may be answered already."""
    votes = HelpfulVote.objects.filter(revision=OuterRef("current")).order_by().values("revision")
    found = (
        articles.filter(status=Article.Status.PUBLISHED)
        .annotate(
            voted=Subquery(votes.annotate(n=Count("pk")).values("n")),
            failed=Subquery(votes.filter(worked=False).annotate(n=Count("pk")).values("n")),
        )
        .filter(voted__gte=_VOTES, failed__gte=1)
        .annotate(share=Cast(F("failed"), FloatField()) / F("voted"))
        .filter(share__gte=_SHARE)
        .order_by("-share", "-voted", "pk")
    )
    return _board(
        "unhelpful",
        "Did not work for readers",
        f"No article fails for a third of its readers. Counted from {_VOTES} answers on.",
        _bare(found),
        lambda one: Entry(one.title, one.get_absolute_url(), f"failed for {one.failed} of {one.voted}"),
    )


def _due(articles: ArticleQuerySet) -> Board:
    due = articles.filter(status=Article.Status.PUBLISHED, review_due__lte=timezone.localdate())
    return _board(
        "due",
        "Due to be tried again",
        "No article is due.",
        _bare(due.order_by("review_due", "pk")),
        lambda one: Entry(
            one.title, reverse("kb:settings", args=[one.slug]), f"since {_day(one.review_due)}"
        ),
    )


def _undecided_checks() -> Board:
    queue = reverse("kb:check_queue")
    found = waiting_articles().annotate(blocks=Count("checks", filter=Q(checks__state=Check.State.PROPOSED)))
    return _board(
        "undecided",
        "Commands that wait for a lab maintainer",
        "No check waits.",
        _bare(found),
        lambda one: Entry(
            one.title,
            f"{queue}?{urlencode({'article': one.slug})}",
            f"{one.blocks} block{'s' * (one.blocks != 1)}",
        ),
        queue,
    )


def _failing_checks(articles: ArticleQuerySet) -> Board:
    """Checks that run, and whose last run on some host did not pass."""
    last = CheckRun.objects.filter(
        check_of=OuterRef("check_of"),
        host=OuterRef("host"),
        state__in=[CheckRun.State.PASSED, CheckRun.State.FAILED, CheckRun.State.ERRORED],
    ).order_by("-queued_at", "-pk")
    found = (
        CheckRun.objects.filter(
            check_of__state=Check.State.APPROVED,
            check_of__article__in=articles,
            pk=Subquery(last.values("pk")[:1]),
        )
        .exclude(state=CheckRun.State.PASSED)
        .select_related("check_of__article")
        .order_by("check_of__article__title", "check_of__position", "host")
    )
    return _board(
        "checks",
        "Commands that do not do what is written",
        "No checked command failed when it last ran.",
        _bare_article(found, "check_of__article"),
        lambda run: Entry(
            run.check_of.article.title,
            run.check_of.article.get_absolute_url(),
            f"block {run.check_of.position} on {run.host}: {run.get_state_display().lower()}",
        ),
    )


def _flags(articles: ArticleQuerySet) -> Board:
    found = Flag.objects.filter(article__in=articles, settled_at=None).select_related("article")
    return _board(
        "flags",
        "No longer so on a lab host",
        "Nothing that an article names has gone from a lab host.",
        _bare_article(found.order_by("-raised_at", "pk"), "article"),
        lambda flag: Entry(flag.article.title, flag.article.get_absolute_url(), flag.sentence),
    )


def _questions(articles: ArticleQuerySet, reviews: bool) -> Board:
    """Also those that wait, but for reviewers alone."""
    states = [Question.State.OPEN, *([Question.State.HELD] if reviews else [])]
    asked = Question.objects.filter(article__in=articles, state__in=states, withdrawn_at=None)
    found = asked.select_related("article")
    return _board(
        "questions",
        "Questions without an answer",
        "Every question is answered.",
        _bare_article(found.order_by("created_at", "pk"), "article"),
        lambda one: Entry(
            one.article.title,
            _address_of(one),
            cut(one.text, 120, placeholder=" …"),
        ),
    )


def _address_of(question: Question) -> str:
    """Where somebody does something about it: one that waits is on no page of its article yet."""
    if question.state == Question.State.HELD:
        return reverse("kb:questions_held")
    return f"{reverse('kb:questions', args=[question.article.slug])}#q{question.pk}"


def _dead_links(articles: ArticleQuerySet) -> Board:
    found = Link.objects.filter(article__in=articles, is_dead=True).select_related("article")
    return _board(
        "links",
        "Links that lead nowhere",
        "Every link answered when it was last tried.",
        _bare_article(found.order_by("article__title", "url"), "article"),
        lambda link: Entry(
            link.article.title, link.article.get_absolute_url(), f"{link.url[:120]}: {link.status}"
        ),
    )


def _missed() -> Board:
    return _board(
        "missed",
        "Searched for, and not found",
        "Every search of the last 90 days found something.",
        MissedSearch.objects.all(),
        lambda one: Entry(
            one.words,
            f"{reverse('search')}?{urlencode({'q': one.words})}",
            f"{one.count} time{'' if one.count == 1 else 's'}, last {_day(one.last_at)}",
        ),
    )


def _bare(found: "QuerySet[Any]") -> "QuerySet[Any]":
    return found.defer("html", "toc", "shown")


def _bare_article(found: "QuerySet[Any]", name: str) -> "QuerySet[Any]":
    return found.defer(*(f"{name}__{column}" for column in ("html", "toc", "shown")))


def _day(when: Any) -> str:
    return f"{when:%-d %B %Y}"
