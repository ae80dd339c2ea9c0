"""The snapshot table."""

from __future__ import annotations

import struct

import pytest

from labtools.qcow2 import HeaderReport, Severity

from .build import Image, snapshot


def report_of(
    *entries: bytes, declared: int | None = None, length: int = 0x50000, version: int = 3
) -> HeaderReport:
    return Image(
        version=version,
        nb_snapshots=len(entries) if declared is None else declared,
        snapshots_offset=0x40000,
        length=length,
        at={0x40000: b"".join(entries)},
    ).report()


def test_entry_is_decoded_whole() -> None:
    extra = struct.pack(">QQQ", 5 << 32, 2 << 30, 77)
    report = report_of(
        snapshot(number=b"7", name="größer".encode(), clock=3_723_004_000_000, nsec=5, state=9, extra=extra)
    )
    (entry,) = report.snapshots.entries

    assert report.problems == ()
    assert (entry.id, entry.name) == ("7", "größer")
    assert entry.taken == "2023-11-14T22:13:20Z"
    assert (entry.date_sec, entry.date_nsec) == (1_700_000_000, 5)
    assert entry.vm_clock == "01:02:03.004"
    assert entry.vm_state_size == 5 << 32
    assert entry.disk_size == 2 << 30
    assert entry.icount == 77
    assert (entry.l1_table_offset, entry.l1_size) == (0x30000, 2)
    assert entry.offset == 0x40000


def test_entries_follow_one_another_at_multiples_of_8() -> None:
    report = report_of(*(snapshot(number=b"%d" % n, name=b"n" * n) for n in range(1, 20)))

    assert [entry.id for entry in report.snapshots.entries] == [str(n) for n in range(1, 20)]
    assert report.snapshots.more == 0
    assert report.problems == ()


def test_version_2_entry_needs_no_extra_data() -> None:
    report = report_of(snapshot(extra=b"", state=4096), version=2)
    (entry,) = report.snapshots.entries

    assert report.problems == ()
    assert (entry.vm_state_size, entry.disk_size, entry.icount) == (4096, None, None)


def test_icount_of_all_ones_means_none() -> None:
    (entry,) = report_of(snapshot(extra=struct.pack(">QQQ", 0, 0, 2**64 - 1))).snapshots.entries

    assert entry.icount is None


def test_names_are_bounded_and_made_visible() -> None:
    (entry,) = report_of(snapshot(name=b"\x1b[31m" + b"a" * 1000, number=b"\n")).snapshots.entries

    assert entry.name.startswith(r"\x1b[31maaa")
    assert entry.name.endswith("… (749 bytes more)")
    assert entry.id == r"\x0a"


@pytest.mark.parametrize(
    ("entries", "code", "severity"),
    [
        ([snapshot(extra=bytes(1025))], "snapshot-extra-too-long", Severity.ERROR),
        ([snapshot(extra=bytes(8))], "snapshot-extra-short", Severity.WARNING),
        ([snapshot(l1_offset=0x30001)], "snapshot-l1-unaligned", Severity.ERROR),
        ([snapshot(l1_offset=0x60000)], "snapshot-l1-outside", Severity.ERROR),
        ([snapshot(l1_size=(1 << 22) + 1)], "snapshot-l1-too-large", Severity.ERROR),
        ([snapshot(), snapshot()], "snapshot-id-duplicate", Severity.WARNING),
    ],
)
def test_broken_entry_is_named(entries: list[bytes], code: str, severity: Severity) -> None:
    report = report_of(*entries)

    assert [problem.severity for problem in report.problems if problem.code == code] == [severity]


@pytest.mark.parametrize("cut", [0x40000, 0x40001, 0x40000 + 39, 0x40000 + 40 + 16 + 1 + 12])
def test_table_beyond_the_end_of_the_file_is_told(cut: int) -> None:
    report = report_of(snapshot(), length=cut)

    assert report.snapshots.entries == ()
    assert report.snapshots.more == 1
    assert "snapshot-table-cut" in {problem.code for problem in report.problems}


def test_more_snapshots_than_shown_are_counted() -> None:
    entries = [snapshot(number=b"%d" % n) for n in range(400)]
    table = report_of(*entries, declared=401).snapshots

    assert (table.declared, len(table.entries), table.more) == (401, 256, 145)


def test_four_billion_declared_snapshots_are_not_walked() -> None:
    table = report_of(declared=2**32 - 1).snapshots

    # An entry of zeros is 40 bytes and valid: only the bound ends the walk.
    assert len(table.entries) == 256
    assert table.more == 2**32 - 1 - 256
