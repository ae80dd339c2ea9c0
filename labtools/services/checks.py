"""The life of an image check: asked for, claimed by one worker, finished with a report, deleted.

Every change of state is one conditional UPDATE, so that a task may be delivered twice, a worker may die at
any line, and the owner may delete the report in the middle.
"""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from labtools import examination, qcow2, sandbox
from labtools.models import ImageAtlas, ImageCheck, RepairPatch, Upload
from labtools.services import upload_files
from portal import dispatch, logs
from portal.accounts.models import User

log = logging.getLogger(__name__)

State, Stage = ImageCheck.State, ImageCheck.Stage
MAX_ATTEMPTS = 2
MAX_WAITING = 10
"""Checks that one member may have queued or running at once."""
RESEND_AFTER = timedelta(seconds=60)
"""How long a queued check waits before its task is sent again."""
SWEEP_AT_ONCE = 100

GONE = "The uploaded file is no longer here, so there is nothing to check. Please upload it again."
LOST_TWICE = (
    "The check was cut off twice before it came to its end, so it was given up. "
    "The file may ask too much of this machine: run qemu-img check where the image is."
)
UNREADABLE_DISK = "The uploaded file could not be read back from our disk. Please upload it again."


class TooManyChecks(Exception):
    """The member has :data:`MAX_WAITING` checks waiting already; the message is for them."""


class SampleMissing(Exception):
    """A ready sample cannot be made here; the message is for a person."""


class _ClaimLost(Exception):
    """The row was deleted, or given to another attempt, while we worked on it."""


# ------------------------------------------------------------------------------------------- asking


@transaction.atomic
def request_image_check(*, upload: Upload, visibility: str = ImageCheck.Visibility.UNLISTED) -> ImageCheck:
    """The one check of a complete upload: made and dispatched on commit, or the one that is there already.

    Raises ``ValueError`` for an upload that is not complete, or an unknown visibility.
    """
    if upload.state != Upload.State.COMPLETE:
        raise ValueError("only a complete upload can be checked")
    check, made = ImageCheck.objects.get_or_create(
        upload=upload,
        defaults={
            # The same id: a sender who lost the last answer asks at the upload's address, and finds the report
            # there even when the upload has been let go.
            "id": upload.pk,
            "owner": upload.owner,
            "filename": upload.filename,
            "length": upload.length,
            "visibility": ImageCheck.Visibility(visibility),
        },
    )
    if made:
        _dispatch(check.pk)
    return check


def _dispatch(check_id: uuid.UUID) -> None:
    dispatch.send_on_commit("labtools.tasks.check_image", str(check_id))


# -------------------------------------------------------------------------------------------- working


@dataclass
class _Claim:
    """A row that is ours as long as its state is RUNNING and its attempt is the one that we made."""

    check_id: uuid.UUID
    attempt: int
    stage: str = ""
    percent: int = 0
    written: datetime | None = None

    def report(self, stage: str, percent: int) -> None:
        """Write stage and progress, which is the heartbeat too: at each new stage, and once a second in between.

        Raises :class:`_ClaimLost` when the row is no longer ours.
        """
        now = timezone.now()
        recent = self.written is not None and now - self.written < timedelta(seconds=1)
        if stage == self.stage and recent:
            return
        self.stage, self.percent, self.written = stage, percent, now
        self.change(stage=stage, progress=percent, heartbeat_at=now)

    def change(self, **fields: object) -> None:
        """Update the row, or raise :class:`_ClaimLost`."""
        ours = ImageCheck.objects.filter(pk=self.check_id, state=State.RUNNING, attempts=self.attempt)
        if ours.update(**fields) != 1:
            raise _ClaimLost

    @transaction.atomic
    def end(self, state: str, atlas: bytes | None = None, patch: bytes = b"", **fields: object) -> None:
        """Leave RUNNING for good; the uploaded file goes with it. ``atlas`` and ``patch`` stay beside the report."""
        now = timezone.now()
        check = ImageCheck.objects.only("upload_id", "sample").filter(pk=self.check_id).first()
        keep = None if check and check.sample else now + timedelta(days=settings.REPORT_KEEP_DAYS)
        self.change(state=state, finished_at=now, delete_after=keep, **fields)
        # A sample that is checked again has one already.
        ImageAtlas.objects.filter(pk=self.check_id).delete()
        if atlas is not None:
            ImageAtlas.objects.create(image_check_id=self.check_id, data=atlas)
        RepairPatch.objects.filter(pk=self.check_id).delete()
        if patch:
            RepairPatch.objects.create(image_check_id=self.check_id, data=patch)
        if check and check.upload_id:
            upload_files.forget(check.upload_id)


def run_image_check(check_id: uuid.UUID) -> None:
    """Take the check if it is queued, and bring it to its end; otherwise do nothing. Raises nothing of the image's."""
    claim = _claim(check_id)
    if claim is None:
        return
    try:
        _run(claim)
    except _ClaimLost:
        log.info("image check %s is no longer ours, left alone", _name(check_id))


def _claim(check_id: uuid.UUID) -> _Claim | None:
    taken = ImageCheck.objects.filter(pk=check_id, state=State.QUEUED).update(
        state=State.RUNNING,
        stage=Stage.HASHING,
        progress=0,
        attempts=F("attempts") + 1,
        heartbeat_at=timezone.now(),
    )
    if taken != 1:
        return None
    attempt = ImageCheck.objects.filter(pk=check_id).values_list("attempts", flat=True).first()
    return None if attempt is None else _Claim(check_id, attempt)


def _run(claim: _Claim) -> None:
    try:
        check = ImageCheck.objects.select_related("upload").get(pk=claim.check_id)
        found = examination.examine(image_path(check), limits=_limits(), report=claim.report)
    except (ImageCheck.DoesNotExist, _ClaimLost):
        raise _ClaimLost from None
    except FileNotFoundError:
        claim.end(State.FAILED, failure=GONE)
    except (qcow2.FileUnreadableError, OSError):
        log.exception("image check %s: its file cannot be read", _name(claim.check_id))
        claim.end(State.FAILED, failure=UNREADABLE_DISK)
    except Exception:
        log.exception("image check %s ended in a bug", _name(claim.check_id))
        claim.end(State.ERRORED, failure=_apology(claim.check_id))
    else:
        claim.end(
            State.FINISHED,
            stage=Stage.DONE,
            progress=100,
            length=found.length,
            sha256=found.sha256,
            verdict=found.verdict,
            result=found.result,
            atlas=found.atlas,
            patch=found.patch,
            failure="",
        )


def _name(check_id: uuid.UUID) -> str:
    """What a log may call it: enough to find the row, too little to open an unlisted report."""
    return str(check_id)[:8]


def _apology(check_id: uuid.UUID) -> str:
    request_id = logs.request_id.get()
    name = request_id if request_id != "-" else _name(check_id)
    return (
        "Something went wrong on our side, not on yours. It has been logged; if you write to us, "
        f"please give this number: {name}."
    )


def _limits() -> sandbox.Limits:
    seconds = settings.IMAGE_CHECK_SECONDS
    return sandbox.Limits(
        wall_seconds=seconds, cpu_seconds=seconds, memory_bytes=settings.IMAGE_CHECK_MEMORY_BYTES
    )


def image_path(check: ImageCheck) -> Path:
    """Where the image lies. Raises ``FileNotFoundError`` when its upload is gone."""
    if check.upload_id:
        return upload_files.path_of(check.upload_id)
    if check.sample:
        return sample_path(check.sample)
    raise FileNotFoundError


def sample_path(sample: str) -> Path:
    """Where the portal keeps a ready sample."""
    return Path(settings.VAR_DIR) / "samples" / sandbox.SAMPLES[sandbox.SampleKind(sample)].filename


# ----------------------------------------------------------------------------------------- sweeping up


def sweep_checks(*, at: datetime) -> None:
    """What beat asks for: send again what nobody took, take back what stopped beating, delete what is due."""
    _resend_queued(at)
    _take_back_stopped(at)
    _delete_due(at)


def _resend_queued(at: datetime) -> None:
    """A queued check whose message was lost (the broker was down) is sent again, once in :data:`RESEND_AFTER`.

    A message too many does no harm: it finds the row taken.
    """
    since = at - RESEND_AFTER
    waiting = ImageCheck.objects.filter(state=State.QUEUED).filter(
        Q(heartbeat_at__lt=since) | Q(heartbeat_at=None, created_at__lt=since)
    )
    for check_id, beat in waiting.order_by("created_at").values_list("pk", "heartbeat_at")[:SWEEP_AT_ONCE]:
        with transaction.atomic():
            same = ImageCheck.objects.filter(pk=check_id, state=State.QUEUED, heartbeat_at=beat)
            if same.update(heartbeat_at=at):
                _dispatch(check_id)


def _take_back_stopped(at: datetime) -> None:
    """A running check whose worker died is queued again, or failed when that was its last attempt."""
    since = at - timedelta(seconds=settings.IMAGE_CHECK_STALE_SECONDS)
    stopped = ImageCheck.objects.filter(state=State.RUNNING, heartbeat_at__lt=since)
    for check in stopped.only("pk", "attempts", "heartbeat_at")[:SWEEP_AT_ONCE]:
        log.warning("image check %s stopped beating in attempt %d", _name(check.pk), check.attempts)
        if check.attempts >= MAX_ATTEMPTS:
            _give_up(check)
        else:
            _queue_again(check, at)


@transaction.atomic
def _queue_again(check: ImageCheck, at: datetime) -> None:
    same = ImageCheck.objects.filter(pk=check.pk, state=State.RUNNING, heartbeat_at=check.heartbeat_at)
    if same.update(state=State.QUEUED, stage=Stage.WAITING, progress=0, heartbeat_at=at):
        _dispatch(check.pk)


def _give_up(check: ImageCheck) -> None:
    try:
        _Claim(check.pk, check.attempts).end(State.FAILED, failure=LOST_TWICE)
    except _ClaimLost:
        log.info("image check %s came to its end by itself", _name(check.pk))


def _delete_due(at: datetime) -> None:
    for check in ImageCheck.objects.filter(delete_after__lte=at).only("pk", "upload_id")[:SWEEP_AT_ONCE]:
        delete_image_check(check=check)


# --------------------------------------------------------------------------------- the owner's choices


@transaction.atomic
def delete_image_check(*, check: ImageCheck) -> None:
    """Delete a report and its uploaded file, at once and whole. A worker that is on it notices and stops."""
    if check.upload_id:
        upload_files.forget(check.upload_id)
    ImageCheck.objects.filter(pk=check.pk).delete()


def change_visibility(*, check: ImageCheck, visibility: str) -> None:
    """Who may see the report from now on. Raises ``ValueError`` for a word that is none of the three."""
    ImageCheck.objects.filter(pk=check.pk).update(visibility=ImageCheck.Visibility(visibility))


@transaction.atomic
def erase_member(user: User) -> None:
    """Delete every report and file of a member who leaves."""
    for check in ImageCheck.objects.filter(owner=user).only("pk", "upload_id"):
        delete_image_check(check=check)


def check_room_for(user_id: int) -> None:
    """Raise :class:`TooManyChecks` if the member has enough waiting."""
    waiting = ImageCheck.objects.filter(owner_id=user_id, state__in=[State.QUEUED, State.RUNNING]).count()
    if waiting >= MAX_WAITING:
        raise TooManyChecks(f"{waiting} of your checks are still at work. Please wait for one of them.")
