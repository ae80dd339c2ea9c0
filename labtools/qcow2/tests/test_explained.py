"""The format's tables say what the decoders do."""

import pytest

from labtools.qcow2 import entries, format_tables, layout
from labtools.qcow2.integrity.geometry import (
    COMPRESSED,
    COPIED,
    L1_RESERVED,
    L2_RESERVED,
    OFFSET_MASK,
    ZERO,
    Geometry,
)

ENTRIES = [
    entries.L1_ENTRY,
    entries.L2_ENTRY,
    entries.SUBCLUSTER_BITMAP,
    entries.REFCOUNT_TABLE_ENTRY,
    entries.BITMAP_TABLE_ENTRY,
    *(entries.compressed_l2_entry(bits) for bits in range(9, 22)),
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_bits_of_an_entry_are_each_named_once(entry: entries.EntryLayout) -> None:
    places = [bit for part in entry.bits for bit in range(part.low, part.high + 1)]
    assert places == list(range(64))


def test_masks_of_the_check_are_those_of_the_specification() -> None:
    assert OFFSET_MASK == 0x00FFFFFFFFFFFE00
    assert (ZERO, COMPRESSED, COPIED) == (1, 1 << 62, 1 << 63)
    assert (L1_RESERVED, L2_RESERVED) == (0x7F000000000001FF, 0x3F000000000001FE)
    with pytest.raises(KeyError):
        entries.L1_ENTRY["zero"]


@pytest.mark.parametrize("cluster_bits", range(9, 22))
def test_a_compressed_entry_is_split_where_the_check_splits_it(cluster_bits: int) -> None:
    geometry = Geometry(3, 0, cluster_bits, 0, 8, False, False, 16)
    offset, sectors = entries.compressed_l2_entry(cluster_bits).bits[:2]
    assert sectors.low == geometry.compressed_offset_bits == 70 - cluster_bits
    entry = COMPRESSED | (1 << sectors.low) | 0x1234
    assert offset.of(entry) == 0x1234
    assert sectors.of(entry) == 1


@pytest.mark.parametrize("cluster_bits", [8, 22])
def test_a_cluster_size_that_there_is_not_has_no_entry(cluster_bits: int) -> None:
    with pytest.raises(ValueError, match="no such cluster size"):
        entries.compressed_l2_entry(cluster_bits)


def test_every_field_feature_and_extension_has_its_row() -> None:
    tables = {table.id: table for table in format_tables()}
    assert [row.name for row in tables["header"].rows] == [field.name for field in layout.HEADER_FIELDS]
    size = tables["header"].rows[5]
    assert (size.place, size.name, size.versions) == ("24–31", "size", "2 and 3")
    assert "2: LUKS" in tables["header"].rows[6].rule
    assert len(tables["feature-bits"].rows) == len(layout.FEATURES)
    assert len(tables["extensions"].rows) == len(layout.EXTENSIONS)
    assert tables["l1-entry"].rows[-1].place == "63"


def test_no_two_rows_or_tables_share_an_anchor() -> None:
    ids = [part for table in format_tables() for part in (table.id, *(row.id for row in table.rows))]
    assert len(ids) == len(set(ids))
