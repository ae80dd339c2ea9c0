"""“Did it work?”: once a reader and revision, changed and taken back, words held, visitors' pages still alike."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from kb.models import Article, HelpfulVote
from kb.services import feedback
from kb.tests.factories import make_article, publish_text
from portal.accounts.models import User

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
    feedback.let_words_be_seen(vote=vote, are_fine=False)
    vote.refresh_from_db()
    assert (vote.is_held, vote.versions, vote.reason, vote.worked) == (False, "", "", False)


@pytest.mark.django_db
def test_rubbish_is_told_and_kept_in_the_form(as_stranger: Client) -> None:
    make_article("Words.", slug="one")
    response = as_stranger.post("/kb/one/did-it-work/", {"versions": "x" * 101, "reason": "kept <words>"})
    text = response.content.decode()
    assert response.status_code == 400
    assert "Say whether it worked." in text
    assert "kept &lt;words&gt;" in text
    as_stranger.cookies["kb_reader"] = "forged:1:x"
    assert as_stranger.post("/kb/one/did-it-work/", WORKED).status_code == 302
    assert as_stranger.get("/kb/none/did-it-work/").status_code == 404
    Article.objects.update(status="archived")
    assert as_stranger.post("/kb/one/did-it-work/", WORKED).status_code == 404
    assert HelpfulVote.objects.count() == 1


@pytest.mark.django_db
def test_the_article_stays_the_same_page_for_every_visitor(as_stranger: Client) -> None:
    make_article("Words.", slug="one")
    other = Client()
    as_stranger.post("/kb/one/did-it-work/", WORKED)
    as_stranger.get("/kb/one/")  # shows the thanks
    assert as_stranger.get("/kb/one/").content == other.get("/kb/one/").content


@pytest.mark.django_db
def test_the_database_itself_keeps_one_answer_a_reader(owner: User) -> None:
    revision = make_article("Words.", slug="one").current
    assert revision is not None
    for who in ({"user": owner}, {"visitor": "x" * 64}):
        HelpfulVote.objects.create(revision=revision, worked=True, **who)
        with pytest.raises(IntegrityError), transaction.atomic():
            HelpfulVote.objects.create(revision=revision, worked=False, **who)
