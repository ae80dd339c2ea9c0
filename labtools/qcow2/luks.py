"""The facts of a LUKS header that are no secret: cipher, key sizes, which key slots are used.

Source: LUKS On-Disk Format Specification 1.2.3, section 2.3; QEMU writes version 1 only (crypto/block-luks.c).
Salts, digests and key material are not kept, not even in memory.
"""

from __future__ import annotations

import struct
from typing import Final

from .facts import Encryption, KeySlot
from .text import visible

HEADER_BYTES: Final = 592
_MAGIC: Final = b"LUKS\xba\xbe"
_HEAD: Final = struct.Struct(">6sH32s32s32sII")
_UUID: Final = slice(168, 208)
_SLOTS: Final = 208
_SLOT: Final = struct.Struct(">II32xII")
_USED: Final = 0x00AC71F3
_UNUSED: Final = 0x0000DEAD
_SECTOR: Final = 512


def read_luks(raw: bytes, offset: int, length: int) -> Encryption | None:
    """What the first :data:`HEADER_BYTES` of a LUKS header at ``offset`` say; None if it is not one."""
    if len(raw) < HEADER_BYTES:
        return None
    magic, version, cipher, mode, digest, _, key_bytes = _HEAD.unpack_from(raw)
    if magic != _MAGIC or version != 1:
        return None
    slots = []
    for number in range(8):
        state, _, place, stripes = _SLOT.unpack_from(raw, _SLOTS + number * _SLOT.size)
        if state not in (_USED, _UNUSED):
            return None
        slots.append(KeySlot(number, state == _USED, offset + place * _SECTOR, key_bytes * stripes))
    return Encryption(
        version=version,
        cipher=f"{_text(cipher)}-{_text(mode)}",
        hash=_text(digest),
        key_bits=key_bytes * 8,
        uuid=_text(raw[_UUID]),
        offset=offset,
        length=length,
        key_slots=tuple(slots),
    )


def _text(raw: bytes) -> str:
    return visible(raw.split(b"\0", 1)[0])
