"""Metadata that came alone, and the preview of a repair: the public names of :mod:`.skeleton`, which imports NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labtools.sandbox import Limits

    from .skeleton.preview import Preview


@dataclass(frozen=True, slots=True)
class SuppliedMetadata:
    """What somebody sent in place of an image, by their own word: sizes in bytes.

    ``length`` is that of the image, ``metadata_bytes`` what of it came. ``suspect_bytes_left_out`` is metadata that was
    held back because it may be the guest's data; ``luks_header_bytes`` the LUKS header, which is never sent.
    """

    length: int
    metadata_bytes: int
    suspect_bytes_sent: int
    suspect_bytes_left_out: int
    luks_header_bytes: int


def is_skeleton(path: Path) -> bool:
    """Whether a file is metadata packed by ``python -m labtools.qcow2 skeleton``, by its content; reads some KiB."""
    with path.open("rb") as file:
        # Most files are none: they need not wait for NumPy.
        if file.read(2) != b"\x1f\x8b":
            return False
    from .skeleton.container import is_container

    return is_container(path)


def unpack_skeleton(path: Path, target: Path, *, max_bytes: int) -> SuppliedMetadata:
    """Unpack metadata into ``target``, a new sparse file as long as the image, holding at most ``max_bytes``.

    Raises :class:`.errors.SkeletonError`, with a sentence for a person.
    """
    from .skeleton.container import unpack

    manifest = unpack(path, target, max_bytes=max_bytes)
    return SuppliedMetadata(
        length=manifest.length,
        metadata_bytes=sum(place.length for place in manifest.ranges),
        suspect_bytes_sent=manifest.count("suspect_bytes_sent"),
        suspect_bytes_left_out=manifest.count("suspect_bytes_left_out"),
        luks_header_bytes=manifest.count("luks_header_bytes"),
    )


def preview_repair(image: Path, folder: Path, *, limits: Limits | None = None) -> Preview:
    """What ``qemu-img check -r all`` would write; see :func:`labtools.qcow2.skeleton.preview.preview_repair`."""
    from .skeleton import preview

    return preview.preview_repair(image, folder, limits=limits)


def pack_patch(preview: Preview) -> bytes:
    """A preview's changes as a file for ``python -m labtools.qcow2 apply-patch``."""
    from .skeleton.patch import write_patch

    target = BytesIO()
    write_patch(preview.patch, target)
    return target.getvalue()
