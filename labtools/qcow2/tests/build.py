"""Images made from hand-packed bytes, independent of the layout that they test."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from labtools.qcow2 import HeaderReport, open_image, read_header

HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
HEADER_3 = struct.Struct(">QQQII")


def extension(kind: int, data: bytes = b"", length: int | None = None) -> bytes:
    """One header extension, padded; ``length`` may lie."""
    declared = len(data) if length is None else length
    return struct.pack(">II", kind, declared) + data + b"\0" * (-len(data) % 8)


END = extension(0)


def snapshot(
    *,
    number: bytes = b"1",
    name: bytes = b"before update",
    l1_offset: int = 0x30000,
    l1_size: int = 2,
    sec: int = 1_700_000_000,
    nsec: int = 0,
    clock: int = 0,
    state: int = 0,
    extra: bytes = struct.pack(">QQ", 0, 1 << 30),
) -> bytes:
    """One entry of the snapshot table, padded."""
    head = struct.pack(
        ">QIHHIIQII", l1_offset, l1_size, len(number), len(name), sec, nsec, clock, state, len(extra)
    )
    entry = head + extra + number + name
    return entry + b"\0" * (-len(entry) % 8)


@dataclass
class Image:
    """A small sound image of 1 GiB with 64 KiB clusters; each field may be set to something else.

    Clusters: 0 header, 1 refcount table, 2 refcount block, 3 L1 table, 4 snapshot table.
    """

    magic: bytes = b"QFI\xfb"
    version: int = 3
    backing_file_offset: int = 0
    backing_file_size: int = 0
    cluster_bits: int = 16
    size: int = 1 << 30
    crypt_method: int = 0
    l1_size: int = 2
    l1_table_offset: int = 0x30000
    refcount_table_offset: int = 0x10000
    refcount_table_clusters: int = 1
    nb_snapshots: int = 0
    snapshots_offset: int = 0
    incompatible: int = 0
    compatible: int = 0
    autoclear: int = 0
    refcount_order: int = 4
    header_length: int = 112
    additional: bytes = bytes(8)
    extensions: bytes = END
    length: int = 0x50000
    at: dict[int, bytes] = field(default_factory=dict)

    def bytes(self) -> bytes:
        """The file."""
        head = HEADER.pack(
            self.magic,
            self.version,
            self.backing_file_offset,
            self.backing_file_size,
            self.cluster_bits,
            self.size,
            self.crypt_method,
            self.l1_size,
            self.l1_table_offset,
            self.refcount_table_offset,
            self.refcount_table_clusters,
            self.nb_snapshots,
            self.snapshots_offset,
        )
        if self.version != 2:
            head += HEADER_3.pack(
                self.incompatible, self.compatible, self.autoclear, self.refcount_order, self.header_length
            )
            head += self.additional
        data = bytearray((head + self.extensions).ljust(self.length, b"\0"))
        for offset, piece in self.at.items():
            data[offset : offset + len(piece)] = piece
        return bytes(data[: self.length])

    def file(self) -> BinaryIO:
        """The file as a file object."""
        return io.BytesIO(self.bytes())

    def report(self) -> HeaderReport:
        """What the reader says of it."""
        with open_image(self.file()) as source:
            return read_header(source)

    def codes(self) -> set[str]:
        """The codes of all that is wrong with it."""
        return {problem.code for problem in self.report().problems}
