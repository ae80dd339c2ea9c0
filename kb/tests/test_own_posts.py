"""One's own questions and answers: changed, held again, withdrawn, brought back, gone after a month."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kb.models import Answer, Article, Draft, Question
from kb.personal_data import erase_kb, export_kb
from kb.services import own_posts
from kb.services import questions as service
from kb.tasks import purge_deleted
from kb.tests.factories import NOW, make_article, publish_text
from kb.tests.review_factories import make_reviewer
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
TEXT = "## One\n\nFirst.\n\n## Two\n\nSecond.\n"
Post = Question | Answer


def client_of(user: User) -> Client:
    """A browser in which ``user`` is signed in."""
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, address: str = "/kb/one/questions/") -> str:
    """The page's text, its white space evened out."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def let_in(post: Post, *, is_fine: bool = True) -> bool:
    """A reviewer's decision on ``post`` as it is now."""
    post.refresh_from_db()
    return service.let_be_seen(post=post, is_fine=is_fine, at=NOW)


@pytest.fixture
def article(owner: User) -> Article:
    """An article that ``owner``, whose texts are known, keeps."""
    article = make_article(None, slug="one", title="One", owner=owner)
    publish_text(article, TEXT, author=owner)
    return article


@pytest.fixture
def question(article: Article, member: User) -> Question:
    """What a new member asked, and a reviewer let in; the mails about it are sent."""
    asked = service.ask(article=article, user=member, section="s-one", text="Why one?", at=NOW)
    assert let_in(asked)
    asked.refresh_from_db()
    return asked


@pytest.fixture
def answered(question: Question, owner: User) -> Answer:
    """The owner's answer to it."""
    return service.answer(question=question, user=owner, text="Because.", at=NOW)


def change(client: Client, post: Post, text: str = "Why two?", **more: object) -> int:
    """Send the form as its page has it, with ``text``; the status of the answer."""
    kind = "answers/" if isinstance(post, Answer) else ""
    section = {"section": "s-two"} if isinstance(post, Question) else {}
    form = {"text": text, "version": post.version} | section | more
    return client.post(f"/kb/questions/{kind}{post.pk}/edit/", form).status_code


def test_own_words_are_changed_and_say_so(
    article: Article, owner: User, as_owner: Client, as_stranger: Client
) -> None:
    question = service.ask(article=article, user=owner, section="s-one", text="Why one?", at=NOW)
    form = page(as_owner, f"/kb/questions/{question.pk}/edit/")
    assert "Why one?</textarea>" in form
    assert '<option value="s-one" selected>' in form
    assert "edited" not in page(as_stranger)
    assert change(as_owner, question) == 302
    shown = page(as_stranger)
    assert "Why two?" in shown
    assert "Why one?" not in shown
    assert "edited <time" in shown
    assert 'href="/kb/one/#s-two"' in shown
    question.refresh_from_db()
    assert (question.state, question.version) == ("open", 1)
    given = service.answer(question=question, user=owner, text="So.", at=NOW)
    assert change(as_owner, given, "So it is.") == 302
    shown = page(as_stranger)
    assert "So it is." in shown
    assert shown.count("edited <time") == 2


def test_others_find_no_page_to_change_withdraw_or_bring_back(
    question: Question,
    answered: Answer,
    owner: User,
    as_member: Client,
    as_owner: Client,
    as_stranger: Client,
) -> None:
    reviewer = client_of(make_reviewer())
    own_posts.withdraw_post(post=answered, user=owner, at=NOW)
    for post, others in ((question, (as_owner, reviewer)), (answered, (as_member, reviewer))):
        kind = "answers/" if post is answered else ""
        for leaf in ("edit", "withdraw", "bring-back"):
            address = f"/kb/questions/{kind}{post.pk}/{leaf}/"
            for client in others:
                assert client.get(address).status_code == (405 if leaf == "bring-back" else 404)
                assert client.post(address, {"text": "Mine now", "version": 0}).status_code == 404
            assert as_stranger.post(address, {"text": "Mine now", "version": 0}).status_code == 404
            if leaf != "bring-back":
                assert as_stranger.get(address)["Location"] == f"/accounts/login/?next={address}"
    question.refresh_from_db()
    answered.refresh_from_db()
    assert (question.text, answered.text) == ("Why one?", "Because.")
    assert (question.withdrawn_at, answered.withdrawn_at) == (None, NOW)


def test_a_new_members_change_is_held_again_and_nobody_is_told_twice(
    question: Question, as_member: Client, as_stranger: Client, as_owner: Client
) -> None:
    mails = OutboxMessage.objects.count()
    assert mails == 1
    assert change(as_member, question) == 302
    assert "Why" not in page(as_stranger)
    assert "Why" not in page(as_owner)
    assert "Why two?" in page(as_member)
    assert "Waiting to be looked at" in page(as_member)
    assert "question on this article" not in page(as_stranger, "/kb/one/")
    assert let_in(question)
    assert "Why two?" in page(as_stranger)
    assert "1 question on this article" in page(as_stranger, "/kb/one/")
    assert OutboxMessage.objects.count() == mails


def test_held_words_stay_held_after_a_change_also_of_a_member_who_is_known_by_now(
    article: Article, member: User, as_member: Client
) -> None:
    question = service.ask(article=article, user=member, section="", text="Why?", at=NOW)
    assert change(as_member, question) == 302
    question.refresh_from_db()
    assert (question.state, question.text) == ("held", "Why two?")
    publish_text(make_article(None), "By the member.", author=member)
    assert change(as_member, question, "Why three?") == 302
    question.refresh_from_db()
    assert (question.state, question.text) == ("held", "Why three?")


def test_a_reviewer_lets_nothing_in_that_was_changed_since_they_saw_it(
    question: Question, member: User, as_member: Client
) -> None:
    change(as_member, question)
    seen = Question.objects.get()
    change(as_member, seen, "Buy this!")
    for is_fine in (True, False):
        assert not service.let_be_seen(post=seen, is_fine=is_fine, at=NOW)
    assert Question.objects.get().state == "held"
    own_posts.withdraw_post(post=question, user=member, at=NOW)
    assert not let_in(question)


def test_what_was_answered_stays_while_the_question_waits_and_when_it_is_refused(
    question: Question, answered: Answer, as_member: Client, as_stranger: Client, as_owner: Client
) -> None:
    change(as_member, question, "Buy this!")
    shown = page(as_stranger)
    assert "Because." in shown
    assert "A reviewer reads it before it is shown again" in shown
    assert "Buy this!" not in shown
    assert as_owner.post(f"/kb/questions/{question.pk}/answer/", {"text": "More"}).status_code == 400
    assert as_owner.post(f"/kb/questions/{question.pk}/promote/").status_code == 302
    assert not Draft.objects.exists(), "words that nobody let in get into no text"
    assert let_in(question)
    question.refresh_from_db()
    assert question.state == "answered"
    change(as_member, question, "Buy that!")
    assert let_in(question, is_fine=False)
    shown = page(as_stranger)
    assert "Because." in shown
    assert "This question was withdrawn" in shown
    assert "Buy" not in page(as_member)
    question.refresh_from_db()
    assert (question.text, question.author, question.state) == ("", None, "closed")


def test_an_answer_of_a_new_member_is_held_again_and_the_question_waits_again(
    article: Article, owner: User, member: User, as_member: Client, as_stranger: Client
) -> None:
    question = service.ask(article=article, user=owner, section="", text="Why?", at=NOW)
    given = service.answer(question=question, user=member, text="So.", at=NOW)
    assert let_in(given)
    mails = OutboxMessage.objects.count()
    assert change(as_member, given, "Buy!") == 302
    assert "Buy!" not in page(as_stranger)
    question.refresh_from_db()
    assert question.state == "open"
    given.refresh_from_db()
    assert let_in(given)
    question.refresh_from_db()
    assert question.state == "answered"
    assert OutboxMessage.objects.count() == mails
    given.refresh_from_db()
    change(as_member, given, "Buy more!")
    assert let_in(given, is_fine=False)
    assert not Answer.objects.exists()
    question.refresh_from_db()
    assert question.state == "open"


def test_two_tabs_lose_nothing_and_the_same_sent_twice_is_once(
    article: Article, owner: User, as_owner: Client
) -> None:
    question = service.ask(article=article, user=owner, section="s-one", text="Why one?", at=NOW)
    first = {"text": "From the first tab", "section": "s-one", "version": 0}
    address = f"/kb/questions/{question.pk}/edit/"
    assert as_owner.post(address, first).status_code == 302
    assert as_owner.post(address, first).status_code == 302, "sent twice"
    second = as_owner.post(address, first | {"text": "From the second tab"})
    assert second.status_code == 409
    shown = " ".join(second.content.decode().split())
    assert "<p>From the first tab</p>" in shown
    assert "From the second tab</textarea>" in shown
    assert 'name="version" value="1"' in shown
    assert Question.objects.get().text == "From the first tab"
    assert as_owner.post(address, first | {"text": "From the second tab", "version": 1}).status_code == 302
    assert (Question.objects.get().text, Question.objects.get().version) == ("From the second tab", 2)
    wrong = as_owner.post(address, first | {"text": "", "version": 1})
    assert 'name="version" value="1"' in wrong.content.decode(), (
        "an error lets no tab overwrite what it never saw"
    )
    for rubbish in ("", "x", "-1", "9" * 30, "²"):
        assert as_owner.post(address, first | {"version": rubbish}).status_code == 409


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"text": ""}, 400), ({"text": "x" * 2001}, 400), ({"section": "s-none"}, 400), ({"version": "7"}, 409)],
)
def test_what_was_typed_comes_back_with_every_error(
    question: Question, as_member: Client, wrong: dict[str, str], status: int
) -> None:
    form = {"text": "Typed with care", "section": "s-two", "version": "0"} | wrong
    response = as_member.post(f"/kb/questions/{question.pk}/edit/", form)
    assert response.status_code == status
    assert (form["text"] + "</textarea>") in response.content.decode()


def test_what_was_typed_comes_back_when_there_is_nothing_to_change_or_nobody_signed_in(
    question: Question, as_member: Client, as_stranger: Client
) -> None:
    edit, new, reply = (
        f"/kb/questions/{question.pk}/edit/",
        "/kb/one/questions/",
        f"/kb/questions/{question.pk}/answer/",
    )
    for address, back in ((edit, edit), (new, new), (reply, "/kb/")):
        response = as_stranger.post(address, {"text": "Typed <with> care", "version": 0})
        assert response.status_code == 404
        assert "Typed &lt;with&gt; care</textarea>" in response.content.decode()
        assert f'/accounts/login/?next={back}"' in response.content.decode()
    question.delete()
    gone = as_member.post(edit, {"text": "Typed <with> care", "version": 0})
    assert gone.status_code == 404
    assert "Typed &lt;with&gt; care</textarea>" in gone.content.decode()
    assert "There is nothing here to change" in gone.content.decode()


def test_too_many_changes_keep_the_words(
    question: Question, as_member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.views.own_posts.too_often", lambda request, action: object())
    response = as_member.post(
        f"/kb/questions/{question.pk}/edit/", {"text": "Again", "section": "", "version": 0}
    )
    assert response.status_code == 429
    assert "Again</textarea>" in response.content.decode()
    assert Question.objects.get().text == "Why one?"


def test_a_section_that_the_article_lost_is_kept_unless_changed(
    article: Article, question: Question, owner: User, as_member: Client
) -> None:
    publish_text(article, "## Two\n", author=owner)
    assert "A section that is gone" in page(as_member, f"/kb/questions/{question.pk}/edit/")
    assert change(as_member, question, "Why?", section="s-one") == 302
    assert Question.objects.get().section == "s-one"


def test_closed_and_promoted_questions_and_their_answers_are_no_longer_changed(
    question: Question, answered: Answer, as_member: Client, as_owner: Client
) -> None:
    for state in ("closed", "promoted"):
        Question.objects.update(state=state)
        assert change(as_member, question, "Else") == 400
        assert change(as_owner, answered, "Else") == 400
        assert "/edit/" not in page(as_member)
    assert Answer.objects.get().text == "Because."


def test_a_question_that_nobody_answered_is_withdrawn_and_brought_back(
    question: Question, as_member: Client, as_stranger: Client, as_owner: Client
) -> None:
    address = f"/kb/questions/{question.pk}/withdraw/"
    assert "Withdraw your question?" in page(as_member, address)
    assert Question.objects.get().withdrawn_at is None, "reading asks only"
    assert as_member.post(address).status_code == 302
    assert as_member.post(address).status_code == 302
    for client in (as_stranger, as_owner):
        assert "Nobody has asked anything" in page(client)
        assert client.post(f"/kb/questions/{question.pk}/answer/", {"text": "x"}).status_code == 404
    assert "question on this article" not in page(as_stranger, "/kb/one/")
    assert "Bring your question back" in page(as_member)
    assert change(as_member, question, "Else") == 400
    assert as_member.post(f"/kb/questions/{question.pk}/bring-back/").status_code == 302
    shown = page(as_stranger)
    assert "Why one?" in shown
    assert "Withdrawn" not in shown
    assert "1 question on this article" in page(as_stranger, "/kb/one/")
    assert OutboxMessage.objects.count() == 1


def test_a_withdrawn_question_that_was_answered_keeps_its_answers_readable(
    question: Question,
    answered: Answer,
    member: User,
    as_member: Client,
    as_owner: Client,
    as_stranger: Client,
) -> None:
    assert "What was answered stays" in page(as_member, f"/kb/questions/{question.pk}/withdraw/")
    as_member.post(f"/kb/questions/{question.pk}/withdraw/")
    for client in (as_stranger, as_owner):
        shown = page(client)
        assert "This question was withdrawn. What was answered stays." in shown
        assert "Because." in shown
        assert "Why one?" not in shown
        assert member.name not in shown
    assert "1 question on this article" in page(as_stranger, "/kb/one/")
    assert as_owner.post(f"/kb/questions/{question.pk}/answer/", {"text": "x"}).status_code == 400
    as_owner.post(f"/kb/questions/{question.pk}/promote/")
    assert not Draft.objects.exists()
    assert as_owner.post(f"/kb/questions/{question.pk}/close/").status_code == 404
    as_member.post(f"/kb/questions/{question.pk}/bring-back/")
    assert "Why one?" in page(as_stranger)
    assert Question.objects.get().state == "answered"


def test_a_withdrawn_answer_is_its_writers_alone_and_the_question_waits_again(
    question: Question, answered: Answer, as_member: Client, as_owner: Client, as_stranger: Client
) -> None:
    mails = OutboxMessage.objects.count()
    address = f"/kb/questions/answers/{answered.pk}/"
    assert as_owner.get(address + "withdraw/").status_code == 200
    as_owner.post(address + "withdraw/")
    for client in (as_stranger, as_member):
        assert "Because." not in page(client)
    assert "Bring your answer back" in page(as_owner)
    assert Question.objects.get().state == "open"
    as_owner.post(address + "bring-back/")
    assert "Because." in page(as_stranger)
    assert Question.objects.get().state == "answered"
    assert OutboxMessage.objects.count() == mails


def test_withdrawn_posts_do_not_wait_and_come_back_only_where_there_is_room(
    article: Article, member: User, as_member: Client
) -> None:
    asked = [
        service.ask(article=article, user=member, section="", text=str(n), at=NOW)
        for n in range(service.MOST_HELD)
    ]
    own_posts.withdraw_post(post=asked[0], user=member, at=NOW)
    held = client_of(make_reviewer())
    assert len(held.get("/kb/questions/held/").context["asked"]) == service.MOST_HELD - 1
    service.ask(article=article, user=member, section="", text="another", at=NOW)
    response = as_member.post(f"/kb/questions/{asked[0].pk}/bring-back/", follow=True)
    assert "wait for a reviewer" in response.content.decode()
    assert Question.objects.filter(withdrawn_at=None).count() == service.MOST_HELD


def test_what_was_withdrawn_a_month_ago_is_gone_but_not_what_others_answered(
    article: Article, question: Question, answered: Answer, member: User, owner: User, as_stranger: Client
) -> None:
    lonely = service.ask(article=article, user=member, section="", text="Lonely?", at=NOW)
    fresh = service.ask(article=article, user=member, section="", text="Fresh?", at=NOW)
    now = timezone.now()
    for post, days in ((question, 31), (lonely, 31), (fresh, 29)):
        own_posts.withdraw_post(post=post, user=member, at=now - dt.timedelta(days))
    purge_deleted()
    assert {one.text for one in Question.objects.all()} == {"", "Fresh?"}
    question.refresh_from_db()
    assert (question.author, question.text) == (None, "")
    assert "Because." in page(as_stranger)
    own_posts.withdraw_post(post=answered, user=owner, at=now - dt.timedelta(31))
    purge_deleted()
    assert not Answer.objects.exists()
    assert not Question.objects.filter(pk=question.pk).exists(), "nothing is left for which it was kept"
    assert "questions" not in page(as_stranger, "/kb/one/").split("Did it work")[0].split("<article")[
        1
    ].lower() or ("Ask about this article" in page(as_stranger, "/kb/one/"))


def test_an_owner_who_does_not_review_reads_no_held_words_on_the_dashboard(
    article: Article, member: User, as_owner: Client
) -> None:
    asked = service.ask(article=article, user=member, section="", text="Held words", at=NOW)
    assert "Held words" not in page(as_owner, "/kb/dashboards/")
    board = page(client_of(make_reviewer()), "/kb/dashboards/").partition("Held words")[0]
    assert board.rindex('href="/kb/questions/held/"') > board.rindex('id="questions')
    let_in(asked)
    assert "Held words" in page(as_owner, "/kb/dashboards/")
    own_posts.withdraw_post(post=asked, user=member, at=NOW)
    assert "Held words" not in page(as_owner, "/kb/dashboards/")


def test_who_decides_on_an_answer_reads_what_was_asked(
    article: Article, owner: User, member: User, as_member: Client
) -> None:
    asked = service.ask(article=article, user=owner, section="", text="What <was> asked", at=NOW)
    given = service.answer(question=asked, user=member, text="So.", at=NOW)
    change(as_member, given, "So it is.")
    reviewer = client_of(make_reviewer())
    held = page(reviewer, "/kb/questions/held/")
    assert "Asked was: What &lt;was&gt; asked" in held
    assert "edited <time" in held
    own_posts.withdraw_post(post=asked, user=owner, at=NOW)
    held = page(reviewer, "/kb/questions/held/")
    assert "What &lt;was" not in held, "withdrawn words are their writer's"
    assert "The question was withdrawn." in held


def test_the_page_of_questions_asks_no_more_for_more_of_them(
    article: Article, owner: User, as_owner: Client
) -> None:
    counts = []
    page(as_owner)
    for number in (1, 3):
        while Question.objects.count() < number:
            asked = service.ask(article=article, user=owner, section="", text="Why?", at=NOW)
            given = service.answer(question=asked, user=owner, text="So.", at=NOW)
            own_posts.edit_post(post=given, user=owner, version=0, text="So it is.", at=NOW)
        with CaptureQueriesContext(connection) as caught:
            page(as_owner)
        counts.append(len(caught))
    assert counts[0] == counts[1] <= 8


def test_erasing_a_member_leaves_answers_of_others_and_no_word_that_was_not_seen(
    article: Article, question: Question, answered: Answer, member: User, as_stranger: Client
) -> None:
    own_posts.withdraw_post(post=question, user=member, at=NOW)
    assert export_kb(member)["questions"][0]["withdrawn_at"] == NOW
    erase_kb(member)
    question.refresh_from_db()
    assert question.text == ""
    assert "Because." in page(as_stranger)


def test_a_member_of_whom_nothing_is_known_is_told_that_a_reviewer_reads_it_again(
    question: Question, as_member: Client, article: Article
) -> None:
    assert "also after a change" in page(as_member, f"/kb/questions/{question.pk}/edit/")
    known = make_user()
    publish_text(make_article(None), "By them.", author=known)
    asked = service.ask(article=article, user=known, section="", text="Why?", at=NOW)
    assert "also after a change" not in page(client_of(known), f"/kb/questions/{asked.pk}/edit/")
