"""Two documents side by side: what is said to differ, how it is shown, and that no text takes long."""

import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.diffs import CONTEXT, MOST_ROWS, HeadChange, Segment, compare
from kb.documents import AppliesToRange, Document
from kb.links import outside_links
from kb.templatetags.diffs import new_text, old_text


def doc(content: str, **head: object) -> Document:
    return Document(**({"title": "T", "content": content} | head))  # type: ignore[arg-type]


LINES = st.lists(st.sampled_from(["a", "b", "", "a b", "c d e", "\u2028x", "é"]), max_size=25)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, LINES)
def test_both_texts_can_be_read_off_the_rows(old: list[str], new: list[str]) -> None:
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    found = compare(doc(before), doc(after), context=None)
    assert [row.old.text for row in found.rows if row.old] == old
    assert [row.new.text for row in found.rows if row.new] == new
    assert [row.old.number for row in found.rows if row.old] == list(range(1, len(old) + 1))
    assert all(
        row.old and row.new and row.old.text == row.new.text for row in found.rows if row.kind == "equal"
    )
    assert found.is_empty == (old == new)


def test_words_that_differ_are_marked_on_both_sides() -> None:
    [row] = compare(doc("run virsh --cap vports\n"), doc("run virsh --cap  vports now\n")).rows
    assert row.kind == "changed"
    assert row.old
    assert row.new
    assert "".join(s.text for s in row.old.segments if s.is_changed) == " "
    assert "".join(s.text for s in row.new.segments if s.is_changed) == "   now"


def test_lines_with_little_in_common_are_marked_whole() -> None:
    [row] = compare(doc("one two three\n"), doc("uno due tre\n")).rows
    assert row.old
    assert row.new
    assert row.old.segments == (Segment("one two three", True),)


def test_equal_lines_far_from_a_change_are_folded_but_those_asked_for_stay() -> None:
    text = "".join(f"line {n}\n" for n in range(1, 101))
    changed = text.replace("line 50\n", "other\n")
    rows = compare(doc(text), doc(changed)).rows
    assert [row.folded for row in rows if row.kind == "folded"] == [49 - CONTEXT, 50 - CONTEXT]
    kept = [row.new.number for row in compare(doc(text), doc(changed), keep={90}).rows if row.new]
    assert kept == [*range(47, 54), *range(87, 94)]


def test_head_is_compared_in_words() -> None:
    old = doc("x\n", tags=("a",), applies_to=(AppliesToRange("qemu", "5.2"),), part=1, series="S")
    new = doc(
        "x\n",
        title="U",
        tags=("a", "b"),
        applies_to=(AppliesToRange("qemu", "5.2", "7.2"),),
        part=2,
        series="S",
    )
    found = compare(old, new)
    assert found.head == (
        HeadChange("Title", "T", "U"),
        HeadChange("Tags", "a", "a, b"),
        HeadChange("Applies to", "qemu from 5.2", "qemu from 5.2 up to 7.2"),
        HeadChange("Part", "1", "2"),
    )
    assert [row.kind for row in found.rows] == ["folded"]
    assert not found.is_empty


def _letters(length: int, letters: str) -> str:
    chance = random.Random(length)
    return "".join(chance.choice(letters) for _ in range(length))


HOSTILE = {
    "one letter a line": ("a\n" * 100_000, "a\nb\n" * 50_000),
    "two letters a line": ("\n".join(_letters(100_000, "ab")), "\n".join(_letters(99_999, "ab"))),
    "one line of marks": (_letters(200_000, "!?"), _letters(199_999, "!?")),
    "lines of marks": ("\n".join([_letters(150, "!?.")] * 1300), "\n".join([_letters(149, "!?.")] * 1300)),
    "the other way round": ("\n".join(map(str, range(35_000))), "\n".join(map(str, range(35_000, 0, -1)))),
    "nothing to much": ("", "x\n" * 100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_of_200_000_characters_takes_long_or_fills_the_page(name: str) -> None:
    old, new = HOSTILE[name]
    began = time.process_time()
    found = compare(doc(old), doc(new))
    assert time.process_time() - began < 6  # a second where nothing else runs
    assert len(found.rows) <= MOST_ROWS


def test_characters_of_markup_are_shown_as_they_are() -> None:
    [row] = compare(doc("see <b>\"a\" & 'b'</b>\n"), doc("see <i>\"a\" & 'b'</i>\n")).rows
    assert "<b>" not in old_text(row)
    assert "&lt;" in old_text(row)
    assert "&quot;" in new_text(row)
    assert "<ins>i</ins>" in new_text(row)


def test_links_that_lead_outside_are_told_from_those_that_stay() -> None:
    html = (
        '<a href="https://a.example/x">a</a><a href="/kb/">in</a><a href="https://portal.example/kb/">own</a>'
        '<a href="https://a.example/x">again</a><a href="mailto:a@b.example">m</a><a href="http://[x">broken</a>'
    )
    assert outside_links(html, "https://portal.example") == ["https://a.example/x", "http://[x"]
