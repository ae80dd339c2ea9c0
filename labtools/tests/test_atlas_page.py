"""Pictures out of a map: what is in a cell, where it leads, and what a cluster is said to be."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from labtools import atlas_page, cluster_facts, qcow2
from labtools.atlas_page import CELLS, Picture, View, view_of
from labtools.qcow2 import OwnerKind, Role
from labtools.tests.mapped import as_bytes, atlas_bytes, damage, mapped_image

NAMES = {0: "before", 1: "after"}
SIZE = 512


@pytest.fixture(scope="module")
def image() -> tuple[qcow2.Atlas, int]:
    made = mapped_image()
    hurt = damage(made)
    return qcow2.read_atlas(atlas_bytes(as_bytes(made))), hurt


@pytest.fixture
def atlas(image: tuple[qcow2.Atlas, int]) -> qcow2.Atlas:
    return image[0]


@pytest.fixture
def hurt(image: tuple[qcow2.Atlas, int]) -> int:
    return image[1]


def whole(atlas: qcow2.Atlas) -> Picture:
    return atlas_page.file_picture(atlas, View(0, atlas.clusters, None))


def follow(href: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(href).query).items()}


# ------------------------------------------------------------------------------------------------ the address


@pytest.mark.parametrize(
    ("params", "first", "stop", "at"),
    [
        ({}, 0, 2000, None),
        ({"from": "1024", "to": "0x800"}, 2, 4, None),
        ({"from": "1025", "to": "1537"}, 2, 4, None),
        ({"from": "5"}, 0, 2000, None),
        ({"at": "512,000"}, 1000 - CELLS // 2, 1000 + CELLS // 2, 1000),
        ({"at": "0"}, 0, CELLS, 0),
        ({"at": hex(1999 * SIZE + 7)}, 2000 - CELLS, 2000, 1999),
        ({"from": "0", "to": "1024", "at": "512"}, 0, 2, 1),
        ({"from": "4096", "to": "512"}, 0, 2000, None),
        ({"from": hex(1 << 70), "to": hex(1 << 80)}, 1999, 2000, None),
    ],
)
def test_the_part_that_an_address_names(
    params: dict[str, str], first: int, stop: int, at: int | None
) -> None:
    assert view_of(params, SIZE, 2000) == View(first, stop, at)


@pytest.mark.parametrize("text", ["-1", "1 GiB", "0x", "9" * 5000, "1" + "_" * 3])
def test_what_is_no_offset_is_said(text: str) -> None:
    view = view_of({"at": text}, SIZE, 2000)

    assert (view.first, view.stop, view.at) == (0, 2000, None)
    assert view.problem


def test_a_place_behind_the_end_is_said() -> None:
    view = view_of({"at": hex(2000 * SIZE)}, SIZE, 2000)

    assert view.at is None
    assert view.problem == "There is nothing at 0xfa000: the end is at 0xfa000."


# ------------------------------------------------------------------------------------------------ the pictures


def test_every_cluster_is_in_one_cell(atlas: qcow2.Atlas) -> None:
    picture = whole(atlas)

    assert 1 < len(picture.cells) <= CELLS
    assert sum(kind.clusters for kind in picture.kinds if kind.words not in ("Damaged", "Leaked")) == (
        atlas.clusters
    )
    assert len({(cell.x, cell.y) for cell in picture.cells}) == len(picture.cells)
    assert max(cell.x for cell in picture.cells) < picture.width
    assert max(cell.y for cell in picture.cells) < picture.height


def test_a_picture_has_no_more_cells_for_a_larger_image(atlas: qcow2.Atlas) -> None:
    for clusters in (1, 2, CELLS, CELLS + 1, 10**6, 1 << 50):
        assert -(-clusters // atlas_page.per_cell_of(clusters, CELLS)) <= CELLS


def test_a_cell_leads_to_its_part_and_a_cluster_to_itself(atlas: qcow2.Atlas) -> None:
    params = follow(whole(atlas).cells[7].href)

    assert view_of(params, atlas.cluster_size, atlas.clusters) == View(0, atlas.clusters, 7)
    disk = atlas_page.disk_picture(atlas, 0, View(0, atlas.layers[0].clusters, None), "disk/")
    assert disk.cells[0].href.startswith("disk/?layer=active&from=0x0")


def test_many_clusters_in_a_cell(atlas: qcow2.Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas_page, "CELLS", 16)
    picture = whole(atlas)
    part = view_of(follow(picture.cells[3].href), atlas.cluster_size, atlas.clusters)

    per_cell = atlas_page.per_cell_of(atlas.clusters, 16)
    assert per_cell > 1
    assert (part.first, part.stop) == (3 * per_cell, 4 * per_cell)
    assert f"{per_cell} clusters" in picture.cell_words


def test_damage_is_a_colour_a_cross_and_a_word(atlas: qcow2.Atlas, hurt: int) -> None:
    picture = whole(atlas)
    bad = [cell for cell in picture.cells if cell.css == "c-bad"]

    assert len(bad) == 1
    assert picture.marks == f"M{bad[0].x + 2} {bad[0].y + 2}l5 5m0-5l-5 5"
    assert "damaged 1" in bad[0].title
    assert follow(picture.damage[0].href) == {"at": hex(hurt * SIZE)}
    assert picture.summary.endswith(", damaged 1.")
    assert [kind.clusters for kind in picture.kinds if kind.words == "Damaged"] == [1]


def test_sound_images_say_so() -> None:
    picture = whole(qcow2.read_atlas(atlas_bytes(as_bytes(mapped_image()))))

    assert picture.summary.endswith("; nothing is damaged.")
    assert picture.marks == ""
    assert picture.damage == ()


def test_the_table_says_what_the_picture_shows(atlas: qcow2.Atlas) -> None:
    picture = whole(atlas)

    assert 1 < len(picture.parts) <= atlas_page.PARTS
    assert picture.parts[0].place.startswith("0x0 to ")
    assert "header" in picture.parts[0].contents
    assert [part.damage for part in picture.parts].count("1 cluster") == 1


def test_ways_out_of_a_part(atlas: qcow2.Atlas) -> None:
    picture = atlas_page.file_picture(atlas, View(64, 128, None))
    ways = {way.words: follow(way.href) for way in picture.ways}

    assert ways["Earlier"] == {"from": hex(0), "to": hex(64 * SIZE)}
    assert ways["Later"] == {"from": hex(128 * SIZE), "to": hex(192 * SIZE)}
    assert ways["All of it"] == {"from": "0x0", "to": hex(atlas.clusters * SIZE)}
    assert not picture.is_whole
    assert whole(atlas).ways == ()
    assert "Earlier" not in {way.words for way in atlas_page.file_picture(atlas, View(0, 64, None)).ways}
    last = atlas_page.file_picture(atlas, View(atlas.clusters - 8, atlas.clusters, None))
    assert "Later" not in {way.words for way in last.ways}
    wider = next(
        way for way in atlas_page.file_picture(atlas, View(70, 74, None)).ways if way.words == "Wider"
    )
    assert follow(wider.href) == {"from": hex(64 * SIZE), "to": hex(128 * SIZE)}


def test_layers_stand_in_strips_on_one_scale(atlas: qcow2.Atlas) -> None:
    found = atlas_page.strips(atlas, NAMES, "disk/")

    assert [strip.label for strip in found] == ["Active image", "Snapshot 1: before", "Snapshot 2: after"]
    assert [strip.href for strip in found] == ["disk/?layer=active", "disk/?layer=0", "disk/?layer=1"]
    assert found[0].damage == "512 bytes"
    assert all(len(strip.cells) <= atlas_page.COLUMNS for strip in found)
    assert "zero" in found[0].contents
    assert "compressed" in found[0].contents


def test_what_is_not_allocated_may_be_in_the_backing_file() -> None:
    backed = qcow2.read_atlas(atlas_bytes(as_bytes(mapped_image(backing=True))))

    assert "in the backing file" in atlas_page.strips(backed, {})[0].contents
    guest = next(
        number for number in range(backed.layers[0].clusters) if backed.guest_cluster(0, number).state == 0
    )
    page = cluster_facts.guest_cluster(backed, 0, guest, {}, "map/")
    assert ("Contents", "in the backing file") in page.facts
    assert page.owners_note == "Nowhere: nothing is stored for it."


# ------------------------------------------------------------------------------------------------ one cluster


def test_a_damaged_cluster_and_its_guest(atlas: qcow2.Atlas, hurt: int) -> None:
    page = cluster_facts.host_cluster(atlas, hurt, NAMES, "disk/")
    facts = dict(page.facts)

    assert page.is_damaged
    assert facts["Role"] == "data"
    assert facts["Stored refcount"] == "0"
    assert facts["State"].startswith("damaged")
    assert facts["Bytes"] == f"{hurt * SIZE:#x} to {hurt * SIZE + SIZE - 1:#x}, 512 bytes"
    (owner,) = [row for row in page.owners if "Active image" in row.sentence]
    assert owner.href.startswith("disk/?layer=active&at=0x")
    guest = int(follow(owner.href)["at"], 16) // SIZE
    back = cluster_facts.guest_cluster(atlas, 0, guest, NAMES, "map/")
    assert back.is_damaged
    assert follow(back.owners[0].href) == {"at": hex(hurt * SIZE)}
    assert f"(sector {guest:,})" in owner.sentence
    assert ("LBA", f"sector {guest:,}") in back.facts


def test_every_role_has_words(atlas: qcow2.Atlas) -> None:
    said: dict[Role, str] = {}
    for number in range(atlas.clusters):
        page = cluster_facts.host_cluster(atlas, number, NAMES, "disk/")
        assert page.owners or page.owners_note
        sentences = " ".join(row.sentence for row in page.owners) or page.owners_note
        said.setdefault(atlas.cluster(number).role, sentences)

    assert said[Role.HEADER] == "The header."
    assert said[Role.L1_TABLE].startswith("It is part of the L1 table of: ")
    assert "maps 0x" in said[Role.L2_TABLE]
    assert said[Role.REFCOUNT_BLOCK].startswith("The refcount table: it holds the refcounts of bytes 0x0 to ")
    assert "compressed cluster" in said[Role.COMPRESSED]
    assert "Layers: " in said[Role.DATA]


def test_an_owner_behind_the_disk_is_the_vm_state(atlas: qcow2.Atlas) -> None:
    reach = atlas.layers[0].clusters
    owner = qcow2.Owner(OwnerKind.DATA, (None,), 0, reach + 2, 1)

    row = cluster_facts._owner_row(atlas, owner, NAMES, "disk/", SIZE)

    assert row.sentence.startswith("The VM state")
    assert row.href == ""


def test_many_layers_are_counted(atlas: qcow2.Atlas) -> None:
    owner = qcow2.Owner(OwnerKind.DATA, (None, *range(11)), 3, 0, 1)

    row = cluster_facts._owner_row(atlas, owner, {}, "disk/", SIZE)

    assert row.sentence.endswith(
        "Layers: Active image, Snapshot 1, Snapshot 2, Snapshot 3, Snapshot 4, "
        "Snapshot 5, Snapshot 6, Snapshot 7, 7 more."
    )
