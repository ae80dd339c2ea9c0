"""The bytes behind findings: the right ones, whole, few, and never key material or data of the guest."""

from __future__ import annotations

import io
import json
import random
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labtools.qcow2 import (
    Evidence,
    Gathered,
    HostRange,
    ImageError,
    check_image,
    evidence,
    evidence_json,
    format_tables,
    gather_evidence,
    open_image,
)
from labtools.qcow2.corpus import sound
from labtools.qcow2.corpus.chance import damage_at_random
from labtools.qcow2.corpus.damage import Damage
from labtools.qcow2.corpus.silent import EVERY
from labtools.qcow2.integrity.catalogue import CATALOGUE
from labtools.qcow2.tests.build import END, Image, extension, snapshot

DAMAGES = {damage.name: damage for damage in EVERY}
LAYOUTS = {table.id for table in format_tables()} | {"refcount"}
IN_THE_DUMP = {
    "compatible-unknown",
    "autoclear-unknown",
    "padding-not-zero",
    "refcount-order-range",
}
"""Rules of the header and its extensions: the report has the header's bytes, each field with its row."""
WITHOUT = {
    "behind-the-end": "Nothing leads behind the last cluster in use; what lies there may be anybody's data.",
    "stray-bytes": "What stands behind the header extensions belongs to no table, and may be anything.",
}
"""Findings that name no entry of a table, with the reason."""


def gather(image: Image | Path) -> Gathered:
    """The evidence of an image."""
    with open_image(image if isinstance(image, Path) else image.file()) as source:
        return gather_evidence(source, check_image(source, payload=True))


def of(found: Gathered, code: str) -> list[Evidence]:
    return [one for one in found.entries if one.code == code]


@pytest.mark.parametrize("damage", EVERY, ids=lambda damage: damage.name)
def test_every_finding_of_the_corpus_leads_to_bytes(damage: Damage, tmp_path: Path) -> None:
    path = tmp_path / "image"
    damage.image(0).write(path)
    found, raw = gather(path), path.read_bytes()
    assert {one.code for one in found.entries} == damage.findings - IN_THE_DUMP - set(WITHOUT)
    assert found.note == ""
    for one in found.entries:
        assert one.layout in LAYOUTS
        assert one.data == raw[one.offset : one.offset + len(one.data)]
        assert one.parts


def test_every_code_of_the_catalogue_is_asked_for_its_entries() -> None:
    from labtools.qcow2.integrity import gathering

    by_entries = {
        "compressed-shared",
        "compressed-overlap",
        "compressed-payload",
        "data-shared-external",
    }
    asked = set(gathering.NAMED) | gathering.CLUSTERS | set(gathering.FIELDS) | set(gathering.EXTENSIONS)
    assert asked | set(gathering.OTHERS) | by_entries == set(CATALOGUE) - set(WITHOUT)


@pytest.mark.parametrize(
    ("damage", "code", "layout", "name", "value", "is_broken"),
    [
        ("l1-reserved-bit", "l1-entry-reserved", "l1-entry", "reserved", 1, True),
        ("l1-copied-flag", "l2-copied-flag", "l1-entry", "COPIED", 0, False),
        ("l2-reserved-bit", "l2-entry-reserved", "l2-entry", "reserved", 1, True),
        ("l2-copied-flag", "data-copied-flag", "l2-entry", "COPIED", 0, False),
        ("zero-flag-version-2", "l2-zero-flag-version-2", "l2-entry", "zero", 1, False),
        ("compressed-copied", "compressed-copied", "compressed-l2-entry", "COPIED", 1, False),
        ("subcluster-data-and-zero", "subclusters-data-and-zero", "l2-entry", "zero", 1, False),
        ("refcount-table-reserved", "refcount-table-reserved", "refcount-table-entry", "reserved", 1, True),
        ("refcount-zero", "refcount-too-low", "refcount", "refcount", 0, False),
        ("leak", "leaked-clusters", "refcount", "refcount", 1, False),
        ("refcount-behind-the-end", "refcount-behind-the-end", "refcount", "refcount", 1, False),
        ("corrupt-bit", "corrupt-bit", "header", "corrupt bit", 1, True),
        ("dirty-bit", "dirty-bit", "header", "dirty bit", 1, False),
        ("bitmap-in-use", "bitmap-in-use", "bitmap-entry", "flag in use", 1, False),
        ("bitmap-table-reserved", "bitmap-table-broken", "bitmap-table-entry", "reserved", 1, True),
        ("emptied-l2-table", "leaks-like-lost-table", "l1-entry", "COPIED", 1, False),
        ("duplicate-snapshot-id", "snapshot-id-duplicate", "snapshot", "id", "1", False),
    ],
)
def test_a_finding_has_its_entry_with_the_part_that_is_wrong(
    damage: str, code: str, layout: str, name: str, value: int | str, is_broken: bool, tmp_path: Path
) -> None:
    path = tmp_path / "image"
    DAMAGES[damage].image(0).write(path)
    one = of(gather(path), code)[0]
    assert one.layout == layout
    assert (name, value, is_broken) in {(part.name, part.value, part.is_broken) for part in one.parts}


def test_a_sound_image_has_none(tmp_path: Path) -> None:
    DAMAGES["none"].image(0).write(tmp_path / "image")
    assert gather(tmp_path / "image") == Gathered()


# ------------------------------------------------------------------------------------- who leads to a cluster


def layouts(found: Gathered, code: str) -> list[str]:
    return [one.layout for one in of(found, code)]


def test_a_shared_cluster_has_its_refcount_and_both_owners(tmp_path: Path) -> None:
    image = DAMAGES["two-guest-clusters-share"].image(0)
    host = image.number(image.data_entries()[0]) & ~sound.COPIED
    image.write(tmp_path / "image")
    count, first, second = of(gather(tmp_path / "image"), "data-shared")
    assert (count.layout, count.role) == ("refcount", "stored refcount; 2 references by 2 entries")
    assert [first.offset, second.offset] == image.data_entries()[:2]
    assert {one.subject for one in (count, first, second)} == {host}
    assert first.role.startswith("L2 entry of the active image, guest offset 0x")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("data-on-l1-table", ["refcount", "header", "l2-entry"]),
        ("data-on-l2-table", ["refcount", "l1-entry", "l2-entry"]),
        ("data-on-refcount-table", ["refcount", "header", "l2-entry"]),
        ("data-on-refcount-block", ["refcount", "refcount-table-entry", "l2-entry"]),
        ("data-on-snapshot-table", ["refcount", "header", "l2-entry"]),
    ],
)
def test_two_roles_have_both_owners(damage: str, expected: list[str], tmp_path: Path) -> None:
    DAMAGES[damage].image(0).write(tmp_path / "image")
    assert layouts(gather(tmp_path / "image"), "roles-conflict") == expected


def test_a_table_of_two_snapshots_has_both_their_entries(tmp_path: Path) -> None:
    DAMAGES["two-snapshots-share-l1"].image(0).write(tmp_path / "image")
    found = of(gather(tmp_path / "image"), "metadata-shared")
    assert [one.role for one in found[1:]] == ["the L1 table of snapshot 1", "the L1 table of snapshot 2"]


def test_what_snapshots_share_is_several_references_by_one_entry(tmp_path: Path) -> None:
    DAMAGES["data-on-snapshot-table"].image(0).write(tmp_path / "image")
    count, _, entry = of(gather(tmp_path / "image"), "roles-conflict")
    assert count.role == "stored refcount; 4 references by 2 entries"
    assert entry.role.startswith("L2 entry of the active image and 2 more, guest offset")


def test_a_shared_l2_table_has_the_l1_entries_that_lead_to_it(tmp_path: Path) -> None:
    image = DAMAGES["two-l1-entries-share"].image(0)
    image.write(tmp_path / "image")
    start = image.offsets("l1")[0]
    assert [one.offset for one in of(gather(tmp_path / "image"), "l2-table-shared")] == [start, start + 8]


def test_a_lost_table_has_its_entries_and_the_place_where_it_belongs(tmp_path: Path) -> None:
    image = DAMAGES["lost-l2-table"].image(0)
    image.write(tmp_path / "image")
    found = of(gather(tmp_path / "image"), "lost-l2-table")
    assert [one.layout for one in found] == ["refcount", "l2-entry", "l2-entry", "l2-entry", "l1-entry"]
    assert [one.offset for one in found[1:4]] == image.data_entries()[:3]
    assert found[4].offset == image.offsets("l1")[0]


def test_pieces_of_compressed_data_that_overlap_stand_side_by_side(tmp_path: Path) -> None:
    DAMAGES["compressed-overlap"].image(0).write(tmp_path / "image")
    first, second = of(gather(tmp_path / "image"), "compressed-overlap")
    assert second.offset == first.offset + 8
    reach = {part.name: part.value for part in first.parts}
    begin = {part.name: part.value for part in second.parts}
    assert isinstance(reach["offset"], int)
    assert isinstance(reach["additional sectors"], int)
    assert reach["offset"] // 512 + reach["additional sectors"] >= int(begin["offset"]) // 512


def test_clusters_of_the_data_file_that_are_shared_have_both_entries(tmp_path: Path) -> None:
    image = DAMAGES["two-guest-clusters-share-external"].image(0)
    image.write(tmp_path / "image")
    found = of(gather(tmp_path / "image"), "data-shared-external")
    assert [one.offset for one in found] == image.data_entries()[:2]


def test_a_place_of_the_data_file_is_no_place_of_the_image() -> None:
    """An entry that leads to byte 0x10000 of the data file does not lead to the refcount table there."""
    image = _scattered(1, entry=1 << 63 | 0x10000)
    image = replace(image, incompatible=4, l1_table_offset=0x10000, at=image.at | {0x10000: bytes(8)})
    with open_image(image.file()) as source:
        report = check_image(source)
        found = gather_evidence(source, report)
    (conflict,) = (one for one in report.findings if one.code == "roles-conflict")
    assert conflict.guest_ranges == ()
    assert "l2-entry" not in layouts(found, "roles-conflict")


# ------------------------------------------------------------------------------------------- bitmaps


def bitmap(
    *,
    table: int = 0x60000,
    size: int = 1,
    flags: int = 0,
    kind: int = 1,
    granularity: int = 16,
    name: bytes = b"nightly",
    extra: bytes = b"",
) -> bytes:
    """An entry of the bitmap directory, padded."""
    head = struct.pack(">QIIBBHI", table, size, flags, kind, granularity, len(name), len(extra))
    entry = head + extra + name
    return entry + bytes(-len(entry) % 8)


def with_bitmaps(directory: bytes, count: int = 1, table: int = 0) -> Image:
    """An image whose bitmap directory is at 0x50000 and the first entry of a bitmap table at 0x60000."""
    pointer = extension(0x23852875, struct.pack(">IIQQ", count, 0, len(directory), 0x50000))
    return Image(
        autoclear=1,
        extensions=pointer + END,
        length=0x80000,
        at={0x50000: directory, 0x60000: struct.pack(">Q", table)},
    )


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    [
        (bitmap(table=0x60008), "bitmap_table_offset", 0x60008),
        (bitmap(size=0), "bitmap_table_size", 0),
        (bitmap(size=9000), "bitmap_table_size", 9000),
        (bitmap(flags=4), "flag extra data compatible", 1),
        (bitmap(flags=0x100), "flags, reserved", 0x20),
        (bitmap(kind=2), "type", 2),
        (bitmap(granularity=8), "granularity_bits", 8),
        (bitmap(granularity=32), "granularity_bits", 32),
        (bitmap(name=b""), "name_size", 0),
        (bitmap(extra=b"unknown!"), "extra_data_size", 8),
    ],
)
def test_a_broken_directory_entry_has_every_field_and_the_one_at_fault(
    entry: bytes, field: str, value: int
) -> None:
    found = of(gather(with_bitmaps(entry)), "bitmap-directory-broken")
    pointer, one = found
    assert (pointer.layout, one.layout) == ("data-23852875", "bitmap-entry")
    assert {part.name: part.value for part in pointer.parts}["bitmap_directory_offset"] == 0x50000
    assert (one.offset, one.data) == (0x50000, entry)
    assert [(part.name, part.value) for part in one.parts if part.is_broken] == [(field, value)]
    names = [part.name for part in one.parts]
    assert names[:2] + names[6:10] == [
        "bitmap_table_offset",
        "bitmap_table_size",
        "type",
        "granularity_bits",
        "name_size",
        "extra_data_size",
    ]


def test_a_directory_entry_is_explained_to_the_last_byte() -> None:
    entry = bitmap(kind=9, extra=b"12345678", name=b"night\x1bly")
    (_, one) = of(gather(with_bitmaps(entry)), "bitmap-directory-broken")
    told = {part.name: (part.place, part.value) for part in one.parts}
    assert told["extra data"] == ("bytes 24–31", b"12345678".hex(" "))
    assert told["name"] == ("bytes 32–39", "night\\x1bly")
    assert len(one.data) == 40


def test_of_a_long_name_the_beginning_is_shown() -> None:
    (_, one) = of(gather(with_bitmaps(bitmap(kind=9, name=b"n" * 1000))), "bitmap-directory-broken")
    assert len(one.data) == 128
    assert one.parts[-1].value == "n" * 104
    assert "1,000 bytes long" in one.parts[-1].meaning


def test_a_directory_that_promises_more_is_the_fault_of_its_extension() -> None:
    (one,) = of(gather(with_bitmaps(bitmap(), count=2)), "bitmap-directory-broken")
    assert {part.name: part.value for part in one.parts}["nb_bitmaps"] == 2


@pytest.mark.parametrize(
    ("directory", "count", "place", "field"),
    [
        (bitmap() + bitmap(), 2, 0x50020, "name"),
        (bitmap(size=3), 1, 0x50000, "bitmap_table_size"),
    ],
)
def test_a_bitmap_that_cannot_be_loaded_has_its_entry(
    directory: bytes, count: int, place: int, field: str
) -> None:
    one = of(gather(with_bitmaps(directory, count)), "bitmaps-not-loadable")[-1]
    assert one.offset == place
    assert [part.name for part in one.parts if part.is_broken] == [field]


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        (0x70002, "reserved"),
        (1 << 60 | 0x70000, "reserved"),
        (0x70200, "offset"),
        (0x70001, "all ones"),
    ],
)
def test_a_broken_bitmap_table_entry_has_its_bits(entry: int, part: str) -> None:
    (one,) = of(gather(with_bitmaps(bitmap(), table=entry)), "bitmap-table-broken")
    assert (one.layout, one.offset, one.data) == ("bitmap-table-entry", 0x60000, struct.pack(">Q", entry))
    assert [each.name for each in one.parts if each.is_broken] == [part]
    assert sum(int(each.value) for each in one.parts if each.name == "offset") == entry & 0x00FFFFFFFFFFFE00


def test_a_bitmap_that_leads_out_of_the_file_has_the_entry_that_does() -> None:
    found = gather(with_bitmaps(bitmap(), table=0x9000000))
    count, one = of(found, "bitmap-data-outside")
    assert count.layout == "refcount-table-entry"
    assert (one.layout, one.offset) == ("bitmap-table-entry", 0x60000)
    (outside,) = of(gather(with_bitmaps(bitmap(table=0x9000000))), "bitmap-table-outside")
    assert (outside.layout, outside.offset) == ("bitmap-entry", 0x50000)


# ------------------------------------------------------------------------------------------ snapshots


def test_a_finding_of_a_snapshot_has_its_entry_field_by_field(tmp_path: Path) -> None:
    DAMAGES["snapshot-l1-too-small"].image().write(tmp_path / "image")
    (one,) = gather(tmp_path / "image").entries
    assert (one.code, one.layout) == ("snapshot-l1-too-small", "snapshot")
    told = {part.name: part.value for part in one.parts}
    assert (told["l1_table_offset"], told["l1_size"]) == struct.unpack(">QI", one.data[:12])
    assert (told["disk_size"],) == struct.unpack(">Q", one.data[48:56])
    assert (told["id"], told["name"]) == ("1", "snapshot 1")


def test_a_snapshot_entry_is_explained_to_the_last_byte() -> None:
    extra = struct.pack(">QQQ", 1, 2, 3) + b"more"
    entry = snapshot(number=b"7", name=b"a\nb", l1_offset=0x30001, extra=extra)
    image = Image(nb_snapshots=1, snapshots_offset=0x40000, at={0x40000: entry})
    one = of(gather(image), "snapshot-l1-unaligned")[0]
    assert one.data == entry
    ends = []
    for part in one.parts:
        first, _, last = part.place.removeprefix("bytes ").removeprefix("byte ").partition("–")
        ends.append((int(first), int(last or first)))
    assert [first for first, _ in ends] == [0, *(last + 1 for _, last in ends[:-1])]
    assert ends[-1][1] == len(entry) - 1
    told = {part.name: part.value for part in one.parts}
    assert (told["icount"], told["extra data"], told["name"]) == (3, b"more".hex(" "), "a\\x0ab")
    assert [part.name for part in one.parts if part.is_broken] == ["l1_table_offset"]


# --------------------------------------------------------------------------------- few, and none of the guest's


def _scattered(places: int, entry: int = 2, step: int = 2) -> Image:
    """An L2 table in which every second entry has a reserved bit."""
    table = b"".join(struct.pack(f">{step}Q", entry, *[0] * (step - 1)) for _ in range(places))
    return Image(at={0x30000: struct.pack(">Q", 0x40000), 0x40000: table})


@pytest.mark.parametrize("step", [1, 2])
def test_sixteen_of_a_kind_are_shown_and_the_rest_is_counted(step: int) -> None:
    found = gather(_scattered(20, step=step))
    entries = of(found, "l2-entry-reserved")
    assert [one.offset for one in entries] == [0x40000 + 8 * step * number for number in range(16)]
    assert dict(found.more)["l2-entry-reserved"] == 4


def test_a_whole_table_of_broken_entries_is_counted() -> None:
    found = gather(_scattered(8192, step=1))
    assert len(of(found, "l2-entry-reserved")) == 16
    assert dict(found.more)["l2-entry-reserved"] == 8192 - 16


def test_clusters_that_are_not_shown_are_counted(tmp_path: Path) -> None:
    DAMAGES["emptied-l2-table"].image(0).write(tmp_path / "image")
    found = gather(tmp_path / "image")
    assert len(of(found, "leaked-clusters")) == 16
    assert dict(found.more)["leaked-clusters"] == 614 - 16


def test_of_many_references_to_a_cluster_a_few_are_shown() -> None:
    image = _scattered(9, entry=1 << 63 | 0x30000)
    found = of(gather(image), "roles-conflict")
    assert [one.layout for one in found] == ["refcount-table-entry", "header", *["l2-entry"] * 3]
    assert found[0].role.endswith("; 10 references by 10 entries, of which 4 are shown")


def test_of_many_l1_entries_that_lead_to_one_table_a_few_are_shown() -> None:
    image = Image(l1_size=6, at={0x30000: struct.pack(">6Q", *[0x10000] * 6)})
    found = of(gather(image), "roles-conflict")
    assert [one.layout for one in found] == ["refcount-table-entry", "header", *["l1-entry"] * 3]
    assert found[0].role.endswith("; 7 references by 7 entries, of which 4 are shown")


def test_of_many_refcount_table_entries_that_lead_to_one_block_a_few_are_shown() -> None:
    found = of(gather(Image(at={0x10000: struct.pack(">6Q", *[0x20000] * 6)})), "refcount-block-shared")
    assert [one.layout for one in found] == ["refcount", *["refcount-table-entry"] * 4]
    assert found[0].role.endswith("; 6 references by 6 entries, of which 4 are shown")


def test_an_image_has_not_many_and_each_kind_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_image(_scattered(20).file()) as source:
        report = check_image(source)
        monkeypatch.setattr(evidence, "MOST", 8)
        found = gather_evidence(source, report)
        assert len(found.entries) <= 8
        assert {one.code for one in found.entries} == {finding.code for finding in report.findings}


def test_places_that_the_file_does_not_have_give_nothing() -> None:
    with open_image(_scattered(1).file()) as source:
        report = check_image(source)
        (finding,) = (one for one in report.findings if one.code == "l2-entry-reserved")
        for offset in (source.length, source.length - 4, 1 << 62):
            astray = replace(finding, host_ranges=(HostRange(offset, 8),))
            found = gather_evidence(source, replace(report, findings=(astray,)))
            assert found == Gathered(more=(("l2-entry-reserved", 1),))


def test_nothing_of_a_luks_header_is_kept() -> None:
    pointer = extension(0x0537BE77, struct.pack(">QQ", 0x40000, 0x10000))
    image = replace(_scattered(1), crypt_method=2, extensions=pointer + END)
    with open_image(image.file()) as source:
        report = check_image(source)
        assert "l2-entry-reserved" in {finding.code for finding in report.findings}
        found = gather_evidence(source, report)
        assert [one for one in found.entries if 0x40000 <= one.offset < 0x50000] == []
        assert dict(found.withheld)["l2-entry-reserved"] == 1
    assert "data-0537be77" in layouts(found, "luks-header-broken")


def test_nothing_is_kept_of_a_table_on_which_data_of_the_guest_lies() -> None:
    """The second L1 entry leads to an L2 table in a cluster that the first table calls the guest's."""
    l1 = struct.pack(">QQ", 1 << 63 | 0x40000, 1 << 63 | 0x50000)
    l2 = struct.pack(">Q", 1 << 63 | 0x50000)
    secret = b"passwords are data of the guest!"
    image = Image(length=0x60000, at={0x30000: l1, 0x40000: l2, 0x50000: secret})
    found = gather(image)
    assert dict(found.withheld)["compressed-outside"] == 4
    assert not any(0x50000 <= one.offset < 0x60000 for one in found.entries)
    assert "l2-entry" in layouts(found, "roles-conflict")


def test_what_is_stored_is_bounded(tmp_path: Path) -> None:
    """Noise in every table, so that as many kinds of findings as may be have as many entries."""
    image = sound.build(
        sound.Recipe(cluster_bits=9, l2_tables=4, fill=0.9, snapshots=3, bitmaps=2, compressed=3)
    )
    chance = random.Random(6)
    for offset in image.offsets("l2"):
        for at in range(offset, offset + 512, 8):
            # As many bits as leave some entries within the file.
            image.put_number(at, chance.getrandbits(64) & chance.getrandbits(64) & chance.getrandbits(64))
    for place in ("l1", "refcount-table"):
        image.put_number(image.offsets(place)[0] + 8, chance.getrandbits(64))
    image.write(tmp_path / "image")
    found = gather(tmp_path / "image")
    assert len(found.entries) >= 100
    assert len(found.entries) <= evidence.MOST
    assert len(json.dumps(evidence_json(found))) < 400_000


def test_what_is_stored_of_hostile_names_is_bounded() -> None:
    """Two hundred snapshots with everything wrong, and names that grow when they are written for people."""
    entries = b"".join(
        snapshot(name=b"\x1b" * 900, extra=b"", l1_offset=0x30001 if number % 2 else 0x90000000, state=9)
        for number in range(200)
    )
    image = Image(
        nb_snapshots=200, snapshots_offset=0x40000, length=0x50000 + len(entries), at={0x40000: entries}
    )
    found = gather(image)
    assert {one.code for one in found.entries if one.layout == "snapshot"} >= {
        "snapshot-id-duplicate",
        "snapshot-l1-outside",
        "snapshot-l1-unaligned",
        "snapshot-entry-incomplete",
        "snapshot-extra-short",
    }
    assert dict(found.more)["snapshot-id-duplicate"] == 199 - 16
    assert len(json.dumps(evidence_json(found))) < 400_000


def test_more_tables_than_there_is_time_for_give_a_note() -> None:
    with open_image(_scattered(1).file()) as source:
        found = gather_evidence(source, check_image(source), seconds=-1.0)
    assert found.entries == ()
    assert "too many tables" in found.note


# ------------------------------------------------------------------------- what the corpus has no image of


def _mapped(l1: int, **fields: Any) -> Image:
    return Image(at={0x30000: struct.pack(">Q", l1)}, **fields)


@pytest.mark.parametrize(
    ("image", "code", "expected"),
    [
        (_mapped(1 << 63 | 0x9000000), "l2-table-outside", {"l1-entry": 0x30000}),
        (_mapped(1 << 63 | 0x40200), "l2-table-unaligned", {"l1-entry": 0x30000}),
        (Image(l1_table_offset=0x9000000), "l1-table-outside", {"header": 36}),
        (Image(refcount_table_offset=0x9000000), "refcount-table-outside", {"header": 48}),
        (
            Image(nb_snapshots=1, snapshots_offset=0x40000, at={0x40000: snapshot(l1_offset=0x9000000)}),
            "l1-table-outside",
            {"snapshot": 0x40000},
        ),
        (
            Image(
                nb_snapshots=1, snapshots_offset=0x40000, at={0x40000: snapshot(l1_offset=0x7FFFFFFFFFFF0000)}
            ),
            "snapshot-l1-unreadable",
            {"snapshot": 0x40000},
        ),
        (
            Image(nb_snapshots=1, snapshots_offset=0x40000, at={0x40000: snapshot(extra=bytes(2000))}),
            "snapshot-table-broken",
            {"snapshot": 0x40000},
        ),
        (
            Image(at={0x10000: struct.pack(">Q", 0x20200)}),
            "refcount-block-unaligned",
            {"refcount-table-entry": 0x10000},
        ),
        (
            Image(at={0x10000: struct.pack(">Q", 0x9000000)}),
            "refcount-block-outside",
            {"refcount-table-entry": 0x10000},
        ),
        (
            # The L2 table reaches into the last cluster, so that there is one, in which the block has no room.
            Image(
                at={0x10000: struct.pack(">Q", 0x50000), 0x30000: struct.pack(">Q", 0x40200)}, length=0x4F000
            ),
            "refcount-block-outside",
            {"refcount-table-entry": 0x10000},
        ),
        (
            Image(at={0x10000: struct.pack(">Q", 0x20200)}),
            "refcount-unreadable",
            {"refcount-table-entry": 0x10000},
        ),
    ],
)
def test_other_findings_lead_to_their_entries(image: Image, code: str, expected: dict[str, int]) -> None:
    found = of(gather(image), code)
    assert {one.layout: one.offset for one in found}.items() >= expected.items()


def test_more_references_than_can_be_counted_have_the_entries_that_lead_there() -> None:
    twice = struct.pack(">QQ", 0x40000, 0x40000)
    image = Image(refcount_order=0, at={0x10000: struct.pack(">Q", 0x20000), 0x30000: twice})
    found = of(gather(image), "refcount-overflow")
    assert [(one.layout, one.offset) for one in found] == [
        ("refcount", 0x20000),
        ("l1-entry", 0x30000),
        ("l1-entry", 0x30008),
    ]
    (count, others) = found[0].parts
    assert (count.place, count.name, others.name) == ("bit 4", "refcount", "neighbours")


def test_data_that_cannot_be_decompressed_has_its_entry(tmp_path: Path) -> None:
    image = sound.build(sound.Recipe(compressed=2, l2_tables=1, fill=0.003))
    entry = next(
        at
        for at in range(image.offsets("l2")[0], image.offsets("l2")[0] + image.cluster_size, 8)
        if image.number(at) & sound.COMPRESSED
    )
    payload = image.number(entry) & (1 << 54) - 1
    image.put(payload, b"\xff" * 16)
    image.write(tmp_path / "image")
    found = of(gather(tmp_path / "image"), "compressed-payload")
    assert [(one.layout, one.offset) for one in found] == [("compressed-l2-entry", entry)]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_damage_each_finding_has_bytes_or_a_reason(seed: int) -> None:
    chance = random.Random(seed)
    recipe = replace(sound.random_recipe(chance), cluster_bits=chance.choice((9, 12)), extended=False)
    image = sound.build(recipe, seed)
    damage_at_random(image, chance)
    data = bytearray(image.length)
    for offset, piece in image.pieces.items():
        if offset < image.length:
            data[offset : offset + len(piece)] = piece[: image.length - offset]
    with open_image(io.BytesIO(bytes(data))) as source:
        try:
            report = check_image(source)
        except ImageError:
            return
        found = gather_evidence(source, report)
    if not report.roles:
        # QEMU does not open it: the header's dump is all that there is.
        return
    told = {one.code for one in found.entries} | dict(found.withheld).keys() | dict(found.more).keys()
    codes = {finding.code for finding in report.findings if finding.code in CATALOGUE}
    assert codes - told <= set(WITHOUT)
