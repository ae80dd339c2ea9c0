"""The lists of what needs somebody: what is in them, for whom, and at what cost."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kb.models import Article, Check, CheckRun, Flag, HelpfulVote, Link, Question
from kb.queries.dashboards import SHOWN, Board, dashboards
from kb.tests.factories import NOW, make_article, publish_text
from kb.tests.review_factories import make_reviewer, submit
from portal.accounts.models import User
from portal.search.models import MissedSearch

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
KEYS = ["waiting", "unhelpful", "due", "checks", "flags", "questions", "links", "missed"]


def boards_of(user: User) -> dict[str, Board]:
    return {board.key: board for board in dashboards(user)}


def trouble(article: Article, n: int = 0) -> None:
    """Something for each list but those of searches and of texts."""
    revision = article.current
    assert revision is not None
    Article.objects.filter(pk=article.pk).update(review_due=timezone.localdate())
    for number in range(3):
        HelpfulVote.objects.create(revision=revision, visitor=f"{number}", worked=number == 0)
    check = Check.objects.create(
        article=article,
        revision=revision,
        fence="0" * 64,
        position=2,
        recipe=[],
        state="approved",
        decided_at=NOW,
    )
    CheckRun.objects.create(check_of=check, host="pune-1", state="passed", queued_at=NOW)
    CheckRun.objects.create(check_of=check, host="pune-1", state="failed", queued_at=NOW + HOUR)
    CheckRun.objects.create(check_of=check, host="pune-1", state="queued", queued_at=NOW + 2 * HOUR)
    CheckRun.objects.create(check_of=check, host="mended", state="failed", queued_at=NOW)
    CheckRun.objects.create(check_of=check, host="mended", state="passed", queued_at=NOW + HOUR)
    Flag.objects.create(
        article=article, kind="device", name="e1000", where="pune-1", sentence="e1000 is gone."
    )
    Flag.objects.create(
        article=article, kind="device", name="ok", where="pune-1", sentence="Settled.", settled_at=NOW
    )
    Question.objects.create(article=article, text=f"Why {n}?")
    Question.objects.create(article=article, text="Answered?", state="answered")
    Link.objects.create(article=article, url="https://dead.example/", is_dead=True, status="404")
    Link.objects.create(article=article, url="https://alive.example/")


def test_each_list_has_what_needs_somebody_and_nothing_else(owner: User) -> None:
    reviewer = make_reviewer()
    bad, good = make_article(title="Bad", owner=owner), make_article(title="Good")
    trouble(bad)
    submit(owner, "waits", good, title="Sent")
    HelpfulVote.objects.create(revision=good.current, visitor="x", worked=False)  # type: ignore[misc]  # it has one
    MissedSearch.objects.create(words="vfio hotplug", count=3)
    found = boards_of(reviewer)
    assert list(found) == KEYS
    assert {key: [entry.title for entry in board.entries] for key, board in found.items()} == {
        "waiting": ["Sent"],
        "unhelpful": ["Bad"],
        "due": ["Bad"],
        "checks": ["Bad"],
        "flags": ["Bad"],
        "questions": ["Bad"],
        "links": ["Bad"],
        "missed": ["vfio hotplug"],
    }
    assert found["unhelpful"].entries[0].note == "failed for 2 of 3"
    assert found["checks"].entries[0].note == "block 2 on pune-1: fails"
    assert found["links"].entries[0].note == "https://dead.example/: 404"
    assert found["missed"].entries[0].url == "/search/?q=vfio+hotplug"


def test_votes_on_an_older_text_do_not_count(owner: User) -> None:
    article = make_article(title="Mended")
    trouble(article)
    publish_text(article, "mended")
    assert boards_of(make_reviewer())["unhelpful"].count == 0


def test_owner_is_shown_their_own_articles_alone_and_no_text_of_others(owner: User, member: User) -> None:
    mine, other = make_article(title="Mine", owner=owner), make_article(title="Other", owner=member)
    for article in (mine, other):
        trouble(article)
    submit(member, "secret", mine, title="Not for the owner yet")
    submit(owner, "own", mine, title="Own")
    found = boards_of(owner)
    assert list(found) == KEYS[:-1]
    assert {entry.title for board in found.values() for entry in board.entries} == {"Mine", "Own"}


@pytest.mark.parametrize("hidden", [{"deleted_at": NOW}, {"status": "archived"}])
def test_deleted_and_archived_articles_need_nobody(hidden: dict[str, object]) -> None:
    article = make_article()
    trouble(article)
    Article.objects.update(**hidden)
    assert [board.count for board in dashboards(make_reviewer())] == [0] * len(KEYS)


def test_long_lists_are_cut_and_counted() -> None:
    article = make_article()
    for number in range(SHOWN + 5):
        Link.objects.create(article=article, url=f"https://dead.example/{number}", is_dead=True)
    board = boards_of(make_reviewer())["links"]
    assert (board.count, len(board.entries)) == (SHOWN + 5, SHOWN)


def test_page_is_for_reviewers_and_owners_and_asks_as_much_for_three_as_for_one(
    owner: User, as_owner: Client, as_member: Client, as_stranger: Client
) -> None:
    as_reviewer = Client()
    as_reviewer.force_login(make_reviewer(), backend="django.contrib.auth.backends.ModelBackend")
    evil = "<script>alert(1)</script>"
    trouble(make_article(title=evil, owner=owner))
    MissedSearch.objects.create(words=evil)
    path = "/kb/dashboards/"
    codes = [c.get(path).status_code for c in (as_reviewer, as_owner, as_member, as_stranger)]
    assert codes == [200, 200, 404, 302]

    def asked(client: Client) -> int:
        with CaptureQueriesContext(connection) as queries:
            page = client.get(path).content.decode()
        assert evil not in page
        return len(queries)

    before = asked(as_reviewer), asked(as_owner)
    for number in range(2):
        trouble(make_article(owner=owner), number + 1)
        submit(owner, "more", make_article())
    assert (asked(as_reviewer), asked(as_owner)) == before
    assert max(before) <= 14


def test_a_long_question_is_cut_between_words_and_says_so() -> None:
    Question.objects.create(article=make_article(), text="unique " * 40)
    note = boards_of(make_reviewer())["questions"].entries[0].note
    assert note == "unique " * 16 + "unique …"


def test_checks_that_never_ran_are_not_said_to_work() -> None:
    assert boards_of(make_reviewer())["checks"].empty == "No checked command failed when it last ran."


def test_empty_lists_say_so(owner: User) -> None:
    client = Client()
    client.force_login(make_reviewer(), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/kb/dashboards/").content.decode()
    for board in dashboards(make_reviewer("other@example.org")):
        assert board.empty in page
