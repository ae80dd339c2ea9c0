"""Damage on which ``qemu-img check`` has nothing to say, each kind alone and with refcounts that agree."""

from __future__ import annotations

from typing import Final

from .damage import DAMAGES, Damage
from .sound import COMPRESSED, COPIED, Image, Recipe

_PLAIN: Final = Recipe(l2_tables=2, fill=0.003)
_SNAPSHOTS: Final = Recipe(snapshots=2, l2_tables=2, fill=0.003)
_PACKED: Final = Recipe(compressed=4, l2_tables=1, fill=0.003)
_DATA_FILE: Final = Recipe(data_file=True, l2_tables=1, fill=0.003)


def _snapshot(image: Image, place: int) -> int:
    """Where the entry of a snapshot begins: 40 bytes, 16 of extra data, an ID of one, a name of ten, padding."""
    return image.offsets("snapshots")[0] + place * 72


def _shared_snapshot_l1(image: Image) -> None:
    """Let two snapshots have one L1 table."""
    first, lost = (image.number(_snapshot(image, place)) for place in (0, 1))
    image.put_number(_snapshot(image, 1), first)
    image.set_refcount(first // image.cluster_size, 2)
    image.set_refcount(lost // image.cluster_size, 0)


def _larger_disk(image: Image) -> None:
    """Let a snapshot's disk be larger than its L1 table reaches."""
    image.put_number(_snapshot(image, 0) + 48, 3 * image.cluster_size**2 // 8)


def _vm_state(image: Image) -> None:
    """Let a snapshot claim a VM state that its L1 table has no room for."""
    image.put_number(_snapshot(image, 0) + 40, 1 << 20)


def _overlap(image: Image) -> None:
    """Let the first compressed cluster reach one sector further, over the beginning of the second."""
    table = image.offsets("l2")[0]
    for at in range(table, table + image.cluster_size, 8):
        if image.number(at) & COMPRESSED:
            image.put_number(at, image.number(at) + (1 << 62 - (image.recipe.cluster_bits - 8)))
            return


def _raw(image: Image) -> None:
    """Mark the data file as raw, in which the data does not lie as on the guest's disk."""
    image.put_number(88, 2)


def _share_external(image: Image) -> None:
    first, second = image.data_entries()[:2]
    image.put_number(second, image.number(first))


def _cut_block(image: Image) -> None:
    """Cut the refcount block, the last cluster of the file, in its unused end."""
    image.length -= 100


def _longer_once(image: Image) -> None:
    image.set_refcount(image.length // image.cluster_size + 5, 1)


def _copied_alone(image: Image) -> None:
    table = image.offsets("l2")[0]
    unused = next(at for at in range(table, table + image.cluster_size, 8) if not image.number(at))
    image.put_number(unused, COPIED)


SILENT: Final = tuple(
    Damage(name, recipe, apply, frozenset({finding}), 0, verdict)
    for name, recipe, apply, finding, verdict in (
        ("two-snapshots-share-l1", _SNAPSHOTS, _shared_snapshot_l1, "metadata-shared", "corrupt"),
        ("snapshot-l1-too-small", _SNAPSHOTS, _larger_disk, "snapshot-l1-too-small", "corrupt"),
        ("snapshot-vm-state-lost", _SNAPSHOTS, _vm_state, "snapshot-vm-state-lost", "corrupt"),
        ("compressed-overlap", _PACKED, _overlap, "compressed-overlap", "clean"),
        ("raw-data-misplaced", _DATA_FILE, _raw, "raw-data-misplaced", "corrupt"),
        ("two-guest-clusters-share-external", _DATA_FILE, _share_external, "data-shared-external", "corrupt"),
        ("refcount-block-cut", _PLAIN, _cut_block, "metadata-cut", "corrupt"),
        ("refcount-behind-the-end", _PLAIN, _longer_once, "refcount-behind-the-end", "clean"),
        ("l2-copied-alone", _PLAIN, _copied_alone, "l2-copied-alone", "clean"),
    )
)
"""Each has one finding, and ``qemu-img check`` says that no errors were found."""

EVERY: Final = (*DAMAGES, *SILENT)
"""The whole corpus."""
