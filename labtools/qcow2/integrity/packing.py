"""Columns of whole numbers, and facts beside them, as few bytes."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from labtools.qcow2.atlas import AtlasError

from .reading import I64

_MAGIC: Final = b"QATLAS\x00\x01"
"""The last byte is the version of the format."""
_MAX_BYTES: Final = 128 << 20
"""The most that is unpacked."""
_HEAD: Final = struct.Struct("<8sQ")
_WIDTHS: Final = (1, 2, 4, 8)
_LEVEL: Final = 2
"""Higher levels of zlib take several times as long to save a tenth."""


def pack(facts: Mapping[str, Any], columns: Sequence[I64]) -> bytes:
    """Facts, JSON-able, and columns. No number may be negative."""
    parts, shapes = [], []
    for column in columns:
        width = next(width for width in _WIDTHS if not len(column) or int(column.max()) < 1 << 8 * width)
        # Byte by byte: all the lowest bytes, then all those above, as those above are mostly alike.
        planes = column.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T
        parts.append(planes.tobytes())
        shapes.append([len(column), width])
    head = json.dumps({"facts": facts, "columns": shapes}, separators=(",", ":")).encode()
    body = b"".join([struct.pack("<Q", len(head)), head, *parts])
    return _HEAD.pack(_MAGIC, len(body)) + zlib.compress(body, _LEVEL)


def unpack(data: bytes) -> tuple[dict[str, Any], list[I64]]:
    """What was packed. Raises :class:`AtlasError`."""
    if len(data) < _HEAD.size:
        raise AtlasError("The stored map is cut short.")
    magic, length = _HEAD.unpack_from(data)
    if magic != _MAGIC or length > _MAX_BYTES:
        raise AtlasError("The stored map is of a format that is not read here.")
    try:
        body = zlib.decompressobj().decompress(data[_HEAD.size :], length)
    except zlib.error as error:
        raise AtlasError("The stored map is damaged.") from error
    if len(body) != length:
        raise AtlasError("The stored map is cut short.")
    (size,) = struct.unpack_from("<Q", body)
    told = json.loads(body[8 : 8 + size])
    columns, at = [], 8 + size
    for count, width in told["columns"]:
        planes = np.frombuffer(body, dtype=np.uint8, count=count * width, offset=at).reshape(width, count)
        columns.append(np.ascontiguousarray(planes.T).view(f"<u{width}").reshape(-1).astype(np.int64))
        at += count * width
    return told["facts"], columns
