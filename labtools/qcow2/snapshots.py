"""The snapshot table, read within bounds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from . import layout
from .readings import Problem, Severity, SnapshotReading, SnapshotTable
from .rules import HeaderValues
from .source import ImageSource
from .text import counted, visible

MAX_DECODED: Final = 256
"""Snapshots that are decoded; those beyond are counted."""
MAX_NAME: Final = 256
"""Bytes of an ID or a name that are shown; the format allows 65,535."""

_ENTRY: Final = layout.SNAPSHOT_ENTRY.size
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read_snapshots(source: ImageSource, values: HeaderValues, limit: int = MAX_DECODED) -> SnapshotTable:
    """The first ``limit`` snapshots. Reading ends early, with a problem that says so, where the table breaks
    off.
    """
    declared = values["nb_snapshots"]
    entries: list[SnapshotReading] = []
    problems: list[Problem] = []
    offset = values["snapshots_offset"]
    while len(entries) < min(declared, limit, layout.MAX_SNAPSHOTS):
        entry = _read_entry(source, values, offset)
        if isinstance(entry, Problem):
            problems.append(entry)
            break
        entries.append(entry)
        offset += entry.entry_length
    problems += _duplicates(entries)
    for entry in entries:
        problems += entry.problems
    return SnapshotTable(declared, tuple(entries), declared - len(entries), tuple(problems))


def snapshot_l1_tables(source: ImageSource, values: HeaderValues) -> Iterator[tuple[int, int]]:
    """Offset and number of entries of every snapshot's L1 table, as far as the snapshot table can be
    followed.
    """
    offset = start = values["snapshots_offset"]
    for _ in range(min(values["nb_snapshots"], layout.MAX_SNAPSHOTS)):
        head = source.pread(offset, _ENTRY)
        if len(head) < _ENTRY or offset - start > layout.MAX_SNAPSHOT_TABLE_BYTES:
            return
        l1_offset, l1_size, id_size, name_size, *_, extra_size = layout.SNAPSHOT_ENTRY.struct.unpack(head)
        yield l1_offset, l1_size
        offset += (_ENTRY + extra_size + id_size + name_size + 7) // 8 * 8


def _read_entry(source: ImageSource, values: HeaderValues, offset: int) -> SnapshotReading | Problem:
    head = source.pread(offset, _ENTRY)
    if len(head) < _ENTRY:
        return _cut(offset)
    (l1_offset, l1_size, id_size, name_size, sec, nsec, clock, state_size, extra_size) = (
        layout.SNAPSHOT_ENTRY.struct.unpack(head)
    )
    if extra_size > layout.MAX_SNAPSHOT_EXTRA:
        return Problem(
            "snapshot-extra-too-long",
            Severity.ERROR,
            f"The snapshot entry at {offset:,} has {extra_size:,} bytes of extra data; QEMU takes 1024 at "
            "most. "
            "The entries behind it were not read.",
        )
    known = source.pread(offset + _ENTRY, min(extra_size, 24))
    id_offset = offset + _ENTRY + extra_size
    raw_id = source.pread(id_offset, min(id_size, MAX_NAME))
    raw_name = source.pread(id_offset + id_size, min(name_size, MAX_NAME))
    if id_offset + id_size + name_size > source.length:
        return _cut(offset)
    extra = {
        field.name: int.from_bytes(known[field.offset : field.end])
        for field in layout.SNAPSHOT_EXTRA
        if field.end <= len(known)
    }
    length = _ENTRY + extra_size + id_size + name_size
    name = _shown(raw_name, name_size)
    return SnapshotReading(
        offset=offset,
        entry_length=(length + 7) // 8 * 8,
        id=_shown(raw_id, id_size),
        name=name,
        taken=(_EPOCH + dt.timedelta(seconds=sec)).isoformat().replace("+00:00", "Z"),
        date_sec=sec,
        date_nsec=nsec,
        vm_clock=_clock(clock),
        vm_clock_nsec=clock,
        vm_state_size=extra.get("vm_state_size_large", state_size),
        disk_size=extra.get("disk_size"),
        icount=None if extra.get("icount") == 2**64 - 1 else extra.get("icount"),
        l1_table_offset=l1_offset,
        l1_size=l1_size,
        extra_data_size=extra_size,
        problems=tuple(_judge(values, name, l1_offset, l1_size, extra_size)),
    )


def _cut(offset: int) -> Problem:
    return Problem(
        "snapshot-table-cut",
        Severity.ERROR,
        f"The file ends inside the snapshot entry at {offset:,}.",
        "field-nb_snapshots",
    )


def _shown(raw: bytes, length: int) -> str:
    return visible(raw) + (f" … ({length - len(raw):,} bytes more)" if length > len(raw) else "")


def _clock(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest // 10**6:03}"


def _judge(values: HeaderValues, name: str, offset: int, size: int, extra_size: int) -> Iterator[Problem]:
    def broken(code: str, severity: Severity, what: str) -> Problem:
        return Problem(code, severity, f"Snapshot “{name}”: {what}")

    if size * 8 > layout.MAX_L1_BYTES:
        yield broken(
            "snapshot-l1-too-large", Severity.ERROR, f"{size:,} L1 entries are above the limit of 4,194,304."
        )
    cluster = values.cluster_size
    if cluster and offset % cluster:
        yield broken(
            "snapshot-l1-unaligned",
            Severity.ERROR,
            f"its L1 table at {offset:,} is not on a cluster boundary.",
        )
    if cluster and size and offset + size * 8 - values.file_length >= cluster:
        yield broken(
            "snapshot-l1-outside",
            Severity.ERROR,
            f"its L1 table at {offset:,} is beyond the end of the file.",
        )
    if values.version >= 3 and extra_size < layout.MIN_V3_SNAPSHOT_EXTRA:
        yield broken(
            "snapshot-extra-short",
            Severity.WARNING,
            f"{counted(extra_size, 'byte')} of extra data; version 3 asks for 16 at least.",
        )


def _duplicates(entries: list[SnapshotReading]) -> Iterator[Problem]:
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            yield Problem(
                "snapshot-id-duplicate",
                Severity.WARNING,
                f"Two snapshots have the ID “{entry.id}”; QEMU finds only the first of them.",
            )
        seen.add(entry.id)
