"""The three ready samples: made here by qemu-img, checked like any other image, shown to everybody."""

import logging
import shutil
import uuid
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from labtools import examination, sandbox
from labtools.models import ImageCheck, Upload
from labtools.services import checks, upload_files
from portal.accounts.models import User

log = logging.getLogger(__name__)


def ensure_sample_reports() -> list[sandbox.SampleKind]:
    """Make the samples and their reports where they are missing or older than this code and qemu-img.

    Checks them here and now, so that they are there before the first visitor. Returns the samples whose
    reports were made anew. Safe to run twice, and at once. Raises :class:`~labtools.services.checks.SampleMissing`.
    """
    return [kind for kind in sandbox.SampleKind if _ensure_report(kind)]


def _ensure_report(kind: sandbox.SampleKind) -> bool:
    sample = sandbox.SAMPLES[kind]
    path = ensure_sample(kind)
    check, _ = ImageCheck.objects.get_or_create(
        sample=kind.value,
        defaults={
            "filename": sample.filename,
            "length": path.stat().st_size,
            "visibility": ImageCheck.Visibility.PUBLIC,
        },
    )
    if check.state == ImageCheck.State.FINISHED and _is_current(check):
        return False
    ended = [ImageCheck.State.FINISHED, ImageCheck.State.FAILED, ImageCheck.State.ERRORED]
    ImageCheck.objects.filter(pk=check.pk, state__in=ended).update(state=ImageCheck.State.QUEUED, attempts=0)
    checks.run_image_check(check.pk)
    return True


def _is_current(check: ImageCheck) -> bool:
    result = check.result or {}
    made_by = result.get("versions", {})
    return (
        result.get("format") == examination.FORMAT and made_by.get("qemu_img") == sandbox.qemu_img_version()
    )


def ensure_sample(kind: sandbox.SampleKind) -> Path:
    """The path of a sample, made first if it is not there."""
    path = checks.sample_path(kind.value)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        sandbox.make_sample(kind, fresh)
        fresh.replace(path)
    except (OSError, sandbox.ProgramMissing) as error:
        log.warning("the sample %s could not be made: %s", kind, error)
        raise checks.SampleMissing("The ready samples need qemu-img, which is not installed here.") from error
    finally:
        fresh.unlink(missing_ok=True)
    return path


def request_sample_check(*, user: User, sample: str) -> ImageCheck:
    """Check a copy of a ready sample as the member's own image, so that they can watch it.

    Raises ``ValueError`` for a sample that does not exist, and :class:`~labtools.services.checks.TooManyChecks`
    or :class:`~labtools.services.checks.SampleMissing` with a sentence.
    """
    kind = sandbox.SampleKind(sample)
    source = ensure_sample(kind)
    upload_id = uuid.uuid4()
    upload_files.make_empty(upload_id)
    copy = upload_files.path_of(upload_id)
    shutil.copyfile(source, copy)
    try:
        with transaction.atomic():
            # Two requests of one member wait for each other (see uploads.create_upload), so that both are counted.
            User.objects.select_for_update().get(pk=user.pk)
            checks.check_room_for(user.pk)
            length = copy.stat().st_size
            upload = Upload.objects.create(
                id=upload_id,
                owner=user,
                filename=sandbox.SAMPLES[kind].filename,
                length=length,
                offset=length,
                state=Upload.State.COMPLETE,
                expires_at=timezone.now() + timedelta(hours=settings.UPLOAD_EXPIRES_HOURS),
            )
            return checks.request_image_check(upload=upload)
    except BaseException:
        upload_files.remove(upload_id)
        raise
