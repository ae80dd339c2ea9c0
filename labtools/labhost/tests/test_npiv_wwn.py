"""World Wide Names: what is one, who may bear it, and new ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtools.labhost.npiv import Wwn, WwnError, generate_wwn, parse_wwn

NAME = "5001a4a1b2c3d4e5"


@pytest.mark.parametrize(
    "text",
    [
        NAME,
        NAME.upper(),
        f"0x{NAME}",
        f"0X{NAME}",
        f"naa.{NAME}",
        f"  {NAME}\n",
        "50:01:a4:a1:b2:c3:d4:e5",
        "50-01-A4-A1-B2-C3-D4-E5",
        "50 01 a4 a1 b2 c3 d4 e5",
        "5001.a4a1.b2c3.d4e5".replace(".", ""),
    ],
)
def test_every_way_to_write_a_name_gives_the_one_that_libvirt_compares(text: str) -> None:
    assert parse_wwn(text).digits == NAME


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has 16 hex digits; this one has 0"),
        (NAME[:-1], "has 16 hex digits; this one has 15"),
        (NAME + "0", "has 16 hex digits; this one has 17"),
        ("50:01:a4:a1:b2:c3:d4", "all together or in eight pairs"),
        ("50:01:a4-a1:b2:c3:d4:e5", "all together or in eight pairs"),
        ("5001a4a1b2c3d4eg", "all together or in eight pairs"),
        ("0x0x5001a4a1b2c3d4", "all together"),
        ("５001a4a1b2c3d4e5", "for example"),
        ("5" * 500, "for example"),
        ("'/><x a='", "all together"),
        ("$(reboot)", "all together"),
    ],
)
def test_text_that_is_no_name_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(WwnError, match=sentence):
        parse_wwn(text)


@given(st.text(max_size=40))
def test_no_text_gives_anything_but_a_name_or_a_sentence(text: str) -> None:
    try:
        digits = parse_wwn(text).digits
    except WwnError:
        return
    assert len(digits) == 16
    assert set(digits) <= set("0123456789abcdef")


@given(st.integers(0, 2**64 - 1))
def test_a_name_reads_back_from_how_it_is_shown(number: int) -> None:
    wwn = Wwn(f"{number:016x}")
    assert parse_wwn(wwn.pretty) == parse_wwn(str(wwn)) == wwn


@pytest.mark.parametrize(
    ("digits", "fault"),
    [
        ("1000001b32a9da4e", ""),
        ("2101001b32a9da4e", ""),
        (NAME, ""),
        ("3000000000000001", ""),
        ("c001a4a1b2c3d4e5", ""),
        ("0000000000000000", "No authority makes names that begin with 0"),
        ("7001a4a1b2c3d4e5", "No authority makes names that begin with 7"),
        ("4000000a00000001", "NAA 4 holds an IP address"),
        ("6001a4a1b2c3d4e5", "NAA 6 names are 128 bits long"),
        ("1001001b32a9da4e", "the three digits after the 1 are zero"),
        ("1000011b32a9da4e", "group address"),
        ("5010000000000001", "group address"),
        ("5000000000000001", "The company number is zero"),
    ],
)
def test_names_that_no_port_may_bear_say_why(digits: str, fault: str) -> None:
    assert (fault in parse_wwn(digits).fault) if fault else (parse_wwn(digits).fault == "")


def test_the_parts_of_a_name() -> None:
    assert (Wwn(NAME).naa, Wwn(NAME).authority, Wwn(NAME).oui) == (5, "IEEE registered", "001a4a")
    assert (Wwn("2101001b32a9da4e").naa, Wwn("2101001b32a9da4e").oui) == (2, "001b32")
    assert Wwn("3000000000000001").oui == ""
    assert Wwn(NAME).pretty == "50:01:a4:a1:b2:c3:d4:e5"
    assert "assigned locally" in Wwn("3000000000000001").doubt
    assert "rare on Fibre Channel" in Wwn("c001a4a1b2c3d4e5").doubt
    assert Wwn(NAME).doubt == ""


def test_a_generated_name_is_of_libvirts_kind_and_not_in_use() -> None:
    names = {generate_wwn(()).digits for _ in range(200)}
    assert len(names) == 200
    for name in names:
        assert name.startswith("5001a4a")
        assert parse_wwn(name).fault == parse_wwn(name).doubt == ""
    draws = iter([7, 7, 8])
    asked: list[int] = []

    def draw(bits: int) -> int:
        asked.append(bits)
        return next(draws)

    assert generate_wwn({"5001a4a000000007"}, draw).digits == "5001a4a000000008"
    assert asked == [36, 36, 36]


def test_a_source_that_is_stuck_is_given_up() -> None:
    with pytest.raises(WwnError, match="1,000 tries"):
        generate_wwn({"5001a4a000000007"}, lambda _: 7)
