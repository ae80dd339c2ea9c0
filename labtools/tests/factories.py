"""Makers of uploads, checks and images for tests."""

import os
import struct
import subprocess
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from labtools.models import ImageCheck, Upload
from labtools.services import checks, upload_files
from portal.accounts.models import User


def make_image(path: Path, size: str = "16M", *, options: str = "") -> Path:
    """A qcow2 image with 128 KiB of data in it."""
    _run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        *(["-o", options] if options else []),
        os.fspath(path),
        size,
    )
    _run("qemu-io", "-f", "qcow2", "-c", "write -P 0x61 0 128k", os.fspath(path))
    return path


def make_image_with_snapshot_and_bad_refcount(path: Path) -> Path:
    """The image of issue 2: a snapshot in it, and the refcount of a data cluster set to 0."""
    make_image(path)
    _run("qemu-img", "snapshot", "-c", "before-update", os.fspath(path))
    data = bytearray(path.read_bytes())
    (table,) = struct.unpack_from(">Q", data, 48)
    (block,) = struct.unpack_from(">Q", data, table)
    (l1,) = struct.unpack_from(">Q", data, 40)
    l2 = struct.unpack_from(">Q", data, l1)[0] & 0x00FF_FFFF_FFFF_FE00
    cluster = (struct.unpack_from(">Q", data, l2)[0] & 0x00FF_FFFF_FFFF_FE00) // 65536
    struct.pack_into(">H", data, block + 2 * cluster, 0)
    path.write_bytes(data)
    return path


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def make_upload(owner: User, content: bytes = b"", *, filename: str = "disk.qcow2", **fields: Any) -> Upload:
    """A complete upload with its bytes on disk."""
    upload_id = uuid.uuid4()
    path = upload_files.path_of(upload_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    values: dict[str, Any] = {
        "id": upload_id,
        "owner": owner,
        "filename": filename,
        "length": len(content),
        "offset": len(content),
        "state": Upload.State.COMPLETE,
        "expires_at": timezone.now() + timedelta(days=1),
    }
    return Upload.objects.create(**values | fields)


def make_check(owner: User | None, **fields: Any) -> ImageCheck:
    """A check as a row alone, queued unless told otherwise; a running one beats, a failed one says why."""
    values: dict[str, Any] = {"owner": owner, "filename": "disk.qcow2"}
    if fields.get("state") == ImageCheck.State.RUNNING:
        values["heartbeat_at"] = timezone.now()
    if fields.get("state") in (ImageCheck.State.FAILED, ImageCheck.State.ERRORED):
        values["failure"] = "It did not come to its end."
    return ImageCheck.objects.create(**values | fields)


def make_report(owner: User, content: bytes, **fields: Any) -> ImageCheck:
    """A check brought to its end by the real pipeline."""
    check = checks.request_image_check(upload=make_upload(owner, content))
    ImageCheck.objects.filter(pk=check.pk).update(**fields)
    checks.run_image_check(check.pk)
    check.refresh_from_db()
    return check
