"""Checks as pages show them: what would run, as the exact command lines, and what came of it."""

import shlex
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from kb.models import Article, ArticleQuerySet, Check, CheckRun, Revision
from portal import recipes

#: Runs of one check that a page names.
RUNS_SHOWN = 5
_RUNS_READ = 400


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command as it is run, made of the stored template and arguments, and what must come of it."""

    argv: str
    exit_code: int
    expected: str | None


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """A check with its commands; ``fault`` says in words why there are none."""

    check: Check
    commands: tuple[CommandLine, ...]
    documents: dict[str, str]
    fault: str
    runs: tuple[CheckRun, ...] = field(default_factory=tuple)

    @property
    def tone(self) -> str:
        """The colour of its state, which is said in words beside it."""
        tones = {"passed": "good", "failed": "bad"}
        return tones.get(self.runs[0].state, "note") if self.runs else "note"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An article with the blocks of it that wait for a lab maintainer, in order."""

    article: Article
    revision: Revision
    entries: list[ShownCheck]


def proposed() -> QuerySet[Check]:
    """What waits for a lab maintainer: of what readers see now."""
    return Check.objects.filter(
        state=Check.State.PROPOSED, article__deleted_at=None, revision=F("article__current")
    )


def waiting_articles() -> ArticleQuerySet:
    """Articles with something that waits for a lab maintainer, the longest waiting first."""
    found = Article.objects.filter(pk__in=proposed().values("article"))
    return found.select_related("current__author").order_by("current__reviewed_at", "current", "pk")


def waiting(articles: Sequence[Article]) -> list[Waiting]:
    """What waits of each of ``articles``. One query."""
    by_article: dict[int, list[Check]] = defaultdict(list)
    for check in proposed().filter(article__in=articles).order_by("position"):
        by_article[check.article_id].append(check)
    return [
        Waiting(article, article.current, shown(by_article[article.pk]))
        for article in articles
        if article.current is not None
    ]


def shown(checks: Sequence[Check], runs: bool = False) -> list[ShownCheck]:
    """``checks`` as pages show them, with their last runs where ``runs``: one query for all."""
    last: dict[int, list[CheckRun]] = defaultdict(list)
    if runs:
        for run in CheckRun.objects.filter(check_of__in=checks).order_by("-queued_at", "-pk")[:_RUNS_READ]:
            if len(last[run.check_of_id]) < RUNS_SHOWN:
                last[run.check_of_id].append(run)
    return [_shown(check, tuple(last[check.pk])) for check in checks]


def checks_of(article: Article) -> list[ShownCheck]:
    """The checks of what readers of ``article`` see, in order, with their last runs."""
    checks = Check.objects.filter(article=article, revision=article.current_id).order_by("position")
    return shown(list(checks.select_related("decided_by")), runs=True)


def _shown(check: Check, runs: tuple[CheckRun, ...]) -> ShownCheck:
    recipe, fault = check.recipe, check.recipe.get("fault", "")
    commands: list[CommandLine] = []
    try:
        for one in recipe.get("commands", []):
            expected = None if one["expected"] is None else "\n".join(one["expected"]).strip("\n")
            argv = shlex.join(recipes.runner().argv(one["steps"]))
            commands.append(CommandLine(argv, one["exit"], expected))
    except recipes.Refused as refused:
        fault = str(refused)
    return ShownCheck(check, tuple(commands), recipe.get("documents", {}), fault, runs)
