"""Known damage, one kind at a time, with what a checker should find and what ``qemu-img check`` answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from .sound import COMPRESSED, COPIED, Image, Recipe, build

_PLAIN: Final = Recipe(l2_tables=2, fill=0.003)
_SMALL: Final = Recipe(version=2, cluster_bits=9, l2_tables=3, fill=0.3)
_SNAPSHOT: Final = Recipe(snapshots=2, l2_tables=2, fill=0.003)
_EXTENDED: Final = Recipe(extended=True, cluster_bits=14, l2_tables=2, fill=0.01)
_CROWDED: Final = Recipe(cluster_bits=14, l2_tables=2, fill=0.3, most=700)
_PACKED: Final = Recipe(compressed=4, l2_tables=1, fill=0.003)
_BITMAPS: Final = Recipe(bitmaps=1, l2_tables=1, fill=0.003)


@dataclass(frozen=True, slots=True)
class Damage:
    """A kind of damage. ``findings`` are the codes that :func:`labtools.qcow2.check_image` must give, no more.

    ``qemu_exit`` is the exit code of ``qemu-img check`` on the same image: 0 where it sees nothing.
    """

    name: str
    recipe: Recipe
    apply: Callable[[Image], None]
    findings: frozenset[str]
    qemu_exit: int
    verdict: str

    def image(self, seed: int = 0) -> Image:
        """The damaged image."""
        made = build(self.recipe, seed)
        self.apply(made)
        return made


def _data(image: Image, place: int = 0) -> tuple[int, int]:
    """An L2 entry with data of its own, and its host offset."""
    entry = image.data_entries()[place]
    return entry, image.number(entry) & ~COPIED


def _forget(image: Image, host: int) -> None:
    image.set_refcount(host // image.cluster_size, 0)


def _share_data(image: Image) -> None:
    (first, host), (second, lost) = _data(image), _data(image, 1)
    image.put_number(first, host)
    image.put_number(second, host)
    image.set_refcount(host // image.cluster_size, 2)
    _forget(image, lost)


def _point_at(place: str) -> Callable[[Image], None]:
    """Let the guest's data lie on a table, with the refcount to match."""

    def apply(image: Image) -> None:
        entry, lost = _data(image)
        target = image.offsets(place)[0]
        image.put_number(entry, target)
        image.set_refcount(target // image.cluster_size, 2 + image.recipe.snapshots)
        if place == "l2":
            l1 = image.offsets("l1")[0]
            image.put_number(l1, image.number(l1) & ~COPIED)
        _forget(image, lost)

    return apply


def _share_table(image: Image) -> None:
    """Let two L1 entries lead to one L2 table, all refcounts and flags to match."""
    l1 = image.offsets("l1")[0]
    table = image.number(l1) & ~COPIED
    lost = image.number(l1 + 8) & ~COPIED
    image.put_number(l1, table)
    image.put_number(l1 + 8, table)
    image.set_refcount(table // image.cluster_size, 2)
    for entry in image.data_entries():
        host = image.number(entry) & ~COPIED
        if table <= entry < table + image.cluster_size:
            image.put_number(entry, host)
            image.set_refcount(host // image.cluster_size, 2)
        else:
            _forget(image, host)
    _forget(image, lost)


def _low_refcount(image: Image) -> None:
    _forget(image, _data(image)[1])


def _leak(image: Image) -> None:
    image.put_number(_data(image)[0], 0)


def _lost_table(image: Image) -> None:
    """Forget an L2 table: it and all that it led to leaks."""
    image.put_number(image.offsets("l1")[0], 0)


def _empty_table(image: Image) -> None:
    """Overwrite an L2 table with zeros: all that it led to leaks."""
    image.pieces[image.offsets("l2")[0]][:] = bytes(image.cluster_size)


def _lost_snapshots(image: Image) -> None:
    """Give an L2 table to one snapshot alone, then forget the snapshots, as a deletion cut short does."""
    image.put_number(image.offsets("l1")[0], 0)
    image.put(60, bytes(12))


def _cut(image: Image) -> None:
    """The last data cluster, moved to the end of the file, keeps one byte."""
    entry, lost = _data(image)
    image.put_number(entry, image.length | COPIED)
    image.set_refcount(image.length // image.cluster_size, 1)
    image.length += 1
    _forget(image, lost)


def _append(image: Image) -> None:
    image.pieces[image.length] = bytearray(b"garbage!" * 100)
    image.length += 300_000


def _truncate(image: Image) -> None:
    """Cut so that two data clusters are gone; the refcounts behind the end go with them."""
    entry, host = _data(image)
    image.put_number(entry, (image.length + image.cluster_size) | COPIED)
    _forget(image, host)


def _beyond(image: Image) -> None:
    entry, _ = _data(image)
    last = image.offsets("l2")[-1] + image.cluster_size - 8
    image.put_number(last, image.number(entry))
    image.put_number(entry, 0)


def _flag(at: int, bit: int) -> Callable[[Image], None]:
    return lambda image: image.put_number(at, image.number(at) | 1 << bit)


def _entry(change: Callable[[int], int], step: int = 0) -> Callable[[Image], None]:
    """Change an L2 entry with data, or the number ``step`` bytes behind it."""

    def apply(image: Image) -> None:
        at = _data(image)[0] + step
        image.put_number(at, change(image.number(at)))

    return apply


def _table(place: str, change: Callable[[int], int], at: int = 0) -> Callable[[Image], None]:
    def apply(image: Image) -> None:
        offset = image.offsets(place)[0] + at
        image.put_number(offset, change(image.number(offset)))

    return apply


def _compressed_copied(image: Image) -> None:
    table = image.offsets("l2")[0]
    for at in range(table, table + image.cluster_size, 8):
        if image.number(at) & COMPRESSED:
            image.put_number(at, image.number(at) | COPIED)
            return


def _compressed_shared(image: Image) -> None:
    """Let two guest clusters lead to the same compressed data; the host cluster's refcount stays right."""
    table = image.offsets("l2")[0]
    places = [at for at in range(table, table + image.cluster_size, 8) if image.number(at) & COMPRESSED]
    image.put_number(places[1], image.number(places[0]))


def _in_use(image: Image) -> None:
    entry = image.offsets("bitmap-directory")[0]
    image.put(entry + 12, (3).to_bytes(4))


def _same_id(image: Image) -> None:
    """Give the second snapshot the ID of the first."""
    table = image.offsets("snapshots")[0]
    second = image.pieces[table].index(b"2snapshot 2")
    image.put(table + second, b"1")


def _damage(
    name: str, recipe: Recipe, apply: Callable[[Image], None], findings: str, qemu_exit: int, verdict: str
) -> Damage:
    return Damage(name, recipe, apply, frozenset(findings.split()), qemu_exit, verdict)


DAMAGES: Final = (
    _damage("none", _PLAIN, lambda image: None, "", 0, "clean"),
    _damage("none-version-2", _SMALL, lambda image: None, "", 0, "clean"),
    _damage("none-snapshots", _SNAPSHOT, lambda image: None, "", 0, "clean"),
    _damage("none-extended-l2", _EXTENDED, lambda image: None, "", 0, "clean"),
    _damage("none-compressed", _PACKED, lambda image: None, "", 0, "clean"),
    _damage("none-bitmaps", _BITMAPS, lambda image: None, "", 0, "clean"),
    _damage("corrupt-bit", _PLAIN, _flag(72, 1), "corrupt-bit", 0, "corrupt"),
    _damage("dirty-bit", replace(_PLAIN, lazy=True), _flag(72, 0), "dirty-bit", 0, "clean"),
    _damage("two-guest-clusters-share", _PLAIN, _share_data, "data-shared", 0, "corrupt"),
    _damage("two-guest-clusters-share-version-2", _SMALL, _share_data, "data-shared", 0, "corrupt"),
    _damage("data-on-l1-table", _PLAIN, _point_at("l1"), "roles-conflict", 0, "corrupt"),
    _damage("data-on-l2-table", _PLAIN, _point_at("l2"), "roles-conflict", 0, "corrupt"),
    _damage("data-on-refcount-table", _PLAIN, _point_at("refcount-table"), "roles-conflict", 0, "corrupt"),
    _damage(
        "data-on-snapshot-table",
        _SNAPSHOT,
        _point_at("snapshots"),
        "roles-conflict",
        0,
        "corrupt",
    ),
    _damage(
        "data-on-refcount-block",
        _PLAIN,
        _point_at("refcount-block"),
        "roles-conflict refcount-block-shared",
        2,
        "corrupt",
    ),
    _damage("two-l1-entries-share", _PLAIN, _share_table, "l2-table-shared", 0, "corrupt"),
    _damage("refcount-zero", _PLAIN, _low_refcount, "refcount-too-low data-copied-flag", 2, "corrupt"),
    _damage("leak", _PLAIN, _leak, "leaked-clusters", 3, "leaks"),
    _damage("lost-l2-table", _PLAIN, _lost_table, "leaked-clusters lost-l2-table", 3, "corrupt"),
    _damage("emptied-l2-table", _CROWDED, _empty_table, "leaked-clusters leaks-like-lost-table", 3, "leaks"),
    _damage(
        "lost-snapshot-l1-table", _SNAPSHOT, _lost_snapshots, "leaked-clusters leaked-tables", 3, "leaks"
    ),
    _damage("last-cluster-cut", _PLAIN, _cut, "data-cluster-cut", 0, "corrupt"),
    _damage("trailing-garbage", _PLAIN, _append, "behind-the-end", 0, "clean"),
    _damage("data-outside", _PLAIN, _truncate, "data-outside data-copied-flag", 2, "corrupt"),
    _damage("mapped-beyond-end", _PLAIN, _beyond, "mapped-beyond-end", 0, "clean"),
    _damage("duplicate-snapshot-id", _SNAPSHOT, _same_id, "snapshot-id-duplicate", 0, "clean"),
    _damage("reserved-compatible-bit", _PLAIN, _flag(80, 40), "compatible-unknown", 0, "clean"),
    _damage("reserved-autoclear-bit", _PLAIN, _flag(88, 40), "autoclear-unknown", 0, "clean"),
    _damage("header-padding", _PLAIN, _flag(104, 0), "padding-not-zero", 0, "clean"),
    _damage(
        "junk-behind-extensions", _PLAIN, lambda image: image.put(4096, b"junk"), "stray-bytes", 0, "clean"
    ),
    _damage(
        "zero-flag-version-2", _SMALL, _entry(lambda old: old | 1), "l2-zero-flag-version-2", 0, "corrupt"
    ),
    _damage(
        "zero-flag-extended", _EXTENDED, _entry(lambda old: old | 1), "l2-zero-flag-extended", 0, "corrupt"
    ),
    _damage("l1-reserved-bit", _PLAIN, _table("l1", lambda old: old | 1), "l1-entry-reserved", 2, "corrupt"),
    _damage("l2-reserved-bit", _PLAIN, _entry(lambda old: old | 2), "l2-entry-reserved", 2, "corrupt"),
    _damage("l1-copied-flag", _PLAIN, _table("l1", lambda old: old ^ COPIED), "l2-copied-flag", 2, "corrupt"),
    _damage("l2-copied-flag", _PLAIN, _entry(lambda old: old ^ COPIED), "data-copied-flag", 2, "corrupt"),
    _damage(
        "two-guest-clusters-share-compressed", _PACKED, _compressed_shared, "compressed-shared", 0, "corrupt"
    ),
    _damage("bitmap-in-use", _BITMAPS, _in_use, "bitmap-in-use", 0, "clean"),
    _damage("compressed-copied", _PACKED, _compressed_copied, "compressed-copied", 2, "corrupt"),
    _damage(
        "subcluster-data-and-zero",
        _EXTENDED,
        _entry(lambda old: old | 1 << 32 | 1, 8),
        "subclusters-data-and-zero",
        2,
        "corrupt",
    ),
    _damage(
        "refcount-table-reserved",
        _PLAIN,
        _table("refcount-table", lambda old: old | 1),
        "refcount-table-reserved leaked-clusters",
        2,
        "corrupt",
    ),
    _damage(
        "bitmap-table-reserved",
        _BITMAPS,
        _table("bitmap-table", lambda old: old | 2),
        "bitmaps-not-loadable bitmap-table-broken",
        1,
        "corrupt",
    ),
    _damage(
        "refcount-order",
        _PLAIN,
        lambda image: image.put(96, b"\0\0\0\7"),
        "refcount-order-range",
        1,
        "unreadable",
    ),
)
"""Every kind of damage in the corpus."""
