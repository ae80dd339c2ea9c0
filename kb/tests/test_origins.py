"""What is said of texts without an author: that they came with the portal, in a file, or of somebody who left."""

import importlib
from html import unescape

import pytest
from django.apps import apps
from django.core.management import call_command
from django.test import Client

from kb.bundles import Bundle, read_zip, write_zip
from kb.models import Article, Revision
from kb.services.transfer import export_bundle, import_bundle
from kb.tests.factories import NOW, make_article, publish_text
from kb.tests.review_factories import make_reviewer, submit
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
LEFT, PORTAL, FILE = "by somebody who left", "by the portal", "imported from a file"


def text(client: Client, address: str) -> str:
    """The page's text, its white space evened out."""
    response = client.get(address)
    assert response.status_code == 200
    return unescape(" ".join(response.content.decode().split()))


@pytest.fixture
def as_reviewer() -> Client:
    client = Client()
    client.force_login(make_reviewer())
    return client


def test_starting_content_is_the_portals_and_a_file_is_a_file() -> None:
    call_command("load_starting_content", verbosity=0)
    assert {one.byline for one in Revision.objects.all()} == {PORTAL}
    exported = read_zip(write_zip(export_bundle(Article.objects.published())))
    slug = sorted(exported.articles)[0]
    changed = exported.articles[slug] + "\nAnd more.\n"
    import_bundle(bundle=Bundle(articles={slug: changed}), author=None, at=NOW)
    current = Article.objects.select_related("current").get(slug=slug).current
    assert current is not None
    assert current.byline == FILE


@pytest.mark.parametrize(("origin", "words"), [("portal", PORTAL), ("file", FILE), ("member", LEFT)])
def test_review_queue_page_dashboards_and_history_say_whose_a_text_is(
    as_reviewer: Client, as_stranger: Client, origin: str, words: str
) -> None:
    article = make_article(None, slug="one", title="One")
    shown = publish_text(article, "Words.", origin=origin)
    waiting = submit(None, "Other words.", article)
    Revision.objects.filter(pk=waiting.pk).update(origin=origin)
    others = {LEFT, PORTAL, FILE} - {words}
    for address in ("review/", f"review/{waiting.pk}/", f"review/{shown.pk}/", "dashboards/", "one/history/"):
        page = text(as_reviewer, f"/kb/{address}")
        assert words in page, address
        assert not [other for other in others if other in page], address
    assert words in text(as_stranger, "/kb/one/history/")


def test_a_name_comes_first_whatever_the_origin_and_goes_with_its_member() -> None:
    writer = make_user(display_name="Meera")
    article = make_article(None)
    revision = publish_text(article, "Words.", author=writer)
    assert revision.byline == "by Meera"
    User.objects.filter(pk=writer.pk).delete()
    revision = Revision.objects.get(pk=revision.pk)
    assert revision.byline == LEFT


def test_the_migration_knows_the_portals_own_words_from_those_of_members_who_left() -> None:
    article = make_article(None)
    reviewer = make_reviewer()
    for summary in ("First version.", "Imported from a file.", "Mended."):
        publish_text(article, f"Text {summary}", summary=summary)
    publish_text(article, "Reviewed.", summary="First version.", reviewer=reviewer)
    publish_text(article, "Of a member.", summary="First version.", author=make_user())
    migration = importlib.import_module("kb.migrations.0010_origins")
    migration.note_origins(apps, None)
    origins = list(Revision.objects.order_by("pk").values_list("origin", flat=True))
    assert origins == ["portal", "file", "member", "member", "member"]
