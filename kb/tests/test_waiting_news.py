"""The daily mail about what waits: who gets it, of what, once a day, and none when nothing waits."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kb.models import Answer, Article, HelpfulVote, Question
from kb.services.waiting_news import tell_what_waits
from kb.tasks import remind_reviewers
from kb.tests.factories import make_article, publish_text
from kb.tests.review_factories import make_reviewer, submit
from portal.accounts.models import User
from portal.mail.models import OptOut, OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
#: Nine in the morning on the portal's own clock.
AT = dt.datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo(settings.TIME_ZONE))
OLD, FRESH = AT - DAY, AT - DAY + dt.timedelta(seconds=1)
COMMANDS = "```console check\n$ qemu-img create -f qcow2 disk.qcow2 1G\n```\n"


def mails() -> dict[str, str]:
    """What each reader gets, by address."""
    return {mail.to_email: mail.text_body for mail in OutboxMessage.objects.filter(kind="kb_waiting")}


@pytest.fixture
def reviewer() -> User:
    return make_reviewer()


@pytest.fixture
def maintainer() -> User:
    """Lets commands run, and reviews nothing."""
    user = make_user("lab@example.org")
    user.user_permissions.add(Permission.objects.get(codename="approve_check"))
    return user


@pytest.fixture
def article() -> Article:
    return make_article("Words.", slug="one", title="One", at=OLD)


def hold(article: Article, at: dt.datetime, author: User | None = None) -> None:
    """A question, an answer and a visitor's words of then, held."""
    assert article.current is not None
    Question.objects.create(article=article, text="A secret?", state="held", author=author, created_at=at)
    seen = Question.objects.create(article=article, text="Seen?", created_at=at)
    Answer.objects.create(question=seen, text="A secret", is_held=True, author=author, created_at=at)
    HelpfulVote.objects.create(
        revision=article.current, visitor="x" * 64, worked=False, reason="x", is_held=True, created_at=at
    )


def test_nothing_waits_no_mail(reviewer: User, maintainer: User, article: Article, member: User) -> None:
    submit(member, "Fresh.", article, at=FRESH)
    hold(article, FRESH, member)
    make_article(COMMANDS, at=FRESH)
    assert tell_what_waits(at=AT) == 0
    assert mails() == {}


def test_each_is_told_of_what_they_may_decide(
    reviewer: User, maintainer: User, article: Article, member: User, owner: User
) -> None:
    submit(member, "Old.", article, at=OLD, title="Better & <b>one</b>")
    hold(article, OLD, member)
    make_article(COMMANDS, title="With commands", at=OLD)
    assert tell_what_waits(at=AT) == 2
    told = mails()
    assert set(told) == {reviewer.email, maintainer.email}
    assert "- Better & <b>one</b> (since 22 November)" in told[reviewer.email]
    assert f"{settings.SITE_URL}/kb/review/" in told[reviewer.email]
    assert "3 questions, answers and words of readers" in told[reviewer.email]
    assert "secret" not in told[reviewer.email]
    assert "With commands" not in told[reviewer.email]
    assert "- With commands\n" in told[maintainer.email]
    assert f"{settings.SITE_URL}/kb/checks/" in told[maintainer.email]
    assert "Better" not in told[maintainer.email]
    subjects = set(OutboxMessage.objects.values_list("subject", flat=True))
    assert subjects == {
        "4 things wait for you in the knowledge base",
        "1 thing waits for you in the knowledge base",
    }
    html = OutboxMessage.objects.get(to_user=reviewer).html_body
    assert "<b>one</b>" not in html


def test_once_a_day_however_often_it_is_called_and_again_the_next(reviewer: User, article: Article) -> None:
    hold(article, OLD)
    assert tell_what_waits(at=AT) == 1
    hold_more = make_article("More.", slug="two", at=OLD)
    hold(hold_more, OLD)
    assert tell_what_waits(at=AT) == 0, "a retry, or an hour later"
    assert tell_what_waits(at=AT.replace(hour=23)) == 0
    assert tell_what_waits(at=AT + DAY) == 1
    assert OutboxMessage.objects.filter(kind="kb_waiting").count() == 2


def test_not_before_eight_on_the_portals_clock(reviewer: User, article: Article) -> None:
    hold(article, OLD - DAY)
    assert tell_what_waits(at=AT.replace(hour=7, minute=59)) == 0
    assert tell_what_waits(at=AT.replace(hour=8).astimezone(dt.UTC)) == 1


def test_nobody_is_told_of_their_own_and_who_switched_it_off_or_left_of_nothing(article: Article) -> None:
    mine, quiet, gone, other = (make_reviewer(f"{name}@example.org") for name in ("a", "b", "c", "d"))
    OptOut.objects.create(user=quiet, kind="kb_waiting")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    submit(mine, "Old.", article, at=OLD)
    assert tell_what_waits(at=AT) == 1
    assert set(mails()) == {other.email}


def test_what_is_decided_withdrawn_or_gone_does_not_wait(
    reviewer: User, maintainer: User, article: Article, member: User
) -> None:
    submit(member, "Old.", article, at=OLD)
    hold(article, OLD)
    commands = make_article(COMMANDS, at=OLD)
    Article.objects.filter(pk=article.pk).update(deleted_at=OLD)
    publish_text(commands, "No commands any more.", at=OLD)
    other = make_article("Words.", at=OLD)
    hold(other, OLD)
    HelpfulVote.objects.filter(revision=other.current).update(is_held=False)
    Answer.objects.filter(question__article=other).update(withdrawn_at=OLD)
    Question.objects.filter(article=other, state="held").update(withdrawn_at=OLD)
    assert tell_what_waits(at=AT) == 0


def test_a_post_that_was_changed_waits_since_then(reviewer: User, article: Article) -> None:
    asked = Question.objects.create(article=article, text="?", state="held", created_at=OLD, edited_at=FRESH)
    assert tell_what_waits(at=AT) == 0
    Question.objects.filter(pk=asked.pk).update(edited_at=OLD)
    assert tell_what_waits(at=AT) == 1
    (body,) = mails().values()
    assert "A question, an answer or a reader’s words that nobody else sees yet" in body


def test_many_are_named_in_part_and_cost_no_more_queries(
    reviewer: User, article: Article, member: User
) -> None:
    counts = []
    for number, day in ((1, 0), (25, 1)):
        while member.revisions.count() < number:
            submit(member, f"Text {member.revisions.count()}", article, at=OLD, title=f"T{number}")
        with CaptureQueriesContext(connection) as caught:
            assert tell_what_waits(at=AT + day * DAY) == 1
        counts.append(len(caught))
    assert counts[0] == counts[1]
    newest = OutboxMessage.objects.order_by("-pk")[0].text_body
    assert newest.count("\n- ") == 21
    assert "- and 5 more" in newest


def test_beat_asks_each_hour_in_the_queue_for_mails() -> None:
    entry = settings.CELERY_BEAT_SCHEDULE["remind-reviewers"]
    assert (entry["task"], entry["schedule"]) == (remind_reviewers.name, 3600)
    assert entry["options"]["queue"] == "mail"
