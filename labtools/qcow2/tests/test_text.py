"""Numbers and untrusted bytes for people."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtools.qcow2.text import binary_size, byte_count, counted, visible


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1536, "1.50 KiB"),
        (1_048_576_000, "1000 MiB"),
        (9_999 << 10, "9999 KiB"),
        (10_001 << 10, "9.76 MiB"),
        (1 << 30, "1 GiB"),
        ((1 << 30) + (1 << 20), "1025 MiB"),
        ((1 << 30) + 1, "1.00 GiB"),
        (327_746, "320.06 KiB"),
        (2**64 - 1, "15.99 EiB"),
    ],
)
def test_binary_size(count: int, text: str) -> None:
    assert binary_size(count) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1 byte"),
        (512, "512 bytes"),
        (1_048_576_000, "1,048,576,000 bytes = 1000 MiB"),
        (196_624, "196,624 bytes ≈ 192.01 KiB"),
    ],
)
def test_byte_count(count: int, text: str) -> None:
    assert byte_count(count) == text


@given(st.integers(0, 2**64 - 1))
def test_an_equals_sign_is_exact(count: int) -> None:
    text = byte_count(count)
    if " = " in text:
        number, unit = text.split(" = ")[1].split()
        assert int(number) * 1024 ** ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].index(unit) == count


def test_counted() -> None:
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(2048, "entry", "entries") == "2,048 entries"
    assert counted(0, "byte") == "0 bytes"


@given(st.binary(max_size=64))
def test_visible_text_cannot_move_a_cursor_or_turn_the_line(raw: bytes) -> None:
    text = visible(raw)

    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)
    text.encode()


def test_visible_keeps_what_can_be_read() -> None:
    assert visible("Bengaluru ಬೆಂಗಳೂರು".encode()) == "Bengaluru ಬೆಂಗಳೂರು"
    assert visible(b"\x00\x1b\x7f\xff") == "\\x00\\x1b\\x7f\N{REPLACEMENT CHARACTER}"
    assert visible("\u202e\U000e0001".encode()) == r"\u202e\U000e0001"
