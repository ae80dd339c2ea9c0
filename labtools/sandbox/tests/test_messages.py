"""Lines of qemu-img as findings: the real program's on broken images, and every known line by itself."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from labtools.sandbox import Outcome, SampleKind, Severity, image_check, make_sample
from labtools.sandbox.messages import _KINDS, EXAMPLES_KEPT, parse_messages

from .images import COPIED, write_image_with_snapshots

CLUSTER = 65536


def word(image: bytearray, offset: int) -> int:
    return int(struct.unpack_from(">Q", image, offset)[0])


def l1_table(image: bytearray) -> int:
    return word(image, 40)


def l2_table(image: bytearray) -> int:
    return word(image, l1_table(image)) & ~COPIED


def refcount_table(image: bytearray) -> int:
    return word(image, 48)


def change(place: Callable[[bytearray], int], *, flip: int = 0, skip: int = 0) -> Callable[[bytearray], None]:
    """A corruption that flips bits of one big-endian word of a table."""

    def corrupt(image: bytearray) -> None:
        offset = place(image) + skip
        struct.pack_into(">Q", image, offset, word(image, offset) ^ flip)

    return corrupt


@pytest.mark.parametrize(
    ("code", "corrupt"),
    [
        ("l1-reserved-bits", change(l1_table, flip=1 << 56)),
        ("l2-table-unaligned", change(l1_table, flip=1 << 10)),
        ("l2-reserved-bits", change(l2_table, flip=1 << 57)),
        ("data-cluster-unaligned", change(l2_table, flip=1 << 10)),
        ("beyond-end-of-file", change(l2_table, flip=1 << 40)),
        ("copied-flag-l2", change(l1_table, flip=COPIED)),
        ("copied-flag-data", change(l2_table, flip=COPIED)),
        ("refcount-block-outside", change(refcount_table, skip=8, flip=1 << 30)),
        ("refcount-block-unaligned", change(refcount_table, skip=8, flip=1 << 10)),
        ("refcount-table-reserved-bits", change(refcount_table, skip=8, flip=1)),
        ("refcount-block-shared", change(refcount_table, skip=8, flip=CLUSTER)),
    ],
)
def test_broken_table_is_found_by_the_real_program(
    tmp_path: Path, code: str, corrupt: Callable[[bytearray], None]
) -> None:
    path = tmp_path / "image"
    make_sample(SampleKind.HEALTHY, path)
    image = bytearray(path.read_bytes())
    corrupt(image)
    path.write_bytes(image)

    check = image_check(path)

    assert check.run.outcome is Outcome.CORRUPTIONS
    assert code in [message.code for message in check.messages]
    assert "other" not in {message.code for message in check.messages}


def test_snapshot_with_a_wrong_l1_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "image"
    write_image_with_snapshots(path, [b"before"], l1_offset=512)

    (message,) = [each for each in image_check(path).messages if each.code == "snapshot-l1-unaligned"]

    assert message.examples[0].cluster_offset == 512
    assert message.examples[0].sentence.startswith("ERROR snapshot 1 (before) l1_offset=0x200: ")

    # As QEMU's sources write them: the code, the offset in bytes where a line names a place, the line.


_TEXT = """
leaked-cluster                 0x30000  Leaked cluster 3 refcount=1 reference=0
refcount-too-low               0x50000  ERROR cluster 5 refcount=0 reference=1
copied-flag-data               0x50000  ERROR OFLAG_COPIED data cluster: l2_entry=8000000000050000 refcount=2
copied-flag-l2                 0x40000  ERROR OFLAG_COPIED L2 cluster: l1_index=0 l1_entry=40000 refcount=1
beyond-end-of-file             0xff0000 ERROR: counting reference for region exceeding the end of the file by \
one cluster or more: offset 0xff0000 size 0x10000
l2-reserved-bits               0x50000  ERROR found l2 entry with reserved bits set: 7f00000000050000
l1-reserved-bits               0x40000  ERROR found L1 entry with reserved bits set: 80000000000401ff
data-cluster-unaligned         0x50200  ERROR offset=50200: Data cluster is not properly aligned; L2 entry \
corrupted.
data-cluster-unaligned         0x50200  ERROR offset=50200: Preallocated cluster is not properly aligned; L2 \
entry corrupted.
l2-table-unaligned             0x40200  ERROR l2_offset=40200: Table is not cluster aligned; L1 entry corrupted
copied-flag-compressed         0x6000   ERROR: coffset=0x6000: copied flag must never be set for compressed \
clusters
compressed-with-data-file      -        ERROR compressed cluster 3 with data file, entry=0x4000000000000000
compressed-with-subclusters    -        ERROR compressed cluster 3 with non-zero subcluster allocation bitmap, \
entry=0x4000000000000000
subcluster-bitmap-corrupt      0x14000  ERROR offset=14000: Allocated cluster has corrupted subcluster \
allocation bitmap
subcluster-bitmap-unallocated  -        ERROR: Unallocated cluster has non-zero subcluster allocation map
refcount-block-unaligned       -        ERROR refcount block 1 is not cluster aligned; refcount table entry \
corrupted
refcount-block-outside         -        ERROR refcount block 1 is outside image
refcount-block-shared          -        ERROR refcount block 0 refcount=4
refcount-table-reserved-bits   -        ERROR refcount table entry 0 has reserved bits set
refcount-unreadable            0x20000  Can't get refcount for cluster 2: Input/output error
reference-overflow             0x50000  ERROR: overflow cluster offset=0x50000
rebuild-needed                 -        ERROR need to rebuild refcount structures
image-marked-corrupt           -        qcow2: Image is corrupt: Refblock offset 0xce00 unaligned (reftable \
index: 0); further non-fatal corruption events will be suppressed
snapshots-with-data-file       -        ERROR 1 snapshots in image with data file
snapshot-l1-unaligned          0x100    ERROR snapshot 1 (s1) l1_offset=0x100: L1 table is not cluster aligned; \
snapshot table entry corrupted
snapshot-l1-too-large          -        ERROR snapshot 1 (s1) l1_size=0x80000100: L1 table is too large; \
snapshot table entry corrupted
snapshot-entry-incomplete      -        ERROR snapshot table entry 1 is incomplete
snapshot-table-broken          -        qemu-img: ERROR snapshot table too large
snapshot-table-broken          -        qemu-img: ERROR failed to read the snapshot table: Invalid argument
snapshot-table-broken          -        You can force-remove all 83 overhanging snapshots with qemu-img check -r all
bitmaps-broken                 -        ERROR: bitmap directory is broken
table-unreadable               -        ERROR: I/O error in check_refcounts_l2
out-of-memory                  -        qemu-img: Check failed: Cannot allocate memory
check-failed                   -        qemu-img: Check failed: File too large
check-failed                   -        qemu-img: Check failed
could-not-open                 -        qemu-img: Could not open 'json:{}': Image is not in qcow2 format
other-error                    -        ERROR of a kind that is not known yet
other                          -        something else
"""
LINES = [tuple(line.split(maxsplit=2)) for line in _TEXT.strip().splitlines()]


@pytest.mark.parametrize(("code", "offset", "line"), LINES)
def test_line_is_sorted_and_its_offset_read(code: str, offset: str, line: str) -> None:
    (message,) = parse_messages(line.encode() + b"\n", cluster_size=CLUSTER, truncated=False)

    assert (message.code, message.count) == (code, 1)
    (example,) = message.examples
    assert (example.sentence, example.cluster_offset) == (line, None if offset == "-" else int(offset, 16))
    assert message.explanation.endswith(".")


def test_every_kind_has_a_line_above() -> None:
    assert {code for code, _, _ in LINES} == {kind.code for kind in _KINDS}


def test_lines_are_counted_and_only_the_first_are_kept() -> None:
    lines = b"".join(b"Leaked cluster %d refcount=1 reference=0\n" % number for number in range(1000))

    (message,) = parse_messages(lines, cluster_size=512, truncated=False)

    assert (message.count, len(message.examples)) == (1000, EXAMPLES_KEPT)
    assert message.examples[-1].cluster_offset == (EXAMPLES_KEPT - 1) * 512


def test_errors_come_before_leaks_and_notes() -> None:
    leak, error = b"Leaked cluster 1 refcount=1 reference=0\n", b"ERROR cluster 5 refcount=0 reference=1\n"

    messages = parse_messages(b"qemu-img: Check failed\n" + leak + error, cluster_size=None, truncated=False)

    assert [message.severity for message in messages] == [Severity.ERROR, Severity.LEAK, Severity.NOTE]
    # Without a cluster size, a cluster's number says nothing of its offset.
    assert messages[0].examples[0].cluster_offset is None


def test_last_line_is_dropped_when_it_was_cut() -> None:
    text = b"Leaked cluster 1 refcount=1 reference=0\nLeaked cluster 2 refc"

    cut = parse_messages(text, cluster_size=512, truncated=True)
    whole = parse_messages(text, cluster_size=512, truncated=False)

    assert [message.code for message in cut] == ["leaked-cluster"]
    assert [message.code for message in whole] == ["leaked-cluster", "other"]


def test_long_line_of_control_characters_is_cut_and_spelled_out() -> None:
    (message,) = parse_messages(b"\x1b[2J\xff" + b"A" * 5000, cluster_size=None, truncated=False)

    (example,) = message.examples
    assert example.sentence.startswith("\\x1b[2J\ufffdAAA")
    assert example.sentence.endswith("A…")
    assert len(example.sentence) < 520
