"""Texts that were there before articles were documents keep every word, on the way forth and on the way back."""

import datetime as dt
from collections.abc import Iterator

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from kb.models import Article, Revision
from portal.accounts.models import User
from portal.tests.factories import make_user

FIRST = "0001_initial"
THEN = dt.datetime(2026, 11, 1, 12, 0, tzinfo=dt.UTC)


def migrate(name: str = "") -> Apps:
    """Bring the room's tables to the migration ``name``, or to today's; the models as they were then."""
    executor = MigrationExecutor(connection)
    goals = [("kb", name)] if name else executor.loader.graph.leaf_nodes("kb")
    executor.migrate(goals)
    return MigrationExecutor(connection).loader.project_state(goals).apps


@pytest.fixture
def old_apps(transactional_db: None) -> Iterator[Apps]:
    """The tables of the first release; those of today afterwards, whatever happens."""
    try:
        yield migrate(FIRST)
    finally:
        migrate()


def old_article(apps: Apps, author: User, slug: str, state: str, content: str) -> None:
    article = apps.get_model("kb", "Article").objects.create(
        slug=slug, title=f"Of {slug}", summary="In short.", kind="how-to", owner_id=author.pk
    )
    for name in ("Storage", "npiv"):
        tag, _ = apps.get_model("kb", "Tag").objects.get_or_create(slug=name.lower(), defaults={"name": name})
        article.tags.add(tag)
    apps.get_model("kb", "AppliesTo").objects.create(article=article, component="qemu", minimum="5.2")
    apps.get_model("kb", "Revision").objects.create(
        article=article, author_id=author.pk, state=state, content=content, created_at=THEN
    )


def test_old_texts_become_documents_and_go_back_as_they_were(old_apps: Apps) -> None:
    author = make_user()
    old_article(old_apps, author, "a", "approved", "one\r\ntwo \n\n")
    old_article(old_apps, author, "b", "draft", "by hand")
    old_article(old_apps, author, "c", "rejected", "")
    migrate()
    first, second, third = Revision.objects.select_related("article").order_by("article__slug")
    assert (first.state, second.state, third.state) == ("approved", "submitted", "rejected")
    assert (first.reviewed_at, second.reviewed_at, third.reviewed_at) == (THEN, None, THEN)
    document = first.document
    assert (document.title, document.abstract, document.kind) == ("Of a", "In short.", "how-to")
    assert (document.content, document.tags) == ("one\ntwo\n", ("npiv", "Storage"))
    assert [(one.component, one.minimum, one.maximum) for one in document.applies_to] == [("qemu", "5.2", "")]
    for revision in (first, second, third):
        assert revision.sha == revision.document.sha == revision.document.normalised().sha
    Article.objects.filter(slug="a").update(current=first, status="published", published_at=THEN)
    for state, at in (("merged", THEN), ("withdrawn", None)):  # which the first release does not know
        article = Article.objects.create(slug=state, title=state)
        Revision.objects.create(article=article, state=state, content=state, reviewed_at=at, sha=state)

    back = migrate(FIRST)
    rows = back.get_model("kb", "Revision").objects.order_by("article__slug")
    assert [(row.content, row.state) for row in rows] == [
        *(("one\ntwo\n", "approved"), ("by hand\n", "submitted"), ("", "rejected")),
        *(("merged", "rejected"), ("withdrawn", "draft")),
    ]
    assert [row.author_id for row in rows] == [author.pk] * 3 + [None] * 2
    article = back.get_model("kb", "Article").objects.get(slug="a")
    assert (article.title, article.current_id) == ("Of a", first.pk)
    assert sorted(tag.name for tag in article.tags.all()) == ["Storage", "npiv"]

    migrate()
    again = Revision.objects.order_by("article__slug")
    assert [one.sha for one in again[:3]] == [first.sha, second.sha, third.sha]
    assert [one.state for one in again[3:]] == ["rejected", "submitted"]
