"""A sparse file in a tar archive, gzip'd: written from ranges of an image, and read back by strict rules.

The archive has one member in the PAX format of sparse files, version 1.0 (GNU tar manual, "Sparse Formats"), so that
``tar xzf`` gives back a file of the full length with the ranges in their places. What else there is to say stands as
JSON in the member's PAX ``comment``, which tar passes over.
"""

from __future__ import annotations

import gzip
import json
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from labtools.qcow2.errors import SkeletonError
from labtools.qcow2.source import MAX_READ, ImageSource
from labtools.qcow2.text import binary_size

from .plan import MAX_BYTES, Range, merged

FORMAT: Final = 1
SECTOR: Final = 512
MAX_RANGES: Final = 1 << 20
MAX_LENGTH: Final = 1 << 60
_MAX_HEADERS: Final = 64 << 10
_MAX_MAP: Final = 32 << 20
_PIECE: Final = 64 << 10
_KINDS: Final = ("skeleton", "patch", "undo")


class NotAContainer(SkeletonError):
    """The file is not one of ours at all."""

    code = "not-a-skeleton"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file says of itself; nothing of it is proven.

    ``kind`` is ``skeleton``, ``patch`` or ``undo``; ``length`` that of the sparse file, and ``ranges`` what it holds.
    ``facts`` are the JSON values written with it.
    """

    kind: str
    length: int
    ranges: tuple[Range, ...]
    facts: Mapping[str, Any]

    def count(self, name: str) -> int:
        """A number of ``facts``, 0 where there is none to trust."""
        value = self.facts.get(name)
        return (
            value
            if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_LENGTH
            else 0
        )


def whole_sectors(ranges: Iterable[Range], length: int) -> tuple[Range, ...]:
    """Ranges widened to whole sectors, as GNU tar reads each from a fresh block; the last ends with the file."""
    return tuple(
        merged(
            Range(
                place.offset // SECTOR * SECTOR,
                min(-(-place.end // SECTOR) * SECTOR, length) - place.offset // SECTOR * SECTOR,
            )
            for place in ranges
        )
    )


def write_container(
    target: BinaryIO,
    *,
    kind: str,
    length: int,
    ranges: Iterable[Range],
    pieces: Iterable[tuple[int, bytes]],
    facts: Mapping[str, Any],
    name: str = "metadata.qcow2",
) -> None:
    """Write the archive. ``pieces`` are the bytes in order, each inside ``ranges``; bytes between them are zero."""
    stored = whole_sectors(ranges, length)
    table = "".join(f"{number}\n" for number in _numbers(stored, length)).encode()
    table += b"\0" * (-len(table) % SECTOR)
    size = len(table) + sum(place.length for place in stored)
    info = tarfile.TarInfo(f"GNUSparseFile.0/{name}")
    info.size, info.mode = size, 0o644
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": name,
        "GNU.sparse.realsize": str(length),
        "comment": json.dumps({"format": FORMAT, "kind": kind, **facts}, separators=(",", ":")),
    }
    # Runs of growing offsets become smaller by the quickest level than by the usual one, in a tenth of the time.
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, compresslevel=1, mtime=0) as out:
        out.write(info.tobuf(tarfile.PAX_FORMAT))
        out.write(table)
        for data in _filled(stored, pieces):
            out.write(data)
        out.write(b"\0" * (-size % SECTOR + 2 * SECTOR))


def _numbers(stored: tuple[Range, ...], length: int) -> Iterator[int]:
    """The map: how many entries, then offset and length of each; an empty one where the file ends in a hole."""
    ends_open = not stored or stored[-1].end < length
    yield len(stored) + ends_open
    for place in stored:
        yield place.offset
        yield place.length
    if ends_open:
        yield length
        yield 0


def _filled(stored: tuple[Range, ...], pieces: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """The bytes of ``stored`` in order: ``pieces``, and zeros between them."""
    waiting = iter(pieces)
    offset, data = next(waiting, (MAX_LENGTH, b""))
    for place in stored:
        at = place.offset
        while at < place.end:
            if offset > at:
                step = min(place.end, offset) - at
                for left in range(step, 0, -_PIECE):
                    yield bytes(min(left, _PIECE))
            else:
                step = len(data)
                if offset < at or at + step > place.end:
                    raise ValueError("a piece lies outside the ranges")
                yield data
                offset, data = next(waiting, (MAX_LENGTH, b""))
            at += step


def pieces_of(source: ImageSource, ranges: Iterable[Range]) -> Iterator[tuple[int, bytes]]:
    """The bytes of ranges of an image. Raises :class:`SkeletonError` where the image no longer has them."""
    for place in ranges:
        done = 0
        for offset, data in source.chunks(place.offset, place.length):
            yield offset, data
            done += len(data)
        if done < place.length:
            raise SkeletonError("The image became shorter while it was read. Stop the guest, then try again.")


# ------------------------------------------------------------------------------------------- reading back


class _Stream:
    """A bounded reader of what a gzip'd file holds."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._kept = bytearray()

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes, at most :data:`MAX_READ`; fewer only at the end."""
        while len(self._kept) < size and not self._inflate.eof:
            raw = self._inflate.unconsumed_tail or self._file.read(_PIECE)
            if not raw:
                break
            try:
                self._kept += self._inflate.decompress(raw, MAX_READ)
            except zlib.error:
                raise SkeletonError("The compressed file is damaged. Send it again.") from None
        data = bytes(self._kept[:size])
        del self._kept[:size]
        return data

    def need(self, size: int) -> bytes:
        """Exactly ``size`` bytes."""
        data = self.take(size)
        if len(data) < size:
            raise SkeletonError("The file of metadata ends too early. Send it again.")
        return data


def open_container(
    file: BinaryIO, *, max_bytes: int = MAX_BYTES
) -> tuple[Manifest, Iterator[tuple[int, bytes]]]:
    """Read the head of an archive: what it says, and an iterator over its bytes.

    Raises :class:`NotAContainer` for any other file, and :class:`SkeletonError` for one of ours that is damaged or
    holds more than ``max_bytes``; the iterator raises the latter too.
    """
    if file.read(2) != b"\x1f\x8b":
        raise NotAContainer("This is not a gzip'd tar archive.")
    file.seek(0)
    stream = _Stream(file)
    pax, size = _member(stream)
    length = _number(pax.get("GNU.sparse.realsize", ""), MAX_LENGTH)
    try:
        facts = json.loads(pax.get("comment", "{}"))
    except (ValueError, RecursionError):
        facts = {}
    facts = facts if isinstance(facts, dict) else {}
    kind = facts.get("kind", "skeleton")
    if kind not in _KINDS or facts.get("format", FORMAT) != FORMAT:
        raise SkeletonError("The file was made by a newer version of this program.")
    ranges, used = _map(stream, length)
    total = sum(place.length for place in ranges)
    if total > max_bytes:
        raise SkeletonError(
            f"The file holds {binary_size(total)} of metadata; {binary_size(max_bytes)} are taken at most."
        )
    if used + total != size:
        raise SkeletonError("The file of metadata contradicts itself about its size.")
    return Manifest(kind, length, tuple(merged(ranges)), facts), _bytes(stream, ranges)


def _member(stream: _Stream) -> tuple[dict[str, str], int]:
    """The PAX records and the stored size of the first member, which must be a sparse file."""
    pax: dict[str, str] = {}
    for _ in range(3):
        block = _block(stream)
        kind, size = block[156:157], _octal(block[124:136])
        if kind in (b"x", b"g"):
            if size > _MAX_HEADERS:
                raise NotAContainer("This tar archive is not a file of metadata.")
            pax |= _records(stream.need(size))
            stream.need(-size % SECTOR)
        elif (
            kind in (b"0", b"\0")
            and pax.get("GNU.sparse.major") == "1"
            and pax.get("GNU.sparse.minor") == "0"
        ):
            return pax, _number(pax["size"], MAX_LENGTH) if "size" in pax else size
        else:
            break
    raise NotAContainer("This tar archive does not begin with a sparse file in the PAX format.")


def _block(stream: _Stream) -> bytes:
    """A header block whose sum is right (POSIX.1-2001, pax, "ustar Interchange Format")."""
    try:
        block = stream.take(SECTOR)
    except SkeletonError:
        block = b""
    if len(block) < SECTOR or block[257:262] != b"ustar":
        raise NotAContainer("This is a compressed file, but not a tar archive.")
    if sum(block) - sum(block[148:156]) + 8 * 32 != _octal(block[148:156]):
        raise NotAContainer("This tar archive is damaged.")
    return block


def _records(raw: bytes) -> dict[str, str]:
    """PAX records: ``LENGTH KEYWORD=VALUE``, each ending in a newline."""
    found, at = {}, 0
    while at < len(raw):
        space = raw.find(b" ", at, at + 8)
        length = _number(raw[at:space].decode("ascii", "replace"), len(raw)) if space > 0 else 0
        record = raw[space + 1 : at + length]
        keyword, equals, value = record[:-1].partition(b"=")
        if length <= 0 or not equals or record[-1:] != b"\n":
            raise NotAContainer("This tar archive is damaged.")
        found[keyword.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        at += length
    return found


def _octal(raw: bytes) -> int:
    text = raw.rstrip(b"\0 ").lstrip(b" ")
    if not text or any(digit not in b"01234567" for digit in text):
        raise NotAContainer("This tar archive is damaged.")
    return int(text, 8)


def _number(text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > most:
        raise SkeletonError("A number in the file of metadata is out of bounds.")
    return int(text)


def _map(stream: _Stream, length: int) -> tuple[list[Range], int]:
    """The map of a sparse file, and the bytes that it takes."""
    read = 0
    raw = bytearray()

    def number() -> int:
        nonlocal read, raw
        while (stop := raw.find(b"\n", 0, 24)) < 0:
            if len(raw) >= 24 or read >= _MAX_MAP:
                raise SkeletonError("The map of the file of metadata is damaged.")
            raw += stream.need(SECTOR)
            read += SECTOR
        text = raw[:stop].decode("ascii", "replace")
        del raw[: stop + 1]
        return _number(text, MAX_LENGTH)

    ranges: list[Range] = []
    end = 0
    for _ in range(_bounded(number(), MAX_RANGES)):
        offset, size = number(), number()
        if offset < end or offset + size > length or (size % SECTOR and offset + size != length):
            raise SkeletonError("The ranges in the file of metadata are out of order or out of bounds.")
        end = offset + size
        if size:
            ranges.append(Range(offset, size))
    return ranges, read


def _bounded(number: int, most: int) -> int:
    if number > most:
        raise SkeletonError(f"The file of metadata has {number:,} ranges; {most:,} are taken at most.")
    return number


def _bytes(stream: _Stream, ranges: list[Range]) -> Iterator[tuple[int, bytes]]:
    for place in ranges:
        for at in range(place.offset, place.end, MAX_READ):
            yield at, stream.need(min(MAX_READ, place.end - at))


def is_container(path: Path) -> bool:
    """Whether a file begins like one of ours; reads some KiB."""
    try:
        with path.open("rb") as file:
            open_container(file)
    except NotAContainer:
        return False
    except SkeletonError:
        return True
    return True


def unpack(
    path: Path, target: Path, *, max_bytes: int = MAX_BYTES, kinds: tuple[str, ...] = ("skeleton",)
) -> Manifest:
    """Unpack an archive into a new sparse file of its full length; pages of zeros stay holes.

    Raises :class:`SkeletonError`, also where this machine's file system takes no file of that length.
    """
    with path.open("rb") as file:
        manifest, pieces = open_container(file, max_bytes=max_bytes)
        if manifest.kind not in kinds:
            raise SkeletonError(f"This file holds a {manifest.kind}, not the metadata of an image.")
        with target.open("xb", buffering=0) as out:
            try:
                os.ftruncate(out.fileno(), manifest.length)
            except OSError:
                raise SkeletonError(
                    f"The image is said to be {binary_size(manifest.length)} long, more than can be held here."
                ) from None
            for offset, data in pieces:
                for at in range(0, len(data), _PIECE):
                    piece = data[at : at + _PIECE]
                    if piece.count(0) != len(piece):
                        write_at(out.fileno(), offset + at, piece)
    return manifest


def write_at(descriptor: int, offset: int, data: bytes) -> None:
    """Write all of ``data`` at ``offset``. Raises ``OSError``, as on a full disk."""
    rest = memoryview(data)
    while rest:
        count = os.pwrite(descriptor, rest, offset)
        offset += count
        rest = rest[count:]
