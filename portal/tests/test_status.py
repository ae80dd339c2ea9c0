"""The status page: the facts of ``/readyz`` for people."""

import pytest
from django.conf import settings
from django.test import Client

from portal import health

pytestmark = pytest.mark.django_db


def page(client: Client) -> str:
    """The status page, its white space evened out."""
    response = client.get("/status/")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def all_but(*names: str) -> dict[str, bool]:
    return {name: name not in names for name in health.PARTS}


def test_every_part_has_its_words() -> None:
    assert list(health.readiness()) == list(health.PARTS)
    assert list(health.PARTS) == [
        "database",
        "broker",
        *(f"worker:{name}" for name in settings.WORKER_QUEUES),
    ]


def test_it_says_in_a_word_that_all_is_well(as_stranger: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "readiness", all_but)
    text = page(as_stranger)
    assert "Everything is running</h1>" in text
    assert (text.count(">running<"), text.count(">no answer<")) == (len(health.PARTS), 0)


def test_it_says_what_is_missing_and_what_that_means(
    as_stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "readiness", lambda: all_but("worker:images"))
    text = page(as_stranger)
    assert "One part does not answer" in text
    assert "<strong>Images are accepted and wait for their check.</strong>" in text
    assert "Mail waits" not in text
    monkeypatch.setattr(health, "readiness", lambda: all_but("worker:images", "worker:mail"))
    assert "2 parts do not answer" in page(as_stranger)


def test_footer_leads_to_it(as_stranger: Client) -> None:
    assert 'href="/status/">Status</a>' in as_stranger.get("/").content.decode()
