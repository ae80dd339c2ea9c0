"""Live blocks of the lab in articles: stored with the text, and drawn anew when the lab has something else to say."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kb.models import Article, LiveBlock
from kb.services.storing import redraw_blocks
from kb.tests.factories import make_article
from labtools.models import LabHost
from labtools.tests.lab_hosts import AT, make_document, make_document_json, make_seen_host, record

pytestmark = pytest.mark.django_db


def shown(client: Client) -> str:
    """The text of the one article as a reader gets it."""
    return " ".join(client.get("/kb/one/").content.decode().split())


def test_a_block_is_stored_and_follows_the_lab(as_stranger: Client) -> None:
    host = make_seen_host("pune-1", name="Pune one")
    make_article("Before\n\n{{ qemu-device virtio-net-pci }}\n\n{{ no-such-block x }}", slug="one")
    make_article("No block here.", slug="two")
    assert "Pune one · QEMU 7.2.22" in shown(as_stranger)
    assert "{{ no-such-block x }}" in shown(as_stranger)
    assert [str(one) for one in LiveBlock.objects.exclude(name="names")] == ["qemu-device virtio-net-pci"]
    with CaptureQueriesContext(connection) as captured:
        assert redraw_blocks() == []
    assert len(captured) <= 4

    record(host, make_document(make_document_json("10.0.13")), AT)
    assert Article.objects.get(slug="one") in redraw_blocks()
    assert "Pune one · QEMU 10.0.13" in shown(as_stranger)
    assert redraw_blocks() == []

    LabHost.objects.update(visibility="private")
    assert Article.objects.get(slug="one") in redraw_blocks()
    assert "Pune one" not in shown(as_stranger)
    assert "The lab has no answers yet." in shown(as_stranger)


def test_the_search_does_not_find_an_article_by_what_the_lab_says_in_it() -> None:
    from kb.search import plain_text

    make_seen_host("pune-1")
    article = make_article("Before\n\n{{ qemu-device virtio-net-pci }}\n\nAfter", slug="one")
    assert plain_text(article.html) == "Before After"
