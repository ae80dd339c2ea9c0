"""Decompression of a cluster, bounded, by the rules that QEMU holds the data to (block/qcow2-threads.c).

Deflate comes with Python. Zstandard does not before 3.14, so the system's own library is called: Debian and Ubuntu
have it always, as dpkg needs it. Where it is missing, images that need it are not tested, and the report says so.
"""

from __future__ import annotations

import ctypes
import functools
import zlib
from collections.abc import Callable
from typing import Final

Decompress = Callable[[bytes, int], bytes | None]
"""Compressed data, which may be padded, and the size of a cluster; None if it does not give a whole cluster."""

DEFLATE: Final = 0
ZSTD: Final = 1
_WINDOW: Final = -12
"""Raw deflate with a window of 4 KiB, as the specification asks for."""


def decompressor(compression_type: int) -> Decompress | None:
    """The way to decompress a cluster of an image with this ``compression_type``; None where it is not at hand."""
    if compression_type == DEFLATE:
        return inflate
    return _zstd() if compression_type == ZSTD else None


def inflate(data: bytes, size: int) -> bytes | None:
    """``size`` bytes out of raw deflate data; None if it does not give them."""
    try:
        cluster = zlib.decompressobj(_WINDOW).decompress(data, size)
    except zlib.error:
        return None
    return cluster if len(cluster) == size else None


class _InBuffer(ctypes.Structure):
    """ZSTD_inBuffer."""

    _fields_ = [("src", ctypes.c_char_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


class _OutBuffer(ctypes.Structure):
    """ZSTD_outBuffer."""

    _fields_ = [("dst", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


class _Zstandard:
    """The streaming decompressor of libzstd. Its window is bounded by the library at 128 MiB."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.ZSTD_createDCtx.restype = ctypes.c_void_p
        library.ZSTD_freeDCtx.argtypes = [ctypes.c_void_p]
        library.ZSTD_decompressStream.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(_OutBuffer),
            ctypes.POINTER(_InBuffer),
        ]
        library.ZSTD_decompressStream.restype = ctypes.c_size_t
        library.ZSTD_isError.argtypes = [ctypes.c_size_t]
        library.ZSTD_isError.restype = ctypes.c_uint

    def __call__(self, data: bytes, size: int) -> bytes | None:
        context = self._library.ZSTD_createDCtx()
        if not context:
            raise MemoryError("libzstd has no memory for a context")
        try:
            return self._decompress(context, data, size)
        finally:
            self._library.ZSTD_freeDCtx(context)

    def _decompress(self, context: int, data: bytes, size: int) -> bytes | None:
        cluster = ctypes.create_string_buffer(size)
        source = _InBuffer(data, len(data), 0)
        target = _OutBuffer(ctypes.addressof(cluster), size, 0)
        left = 0
        while target.pos < size:
            before = (source.pos, target.pos)
            left = self._library.ZSTD_decompressStream(context, ctypes.byref(target), ctypes.byref(source))
            if self._library.ZSTD_isError(left) or (source.pos, target.pos) == before:
                return None
        # What is left over would be more than a cluster.
        return cluster.raw if left == 0 else None


@functools.cache
def _zstd() -> Decompress | None:
    try:
        return _Zstandard(ctypes.CDLL("libzstd.so.1"))
    except (OSError, AttributeError):
        return None
