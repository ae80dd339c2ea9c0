"""The numbers of an image that every phase needs, derived once from its header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from labtools.qcow2.entries import L1_ENTRY, L2_ENTRY, compressed_l2_entry
from labtools.qcow2.layout import Autoclear, Incompatible
from labtools.qcow2.rules import HeaderValues

MAX_OFFSET: Final = (1 << 63) - (1 << 30)
"""QEMU reads nothing beyond this offset (BDRV_MAX_LENGTH); a read there fails, while one behind the end gives zeros."""

OFFSET_MASK: Final = L2_ENTRY["offset"].mask
"""Bits 9 to 55 of an L1 or L2 entry: a host offset."""
COPIED: Final = L2_ENTRY["COPIED"].mask
COMPRESSED: Final = L2_ENTRY["compressed"].mask
ZERO: Final = L2_ENTRY["zero"].mask
L1_RESERVED: Final = L1_ENTRY.reserved
L2_RESERVED: Final = L2_ENTRY.reserved
"""Reserved bits of a standard L2 entry; bit 0 is judged apart."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes in bytes unless the name says otherwise. ``clusters`` is the file's length in host clusters, rounded up.

    ``guest_clusters`` is the virtual size in clusters, rounded up. ``has_data_file`` says that guest data is elsewhere,
    ``raw_data`` that it lies there as on the guest's disk.
    """

    version: int
    file_length: int
    cluster_bits: int
    virtual_size: int
    l2_entry_size: int
    has_data_file: bool
    raw_data: bool
    refcount_bits: int

    @classmethod
    def of(cls, values: HeaderValues) -> Geometry:
        """From a header whose cluster_bits and refcount_order are within bounds."""
        return cls(
            version=values.version,
            file_length=values.file_length,
            cluster_bits=values["cluster_bits"],
            virtual_size=values["size"] // 512 * 512,
            l2_entry_size=values.l2_entry_size,
            has_data_file=Incompatible.DATA_FILE in values.incompatible,
            raw_data=Autoclear.RAW_EXTERNAL_DATA in values.autoclear,
            refcount_bits=1 << values["refcount_order"],
        )

    @property
    def cluster_size(self) -> int:
        """Bytes of a cluster."""
        return 1 << self.cluster_bits

    @property
    def extended(self) -> bool:
        """Whether L2 entries have a subcluster bitmap."""
        return self.l2_entry_size == 16

    @property
    def l2_entries(self) -> int:
        """Entries of an L2 table."""
        return self.cluster_size // self.l2_entry_size

    @property
    def clusters(self) -> int:
        """Host clusters of the file, the last perhaps cut."""
        return -(-self.file_length // self.cluster_size)

    @property
    def guest_clusters(self) -> int:
        """Clusters of the virtual disk."""
        return -(-self.virtual_size // self.cluster_size)

    @property
    def refcount_max(self) -> int:
        """The largest refcount that fits."""
        return (1 << self.refcount_bits) - 1

    @property
    def block_entries(self) -> int:
        """Refcounts in a refcount block."""
        return self.cluster_size * 8 // self.refcount_bits

    @property
    def compressed_offset_bits(self) -> int:
        """Width of the offset in a compressed L2 entry; the number of sectors follows above it."""
        return compressed_l2_entry(self.cluster_bits)["additional sectors"].low
