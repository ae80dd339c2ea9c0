"""The atlas, held against a reader that takes one entry at a time."""

from __future__ import annotations

import io
import random
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from labtools.qcow2 import (
    AtlasError,
    CheckBounds,
    CheckReport,
    GuestState,
    OwnerKind,
    Role,
    check_image,
    open_image,
    read_atlas,
)
from labtools.qcow2.corpus.chance import damage_at_random
from labtools.qcow2.corpus.sound import COMPRESSED, COPIED, Image, Recipe, build, random_recipe
from labtools.qcow2.integrity import disks, owning, survey
from labtools.qcow2.integrity.atlas import Atlas

OFFSET = 0x00FFFFFFFFFFFE00


def check(image: Image, *, bounds: CheckBounds | None = None, atlas: bool = True) -> CheckReport:
    """The check of an image in memory, with its atlas."""
    data = bytearray(image.length)
    for offset, piece in image.pieces.items():
        if offset < image.length:
            data[offset : offset + len(piece)] = piece[: image.length - offset]
    with open_image(io.BytesIO(bytes(data))) as source:
        return check_image(source, bounds, atlas=atlas)


def atlas_of(image: Image) -> Atlas:
    data = check(image).atlas
    assert data is not None
    return read_atlas(data)


@dataclass
class Naive:
    """Every L2 entry, one at a time: state by guest cluster, and (guest cluster, kind) by host cluster."""

    states: dict[int, GuestState] = field(default_factory=dict)
    hosts: dict[int, list[tuple[OwnerKind, int]]] = field(default_factory=dict)


def naive(image: Image, l1_offset: int, l1_size: int) -> Naive:
    """Read one layer."""
    found, size, bits = Naive(), image.cluster_size, image.recipe.cluster_bits
    step = 16 if image.recipe.extended else 8
    for index in range(l1_size):
        table = image.number(l1_offset + index * 8) & OFFSET
        if not table:
            continue
        found.hosts.setdefault(table >> bits, []).append((OwnerKind.L2_TABLE, index * (size // step)))
        for column in range(size // step):
            guest = index * (size // step) + column
            entry = image.number(table + column * step)
            host, state = (entry & OFFSET) >> bits, GuestState.UNALLOCATED
            if entry & COMPRESSED:
                state, host = GuestState.COMPRESSED, (entry & (1 << 62 - (bits - 8)) - 1) >> bits
            elif image.recipe.extended:
                bitmap = image.number(table + column * step + 8)
                state = GuestState.ZERO if bitmap >> 32 else state
                state = GuestState.DATA if entry & OFFSET and bitmap & 0xFFFFFFFF else state
            elif entry & 1 and image.recipe.version >= 3:
                state = GuestState.ZERO
            elif entry & OFFSET or (image.recipe.data_file and entry & COPIED):
                state = GuestState.DATA
            found.states[guest] = state
            if not image.recipe.data_file and (entry & OFFSET or entry & COMPRESSED):
                kind = OwnerKind.COMPRESSED if entry & COMPRESSED else OwnerKind.DATA
                found.hosts.setdefault(host, []).append((kind, guest))
    return found


def active(image: Image) -> Naive:
    header = image.offsets("header")[0]
    return naive(image, image.number(header + 40), image.number(header + 32) & 0xFFFFFFFF)


SMALL = [replace(random_recipe(random.Random(seed)), cluster_bits=9 + seed % 3) for seed in range(40)]
RECIPES = [
    replace(recipe, cluster_bits=14) if recipe.extended else recipe
    for recipe in SMALL
    if recipe.cluster_bits < 16
]


@pytest.mark.parametrize("number", range(len(RECIPES)))
def test_every_cluster_is_where_a_plain_reader_finds_it(number: int) -> None:
    image = build(RECIPES[number], number)
    report, truth = check(image), active(image)
    assert report.atlas
    atlas = read_atlas(report.atlas)

    cells = atlas.file_cells(0, atlas.clusters, 3)
    assert sum(cell.count for cell in cells) == atlas.clusters
    counted: Counter[int] = Counter()
    for cell in cells:
        counted.update(dict(cell.shares))
    assert {Role(role): count for role, count in counted.items()} == {
        role: count for role, count in report.roles if count
    }
    assert not any(cell.damaged or cell.leaked for cell in cells)

    assert atlas.layers[0].snapshot is None
    for guest in range(atlas.layers[0].clusters):
        facts = atlas.guest_cluster(0, guest)
        assert facts.state == truth.states.get(guest, GuestState.UNALLOCATED), guest
        assert not facts.damaged
    for host, owners in truth.hosts.items():
        told = {
            (owner.kind, owner.first + step)
            for owner in atlas.cluster(host).owners
            if None in owner.layers
            for step in range(owner.count if owner.kind is OwnerKind.COMPRESSED else 1)
        }
        assert {owner for owner in owners if owner[0] is not OwnerKind.COMPRESSED} <= told
        assert set(owners) <= told, host
        for kind, guest in owners:
            if kind <= OwnerKind.COMPRESSED and guest < atlas.layers[0].clusters:
                assert host in atlas.guest_cluster(0, guest).hosts


def test_layers_are_told_apart() -> None:
    image = build(Recipe(cluster_bits=9, snapshots=2, l2_tables=2, fill=0.5, refcount_order=3), 3)
    atlas = atlas_of(image)

    assert [layer.snapshot for layer in atlas.layers] == [None, 0, 1]
    named = {owner.layers for host in range(atlas.clusters) for owner in atlas.cluster(host).owners}
    assert {(None,), (0,), (1,)} <= named, "each L1 table has its own"
    assert any(len(layers) > 1 for layers in named), "snapshots share tables"


def test_a_refcount_block_says_what_it_counts() -> None:
    image = build(Recipe(cluster_bits=9, l2_tables=3, fill=1, most=64, refcount_order=6), 1)
    atlas = atlas_of(image)

    second = image.offsets("refcount-block")[1] // image.cluster_size
    owner = atlas.cluster(second).owners[0]

    assert atlas.cluster(second).role is Role.REFCOUNT_BLOCK
    assert (owner.kind, owner.first, owner.count) == (OwnerKind.REFCOUNT_BLOCK, 64, 64)


def damaged_hosts(atlas: Atlas) -> set[int]:
    ranges, more = atlas.file_damage(0, atlas.clusters, 1000)
    assert not more
    return {place for first, count in ranges for place in range(first, first + count)}


def test_damage_is_marked_in_file_and_disk() -> None:
    image = build(Recipe(cluster_bits=9, l2_tables=2, fill=0.5), 5)
    entry = image.data_entries()[3]
    host = (image.number(entry) & OFFSET) // image.cluster_size
    image.set_refcount(host, 0)
    atlas = atlas_of(image)

    guest = atlas.cluster(host).owners[0].first
    assert atlas.cluster(host).damaged
    assert atlas.cluster(host).refcount == 0
    assert host in damaged_hosts(atlas)
    assert atlas.guest_cluster(0, guest).damaged
    assert atlas.disk_damage(0, 0, atlas.layers[0].clusters, 10)[0] == ((guest, 1),)
    assert sum(cell.damaged for cell in atlas.disk_cells(0, 0, atlas.layers[0].clusters, 7)) == 1


def test_damage_beyond_what_is_asked_for_is_counted() -> None:
    image = build(Recipe(cluster_bits=9, l2_tables=2, fill=0.9), 5)
    hosts = sorted({(image.number(entry) & OFFSET) // image.cluster_size for entry in image.data_entries()})
    for host in hosts[:12:2]:
        image.set_refcount(host, 0)
    atlas = atlas_of(image)

    shown, more = atlas.file_damage(0, atlas.clusters, 2)

    assert len(shown) == 2
    assert more == len(atlas.file_damage(0, atlas.clusters, 1000)[0]) - 2 > 0


def test_a_leak_is_no_damage() -> None:
    image = build(Recipe(cluster_bits=9), 5)
    image.length += image.cluster_size
    leaked = image.length // image.cluster_size - 1
    image.set_refcount(leaked, 1)
    atlas = atlas_of(image)

    assert atlas.cluster(leaked).leaked
    assert not atlas.cluster(leaked).damaged
    assert atlas.file_cells(leaked, leaked + 1, 1)[0].leaked == 1


def test_two_guest_clusters_of_one_host_cluster_are_both_named() -> None:
    image = build(Recipe(cluster_bits=9, l2_tables=2, fill=0.5), 5)
    first, second = image.data_entries()[:2]
    image.put_number(second, image.number(first))
    atlas = atlas_of(image)

    shared = atlas.cluster((image.number(first) & OFFSET) // image.cluster_size)

    assert shared.damaged
    assert len({owner.first for owner in shared.owners}) == 2


def test_a_table_at_two_places_owns_at_both() -> None:
    image = build(Recipe(cluster_bits=9, l2_tables=3, fill=0.5), 5)
    l1 = image.offsets("l1")[0]
    image.put_number(l1 + 8, image.number(l1))
    atlas = atlas_of(image)

    table = atlas.cluster((image.number(l1) & OFFSET) // image.cluster_size)

    assert {owner.first for owner in table.owners if owner.kind is OwnerKind.L2_TABLE} == {0, 64}
    host = next(
        host
        for host in range(atlas.clusters)
        if any(owner.kind is OwnerKind.DATA and owner.first < 64 for owner in atlas.cluster(host).owners)
    )
    guests = {owner.first for owner in atlas.cluster(host).owners if owner.kind is OwnerKind.DATA}
    assert {guest % 64 for guest in guests} == {min(guests)}
    assert len(guests) == 2


def test_too_scattered_owners_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    image = build(Recipe(cluster_bits=9, l2_tables=4, fill=0.9, most=64, scattered=True), 5)
    hurt = (image.number(image.data_entries()[3]) & OFFSET) // image.cluster_size
    image.set_refcount(hurt, 0)
    whole = atlas_of(image)
    monkeypatch.setattr(owning, "_MAX_OWNER_RUNS", 20)
    monkeypatch.setattr(owning, "_MAX_GATHERED", 40)
    cut = atlas_of(image)

    assert whole.owners_lost == 0
    assert len(cut.owners) <= 20 < len(whole.owners)
    assert cut.owners_lost > 0
    assert cut.cluster(hurt).owners, "what is damaged keeps its owner"


def test_a_map_of_too_many_runs_is_coarser_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    image = build(Recipe(cluster_bits=9, l2_tables=4, fill=0.6, most=64, snapshots=1, scattered=True), 7)
    entry = image.data_entries()[0]
    host = (image.number(entry) & OFFSET) // image.cluster_size
    image.set_refcount(host, 0)
    exact = atlas_of(image)
    monkeypatch.setattr(survey, "_MAX_FILE_RUNS", 6)
    monkeypatch.setattr(disks, "_MAX_DISK_RUNS", (8, 8))
    monkeypatch.setattr(disks, "_MAX_GATHERED", 40)
    coarse = atlas_of(image)

    assert exact.file_grain == 1
    assert exact.layers[0].grain == 1
    grain = coarse.file_grain
    assert grain > 1
    assert coarse.layers[0].grain > 1
    assert len(coarse.file.starts) <= 6
    assert coarse.cluster(host).damaged
    assert coarse.cluster(host).grain == grain
    for first in range(0, exact.clusters, grain):
        near = [exact.cluster(place) for place in range(first, min(first + grain, exact.clusters))]
        roles = Counter(facts.role for facts in near)
        told = coarse.cluster(first)
        if len(near) == grain:
            assert roles[told.role] == max(roles.values())
            assert told.refcount == max(facts.refcount for facts in near)
        assert told.damaged == any(facts.damaged for facts in near)
    for guest in range(exact.layers[0].clusters):
        assert coarse.guest_cluster(0, guest).state >= exact.guest_cluster(0, guest).state


def test_states_are_held_coarser_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    image = build(Recipe(cluster_bits=9, l2_tables=4, fill=0.6, most=64), 7)
    exact = atlas_of(image)
    monkeypatch.setattr(survey, "_MAX_STATES", 64)
    coarse = atlas_of(image)

    assert coarse.layers[0].grain == 4
    for guest in range(exact.layers[0].clusters):
        near = range(guest - guest % 4, min(guest - guest % 4 + 4, exact.layers[0].clusters))
        wanted = max(exact.guest_cluster(0, place).state for place in near)
        assert coarse.guest_cluster(0, guest).state == wanted


def test_more_snapshots_than_are_mapped_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "_MAX_LAYERS", 3)
    atlas = atlas_of(build(Recipe(cluster_bits=9, snapshots=4, refcount_order=4), 3))

    assert [layer.snapshot for layer in atlas.layers] == [None, 2, 3]
    assert atlas.layers_more == 2


def test_more_sets_of_layers_than_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owning, "_MAX_SETS", 2)
    atlas = atlas_of(build(Recipe(cluster_bits=9, snapshots=4, refcount_order=4), 3))

    assert len(atlas.sets) == 3
    assert atlas.sets[2] == ((), 5)


def test_none_is_made_unless_asked_for_nor_when_time_is_over() -> None:
    image = build(Recipe(cluster_bits=9), 3)

    plain = check(image, atlas=False)
    late = check(image, bounds=CheckBounds(atlas_seconds=-1))

    assert plain.atlas is None
    assert late == plain


def test_the_check_says_the_same_with_an_atlas() -> None:
    image = build(Recipe(cluster_bits=9, snapshots=1), 3)

    assert replace(check(image), atlas=None) == check(image, atlas=False)


def test_the_same_image_gives_the_same_bytes() -> None:
    image = build(Recipe(cluster_bits=9, snapshots=3, l2_tables=3), 3)

    assert check(image).atlas == check(image).atlas


@pytest.mark.parametrize("seed", range(80))
def test_any_damage_gives_an_atlas_of_the_whole_file(seed: int) -> None:
    image = build(replace(RECIPES[seed % len(RECIPES)], l2_tables=2), seed)
    damage_at_random(image, random.Random(seed))
    report = check(image)
    if report.atlas is None:
        assert report.roles == ()
        return
    atlas = read_atlas(report.atlas)
    assert sum(cell.count for cell in atlas.file_cells(0, atlas.clusters, 5)) == atlas.clusters
    for host in range(atlas.clusters):
        atlas.cluster(host)
    for number, layer in enumerate(atlas.layers):
        atlas.disk_cells(number, 0, min(layer.clusters, 10_000), 7)


def test_bytes_that_are_no_atlas() -> None:
    data = check(build(Recipe(cluster_bits=9), 3)).atlas
    assert data

    for broken in (b"", b"x" * 40, data[:-9], data[:30], data[:16] + b"\0" + data[17:]):
        with pytest.raises(AtlasError):
            read_atlas(broken)


def test_places_that_are_not_there() -> None:
    atlas = atlas_of(build(Recipe(cluster_bits=9), 3))

    for number in (-1, atlas.clusters):
        with pytest.raises(IndexError):
            atlas.cluster(number)
    for number in (-1, atlas.layers[0].clusters):
        with pytest.raises(IndexError):
            atlas.guest_cluster(0, number)
    assert atlas.file_cells(3, 3, 1) == ()
    assert atlas.file_damage(3, 3, 1) == ((), 0)
