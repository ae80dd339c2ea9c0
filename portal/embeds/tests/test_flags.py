"""Articles that name what a lab host has lost: flagged once, told once a day, settled with a word, never edited."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kb.models import AppliesTo, Article, Flag, Mention, Watch
from kb.services.flags import FlagRefused, raise_flags, settle_flag
from kb.services.storing import redraw_blocks
from kb.tests.factories import make_article, publish_text
from labtools.labhost.document import parse_document
from labtools.labhost.references import references
from labtools.models import LabHost
from labtools.services.hosts import change_host
from labtools.services.snapshots import record_document
from labtools.tests.lab_hosts import AT, device, make_document, make_document_json, make_seen_host, record
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
BEFORE, LATER = AT - DAY, AT + DAY
TEXT = "Give `virtio-blk-pci.scsi` to `virtio-gpu-gl-pci` on `pc-i440fx-1.4`, `-machine q35`, `-cpu qemu64`."


def upgraded() -> dict[str, Any]:
    """What a host with QEMU 10.0.13 says, which lacks an option, a device type and a CPU model, and deprecates q35."""
    raw = make_document_json("10.0.13")
    qemu: dict[str, Any] = raw["qemu"][0]
    qemu["devices"][0]["properties"] = [{"name": "drive", "type": "str"}]
    qemu["devices"][1] = device("virtio-gpu-new", alias="virtio-gpu-gl-pci", group="Display")
    qemu["devices"].sort(key=lambda one: one["name"])
    next(one for one in qemu["machines"] if one["name"] == "q35")["deprecated"] = True
    qemu["accelerators"]["tcg"]["cpus"].pop()
    return raw


def upgrade(host: LabHost, at: dt.datetime = LATER) -> None:
    """The host answers as :func:`upgraded` says."""
    record(host, make_document(upgraded()), at)


def mails() -> list[tuple[str, str]]:
    """To whom, and the text, in order."""
    return list(OutboxMessage.objects.order_by("pk").values_list("to_email", "text_body"))


def test_what_is_gone_deprecated_or_renamed_is_flagged_once(owner: User, as_stranger: Client) -> None:
    host = make_seen_host("pune-1", name="Pune one")
    article = make_article(TEXT, slug="one", owner=owner, at=BEFORE)
    Watch.objects.create(article=article, user=make_user("watcher@example.org"))
    assert raise_flags(at=LATER) == []
    upgrade(host)
    redraw_blocks()  # whichever task is first
    assert {flag.sentence for flag in raise_flags(at=LATER)} == {
        "The option scsi of virtio-blk-pci is gone on pune-1: QEMU 7.2.22 to 10.0.13.",
        "The device type virtio-gpu-gl-pci is called virtio-gpu-new on pune-1: QEMU 7.2.22 to 10.0.13.",
        "The machine type q35 is deprecated on pune-1: QEMU 7.2.22 to 10.0.13.",
        "The CPU model qemu64 is gone on pune-1: QEMU 7.2.22 to 10.0.13.",
    }
    article.refresh_from_db()
    assert article.current is not None
    assert article.current.content == TEXT + "\n"
    told = mails()
    assert [to for to, _ in told] == ["owner@example.org", "watcher@example.org"]
    assert all(text.count("\n- ") == 4 for _, text in told)
    assert "You keep it true" in told[0][1]
    assert "You keep it true" not in told[1][1]
    page = as_stranger.get("/kb/one/").content.decode()
    assert page.count("on pune-1: QEMU 7.2.22 to 10.0.13.") == 4
    assert '<time datetime="2026-11-21">21 November 2026</time>' in " ".join(page.split())
    assert "Settle" not in page

    assert raise_flags(at=LATER + 2 * DAY) == []
    assert len(mails()) == 2


def test_no_storm_of_mails(owner: User) -> None:
    host = make_seen_host("pune-1")
    make_article(TEXT, owner=owner, at=BEFORE)
    upgrade(host)
    raise_flags(at=LATER)
    record(host, make_document(make_document_json("10.1")), LATER)
    raw = make_document_json("10.2")
    raw["qemu"][0]["machines"] = raw["qemu"][0]["machines"][1:]
    raw["qemu"][0]["devices"] = raw["qemu"][0]["devices"][2:]
    record(host, make_document(raw), LATER)
    assert raise_flags(at=LATER + DAY / 2) != []
    assert len(mails()) == 1
    raise_flags(at=LATER + DAY * 1.1)
    raise_flags(at=LATER + DAY * 1.2)
    assert len(mails()) == 2  # what came meanwhile, in one


def test_texts_that_know_of_it_or_speak_of_older_versions_are_left_alone() -> None:
    host = make_seen_host("pune-1")
    approved_since = make_article(TEXT, slug="since", at=LATER + DAY)
    of_old = make_article(None, slug="old")
    AppliesTo.objects.create(article=of_old, component="qemu", minimum="5.2", maximum="8.0")
    publish_text(of_old, TEXT, at=BEFORE)
    draft = make_article(TEXT, slug="draft", at=BEFORE)
    Article.objects.filter(pk=draft.pk).update(status=Article.Status.ARCHIVED)
    upgrade(host)
    assert raise_flags(at=LATER) == []
    AppliesTo.objects.filter(article=of_old).update(maximum="10")
    assert {flag.article for flag in raise_flags(at=LATER)} == {of_old}
    assert approved_since.flags.count() == 0


def test_a_flag_goes_with_its_ground(as_stranger: Client) -> None:
    host = make_seen_host("secret-2", name="Secret two")
    article = make_article(TEXT, slug="one", at=BEFORE)
    upgrade(host)
    assert raise_flags(at=LATER) != []
    LabHost.objects.update(visibility="private")
    raise_flags(at=LATER)
    assert Flag.objects.filter(settled_at=None).count() == 0
    assert "secret-2" not in as_stranger.get("/kb/one/").content.decode()
    LabHost.objects.update(visibility="public")
    assert raise_flags(at=LATER) == []  # no news
    assert Flag.objects.filter(settled_at=None).count() == 4
    publish_text(article, "Nothing of it.", at=LATER)
    raise_flags(at=LATER)
    assert Flag.objects.filter(settled_at=None).count() == 0


def test_hiding_a_host_reaches_articles_with_the_commit() -> None:
    from django.utils import timezone

    host = make_seen_host("pune-1", transport="local")
    staff = make_user("staff@example.org", is_staff=True)
    host.visibility = LabHost.Visibility.PRIVATE
    sent: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("portal.embeds.changes.send_on_commit", lambda name: sent.append(name))
        change_host(person=staff, host=host, at=timezone.now())
    assert sent == ["kb.tasks.redraw_blocks", "kb.tasks.raise_flags"]


def test_owner_and_reviewers_settle_with_a_word(owner: User, member: User) -> None:
    host = make_seen_host("pune-1")
    article = make_article(TEXT, slug="one", owner=owner, at=BEFORE)
    upgrade(host)
    flag = raise_flags(at=LATER)[0]
    for person, how in ((member, "So what"), (owner, "  ")):
        with pytest.raises(FlagRefused):
            settle_flag(flag=flag, by=person, how=how, at=LATER)
    assert settle_flag(flag=flag, by=owner, how="The text says so", at=LATER)
    assert not settle_flag(flag=flag, by=owner, how="Again", at=LATER)
    flag.refresh_from_db()
    assert flag.settled_how == "The text says so"
    article.refresh_from_db()
    assert flag.pk not in [pk for pk, *_ in article.shown["flags"]]
    assert raise_flags(at=LATER + DAY) == []  # it stays settled


def test_settling_is_for_owner_and_reviewers_on_the_page(
    owner: User, as_owner: Client, as_member: Client, as_stranger: Client
) -> None:
    host = make_seen_host("pune-1")
    make_article(TEXT, slug="one", owner=owner, at=BEFORE)
    upgrade(host)
    flag = raise_flags(at=LATER)[0]
    address = f"/kb/one/flags/{flag.pk}/settle/"
    assert "Settle it" in as_owner.get("/kb/one/").content.decode()
    for client in (as_member, as_stranger):
        assert "Settle it" not in client.get("/kb/one/").content.decode()
        assert client.post(address, {"how": "x"}).status_code == 404
    assert as_owner.post(address, {"how": "<b>Known</b>"}).status_code == 302
    flag.refresh_from_db()
    assert flag.settled_at is not None
    assert as_owner.post("/kb/one/flags/99999/settle/", {"how": "x"}).status_code == 404


def test_the_number_of_queries_does_not_grow() -> None:
    counts = []
    for number in range(1, 4):
        host = make_seen_host(f"pune-{number}")
        make_article(TEXT, at=BEFORE)
        upgrade(host)
        raise_flags(at=LATER)
        with CaptureQueriesContext(connection) as captured:
            raise_flags(at=LATER)
        counts.append(len(captured))
    assert counts[0] == counts[2]


def test_two_real_versions_tell_what_went() -> None:
    """Debian's QEMU 7.2 and 10.0, as one host's past and as references."""
    by_slug = {reference.slug: reference for reference in references()}
    old, new = (parse_document(by_slug[slug].document()) for slug in ("debian-12", "debian-13"))
    host = make_seen_host("pune-1", old)
    text = "`virtio-blk-pci.scsi` `virtio-net-pci.mac` `pc-i440fx-2.0` `virtio-net-pci`"
    make_article(text, slug="one", at=BEFORE)
    assert set(Mention.objects.values_list("name", flat=True)) == set(text.replace("`", "").split())
    record_document(host=host, document=new, at=LATER)
    sentences = [flag.sentence for flag in raise_flags(at=LATER)]
    assert any(
        one.startswith("The option scsi of virtio-blk-pci is gone on pune-1: QEMU 7.2") for one in sentences
    )
    assert not any("virtio-net-pci" in one for one in sentences)


def test_the_newest_reference_is_news_to_texts_without_an_end() -> None:
    for slug, version, lists in (
        ("debian-12", "7.2.22", None),
        ("debian-13", "10.0.13", [{"name": "drive", "type": "str"}]),
    ):
        raw = make_document_json(version)
        if lists:
            raw["qemu"][0]["devices"][0]["properties"] = lists
        make_seen_host(slug, make_document(raw), transport=LabHost.Transport.REFERENCE)
    ended = make_article(None, slug="ended")
    AppliesTo.objects.create(article=ended, component="qemu", minimum="5.2", maximum="10")
    publish_text(ended, "`virtio-blk-pci.scsi`", at=LATER)
    assert raise_flags(at=LATER) == []
    open_ended = make_article("`virtio-blk-pci.scsi`", slug="open", at=LATER)
    (flag,) = raise_flags(at=LATER)
    assert flag.article == open_ended
    assert flag.sentence == (
        "The option scsi of virtio-blk-pci is gone in QEMU 10.0.13; it was there in 7.2.22."
    )
