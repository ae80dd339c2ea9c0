"""What a reader sees of checks: a badge on each checked block, and a line at the head of the article."""

from typing import Any

from django.urls import reverse

from kb.models import Article, Check, CheckRun
from portal.embeds.drawing import draw

#: By the state of the last run: how it begins, and its colour.
_WORDS = {
    CheckRun.State.PASSED: ("checked", "tone-good"),
    CheckRun.State.FAILED: ("fails", "tone-bad"),
    CheckRun.State.ERRORED: ("could not be checked", "tone-note"),
}


def last_runs(article: Article) -> list[tuple[Check, CheckRun | None]]:
    """The checks of what readers see, in order, each with the last run that came to its end."""
    checks = list(Check.objects.filter(article=article, revision=article.current_id).order_by("position"))
    ended = CheckRun.objects.filter(check_of__in=checks, ended_at__isnull=False).order_by("queued_at", "pk")
    last = {run.check_of_id: run for run in ended.defer("output")}
    return [(check, last.get(check.pk)) for check in checks]


def badges_of(article: Article) -> dict[str, str]:
    """The HTML of the badge of each checked block of ``article``, by the block's digest."""
    url = reverse("kb:article_checks", args=[article.slug])
    return {
        check.fence: draw(
            "kb/check_badge.html", _badge(check, run) | {"url": f"{url}#check-{check.position}"}
        )
        for check, run in last_runs(article)
    }


def _badge(check: Check, run: CheckRun | None) -> dict[str, Any]:
    if check.state == Check.State.REFUSED:
        return {"words": "not checked", "tone": "tone-note", "run": None}
    if check.state == Check.State.PROPOSED or run is None:
        return {"words": "waits for its first check", "tone": "tone-note", "run": None}
    words, tone = _WORDS[CheckRun.State(run.state)]
    return {"words": f"{words} on {run.version or 'this machine'},", "tone": tone, "run": run}


def summary_of(article: Article) -> dict[str, Any] | None:
    """For ``Article.shown["checks"]``: a sentence such as "4 of 4 checks pass on QEMU 7.2.22"; None without checks."""
    runs = [(check, run) for check, run in last_runs(article) if check.state != Check.State.REFUSED]
    if not runs:
        return None
    passed = [run for _, run in runs if run and run.state == CheckRun.State.PASSED]
    failed = [run for _, run in runs if run and run.state == CheckRun.State.FAILED]
    versions = sorted({part for run in passed for part in run.version.split(", ") if part})
    waiting = sum(run is None for _, run in runs)
    if waiting == len(runs):
        sentence = (
            "1 check waits for its first run"
            if waiting == 1
            else f"{waiting} checks wait for their first run"
        )
    else:
        verb = "check passes" if len(runs) == 1 else "checks pass"
        sentence = f"{len(passed)} of {len(runs)} {verb}"
        sentence += f" on {' and '.join(versions)}" if versions else ""
        sentence += f", {waiting} to be run" if waiting else ""
    tone = "bad" if failed else "good" if len(passed) == len(runs) else "note"
    url = reverse("kb:article_checks", args=[article.slug])
    return {"tone": tone, "url": url, "sentence": sentence}
