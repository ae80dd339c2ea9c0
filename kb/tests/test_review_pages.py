"""The queue, the page of one text, and what is done there: reviewer, author, another member, a stranger."""

import datetime as dt
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kb import rendering
from kb.models import Draft, Link, ReviewComment, Revision
from kb.tests.factories import NOW, make_article, publish_text
from kb.tests.review_factories import BASE, make_reviewer, submit
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
EVIL = '<script>alert(1)</script><img src=x onerror="alert(1)">" onmouseover="alert(1)'


@pytest.fixture
def reviewer() -> User:
    return make_reviewer()


@pytest.fixture
def as_reviewer(reviewer: User) -> Client:
    client = Client()
    client.force_login(reviewer, backend="django.contrib.auth.backends.ModelBackend")
    return client


class _Markup(HTMLParser):
    """Elements and attributes that only the texts of people could have brought."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if (tag == "script" and "src" not in names) or names.get("src") == "x":
            self.found.append(f"{tag} {names}")
        self.found += [f"{tag} {name}" for name in names if name.startswith("on")]


def foreign_markup(page: str) -> list[str]:
    reader = _Markup()
    reader.feed(page)
    return reader.found


def page_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


# ------------------------------------------------------------------------------------------ who sees


def test_queue_is_for_reviewers_and_a_text_also_for_its_author(
    owner: User, as_reviewer: Client, as_owner: Client, as_member: Client, as_stranger: Client
) -> None:
    mine = submit(owner, "text")
    clients = (as_reviewer, as_owner, as_member, as_stranger)
    assert [client.get("/kb/review/").status_code for client in clients] == [200, 404, 404, 302]
    assert [client.get(f"/kb/review/{mine.pk}/").status_code for client in clients] == [200, 200, 404, 302]


@pytest.mark.parametrize("state", ["submitted", "rejected", "withdrawn"])
def test_text_that_readers_do_not_see_is_found_nowhere_by_others(
    owner: User, as_reviewer: Client, as_owner: Client, as_member: Client, as_stranger: Client, state: str
) -> None:
    article = make_article(BASE)
    more = {"reviewed_at": NOW} if state == "rejected" else {}
    hidden = submit(owner, "secret plans", article)
    Revision.objects.filter(pk=hidden.pk).update(state=state, summary="secret summary", **more)
    for path in (
        f"/kb/{article.slug}/history/{hidden.pk}/",
        f"/kb/{article.slug}/diff/?b={hidden.pk}",
        f"/kb/{article.slug}/diff/?a={hidden.pk}",
    ):
        codes = [c.get(path).status_code for c in (as_reviewer, as_owner, as_member, as_stranger)]
        assert codes == [200, 200, 404, 404], path
    for client, sees in ((as_reviewer, True), (as_owner, True), (as_member, False), (as_stranger, False)):
        assert ("secret" in page_of(client, f"/kb/{article.slug}/history/")) == sees
        assert "secret" not in page_of(client, f"/kb/{article.slug}/")


def test_list_of_articles_leads_reviewers_to_their_work(as_reviewer: Client, as_owner: Client) -> None:
    for client, leads in ((as_reviewer, True), (as_owner, False)):
        page = page_of(client, "/kb/")
        assert ('href="/kb/review/"' in page, 'href="/kb/dashboards/"' in page) == (leads, leads)


def test_members_and_strangers_can_decide_nothing(
    owner: User, as_owner: Client, as_member: Client, as_stranger: Client
) -> None:
    mine = submit(owner, "text")
    for name in ("approve", "send-back"):
        for client in (as_owner, as_member, as_stranger):
            response = client.post(f"/kb/review/{mine.pk}/{name}/", {"seen": "", "words": "No."})
            assert response.status_code == 404
    for name in ("comment", "withdraw"):
        for client in (as_member, as_stranger):
            assert client.post(f"/kb/review/{mine.pk}/{name}/", {"text": "Hello."}).status_code == 404
    assert Revision.objects.get().state == "submitted"
    assert not ReviewComment.objects.exists()


# ---------------------------------------------------------------------------------------- the queue


def test_queue_shows_the_longest_waiting_first_by_filter_with_counts(
    owner: User, reviewer: User, as_reviewer: Client
) -> None:
    article = make_article(BASE, owner=reviewer, title="Published")
    submit(owner, "c", article, at=NOW + dt.timedelta(hours=1), title="A change")
    submit(owner, "n", title="Brand new", at=NOW)
    submit(owner, "t", article, at=NOW + dt.timedelta(hours=2), title="A typo", significance="typo")
    submit(owner, "r", article, title="Withdrawn", state="withdrawn")
    page = page_of(as_reviewer, "/kb/review/")
    assert page.index("Brand new") < page.index("A change</a>") < page.index("A typo</a>")
    assert "Withdrawn" not in page
    for name, titles in (("new", {"Brand new"}), ("typos", {"A typo"}), ("own", {"A change", "A typo"})):
        page = page_of(as_reviewer, f"/kb/review/?show={name}")
        assert {t for t in ("Brand new", "A change", "A typo") if f"{t}</a>" in page} == titles
    assert "New articles <span" in page
    assert as_reviewer.get("/kb/review/?show=nonsense&page=x").status_code == 200


def test_queue_and_page_ask_as_much_for_three_as_for_one(as_reviewer: Client) -> None:
    article = make_article(None)
    publish_text(article, BASE, author=make_user())

    def asked(path: str) -> int:
        as_reviewer.get(path)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert as_reviewer.get(path).status_code == 200
        return len(queries)

    mine = submit(make_user(), BASE + "one\n", article)
    ReviewComment.objects.create(revision=mine, author=make_user(), text="One.", line=1)
    paths = ("/kb/review/", f"/kb/review/{mine.pk}/", f"/kb/{article.slug}/history/")
    counts = [asked(path) for path in paths]
    for n in range(2):
        submit(make_user(), f"{n}", article)
        publish_text(article, f"{n}", author=make_user())
        ReviewComment.objects.create(revision=mine, author=make_user(), text="More.", line=n + 1)
    publish_text(article, BASE)
    assert [asked(path) for path in paths] == counts
    assert max(counts) <= 16, counts


# ----------------------------------------------------------------------------------- one text's page


def test_page_shows_what_changes_word_by_word_and_the_head(owner: User, as_reviewer: Client) -> None:
    article = make_article("alpha beta gamma\n\nsame\n", title="Old title")
    mine = submit(owner, "alpha delta gamma\n\nsame\n", article, title="New title")
    page = page_of(as_reviewer, f"/kb/review/{mine.pk}/")
    assert "<span>alpha </span><del>beta</del><span> gamma</span>" in page
    assert "<span>alpha </span><ins>delta</ins><span> gamma</span>" in page
    assert "<del>Old title</del>" in page
    assert "<ins>New title</ins>" in page


def test_nothing_that_people_typed_becomes_markup(owner: User, as_reviewer: Client) -> None:
    User.objects.filter(pk=owner.pk).update(display_name=EVIL)
    article = make_article(f"{EVIL}\n")
    first = article.current_id
    mine = submit(
        owner,
        f"{EVIL} more {EVIL}\n[x](https://evil.example/{EVIL})\n",
        article,
        title=EVIL[:100],
        summary=EVIL,
        abstract=EVIL,
        tags=(EVIL[:40],),
    )
    path = f"/kb/review/{mine.pk}/"
    as_reviewer.post(f"{path}comment/", {"text": EVIL, "line": "1"})
    as_reviewer.post(f"{path}comment/", {"text": EVIL, "line": ""})
    pages = [page_of(as_reviewer, path), page_of(as_reviewer, "/kb/review/")]
    refused = as_reviewer.post(f"{path}comment/", {"text": EVIL, "line": "999"})
    assert refused.status_code == 422
    pages.append(refused.content.decode())
    as_reviewer.post(f"{path}approve/", {"seen": str(first), "words": EVIL})
    pages += [page_of(as_reviewer, path), page_of(as_reviewer, f"/kb/{article.slug}/history/")]
    pages += [page_of(as_reviewer, f"/kb/{article.slug}/diff/?a={first}&b={mine.pk}")]
    pages += [page_of(as_reviewer, f"/kb/{article.slug}/history/{mine.pk}/")]
    pages += [page_of(as_reviewer, f"/kb/{article.slug}/history/{first}/revert/")]
    pages += [mail.html_body for mail in OutboxMessage.objects.all()]
    assert len(pages) >= 10
    assert [wrong for page in pages for wrong in foreign_markup(page)] == []


def test_reviewer_is_shown_what_to_look_at_and_the_author_is_not(
    owner: User, as_reviewer: Client, as_owner: Client
) -> None:
    article = make_article("[old](https://old.example/)\n")
    Link.objects.filter(article=article, url="https://old.example/").update(is_dead=True)
    mine = submit(
        owner,
        "[old](https://old.example/) <https://new.example/a> [in](/kb/)\n",
        article,
        significance="typo",
    )
    page = page_of(as_reviewer, f"/kb/review/{mine.pk}/")
    assert "first text of this member" in page
    assert "<li>https://new.example/a</li>" in page
    assert page.count("<li>https://old.example/</li>") == 1  # dead, and not new
    assert "called a typo" not in page
    longer = submit(owner, "\n".join("abcdefghijklmnopqrstuvwxyz"), article, significance="typo")
    assert "called a typo, and changes" in page_of(as_reviewer, f"/kb/review/{longer.pk}/")
    assert "Look at this first" not in page_of(as_owner, f"/kb/review/{mine.pk}/")


def test_line_number_leads_to_a_form_at_that_line_and_the_words_stand_there(
    owner: User, as_reviewer: Client
) -> None:
    mine = submit(owner, "\n".join(f"line {n}" for n in range(1, 30)), make_article("x\n" + BASE))
    path = f"/kb/review/{mine.pk}/"
    assert 'href="' + path + '?line=12#say"' in page_of(as_reviewer, path)
    asked = page_of(as_reviewer, f"{path}?line=12")
    assert asked.count('id="say"') == 1
    assert asked.index("line 12<") < asked.index('id="say"') < asked.index("line 13<")
    sent = as_reviewer.post(f"{path}comment/", {"text": "Which one?", "line": "12"})
    said = ReviewComment.objects.get()
    assert (sent.status_code, sent["Location"]) == (302, f"{path}#comment-{said.pk}")
    page = page_of(as_reviewer, path)
    assert page.index("line 12<") < page.index("Which one?") < page.index("line 13<")


def test_words_to_a_line_far_from_every_change_are_shown_with_that_line(
    owner: User, as_owner: Client, reviewer: User
) -> None:
    text = "\n".join(f"line {n}" for n in range(1, 60))
    article = make_article(text)
    mine = submit(owner, text.replace("line 1\n", "first\n"), article)
    ReviewComment.objects.create(revision=mine, author=reviewer, text="And here?", line=40)
    page = page_of(as_owner, f"/kb/review/{mine.pk}/")
    assert "line 20<" not in page
    assert page.index("line 40<") < page.index("And here?") < page.index("line 41<")
    assert "line 20<" in page_of(as_owner, f"/kb/review/{mine.pk}/?all=1")


def test_approval_and_sending_back_by_form(owner: User, as_reviewer: Client, as_owner: Client) -> None:
    article = make_article(BASE)
    mine = submit(owner, BASE + "more\n", article)
    path = f"/kb/review/{mine.pk}/"
    empty = as_reviewer.post(f"{path}send-back/", {"words": ""})
    assert empty.status_code == 422
    sent = as_reviewer.post(f"{path}send-back/", {"words": "Say more."})
    assert (sent.status_code, sent["Location"]) == (302, "/kb/review/")
    assert "Say more." in page_of(as_owner, path)
    again = submit(owner, BASE + "more\nand more\n", article)
    path = f"/kb/review/{again.pk}/"
    assert 'name="seen" value="' + str(article.current_id) in page_of(as_reviewer, path)
    assert as_reviewer.post(f"{path}approve/", {"seen": article.current_id, "words": ""}).status_code == 302
    article.refresh_from_db()
    assert article.current == again


def test_refused_approval_keeps_the_words_and_shows_what_changed_meanwhile(
    owner: User, as_reviewer: Client
) -> None:
    article = make_article(BASE)
    seen = article.current_id
    mine = submit(owner, BASE.replace("first", "1st"), article)
    publish_text(article, BASE.replace("second", "2nd"))
    path = f"/kb/review/{mine.pk}/"
    refused = as_reviewer.post(f"{path}approve/", {"seen": seen, "words": "Kept words."})
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "while you were looking" in page
    assert "Kept words." in page
    assert "Both changes fit together" in page
    assert f'name="seen" value="{article.current_id}"' in page
    assert as_reviewer.post(f"{path}approve/", {"seen": article.current_id, "words": ""}).status_code == 302


def test_conflict_is_said_in_words_and_cannot_be_approved(
    owner: User, as_reviewer: Client, as_owner: Client
) -> None:
    article = make_article(BASE)
    mine = submit(owner, BASE.replace("first", "mine"), article)
    publish_text(article, BASE.replace("first", "theirs"))
    path = f"/kb/review/{mine.pk}/"
    page = page_of(as_reviewer, path)
    assert "changed in the same places" in page
    assert f"{path}approve/" not in page
    assert f"{path}send-back/" in page
    refused = as_reviewer.post(f"{path}approve/", {"seen": article.current_id, "words": ""})
    assert refused.status_code == 422
    assert "Withdraw it: your draft then shows" in page_of(as_owner, path)


def test_author_withdraws_and_nobody_else_finds_the_button(
    owner: User, as_owner: Client, as_reviewer: Client
) -> None:
    mine = submit(owner, "text")
    path = f"/kb/review/{mine.pk}/"
    assert f"{path}withdraw/" not in page_of(as_reviewer, path)
    assert as_reviewer.post(f"{path}withdraw/").status_code == 404
    assert f"{path}withdraw/" in page_of(as_owner, path)
    assert as_owner.post(f"{path}withdraw/").status_code == 302
    assert Draft.objects.get().content == "text\n"
    assert as_owner.post(f"{path}withdraw/", follow=True).status_code == 200
    assert Draft.objects.count() == 1


# ------------------------------------------------------------------------------------------- history


def test_old_text_says_that_it_is_old_and_is_not_for_search_engines(as_stranger: Client) -> None:
    article = make_article("## Old\n\nwords\n")
    old = article.current_id
    publish_text(article, "## New\n\nwords\n")
    response = as_stranger.get(f"/kb/{article.slug}/history/{old}/")
    page = " ".join(response.content.decode().split())
    assert 'id="s-old"' in page
    assert "It has changed since" in page
    assert "noindex" in page
    assert response["X-Robots-Tag"] == "noindex"
    assert f'rel="canonical" href="http://localhost:8000/kb/{article.slug}/"' in page or "canonical" in page
    assert "Bring this text back" not in page


def test_old_text_names_its_live_blocks_and_draws_none(as_stranger: Client) -> None:
    article = make_article("{{ lab-hosts }}\n\n{{ qemu-device virtio-net-pci }}\n\n{{ unheard-of one }}\n")
    page = " ".join(page_of(as_stranger, f"/kb/{article.slug}/history/{article.current_id}/").split())
    assert "Live block <code>lab-hosts</code>" in page
    assert "Live block <code>qemu-device virtio-net-pci</code>" in page
    assert "{{ qemu-device" not in page
    assert "{{ unheard-of one }}" in page
    assert "From the lab" not in page


def test_old_text_is_rendered_once(as_stranger: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    article = make_article("words\n")
    calls: list[str] = []
    render = rendering.render

    def counted(text: str, *more: Any) -> rendering.Rendered:
        calls.append(text)
        return render(text, *more)

    monkeypatch.setattr(rendering, "render", counted)
    for _ in range(3):
        as_stranger.get(f"/kb/{article.slug}/history/{article.current_id}/")
    assert calls == ["words\n"]


def test_history_names_contributors_and_diff_defaults_to_the_last_change(
    owner: User, member: User, as_stranger: Client
) -> None:
    article = make_article("one\n")
    publish_text(article, "two\n", author=owner, summary="Second.")
    publish_text(article, "three\n", author=member, summary="Third.")
    page = page_of(as_stranger, f"/kb/{article.slug}/history/")
    assert "Asha Owner, Ravi Member" in " ".join(page.split())
    assert page.index("Third.") < page.index("Second.")
    page = page_of(as_stranger, f"/kb/{article.slug}/diff/")
    assert ">two</" in page
    assert ">three</" in page
    assert ">one</" not in page


@pytest.mark.parametrize("query", ["?a=x", "?b=999999", "?a=-1", "?b=99999999999999999999999", "?a=1x"])
def test_nonsense_in_the_address_of_a_comparison_is_404(as_stranger: Client, query: str) -> None:
    article = make_article("one\n")
    assert as_stranger.get(f"/kb/{article.slug}/diff/{query}").status_code == 404


def test_revision_of_another_article_is_not_found_under_this_one(as_stranger: Client) -> None:
    one, other = make_article("one\n"), make_article("other\n")
    assert as_stranger.get(f"/kb/{one.slug}/history/{other.current_id}/").status_code == 404
    assert as_stranger.get(f"/kb/{one.slug}/diff/?a={other.current_id}").status_code == 404


def test_reviewer_brings_an_older_text_back_after_seeing_what_changes(
    as_reviewer: Client, as_owner: Client, as_stranger: Client
) -> None:
    article = make_article("old\n")
    old = article.current_id
    publish_text(article, "new\n")
    path = f"/kb/{article.slug}/history/{old}/revert/"
    assert [c.get(path).status_code for c in (as_owner, as_stranger)] == [404, 302]
    assert as_owner.post(path, {"seen": article.current_id, "reason": "x"}).status_code == 404
    assert f'value="{article.current_id}"' in page_of(as_reviewer, path)
    assert as_reviewer.post(path, {"seen": article.current_id, "reason": ""}).status_code == 422
    stale = as_reviewer.post(path, {"seen": old, "reason": "Was right."})
    assert stale.status_code == 422
    assert "while you were looking" in stale.content.decode()
    sent = as_reviewer.post(path, {"seen": article.current_id, "reason": "Was right."})
    assert (sent.status_code, sent["Location"]) == (302, f"/kb/{article.slug}/")
    article.refresh_from_db()
    assert article.html == "<p>old</p>"
    assert as_reviewer.get(path).status_code == 404  # nothing to bring back any more


# ------------------------------------------------------------------------------------------ watching


def test_watching_by_the_page_and_ending_it_by_the_mail_without_signing_in(
    owner: User, as_owner: Client, as_stranger: Client
) -> None:
    from kb.models import Watch
    from kb.services.watching import unwatch_url

    article = make_article(BASE)
    assert as_stranger.post(f"/kb/{article.slug}/watch/").status_code == 404
    for _ in range(2):
        assert as_owner.post(f"/kb/{article.slug}/watch/").status_code == 302
    path = unwatch_url(Watch.objects.get()).removeprefix("http://localhost:8000")
    path = path[path.index("/kb/") :]
    assert "Stop watching" in page_of(as_stranger, path)
    assert Watch.objects.count() == 1
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Watch.objects.exists()
    assert "no longer watch" in page_of(as_stranger, path)
    as_owner.post(f"/kb/{article.slug}/watch/")
    as_owner.post(f"/kb/{article.slug}/watch/", {"stop": "1"})
    assert not Watch.objects.exists()


def test_article_that_one_may_not_read_cannot_be_watched(
    owner: User, as_member: Client, as_owner: Client
) -> None:
    from kb.models import Watch

    article = make_article(None, owner=owner)
    assert as_member.post(f"/kb/{article.slug}/watch/").status_code == 404
    assert not Watch.objects.exists()
