"""“Did it work?”: once a reader and revision, changed and taken back, words held, visitors' pages still alike."""

import datetime as dt
import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from kb.models import HelpfulVote, Question
from kb.services import feedback
from kb.templatetags.posts import post_mark, post_text
from kb.tests.factories import NOW, make_article, publish_text
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

WORKED, FAILED = {"worked": "yes"}, {"worked": "no", "versions": "QEMU  10.0", "reason": "<b>Step 2</b>"}


def page(client: Client, address: str = "/kb/one/") -> str:
    """The page's text, its white space evened out."""
    return " ".join(client.get(address).content.decode().split())


@pytest.mark.django_db
def test_member_and_visitor_count_once_each_and_may_change_their_minds(
    as_stranger: Client, as_owner: Client, owner: User
) -> None:
    article = make_article("Words.", slug="one")
    assert "Nobody has said yet." in page(as_stranger)
    for client in (as_stranger, as_owner):
        assert client.post("/kb/one/did-it-work/", WORKED).status_code == 302
        assert client.post("/kb/one/did-it-work/", FAILED).status_code == 302
        assert client.post("/kb/one/did-it-work/", WORKED | {"versions": "QEMU 7.2"}).status_code == 302
    assert HelpfulVote.objects.count() == 2
    assert "It worked for 2 of 2 readers who said so." in page(Client()), "held words are not shown"
    assert 'value="QEMU 7.2"' in page(as_owner, "/kb/one/did-it-work/")
    assert 'value="QEMU 7.2"' not in page(Client(), "/kb/one/did-it-work/")
    as_owner.post("/kb/one/did-it-work/", {"withdraw": "1"})
    assert "It worked for 1 of 1 reader who said so." in page(Client())
    publish_text(article, "Other words.", author=owner)
    assert "Nobody has said yet." in page(Client()), "answers are for the text that was read"
    as_owner.post("/kb/one/did-it-work/", WORKED | {"versions": "QEMU 7.2"})
    assert "1 of 1 reader who said so, last with QEMU 7.2." in page(Client()), (
        "a known author's words are seen"
    )


@pytest.mark.django_db
def test_words_of_strangers_wait_and_what_a_reviewer_refuses_is_gone(as_stranger: Client) -> None:
    make_article("Words.", slug="one")
    as_stranger.post("/kb/one/did-it-work/", FAILED)
    vote = HelpfulVote.objects.get()
    assert (vote.is_held, vote.versions, vote.reason, len(vote.visitor)) == (
        True,
        "QEMU 10.0",
        "<b>Step 2</b>",
        64,
    )
    assert "&lt;b&gt;Step 2" in page(as_stranger, "/kb/one/did-it-work/")
    feedback.let_words_be_seen(vote=vote, are_fine=False, at=NOW)
    vote.refresh_from_db()
    assert (vote.is_held, vote.versions, vote.reason, vote.worked) == (False, "", "", False)
    assert not OutboxMessage.objects.exists()


def decide(client: Client, vote: HelpfulVote, decision: str) -> int:
    """Press the reviewer's button under ``vote`` as it is in hand; the status of the answer."""
    post = {"post": f"vote:{vote.pk}", "decision": decision, "seen": post_mark(vote)}
    return client.post("/kb/questions/held/", post).status_code


@pytest.mark.django_db
def test_the_owner_learns_of_a_failure_once_a_reviewer_read_its_words_and_once_a_day(
    as_stranger: Client, as_member: Client, as_owner: Client, owner: User
) -> None:
    make_article("Words.", slug="one", title="One", owner=owner)
    as_stranger.post("/kb/one/did-it-work/", FAILED)
    first = HelpfulVote.objects.get()
    assert not OutboxMessage.objects.exists()
    for client in (as_stranger, as_member, as_owner):
        assert decide(client, first, "fine") == 404
    assert "Step 2" not in page(as_owner, "/kb/one/did-it-work/")
    reviewer = Client()
    reviewer.force_login(make_user(is_staff=True))
    assert "&lt;b&gt;Step 2" in page(reviewer, "/kb/questions/held/")
    assert decide(reviewer, first, "neither") == 404
    assert decide(reviewer, first, "fine") == 302
    assert decide(reviewer, first, "refuse") == 302
    mail = OutboxMessage.objects.get()
    assert (mail.to_user, mail.kind) == (owner, "kb_failed")
    assert "<b>Step 2</b>" in mail.text_body
    assert "QEMU 10.0" in mail.text_body
    assert "&lt;b&gt;Step 2" in page(as_owner, "/kb/one/did-it-work/"), "decided once, it stays"
    assert "Step 2" not in page(as_member, "/kb/one/did-it-work/")
    as_member.post("/kb/one/did-it-work/", FAILED | {"reason": "Step 3"})
    assert decide(reviewer, HelpfulVote.objects.get(reason="Step 3"), "fine") == 302
    assert OutboxMessage.objects.count() == 1, "one mail a day"
    assert "Step 3" in page(as_owner, "/kb/one/did-it-work/")


@pytest.mark.django_db
def test_words_changed_after_the_reviewer_saw_them_wait_again(as_stranger: Client) -> None:
    make_article("Words.", slug="one")
    as_stranger.post("/kb/one/did-it-work/", FAILED)
    seen = HelpfulVote.objects.get()
    as_stranger.post("/kb/one/did-it-work/", FAILED | {"reason": "Something else"})
    reviewer = Client()
    reviewer.force_login(make_user(is_staff=True))
    assert decide(reviewer, seen, "fine") == 302
    feedback.let_words_be_seen(vote=seen, are_fine=True, at=NOW)
    assert HelpfulVote.objects.get().is_held


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "most"), [(1, 12), (3, 12)])
def test_the_page_of_what_waits_asks_no_more_for_more(
    number: int, most: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for one in range(number):
        article = make_article("Words.", slug=f"one{one}")
        Client().post(f"/kb/one{one}/did-it-work/", FAILED)
        Question.objects.create(article=article, text="Why?", state="held", author=make_user())
    reviewer = Client()
    reviewer.force_login(make_user(is_staff=True))
    with django_assert_max_num_queries(most):
        assert page(reviewer, "/kb/questions/held/").count("Step 2") == number


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\n\nb\nc", "<p>a</p>\n\n<p>b<br>c</p>"),
        (
            "(see https://a.example/?x=1&y=2).",
            '<p>(see <a href="https://a.example/?x=1&amp;y=2" rel="ugc nofollow">https://a.example/?x=1&amp;y=2</a>).</p>',
        ),
        ("javascript:alert(1) data:text/html,x", "<p>javascript:alert(1) data:text/html,x</p>"),
        (
            'http://a.example/"onmouseover=alert(1)',
            '<p><a href="http://a.example/" rel="ugc nofollow">http://a.example/</a>&quot;onmouseover=alert(1)</p>',
        ),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>"),
    ],
)
def test_posts_are_plain_text_with_links_that_nobody_vouches_for(text: str, html: str) -> None:
    assert post_text(text) == html


@pytest.mark.django_db
def test_hostile_words_stay_words_in_a_question(as_stranger: Client) -> None:
    article = make_article("Words.", slug="one")
    Question.objects.create(
        article=article, text="<script>alert(1)</script> http://a.example/'><svg onload=1>"
    )
    shown = page(as_stranger, "/kb/one/questions/")
    assert "&lt;script&gt;alert(1)" in shown
    assert "<svg onload" not in shown
    assert 'href="http://a.example/" rel="ugc nofollow"' in shown


def offered(client: Client) -> list[str]:
    """What the form offers for versions."""
    found = re.findall('<option value="([^"]*)">', page(client, "/kb/one/did-it-work/"))
    return [unescape(one) for one in found]


@pytest.mark.django_db
def test_versions_of_readers_for_whom_it_worked_and_those_in_use_are_offered(
    as_stranger: Client, as_member: Client, as_owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = make_article("Words.", slug="one")
    assert 'list="versions-known"' in page(as_stranger, "/kb/one/did-it-work/")
    assert offered(as_stranger) == []

    def vote(versions: str, **more: object) -> None:
        fields = {"revision": article.current, "user": make_user(), "worked": True, "versions": versions}
        HelpfulVote.objects.create(**fields | more)

    vote('QEMU "8" <b>', created_at=NOW)
    vote("QEMU 9", created_at=NOW + dt.timedelta(1))
    vote("held", is_held=True)
    vote("failed", worked=False)
    vote("of another article", revision=make_article().current)
    publish_text(article, "Other words.")
    monkeypatch.setattr(feedback, "versions_seen", lambda: ["QEMU 10, libvirt 11", "QEMU 9"])
    for client in (as_stranger, as_member, as_owner):
        assert offered(client) == ["QEMU 9", 'QEMU "8" <b>', "QEMU 10, libvirt 11"]
    monkeypatch.setattr(feedback, "versions_seen", lambda: [f"QEMU {n}" for n in range(99)])
    for number in range(30):
        vote(f"Xen {number}")
    assert len(offered(as_stranger)) == 20
    assert len([one for one in offered(as_stranger) if one.startswith("Xen")]) == 8


@pytest.mark.django_db
def test_the_form_asks_no_more_for_more_answers_and_the_article_asks_nothing_for_it(
    as_stranger: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    revision = publish_text(make_article(None, slug="one"), "Words.")
    counts = []
    for number in (1, 3):
        while HelpfulVote.objects.count() < number:
            HelpfulVote.objects.create(revision=revision, user=make_user(), worked=True, versions=f"{number}")
        with CaptureQueriesContext(connection) as caught:
            page(as_stranger, "/kb/one/did-it-work/")
        counts.append(len(caught))
        with django_assert_num_queries(2):
            page(as_stranger)
    assert counts[0] == counts[1] <= 6
