"""What is said about a text before it is sent."""

import time

import pytest
from django.core.management import call_command
from django.utils import timezone

from kb import rendering
from kb.checking import Known, Remark, inspect, too_much
from kb.known_pages import known_pages
from kb.models import Article, SlugRedirect
from kb.services.previews import preview_of
from kb.starting_content import FOLDER
from kb.tests.factories import make_article

NOWHERE = Known(page=lambda path: path == "/kb/there/", section=lambda path, name: name == "one")


def remarks(text: str, known: Known = NOWHERE) -> list[Remark]:
    return inspect(text, rendering.render(text), known)


def lines(text: str) -> list[int]:
    return [one.line for one in remarks(text)]


def test_pictures_without_words_block_and_say_their_line() -> None:
    found = remarks("x\n\n![](/a.png)\n\n![The pool's page](/a.png)\n\n![ image ](/b.png) ![][ref]\n")
    assert [(one.line, one.blocks) for one in found] == [(3, True), (7, True), (7, True)]


def test_code_is_no_prose() -> None:
    text = "```md\n![](x)\n# no\n[x](/gone/)\n```\n\n`![](x)` ``[x](/gone/) ` ``\n\n~~~~\n~~~\n# no\n~~~~\n"
    assert remarks(text) == []
    assert lines("~~~\nx\n~~~\n# yes\n") == [4]


@pytest.mark.django_db
def test_live_blocks_without_an_answer_are_named_with_their_line() -> None:
    nowhere = "{{ conference never-held }}"
    text = f"{nowhere}\n\n{{{{ unheard-of x }}}}\n\n{{{{ qcow2-header-fields }}}}\n\n```\n{nowhere}\n```\n"
    found = preview_of(text).remarks
    assert [(one.line, one.blocks) for one in found] == [(1, False), (3, False)]
    assert "“conference never-held” has no answer" in found[0].text
    assert "no live block “unheard-of”" in found[1].text
    assert "meetups, qcow2-header-fields" in found[1].text


@pytest.mark.django_db
def test_a_device_that_no_host_knows_is_remarked_and_a_known_one_is_not() -> None:
    text = "{{ qemu-device virtio-net-pci }}\n\n{{ qemu-device virtio-nte-pci }}\n"
    call_command("load_starting_content", verbosity=0)
    assert [one.line for one in preview_of(text).remarks] == [3]


def test_headings_begin_at_the_second_level_and_skip_none() -> None:
    assert lines("# One\n\n## Two\n\n### Three\n\n## Two\n\n#### Four\n\n##### Five") == [1, 9]
    assert lines("### Three first") == [1]
    assert remarks("#hashtag is text") == []


@pytest.mark.parametrize(
    "target",
    [
        "/kb/there/",
        "/kb/there/#one",
        "/kb/there/#s-one",
        "#here",
        "https://x.example/y",
        "mailto:a@b.example",
    ],
)
def test_good_links_are_left_alone(target: str) -> None:
    assert remarks(f"## Here\n\n[x]({target})\n\n[y]: {target}\n") == []


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/kb/gone/", "no page at /kb/gone/"),
        ("/kb/there/#two", "no heading “#two”"),
        ("#nowhere", "no heading “#nowhere” in this text"),
        ("there", "no whole address"),
        ("", "leads nowhere"),
        ("https://[", "no address"),
    ],
)
def test_dead_links_are_named_with_their_line(target: str, said: str) -> None:
    found = remarks(f"## Here\n\na [x]({target}) b")
    assert [(one.line, one.blocks) for one in found] == [(3, False)]
    assert said in found[0].text


def test_links_with_pictures_and_references_are_read() -> None:
    assert lines("[![A pool](/p)](/gone/)") == [1]
    assert lines("[x][y]\n\n[y]: /gone/") == [3]
    assert remarks("[^1]: a note\n") == []


@pytest.mark.parametrize("piece", ["`", "![", "[", "[a](", "![a]", "[![a]", "`a``", "[a ", "]: ", "#", "\\["])
def test_no_line_takes_long(piece: str) -> None:
    start = time.process_time()
    inspect(piece * 40_000, rendering.Rendered("", [], 0), NOWHERE)
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n" * 10_001, "10,002 lines"),
        ("# a\n" * 1001, "1,001 headings"),
        ("a\n-\n" * 1001, "1,001 headings"),
        ("> ```\n" * 1001, "1,001 fences"),
        ("{{ qemu-device x }}\n\n" * 51, "51 live blocks"),
        ("[" * 5001, "5,001 brackets"),
        ("*[a]: b\n" * 201, "201 abbreviations"),
        ("\n".join("    " * depth + "- a" for depth in range(100)), "60 lines that are indented very far"),
        ("ok\n" + "a" * 8_001, "Line 2 has more than 8,000 characters"),
        ("ok\n\n" + "[" * 1_001, "One paragraph has 1,001 brackets"),
        ("> " * 8 + "a", "1 lines of quotes eight deep"),
        ("| a " * 20_001, "20,001 cells of tables"),
    ],
    ids=range(12),
)
def test_what_would_take_minutes_to_draw_is_not_drawn(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "render", lambda *args: pytest.fail("it was drawn"))
    preview = preview_of(text)
    assert preview.blocks
    assert preview.html == ""
    assert said in preview.remarks[0].text


def test_all_that_people_write_is_drawn() -> None:
    assert [path.name for path in FOLDER.rglob("*.md") if too_much(path.read_text())] == []


@pytest.mark.django_db
def test_an_old_address_of_a_deleted_article_leads_nowhere() -> None:
    article = make_article("## One\n", slug="there")
    SlugRedirect.objects.create(slug="before", article=article)
    assert known_pages().page("/kb/before/")
    Article.objects.filter(pk=article.pk).update(deleted_at=timezone.now())
    assert not known_pages().page("/kb/before/")


@pytest.mark.django_db
def test_pages_of_the_portal_are_known() -> None:
    article = make_article("## One\n", slug="there")
    make_article(None, slug="hidden")
    SlugRedirect.objects.create(slug="before", article=article)
    known = known_pages()
    found = {
        path: known.page(path)
        for path in (
            "/kb/",
            "/kb/there/",
            "/kb/there.md",
            "/kb/before/",
            "/kb/hidden/",
            "/kb/x/",
            "/nowhere/",
        )
    }
    assert [path for path, there in found.items() if not there] == ["/kb/hidden/", "/kb/x/", "/nowhere/"]
    assert [known.section("/kb/there/", name) for name in ("one", "two")] == [True, False]
    assert known.section("/kb/", "one") is None
