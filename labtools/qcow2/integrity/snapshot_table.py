"""Every entry of the snapshot table, as far as QEMU reads it."""

from __future__ import annotations

from dataclasses import dataclass

from labtools.qcow2 import layout
from labtools.qcow2.rules import HeaderValues

from .geometry import Geometry
from .reading import Reader
from .tally import Tally


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Place of the entry in the table, and the snapshot's L1 table.

    ``disk_size`` and ``vm_state_size`` are in bytes; the first is None where the entry does not say.
    """

    index: int
    entry_offset: int
    l1_offset: int
    l1_size: int
    extra_size: int
    vm_state_size: int
    disk_size: int | None


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The entries, and the bytes that their table takes."""

    entries: tuple[Snapshot, ...]
    offset: int
    size: int


def read_snapshot_table(
    reader: Reader, geometry: Geometry, values: HeaderValues, tally: Tally
) -> Snapshots | None:
    """All entries; None where QEMU gives up on the table."""
    start = offset = values["snapshots_offset"]
    entries = []
    for index in range(values["nb_snapshots"]):
        if index % 256 == 0:
            reader.tick()
        offset = -(-offset // 8) * 8
        known = layout.SNAPSHOT_ENTRY.size
        head = reader.source.pread(offset, known + 16).ljust(known + 16, b"\0")
        l1_offset, l1_size, id_size, name_size, *_, vm_state, extra = layout.SNAPSHOT_ENTRY.struct.unpack(
            head[:known]
        )
        if extra >= 8:
            vm_state = int.from_bytes(head[known : known + 8])
        disk_size = int.from_bytes(head[known + 8 :]) if extra >= 16 else None
        entries.append(Snapshot(index, offset, l1_offset, l1_size, extra, vm_state, disk_size))
        if extra > layout.MAX_SNAPSHOT_EXTRA:
            _give_up(tally, offset)
            return None
        offset += layout.SNAPSHOT_ENTRY.size + extra + id_size + name_size
        if offset - start > layout.MAX_SNAPSHOT_TABLE_BYTES:
            _give_up(tally, offset)
            return None
    if geometry.version >= 3:
        for entry in entries:
            if entry.extra_size < layout.MIN_V3_SNAPSHOT_EXTRA:
                tally.corruptions += 1
                tally.find("snapshot-entry-incomplete", entry.entry_offset, layout.SNAPSHOT_ENTRY.size)
    return Snapshots(tuple(entries), start, offset - start)


def _give_up(tally: Tally, offset: int) -> None:
    tally.check_errors += 1
    tally.aborted = True
    tally.find("snapshot-table-broken", offset, layout.SNAPSHOT_ENTRY.size)
