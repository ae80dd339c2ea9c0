"""Header extensions, the dump's spans, and what may not stand in the first cluster."""

from __future__ import annotations

import struct

import pytest

from labtools.qcow2 import RuleState, Severity, hex_rows
from labtools.qcow2.layout import ExtensionType

from .build import END, Image, extension

BACKING_FORMAT = 0xE2792ACA
NAMES = 0x6803F857
BITMAPS = 0x23852875
LUKS = 0x0537BE77
DATA_FILE = 0x44415441


def bitmaps(count: int = 1, reserved: int = 0, size: int = 32, offset: int = 0x40000) -> bytes:
    return extension(BITMAPS, struct.pack(">IIQQ", count, reserved, size, offset))


def luks(offset: int = 0x40000, length: int = 592) -> bytes:
    return extension(LUKS, struct.pack(">QQ", offset, length))


def names(*entries: tuple[int, int, bytes]) -> bytes:
    return extension(NAMES, b"".join(struct.pack(">BB46s", *entry) for entry in entries))


def test_known_extensions_are_decoded() -> None:
    image = Image(
        incompatible=1 << 2,
        autoclear=1,
        crypt_method=2,
        extensions=extension(BACKING_FORMAT, b"raw")
        + names((0, 0, b"dirty bit"), (2, 1, b"raw external data"))
        + bitmaps()
        + luks()
        + extension(DATA_FILE, b"disk.raw")
        + extension(0x12345678, b"??\0")
        + END,
    )
    report = image.report()
    found = {item.type: item for item in report.extensions.extensions}

    assert report.problems == ()
    assert found[BACKING_FORMAT].human == report.facts.backing_format == "raw"
    assert found[DATA_FILE].human == report.facts.data_file == "disk.raw"
    assert [(part.label, part.value) for part in found[NAMES].details] == [
        ("incompatible bit 0", "dirty bit"),
        ("autoclear bit 1", "raw external data"),
    ]
    assert {part.label: part.value for part in found[BITMAPS].details} == {
        "nb_bitmaps": 1,
        "reserved": 0,
        "bitmap_directory_size": 32,
        "bitmap_directory_offset": 0x40000,
    }
    assert report.facts.bitmaps == 1
    assert [part.value for part in found[LUKS].details] == [0x40000, 592]
    offset = found[LUKS].details[1].offset
    assert image.bytes()[offset : offset + 8] == struct.pack(">Q", 592)
    assert found[0x12345678].name == "unknown extension"
    assert found[0x12345678].raw == b"??\0"
    assert found[0x12345678].state is RuleState.NOT_APPLICABLE
    assert found[ExtensionType.END].offset + 8 == report.extensions.end
    # What one part says lies where it says: no offset is off by the padding.
    for item in found.values():
        assert image.bytes()[item.offset : item.offset + 4] == struct.pack(">I", item.type)


@pytest.mark.parametrize(
    ("image", "code", "severity"),
    [
        (Image(extensions=extension(1, length=0x10000)), "extension-overrun", Severity.ERROR),
        (Image(extensions=extension(1, length=0xFFFFFFFF)), "extension-overrun", Severity.ERROR),
        (
            Image(backing_file_offset=132, backing_file_size=1, extensions=extension(1, bytes(16)) + END),
            "extension-overrun",
            Severity.ERROR,
        ),
        (Image(extensions=extension(1, length=256) + END, length=200), "extension-cut", Severity.ERROR),
        (
            Image(extensions=extension(BACKING_FORMAT, b"raw") * 2 + END),
            "extension-duplicate",
            Severity.WARNING,
        ),
        (
            Image(extensions=extension(BACKING_FORMAT, b"x" * 16) + END),
            "backing-format-too-long",
            Severity.ERROR,
        ),
        (Image(extensions=extension(NAMES, bytes(47)) + END), "feature-names-length", Severity.WARNING),
        (Image(extensions=names((3, 0, b"x")) + END), "feature-names-entry", Severity.WARNING),
        (Image(extensions=names((0, 64, b"x")) + END), "feature-names-entry", Severity.WARNING),
        (
            Image(extensions=extension(BITMAPS, bytes(16)) + END, autoclear=1),
            "bitmaps-length",
            Severity.ERROR,
        ),
        (Image(extensions=bitmaps(count=0) + END, autoclear=1), "bitmaps-count", Severity.ERROR),
        (Image(extensions=bitmaps(count=65536) + END, autoclear=1), "bitmaps-count", Severity.ERROR),
        (Image(extensions=bitmaps(count=0) + END), "bitmaps-count", Severity.WARNING),
        (Image(extensions=bitmaps(reserved=1) + END, autoclear=1), "bitmaps-reserved", Severity.ERROR),
        (
            Image(extensions=bitmaps(size=1 << 27) + END, autoclear=1),
            "bitmaps-directory-size",
            Severity.ERROR,
        ),
        (
            Image(extensions=bitmaps(offset=8) + END, autoclear=1),
            "bitmaps-directory-unaligned",
            Severity.ERROR,
        ),
        (
            Image(extensions=bitmaps(offset=1 << 40) + END, autoclear=1),
            "bitmaps-directory-outside",
            Severity.ERROR,
        ),
        (Image(extensions=bitmaps() + END), "bitmaps-inconsistent", Severity.NOTE),
        (Image(version=2, extensions=bitmaps() + END), "bitmaps-version", Severity.WARNING),
        (Image(extensions=luks() + END), "luks-extension-unexpected", Severity.ERROR),
        (
            Image(extensions=extension(LUKS, bytes(8)) + END, crypt_method=2),
            "luks-extension-length",
            Severity.ERROR,
        ),
        (
            Image(extensions=luks(offset=0x40200) + END, crypt_method=2),
            "luks-header-unaligned",
            Severity.ERROR,
        ),
        (
            Image(extensions=luks(length=0x10001) + END, crypt_method=2),
            "luks-header-outside",
            Severity.ERROR,
        ),
        (
            Image(extensions=extension(DATA_FILE, b"d") + END),
            "data-file-name-without-bit",
            Severity.WARNING,
        ),
    ],
)
def test_broken_extension_is_named_at_its_bytes(image: Image, code: str, severity: Severity) -> None:
    report = image.report()
    problem = next(problem for problem in report.problems if problem.code == code)
    holder = next(item for item in report.extensions.extensions if item.span == problem.where)

    assert problem.severity is severity
    assert holder.state is RuleState.BROKEN
    assert problem in holder.problems


@pytest.mark.parametrize(
    ("image", "first", "count"),
    [
        (Image(at={0xFFFF: b"\1"}), "65,535", "1 byte"),
        (Image(at={120: b"junk"}), "120", "4 bytes"),
        (Image(backing_file_offset=200, backing_file_size=4, at={200: b"base", 204: b"!"}), "204", "1 byte"),
        (Image(backing_file_offset=200, backing_file_size=4, at={199: b"?base"}), "199", "1 byte"),
    ],
)
def test_stray_bytes_in_the_first_cluster_are_told(image: Image, first: str, count: str) -> None:
    problem = next(found for found in image.report().problems if found.code == "stray-bytes")

    assert problem.severity is Severity.WARNING
    assert first in problem.sentence
    assert f" {count} " in problem.sentence


def test_many_extensions_are_counted_but_not_decoded() -> None:
    report = Image(extensions=extension(0x77) * 3000 + END).report()

    assert len(report.extensions.extensions) == 64
    assert report.extensions.more == 3000 + 1 - 64
    assert report.extensions.end == 112 + 3001 * 8
    assert [problem.code for problem in report.problems] == ["extensions-many"]


def test_large_payload_is_read_only_in_part() -> None:
    report = Image(extensions=extension(0x77, b"z" * 30000) + END).report()
    large = report.extensions.extensions[0]

    assert (large.length, len(large.raw)) == (30000, 4096)
    assert report.dump.cut
    assert report.dump.end == 112 + 8 + 30000 + 8
    assert len(report.dump.data) == 4096


def test_feature_names_are_counted_honestly() -> None:
    report = Image(extensions=names(*[(0, bit % 64, b"n") for bit in range(300)]) + END).report()
    table = report.extensions.extensions[0]

    assert len(table.details) + table.details_more == 300
    assert table.details_more > 0


@pytest.mark.parametrize(
    "image",
    [
        Image(),
        Image(version=2),
        Image(backing_file_offset=160, backing_file_size=4, at={160: b"base"}),
        Image(backing_file_offset=60, backing_file_size=100),
        Image(extensions=extension(BACKING_FORMAT, b"raw") + names((0, 0, b"dirty bit")) + END),
        Image(extensions=extension(1, length=0xFFFFFFFF)),
        Image(header_length=0),
        Image(header_length=65536),
        Image(cluster_bits=0),
        Image(length=112),
    ],
    ids=range(10),
)
def test_spans_cover_the_dump_once_and_in_order(image: Image) -> None:
    report = image.report()
    position = 0
    for span in report.dump.spans:
        assert span.start == position < span.stop
        position = span.stop
    assert position == len(report.dump.data)
    assert image.bytes().startswith(report.dump.data)

    owners = {span.id for span in report.dump.spans}
    assert {field.span for field in report.fields if field.present} <= owners
    rows = list(hex_rows(report.dump.data, report.dump.spans))
    assert (
        b"".join(bytes.fromhex("".join(cell.hex for cell in row.cells)) for row in rows) == report.dump.data
    )
    assert {cell.span for row in rows for cell in row.cells} == owners


def test_dump_ends_where_extensions_and_backing_name_end() -> None:
    report = Image(backing_file_offset=160, backing_file_size=4, at={160: b"base"}).report()

    assert report.dump.end == 164
    assert [(span.kind, span.start, span.stop) for span in report.dump.spans[-3:]] == [
        ("extension", 112, 120),
        ("unused", 120, 160),
        ("backing-name", 160, 164),
    ]
