"""What the pages and the API of image checks read."""

from dataclasses import dataclass
from typing import Any

from labtools import sandbox
from labtools.models import ImageCheck, ImageCheckQuerySet
from portal.accounts.models import User

COMPARABLE = 20
"""Own reports that are offered for a comparison; any other can be given by its link."""


@dataclass(frozen=True)
class SampleReport:
    """A ready sample with its report and the report's sentence; ``check`` is None until the report is there."""

    sample: sandbox.Sample
    check: ImageCheck | None
    sentence: str


def sample_reports() -> list[SampleReport]:
    """The three samples in order, each with its finished report. One query."""
    found = ImageCheck.objects.exclude(sample="").filter(state=ImageCheck.State.FINISHED)
    reports = {check.sample: SampleReport(_sample(check), check, _sentence(check)) for check in found}
    return [
        reports.get(kind.value, SampleReport(sample, None, "")) for kind, sample in sandbox.SAMPLES.items()
    ]


def _sentence(check: ImageCheck) -> str:
    return str((check.result or {})["verdict"]["sentence"])


def _sample(check: ImageCheck) -> sandbox.Sample:
    return sandbox.SAMPLES[sandbox.SampleKind(check.sample)]


def checks_of(user: User) -> ImageCheckQuerySet:
    """A member's own checks, newest first, without the reports themselves."""
    return ImageCheck.objects.filter(owner=user).order_by("-created_at", "pk").defer("result")


def comparable_with(check: ImageCheck, user: object) -> ImageCheckQuerySet:
    """A member's own finished reports to be set beside ``check``, newest first, without the reports themselves."""
    own = ImageCheck.objects.filter(owner=user) if isinstance(user, User) else ImageCheck.objects.none()
    own = own.filter(state=ImageCheck.State.FINISHED).exclude(pk=check.pk)
    return own.order_by("-created_at", "pk").defer("result")[:COMPARABLE]


def check_as_json(check: ImageCheck) -> dict[str, Any]:
    """A check and its report as data, whole where the page cuts. ``report`` is None until it is finished."""
    return {
        "id": str(check.pk),
        "filename": check.filename,
        "state": check.state,
        "stage": check.stage,
        "progress": check.progress,
        "visibility": check.visibility,
        "sample": check.sample or None,
        "created_at": check.created_at.isoformat(),
        "finished_at": check.finished_at and check.finished_at.isoformat(),
        "delete_after": check.delete_after and check.delete_after.isoformat(),
        "verdict": check.verdict or None,
        "failure": check.failure or None,
        "report": check.result,
    }
