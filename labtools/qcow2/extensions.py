"""The header extensions: walked within bounds, decoded, judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from . import layout
from .layout import Autoclear, ExtensionType, Incompatible, Layout
from .readings import Detail, ExtensionArea, ExtensionReading, Problem, RuleState, Severity
from .rules import HeaderValues
from .source import ImageSource
from .text import byte_count, counted, visible

MAX_DECODED: Final = 64
"""Extensions that are decoded; QEMU writes five at most. Those beyond are counted."""
MAX_PAYLOAD: Final = 4096
"""Bytes of one extension's data that are read and kept."""
MAX_FEATURE_NAMES: Final = 64
"""Entries of a feature name table that are shown."""

_HEAD: Final = layout.EXTENSION_HEADER.size
_FEATURE_SETS: Final = {0: "incompatible", 1: "compatible", 2: "autoclear"}


@dataclass(frozen=True, slots=True)
class _Head:
    """Type, data length and place of an extension, and whether its data stays inside the area."""

    offset: int
    type: int
    length: int
    fits: bool

    @property
    def end(self) -> int:
        length = 0 if self.type == ExtensionType.END else self.length
        return self.offset + _HEAD + (length + 7) // 8 * 8


def area_end(values: HeaderValues) -> int:
    """Where the extensions must end: at the backing file's name, or at the end of the first cluster."""
    cluster = values.cluster_size or 0
    return min(values["backing_file_offset"] or cluster, cluster)


def read_extensions(source: ImageSource, values: HeaderValues) -> ExtensionArea:
    """Walk the extensions as QEMU does and decode the first of them.

    Every head is visited once; the area is at most one cluster, 2 MiB. The walk ends at the end mark, at the
    end of the area, or at an extension whose length leads out of it, as there is then no telling where the
    next begins.
    """
    start = values.header_length
    if not values.header_length_valid:
        return ExtensionArea((), 0, start, start, ())
    limit = area_end(values)
    extensions: list[ExtensionReading] = []
    problems: list[Problem] = []
    seen: Counter[int] = Counter()
    end, more, sound = start, 0, True
    for head in _walk(source, start, limit):
        seen[head.type] += 1
        if len(extensions) < MAX_DECODED:
            extensions.append(_decode(source, values, head, len(extensions), seen[head.type]))
        else:
            more += 1
        end, sound = min(head.end, limit), head.fits
    if more:
        problems.append(
            Problem(
                "extensions-many",
                Severity.WARNING,
                f"{counted(more, 'more extension')} follow, not decoded here.",
            )
        )
    if sound:
        problems += _stray_bytes(source, values, end)
    if Autoclear.BITMAPS in values.autoclear and not seen[ExtensionType.BITMAPS]:
        problems.append(
            Problem(
                "bitmaps-extension-missing",
                Severity.WARNING,
                "The feature “bitmaps” is set, but there is no bitmaps extension.",
                "field-autoclear_features",
            )
        )
    if values["crypt_method"] == 2 and not seen[ExtensionType.FULL_DISK_ENCRYPTION]:
        problems.append(
            Problem(
                "luks-extension-missing",
                Severity.ERROR,
                "The image is encrypted with LUKS, but no extension says where its LUKS header is.",
                "field-crypt_method",
            )
        )
    return ExtensionArea(tuple(extensions), more, start, end, tuple(problems))


def _walk(source: ImageSource, start: int, limit: int) -> Iterator[_Head]:
    offset = start
    while offset < limit:
        data = source.pread(offset, _HEAD)
        if len(data) < _HEAD:
            return
        kind, length = layout.EXTENSION_HEADER.struct.unpack(data)
        fits = offset + _HEAD <= limit and length <= limit - offset - _HEAD
        head = _Head(offset, kind, length, fits or kind == ExtensionType.END)
        yield head
        if kind == ExtensionType.END or not fits:
            return
        offset = head.end


def _stray_bytes(source: ImageSource, values: HeaderValues, end: int) -> Iterator[Problem]:
    """Bytes other than zero behind the extensions in the first cluster, the backing name apart."""
    cluster = values.cluster_size
    assert cluster is not None
    regions = [(end, cluster)]
    if name := values["backing_file_offset"]:
        regions = [(end, min(name, cluster)), (max(end, name + values["backing_file_size"]), cluster)]
    count, first = 0, None
    for start, stop in regions:
        for offset, data in source.chunks(start, max(0, stop - start)):
            stray = len(data) - data.count(0)
            if stray and first is None:
                first = offset + len(data) - len(data.lstrip(b"\0"))
            count += stray
    if first is not None:
        yield Problem(
            "stray-bytes",
            Severity.WARNING,
            f"Behind the header extensions {counted(count, 'byte')} other than zero stand in the first "
            "cluster, "
            f"the first at {first:,}. Nothing may be stored there.",
        )


def _decode(
    source: ImageSource, values: HeaderValues, head: _Head, number: int, occurrence: int
) -> ExtensionReading:
    known = layout.EXTENSION_BY_TYPE.get(head.type)
    raw = (
        b""
        if head.type == ExtensionType.END
        else source.pread(head.offset + _HEAD, min(head.length, MAX_PAYLOAD))
    )
    human, details, more = _payload(head, raw)
    span = f"extension-{number}"
    found = [replace(problem, where=span) for problem in _judge(values, head, raw, occurrence, source.length)]
    judged = known is not None and bool(known.rule)
    return ExtensionReading(
        span=span,
        type=head.type,
        name=known.name if known else "unknown extension",
        known=known is not None,
        offset=head.offset,
        length=head.length,
        raw=raw,
        human=human,
        details=details,
        details_more=more,
        meaning=known.meaning if known else "Not in the specification. A program may pass over it.",
        rule=known.rule if known else "",
        state=RuleState.BROKEN if found else RuleState.KEPT if judged else RuleState.NOT_APPLICABLE,
        problems=tuple(found),
        section=known.section if known else "Header extensions",
    )


def _payload(head: _Head, raw: bytes) -> tuple[str, tuple[Detail, ...], int]:
    """The data in words, its parts, and how many parts were left out."""
    match head.type:
        case ExtensionType.END:
            return "", (), 0
        case ExtensionType.BACKING_FORMAT | ExtensionType.DATA_FILE_NAME:
            return visible(raw), (), 0
        case ExtensionType.FEATURE_NAMES:
            names = feature_names(raw)
            entries = head.length // layout.FEATURE_NAME_ENTRY.size
            details = tuple(
                Detail(
                    f"{_FEATURE_SETS.get(kind, f'field {kind}')} bit {bit}",
                    name,
                    name,
                    head.offset + _HEAD + index * layout.FEATURE_NAME_ENTRY.size,
                    layout.FEATURE_NAME_ENTRY.size,
                )
                for index, (kind, bit, name) in enumerate(names)
            )
            return counted(entries, "name"), details, max(0, entries - len(details))
        case ExtensionType.BITMAPS:
            return _numbers(layout.BITMAPS_EXTENSION, head, raw)
        case ExtensionType.FULL_DISK_ENCRYPTION:
            return _numbers(layout.ENCRYPTION_EXTENSION, head, raw)
        case _:
            return f"type 0x{head.type:08x}, {byte_count(head.length)} of data", (), 0


def _numbers(structure: Layout, head: _Head, raw: bytes) -> tuple[str, tuple[Detail, ...], int]:
    if len(raw) < structure.size:
        return "too short to be read", (), 0
    values = structure.decode(raw)
    details = []
    for field in structure.fields:
        value = values[field.name]
        assert isinstance(value, int)
        human = byte_count(value) if field.kind is layout.Kind.BYTES else f"{value:,}"
        details.append(Detail(field.name, value, human, head.offset + _HEAD + field.offset, field.size))
    return ", ".join(f"{detail.label} {detail.human}" for detail in details), tuple(details), 0


def feature_names(raw: bytes) -> list[tuple[int, int, str]]:
    """The entries of a feature name table as ``(field, bit, name)``; at most :data:`MAX_FEATURE_NAMES`."""
    size = layout.FEATURE_NAME_ENTRY.size
    return [
        (kind, bit, visible(name.rstrip(b"\0")))
        for kind, bit, name in (
            layout.FEATURE_NAME_ENTRY.struct.unpack_from(raw, at)
            for at in range(0, min(len(raw), MAX_FEATURE_NAMES * size) - size + 1, size)
        )
    ]


def _judge(
    values: HeaderValues, head: _Head, raw: bytes, occurrence: int, file_length: int
) -> Iterator[Problem]:
    if not head.fits:
        yield Problem(
            "extension-overrun",
            Severity.ERROR,
            f"Its data of {byte_count(head.length)} would go beyond the room for extensions, so QEMU does "
            "not open "
            "the image. What follows cannot be read.",
        )
        return
    if head.type == ExtensionType.END:
        return
    if occurrence > 1 and head.type in layout.EXTENSION_BY_TYPE:
        yield Problem("extension-duplicate", Severity.WARNING, "An extension of this type was there already.")
    if head.offset + _HEAD + head.length > file_length:
        yield Problem("extension-cut", Severity.ERROR, "The file ends inside this extension.")
        return
    yield from _judge_payload(values, head, raw)


def _judge_payload(values: HeaderValues, head: _Head, raw: bytes) -> Iterator[Problem]:
    match head.type:
        case ExtensionType.BACKING_FORMAT:
            if head.length > layout.MAX_BACKING_FORMAT:
                yield Problem(
                    "backing-format-too-long",
                    Severity.ERROR,
                    f"{head.length:,} bytes; QEMU takes 15 at most.",
                )
        case ExtensionType.FEATURE_NAMES:
            yield from _judge_feature_names(head, raw)
        case ExtensionType.BITMAPS:
            yield from _judge_bitmaps(values, head, raw)
        case ExtensionType.FULL_DISK_ENCRYPTION:
            yield from _judge_encryption(values, head, raw)
        case ExtensionType.DATA_FILE_NAME:
            if Incompatible.DATA_FILE not in values.incompatible:
                yield Problem(
                    "data-file-name-without-bit",
                    Severity.WARNING,
                    "A data file is named, but the feature “external data file” is not set.",
                )


def _judge_feature_names(head: _Head, raw: bytes) -> Iterator[Problem]:
    if head.length % layout.FEATURE_NAME_ENTRY.size:
        yield Problem(
            "feature-names-length",
            Severity.WARNING,
            f"{head.length:,} bytes are no whole number of 48-byte entries.",
        )
    if any(kind not in _FEATURE_SETS or bit > 63 for kind, bit, _ in feature_names(raw)):
        yield Problem(
            "feature-names-entry", Severity.WARNING, "An entry names a field or a bit that does not exist."
        )


def _judge_bitmaps(values: HeaderValues, head: _Head, raw: bytes) -> Iterator[Problem]:
    if head.length != layout.BITMAPS_EXTENSION.size:
        yield Problem("bitmaps-length", Severity.ERROR, f"{head.length:,} bytes of data; it must be 24.")
        return
    if values.version == 2:
        yield Problem("bitmaps-version", Severity.WARNING, "Version 2 has no bitmaps; QEMU passes over them.")
    # QEMU looks no further while the data counts as inconsistent.
    grave = Severity.ERROR if Autoclear.BITMAPS in values.autoclear else Severity.WARNING
    count, reserved, size, offset = layout.BITMAPS_EXTENSION.struct.unpack(raw)
    if not 1 <= count <= layout.MAX_BITMAPS:
        yield Problem("bitmaps-count", grave, f"{counted(count, 'bitmap')}; it must be 1 to 65,535.")
    if reserved:
        yield Problem("bitmaps-reserved", grave, "The reserved field is not 0.")
    if size > layout.MAX_BITMAP_DIRECTORY_BYTES:
        yield Problem(
            "bitmaps-directory-size", grave, f"A directory of {byte_count(size)} is above QEMU's limit."
        )
    if values.cluster_size and offset % values.cluster_size:
        yield Problem("bitmaps-directory-unaligned", grave, f"{offset:,} is not on a cluster boundary.")
    if offset >= values.file_length:
        yield Problem(
            "bitmaps-directory-outside", grave, f"The directory at {offset:,} is beyond the end of the file."
        )
    if Autoclear.BITMAPS not in values.autoclear:
        yield Problem(
            "bitmaps-inconsistent",
            Severity.NOTE,
            "The feature “bitmaps” is not set, so the bitmaps count as out of date.",
        )


def _judge_encryption(values: HeaderValues, head: _Head, raw: bytes) -> Iterator[Problem]:
    if values["crypt_method"] != 2:
        yield Problem("luks-extension-unexpected", Severity.ERROR, "The image is not encrypted with LUKS.")
    if head.length != layout.ENCRYPTION_EXTENSION.size:
        yield Problem(
            "luks-extension-length", Severity.ERROR, f"{head.length:,} bytes of data; it must be 16."
        )
        return
    offset, length = layout.ENCRYPTION_EXTENSION.struct.unpack(raw)
    if values.cluster_size and offset % values.cluster_size:
        yield Problem("luks-header-unaligned", Severity.ERROR, f"{offset:,} is not on a cluster boundary.")
    if offset + length > values.file_length:
        yield Problem(
            "luks-header-outside", Severity.ERROR, "The LUKS header goes beyond the end of the file."
        )
