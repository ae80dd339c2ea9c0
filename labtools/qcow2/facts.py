"""What a check learns beside damage: partitions of the guest's disk, encryption, the test of compressed payloads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of the guest's disk, in bytes of that disk.

    ``kind`` is ``primary``, ``extended``, ``logical`` or ``gpt``. ``type_code`` is the byte of an MBR (``0x83``) or the
    GUID of a GPT, ``type_name`` what that stands for, empty if unknown. ``name`` is the guest's own, made printable.
    """

    number: int
    kind: str
    offset: int
    length: int
    type_code: str
    type_name: str
    name: str


@dataclass(frozen=True, slots=True)
class PartitionTable:
    """The partition table of the active image (``snapshot`` None) or of a snapshot, by its place in the table.

    ``scheme`` is ``mbr`` or ``gpt``. ``partitions_more`` counts those beyond the ones listed. ``notes`` are sentences
    about what is wrong with the table.
    """

    snapshot: int | None
    scheme: str
    sector_size: int
    partitions: tuple[Partition, ...]
    partitions_more: int
    notes: tuple[str, ...]

    def touching(self, offset: int, length: int) -> tuple[int, ...]:
        """Numbers of the partitions that a range of the guest's disk touches; an extended one only as a whole."""
        return tuple(
            part.number
            for part in self.partitions
            if part.kind != "extended"
            and part.offset < offset + length
            and offset < part.offset + part.length
        )


@dataclass(frozen=True, slots=True)
class KeySlot:
    """A key slot of a LUKS header: whether it is used and where its material lies. Never what it holds."""

    number: int
    used: bool
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Encryption:
    """The LUKS header of an encrypted image, as far as it is no secret.

    ``offset`` and ``length`` say where it lies in the file; offsets of key slots are in the file too. Salts, digests
    and key material are never kept.
    """

    version: int
    cipher: str
    hash: str
    key_bits: int
    uuid: str
    offset: int
    length: int
    key_slots: tuple[KeySlot, ...]

    @property
    def slots_used(self) -> int:
        """How many passphrases open it."""
        return sum(slot.used for slot in self.key_slots)


@dataclass(frozen=True, slots=True)
class PayloadTest:
    """Compressed clusters that were decompressed: ``broken`` of the ``tested`` give no cluster.

    ``complete`` is False where the time was over before all of them were tried; ``method`` is ``deflate`` or ``zstd``.
    ``untested`` counts those that were seen but not tried, because ``reason`` says why not.
    """

    method: str
    tested: int
    broken: int
    untested: int
    complete: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PersistentBitmap:
    """A dirty bitmap that is stored in the image (section *Bitmap directory*).

    ``granularity`` is how many bytes of the guest's disk one bit stands for. ``in_use``: it was not written back when
    the image was last closed, so what it says is not to be trusted. ``auto``: QEMU goes on recording in it whenever it
    opens the image. ``name`` is made printable.
    """

    name: str
    granularity: int
    in_use: bool
    auto: bool


def facts_json(fact: PartitionTable | Encryption | PayloadTest | PersistentBitmap) -> dict[str, Any]:
    """A fact as JSON-able data, under its own names."""
    told = asdict(fact)
    if isinstance(fact, Encryption):
        told["slots_used"] = fact.slots_used
    return told
