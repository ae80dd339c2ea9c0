"""What the lab keeps about a member: uploads, the checks of images with their reports, and trials of vHBAs."""

from typing import Any

from labtools.models import ImageCheck, Upload, VhbaTrial
from labtools.services import checks, uploads
from portal.accounts.models import User

SHOWN = 10


def export_lab(user: User) -> dict[str, Any]:
    """Every image check with its whole report, every file on its way or kept for a check, every trial of a vHBA."""
    return {
        "image_checks": list(
            ImageCheck.objects.filter(owner=user)
            .order_by("created_at")
            .values(
                "id",
                "filename",
                "visibility",
                "state",
                "created_at",
                "finished_at",
                "delete_after",
                "length",
                "sha256",
                "verdict",
                "failure",
                "result",
            )
        ),
        "files": list(
            Upload.objects.filter(owner=user)
            .order_by("created_at")
            .values("id", "filename", "length", "offset", "state", "created_at", "expires_at")
        ),
        "vhba_trials": list(
            VhbaTrial.objects.filter(owner=user)
            .order_by("created_at")
            .values("id", "state", "created_at", "parent", "fields", "result", "failure")
        ),
    }


def erase_lab(user: User) -> None:
    """Delete checks, reports, trials and files, also files that are only half here."""
    VhbaTrial.objects.filter(owner=user).delete()
    checks.erase_member(user)
    uploads.delete_uploads_of(user)


def my_images(user: User) -> dict[str, Any]:
    """The member's latest checks for their own page, and whether there are more."""
    found = list(
        ImageCheck.objects.filter(owner=user)
        .order_by("-created_at")
        .only("id", "filename", "state", "visibility", "created_at", "delete_after", "verdict", "sample")[
            : SHOWN + 1
        ]
    )
    return {"checks": found[:SHOWN], "has_more": len(found) > SHOWN}
