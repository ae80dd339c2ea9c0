"""From an image to the file of its metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from labtools.qcow2.errors import SkeletonError
from labtools.qcow2.source import ImageSource

from .container import pieces_of, write_container
from .plan import Plan

HIDDEN_LUKS_EXTENSION: Final = 0x4C554B53
"""The type that the extension with the place of a LUKS header gets, so that QEMU does not look for one: ``LUKS``."""
_CRYPT_METHOD: Final = 32

Fingerprint = tuple[int, int, bytes]


def fingerprint(source: ImageSource) -> Fingerprint:
    """Length, time of the last change and first bytes of an image: what changes when somebody writes to it."""
    return source.length_now(), source.changed_at(), source.pread(0, 4096)


def write_skeleton(
    source: ImageSource, plan: Plan, target: BinaryIO, *, suspects: bool, before: Fingerprint
) -> None:
    """Write the metadata of an image as a file for ``tar``.

    ``before`` is the :func:`fingerprint` from before the ``plan`` was made. Raises :class:`SkeletonError` where the
    image has changed since; ``target`` then holds nothing of use.
    """
    ranges = plan.ranges(suspects=suspects)
    facts = {
        "luks_header_bytes": plan.luks.length if plan.luks else 0,
        "suspect_bytes_sent": plan.suspect_bytes if suspects else 0,
        "suspect_bytes_left_out": 0 if suspects else plan.suspect_bytes,
    }
    write_container(
        target,
        kind="skeleton",
        length=plan.length,
        ranges=ranges,
        pieces=_disarmed(plan, pieces_of(source, ranges)),
        facts=facts,
    )
    if fingerprint(source) != before:
        raise SkeletonError(
            "The image was written to while its metadata was read, so what was read does not fit together. "
            "Stop the guest, then try again."
        )


def _disarmed(plan: Plan, pieces: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The bytes of an image; one encrypted with LUKS says that it is not, as its LUKS header is not there."""
    for offset, data in pieces:
        if plan.luks_extension is None or offset >= plan.luks_extension + 4:
            yield offset, data
            continue
        changed = bytearray(data)
        for place, number in ((_CRYPT_METHOD, 0), (plan.luks_extension, HIDDEN_LUKS_EXTENSION)):
            if 0 <= place - offset <= len(changed) - 4:
                changed[place - offset : place - offset + 4] = number.to_bytes(4)
        yield offset, bytes(changed)
