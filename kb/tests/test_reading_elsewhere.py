"""Articles for programs and for lists; and hostile text through every place that shows an article."""

import datetime as dt
import json
import re
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kb.documents import AppliesToRange, Document
from kb.models import Article, Mention, Series, Tag
from kb.services import publish_document
from kb.services.surroundings import refresh_surroundings
from kb.tests.factories import NOW, make_article
from kb.tests.test_rendering import HOSTILE

pytestmark = pytest.mark.django_db


def whole_article(slug: str, word: str, content: str = "") -> Article:
    """A published article that says ``word`` wherever a document can."""
    article = Article.objects.create(slug=slug, title="x")
    document = Document(
        title=word[:120],
        abstract=word[:250],
        kind="how-to",
        tags=(word[:50],),
        applies_to=(AppliesToRange("qemu", word[:20], ""),),
        series=word[:120],
        part=1,
        content=content or f"## {word}\n\n{word}\n",
    )
    publish_document(article=article, document=document, author=None, at=NOW)
    return article


def test_programs_list_and_read_what_is_published(client: Client) -> None:
    one = make_article("[In](/lab/).\n", slug="one", title="One", summary="Short.", kind="reference")
    one.tags.add(Tag.objects.create(slug="npiv", name="NPIV", aliases=["vhba"]))
    refresh_surroundings(one)
    make_article(slug="two", at=NOW + dt.timedelta(1))
    make_article(None, slug="draft")
    listed = client.get("/api/v1/articles/").json()
    assert (listed["count"], [one["slug"] for one in listed["items"]]) == (2, ["two", "one"])
    assert "html" not in listed["items"][0]
    for query in ("kind=reference", "tag=npiv", "tag=vhba", "offset=1"):
        assert [one["slug"] for one in client.get(f"/api/v1/articles/?{query}").json()["items"]] == ["one"]
    assert client.get("/api/v1/articles/?tag=none").json()["count"] == 0
    assert client.get("/api/v1/articles/?limit=1000").status_code == 422
    read = client.get("/api/v1/articles/one").json()
    assert read["url"].endswith("/kb/one/")
    assert f'<a href="{read["url"].removesuffix("/kb/one/")}/lab/"' in read["html"]
    assert (read["markdown"], read["tags"], read["summary"]) == ("[In](/lab/).\n", ["npiv"], "Short.")
    Article.objects.filter(slug="two").update(deleted_at=NOW)
    for gone in ("draft", "two", "none"):
        assert client.get(f"/api/v1/articles/{gone}").status_code == 404
    assert client.post("/api/v1/articles/").status_code == 405


def test_the_list_for_programs_asks_no_more_for_more_articles(client: Client) -> None:
    counts = []
    for number in (1, 3):
        while Article.objects.count() < number:
            make_article(series=Series.objects.get_or_create(slug="s", title="S")[0], part=number)
        with CaptureQueriesContext(
            connection,
        ) as caught:
            client.get("/api/v1/articles/")
        counts.append(len(caught))
    assert counts[0] == counts[1]


def test_a_visitors_page_takes_three_queries_at_most_whatever_hangs_on_it(client: Client) -> None:
    series = Series.objects.create(slug="s", title="S")
    for number in range(4):
        article = make_article(f"[x](/kb/a{number - 1}/)", slug=f"a{number}", series=series, part=number + 1)
        article.tags.add(Tag.objects.get_or_create(slug="t", name="T")[0])
        Mention.objects.create(article=article, kind="command", name="virsh pool-list")
        refresh_surroundings(article)
    client.get("/kb/a1/")
    with CaptureQueriesContext(connection) as caught:
        assert client.get("/kb/a2/").status_code == 200
    assert len(caught) <= 3, [query["sql"][:90] for query in caught]


def test_the_list_narrows_by_series_and_by_other_words_for_a_subject(as_stranger: Client) -> None:
    series = Series.objects.create(slug="npiv", title="NPIV")
    for part in (2, 1):
        make_article(slug=f"p{part}", title=f"Part no. {part}", series=series, part=part)
    other = make_article(slug="other", title="Another text")
    other.tags.add(Tag.objects.create(slug="fc", name="Fibre Channel", aliases=["fibre"]))
    page = as_stranger.get("/kb/?series=npiv").content.decode()
    assert page.index("Part no. 1") < page.index("Part no. 2")
    assert "Another text" not in page
    page = as_stranger.get("/kb/?tag=fibre").content.decode()
    assert "Another text" in page
    assert "Part no. 1" not in page
    assert '<option value="fc" selected>' in page
    assert 'href="/kb/tags/fc/feed.atom"' in page
    assert '<input type="hidden" name="room" value="Knowledge base">' in page
    assert "/kb/series/npiv/</loc>" in as_stranger.get("/sitemap.xml").content.decode()


def test_a_command_that_few_name_ties_more_than_one_that_all_name() -> None:
    for slug in ("subject", "rare", "common1", "common2"):
        article = make_article(slug=slug, title=slug)
        Mention.objects.create(article=article, kind="command", name="virsh list")
        if slug in ("subject", "rare"):
            Mention.objects.create(article=article, kind="command", name="virsh nodedev-create")
    subject = Article.objects.get(slug="subject")
    refresh_surroundings(subject)
    assert [title for title, _ in subject.shown["related"]] == ["rare", "common2", "common1"]


def test_the_worker_and_the_frame_of_diagrams_have_policies_of_their_own(client: Client) -> None:
    frame = client.get("/kb/diagram.html")
    policy = dict(part.strip().partition(" ")[::2] for part in frame["Content-Security-Policy"].split(";"))
    assert policy["sandbox"] == "allow-scripts"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert "connect-src" not in policy
    assert frame["X-Frame-Options"] == "SAMEORIGIN"
    worker = client.get("/kb/worker.js")
    assert worker["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in worker


class _Page(HTMLParser):
    """What of a page could run, beside the files of the portal itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.data: list[str] = []
        self._is_data = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        is_ours = tag == "script" and (
            found.get("src", "").startswith("/static/") or found.get("type") == "application/ld+json"
        )
        self._is_data = tag == "script" and "src" not in found
        if tag in ("script", "iframe", "object", "embed", "base", "svg-hit") and not is_ours:
            self.wrong.append(f"<{tag} {attrs}>")
        self.wrong += [f"{name}={value}" for name, value in attrs if name.startswith("on") or name == "style"]
        if found.get("href", "").strip().lower().startswith(("javascript:", "data:", "vbscript:")):
            self.wrong.append(found["href"])

    def handle_data(self, data: str) -> None:
        if self._is_data:
            self.data.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._is_data = False


@pytest.mark.parametrize("payload", HOSTILE)
def test_nothing_hostile_runs_wherever_an_article_is_shown(as_stranger: Client, payload: str) -> None:
    word = payload.replace("\x00", "").replace("\n", " ")
    whole_article("one", word)
    whole_article("two", word, content=f"[{word}](/kb/one/)")
    Series.objects.update(slug="s")
    tag = Tag.objects.get()
    refresh_surroundings(Article.objects.get(slug="one"))
    places = ["/kb/one/", "/kb/two/", "/kb/", "/kb/series/s/", f"/kb/?tag={tag.slug}", "/", "/search/?q=one"]
    for address in places:
        page = _Page(as_stranger.get(address).content.decode())
        assert page.wrong == [], address
        for data in page.data:
            json.loads(data)
    shown = as_stranger.get("/kb/one/").content.decode()
    og = re.findall(r'<meta\s+property="og:title"\s+content="([^"]*)"', shown)
    assert [unescape(one) for one in og] == [Article.objects.get(slug="one").title]
    for feed in ("/kb/feed.atom", f"/kb/tags/{tag.slug}/feed.atom"):
        root = ElementTree.fromstring(as_stranger.get(feed).content)  # noqa: S314  (our own feed)
        for content in root.iter("{http://www.w3.org/2005/Atom}content"):
            assert _Page(content.text or "").wrong == []
    read = as_stranger.get("/api/v1/articles/one")
    assert read["Content-Type"].startswith("application/json")
    assert _Page(read.json()["html"]).wrong == []
    assert as_stranger.get("/kb/one.md")["Content-Type"].startswith("text/markdown")
