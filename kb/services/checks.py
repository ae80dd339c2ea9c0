"""Checks of an article: proposed when a revision becomes what readers see, let run or refused by a lab maintainer.

A check is pinned to its revision. Whenever another revision becomes current the checks of the old one are superseded. A
block whose whole recipe is the same as one of the revision that was current just before keeps the decision on that; a
recipe holds its documents and the digests of the blocks on which it builds, so "the same" means all that would run.
"""

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from kb import rendering
from kb.checks_syntax import MAX_CHECKS, CheckedBlock, Misread, documents_of, is_check, read_block
from kb.markup import Fence
from kb.models import Article, Check, CheckRun, Revision
from kb.roles import is_lab_maintainer
from kb.services.check_runs import queue_runs
from portal import recipes
from portal.accounts.models import User

State = Check.State
FORMAT = 1


class NotDecidable(Exception):
    """The check was decided by somebody else, or is of a text that readers do not see any more."""


@transaction.atomic
def propose_checks(*, revision: Revision, at: dt.datetime) -> list[Check]:
    """Make the checks of ``revision``, which readers see from now on; supersede those of any other. Safe to repeat."""
    article = revision.article
    others = Check.objects.filter(article=article).exclude(revision=revision)
    active = list(others.filter(state__in=(State.APPROVED, State.REFUSED)).order_by("pk"))
    others.exclude(state=State.SUPERSEDED).update(state=State.SUPERSEDED, next_run_at=None)
    CheckRun.objects.filter(check_of__in=others, state=CheckRun.State.QUEUED).delete()
    if not Check.objects.filter(revision=revision).exclude(state=State.SUPERSEDED).exists():
        Check.objects.filter(revision=revision).delete()  # of a time when it was current before
        decided = {one.fence: one for one in active if one.decided_at}
        Check.objects.bulk_create(
            _proposed(revision, number, fence, recipe, decided.get(fence.digest))
            for number, (fence, recipe) in enumerate(_recipes(revision.content), start=1)
        )
    checks = list(Check.objects.filter(revision=revision).order_by("position"))
    if any(check.state == State.APPROVED for check in checks):
        queue_runs(article=article, at=at)
    return checks


def _proposed(
    revision: Revision, number: int, fence: Fence, recipe: dict[str, Any], before: Check | None
) -> Check:
    check = Check(
        article_id=revision.article_id, revision=revision, fence=fence.digest, position=number, recipe=recipe
    )
    if recipe.get("fault"):
        check.state = State.REFUSED
    elif before is not None and before.recipe == recipe:
        check.state, check.decided_by, check.decided_at = before.state, before.decided_by, before.decided_at
    return check


def _recipes(content: str) -> list[tuple[Fence, dict[str, Any]]]:
    """The marked blocks of a text with their recipes; one that cannot be run has a ``fault``, in words."""
    fences = rendering.render(content).fences
    documents = documents_of(fences)
    marked = list({fence.digest: fence for fence in fences if is_check(fence)}.values())[:MAX_CHECKS]
    found: list[tuple[Fence, dict[str, Any]]] = []
    for fence in marked:
        try:
            recipe = _recipe(read_block(fence), documents, found)
        except (Misread, recipes.Refused) as refused:
            recipe = {"format": FORMAT, "fault": str(refused), "commands": [], "leaves": [], "driver": False}
        found.append((fence, recipe))
    return found


def _recipe(
    block: CheckedBlock, documents: dict[str, str], before: Sequence[tuple[Fence, dict[str, Any]]]
) -> dict[str, Any]:
    runner = recipes.runner()
    commands = [runner.read(prompted.line) for prompted in block.commands]
    places = sorted({command.place for command in commands})
    if block.host != "any" and places != [block.host]:
        raise Misread(f'The block is marked host="{block.host}", and has a command of {", ".join(places)}.')
    needed: set[str] = set()
    made: set[str] = set()
    for command in commands:
        needed |= command.needs - made
        made |= command.makes
    given = {name: documents[name] for name in sorted(needed & documents.keys())}
    for name, text in given.items():
        runner.check_document(name, text)
    needs = [
        fence.digest
        for fence, earlier in before
        if needed & set(earlier["leaves"])
        or (earlier["driver"] and any(command.uses_driver for command in commands))
    ]
    there = {name for fence, earlier in before if fence.digest in needs for name in earlier["leaves"]}
    missing = sorted(needed - given.keys() - there - runner.ready_files)
    if missing:
        raise Misread(
            f"Nothing makes {missing[0]}: no block marked check before this one, and no document of that name."
        )
    return {
        "format": FORMAT,
        "commands": [
            {
                "steps": command.steps,
                "exit": prompted.exit_code,
                "expected": None if prompted.expected is None else list(prompted.expected),
            }
            for command, prompted in zip(commands, block.commands, strict=True)
        ],
        "documents": given,
        "masks": list(block.masks),
        "expect": block.expect,
        "places": places,
        "needs": needs,
        "leaves": sorted(set().union(*(command.leaves for command in commands))),
        "driver": any(command.changes_driver for command in commands),
    }


@transaction.atomic
def decide(*, check: Check, maintainer: User, run: bool, at: dt.datetime) -> None:
    """Let a proposed check run, or refuse it. One conditional UPDATE, so of two who decide the first counts.

    Raises ``PermissionDenied``, and :class:`NotDecidable` where it is not proposed any more or of an older revision:
    whoever approves a page that they opened earlier approves nothing of a text that came since.
    """
    if not is_lab_maintainer(maintainer):
        raise PermissionDenied
    # The article's row is held as publishing holds it: a revision that comes meanwhile waits, and supersedes this.
    article = Article.objects.select_for_update(of=("self",)).get(pk=check.article_id)
    pinned = Check.objects.filter(
        pk=check.pk, state=State.PROPOSED, revision=article.current_id, recipe__format=FORMAT
    )
    state = State.APPROVED if run else State.REFUSED
    if pinned.update(state=state, decided_by=maintainer, decided_at=at) != 1:
        raise NotDecidable
    if run:
        queue_runs(article=article, at=at)


@transaction.atomic
def let_run(*, checks: Sequence[Check], maintainer: User, at: dt.datetime) -> int:
    """Let several checks run at once, so that blocks which build on one another run together; returns how many.

    Those that cannot be decided any more, see :func:`decide`, are left as they are. Raises ``PermissionDenied``.
    """
    count = 0
    for check in checks:
        with suppress(NotDecidable):
            decide(check=check, maintainer=maintainer, run=True, at=at)
            count += 1
    return count
