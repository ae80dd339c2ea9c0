"""Three-way merge: what two people changed is put together, and what cannot be is shown whole."""

import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.documents import AppliesToRange, Document
from kb.merging import Conflict, Merge, matches, merge_documents

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LINE = st.sampled_from(["a", "b", "c", "", "## d", "e e", "f"])
TEXT = st.lists(LINE, max_size=12).map(lambda lines: "\n".join(lines))
RANGE = st.builds(
    AppliesToRange, st.sampled_from(["qemu", "libvirt"]), st.sampled_from(["", "5.2", "7.2"]), st.just("")
)
DOCUMENT = st.builds(
    Document,
    title=st.sampled_from(["One", "Two", "Three"]),
    content=TEXT,
    kind=st.sampled_from(["how-to", "reference"]),
    abstract=st.sampled_from(["", "x"]),
    tags=st.lists(st.sampled_from(["npiv", "qcow2", "Storage"]), max_size=3).map(tuple),
    applies_to=st.lists(RANGE, max_size=3).map(tuple),
    series=st.sampled_from(["", "NPIV"]),
    part=st.sampled_from([None, 1, 2]),
).map(Document.normalised)


def of(content: str, **head: object) -> Document:
    return Document(**({"title": "T", "content": content} | head))  # type: ignore[arg-type]


def merged(base: str, mine: str, theirs: str) -> Merge:
    return merge_documents(of(base), of(mine), of(theirs))


# ------------------------------------------------------------------------------------ what always holds


@UNHURRIED
@given(DOCUMENT, DOCUMENT)
def test_a_side_that_changed_nothing_gives_way(base: Document, changed: Document) -> None:
    for merge in (merge_documents(base, changed, base), merge_documents(base, base, changed)):
        assert merge.is_clean
        assert merge.document == changed


@UNHURRIED
@given(DOCUMENT, DOCUMENT)
def test_the_same_change_twice_is_one_change(base: Document, changed: Document) -> None:
    merge = merge_documents(base, changed, changed)
    assert merge.is_clean
    assert merge.document == changed


@UNHURRIED
@given(DOCUMENT, DOCUMENT, DOCUMENT)
def test_sides_may_change_places(base: Document, mine: Document, theirs: Document) -> None:
    there, back = merge_documents(base, mine, theirs), merge_documents(base, theirs, mine)
    assert [(one.field, one.base, one.mine, one.theirs) for one in there.conflicts] == [
        (one.field, one.base, one.theirs, one.mine) for one in back.conflicts
    ]
    if there.is_clean:
        assert there.document == back.document


def _side(merge: Merge, side: str) -> str:
    return "".join(piece if isinstance(piece, str) else getattr(piece, side) for piece in merge.pieces)


@UNHURRIED
@given(DOCUMENT, DOCUMENT, DOCUMENT)
def test_no_line_that_somebody_wrote_is_lost(base: Document, mine: Document, theirs: Document) -> None:
    merge = merge_documents(base, mine, theirs)
    shown = Counter((_side(merge, "mine") + _side(merge, "theirs")).split("\n"))
    old = Counter(base.content.split("\n"))
    for side in (mine, theirs):
        added = Counter(side.content.split("\n")) - old
        assert not added - shown
    assert merge.document.content == _side(merge, "mine").rstrip() + "\n" * bool(_side(merge, "mine").strip())


@UNHURRIED
@given(DOCUMENT, DOCUMENT)
def test_without_a_base_both_texts_can_be_had_back_whole(mine: Document, theirs: Document) -> None:
    merge = merge_documents(None, mine, theirs)
    assert _side(merge, "mine") == mine.content
    assert _side(merge, "theirs") == theirs.content
    if merge.is_clean:
        assert (mine.title, mine.content, mine.part) == (theirs.title, theirs.content, theirs.part)


@UNHURRIED
@given(st.lists(LINE, max_size=30), st.lists(LINE, max_size=30))
def test_matches_are_equal_lines_that_rise_on_both_sides(old: list[str], new: list[str]) -> None:
    found = matches(old, new)
    assert all(old[a] == new[b] for a, b in found)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(found))


# --------------------------------------------------------------------------------------- what people do


def test_changes_in_different_places_are_put_together() -> None:
    merge = merged("one\n\ntwo\n\nthree\n", "ONE\n\ntwo\n\nthree\n", "one\n\ntwo\n\nTHREE\n\nfour\n")
    assert merge.is_clean
    assert merge.document.content == "ONE\n\ntwo\n\nTHREE\n\nfour\n"


def test_changes_of_one_line_conflict_and_say_where() -> None:
    merge = merged("a\nb\nc\n", "a\nmine\nc\n", "a\ntheirs\nc\n")
    assert merge.conflicts == (Conflict("content", "b\n", "mine\n", "theirs\n", 2),)
    assert merge.pieces == ("a\n", merge.conflicts[0], "c\n")
    assert merge.document.content == "a\nmine\nc\n"


def test_a_line_deleted_here_and_changed_there_is_a_question() -> None:
    merge = merged("a\nb\nc\n", "a\nc\n", "a\nB\nc\n")
    assert [(one.mine, one.theirs) for one in merge.conflicts] == [("", "B\n")]


def test_a_text_without_a_line_end_loses_nothing() -> None:
    assert merged("a", "a\nb", "0\na").document.content == "0\na\nb\n"


def test_line_ends_of_other_systems_are_no_change() -> None:
    assert merged("a\nb\n", "a\r\nb\r\nc\r\n", "0\na\nb\n").document.content == "0\na\nb\nc\n"


def test_blank_lines_are_no_anchors() -> None:
    base = "x\n\ny\n\nz\n"
    merge = merged(base, "x\n\nnew\n\ny\n\nz\n", "x\n\ny\n\nother\n\nz\n")
    assert merge.document.content == "x\n\nnew\n\ny\n\nother\n\nz\n"


def test_fields_of_the_head_are_merged_one_by_one() -> None:
    base = of("x\n", title="T", abstract="old", tags=("a", "b"), kind="how-to")
    mine = replace(base, title="Mine", tags=("a", "b", "c"))
    theirs = replace(base, abstract="new", tags=("b",), kind="reference")
    merge = merge_documents(base, mine, theirs)
    assert merge.is_clean
    assert (merge.document.title, merge.document.abstract, merge.document.kind) == (
        "Mine",
        "new",
        "reference",
    )
    assert merge.document.tags == ("b", "c")


def test_a_field_that_both_changed_is_a_question() -> None:
    base = of("x\n", title="T", series="S", part=1)
    merge = merge_documents(base, replace(base, title="A", part=2), replace(base, title="B", part=3))
    assert merge.conflicts == (
        Conflict("title", "T", "A", "B"),
        Conflict("series", "S, part 1", "S, part 2", "S, part 3"),
    )
    assert (merge.document.title, merge.document.part) == ("A", 2)


def test_versions_of_one_component_belong_together() -> None:
    base = of("x\n", applies_to=(AppliesToRange("qemu", "5.2"), AppliesToRange("xen", "4.17")))
    mine = replace(base, applies_to=(AppliesToRange("qemu", "6.0"), AppliesToRange("xen", "4.17")))
    libvirt = replace(base, applies_to=(*base.applies_to, AppliesToRange("libvirt", "9.0")))
    clean = merge_documents(base, mine, libvirt)
    assert clean.is_clean
    assert [one.component for one in clean.document.applies_to] == ["libvirt", "qemu", "xen"]
    assert clean.document.applies_to[1].minimum == "6.0"
    disputed = merge_documents(base, mine, replace(base, applies_to=(AppliesToRange("qemu", "7.2"),)))
    assert [one.field for one in disputed.conflicts] == ["applies_to.qemu"]
    assert disputed.document.applies_to == (AppliesToRange("qemu", "6.0"),), "xen went with theirs"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["\n"] * 200_000, ["x\n"] + ["\n"] * 150_000 + ["y\n"]),
        (["a\n", "b\n"] * 40_000, ["b\n", "b\n", "a\n"] * 30_000),
        ([f"{i}\n" for i in range(40_000)], [f"{i}\n" for i in reversed(range(40_000))]),
        (
            [line for i in range(200) for line in [f"k{i}\n", *["a\n", "b\n"] * 100]],
            [line for i in range(200) for line in [f"k{i}\n", *["b\n", "b\n", "a\n"] * 66]],
        ),
    ],
    ids=["blank", "two words", "turned round", "anchors apart"],
)
def test_no_text_takes_long(old: list[str], new: list[str]) -> None:
    start = time.process_time()
    matches(old, new)
    assert time.process_time() - start < 5
