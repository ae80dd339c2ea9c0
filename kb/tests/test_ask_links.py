"""“Ask about this section”: beside each heading of an article's page, and nowhere else that its text goes."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kb.ask_links import html_with_ask_links
from kb.models import Article, Question
from kb.services.questions import sections_of
from kb.tests.factories import make_article
from kb.tests.test_rendering import HOSTILE
from portal.accounts.models import User
from portal.tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
TEXT = """# First & <b>

> ## Quoted

### `Second` [out](/kb/ "</h2>") {#a"b&c}

#### Too deep

=== "Tab"

    ## In a tab
"""
_ASK = re.compile(
    r'<a class="ask no-print" href="([^"]*)" rel="nofollow" aria-label="Ask about: ([^"]*)">Ask</a>'
)


def asked(html: str) -> list[tuple[str, str]]:
    """Address and heading of every link that asks."""
    return [(unescape(url), unescape(name)) for url, name in _ASK.findall(html)]


def test_each_heading_of_the_contents_leads_to_the_form_with_its_section_chosen(
    as_stranger: Client, as_member: Client, as_owner: Client, owner: User
) -> None:
    article = make_article(TEXT, slug="one", owner=owner)
    assert len(sections_of(article)) == 4
    for client in (as_stranger, as_member, as_owner):
        found = asked(client.get("/kb/one/").content.decode())
        assert [name for _, name in found] == [name for _, name in sections_of(article)]
        for (url, name), (section, _) in zip(found, sections_of(article), strict=True):
            address, _, place = url.partition("#")
            assert place == "ask"
            page = client.get(address)
            assert page.context["form"]["section"].initial == section
            assert page.context["about"] == name
            assert b'<meta name="robots" content="noindex">' in page.content
    assert b"noindex" not in as_stranger.get("/kb/one/questions/").content


def test_a_visitor_comes_back_to_the_form_after_signing_in(as_stranger: Client) -> None:
    make_article("## Only <one>\n", slug="one")
    page = as_stranger.get("/kb/one/questions/?section=s-only-one").content.decode()
    assert "?next=/kb/one/questions/%3Fsection%3Ds-only-one%23ask" in page
    assert "About: Only &lt;one&gt;" in page
    make_user("reader@example.org")
    signing_in = next(url for url in re.findall('href="([^"]*)"', page) if "%23ask" in url)
    form = {"login": "reader@example.org", "password": PASSWORD}
    form["next"] = as_stranger.get(signing_in).context["redirect_field_value"]
    back = as_stranger.post("/accounts/login/", form)
    assert back["Location"] == "/kb/one/questions/?section=s-only-one#ask"
    as_stranger.logout()
    for rubbish in ("s-none", "", "%00", "%22%3E%3Cscript%3E"):
        assert "About:" not in as_stranger.get(f"/kb/one/questions/?section={rubbish}").content.decode()


def test_the_link_is_in_nothing_that_is_stored_or_read_elsewhere(as_stranger: Client) -> None:
    article = make_article(TEXT, slug="one", title="One")
    for address in (
        "/kb/feed.atom",
        "/kb/one.md",
        "/api/v1/articles/one",
        "/search.json?q=ask",
        "/kb/one/history/",
    ):
        assert "Ask about" not in as_stranger.get(address).content.decode()
    article.refresh_from_db()
    assert "Ask" not in article.html
    assert as_stranger.get("/search.json?q=ask").json()["results"] == []


def test_an_article_that_readers_do_not_see_is_not_asked_about(as_owner: Client, owner: User) -> None:
    article = make_article(TEXT, slug="one", owner=owner)
    Article.objects.filter(pk=article.pk).update(status="archived")
    assert asked(as_owner.get("/kb/one/").content.decode()) == []


def test_the_page_asks_no_more_for_its_links_and_stays_the_same_for_caches(as_stranger: Client) -> None:
    for headings in (1, 30):
        make_article("".join(f"## Part {n}\n\n" for n in range(headings)), slug=f"a{headings}")
        with CaptureQueriesContext(connection) as caught:
            page = as_stranger.get(f"/kb/a{headings}/")
        assert (len(caught), len(asked(page.content.decode()))) == (2, headings)
        again = as_stranger.get(f"/kb/a{headings}/", headers={"If-None-Match": page["ETag"]})
        assert again.status_code == 304


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_headings_get_no_mark_of_their_own_into_the_page(hostile: str) -> None:
    line = " ".join(hostile.split())
    article = make_article(f'## {line}\n\nwords\n\n[x](/ "{line}")\n\n### Last\n')
    with_links = html_with_ask_links(article)
    assert _ASK.sub("", with_links) == article.html
    assert {name for _, name in asked(with_links)} <= {name for _, name in sections_of(article)}


def test_an_imitated_permalink_asks_about_a_section_that_there_is_or_not_at_all() -> None:
    imitated = '[#](#{0}){{.anchor title="Link to this section" aria-label="Link to this section"}}'
    article = make_article(
        f"## One {imitated.format('two')}\n\n#### Deep\n\n## Two\n\n{imitated.format('none')}\n"
    )
    assert [name for _, name in asked(html_with_ask_links(article))] in (["One #", "Two"], ["Two", "Two"])


def test_a_section_whose_name_is_too_long_to_store_is_not_offered(as_member: Client) -> None:
    article = make_article(f"## {'long ' * 40}\n\n## Short\n", slug="one")
    assert [name for _, name in asked(html_with_ask_links(article))] == ["Short"]
    section = sections_of(article)[0][0]
    assert as_member.post("/kb/one/questions/", {"text": "Why?", "section": section}).status_code == 400
    assert not Question.objects.exists()
