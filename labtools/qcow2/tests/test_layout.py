"""The table of the format is itself consistent, and complete enough to be printed as documentation."""

from __future__ import annotations

import struct

import pytest

from labtools.qcow2 import layout

LAYOUTS = [
    layout.HEADER_V2,
    layout.HEADER_V3,
    layout.HEADER_ADDITIONAL,
    layout.EXTENSION_HEADER,
    layout.FEATURE_NAME_ENTRY,
    layout.BITMAPS_EXTENSION,
    layout.ENCRYPTION_EXTENSION,
    layout.SNAPSHOT_ENTRY,
]


@pytest.mark.parametrize("table", LAYOUTS, ids=range(len(LAYOUTS)))
def test_fields_follow_without_gap_and_fill_their_struct(table: layout.Layout) -> None:
    position = table.offset
    for field in table.fields:
        assert field.offset == position
        position = field.end
    assert table.size == position - table.offset
    assert isinstance(table.struct, struct.Struct)


def test_header_grows_from_72_to_104_to_112_bytes() -> None:
    assert [table.offset + table.size for table in layout.HEADER] == [72, 104, 112]
    assert layout.KNOWN_HEADER_LENGTH == 112
    assert layout.SNAPSHOT_ENTRY.size == 40
    assert layout.FEATURE_NAME_ENTRY.size == 48


def test_decode_reads_big_endian_numbers_and_raw_bytes() -> None:
    values = layout.HEADER_ADDITIONAL.decode(bytes(104) + b"\x01" + b"\x02" * 7)

    assert values == {"compression_type": 1, "padding": b"\x02" * 7}


def test_every_row_can_be_printed() -> None:
    for field in layout.HEADER_FIELDS:
        assert field.meaning.endswith(".")
        assert field.rule.endswith(".")
        assert field.section
        assert field.versions == ((2, 3) if field.offset < 72 else (3,))
    for extension in layout.EXTENSIONS:
        assert extension.meaning.endswith(".")
        assert extension.section


def test_features_match_their_flags() -> None:
    flags = {
        layout.FeatureSet.INCOMPATIBLE: layout.Incompatible,
        layout.FeatureSet.COMPATIBLE: layout.Compatible,
        layout.FeatureSet.AUTOCLEAR: layout.Autoclear,
    }
    for which, kind in flags.items():
        bits = [feature.bit for feature in layout.FEATURES if feature.set is which]
        assert bits == list(range(len(kind)))
        assert [1 << bit for bit in bits] == [flag.value for flag in kind]
