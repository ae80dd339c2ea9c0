"""Publishing: rendered once, stored, safe to run twice."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from kb import rendering
from kb.models import Article, Revision
from kb.services import rerender_outdated
from kb.tests.factories import NOW, make_article, publish_text
from portal.accounts.models import User

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(days=1)


def test_publishing_stores_what_readers_get(owner: User) -> None:
    article = make_article(None)
    revision = publish_text(
        article, "## One\n\nword " + "word " * 599, author=owner, at=NOW, summary="First."
    )
    stored = Article.objects.get()
    assert (stored.status, stored.published_at, stored.current) == ("published", NOW, revision)
    assert stored.html.startswith('<h2 id="s-one">One')
    assert stored.toc == [{"id": "s-one", "name": "One", "children": []}]
    assert (stored.words, stored.reading_minutes, stored.renderer) == (602, 3, rendering.VERSION)
    assert (revision.author, revision.state, revision.summary) == (owner, "approved", "First.")


def test_publishing_the_same_text_again_changes_nothing() -> None:
    article = make_article("text")
    before = Article.objects.values().get()
    publish_text(article, "text", author=None, at=LATER)
    assert Revision.objects.count() == 1
    assert Article.objects.values().get() == before


def test_another_text_becomes_another_revision_based_on_the_last() -> None:
    article = make_article("old")
    first = article.current
    second = publish_text(article, "new", author=None, at=LATER)
    stored = Article.objects.get()
    assert (second.based_on, stored.current) == (first, second)
    assert (stored.html, stored.published_at, stored.updated_at) == ("<p>new</p>", NOW, LATER)
    assert list(Revision.objects.order_by("pk").values_list("content", flat=True)) == ["old\n", "new\n"]


def test_publishing_does_not_undo_what_somebody_else_changed_meanwhile() -> None:
    article = make_article("text")
    Article.objects.update(review_due=NOW.date())
    publish_text(article, "new", author=None, at=LATER)
    assert Article.objects.get().review_due == NOW.date()


def test_articles_of_an_older_renderer_are_rendered_anew_once(monkeypatch: pytest.MonkeyPatch) -> None:
    article = make_article("text")
    make_article(None)
    assert rerender_outdated() == []
    monkeypatch.setattr(rendering, "VERSION", rendering.VERSION + 1)
    Article.objects.filter(pk=article.pk).update(html="<p>stale</p>")
    assert rerender_outdated() == [article]
    article.refresh_from_db()
    assert (article.html, article.renderer) == ("<p>text</p>", rendering.VERSION)
    assert rerender_outdated() == []


def test_published_article_needs_text_and_time() -> None:
    draft = make_article(None)
    for wrong in ({"status": "published"}, {"status": "published", "published_at": NOW}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Article.objects.filter(pk=draft.pk).update(**wrong)
