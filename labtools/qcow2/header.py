"""Reading the header: every field with its bytes, value, meaning and rule, and all that the first cluster
holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from . import layout
from .dump import build_dump
from .errors import EmptyFileError, NotQcow2Error, TruncatedHeaderError
from .extensions import feature_names, read_extensions
from .layout import Autoclear, Compatible, ExtensionType, FeatureSet, Field, Incompatible, Kind
from .readings import (
    ExtensionArea,
    Facts,
    FeatureReading,
    FieldReading,
    HeaderReport,
    NameReading,
    Problem,
    RuleState,
)
from .rules import HeaderValues, applies, judge
from .snapshots import read_snapshots
from .sniff import QCOW2, TRUNCATED_QCOW, sniff
from .source import ImageSource
from .text import byte_count, visible

_FLAGS: Final = {
    "incompatible_features": FeatureSet.INCOMPATIBLE,
    "compatible_features": FeatureSet.COMPATIBLE,
    "autoclear_features": FeatureSet.AUTOCLEAR,
}


def read_header(source: ImageSource) -> HeaderReport:
    """Decode and judge the header, the header extensions, the backing file's name and the snapshot table.

    Reads a few KiB, bounded whatever the image claims. Damage is reported, not raised: a wrong version or a
    field out of bounds still gives a report. Raises :class:`EmptyFileError`, :class:`NotQcow2Error` (which
    names the format), :class:`TruncatedHeaderError` and :class:`FileUnreadableError`.
    """
    values = read_values(source)
    area = read_extensions(source, values)
    fields = tuple(_read_field(field, values, area.problems) for field in layout.HEADER_FIELDS)
    backing = _backing_name(source, values)
    snapshots = read_snapshots(source, values)
    return HeaderReport(
        file_length=source.length,
        version=values.version,
        facts=_facts(values, area, backing),
        fields=fields,
        features=tuple(_features(values, area)),
        extensions=area,
        backing_file=backing,
        snapshots=snapshots,
        dump=build_dump(source, values, area, backing),
        problems=tuple(_all_problems(fields, area, snapshots.problems)),
    )


def read_values(source: ImageSource) -> HeaderValues:
    """The bare numbers of the header, with what a shorter one implies. Raises like :func:`read_header`."""
    if source.length == 0:
        raise EmptyFileError("The file is empty. The copy or the download did not take place.")
    found = sniff(source)
    if found not in (QCOW2, TRUNCATED_QCOW):
        raise NotQcow2Error(found)
    data = source.pread(0, layout.KNOWN_HEADER_LENGTH)
    version = int.from_bytes(data[4:8])
    least = layout.V2_HEADER_LENGTH if version == 2 else layout.V3_HEADER_LENGTH
    if len(data) < least:
        raise TruncatedHeaderError(
            f"The file begins like a qcow2 image but ends inside the header: it has {len(data)} bytes, "
            f"and the header alone takes {least}."
        )
    return _values(data, version, source.length)


def _values(data: bytes, version: int, file_length: int) -> HeaderValues:
    length = layout.V2_HEADER_LENGTH if version == 2 else int.from_bytes(data[100:104])
    numbers = {field.name: 0 for field in layout.HEADER_FIELDS}
    numbers |= {"refcount_order": layout.V2_REFCOUNT_ORDER, "header_length": length}
    raw = {}
    # The fields up to header_length are always there in version 3, whatever header_length says.
    end = min(len(data), length) if version == 2 else min(len(data), max(length, layout.V3_HEADER_LENGTH))
    for field in layout.HEADER_FIELDS:
        raw[field.name] = data[field.offset : min(field.end, end)] if field.offset < end else b""
        if len(raw[field.name]) == field.size and field.kind not in (Kind.MAGIC, Kind.PADDING):
            numbers[field.name] = int.from_bytes(raw[field.name])
    return HeaderValues(file_length, version, numbers, raw)


def _read_field(field: Field, values: HeaderValues, area_problems: tuple[Problem, ...]) -> FieldReading:
    span = f"field-{field.name}"
    raw = values.raw[field.name]
    value: int | str | None = None
    if raw:
        value = raw.hex(" ") if field.kind in (Kind.MAGIC, Kind.PADDING) else values[field.name]
    problems = judge(field.name, values) if raw and applies(field.name, values) else ()
    problems += tuple(problem for problem in area_problems if problem.where == span)
    judged = raw and field.rule and applies(field.name, values)
    return FieldReading(
        name=field.name,
        span=span,
        offset=field.offset,
        length=field.size,
        raw=raw,
        value=value,
        human=_human(field, values) if raw else _absent(field, values),
        meaning=field.meaning,
        rule=field.rule,
        state=RuleState.BROKEN if problems else RuleState.KEPT if judged else RuleState.NOT_APPLICABLE,
        problems=problems,
        section=field.section,
    )


def _absent(field: Field, values: HeaderValues) -> str:
    if field.name == "refcount_order":
        return "not in version 2; 16-bit refcounts implied"
    if field.name == "header_length":
        return "not in version 2; 72 bytes implied"
    if values.version == 2:
        return "not in version 2"
    return "not in this header; 0 implied"


def _human(field: Field, values: HeaderValues) -> str:
    """A field's value as a person would say it."""
    value = values[field.name]
    match field.name:
        case "magic":
            return r"QFI\xfb" if values.raw["magic"] == layout.MAGIC else visible(values.raw["magic"])
        case "cluster_bits":
            return f"{byte_count(1 << value)} a cluster" if values.cluster_size else f"{value:,}"
        case "refcount_order":
            return f"{1 << value}-bit refcounts" if value <= layout.MAX_REFCOUNT_ORDER else f"{value:,}"
        case "l1_size":
            return f"{value:,} entries, {byte_count(value * 8)}" if value != 1 else "1 entry, 8 bytes"
        case "refcount_table_clusters" if values.cluster_size:
            return f"{value:,} × {values.cluster_size:,} bytes"
        case "backing_file_offset" if value == 0:
            return "no backing file"
        case "snapshots_offset" if value == 0 and values["nb_snapshots"] == 0:
            return "no snapshots"
    match field.kind:
        case Kind.BYTES:
            return byte_count(value)
        case Kind.OFFSET:
            return f"byte {value:,}"
        case Kind.CHOICE:
            return (field.choices or {}).get(value, "unknown")
        case Kind.FLAGS:
            return _feature_list(_FLAGS[field.name], value)
        case Kind.PADDING:
            return "zeros" if not any(values.raw[field.name]) else "not zero"
    return f"{value:,}"


def _feature_list(which: FeatureSet, value: int) -> str:
    known = {feature.bit: feature.name for feature in layout.FEATURES if feature.set is which}
    names = [known.get(bit, f"unknown bit {bit}") for bit in range(64) if value >> bit & 1]
    return ", ".join(names) or "none"


def _features(values: HeaderValues, area: ExtensionArea) -> Iterator[FeatureReading]:
    """Every known feature of a version 3 image, and every unknown one that is set."""
    if values.version == 2:
        return
    named = {
        (kind, bit): name
        for extension in area.extensions
        if extension.type == ExtensionType.FEATURE_NAMES
        for kind, bit, name in feature_names(extension.raw)
    }
    for which in FeatureSet:
        known = {feature.bit: feature for feature in layout.FEATURES if feature.set is which}
        flags = values[which.field]
        for bit in range(64):
            is_set = bool(flags >> bit & 1)
            if not is_set and bit not in known:
                continue
            feature = known.get(bit)
            yield FeatureReading(
                set=which,
                bit=bit,
                name=feature.name if feature else f"unknown bit {bit}",
                is_set=is_set,
                known=feature is not None,
                meaning=feature.meaning if feature else "Not in the specification.",
                named_by_image=named.get((int(which), bit)),
            )


def _backing_name(source: ImageSource, values: HeaderValues) -> NameReading | None:
    offset, length = values["backing_file_offset"], values["backing_file_size"]
    cluster = values.cluster_size
    if offset == 0 or cluster is None or offset > cluster:
        return None
    raw = source.pread(offset, min(length, layout.MAX_BACKING_NAME, cluster - offset))
    return NameReading("backing-name", offset, length, raw, visible(raw))


def _first(area: ExtensionArea, wanted: ExtensionType) -> str | None:
    return next((found.human for found in area.extensions if found.type == wanted and found.raw), None)


def _facts(values: HeaderValues, area: ExtensionArea, backing: NameReading | None) -> Facts:
    incompatible = values.incompatible
    order = values["refcount_order"]
    bitmaps = [
        detail.value
        for extension in area.extensions
        if extension.type == ExtensionType.BITMAPS
        for detail in extension.details
        if detail.label == "nb_bitmaps"
    ]
    return Facts(
        compat="0.10" if values.version == 2 else "1.1",
        virtual_size=values["size"] // 512 * 512,
        cluster_size=values.cluster_size,
        refcount_bits=1 << order if order <= layout.MAX_REFCOUNT_ORDER else None,
        l2_entry_size=values.l2_entry_size,
        compression_type={0: "zlib", 1: "zstd"}.get(values["compression_type"], "unknown"),
        encryption={0: None, 1: "aes", 2: "luks"}.get(values["crypt_method"], "unknown"),
        lazy_refcounts=bool(values["compatible_features"] & Compatible.LAZY_REFCOUNTS),
        dirty=Incompatible.DIRTY in incompatible,
        corrupt=Incompatible.CORRUPT in incompatible,
        extended_l2=Incompatible.EXTENDED_L2 in incompatible,
        external_data=Incompatible.DATA_FILE in incompatible,
        data_file=_first(area, ExtensionType.DATA_FILE_NAME),
        data_file_raw=Autoclear.RAW_EXTERNAL_DATA in values.autoclear,
        backing_file=backing.text if backing else None,
        backing_format=_first(area, ExtensionType.BACKING_FORMAT),
        snapshots=values["nb_snapshots"],
        bitmaps=int(bitmaps[0]) if bitmaps else None,
    )


def _all_problems(
    fields: tuple[FieldReading, ...], area: ExtensionArea, snapshots: tuple[Problem, ...]
) -> Iterator[Problem]:
    for field in fields:
        yield from field.problems
    for extension in area.extensions:
        yield from extension.problems
    # Those of the area that concern a field stand with the field already.
    yield from (problem for problem in area.problems if problem.where is None)
    yield from snapshots
