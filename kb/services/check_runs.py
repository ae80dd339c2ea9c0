"""Runs of checks: queued, claimed by one worker, judged, told of, and due again a day later or with another QEMU.

All approved checks of an article run together, in order, in one private folder; each has a :class:`CheckRun`.
Text of an article does not come here: only recipes of checks that a lab maintainer approved, of the current revision.
"""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from kb.checks_matching import difference, is_found, masked
from kb.models import Article, Check, CheckRun
from kb.services.check_news import tell_failed
from kb.services.storing import store_rendering
from portal import dispatch, recipes

log = logging.getLogger(__name__)

State = CheckRun.State
AGAIN_AFTER = dt.timedelta(days=1)
RESEND_AFTER, STALE_AFTER, KEEP = dt.timedelta(minutes=2), dt.timedelta(minutes=10), dt.timedelta(days=90)
MAX_OUTPUT, MAX_DIFFERENCE = 16_000, 1_000
AT_ONCE = 50
BUG = (
    "Something went wrong on the portal’s side. It has been logged; nothing in the article has to be changed."
)
STOPPED = "The worker that ran it stopped before it had ended. It is run again tomorrow."

#: Where a check runs, by the place that its commands need, as readers are told.
HOSTS = {"qemu": "this machine", "test-driver": "libvirt’s test driver"}


def running_checks(article: Article) -> QuerySet[Check]:
    """The checks that may run: approved, and of what readers see now."""
    return Check.objects.filter(
        article=article, state=Check.State.APPROVED, revision=article.current_id, article__deleted_at=None
    )


@transaction.atomic
def queue_runs(*, article: Article, at: dt.datetime) -> int:
    """Queue a run of each approved check of ``article`` that has none in flight; returns how many were queued."""
    in_flight = CheckRun.objects.filter(check_of=OuterRef("pk"), state__in=(State.QUEUED, State.RUNNING))
    due = list(running_checks(article).filter(~Exists(in_flight)))
    made = CheckRun.objects.bulk_create(
        [CheckRun(check_of=check, host=_host(check), queued_at=at) for check in due],
        ignore_conflicts=True,  # two at once: the constraint keeps one
    )
    Check.objects.filter(pk__in=[check.pk for check in due]).update(next_run_at=at + AGAIN_AFTER)
    if due:
        dispatch.send_on_commit("kb.labs.run_checks", article.pk)
    return len(made)


def _host(check: Check) -> str:
    return "this-machine" if "qemu" in check.recipe.get("places", []) else "test-driver"


def run_checks(article_id: int, *, at: dt.datetime) -> None:
    """Claim what is queued for the article and bring it to its end; otherwise do nothing. Raises nothing of a run's."""
    article = Article.objects.filter(pk=article_id).first()
    claimed = _claim(article, at) if article else []
    if article is None or not claimed:
        return
    checks = list(running_checks(article).order_by("position"))
    try:
        runner = recipes.runner()
        versions = runner.versions()
        outcomes = runner.run([_block(check) for check in checks])
        verdicts = _judge_all(checks, outcomes)
    except Exception:
        log.exception("checks of article %s ended in a bug", article_id)
        versions, verdicts = {}, {check.pk: {"state": State.ERRORED, "difference": BUG} for check in checks}
    _keep(article, claimed, verdicts, versions, at)


def _claim(article: Article, at: dt.datetime) -> list[CheckRun]:
    """Take each queued run by a conditional UPDATE: of two workers each gets those that it took, and runs them once."""
    queued = CheckRun.objects.filter(check_of__in=running_checks(article), state=State.QUEUED)
    return [
        run
        for run in queued.select_related("check_of")
        if CheckRun.objects.filter(
            pk=run.pk, state=State.QUEUED, check_of__in=running_checks(article).values("pk")
        ).update(state=State.RUNNING, started_at=at)
    ]


def _block(check: Check) -> recipes.Block:
    return recipes.Block([one["steps"] for one in check.recipe["commands"]], check.recipe["documents"])


def _judge_all(
    checks: Sequence[Check], outcomes: Sequence[Sequence[recipes.Outcome]]
) -> dict[int, dict[str, Any]]:
    """A verdict for each check, by its id. What builds on a block that does not pass cannot be judged."""
    verdicts: dict[int, dict[str, Any]] = {}
    passed: set[str] = set()
    for check, results in zip(checks, outcomes, strict=True):
        verdict = _judge(check.recipe, results)
        if not passed.issuperset(check.recipe["needs"]):
            verdict |= {
                "state": State.ERRORED,
                "difference": "It builds on an earlier block that does not run, or does not pass.",
            }
        if verdict["state"] == State.PASSED:
            passed.add(check.fence)
        verdicts[check.pk] = verdict
    return verdicts


def _judge(recipe: Mapping[str, Any], results: Sequence[recipes.Outcome]) -> dict[str, Any]:
    masks = recipe["masks"]
    said = "".join(masked(one.output, masks) for one in results)
    verdict: dict[str, Any] = {
        "state": State.PASSED,
        "exit_code": results[-1].exit_code if results else None,
        "output": said if len(said) <= MAX_OUTPUT else f"{said[:MAX_OUTPUT]}\n[…]",
        "difference": "",
    }
    for number, (command, result) in enumerate(zip(recipe["commands"], results, strict=True), start=1):
        if result.trouble:
            return verdict | {
                "state": State.ERRORED,
                "exit_code": None,
                "difference": f"Command {number}: {result.trouble}"[:MAX_DIFFERENCE],
            }
        if wrong := _wrong(command, result, masks):
            return verdict | {
                "state": State.FAILED,
                "exit_code": result.exit_code,
                "difference": f"Command {number}: {wrong}"[:MAX_DIFFERENCE],
            }
    if recipe["expect"] and not is_found(recipe["expect"], results[-1].output):
        return verdict | {"state": State.FAILED, "difference": f"“{recipe['expect']}” did not come."}
    return verdict


def _wrong(command: Mapping[str, Any], result: recipes.Outcome, masks: Sequence[str]) -> str:
    if result.exit_code != command["exit"]:
        return f"it exited with {result.exit_code}; {command['exit']} was expected."
    return "" if command["expected"] is None else difference(command["expected"], result.output, masks)


@transaction.atomic
def _keep(
    article: Article,
    claimed: Sequence[CheckRun],
    verdicts: Mapping[int, dict[str, Any]],
    versions: Mapping[str, str],
    at: dt.datetime,
) -> None:
    """Store what came, where the run is still ours and its check still approved; tell of what fails since now."""
    locked = Article.objects.select_for_update(of=("self",)).get(pk=article.pk)
    may_run = {check.pk: check for check in running_checks(locked)}
    failed: list[CheckRun] = []
    for run in claimed:
        ours = CheckRun.objects.filter(pk=run.pk, state=State.RUNNING, started_at=at)
        check, verdict = may_run.get(run.check_of_id), verdicts.get(run.check_of_id)
        if check is None or verdict is None:
            ours.delete()  # the text changed meanwhile
            continue
        version = ", ".join(versions[place] for place in check.recipe["places"] if place in versions)
        if (
            ours.update(version=version, ended_at=timezone.now(), **verdict)
            and verdict["state"] == State.FAILED
        ):
            failed.append(run)
    new = [run for run in failed if not _failed_before(run)]
    if new:
        tell_failed(
            locked, CheckRun.objects.filter(pk__in=[run.pk for run in new]).select_related("check_of")
        )
    if locked.current_id:
        store_rendering(locked)


def _failed_before(run: CheckRun) -> bool:
    """Whether the run before this one failed already: then everybody knows. One that could not be run says nothing."""
    before = CheckRun.objects.filter(
        check_of__article=run.check_of.article_id, check_of__fence=run.check_of.fence, host=run.host
    )
    last = before.filter(state__in=(State.PASSED, State.FAILED)).exclude(pk=run.pk).first()
    return last is not None and last.state == State.FAILED


def sweep_checks(*, at: dt.datetime) -> None:
    """What beat asks for: end what stopped, send again what nobody took, queue what is due, forget what is old."""
    stopped = CheckRun.objects.filter(state=State.RUNNING, started_at__lte=at - STALE_AFTER)
    stopped.update(state=State.ERRORED, difference=STOPPED, ended_at=at)
    waiting = CheckRun.objects.filter(state=State.QUEUED, queued_at__lte=at - RESEND_AFTER)
    for article_id in waiting.values_list("check_of__article", flat=True).distinct().order_by()[:AT_ONCE]:
        dispatch.send_on_commit("kb.labs.run_checks", article_id)
    versions = recipes.runner().versions()
    due = Q(next_run_at__lte=at) | Q(next_run_at=None)
    approved = Check.objects.filter(
        state=Check.State.APPROVED, article__deleted_at=None, revision=F("article__current")
    )
    articles = set(approved.filter(due).values_list("article", flat=True)[:AT_ONCE])
    articles |= set(_of_other_versions(approved, versions))
    for article in Article.objects.filter(pk__in=articles):
        queue_runs(article=article, at=at)
    CheckRun.objects.filter(ended_at__lte=at - KEEP).delete()


def _of_other_versions(approved: QuerySet[Check], versions: Mapping[str, str]) -> list[int]:
    """Articles whose checks ran last on another version of what they run on."""
    last = CheckRun.objects.filter(check_of=OuterRef("pk"), state__in=(State.PASSED, State.FAILED))
    seen = approved.annotate(ran_on=last.order_by("-queued_at", "-pk").values("version")[:1]).exclude(
        ran_on=None
    )
    return [
        check.article_id
        for check in seen.only("article", "recipe")
        if check.ran_on != ", ".join(versions[place] for place in check.recipe["places"] if place in versions)
        and all(place in versions for place in check.recipe["places"])
    ][:AT_ONCE]
