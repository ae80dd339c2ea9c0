"""Checks as pages show them: what would run, as the exact command lines, and what came of it."""

import shlex
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from kb.models import Article, Check, CheckRun
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


def proposed() -> QuerySet[Check]:
    """What waits for a lab maintainer: of what readers see now, the longest waiting first."""
    return (
        Check.objects.filter(
            state=Check.State.PROPOSED, article__deleted_at=None, revision=F("article__current")
        )
        .select_related("article", "revision__author")
        .order_by("revision__reviewed_at", "revision", "position")
    )


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
