"""The reference versions in the database: loaded once, updated when measured again."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labtools.labhost.references import Reference
from labtools.labhost.references import references as kept
from labtools.models import LabHost, Sighting
from labtools.queries.sources import default_source, sources
from labtools.services import references
from labtools.tests.lab_hosts import make_document, make_host, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def only_trixie(monkeypatch: pytest.MonkeyPatch) -> Reference:
    one = next(reference for reference in kept() if reference.slug == "debian-13")
    monkeypatch.setattr(references, "references", lambda: (one,))
    return one


def test_a_new_portal_answers_from_the_references_at_once() -> None:
    assert references.ensure_references() == [one.title for one in kept()]
    assert len(sources(None)) == 20
    assert [source.short_label for source in sources(None)][::5] == ["5.2", "7.2", "10.0", "11.1"]
    chosen = default_source(None)
    assert chosen is not None
    assert chosen.key == "debian-13:x86_64"


def test_the_second_time_costs_one_query(only_trixie: Reference) -> None:
    references.ensure_references()
    with CaptureQueriesContext(connection) as asked:
        assert references.ensure_references() == []
    assert len(asked) == 1
    host = LabHost.objects.get()
    assert (host.transport, host.is_enabled) == ("reference", False)
    assert not LabHost.objects.probed().exists()
    sighting = Sighting.objects.get()
    assert sighting.first_at == sighting.last_at == only_trixie.measured_at


def test_a_document_measured_again_becomes_the_present(only_trixie: Reference) -> None:
    host = make_host("debian-13", transport="reference")
    record(host, make_document(version="10.0.2"), at=datetime(2026, 1, 1, tzinfo=UTC))
    assert references.ensure_references() == [only_trixie.title]
    host = LabHost.objects.select_related("current").get()
    assert host.current
    assert host.current.snapshot_id == only_trixie.content_hash
    assert host.current.changes


def test_a_host_of_staff_that_took_the_name_is_left_alone(only_trixie: Reference) -> None:
    make_host("debian-13", transport="local")
    assert references.ensure_references() == []
    assert not Sighting.objects.exists()
