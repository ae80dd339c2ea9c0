"""Read the primary volume descriptor of an ISO 9660 image: ECMA-119, third edition, sections 6.7, 8.1 and 8.4.

The bytes come from strangers: nothing in here reads beyond the 2 KiB it is given, and no number in
them is used to allocate or to loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Section 6.2.1: the system area is 16 sectors of 2,048 bytes; the first volume descriptor follows it.
SECTOR, OFFSET = 2048, 16 * 2048
#: What of the descriptor is looked at: up to and with the logical block size (offsets 128 to 131).
NEEDED = 132

STANDARD_IDENTIFIER = b"CD001"
#: Standard identifiers of the volume recognition sequence of UDF (ECMA-167, part 2, 9.1): a disc without ISO 9660.
UDF_IDENTIFIERS = (b"BEA01", b"NSR02", b"NSR03", b"TEA01", b"BOOT2", b"CDW02")


class Kind(Enum):
    """What sector 16 holds."""

    PRIMARY = "a primary volume descriptor"
    OTHER = "a volume descriptor that is not the primary one"
    UDF = "a descriptor of UDF, without ISO 9660"
    NONE = "no volume descriptor"


@dataclass(frozen=True, slots=True)
class VolumeDescriptor:
    """What sector 16 says. ``blocks`` and ``block_size`` are of the primary descriptor (8.4.8, 8.4.12), else 0.

    ``is_consistent`` is whether each number, which the format holds in both byte orders (7.2.3, 7.3.3), is the
    same in both: where it is not, the image is damaged or was never finished and its size says nothing.
    """

    kind: Kind
    label: str = ""
    blocks: int = 0
    block_size: int = 0
    is_consistent: bool = True

    @property
    def volume_bytes(self) -> int | None:
        """Volume space size times logical block size, in bytes; None where the descriptor does not tell."""
        if self.kind is not Kind.PRIMARY or not self.is_consistent or not self.blocks:
            return None
        return self.blocks * self.block_size


def read_volume_descriptor(sector: bytes) -> VolumeDescriptor:
    """Return what ``sector`` (the bytes from offset 32,768 of the file on) says; never raises."""
    data = bytes(sector[:SECTOR])
    identifier = data[1:6]
    if identifier in UDF_IDENTIFIERS:
        return VolumeDescriptor(Kind.UDF)
    if identifier != STANDARD_IDENTIFIER:
        return VolumeDescriptor(Kind.NONE)
    if data[0] != 1 or len(data) < NEEDED:
        return VolumeDescriptor(Kind.OTHER)
    blocks, blocks_agree = _both_orders(data[80:88])
    size, sizes_agree = _both_orders(data[128:132])
    return VolumeDescriptor(
        kind=Kind.PRIMARY,
        label=_label(data[40:72]),
        blocks=blocks,
        block_size=size,
        # 6.2.2: a logical block is a power of two, at least 512 and at most a sector.
        is_consistent=blocks_agree and sizes_agree and size in (512, 1024, 2048),
    )


def _both_orders(field: bytes) -> tuple[int, bool]:
    half = len(field) // 2
    little, big = int.from_bytes(field[:half], "little"), int.from_bytes(field[half:], "big")
    return little, little == big


def _label(field: bytes) -> str:
    """8.4.7: d-characters; many writers put others there, so each that is not printable ASCII becomes ``?``."""
    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in field.rstrip(b" \0"))
