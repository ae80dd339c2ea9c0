"""What the pictures of a report read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labtools import qcow2
from labtools.models import ImageAtlas, ImageCheck

if TYPE_CHECKING:
    from labtools.qcow2 import Atlas


def atlas_of(check: ImageCheck) -> Atlas | None:
    """The map that a finished check has left; None where there is none, or none that is read any more. One query."""
    if check.state != ImageCheck.State.FINISHED:
        return None
    data = ImageAtlas.objects.filter(pk=check.pk).values_list("data", flat=True).first()
    try:
        return None if data is None else qcow2.read_atlas(bytes(data))
    except qcow2.AtlasError:
        return None


def map_caution(check: ImageCheck) -> str:
    """What must be said beside the map, because not all of the image was sent; mostly nothing."""
    supplied = (check.result or {}).get("supplied")
    if supplied and supplied["luks_header_bytes"]:
        return "The LUKS header was not sent. Its clusters are shown as leaked here, which they are not in the image."
    return ""
