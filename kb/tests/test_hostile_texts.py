"""Texts made to break the room: each gives an answer, and none costs what others read."""

import time
from typing import Any

import pytest
from django.test import Client

from kb.absolute import absolute_html
from kb.bundles import Bundle, NotABundleError, read_zip, write_zip
from kb.documents import AppliesToRange, Document
from kb.front_matter import NotAnArticleError, from_text
from kb.markup import Parts
from kb.models import Draft
from kb.personal_data import erase_kb
from kb.rendering import render
from kb.services import publish_document
from kb.tests.factories import NOW, make_article
from portal.tests.factories import make_user


@pytest.mark.parametrize("address", ["//[", "//a]b", "//[::1"])
def test_an_address_that_is_none_costs_no_feed(address: str) -> None:
    html = render(f"[x]({address}) [y](/kb/)").html
    assert 'href="https://example.org/kb/"' in absolute_html(html, "https://example.org/kb/a/")


def test_lists_in_lists_without_end_are_shown_as_they_were_typed() -> None:
    text = "".join("    " * depth + "- <b>\n" for depth in range(300))
    assert render(text).html.startswith("<pre><code>- &lt;b&gt;")


def test_a_text_draws_few_live_blocks_and_each_once() -> None:
    drawn: list[str] = []

    def draw(name: str, argument: str) -> str:
        drawn.append(argument)
        return f"<section>{argument}</section>"

    text = "".join(f"{{{{ device d{number % 60} }}}}\n\n" for number in range(600))
    html = render(text, Parts(embed=draw)).html
    assert len(drawn) == len(set(drawn)) == 40
    assert html.count("<section>") == 100


def test_the_quotes_around_variables_are_looked_at_in_bounded_time() -> None:
    text = "```variables\nh = x | Host\n```\n\n```bash\n" + "echo @h@ " * 20_000 + "\n```\n"
    start = time.process_time()
    assert "@h@" in render(text).html
    assert time.process_time() - start < 20


@pytest.mark.parametrize("value", ["!!bool foo", "!!int ''", "!!timestamp x", "!!float x"])
def test_a_head_cannot_name_types(value: str) -> None:
    with pytest.raises(NotAnArticleError):
        from_text(f"---\nslug: a\ntitle: {value}\n---\n\nx")


@pytest.mark.parametrize("escape", ["\\0", "\\ud800"])
def test_a_head_brings_nothing_that_no_database_takes(escape: str) -> None:
    document = from_text(f'---\nslug: a\ntitle: "a{escape}b"\n---\n\nx').document
    assert document.title == "ab"
    assert document.sha


def test_a_zip_damaged_anywhere_is_no_bundle_or_is_read() -> None:
    whole = write_zip(Bundle(articles={"a": "hello world " * 100}))
    refused = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        try:
            read_zip(bytes(damaged))
        except NotABundleError:
            refused += 1
    assert refused > len(whole) // 4


@pytest.mark.django_db
def test_versions_that_begin_alike_can_be_approved() -> None:
    article = make_article(None)
    ranges = (AppliesToRange("qemu", "6.0", "7.0"), AppliesToRange("qemu", "6.0", ""))
    publish_document(
        article=article,
        document=Document("A", "x", applies_to=ranges),
        author=None,
        at=NOW,
    )
    assert [(one.minimum, one.maximum) for one in article.applies_to.all()] == [("6.0", "")]


@pytest.mark.django_db
def test_series_without_latin_letters_are_not_one() -> None:
    titles = ("पहला भाग", "दूसरा भाग")
    made = [make_article(None) for _ in titles]
    for article, title in zip(made, titles, strict=True):
        publish_document(
            article=article, document=Document("A", "x", series=title, part=1), author=None, at=NOW
        )
    assert [article.series and article.series.title for article in made] == list(titles)


@pytest.mark.django_db
def test_who_leaves_takes_no_text_of_others_along() -> None:
    author, reviewer = make_user("author@example.org"), make_user("reviewer@example.org")
    article = make_article(None, owner=author)
    Draft.objects.create(author=reviewer, article=article, content="Mine.\n")
    erase_kb(author)
    kept = Draft.objects.get(author=reviewer)
    assert (kept.article, kept.content) == (None, "Mine.\n")


@pytest.mark.django_db
def test_reading_old_texts_is_counted(client: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"kb_old_text": "1/m/ip"}
    article = make_article()
    assert article.current is not None
    page = f"/kb/{article.slug}/history/{article.current.pk}/"
    assert [client.get(page).status_code for _ in range(2)] == [200, 429]
