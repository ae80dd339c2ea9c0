"""Links out of articles: which are kept, asked, and told as dead; and which never are."""

import datetime as dt

import pytest

from kb.models import Article, Link
from kb.services.link_checks import PER_RUN, check_due, links_in, note_finding, note_links
from kb.tests.factories import NOW, make_article, publish_text
from portal.accounts.models import User
from portal.links.checking import Finding
from portal.links.tests.small_network import PUBLIC, checker, pages
from portal.mail.models import OutboxMessage

pytestmark = pytest.mark.django_db
FAR = NOW + dt.timedelta(days=3650)


def test_links_are_those_that_lead_outside_each_once() -> None:
    article = make_article(
        "[a](http://a.example/v?x=1&y=2#part) [b](http://a.example/v?x=1&y=2) [in](/lab/) [m](mailto:a@b.example)\n\n"
        "`http://code.example/`\n\n[j](javascript:alert(1))"
    )
    assert links_in(article.html) == ["http://a.example/v?x=1&y=2"]
    assert [link.url for link in article.links.all()] == ["http://a.example/v?x=1&y=2"]
    publish_text(article, "[c](https://c.example/)")
    assert [link.url for link in article.links.all()] == ["https://c.example/"]


def test_a_link_keeps_its_history_when_the_text_around_it_changes() -> None:
    article = make_article("[a](http://a.example/)")
    Link.objects.update(failures=2)
    publish_text(article, "Other words. [a](http://a.example/)")
    note_links(article)
    assert Link.objects.get().failures == 2


def test_three_failures_make_a_dead_link_and_the_owner_is_told_once(owner: User) -> None:
    make_article("[a](http://a.example/)", owner=owner, title="One")
    for number in range(5):
        note_finding(
            link=Link.objects.select_related("article__owner").get(),
            finding=Finding(False, "HTTP 404"),
            at=NOW,
        )
        assert Link.objects.get().is_dead is (number >= 2)
    mail = OutboxMessage.objects.get()
    assert mail.subject == "A link does not answer: One"
    assert "http://a.example/" in mail.text_body
    note_finding(link=Link.objects.get(), finding=Finding(None, "HTTP 403"), at=NOW)
    link = Link.objects.get()
    assert (link.is_dead, link.failures, link.next_check_at) == (False, 0, NOW + dt.timedelta(days=7))


def test_a_run_asks_a_few_of_what_readers_see_and_never_our_own_network() -> None:
    urls = " ".join(f"[l](http://a.example/{number})" for number in range(PER_RUN + 2))
    make_article(urls)
    make_article("[hidden](http://a.example/hidden)")
    Article.objects.filter(html__contains="hidden").update(status="archived")
    with pages({"/0": "200 OK"}, {"a.example": [[PUBLIC]]}) as (network, requests):
        look, _ = checker(network)
        assert check_due(at=FAR, checker=look) == PER_RUN
        assert check_due(at=FAR, checker=look) == 2
        assert check_due(at=FAR, checker=look) == 0
    assert not [one for one in requests if "hidden" in one]
    assert Link.objects.get(url="http://a.example/0").status == "HTTP 200"
    Link.objects.all().delete()
    make_article("[x](http://169.254.169.254/latest/meta-data/)")
    check_due(at=FAR)
    assert Link.objects.get().status == "This is not a public address."
