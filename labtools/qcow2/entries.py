"""The entries of qcow2's tables as data, bit by bit: what :mod:`.layout` is for whole bytes.

All entries are big-endian numbers; bit 0 is the least significant. Names and sections are those of QEMU's
specification (:data:`.layout.SPECIFICATION`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from . import layout


@dataclass(frozen=True, slots=True)
class Bits:
    """Bits ``low`` to ``high`` of an entry, both included. ``is_reserved``: they must be 0."""

    low: int
    high: int
    name: str
    meaning: str
    is_reserved: bool = False

    @property
    def mask(self) -> int:
        """The bits where they stand in the entry."""
        return ((1 << (self.high - self.low + 1)) - 1) << self.low

    def of(self, entry: int) -> int:
        """Their number in ``entry``, moved down to bit 0."""
        return (entry & self.mask) >> self.low


@dataclass(frozen=True, slots=True)
class EntryLayout:
    """A kind of table entry of 8 bytes. ``bits`` cover all 64 without gap or overlap, lowest first."""

    id: str
    name: str
    meaning: str
    section: str
    bits: tuple[Bits, ...]

    def __getitem__(self, name: str) -> Bits:
        """The bits of that name; ``KeyError`` where there are none."""
        for part in self.bits:
            if part.name == name:
                return part
        raise KeyError(name)

    @property
    def reserved(self) -> int:
        """Every bit that must be 0."""
        return sum(part.mask for part in self.bits if part.is_reserved)


def _reserved(low: int, high: int) -> Bits:
    return Bits(low, high, "reserved", "Must be 0.", is_reserved=True)


_COPIED: Final = Bits(
    63,
    63,
    "COPIED",
    "1 if the refcount of what the entry leads to is exactly 1: it may be overwritten in place.",
)
_STANDARD: Final = Bits(62, 62, "compressed", "0 for a standard cluster.")
_MAPPING: Final = "Cluster mapping"

L1_ENTRY: Final = EntryLayout(
    "l1-entry",
    "L1 table entry",
    "Leads to one L2 table.",
    _MAPPING,
    (
        _reserved(0, 8),
        Bits(
            9,
            55,
            "offset",
            "Bits 9 to 55 of the L2 table's host offset; all 0 if there is none: all unallocated.",
        ),
        _reserved(56, 62),
        _COPIED,
    ),
)

_DATA_OFFSET: Final = Bits(
    9,
    55,
    "offset",
    "Bits 9 to 55 of the cluster's host offset; 0 if it is unallocated and read from the backing file.",
)

L2_ENTRY: Final = EntryLayout(
    "l2-entry",
    "L2 table entry, standard cluster",
    "Says where one cluster of the guest's disk is in the file.",
    _MAPPING,
    (
        Bits(
            0,
            0,
            "zero",
            "1 if the cluster reads as zeros. Reserved in version 2 and with extended L2 entries.",
        ),
        _reserved(1, 8),
        _DATA_OFFSET,
        _reserved(56, 61),
        _STANDARD,
        _COPIED,
    ),
)

SUBCLUSTER_BITMAP: Final = EntryLayout(
    "subcluster-bitmap",
    "Subcluster bitmap of an extended L2 entry",
    "The second 8 bytes of an extended L2 entry: a bit of each half for each of 32 subclusters.",
    "Extended L2 Entries",
    (
        Bits(0, 31, "allocated", "1 if the subcluster is in the cluster."),
        Bits(32, 63, "zero", "1 if it reads as zeros; never together with its bit below."),
    ),
)

REFCOUNT_TABLE_ENTRY: Final = EntryLayout(
    "refcount-table-entry",
    "Refcount table entry",
    "Leads to one refcount block.",
    "Host cluster management",
    (
        _reserved(0, 8),
        Bits(
            9,
            63,
            "offset",
            "Bits 9 to 63 of the refcount block's host offset; 0 if there is none: its clusters have refcount 0.",
        ),
    ),
)

BITMAP_TABLE_ENTRY: Final = EntryLayout(
    "bitmap-table-entry",
    "Bitmap table entry",
    "Leads to one cluster of a bitmap's data.",
    "Bitmap table",
    (
        Bits(
            0, 0, "all ones", "Without an offset: 1 if the cluster reads as ones, 0 if as zeros. With one: 0."
        ),
        _reserved(1, 8),
        Bits(9, 55, "offset", "Bits 9 to 55 of the cluster's host offset."),
        _reserved(56, 63),
    ),
)

BITMAP_FLAGS: Final = (
    Bits(0, 0, "in use", "1 if it was not saved when the image was last closed: it is out of date."),
    Bits(1, 1, "auto", "1 if QEMU goes on recording in it as soon as the image is in use."),
    Bits(
        2, 2, "extra data compatible", "1 if it may be used by a program that does not know its extra data."
    ),
    _reserved(3, 31),
)
"""The 32 flags of a bitmap directory entry."""


def compressed_l2_entry(cluster_bits: int) -> EntryLayout:
    """The L2 table entry of a compressed cluster, in an image with clusters of ``2 ** cluster_bits`` bytes.

    Raises ``ValueError`` for a cluster size that QEMU does not have.
    """
    if not layout.MIN_CLUSTER_BITS <= cluster_bits <= layout.MAX_CLUSTER_BITS:
        raise ValueError(f"no such cluster size: 2 ** {cluster_bits}")
    sectors = 62 - (cluster_bits - 8)
    return EntryLayout(
        "compressed-l2-entry",
        "L2 table entry, compressed cluster",
        "Says where the compressed data of one cluster is. It may begin at any byte.",
        _MAPPING,
        (
            Bits(0, sectors - 1, "offset", "Host offset of the compressed data, in bytes."),
            Bits(
                sectors,
                61,
                "additional sectors",
                "How many sectors of 512 bytes follow the one where it begins.",
            ),
            Bits(62, 62, "compressed", "1."),
            Bits(63, 63, "COPIED", "0: a compressed cluster is never overwritten in place."),
        ),
    )
