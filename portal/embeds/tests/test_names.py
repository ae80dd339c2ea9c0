"""Names of the lab in articles: links with cards, and mentions; of public hosts alone."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kb.models import Article, Mention
from kb.services.storing import redraw_blocks
from kb.tests.factories import make_article, publish_text
from labtools.models import LabHost
from labtools.tests.lab_hosts import make_document, make_document_json, make_seen_host

pytestmark = pytest.mark.django_db
TEXT = (
    "Use `virtio-net-pci`, `virtio-blk.scsi`, `q35`, `-cpu qemu64`, but `pc`, `no-such-device-1` and `host`.\n\n"
    "## About `virtio-net-pci`\n\n[`virtio-net-pci`](/lab/)\n\n"
    "```console\n$ qemu-system-x86_64 -M pc -device virtio-net,rss=on,nosuch=1\n$ virsh list\n```\n"
)


def mentions() -> set[tuple[str, str]]:
    """Kind and name of everything that is kept."""
    return set(Mention.objects.values_list("kind", "name"))


def links(article: Article) -> dict[str, str]:
    """Where the names in the stored text lead, by their code."""
    found = re.findall(
        r'<a class="lab-name" href="([^"]*)" data-card="[^"]*"><code>([^<]*)</code></a>', article.html
    )
    return {code: address for address, code in found}


def test_names_lead_to_their_pages_and_are_remembered() -> None:
    make_seen_host("pune-1")
    article = make_article(TEXT)
    assert links(article) == {
        "virtio-net-pci": "/lab/devices/virtio-net-pci/",
        "virtio-blk.scsi": "/lab/devices/virtio-blk-pci/#option-scsi",
        "q35": "/lab/machines/q35/",
        "-cpu qemu64": "/lab/cpus/qemu64/",
    }
    assert article.html.count("lab-name") == 4  # neither in the heading nor in the link
    assert mentions() == {
        ("device", "virtio-net-pci"),
        ("option", "virtio-blk-pci.scsi"),
        ("option", "virtio-net-pci.rss"),
        ("machine", "q35"),
        ("machine", "pc"),
        ("cpu", "qemu64"),
        ("command", "qemu-system-x86_64"),
        ("command", "virsh"),
    }
    publish_text(article, "Nothing more.")
    assert mentions() == set()


def test_what_only_a_private_host_knows_is_no_name() -> None:
    host = make_seen_host("secret-1", visibility="private")
    article = make_article(TEXT)
    assert "lab-name" not in article.html
    assert mentions() == {("command", "qemu-system-x86_64"), ("command", "virsh")}
    LabHost.objects.filter(pk=host.pk).update(visibility="public")
    assert redraw_blocks() == [article]
    article.refresh_from_db()
    assert "q35" in links(article)
    assert ("machine", "q35") in mentions()
    LabHost.objects.filter(pk=host.pk).update(visibility="private")
    redraw_blocks()
    article.refresh_from_db()
    assert "lab-name" not in article.html
    assert ("machine", "q35") in mentions()  # that it is gone is what it is kept for


def test_names_cost_the_same_however_many_there_are() -> None:
    make_seen_host("pune-1")
    counts = []
    for text in ("`virtio-net-pci.rss`", TEXT + "`virtio-blk-pci` `virtio-gpu-gl-pci` `pc-i440fx-1.4`"):
        article = make_article(text)
        with CaptureQueriesContext(connection) as captured:
            from kb.live_parts import live_parts
            from kb.rendering import render

            assert article.current is not None
            render(article.current.content, live_parts())
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 7


@pytest.mark.parametrize(
    "forged",
    [
        '[x](/lab/){: .lab-name data-card="/kb/" }',
        "`x`{: .lab-name .live-block }",
        "`virtio-net-pci`{: onclick=alert(1) }",
        "`<img src=x onerror=alert(1)>`",
    ],
)
def test_authors_forge_no_names(forged: str) -> None:
    make_seen_host("pune-1")
    html = make_article(forged).html
    assert "<img" not in html
    assert "onclick" not in html
    assert "data-card" not in html.replace(' data-card="/lab/cards/device/virtio-net-pci/"', "")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (
            "device/virtio-net-pci",
            ["Device type", "A virtual network adapter", "Network", "On Pune one (QEMU 7.2.22)"],
        ),
        ("option/virtio-net-pci.rss", ["Option", "bool", "off", "Not on Old (QEMU 5.2)"]),
        ("machine/q35", ["Machine type", "255"]),
        ("machine/pc", ["Stands for", "pc-i440fx-7.2"]),
        ("cpu/Skylake-Client", ["CPU model", "lacks 2 features", "not known"]),
    ],
)
def test_a_card_says_what_a_name_is_and_where(as_stranger: Client, address: str, says: list[str]) -> None:
    make_seen_host("pune-1", name="Pune one")
    raw = make_document_json("5.2")
    raw["qemu"][0]["devices"][2]["properties"] = [{"name": "mac", "type": "str"}]
    make_seen_host("old", make_document(raw), name="Old", position=200)
    response = as_stranger.get(f"/lab/cards/{address}/")
    assert response.status_code == 200
    text = " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())
    assert [one for one in says if one not in text] == []


def test_a_card_tells_of_public_hosts_alone_whoever_asks(as_owner: Client, as_stranger: Client) -> None:
    make_seen_host("secret-1", visibility="private")
    for client in (as_owner, as_stranger):
        assert client.get("/lab/cards/device/virtio-net-pci/").status_code == 404
    make_seen_host("pune-1", name="<b>Pune")
    html = as_stranger.get("/lab/cards/device/virtio-net-pci/").content.decode()
    assert "&lt;b&gt;Pune" in html
    assert "secret-1" not in html
    assert as_stranger.get("/lab/cards/nothing/virtio-net-pci/").status_code == 404
    assert as_stranger.get(f"/lab/cards/option/{'x' * 500}/").status_code == 404
