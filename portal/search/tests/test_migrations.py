"""What was indexed before titles had an index of their own is found as before, on the way forth and on the way back."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal.search import registry, services
from portal.search.queries import search
from portal.search.registry import Entry, Source


def migrate(name: str) -> None:
    MigrationExecutor(connection).migrate([("search", name)])


@pytest.mark.django_db(transaction=True)
def test_the_index_goes_back_and_forth_with_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_sources", {})
    entry = Entry("1", "Unmistakable title", "/one/", "plain words of virtio-net-pci")
    registry.register(Source("one", "One", lambda: iter([entry]), lambda key: None))
    services.reconcile("one")
    try:
        migrate("0002_search_index")
    finally:
        migrate("0005_rooms_in_the_index")
    for words in ("unmistakable", "virtio-net"):
        assert [result.url for result in search(words).results] == ["/one/"]
