"""What stands around an article: series, related articles, contributors; and that it is stored, and kept in step."""

import datetime as dt
import json
import re
from xml.etree import ElementTree

import pytest
from django.test import Client

from kb.models import Article, Mention, Series, SlugRedirect, Tag
from kb.services.surroundings import refresh_all_surroundings, refresh_surroundings
from kb.tests.factories import NOW, make_article, publish_text
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def tagged(slug: str, *tags: str, content: str = "Words.") -> Article:
    """A published article with these tags."""
    article = make_article(None, slug=slug, title=slug.capitalize())
    for name in tags:
        article.tags.add(Tag.objects.get_or_create(slug=name, defaults={"name": name})[0])
    publish_text(article, content)
    return article


def related(slug: str) -> list[str]:
    """The titles that the stored surroundings of an article name."""
    return [title for title, _ in Article.objects.get(slug=slug).shown["related"]]


def test_related_articles_are_the_nearest_by_tags_links_and_names_and_are_told_of_each_other() -> None:
    tagged("common", "storage")
    tagged("rare", "storage", "npiv")
    tagged("linking", content="See [it](/kb/subject/#s-one).")
    tagged("stranger", "graphics")
    tagged("subject", "storage", "npiv")
    assert related("subject") == ["Rare", "Linking", "Common"]
    assert related("rare")[0] == "Subject"
    assert related("stranger") == []
    for slug in ("subject", "stranger"):
        Mention.objects.create(article=Article.objects.get(slug=slug), kind="device", name="virtio-gpu")
    refresh_surroundings(Article.objects.get(slug="subject"))
    assert "Stranger" in related("subject")


def test_what_readers_do_not_see_is_related_to_nothing() -> None:
    tagged("one", "a")
    tagged("two", "a")
    Article.objects.filter(slug="two").update(status="archived")
    assert refresh_all_surroundings() == 1
    assert related("one") == []
    Article.objects.filter(slug="two").update(status="published", deleted_at=NOW)
    refresh_all_surroundings()
    assert related("one") == []


def test_parts_of_a_series_lead_to_one_another(as_stranger: Client) -> None:
    series = Series.objects.create(slug="npiv", title="NPIV")
    for part in (2, 1, 3):
        make_article(slug=f"part-{part}", title=f"Part <{part}>", series=series, part=part)
    page = " ".join(as_stranger.get("/kb/part-2/").content.decode().split())
    assert 'Part 2 of 3 of <a href="/kb/series/npiv/" >NPIV</a>' in page
    assert 'href="/kb/part-1/" rel="prev">Before: Part &lt;1&gt;</a>' in page
    assert 'href="/kb/part-3/" rel="next">Next: Part &lt;3&gt;</a>' in page
    listed = as_stranger.get("/kb/series/npiv/").content.decode()
    assert re.findall(r"\d\. Part &lt;\d", listed) == ["1. Part &lt;1", "2. Part &lt;2", "3. Part &lt;3"]
    assert as_stranger.get("/kb/series/none/").status_code == 404
    Article.objects.update(status="draft", published_at=None)
    assert as_stranger.get("/kb/series/npiv/").status_code == 404


def test_contributors_are_those_whose_text_was_approved_and_vanish_with_their_account(
    as_stranger: Client,
) -> None:
    article = make_article(slug="one")
    asha = make_user(display_name="Asha")
    publish_text(article, "By Asha.", author=asha)
    assert "by Asha<" in as_stranger.get("/kb/one/").content.decode().replace("</span>", "<")
    publish_text(article, "By Bela.", author=make_user(display_name="Bela"))
    page = as_stranger.get("/kb/one/").content.decode()
    assert 'title="Asha, Bela"' in page
    assert "2 contributors" in page
    asha.delete()
    assert "Asha" not in as_stranger.get("/kb/one/").content.decode()


def test_an_old_address_leads_to_the_new_one_for_readers_of_what_is_published(as_stranger: Client) -> None:
    article = make_article(slug="new-name")
    SlugRedirect.objects.create(slug="old-name", article=article)
    for end in ("/", ".md", ".zip", "/questions/", "/did-it-work/"):
        old, new = f"/kb/old-name{end}", f"/kb/new-name{end}"
        response = as_stranger.get(old)
        assert (response.status_code, response.headers["Location"]) == (301, new)
    Article.objects.update(status="archived")
    assert as_stranger.get("/kb/old-name/").status_code == 404


def test_a_visitor_who_has_the_page_is_sent_nothing(as_stranger: Client) -> None:
    article = make_article("One.", slug="one")
    for address in ("/kb/one/", "/kb/one.md", "/kb/feed.atom"):
        tag = as_stranger.get(address).headers["ETag"]
        again = as_stranger.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    publish_text(article, "Two.", at=NOW + dt.timedelta(1))
    assert as_stranger.get("/kb/feed.atom", headers={"If-None-Match": tag}).status_code == 200


def test_feeds_have_whole_articles_with_addresses_that_lead_somewhere(as_stranger: Client) -> None:
    tagged("one", "npiv", content='[In](/lab/) [section](#a) ![p](/kb/pictures/a)\n\n## A\n\n`href="/x"`')
    tagged("two", "storage")
    Tag.objects.filter(slug="npiv").update(aliases=["vhba"])
    root = ElementTree.fromstring(as_stranger.get("/kb/feed.atom").content)  # noqa: S314  (our own feed)
    assert len(root.findall(f"{ATOM}entry")) == 2
    root = ElementTree.fromstring(as_stranger.get("/kb/tags/npiv/feed.atom").content)  # noqa: S314  (our own feed)
    (entry,) = root.findall(f"{ATOM}entry")
    content = entry.findtext(f"{ATOM}content") or ""
    base = (entry.findtext(f"{ATOM}id") or "").removesuffix("/kb/one/")
    assert f'<a href="{base}/lab/"' in content
    assert f'<a href="{base}/kb/one/#s-a"' in content
    assert f'src="{base}/kb/pictures/a"' in content
    assert "href=&quot;/x&quot;" in content or 'href="/x"' in content
    assert as_stranger.get("/kb/tags/vhba/feed.atom").headers["Location"] == "/kb/tags/npiv/feed.atom"
    assert as_stranger.get("/kb/tags/none/feed.atom").status_code == 404


def test_an_article_tells_machines_what_it_is_and_its_title_ends_no_script(as_stranger: Client) -> None:
    title = "</script><script>alert(1)</script>"
    make_article(slug="one", title=title, summary="Short.")
    page = as_stranger.get("/kb/one/").content.decode()
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    assert found
    data = json.loads(found[1])
    assert (data["@type"], data["headline"], data["description"]) == ("TechArticle", title, "Short.")
    assert "<script>alert" not in page
