"""What `qemu-img check` says on stderr, line by line, sorted into findings.

Its JSON carries totals only; single problems are sentences for people, written with fprintf in QEMU's
block/qcow2-refcount.c, qcow2-snapshot.c, qcow2-bitmap.c and qcow2.c. The table below knows those of QEMU
7.2 to 10.

An image chooses some of this text (snapshot names), so a line is evidence of nothing but itself: verdicts
come from the exit code and the totals, never from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .visible import visible_bytes

#: How many lines of one kind are kept whole; the rest is counted.
EXAMPLES_KEPT = 20
# A line of QEMU's is short; a longer one is a hostile name and is cut.
_LINE_KEPT = 500


class Severity(StrEnum):
    """What a line means for the image."""

    ERROR = "error"  #: metadata contradicts itself; data may be lost or be overwritten later
    LEAK = "leak"  #: space is wasted; data is not in danger
    NOTE = "note"  #: the check itself speaks: it could not read, or gave up


@dataclass(frozen=True, slots=True)
class Example:
    """One line as QEMU wrote it, and the byte offset in the image file it speaks of, where it names one."""

    sentence: str
    cluster_offset: int | None


@dataclass(frozen=True, slots=True)
class CheckMessage:
    """All lines of one kind: a stable `code`, how many there were, what they mean, and the first few."""

    code: str
    severity: Severity
    count: int
    explanation: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    code: str
    severity: Severity
    pattern: re.Pattern[str]
    explanation: str


def _kind(code: str, severity: Severity, pattern: str, explanation: str) -> _Kind:
    return _Kind(code, severity, re.compile(pattern), explanation)


# In a pattern, the group `offset` is a hexadecimal byte offset, `entry` an L1 or L2 entry that holds one in
# bits 9 to 55, and `cluster` a decimal cluster number. The most frequent kinds come first: a hostile image
# can make qemu-img write a hundred thousand lines, and the table is tried from the top.
_KINDS = (
    _kind(
        "leaked-cluster",
        Severity.LEAK,
        r"Leaked cluster (?P<cluster>\d+) refcount=(\d+) reference=(\d+)$",
        "The refcount of a cluster is higher than the number of references to it. It takes up space "
        "for nothing; no data is in danger.",
    ),
    _kind(
        "refcount-too-low",
        Severity.ERROR,
        r"ERROR cluster (?P<cluster>\d+) refcount=(\d+) reference=(\d+)$",
        "More references point at a cluster than its refcount says. QEMU may take it for free, or "
        "write to it in place although it is shared, and so overwrite data. Do not open the image for "
        "writing.",
    ),
    _kind(
        "copied-flag-data",
        Severity.ERROR,
        r"ERROR OFLAG_COPIED data cluster: l2_entry=(?P<entry>[0-9a-f]+) refcount=(\d+)$",
        "The COPIED flag of an L2 entry must be set exactly when the refcount of the data cluster is 1; "
        "here the two disagree. A wrongly set flag lets QEMU write into a shared cluster.",
    ),
    _kind(
        "copied-flag-l2",
        Severity.ERROR,
        r"ERROR OFLAG_COPIED L2 cluster: l1_index=\d+ l1_entry=(?P<entry>[0-9a-f]+) refcount=(\d+)$",
        "The COPIED flag of an L1 entry must be set exactly when the refcount of the L2 table is 1; here "
        "the two disagree. A wrongly set flag lets QEMU write into an L2 table that a snapshot shares.",
    ),
    _kind(
        "beyond-end-of-file",
        Severity.ERROR,
        r"ERROR: counting reference for region exceeding the end of the file by one cluster or more: "
        r"offset (?P<offset>0x[0-9a-f]+) size 0x[0-9a-f]+$",
        "A table points behind the end of the file. The file was cut short, or the entry is corrupt.",
    ),
    _kind(
        "l2-reserved-bits",
        Severity.ERROR,
        r"ERROR found l2 entry with reserved bits set: (?P<entry>[0-9a-f]+)$",
        "An L2 entry has bits set that the format reserves. The L2 table was probably overwritten.",
    ),
    _kind(
        "l1-reserved-bits",
        Severity.ERROR,
        r"ERROR found L1 entry with reserved bits set: (?P<entry>[0-9a-f]+)$",
        "An L1 entry has bits set that the format reserves. The L1 table was probably overwritten.",
    ),
    _kind(
        "data-cluster-unaligned",
        Severity.ERROR,
        r"ERROR offset=(?P<offset>[0-9a-f]+): (?:Data|Preallocated) cluster is not properly aligned; "
        r"L2 entry corrupted\.$",
        "An L2 entry points into the middle of a cluster. The entry is corrupt.",
    ),
    _kind(
        "l2-table-unaligned",
        Severity.ERROR,
        r"ERROR l2_offset=(?P<offset>[0-9a-f]+): Table is not cluster aligned; L1 entry corrupted$",
        "An L1 entry points into the middle of a cluster. The entry is corrupt.",
    ),
    _kind(
        "copied-flag-compressed",
        Severity.ERROR,
        r"ERROR: coffset=(?P<offset>0x[0-9a-f]+): copied flag must never be set for compressed clusters$",
        "A compressed cluster carries the COPIED flag, which the format forbids.",
    ),
    _kind(
        "compressed-with-data-file",
        Severity.ERROR,
        r"ERROR compressed cluster \d+ with data file, entry=0x[0-9a-f]+$",
        "An image with an external data file cannot have compressed clusters.",
    ),
    _kind(
        "compressed-with-subclusters",
        Severity.ERROR,
        r"ERROR compressed cluster \d+ with non-zero subcluster allocation bitmap, entry=0x[0-9a-f]+$",
        "A compressed cluster has no subclusters; its subcluster bitmap must be zero.",
    ),
    _kind(
        "subcluster-bitmap-corrupt",
        Severity.ERROR,
        r"ERROR offset=(?P<offset>[0-9a-f]+): Allocated cluster has corrupted subcluster allocation bitmap$",
        "A subcluster is marked both as allocated and as reading zeroes.",
    ),
    _kind(
        "subcluster-bitmap-unallocated",
        Severity.ERROR,
        r"ERROR: Unallocated cluster has non-zero subcluster allocation map$",
        "A cluster without an offset has subclusters marked as allocated.",
    ),
    _kind(
        "refcount-block-unaligned",
        Severity.ERROR,
        r"ERROR refcount block \d+ is not cluster aligned; refcount table entry corrupted$",
        "An entry of the refcount table points into the middle of a cluster. The entry is corrupt.",
    ),
    _kind(
        "refcount-block-outside",
        Severity.ERROR,
        r"ERROR refcount block \d+ is outside image$",
        "An entry of the refcount table points behind the end of the file.",
    ),
    _kind(
        "refcount-block-shared",
        Severity.ERROR,
        r"ERROR refcount block \d+ refcount=\d+$",
        "A refcount block must be referenced exactly once; something else uses the same cluster.",
    ),
    _kind(
        "refcount-table-reserved-bits",
        Severity.ERROR,
        r"ERROR refcount table entry \d+ has reserved bits set$",
        "An entry of the refcount table has bits set that the format reserves.",
    ),
    _kind(
        "refcount-unreadable",
        Severity.NOTE,
        r"Can't get refcount for cluster (?P<cluster>\d+): ",
        "The refcount of a cluster could not be read, so the check could not judge it.",
    ),
    _kind(
        "reference-overflow",
        Severity.ERROR,
        r"ERROR: overflow cluster offset=(?P<offset>0x[0-9a-f]+)$",
        "So many references point at one cluster that QEMU cannot count them.",
    ),
    _kind(
        "rebuild-needed",
        Severity.ERROR,
        r"ERROR need to rebuild refcount structures$",
        "The refcount structures contradict themselves; QEMU could repair them only by building them anew.",
    ),
    _kind(
        "image-marked-corrupt",
        Severity.ERROR,
        r"qcow2: (?:Marking image as corrupt|Image is corrupt): ",
        "QEMU met a contradiction while reading and treats the image as corrupt from here on.",
    ),
    _kind(
        "snapshots-with-data-file",
        Severity.ERROR,
        r"ERROR \d+ snapshots in image with data file$",
        "An image with an external data file cannot have internal snapshots.",
    ),
    _kind(
        "snapshot-l1-unaligned",
        Severity.ERROR,
        r"ERROR snapshot .* l1_offset=(?P<offset>0x[0-9a-f]+): L1 table is not cluster aligned; "
        r"snapshot table entry corrupted$",
        "A snapshot's L1 table does not begin at a cluster. Its entry in the snapshot table is corrupt.",
    ),
    _kind(
        "snapshot-l1-too-large",
        Severity.ERROR,
        r"ERROR snapshot .* l1_size=0x[0-9a-f]+: L1 table is too large; snapshot table entry corrupted$",
        "A snapshot's L1 table is larger than QEMU allows. Its entry in the snapshot table is corrupt.",
    ),
    _kind(
        "snapshot-entry-incomplete",
        Severity.ERROR,
        r"ERROR snapshot table entry \d+ is incomplete$",
        "A snapshot table entry lacks fields that a version 3 image must have.",
    ),
    _kind(
        "snapshot-table-broken",
        Severity.ERROR,
        r"(?:(?:qemu-img: )?ERROR (?:failed to read the snapshot table|snapshot table (?:too large|offset invalid))|"
        r"You can force-remove (?:all \d+ overhanging snapshots|this extra metadata))",
        "The snapshot table cannot be read as the header describes it.",
    ),
    _kind(
        "bitmaps-broken",
        Severity.ERROR,
        r"(?:qemu-img: )?(?:ERROR:? [^\n]*bitmap|bitmaps_ext: )",
        "The directory or a table of the persistent bitmaps is not as the format requires.",
    ),
    _kind(
        "table-unreadable",
        Severity.NOTE,
        r"(?:ERROR: I/O error in check_refcounts_l[12]|ERROR: Could not read L2 table: )",
        "A table could not be read, most often because it lies behind the end of the file.",
    ),
    _kind(
        "out-of-memory",
        Severity.NOTE,
        r"(?:ERROR allocating reftable memory|.*(?:Cannot allocate memory|[Ff]ailed to allocate))",
        "The check asked for more memory than it was given.",
    ),
    _kind(
        "check-failed",
        Severity.NOTE,
        r"qemu-img: Check failed(?:: |$)",
        "qemu-img gave up before it had seen the whole image.",
    ),
    _kind(
        "could-not-open",
        Severity.NOTE,
        r"qemu-img: Could not open ",
        "qemu-img refused to open the image.",
    ),
    _kind(
        "other-error",
        Severity.ERROR,
        r"(?:qemu-img: )?ERROR",
        "A message of qemu-img that this report does not explain.",
    ),
    _kind("other", Severity.NOTE, r"", "A message of qemu-img that this report does not explain."),
)
_OFFSET_BITS = 0x00FF_FFFF_FFFF_FE00  # bits 9 to 55 of an L1 or L2 entry (qcow2.rst, "Cluster mapping")


def parse_messages(stderr: bytes, *, cluster_size: int | None, truncated: bool) -> tuple[CheckMessage, ...]:
    """Group the lines of stderr by kind, errors first, then leaks, then notes.

    `cluster_size` in bytes turns cluster numbers into offsets; without it those stay unknown. A last line
    that was cut by the output bound (`truncated`) is left out rather than misread.
    """
    lines = stderr.split(b"\n")
    if truncated:
        lines.pop()
    counts = [0] * len(_KINDS)
    examples: list[list[Example]] = [[] for _ in _KINDS]
    for line in _texts(lines):
        index, match = _match(line)
        counts[index] += 1
        if len(examples[index]) < EXAMPLES_KEPT:
            examples[index].append(Example(line, _offset(match, cluster_size)))
    found = [
        CheckMessage(kind.code, kind.severity, count, kind.explanation, tuple(kept))
        for kind, count, kept in zip(_KINDS, counts, examples, strict=True)
        if count
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda message: order.index(message.severity)))


def _texts(lines: Iterable[bytes]) -> Iterable[str]:
    for line in lines:
        if line:
            text = visible_bytes(line[:_LINE_KEPT])
            yield text if len(line) <= _LINE_KEPT else text + "…"


def _match(line: str) -> tuple[int, re.Match[str]]:
    for index, kind in enumerate(_KINDS):
        if match := kind.pattern.match(line):
            return index, match
    raise AssertionError("the last kind matches every line")


def _offset(match: re.Match[str], cluster_size: int | None) -> int | None:
    groups = match.groupdict()
    if "offset" in groups:
        return int(groups["offset"], 16)
    if "entry" in groups:
        return int(groups["entry"], 16) & _OFFSET_BITS
    if "cluster" in groups and cluster_size is not None:
        return int(groups["cluster"]) * cluster_size
    return None
