"""The pages of the room, each as three persons."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kb.models import AppliesTo, Article, Revision, Series, Tag
from kb.services.surroundings import refresh_surroundings
from kb.tests.factories import NOW, make_article, publish_text
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db


def text(client: Client, address: str) -> str:
    """The page at ``address``, its white space evened out."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def queries(client: Client, address: str) -> int:
    """How many queries the page at ``address`` takes."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def make_tagged_article(slug: str, **fields: object) -> Article:
    """An article with two tags and two versions."""
    article = make_article(None, slug=slug, **fields)
    for name in ("storage", "qcow2"):
        article.tags.add(Tag.objects.get_or_create(slug=name, defaults={"name": name})[0])
    AppliesTo.objects.create(article=article, component="qemu", minimum="5.2")
    AppliesTo.objects.create(article=article, component="libvirt", minimum="7.0", maximum="9.0")
    publish_text(article, "## One\n\n### Two\n")
    return article


def test_article_page_has_text_contents_versions_and_reading_time(as_stranger: Client) -> None:
    make_tagged_article("one", title="One & only", reviewed_at=dt.date(2026, 11, 22))
    page = text(as_stranger, "/kb/one/")
    assert '<h2 id="s-one">One' in page
    assert '<a href="#s-one">One</a>' in page
    assert '<a href="#s-two">Two</a>' in page
    assert "libvirt 7.0 to 9.0" in page
    assert "QEMU 5.2 and later" in page
    assert "1 min to read" in page
    assert re.search('<time datetime="2026-11-22" ?>22 November 2026</time>', page)
    assert "<h1>One &amp; only</h1>" in page
    assert "due for another look" not in page


def test_article_that_is_due_for_review_says_so(as_stranger: Client) -> None:
    make_article(slug="old", review_due=timezone.localdate())
    assert "due for another look" in text(as_stranger, "/kb/old/")


def test_article_page_takes_at_most_three_queries_whatever_hangs_on_it(as_stranger: Client) -> None:
    article = make_tagged_article("one")
    assert queries(as_stranger, "/kb/one/") == 2
    series = Series.objects.create(slug="s", title="S")
    for number in range(3):
        article.tags.add(Tag.objects.create(slug=f"t{number}", name=f"T{number}"))
        AppliesTo.objects.create(article=article, component="xen", minimum=str(number))
        make_article("[One](/kb/one/)", series=series, part=number)
        publish_text(article, f"{number}", author=make_user())
    assert queries(as_stranger, "/kb/one/") == 2


def test_article_is_not_rendered_when_it_is_read(
    as_stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_article("text", slug="one")

    def fail(markdown: str) -> None:
        raise AssertionError("rendered on a read")

    monkeypatch.setattr("kb.rendering.render", fail)
    text(as_stranger, "/kb/one/")
    text(as_stranger, "/kb/")


@pytest.mark.parametrize("address", ["/kb/", "/"])
def test_lists_take_as_many_queries_for_three_as_for_one(as_stranger: Client, address: str) -> None:
    make_tagged_article("a")
    one = queries(as_stranger, address)
    make_tagged_article("b")
    make_tagged_article("c")
    assert queries(as_stranger, address) == one <= 5


def test_drafts_and_archived_articles_are_there_for_owner_and_staff_alone(
    as_owner: Client, as_member: Client, as_stranger: Client, owner: User, member: User
) -> None:
    make_article(slug="secret", title="Secret draft", owner=owner)
    for status in ("draft", "archived"):
        Article.objects.update(status=status)
        for client, seen in ((as_owner, True), (as_member, False), (as_stranger, False)):
            for address in ("/kb/secret/", "/kb/secret.md"):
                assert client.get(address).status_code == (200 if seen else 404)
            assert ("Secret draft" in text(client, "/kb/")) is seen
        assert "readers do not see it" in text(as_owner, "/kb/secret/")
        assert "Secret draft" not in text(as_owner, "/")
        assert "secret" not in text(as_stranger, "/sitemap.xml")
    User.objects.filter(pk=member.pk).update(is_staff=True)
    assert as_member.get("/kb/secret/").status_code == 200


def test_draft_without_text_has_a_page_for_its_owner_but_no_markdown(as_owner: Client, owner: User) -> None:
    make_article(None, slug="empty", owner=owner)
    assert as_owner.get("/kb/empty/").status_code == 200
    assert as_owner.get("/kb/empty.md").status_code == 404


def test_list_is_newest_first_and_narrows_by_kind_and_subject(as_stranger: Client) -> None:
    make_tagged_article("older", title="Older text", kind="reference")
    make_article(slug="newer", title="Newer text", at=NOW + dt.timedelta(days=1))
    page = text(as_stranger, "/kb/")
    assert page.index("Newer text") < page.index("Older text")
    for narrowed in ("/kb/?kind=reference", "/kb/?tag=qcow2", "/kb/?kind=reference&tag=storage"):
        page = text(as_stranger, narrowed)
        assert "Older text" in page
        assert "Newer text" not in page
    assert "No article matches these filters" in text(as_stranger, "/kb/?kind=trip-report")


@pytest.mark.parametrize(
    "query", ["kind=x", "tag=nothing", "page=77", "page=-1", "tag=%00", "kind=%27%22%3E"]
)
def test_list_survives_rubbish_filters(as_stranger: Client, query: str) -> None:
    make_article(title="Still here")
    assert "Still here" in text(as_stranger, f"/kb/?{query}")


def test_empty_list_says_so(as_stranger: Client) -> None:
    assert "No article yet" in text(as_stranger, "/kb/")


def test_markdown_is_what_was_written(as_stranger: Client) -> None:
    make_article("Use `--cap`.\n\n<b>raw</b> नमस्ते\n", slug="one", title="One")
    response = as_stranger.get("/kb/one.md")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Link"].endswith('/kb/one/>; rel="canonical"')
    assert response.content.decode() == "# One\n\nUse `--cap`.\n\n<b>raw</b> नमस्ते\n"


@pytest.mark.parametrize(
    "address", ["/kb/none/", "/kb/none.md", "/kb/a b/", "/kb/%00/", "/kb/..%2f..%2fetc/", f"/kb/{'x' * 500}/"]
)
def test_rubbish_addresses_are_not_found(as_stranger: Client, as_member: Client, address: str) -> None:
    assert as_stranger.get(address).status_code == 404
    assert as_member.get(address).status_code == 404


def test_pages_take_no_post(as_owner: Client) -> None:
    make_article(slug="one")
    for address in ("/kb/", "/kb/one/", "/kb/one.md"):
        assert as_owner.post(address).status_code == 405


HOSTILE = "\"><script>alert(1)</script>{{ 7|add:7 }}'"


def test_hostile_title_summary_and_tag_stay_text_wherever_they_are_shown(as_stranger: Client) -> None:
    article = make_article("x", slug="one", title=HOSTILE, summary=HOSTILE)
    article.tags.add(Tag.objects.create(slug="t", name=HOSTILE))
    for address in ("/kb/one/", "/kb/", "/"):
        page = text(as_stranger, address)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7|add:7 }}" in page


def test_hostile_heading_stays_text_in_the_contents(as_stranger: Client) -> None:
    make_article("## `<script>alert(1)</script>` <img src=x onerror=alert(1)>\n", slug="one")
    page = text(as_stranger, "/kb/one/")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2


@pytest.fixture
def as_staff() -> Client:
    client = Client()
    client.force_login(
        User.objects.create_superuser("staff@example.org"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


def test_admin_sets_owner_dates_and_status_but_no_text(as_staff: Client, owner: User) -> None:
    article = make_article("## Hello\n", title="T", slug="t")
    address = f"/admin/kb/article/{article.pk}/change/"
    page = as_staff.get(address).content.decode()
    assert "<textarea" not in page
    assert as_staff.get("/admin/kb/article/add/").status_code == 403
    form = {"owner": owner.pk, "status": "archived", "review_due": "2027-01-02", "title": "X", "slug": "x"}
    assert as_staff.post(address, form).status_code == 302
    stored = Article.objects.get()
    assert (stored.owner, stored.status, stored.review_due) == (owner, "archived", dt.date(2027, 1, 2))
    assert (stored.title, stored.slug, stored.html) == ("T", "t", article.html)
    assert stored.current == article.current


def test_admin_shows_readers_nothing_that_was_not_approved(as_staff: Client) -> None:
    article = make_article(None)
    page = as_staff.post(f"/admin/kb/article/{article.pk}/change/", {"status": "published"})
    assert "There is no approved text to show" in page.content.decode()
    assert Article.objects.get().status == "draft"


def test_staff_delete_no_history(as_staff: Client) -> None:
    revision = make_article("words").current
    assert revision is not None
    assert as_staff.post(f"/admin/kb/revision/{revision.pk}/delete/", {"post": "yes"}).status_code == 403
    act = {"action": "delete_selected", "_selected_action": [revision.pk], "post": "yes"}
    as_staff.post("/admin/kb/revision/", act)
    assert Revision.objects.filter(pk=revision.pk).exists()


def test_what_the_admin_archives_is_related_to_nothing(as_staff: Client) -> None:
    series = Series.objects.create(slug="s", title="S")
    articles = [
        make_article("words", title=f"T{n}", slug=f"t{n}", series=series, part=n + 1) for n in range(2)
    ]
    refresh_surroundings(articles[0])
    assert "/kb/t1/" in str(Article.objects.get(pk=articles[0].pk).shown)
    as_staff.post("/admin/kb/article/", {"action": "archive", "_selected_action": [articles[1].pk]})
    assert "/kb/t1/" not in str(Article.objects.get(pk=articles[0].pk).shown)


def test_search_forgets_what_the_admin_archives(as_staff: Client, as_stranger: Client) -> None:
    article = make_article("unmistakableword", title="T")
    other = make_article("unmistakableword", title="U")
    assert "unmistakableword" in text(as_stranger, "/search/?q=unmistakableword")
    as_staff.post(f"/admin/kb/article/{article.pk}/change/", {"status": "archived"})
    act = {"action": "archive", "_selected_action": [other.pk]}
    as_staff.post("/admin/kb/article/", act)
    found = as_stranger.get("/search.json?q=unmistakableword").json()
    assert found["results"] == []
