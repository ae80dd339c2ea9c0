"""Paste your error: what articles explain is found; what is pasted is neither kept nor run."""

import logging
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kb.models import Article, ErrorSignature
from kb.tests.factories import make_article, publish_text
from portal.search.models import MissedSearch
from portal.search.services import reconcile
from portal.tests.invariants import broken_invariants

pytestmark = pytest.mark.django_db
TEXT = """## Before

Words.

## Mend the label

!!! error "Could not open '*': Permission *denied"
    The **label** is `wrong`.

    More.

!!! error
    Not a signature.
"""
LOG = (
    "12:00:01 starts\n2026-11-23 09:00:01: error: Could not open '/srv/x/disk.qcow2': Permission was denied\n"
)


def paste(client: Client, text: str, status: int = 200) -> str:
    """The page that answers a pasted text."""
    response = client.post("/kb/errors/", {"text": text})
    assert response.status_code == status
    html = response.content.decode()
    assert broken_invariants(html) == []
    return " ".join(html.split())


def test_signatures_come_from_articles_and_follow_them() -> None:
    article = make_article(TEXT)
    (row,) = ErrorSignature.objects.all()
    assert (row.pattern, row.section, row.cause) == (
        "Could not open '*': Permission *denied",
        "s-mend-the-label",
        "The label is wrong.",
    )
    assert "<code>Could not open '*': Permission *denied</code>" in article.html
    assert '<div class="admonition bug">' in article.html
    assert "error" not in "".join(re.findall(r'class="([^"]*)"', article.html))
    publish_text(article, TEXT.replace("wrong", "right"))
    assert ErrorSignature.objects.get().cause == "The label is right."
    publish_text(article, "Nothing.")
    assert ErrorSignature.objects.count() == 0


@pytest.mark.parametrize("who", ["as_owner", "as_member", "as_stranger"])
def test_a_known_error_leads_to_its_section(who: str, request: pytest.FixtureRequest) -> None:
    make_article(TEXT, slug="labels", title="Labels")
    page = paste(request.getfixturevalue(who), LOG)
    assert '<a href="/kb/labels/#s-mend-the-label">What to do: Labels</a>' in page
    assert "…: error: Could not open &#x27;…&#x27;: Permission was denied" in page
    assert "The label is wrong." in page


def test_articles_that_readers_do_not_see_are_not_found(as_stranger: Client) -> None:
    make_article(TEXT, slug="labels")
    Article.objects.update(status=Article.Status.ARCHIVED)
    assert "What to do" not in paste(as_stranger, LOG)


def test_what_no_signature_has_is_searched_for(as_stranger: Client) -> None:
    make_article("When the frobnicator refuses: turn it off.", slug="other", title="The frobnicator")
    reconcile("article")
    page = paste(as_stranger, "error: frobnicator refused 12")
    assert '<a href="/kb/other/">The frobnicator</a>' in page
    assert "error: frobnicator refused …" in page
    assert "Nothing was found for this text" in paste(as_stranger, "error: zzzyx")
    assert MissedSearch.objects.count() == 0


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script> error: Could not open 'x': Permission <img src=x onerror=alert(1)> denied",
        "error \"' onmouseover=alert(1) Could not open 'x': Permission denied",
        "javascript:alert(1) failed",
        "{{ 7*7 }} {% debug %} error",
        "%s %n error \\ ' \" ` $(id)",
    ],
)
def test_pasted_text_does_nothing(as_stranger: Client, text: str) -> None:
    make_article(TEXT, slug="labels")
    page = paste(as_stranger, text)
    main = page[page.index("<main") : page.index("</main>")]
    assert "<script" not in main
    assert "<img" not in main
    assert " onmouseover=alert(1)" not in main.replace("&quot;&#x27; onmouseover", "")


@pytest.mark.parametrize(
    ("text", "status"), [("", 422), (" \n", 422), ("x" * 200_001, 422), ("x" * 200_000, 200)]
)
def test_texts_are_bounded(as_stranger: Client, text: str, status: int) -> None:
    paste(as_stranger, text, status)


def test_nothing_of_the_text_is_logged_or_stored(
    as_stranger: Client, caplog: pytest.LogCaptureFixture
) -> None:
    make_article(TEXT, slug="labels")
    with caplog.at_level(logging.DEBUG), CaptureQueriesContext(connection) as captured:
        response = as_stranger.post("/kb/errors/", {"text": LOG + "sekrit-word"})
    logged = " ".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    assert "sekrit" not in logged
    assert "disk.qcow2" not in logged
    assert not any(query["sql"].startswith(("INSERT", "UPDATE")) for query in captured)
    assert "no-store" in response["Cache-Control"]
    assert as_stranger.get("/kb/errors/?text=error").content.decode().count("error?text") == 0


def test_who_pastes_too_often_waits(as_stranger: Client, settings: object) -> None:
    for _ in range(60):
        last = as_stranger.post("/kb/errors/", {"text": ""})
    assert last.status_code == 422
    assert as_stranger.post("/kb/errors/", {"text": ""}).status_code == 429
    assert as_stranger.get("/kb/errors/").status_code == 200


def test_the_number_of_queries_does_not_grow(as_stranger: Client) -> None:
    counts = []
    for number in range(3):
        make_article(TEXT.replace("Permission", f"Permission{number}"), slug=f"labels-{number}")
        log = "\n".join(LOG.replace("Permission", f"Permission{n}") for n in range(number + 1))
        with CaptureQueriesContext(connection) as captured:
            assert paste(as_stranger, log).count("What to do") == number + 1
        counts.append(len(captured))
    assert counts[0] == counts[2]
