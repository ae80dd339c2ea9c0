"""An article as a file: what was written is what is read, and rubbish is told from it in words."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.documents import AppliesToRange, Document
from kb.front_matter import ArticleFile, NotAnArticleError, from_text, to_text

_line = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)
_word = _line.map(lambda text: " ".join(text.split())).filter(bool)
_version = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2})?", fullmatch=True) | st.just("")
_documents = st.builds(
    Document,
    title=_word,
    content=st.text(st.characters(codec="utf-8")),
    kind=st.sampled_from(["how-to", "reference"]),
    abstract=_line,
    tags=st.lists(_word, max_size=4).map(tuple),
    applies_to=st.lists(st.builds(AppliesToRange, st.just("qemu"), _version, _version), max_size=3).map(
        tuple
    ),
    series=_line,
    part=st.none() | st.integers(1, 9999),
)


@given(_documents, st.none() | st.dates(), st.sampled_from(["", "0" * 64]))
def test_what_is_written_is_read_back_and_written_again_as_the_same_bytes(
    document: Document, day: dt.date | None, base: str
) -> None:
    article = ArticleFile("a-slug", document.normalised(), reviewed=day, review_due=day, base=base)
    text = to_text(article)
    assert from_text(text) == article
    assert to_text(from_text(text)) == text


def test_the_file_reads_as_people_write_it() -> None:
    document = Document(
        title="Read: a header",
        content="Words.",
        abstract="Short.",
        tags=("qcow2", "Storage"),
        applies_to=(AppliesToRange("qemu", "5.2"), AppliesToRange("libvirt", "7.0", "7.0")),
        series="All of it",
        part=2,
    )
    assert to_text(ArticleFile("read-it", document, reviewed=dt.date(2026, 11, 22))) == (
        "---\nslug: read-it\ntitle: 'Read: a header'\nkind: how-to\nsummary: Short.\ntags:\n- qcow2\n- Storage\n"
        "applies_to:\n- libvirt 7.0\n- qemu 5.2-\nseries: All of it\npart: '2'\nreviewed: '2026-11-22'\n---\n\nWords.\n"
    )


def test_numbers_and_dates_need_no_quotes() -> None:
    read = from_text(
        "---\r\nslug: a\r\ntitle: 10\r\npart: 2\r\nseries: S\r\nreviewed: 2026-11-22\r\n---\r\nx"
    )
    assert (read.document.title, read.document.part, read.reviewed) == ("10", 2, dt.date(2026, 11, 22))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with a head"),
        ("# Title\n", "does not begin with a head"),
        ("---\nslug: a\ntitle: b\n", "second line of --- is missing"),
        ("---\n- a\n---\n", "not a list of keys"),
        ("---\n'\n---\n", "not YAML"),
        ("---\n" + "[" * 5000 + "\n---\n", "not YAML"),
        ("---\nslug: a\n---\n", "title is missing"),
        ("---\ntitle: a\n---\n", "slug is missing"),
        ("---\nslug: ../a\ntitle: b\n---\n", "slug: small letters"),
        ("---\nslug: a\ntitle: [b]\n---\n", "title: one line"),
        ("---\nslug: a\ntitle: b\ntags: c\n---\n", "tags: a list"),
        ("---\nslug: a\ntitle: b\npart: first\n---\n", "part: a number"),
        ("---\nslug: a\ntitle: b\nreviewed: today\n---\n", "reviewed: a day"),
        ("---\nslug: a\ntitle: b\nbase: x\n---\n", "base: this is not"),
        ("---\nslug: a\ntitle: b\nowner: c\n---\n", "articles do not have: owner"),
        ("---\na: &a [x]\nb: [*a, *a]\n---\n", "anchors"),
        ("---\nslug: !!python/object/apply:os.system [id]\ntitle: b\n---\n", "not YAML"),
        ("x" * 260_001, "longer than"),
    ],
)
def test_rubbish_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(NotAnArticleError, match=said):
        from_text(text)
