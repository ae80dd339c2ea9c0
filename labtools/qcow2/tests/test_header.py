"""The header, field by field, on images of hand-packed bytes."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import pytest

from labtools.qcow2 import (
    EmptyFileError,
    ImageError,
    NotQcow2Error,
    RuleState,
    Severity,
    TruncatedHeaderError,
    layout,
    open_image,
    read_header,
    rules,
)

from .build import END, Image, extension


def test_sound_image_keeps_every_rule() -> None:
    report = Image().report()

    assert report.problems == ()
    assert report.opens
    assert report.rules_kept
    assert {field.name for field in report.fields if field.state is not RuleState.KEPT} == {
        "backing_file_size"
    }
    assert [field.name for field in report.fields] == [field.name for field in layout.HEADER_FIELDS]


def test_worked_example_of_the_article_is_1000_mib_not_one_gb() -> None:
    data = bytes.fromhex(
        "514649fb 00000002 0000000000000000 00000000 00000010 000000003e800000"
        "00000000 00000002 0000000000030000 0000000000010000 00000001 00000000 0000000000000000"
    )
    report = read_header(open_image(io.BytesIO(data.ljust(0x30010, b"\0"))))

    assert report.version == 2
    assert report.facts.virtual_size == 1_048_576_000
    assert report["size"].raw.hex() == "000000003e800000"
    assert report["size"].human == "1,048,576,000 bytes = 1000 MiB"
    assert report["magic"].human == r"QFI\xfb"
    assert report["nb_snapshots"].value == 0
    assert report["refcount_order"].human == "not in version 2; 16-bit refcounts implied"
    assert report["header_length"].state is RuleState.NOT_APPLICABLE
    assert not report["incompatible_features"].present
    assert report.features == ()
    assert report.facts.refcount_bits == 16
    assert report.rules_kept


def test_fields_carry_offset_bytes_value_and_meaning() -> None:
    field = Image(cluster_bits=12, size=1 << 20, l1_size=1).report()["cluster_bits"]

    assert (field.offset, field.length, field.raw, field.value) == (20, 4, b"\0\0\0\x0c", 12)
    assert field.human == "4,096 bytes = 4 KiB a cluster"
    assert field.meaning.startswith("The cluster size")
    assert field.rule.startswith("9 to 21")
    assert field.section == "Header"


BROKEN = [
    ("version", Image(version=4), "version-unsupported"),
    ("version", Image(version=0), "version-unsupported"),
    (
        "backing_file_offset",
        Image(backing_file_offset=0x10001, backing_file_size=1),
        "backing-offset-outside",
    ),
    ("backing_file_offset", Image(backing_file_offset=50, backing_file_size=1), "backing-offset-in-header"),
    ("backing_file_size", Image(backing_file_offset=200, backing_file_size=1024), "backing-name-too-long"),
    ("backing_file_size", Image(backing_file_offset=0xFFFF, backing_file_size=2), "backing-name-outside"),
    ("backing_file_size", Image(backing_file_offset=200, backing_file_size=0), "backing-name-empty"),
    ("cluster_bits", Image(cluster_bits=8), "cluster-bits-range"),
    ("cluster_bits", Image(cluster_bits=22), "cluster-bits-range"),
    ("cluster_bits", Image(cluster_bits=13, size=1 << 20, incompatible=1 << 4), "cluster-bits-extended-l2"),
    ("size", Image(size=(1 << 30) - 1), "size-not-sectors"),
    ("crypt_method", Image(crypt_method=3), "crypt-method-unknown"),
    ("crypt_method", Image(crypt_method=2), "luks-extension-missing"),
    ("l1_size", Image(l1_size=1), "l1-too-small"),
    ("l1_size", Image(l1_size=3, incompatible=1 << 4), "l1-too-small"),
    ("l1_size", Image(l1_size=(1 << 22) + 1), "l1-too-large"),
    ("l1_table_offset", Image(l1_table_offset=0x30008), "l1-offset-unaligned"),
    ("l1_table_offset", Image(l1_table_offset=0), "l1-offset-zero"),
    ("l1_table_offset", Image(l1_table_offset=0x50000), "l1-offset-outside"),
    ("refcount_table_offset", Image(refcount_table_offset=512), "refcount-table-offset-unaligned"),
    ("refcount_table_offset", Image(refcount_table_offset=0), "refcount-table-offset-zero"),
    ("refcount_table_offset", Image(refcount_table_offset=1 << 63), "refcount-table-offset-outside"),
    (
        "refcount_table_offset",
        Image(refcount_table_offset=0x40000, refcount_table_clusters=2),
        "refcount-table-offset-outside",
    ),
    ("refcount_table_clusters", Image(refcount_table_clusters=0), "refcount-table-missing"),
    ("refcount_table_clusters", Image(refcount_table_clusters=129), "refcount-table-too-large"),
    ("nb_snapshots", Image(nb_snapshots=65537, snapshots_offset=0x40000), "snapshots-too-many"),
    (
        "nb_snapshots",
        Image(nb_snapshots=1, snapshots_offset=0x40000, incompatible=1 << 2),
        "snapshots-data-file",
    ),
    ("snapshots_offset", Image(nb_snapshots=1, snapshots_offset=0x40001), "snapshots-offset-unaligned"),
    ("snapshots_offset", Image(nb_snapshots=1, snapshots_offset=0x50000), "snapshots-offset-outside"),
    ("snapshots_offset", Image(nb_snapshots=1, snapshots_offset=0), "snapshots-offset-zero"),
    ("incompatible_features", Image(incompatible=1 << 5), "incompatible-unknown"),
    ("incompatible_features", Image(incompatible=1 << 63), "incompatible-unknown"),
    (
        "incompatible_features",
        Image(incompatible=1 << 3, header_length=104, additional=b""),
        "compression-bit-without-field",
    ),
    ("incompatible_features", Image(incompatible=1 << 2, crypt_method=1), "data-file-aes"),
    ("compatible_features", Image(compatible=1 << 1), "compatible-unknown"),
    ("autoclear_features", Image(autoclear=1 << 2), "autoclear-unknown"),
    ("autoclear_features", Image(autoclear=1 << 0), "bitmaps-extension-missing"),
    ("autoclear_features", Image(autoclear=1 << 1), "raw-data-without-data-file"),
    (
        "autoclear_features",
        Image(autoclear=2, incompatible=4, backing_file_offset=200, backing_file_size=1),
        "raw-data-with-backing",
    ),
    ("refcount_order", Image(refcount_order=7), "refcount-order-range"),
    ("header_length", Image(header_length=96), "header-too-short"),
    ("header_length", Image(cluster_bits=9, size=512, l1_size=1, header_length=520), "header-too-long"),
    ("header_length", Image(header_length=106), "header-length-multiple"),
    ("compression_type", Image(additional=b"\2" + bytes(7)), "compression-unknown"),
    ("compression_type", Image(additional=b"\1" + bytes(7)), "compression-type-without-bit"),
    ("compression_type", Image(incompatible=1 << 3), "compression-bit-without-type"),
    ("padding", Image(additional=bytes(7) + b"\1"), "padding-not-zero"),
]


@pytest.mark.parametrize(
    ("name", "image", "code"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_broken_rule_is_named_at_its_field(name: str, image: Image, code: str) -> None:
    report = image.report()
    field = report[name]

    assert code in {problem.code for problem in field.problems}
    assert field.state is RuleState.BROKEN
    problem = next(problem for problem in report.problems if problem.code == code)
    assert problem.where == field.span
    assert problem.sentence.endswith((".", ")"))
    # The graver word: an error stands in the way of opening, a note does not even count as broken.
    assert report.opens == all(found.severity is not Severity.ERROR for found in report.problems)
    assert report.rules_kept == all(found.severity is Severity.NOTE for found in report.problems)


def test_every_field_with_a_rule_has_a_check_that_can_break() -> None:
    # A file without the mark is no qcow2 at all: that is an error, not a report with a broken rule.
    names = {field.name for field in layout.HEADER_FIELDS} - {"magic"}

    assert set(rules.CHECKS) == names
    assert {name for name, _, _ in BROKEN} == names


def test_unknown_field_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Image().report()["l3_size"]


SOUND = [
    Image(cluster_bits=21, l1_table_offset=0x200000, refcount_table_offset=0x400000, length=0x800000),
    Image(cluster_bits=9, size=32768, l1_size=1),
    Image(cluster_bits=14, size=1 << 20, l1_size=1, incompatible=1 << 4),
    Image(l1_size=4, incompatible=1 << 4),
    Image(size=0, l1_size=0, l1_table_offset=0),
    Image(header_length=104, additional=b""),
    Image(incompatible=1 << 3, additional=b"\1" + bytes(7)),
    Image(compatible=1, incompatible=1),
    Image(refcount_order=6),
    Image(refcount_order=0),
    Image(refcount_table_clusters=2),
    # The backing file's name directly behind the header, and directly behind an extension without end mark.
    Image(backing_file_offset=112, backing_file_size=4, extensions=b"base"),
    Image(backing_file_offset=128, backing_file_size=4, extensions=extension(1, bytes(8)) + b"base"),
    # The file ends inside the L1 table's cluster, as QEMU leaves it.
    Image(length=0x30001),
]


@pytest.mark.parametrize("image", SOUND, ids=range(len(SOUND)))
def test_images_at_the_limits_keep_every_rule(image: Image) -> None:
    assert image.codes() == set()


def test_version_2_ignores_what_version_3_would_read_behind_its_header() -> None:
    report = Image(version=2, extensions=extension(0xE2792ACA, b"raw") + END).report()

    assert report.rules_kept
    assert report.facts.backing_format == "raw"
    assert report.extensions.start == 72


def test_longer_header_of_a_later_version_is_kept_apart_from_the_extensions() -> None:
    report = Image(header_length=128, additional=bytes(8) + b"\xaa" * 16).report()

    assert report.rules_kept
    assert [extension.offset for extension in report.extensions.extensions] == [128]
    assert [(span.start, span.stop) for span in report.dump.spans if span.kind == "unknown-fields"] == [
        (112, 128)
    ]


def test_features_are_named_known_or_not() -> None:
    table = b"".join(
        struct.pack(">BB46s", kind, bit, name)
        for kind, bit, name in [(0, 0, b"dirty bit"), (0, 9, b"time travel")]
    )
    image = Image(incompatible=1 | 1 << 9, extensions=extension(0x6803F857, table) + END)
    found = {(str(feature.set.name), feature.bit): feature for feature in image.report().features}

    assert found["INCOMPATIBLE", 0].is_set
    assert found["INCOMPATIBLE", 0].known
    assert found["INCOMPATIBLE", 9].named_by_image == "time travel"
    assert not found["INCOMPATIBLE", 9].known
    assert not found["AUTOCLEAR", 0].is_set
    assert len(found) == 9
    assert image.report()["incompatible_features"].human == "dirty bit, unknown bit 9"


def test_backing_name_is_shown_without_its_control_characters() -> None:
    name = b"/srv/\x1b[2Jbase\n\xff\xe2\x80\xae.img"
    image = Image(backing_file_offset=120, backing_file_size=len(name), extensions=END + name)
    report = image.report()

    assert report.backing_file is not None
    assert report.backing_file.raw == name
    assert report.backing_file.text == r"/srv/\x1b[2Jbase\x0a" + "\N{REPLACEMENT CHARACTER}" + r"\u202e.img"
    assert report.facts.backing_file == report.backing_file.text
    assert report.rules_kept


@pytest.mark.parametrize("image", [Image(), Image(version=2)], ids=["v3", "v2"])
def test_every_truncation_is_named_or_reported(image: Image) -> None:
    whole = image.bytes()
    least = 72 if image.version == 2 else 104
    for length in range(200):
        with open_image(io.BytesIO(whole[:length])) as source:
            if length == 0:
                expected: type[ImageError] | None = EmptyFileError
            elif length < 4:
                expected = NotQcow2Error
            else:
                expected = TruncatedHeaderError if length < least else None
            if expected is None:
                assert not read_header(source).opens
            else:
                with pytest.raises(expected):
                    read_header(source)


def test_version_1_is_another_format() -> None:
    with pytest.raises(NotQcow2Error) as caught:
        replace(Image(), version=1).report()

    assert caught.value.format.code == "qcow"
    assert caught.value.code == "not-qcow2"
    assert "version 1" in str(caught.value)
