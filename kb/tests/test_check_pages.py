"""Pages of checks: owner, member, stranger, and the lab maintainer who decides."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from kb.models import Article, Check, CheckRun
from kb.services.check_runs import run_checks
from kb.services.checks import decide
from kb.tests.factories import NOW, make_article, publish_text
from portal.accounts.models import User
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
BLOCK = "```console check\n$ qemu-img create -f qcow2 disk{}.qcow2 1G\n```\n\n"
QUEUE = "/kb/checks/"


@pytest.fixture
def maintainer() -> User:
    user = make_user("lab@example.org", display_name="Lakshmi Maintainer")
    user.user_permissions.add(Permission.objects.get(codename="approve_check"))
    return user


@pytest.fixture
def as_maintainer(maintainer: User) -> Client:
    client = Client()
    client.force_login(maintainer, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_queue_is_for_maintainers_alone(
    as_stranger: Client, as_owner: Client, as_member: Client, as_maintainer: Client, owner: User
) -> None:
    make_article(BLOCK.format(1), owner=owner)
    assert as_stranger.get(QUEUE).status_code == 302
    assert as_owner.get(QUEUE).status_code == 404
    assert as_member.get(QUEUE).status_code == 404
    text = text_of(as_maintainer, QUEUE)
    assert "qemu-img create -f qcow2 disk1.qcow2 1G\n" in text
    assert "Let it run" in text


def test_a_text_of_the_portals_own_is_not_said_to_be_of_somebody_who_left(as_maintainer: Client) -> None:
    publish_text(make_article(None), BLOCK.format(1), origin="portal")
    text = text_of(as_maintainer, QUEUE)
    assert "<span>by the portal</span>" in text
    assert "somebody who left" not in text


def test_a_decision_is_a_maintainers_alone(
    as_stranger: Client, as_owner: Client, as_maintainer: Client, owner: User, maintainer: User
) -> None:
    make_article(BLOCK.format(1), owner=owner)
    check = Check.objects.get()
    url = f"{QUEUE}{check.pk}/decide/"
    for client in (as_stranger, as_owner):
        assert client.post(url, {"decision": "run"}).status_code == 404
    assert as_maintainer.get(url).status_code == 405
    assert Check.objects.get().state == "proposed"
    assert as_maintainer.post(url, {"decision": "run"}).status_code == 302
    decided = Check.objects.get()
    assert (decided.state, decided.decided_by) == ("approved", maintainer)
    assert CheckRun.objects.get().state == "queued"
    again = as_maintainer.post(url, {"decision": "refuse"}, follow=True)
    assert "decided already" in again.content.decode()
    assert Check.objects.get().state == "approved"


def test_all_blocks_of_an_article_are_let_run_together(
    as_stranger: Client, as_owner: Client, as_maintainer: Client, maintainer: User
) -> None:
    article = make_article("".join(BLOCK.format(one) for one in range(3)))
    make_article(BLOCK.format(9), slug="other")
    checks = [str(pk) for pk in article.checks.values_list("pk", flat=True)]
    text = text_of(as_maintainer, QUEUE)
    assert "Let all 3 blocks run" in text
    assert text.count("Let all") == 1
    assert all(f'<input type="hidden" name="checks" value="{pk}">' in text for pk in checks)
    for client in (as_stranger, as_owner):
        assert client.post(f"{QUEUE}run/", {"checks": checks}).status_code == 404
    assert not article.checks.filter(state="approved").exists()
    done = as_maintainer.post(f"{QUEUE}run/", {"checks": checks}, follow=True)
    assert "3 checks run now" in done.content.decode()
    assert set(article.checks.values_list("state", "decided_by")) == {("approved", maintainer.pk)}
    assert CheckRun.objects.filter(state="queued").count() == 3
    assert Check.objects.get(article__slug="other").state == "proposed"


def test_a_page_that_is_stale_lets_run_what_it_showed_and_nothing_that_came_since(
    as_maintainer: Client, owner: User
) -> None:
    article = make_article("".join(BLOCK.format(one) for one in range(2)), owner=owner)
    shown = [str(pk) for pk in article.checks.values_list("pk", flat=True)]
    publish_text(article, "".join(BLOCK.format(one) for one in range(1, 4)))
    answer = as_maintainer.post(f"{QUEUE}run/", {"checks": shown}, follow=True).content.decode()
    assert "None of the checks can run" in answer
    assert not Check.objects.filter(state="approved").exists()
    some = as_maintainer.post(
        f"{QUEUE}run/",
        {"checks": [*shown, Check.objects.filter(state="proposed")[0].pk, "9" * 30, "x", "-1", "٣"]},
        follow=True,
    )
    assert "1 of the checks can run" in some.content.decode()
    assert Check.objects.filter(state="approved").count() == 1


def test_maintainers_find_what_waits_and_nobody_else_is_led_there(
    as_stranger: Client, as_owner: Client, as_maintainer: Client, owner: User
) -> None:
    article = make_article("".join(BLOCK.format(one) for one in range(2)), owner=owner)
    make_article(BLOCK.format(9), slug="other", title="Other")
    checks, boards = f"/kb/{article.slug}/checks/", "/kb/dashboards/"
    assert f'href="{QUEUE}?article={article.slug}"' in text_of(as_maintainer, checks)
    assert "Decide on" not in text_of(as_owner, checks)
    assert f'href="{QUEUE}"' in text_of(as_maintainer, "/kb/")
    assert QUEUE not in text_of(as_owner, "/kb/")
    assert QUEUE not in text_of(as_stranger, "/kb/")
    board = text_of(as_maintainer, boards)
    assert "Commands that wait for a lab maintainer" in board
    assert "2 blocks" in board
    assert "Commands that wait" not in text_of(as_owner, boards)
    one = text_of(as_maintainer, f"{QUEUE}?article={article.slug}")
    assert "disk1.qcow2" in one
    assert "disk9.qcow2" not in one
    assert "No check waits" in text_of(as_maintainer, f"{QUEUE}?article=%00nothing")


def test_anything_but_run_refuses(as_maintainer: Client) -> None:
    make_article(BLOCK.format(1))
    as_maintainer.post(f"{QUEUE}{Check.objects.get().pk}/decide/", {"decision": "x"})
    assert Check.objects.get().state == "refused"


def test_everybody_reads_what_came_of_the_checks(as_stranger: Client, maintainer: User) -> None:
    article = make_article(BLOCK.format(1))
    decide(check=Check.objects.get(), maintainer=maintainer, run=True, at=NOW)
    url = f"/kb/{article.slug}/checks/"
    assert "Queued" in text_of(as_stranger, url)
    run_checks(article.pk, at=NOW)
    text = text_of(as_stranger, url)
    assert "Passes" in text
    assert "Formatting &#x27;disk1.qcow2&#x27;" in text
    assert "1 of 1 check passes on QEMU" in text
    page = text_of(as_stranger, article.get_absolute_url())
    assert "1 of 1 check passes on QEMU" in page
    assert f'href="{url}#check-1"' in page


def test_checks_of_a_text_that_one_may_not_see_are_hidden(as_stranger: Client, as_member: Client) -> None:
    article = make_article(BLOCK.format(1))
    Article.objects.update(status="archived")
    for client in (as_stranger, as_member):
        assert client.get(f"/kb/{article.slug}/checks/").status_code == 404


def test_a_badge_cannot_be_imitated_and_a_fault_is_text(as_stranger: Client) -> None:
    article = make_article('```console check\n$ "<script>alert(1)</script>"\n```\n')
    assert "not checked" in text_of(as_stranger, article.get_absolute_url())
    text = text_of(as_stranger, f"/kb/{article.slug}/checks/")
    assert "<script>alert" not in text
    assert "cannot be checked" in text


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow(
    number: int, as_maintainer: Client, as_stranger: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    article = make_article("".join(BLOCK.format(one) for one in range(number)))
    as_maintainer.get(QUEUE)
    with django_assert_num_queries(7):
        as_maintainer.get(QUEUE)
    with django_assert_num_queries(3):
        as_stranger.get(f"/kb/{article.slug}/checks/")
    with django_assert_num_queries(2):
        as_stranger.get(article.get_absolute_url())
