"""The check from its first phase to its last."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from labtools.qcow2.checking import CheckBoundError, CheckBounds, CheckReport, Reference, Role, Verdict
from labtools.qcow2.header import read_header, read_values
from labtools.qcow2.layout import ExtensionType, Incompatible
from labtools.qcow2.readings import HeaderReport, Severity
from labtools.qcow2.rules import HeaderValues
from labtools.qcow2.source import ImageSource
from labtools.qcow2.text import byte_count

from .bitmaps import count_bitmaps, loads, read_directory
from .census import Census
from .comparison import Compared, check_l1_copied, compare
from .encryption import read_encryption
from .geometry import Geometry
from .location import (
    explain_dirty,
    find_shared_compressed,
    find_shared_data,
    find_shared_external,
    locate_clusters,
    locate_lost_tables,
)
from .mapping import Mapping
from .opening import refusals
from .reading import Reader
from .refcounts import StoredRefcounts
from .snapshot_table import read_snapshot_table
from .tables import L2Tables, count_tables, find_l2_tables, judge_snapshots, read_layers
from .tally import Tally

MOST_BITMAPS = 100
"""Bitmaps that a report lists; the rest are counted."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """The image under check, and what was read of it first."""

    source: ImageSource
    bounds: CheckBounds
    report: HeaderReport
    values: HeaderValues
    tally: Tally
    whole: bool
    payload: bool
    atlas: bool


def run_check(
    source: ImageSource, bounds: CheckBounds, *, whole: bool, payload: bool, atlas: bool
) -> CheckReport:
    """Check an image; see :func:`labtools.qcow2.check_image`."""
    report, values = read_header(source), read_values(source)
    tally = Tally(values.cluster_size or 512, bounds.ranges)
    subject = _Subject(source, bounds, report, values, tally, whole, payload, atlas)
    if refusals(report, values):
        return _result(subject, None, 1, ())
    return _check_tables(subject)


def _check_tables(subject: _Subject) -> CheckReport:
    values, tally = subject.values, subject.tally
    geometry = Geometry.of(values)
    reader = Reader(subject.source, subject.bounds)
    census = Census(geometry, subject.bounds, tally)
    directory = read_directory(reader, geometry, values, subject.report)
    if directory and not loads(reader, geometry, directory):
        tally.aborted = True
        tally.find("bitmaps-not-loadable", directory.offset, directory.size)
    stored = StoredRefcounts(reader, geometry, values)
    snapshots = read_snapshot_table(reader, geometry, values, tally)
    if snapshots is None:
        return _result(subject, None, 1, ())
    _count_header(subject, geometry, census)
    layers = read_layers(reader, geometry, values, snapshots, tally)
    judge_snapshots(geometry, layers, snapshots, tally)
    tables = find_l2_tables(geometry, layers)
    count_tables(reader, geometry, tables, census, tally)
    census.region(snapshots.offset, snapshots.size, Role.SNAPSHOT_TABLE, "snapshot-table-outside")
    census.region(stored.table_offset, stored.table_bytes, Role.REFCOUNT_TABLE, "refcount-table-outside")
    if directory:
        count_bitmaps(reader, geometry, directory, census, tally)
    Mapping(reader, geometry, tables, stored, census, tally).count()
    stored.judge_blocks(census)
    census.name_pairs()
    compared = compare(reader, stored, census, tally)
    end = compared.end
    check_l1_copied(geometry, tables, stored, tally)
    _judge_file(subject, geometry, census, stored, end)
    if Incompatible.DIRTY in values.incompatible:
        explain_dirty(reader, geometry, tables, census, tally)
    # What most checks do not need is imported where it is used: importing is half the time of a small image's check.
    if tally.has("leaked-clusters"):
        from .lost import LostTables

        LostTables(reader, geometry, tables, stored, census, tally).find()
    _where(reader, geometry, tables, census, tally, compared)
    encryption = read_encryption(subject.source, subject.report, tally)
    payload = None
    if subject.payload:
        from .payload import try_payloads

        payload = try_payloads(reader, geometry, values, tables, tally)
    roles = tuple(census.clusters_by_role().items())
    report = _result(subject, _reference(geometry, tally, end), _exit_code(tally), roles)
    atlas = _atlas(subject, geometry, tables, stored, census) if subject.atlas else None
    bitmaps = directory.bitmaps if directory else ()
    report = replace(
        report,
        encryption=encryption,
        payload=payload,
        atlas=atlas,
        bitmaps=tuple(bitmap.fact() for bitmap in bitmaps[:MOST_BITMAPS]),
        bitmaps_more=max(0, len(bitmaps) - MOST_BITMAPS),
    )
    if not subject.whole:
        return report
    from .guest import in_partitions, partition_tables

    partitions, note = partition_tables(reader, geometry, values, tables, report.findings)
    return replace(
        report,
        partition_tables=partitions,
        partitions_note=note,
        findings=in_partitions(report.findings, partitions),
        bytes_read=subject.source.bytes_read,
    )


def _atlas(
    subject: _Subject, geometry: Geometry, tables: L2Tables, stored: StoredRefcounts, census: Census
) -> bytes | None:
    """A check that has come this far does not fail for want of its map."""
    # Most checks are asked for none, and need not wait for what makes it.
    from .checked import Checked
    from .survey import make_atlas

    entries = subject.report.snapshots.entries
    sizes = {index: entry.disk_size for index, entry in enumerate(entries) if entry.disk_size}
    checked = Checked(geometry, subject.values, tables, stored, census, subject.tally, sizes)
    bounds = replace(subject.bounds, seconds=subject.bounds.atlas_seconds)
    try:
        return make_atlas(Reader(subject.source, bounds), checked).encode()
    except CheckBoundError:
        return None


def _count_header(subject: _Subject, geometry: Geometry, census: Census) -> None:
    census.region(0, geometry.cluster_size, Role.HEADER, "header-outside")
    for extension in subject.report.extensions.extensions:
        if extension.type == ExtensionType.FULL_DISK_ENCRYPTION and len(extension.details) == 2:
            offset, length = (int(detail.value) for detail in extension.details)
            census.region(offset, length, Role.LUKS_HEADER, "luks-header-outside")


def _judge_file(
    subject: _Subject, geometry: Geometry, census: Census, stored: StoredRefcounts, end: int
) -> None:
    """What concerns the file as a whole: the marks in its header, and how it ends."""
    tally, flags = subject.tally, subject.values.incompatible
    if Incompatible.CORRUPT in flags:
        tally.find("corrupt-bit", 72, 8)
    if Incompatible.DIRTY in flags:
        tally.find("dirty-bit", 72, 8)
    if geometry.file_length > end:
        tally.find("behind-the-end", end, geometry.file_length - end)
    # In an image that is dirty, the refcounts are known to be out of date.
    highest = 0 if Incompatible.DIRTY in flags else stored.behind(census.size)
    if highest:
        length = (highest + 1) * geometry.cluster_size
        place = stored.place_of(highest)
        size = max(1, geometry.refcount_bits // 8)
        detail = f"By them it had {byte_count(length)} at least."
        tally.find("refcount-behind-the-end", place[0] if place else None, size, detail=detail)
    missing = end - geometry.file_length
    last = (end >> geometry.cluster_bits) - 1
    if missing > 0 and census.roles[last] == Role.DATA and not geometry.extended:
        tally.find_clusters("data-cluster-cut", np.array([last], dtype=np.int64))


def _where(
    reader: Reader, geometry: Geometry, tables: L2Tables, census: Census, tally: Tally, compared: Compared
) -> None:
    shared = find_shared_data(reader, geometry, tables, compared.shared, tally)
    if geometry.has_data_file and not geometry.raw_data:
        find_shared_external(reader, geometry, tables, tally)
    if (census.roles == Role.COMPRESSED).any():
        find_shared_compressed(reader, geometry, tables, tally)
    conflicts = np.unique(np.concatenate(census.conflicts)) if census.conflicts else shared[:0]
    kinds = {"data-shared": shared}
    if tally.has("refcount-too-low"):
        kinds["refcount-too-low"] = compared.low
    kinds |= {code: conflicts for code in ("roles-conflict", "metadata-shared") if tally.has(code)}
    wanted = {code: clusters for code, clusters in kinds.items() if len(clusters)}
    if wanted:
        locate_clusters(reader, geometry, tables, wanted, tally)
        for code, clusters in wanted.items():
            locate_lost_tables(geometry, tables, clusters, code, tally)


def _reference(geometry: Geometry, tally: Tally, end: int) -> Reference | None:
    if tally.aborted:
        return None
    return Reference(
        check_errors=tally.check_errors,
        corruptions=tally.corruptions,
        leaks=tally.leaks,
        total_clusters=geometry.guest_clusters,
        allocated_clusters=tally.allocated,
        fragmented_clusters=tally.fragmented,
        compressed_clusters=tally.compressed,
        image_end_offset=end,
    )


def _exit_code(tally: Tally) -> int:
    """The exit code of qemu-img check(1)."""
    if tally.aborted or tally.check_errors:
        return 1
    return 2 if tally.corruptions else 3 if tally.leaks else 0


def _result(
    subject: _Subject, reference: Reference | None, qemu_exit: int, roles: tuple[tuple[Role, int], ...]
) -> CheckReport:
    findings = subject.tally.findings(subject.report.problems)
    if not roles:
        verdict = Verdict.UNREADABLE
    elif any(finding.severity is Severity.ERROR for finding in findings):
        verdict = Verdict.CORRUPT
    else:
        verdict = Verdict.LEAKS if subject.tally.has("leaked-clusters") else Verdict.CLEAN
    return CheckReport(
        verdict=verdict,
        reference=reference,
        qemu_exit=qemu_exit,
        findings=findings,
        roles=roles,
        file_length=subject.report.file_length,
        cluster_size=subject.values.cluster_size,
        bytes_read=subject.source.bytes_read,
    )
