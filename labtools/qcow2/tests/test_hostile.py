"""Any bytes give a report or one typed error, within bounds of reading and of what is kept."""

from __future__ import annotations

import io
import json
import struct
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from labtools.qcow2 import (
    HeaderReport,
    ImageError,
    ImageSource,
    NotQcow2Error,
    estimate_check,
    open_image,
    read_header,
    sniff,
    to_json_dict,
)
from labtools.qcow2.show import render

from .build import END, Image, extension, snapshot

MOST_READ = 8 << 20
"""Header, extension heads, payloads, first cluster twice (2 MiB at most), snapshots: never above this."""

RICH = Image(
    incompatible=1,
    autoclear=1,
    backing_file_offset=600,
    backing_file_size=9,
    nb_snapshots=3,
    snapshots_offset=0x40000,
    extensions=extension(0xE2792ACA, b"raw")
    + extension(0x6803F857, struct.pack(">BB46s", 0, 0, b"dirty bit") * 2)
    + extension(0x23852875, struct.pack(">IIQQ", 1, 0, 32, 0x40000))
    + END,
    at={600: b"/base.raw", 0x40000: snapshot() + snapshot(number=b"2") + snapshot(number=b"3")},
).bytes()


# No deadlines: what is bounded is what is read and kept; wall time says more about the machine's other work.


def report_or_error(source: ImageSource) -> tuple[HeaderReport | None, ImageError | None]:
    try:
        return read_header(source), None
    except ImageError as error:
        return None, error


def survives(data: bytes) -> None:
    """Everything public, on ``data``; whatever it is, nothing but an ImageError comes out."""
    with open_image(io.BytesIO(data)) as source:
        found = sniff(source)
        assert found.code
        assert found.sentence
        with suppress(ImageError):
            estimate_check(source)
        report, error = report_or_error(source)
        if report is None:
            assert error is not None
            assert error.sentence.endswith(".")
            assert not isinstance(error, NotQcow2Error) or error.format == found
            return
        stored = json.dumps(to_json_dict(report))
        assert "\\u0000" not in stored
        assert len(stored) < 3 << 20
        text = "\n".join(render(report))
        assert all(char.isprintable() or char == "\n" for char in text)
        spans = report.dump.spans
        assert [span.start for span in spans] == [0, *(span.stop for span in spans)][:-1]
        assert sum(span.stop - span.start for span in spans) == len(report.dump.data)


@settings(deadline=None)
@given(st.binary(max_size=2048))
def test_any_bytes(data: bytes) -> None:
    survives(data)


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_behind_the_mark(data: bytes) -> None:
    survives(b"QFI\xfb" + data)
    survives(b"QFI\xfb\0\0\0\2" + data)
    survives(b"QFI\xfb\0\0\0\3" + data)


EXTREME = st.sampled_from(
    [0, 1, 7, 8, 9, 0x7F, 0x80, 0xFF, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]
)
PLACES = st.one_of(
    st.integers(0, 120), st.integers(0, 660), st.integers(0x40000, 0x400F0), st.integers(0, len(RICH) - 1)
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(PLACES, st.sampled_from([1, 2, 4, 8]), EXTREME), min_size=1, max_size=5),
    st.one_of(st.none(), st.integers(0, len(RICH))),
)
def test_any_mutation_of_a_valid_image(mutations: list[tuple[int, int, int]], cut: int | None) -> None:
    data = bytearray(RICH)
    for place, width, value in mutations:
        data[place : place + width] = (value % (1 << 8 * width)).to_bytes(width)
    survives(bytes(data[:cut]))


@settings(max_examples=300, deadline=None)
@given(
    st.builds(
        Image,
        version=st.sampled_from([2, 3, 4]),
        backing_file_offset=st.one_of(EXTREME, st.integers(0, 1 << 17)),
        backing_file_size=st.sampled_from([0, 1, 1023, 1024, 2**32 - 1]),
        cluster_bits=st.sampled_from([0, 8, 9, 12, 14, 16, 21, 22, 63, 64, 2**32 - 1]),
        size=EXTREME,
        crypt_method=st.integers(0, 3),
        l1_size=st.sampled_from([0, 1, 2, 1 << 22, (1 << 22) + 1, 2**32 - 1]),
        l1_table_offset=EXTREME,
        refcount_table_offset=EXTREME,
        refcount_table_clusters=st.sampled_from([0, 1, 129, 2**32 - 1]),
        nb_snapshots=st.sampled_from([0, 1, 65536, 2**32 - 1]),
        snapshots_offset=EXTREME,
        incompatible=st.integers(0, 2**64 - 1),
        compatible=st.integers(0, 2**64 - 1),
        autoclear=st.integers(0, 2**64 - 1),
        refcount_order=st.sampled_from([0, 4, 6, 7, 64, 2**32 - 1]),
        header_length=st.sampled_from([0, 72, 103, 104, 105, 112, 1 << 16, 2**32 - 1]),
        additional=st.binary(min_size=8, max_size=8),
        extensions=st.lists(
            st.builds(
                extension,
                st.sampled_from([0, 1, 0xE2792ACA, 0x6803F857, 0x23852875, 0x0537BE77, 0x44415441]),
                st.binary(max_size=100),
                st.one_of(st.none(), st.sampled_from([0, 1, 2**32 - 1, 2**31, 24, 16])),
            ),
            max_size=6,
        ).map(b"".join),
        length=st.sampled_from([200, 0x400, 0x50000]),
    )
)
def test_any_header_fields(image: Image) -> None:
    survives(image.bytes())


class Counted(ImageSource):
    """A source that is sparse and of any length, and counts what is asked of it."""

    def __init__(self, head: bytes, length: int, fill: bytes = b"\0") -> None:
        super().__init__(io.BytesIO(head), owned=True)
        self.length, self.head, self.fill = length, head, fill
        self.calls = 0

    def _read_once(self, offset: int, size: int) -> bytes:
        self.calls += 1
        data = self.head[offset : offset + size]
        pattern = self.fill * (size // len(self.fill) + 1)
        return data + pattern[: size - len(data)]


def test_header_reads_little_of_an_endless_file() -> None:
    # 2 MiB clusters, four billion snapshots, extensions without end, a file of 8 EiB.
    image = Image(
        cluster_bits=21,
        nb_snapshots=2**32 - 1,
        snapshots_offset=1 << 40,
        extensions=extension(0x77, bytes(5000), 1 << 20) + extension(0x78),
        length=0x20000,
    )
    for fill in (b"\0", b"\xff", b"\0\0\0\x09\0\0\0\0"):
        source = Counted(image.bytes(), 2**63 - 1, fill)
        report = read_header(source)

        assert source.bytes_read < MOST_READ
        assert len(json.dumps(to_json_dict(report))) < 1 << 20


def test_heads_of_extensions_are_each_read_once() -> None:
    # As many as fit: a 2 MiB cluster of empty extensions.
    source = Counted(Image(cluster_bits=21).bytes()[:112], 1 << 32, b"\0\0\0\x09\0\0\0\0")
    report = read_header(source)

    assert report.extensions.more == (2 << 20) // 8 - 112 // 8 - 64
    assert source.calls < (2 << 20) // 8 + 1000
