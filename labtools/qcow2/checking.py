"""What a check of an image says: frozen records, and :func:`check_image`, which makes them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields
from typing import Any, Final

from .errors import ImageError
from .facts import Encryption, PartitionTable, PayloadTest, PersistentBitmap, facts_json
from .readings import Severity
from .source import ImageSource

REPORT_FORMAT: Final = 1
"""Version of the shape of :func:`check_to_json_dict`; raised when a name goes or changes its meaning."""
QEMU_MODELLED: Final = "7.2"
"""The QEMU whose numbers ``reference`` gives."""
ENTRIES: Final = 16
"""Table entries that are kept of one kind of finding."""


class Verdict(enum.StrEnum):
    """The answer in a word."""

    CLEAN = "clean"
    """Nothing is wrong with the image; warnings and notes may still be worth reading."""
    LEAKS = "leaks"
    """Space is wasted; nothing is lost."""
    CORRUPT = "corrupt"
    """Something is damaged, or will be when the image is written to."""
    UNREADABLE = "unreadable"
    """The image cannot be read as a qcow2 image at all."""

    @property
    def exit_code(self) -> int:
        """Exit code of the command: 0, 2, 3, 1 in the order above."""
        return {Verdict.CLEAN: 0, Verdict.LEAKS: 2, Verdict.CORRUPT: 3, Verdict.UNREADABLE: 1}[self]


class Role(enum.IntEnum):
    """What a host cluster is used for."""

    FREE = 0
    HEADER = 1
    REFCOUNT_TABLE = 2
    REFCOUNT_BLOCK = 3
    L1_TABLE = 4
    SNAPSHOT_TABLE = 5
    LUKS_HEADER = 6
    BITMAP_DIRECTORY = 7
    BITMAP_TABLE = 8
    BITMAP_DATA = 9
    L2_TABLE = 10
    DATA = 11
    COMPRESSED = 12

    @property
    def words(self) -> str:
        """The role in the specification's words."""
        return {Role.L1_TABLE: "L1 table", Role.L2_TABLE: "L2 table", Role.LUKS_HEADER: "LUKS header"}.get(
            self, self.name.lower().replace("_", " ")
        )


@dataclass(frozen=True, slots=True)
class CheckBounds:
    """The most that a check may take; beyond, it ends in :class:`CheckBoundError`.

    ``memory_bytes`` bounds the arrays kept for the file's clusters, ``table_bytes`` the L1 tables, ``seconds`` the
    time; ``payload_seconds`` is the time for the test of compressed payloads, which then ends without an error;
    ``atlas_seconds`` that for the atlas, which is then left out.
    ``ranges`` is how many host and guest ranges a finding lists; those beyond are counted.
    """

    memory_bytes: int = 1 << 30
    table_bytes: int = 64 << 20
    seconds: float = 120.0
    payload_seconds: float = 60.0
    atlas_seconds: float = 30.0
    ranges: int = 32


class CheckBoundError(ImageError):
    """The check would take more memory or time than it may."""

    code = "check-bound"


@dataclass(frozen=True, slots=True)
class Reference:
    """The totals of ``qemu-img check --output=json``, by QEMU's names; what QEMU leaves out is 0."""

    check_errors: int
    corruptions: int
    leaks: int
    total_clusters: int
    allocated_clusters: int
    fragmented_clusters: int
    compressed_clusters: int
    image_end_offset: int

    def to_json_dict(self) -> dict[str, int]:
        """Under QEMU's own names."""
        return {field.name.replace("_", "-"): getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class HostRange:
    """Bytes of the image file."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class GuestRange:
    """Bytes of the guest's disk. ``snapshot`` is None for the active image, else the snapshot's place in its table.

    ``partitions`` are the numbers of the partitions that it touches, by the table of the same snapshot.
    """

    snapshot: int | None
    offset: int
    length: int
    partitions: tuple[int, ...] = ()

    @property
    def first_lba(self) -> int:
        """The first sector of 512 bytes."""
        return self.offset // 512

    @property
    def last_lba(self) -> int:
        """The last sector of 512 bytes."""
        return (self.offset + self.length - 1) // 512


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth saying about the image, all of one kind together.

    ``code`` and ``advice`` are stable. ``host_offset`` is the first place in the file, None where there is none.
    ``count`` is how many there are, each counted, however few ranges are listed; ``host_ranges_more`` and
    ``guest_ranges_more`` say how many known ranges are not listed. Where ``guest_complete`` is False even those were
    too many to be gathered. ``l2_entries`` are the offsets of L2 entries that it names where ``host_ranges`` are
    something else, those that belong together side by side, and ``l2_entries_more`` counts those beyond
    :data:`ENTRIES`; they are for :func:`.gather_evidence` and no part of the JSON.
    """

    code: str
    severity: Severity
    sentence: str
    count: int
    host_offset: int | None
    host_ranges: tuple[HostRange, ...]
    host_ranges_more: int
    guest_ranges: tuple[GuestRange, ...]
    guest_ranges_more: int
    guest_complete: bool
    advice: str
    l2_entries: tuple[int, ...] = ()
    l2_entries_more: int = 0


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The whole judgement. ``reference`` is None where ``qemu-img check`` gives no numbers (``qemu_exit`` 1).

    ``findings`` stand worst first. ``roles`` counts host clusters by role; empty where the tables were not read.
    ``partition_tables`` are read only of a whole image; where the active image has none, ``partitions_note`` says why.
    ``encryption`` is there for LUKS, ``payload`` where that test was asked for. ``bitmaps`` are those that are up to
    date or say of themselves that they are not, ``bitmaps_more`` counts those beyond a hundred. ``atlas``, where
    it was asked for and could be made in time, is the map for :func:`.read_atlas`; it is no part of the JSON.
    """

    verdict: Verdict
    reference: Reference | None
    qemu_exit: int
    findings: tuple[Finding, ...]
    roles: tuple[tuple[Role, int], ...]
    file_length: int
    cluster_size: int | None
    bytes_read: int
    partition_tables: tuple[PartitionTable, ...] = ()
    partitions_note: str = ""
    encryption: Encryption | None = None
    payload: PayloadTest | None = None
    bitmaps: tuple[PersistentBitmap, ...] = ()
    bitmaps_more: int = 0
    atlas: bytes | None = field(default=None, repr=False)


def check_image(
    source: ImageSource,
    bounds: CheckBounds | None = None,
    *,
    whole: bool = False,
    payload: bool = False,
    atlas: bool = False,
) -> CheckReport:
    """Check an image: what ``qemu-img check`` would count, and what it would not see.

    Reads metadata only, and leaked clusters, which may be lost tables. With ``whole`` the guest's data is taken to be
    in the file too, so that its partition table can be read; with ``payload`` every compressed cluster is decompressed;
    with ``atlas`` a map is made of what the clusters are for.
    Damage is reported, not raised. Raises the errors of :func:`.read_header` where there is no qcow2 image, and
    :class:`CheckBoundError` where ``bounds`` are passed.
    """
    # NumPy takes a tenth of a second to import: whoever only reads headers need not wait for it.
    from .integrity.check import run_check

    return run_check(source, bounds or CheckBounds(), whole=whole, payload=payload, atlas=atlas)


def check_to_json_dict(report: CheckReport) -> dict[str, Any]:
    """The report as versioned, JSON-able data."""
    return {
        "format": REPORT_FORMAT,
        "verdict": str(report.verdict),
        "reference": report.reference.to_json_dict() if report.reference else None,
        "qemu_exit": report.qemu_exit,
        "findings": [_finding_json(finding) for finding in report.findings],
        "roles": {role.words: count for role, count in report.roles},
        "file_length": report.file_length,
        "cluster_size": report.cluster_size,
        "partition_tables": [facts_json(table) for table in report.partition_tables],
        "partitions_note": report.partitions_note,
        "encryption": facts_json(report.encryption) if report.encryption else None,
        "payload": facts_json(report.payload) if report.payload else None,
        "bitmaps": [facts_json(bitmap) for bitmap in report.bitmaps],
        "bitmaps_more": report.bitmaps_more,
        "versions": {"report": REPORT_FORMAT, "qemu": QEMU_MODELLED},
    }


def error_to_json_dict(error: ImageError) -> dict[str, Any]:
    """The same shape for a file that cannot be read: the verdict, and the error as the one finding."""
    advices = {"not-qcow2": "wrong-format", "file-empty": "fetch-again", "header-truncated": "fetch-again"}
    advice = advices.get(error.code, "none")
    finding = Finding(error.code, Severity.ERROR, error.sentence, 1, None, (), 0, (), 0, True, advice)
    report = CheckReport(Verdict.UNREADABLE, None, 1, (finding,), (), 0, None, 0)
    return check_to_json_dict(report)


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "sentence": finding.sentence,
        "count": finding.count,
        "host_offset": finding.host_offset,
        "host_ranges": [{"offset": part.offset, "length": part.length} for part in finding.host_ranges],
        "host_ranges_more": finding.host_ranges_more,
        "guest_ranges": [
            {
                "snapshot": part.snapshot,
                "offset": part.offset,
                "length": part.length,
                "first_lba": part.first_lba,
                "last_lba": part.last_lba,
                "partitions": list(part.partitions),
            }
            for part in finding.guest_ranges
        ],
        "guest_ranges_more": finding.guest_ranges_more,
        "guest_complete": finding.guest_complete,
        "advice": finding.advice,
    }
