"""Questions: asked, held, answered, closed, taken into the text; and what each person may."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from kb.models import Answer, Article, Draft, Question
from kb.services import questions as service
from kb.services.question_marks import plain_words
from kb.templatetags.posts import post_mark
from kb.tests.factories import make_article, publish_text
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
TEXT = "## One\n\nFirst.\n\n```\n## not a heading\n```\n\n## Two\n\nSecond.\n"


def page(client: Client, address: str = "/kb/one/questions/") -> str:
    """The page's text, its white space evened out."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.fixture
def article(owner: User) -> Article:
    """An article that ``owner`` keeps."""
    return make_article(TEXT, slug="one", title="One", owner=owner)


@pytest.fixture
def known(article: Article) -> Client:
    """The client of a member of whom a text was approved."""
    user = make_user(display_name="Known")
    publish_text(make_article(None), "By Known.", author=user)
    client = Client()
    client.force_login(user)
    return client


def ask(client: Client, text: str = "Why <b>?", section: str = "s-one") -> int:
    """Send a question; the status of the answer."""
    return client.post("/kb/one/questions/", {"text": text, "section": section}).status_code


def test_a_known_member_s_question_is_seen_at_once_and_the_owner_is_told(
    known: Client, as_stranger: Client, owner: User
) -> None:
    assert ask(known) == 302
    shown = page(as_stranger)
    assert "Why &lt;b&gt;?" in shown
    assert 'href="/kb/one/#s-one"' in shown
    assert "Sign in to ask" in shown
    assert "1 question on this article" in page(as_stranger, "/kb/one/")
    mail = OutboxMessage.objects.get(to_user=owner)
    assert mail.subject == "A question: One"
    assert "Why <b>?" in mail.text_body


def test_a_new_member_s_first_posts_wait_for_a_reviewer(
    article: Article, known: Client, as_member: Client, as_stranger: Client, as_owner: Client, owner: User
) -> None:
    assert ask(as_member) == 302
    assert "Why" not in page(as_stranger)
    assert "Waiting to be looked at" in page(as_member)
    assert not OutboxMessage.objects.exists()
    question = Question.objects.get()
    for client in (as_stranger, as_owner, known):
        assert client.post(f"/kb/questions/{question.pk}/answer/", {"text": "x"}).status_code == 404
        assert client.post("/kb/questions/held/", {"post": f"question:{question.pk}"}).status_code == 404
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    assert "Why &lt;b&gt;?" in page(as_owner, "/kb/questions/held/")
    fine = {"post": f"question:{question.pk}", "decision": "fine", "seen": post_mark(question)}
    assert as_owner.post("/kb/questions/held/", fine).status_code == 302
    assert "Why &lt;b&gt;?" in page(as_stranger)
    as_member.post(f"/kb/questions/{question.pk}/answer/", {"text": "Held answer"})
    assert "Held answer" not in page(as_stranger)
    assert "Held answer" in page(as_member)
    given = Answer.objects.get()
    refuse = {"post": f"answer:{given.pk}", "decision": "refuse", "seen": post_mark(given)}
    as_owner.post("/kb/questions/held/", refuse)
    assert not Answer.objects.exists()
    for rubbish in ("", "question:x", "question:" + "9" * 30, "user:1", "question:²"):
        assert as_owner.post("/kb/questions/held/", {"post": rubbish}).status_code in (302, 404)


def test_only_so_many_posts_of_a_new_member_wait(article: Article, as_member: Client) -> None:
    assert [ask(as_member, f"Question {n}") for n in range(service.MOST_HELD)] == [302] * service.MOST_HELD
    response = as_member.post("/kb/one/questions/", {"text": "One more", "section": ""})
    assert response.status_code == 400
    assert "One more" in response.content.decode()


def test_an_answer_is_seen_and_told_to_who_asked(
    known: Client, as_owner: Client, as_stranger: Client, owner: User
) -> None:
    publish_text(make_article(None), "By the owner.", author=owner)
    ask(known)
    question = Question.objects.get()
    OutboxMessage.objects.all().delete()
    assert as_owner.post(f"/kb/questions/{question.pk}/answer/", {"text": "<i>So"}).status_code == 302
    assert "&lt;i&gt;So" in page(as_stranger)
    assert OutboxMessage.objects.get().subject == "An answer to your question: One"
    question.refresh_from_db()
    assert question.state == "answered"
    empty = as_owner.post(f"/kb/questions/{question.pk}/answer/", {"text": " "})
    assert empty.status_code == 400
    long = as_owner.post(f"/kb/questions/{question.pk}/answer/", {"text": "x" * 4001})
    assert "x" * 4001 in long.content.decode()


def test_who_asked_and_who_keeps_the_article_close_a_question(
    known: Client, as_member: Client, as_owner: Client, as_stranger: Client
) -> None:
    ask(known)
    question = Question.objects.get()
    assert as_member.post(f"/kb/questions/{question.pk}/close/").status_code == 404
    assert as_stranger.post(f"/kb/questions/{question.pk}/close/").status_code == 404
    assert as_owner.post(f"/kb/questions/{question.pk}/close/").status_code == 302
    question.refresh_from_db()
    assert question.state == "closed"
    assert known.post(f"/kb/questions/{question.pk}/answer/", {"text": "late"}).status_code == 400
    assert known.post(f"/kb/questions/{question.pk}/close/").status_code == 302
    assert Question.objects.get().state == "closed"


def test_a_section_that_is_gone_is_told_and_rubbish_is_refused(known: Client) -> None:
    assert ask(known, section="s-nosuch") == 400
    assert ask(known, text="") == 400
    assert known.get("/kb/none/questions/").status_code == 404
    Article.objects.filter(slug="one").update(status="archived")
    assert known.get("/kb/one/questions/").status_code == 404
    assert ask(known) == 404


def test_a_question_is_taken_into_the_text_and_says_so_once_that_is_approved(
    article: Article, known: Client, as_member: Client, as_owner: Client, owner: User
) -> None:
    EmailAddress.objects.update_or_create(user=owner, email=owner.email, defaults={"verified": True})
    publish_text(make_article(None), "By the owner.", author=owner)
    ask(known, "How many\nof them?")
    question = Question.objects.get()
    as_owner.post(f"/kb/questions/{question.pk}/answer/", {"text": "Two.\n\nOr three."})
    assert as_member.post(f"/kb/questions/{question.pk}/promote/").status_code == 404
    publish_text(article, TEXT + "How many of them?", author=owner)
    question.refresh_from_db()
    assert question.state == "answered", "the same words by chance are no answer taken in"
    publish_text(article, TEXT, author=owner)
    assert as_owner.post(f"/kb/questions/{question.pk}/promote/").status_code == 302
    draft = Draft.objects.get()
    assert draft.content == (
        "## One\n\nFirst.\n\n```\n## not a heading\n```\n\n"
        '!!! note "A reader asked"\n    **How many of them?**\n\n    Two.\n\n    Or three.\n\n## Two\n\nSecond.\n'
    )
    as_owner.post(f"/kb/questions/{question.pk}/promote/")
    assert Draft.objects.get().content == draft.content, "not twice"
    publish_text(article, draft.content, author=owner)
    question.refresh_from_db()
    assert (question.state, question.promoted_in) == ("promoted", Article.objects.get(slug="one").current)


@pytest.mark.parametrize(
    ("content", "place", "expected"),
    [
        ("", None, "W\n"),
        ("text", 0, "text\n\nW\n"),
        ("# a\n# b", 0, "# a\n\nW\n\n# b\n"),
        ("# a\n# b", 1, "# a\n# b\n\nW\n"),
        ("~~~\n# x\n~~~\n# a\n#### deep\n# b", 0, "~~~\n# x\n~~~\n# a\n#### deep\n\nW\n\n# b\n"),
    ],
)
def test_words_are_put_under_their_section(content: str, place: int | None, expected: str) -> None:
    assert service.put_under(content, place, "W") == expected
    assert plain_words(" a\n b ") == "a b"
