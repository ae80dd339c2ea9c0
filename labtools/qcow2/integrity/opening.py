"""Whether QEMU opens an image for a check; where it does not, there are no numbers to agree on."""

from __future__ import annotations

from typing import Final

from labtools.qcow2.extensions import area_end
from labtools.qcow2.layout import EXTENSION_HEADER, ExtensionType
from labtools.qcow2.readings import HeaderReport, Severity
from labtools.qcow2.rules import HeaderValues

_PASSED_OVER: Final = frozenset(
    {
        "l1-offset-outside",
        "l1-offset-zero",
        "refcount-table-offset-outside",
        "refcount-table-offset-zero",
        "refcount-table-missing",
        "snapshots-offset-outside",
        "snapshots-offset-zero",
        "snapshot-table-cut",
        "snapshot-extra-too-long",
        "snapshot-l1-too-large",
        "snapshot-l1-unaligned",
        "snapshot-l1-outside",
        "extension-cut",
        "bitmaps-directory-outside",
        "luks-header-outside",
    }
)
"""Errors of the header with which QEMU opens the image all the same, to check it: what is missing reads as zeros."""

_OFFSETS: Final = ("l1_table_offset", "refcount_table_offset", "snapshots_offset")


def refusals(report: HeaderReport, values: HeaderValues) -> list[str]:
    """The codes of the problems for which QEMU does not open the image; none if it does."""
    codes = [
        problem.code
        for problem in report.problems
        if problem.code == "raw-data-without-data-file"
        or (problem.severity is Severity.ERROR and problem.code not in _PASSED_OVER)
    ]
    # QEMU bounds the length of the end mark too, though nothing of that length follows.
    codes += [
        "extension-overrun"
        for extension in report.extensions.extensions
        if extension.type == ExtensionType.END
        and extension.offset + EXTENSION_HEADER.size + extension.length > area_end(values)
    ]
    # The end of a LUKS header is key slots, which may be missing; its beginning may not.
    codes += [
        "luks-header-outside"
        for extension in report.extensions.extensions
        if extension.type == ExtensionType.FULL_DISK_ENCRYPTION
        and extension.details
        and int(extension.details[0].value) >= values.file_length
    ]
    codes += [f"{name}-range" for name in _OFFSETS if values[name] >= 1 << 63]
    return codes
