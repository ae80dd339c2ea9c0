"""L2 tables that nothing leads to: told from the harmless leaks that a crash leaves."""

from __future__ import annotations

import pytest

from labtools.qcow2.corpus.sound import COMPRESSED, COPIED, Image, Recipe, build

from .test_check import check, codes, only


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(l2_tables=2, fill=0.003),
        Recipe(l2_tables=3, cluster_bits=9, version=2, fill=0.3),
        Recipe(l2_tables=2, cluster_bits=14, extended=True, fill=0.01),
        Recipe(l2_tables=2, compressed=40, fill=0.003),
        Recipe(l2_tables=2, zeros=True, fill=0.003),
    ],
    ids=["plain", "version 2", "extended", "compressed", "zeros"],
)
def test_a_table_that_the_l1_table_forgot(recipe: Recipe) -> None:
    image = build(recipe)
    entry = image.offsets("l1")[0]
    table = image.number(entry) & ~COPIED
    image.put_number(entry, 0)
    report = check(image)
    finding = only(report, "lost-l2-table")

    assert finding.host_offset == table
    assert finding.count == 1
    assert only(report, "leaked-clusters").advice == finding.advice == "do-not-repair"
    assert report.verdict == "corrupt"
    assert report.qemu_exit == 3


def test_it_is_put_where_the_only_gap_is() -> None:
    image = build(Recipe(l2_tables=3, cluster_bits=12, fill=0.02), 1)
    assert all(image.l2_of.values())
    window = image.cluster_size // 8 * image.cluster_size
    image.put_number(image.offsets("l1")[0] + 8, 0)
    finding = only(check(image), "lost-l2-table")
    assert [(part.offset, part.length) for part in finding.guest_ranges] == [(window, window)]
    assert "Together they map 10 clusters" in finding.sentence

    image.put_number(image.offsets("l1")[0], 0)
    finding = only(check(image), "lost-l2-table")
    assert finding.count == 2
    assert finding.guest_ranges == ()
    assert "2 parts of the disk" in finding.sentence


def few_leaks(image: Image) -> None:
    for entry in image.data_entries()[:20]:
        image.put_number(entry, 0)


def leaked_bitmap(image: Image) -> None:
    """Clear the bit and the extension, as the removal of a bitmap that was cut short might."""
    image.put_number(88, 0)
    image.put(112, bytes(32))


def leaked_cluster_with_text(image: Image) -> None:
    entry = image.data_entries()[0]
    host = image.number(entry) & ~COPIED
    image.pieces[host] = bytearray(b"Some words of a guest.\n" * 100)
    image.put_number(entry, 0)


@pytest.mark.parametrize("leak", [few_leaks, leaked_bitmap, leaked_cluster_with_text])
def test_harmless_leaks_stay_harmless(leak: object) -> None:
    assert callable(leak)
    image = build(Recipe(l2_tables=2, cluster_bits=12, fill=0.1, bitmaps=1))
    leak(image)
    report = check(image)

    assert codes(report) - {"bitmaps-inconsistent"} == {"leaked-clusters"}
    assert only(report, "leaked-clusters").advice == "repair-leaks"


def test_an_emptied_table_shows_by_the_crowd_of_leaks() -> None:
    image = build(Recipe(l2_tables=2, cluster_bits=14, fill=0.3, most=700))
    table = image.offsets("l2")[0]
    used = sum(1 for at in range(0, image.cluster_size, 8) if image.number(table + at) & ~COMPRESSED)
    image.pieces[table][:] = bytes(image.cluster_size)
    report = check(image)
    finding = only(report, "leaks-like-lost-table")

    assert f"{used} leaked clusters" in finding.sentence
    assert [(part.offset, part.length) for part in finding.guest_ranges] == [(0, 2048 * image.cluster_size)]
    assert only(report, "leaked-clusters").advice == "do-not-repair"


def test_the_table_of_a_deleted_snapshot_is_no_loss_of_the_active_image() -> None:
    image = build(Recipe(snapshots=2, l2_tables=2, fill=0.003))
    image.put_number(image.offsets("l1")[0], 0)
    image.put(60, bytes(12))
    report = check(image)

    assert codes(report) == {"leaked-clusters", "leaked-tables"}
    assert report.verdict == "leaks"
    assert only(report, "leaked-clusters").advice == "do-not-repair"


def test_a_lost_table_does_not_explain_the_leaks_of_an_emptied_one() -> None:
    image = build(Recipe(l2_tables=3, cluster_bits=14, fill=0.3, most=700), 1)
    assert all(image.l2_of.values())
    image.put_number(image.offsets("l1")[0], 0)
    report = check(image)
    assert codes(report) == {"leaked-clusters", "lost-l2-table"}
    assert "wasted" in only(report, "leaked-clusters").sentence
    assert "nothing is lost" not in only(report, "leaked-clusters").sentence

    image.pieces[image.offsets("l2")[1]][:] = bytes(image.cluster_size)
    report = check(image)
    assert codes(report) == {"leaked-clusters", "lost-l2-table", "leaks-like-lost-table"}
    assert "614 leaked clusters" in only(report, "leaks-like-lost-table").sentence


def test_where_the_disk_has_no_place_for_them_leaks_are_leaks() -> None:
    image = build(Recipe(l2_tables=1, cluster_bits=14, fill=0.6, most=1400))
    for entry in image.data_entries()[1:]:
        image.put_number(entry, 0)
    report = check(image)

    assert codes(report) == {"leaked-clusters"}
    assert only(report, "leaked-clusters").advice == "repair-leaks"
