"""From a first text to readers, with real browsers and the real outbox; and how its pages look to axe."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from kb.models import Article, ReviewComment, Revision
from kb.tests.factories import make_article, publish_text
from kb.tests.review_factories import BASE, make_reviewer, submit
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.browser import NewPage, axe_findings, overflow, sign_in
from portal.tests.factories import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WRITTEN = "## List the HBAs\n\nRun virsh nodedev-list.\n\n## Next\n\nMore to come.\n"
BETTER = WRITTEN.replace("nodedev-list", "nodedev-list --cap vports")


def last_mail(user: User) -> OutboxMessage:
    mail = OutboxMessage.objects.filter(to_user=user).order_by("pk").last()
    assert mail is not None
    return mail


def test_first_text_goes_back_and_forth_until_readers_see_it(
    owner: User, live_server: LiveServer, new_page: NewPage
) -> None:
    reviewer = make_reviewer()
    author, judge, reader = new_page(java_script_enabled=False), new_page(), new_page()
    sign_in(author, signed_in(owner), live_server.url)
    sign_in(judge, signed_in(reviewer), live_server.url)

    author.goto(f"{live_server.url}/kb/new/")
    author.get_by_label("Title").fill("Find an HBA that can do NPIV")
    author.locator("main form button[type=submit]").click()
    author.locator("textarea[name=content]").fill(WRITTEN)
    author.get_by_role("button", name="Send for review").click()
    assert "was sent for review" in author.content()
    waiting = Revision.objects.get()
    assert last_mail(reviewer).subject == "To review: Find an HBA that can do NPIV"

    judge.goto(f"{live_server.url}/kb/review/")
    judge.get_by_role("link", name="Find an HBA that can do NPIV").click()
    assert judge.get_by_text("first text of this member").is_visible()
    judge.get_by_role("link", name="Say something to line 3").focus()
    judge.keyboard.press("Enter")
    judge.wait_for_url("**/?line=3#say")
    judge.get_by_label("What you want to say").fill("Which capability?")
    judge.get_by_role("button", name="Say it").click()
    judge.wait_for_url(f"**/kb/review/{waiting.pk}/#comment-*")
    assert ReviewComment.objects.get().line == 3
    judge.get_by_label("What has to change").fill("Say which devices are listed.")
    judge.get_by_role("button", name="Send back").click()
    judge.wait_for_url("**/kb/review/")
    assert reader.goto(f"{live_server.url}/kb/find-an-hba-that-can-do-npiv/").status == 404  # type: ignore[union-attr]

    mail = last_mail(owner)
    assert "Line 3, Vera Reviewer: Which capability?" in mail.text_body
    draft_url = next(line for line in mail.text_body.splitlines() if "/kb/drafts/" in line)
    author.goto(live_server.url + draft_url[draft_url.index("/kb/") :])
    assert author.get_by_text("Say which devices are listed.").is_visible()
    assert author.get_by_text("Which capability?").is_visible()
    author.locator("textarea[name=content]").fill(BETTER)
    author.get_by_role("button", name="Send for review").click()

    again = Revision.objects.get(state="submitted")
    judge.goto(f"{live_server.url}/kb/review/{again.pk}/")
    judge.get_by_label("A word to its author").fill("Thank you.")
    judge.get_by_role("button", name="Approve: readers see it").click()
    judge.wait_for_url("**/kb/review/")
    assert last_mail(owner).subject == "Approved: Find an HBA that can do NPIV"
    reader.goto(f"{live_server.url}/kb/find-an-hba-that-can-do-npiv/")
    assert reader.get_by_text("--cap vports").is_visible()
    author.goto(f"{live_server.url}/kb/find-an-hba-that-can-do-npiv/")
    author.get_by_role("button", name="Stop watching").click()  # whose first text it is watches it
    assert author.get_by_role("button", name="Watch this article").is_visible()


def _pictures(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
)
def test_pages_of_review_are_right_for_axe_and_fit_the_window(
    owner: User, live_server: LiveServer, new_page: NewPage, width: int, scheme: str
) -> None:
    reviewer = make_reviewer()
    article = make_article(
        BASE + "\n    a very long line " + "x" * 200 + "\n", slug="npiv", title="NPIV", owner=reviewer
    )
    first = article.current_id
    mine = submit(
        owner,
        "A new line with a <https://new.example/>.\n\n" + BASE.replace("second", "the second one"),
        article,
        summary="Say it better.",
        title="NPIV and vHBA",
        tags=("npiv",),
    )
    publish_text(article, BASE.replace("first", "the first one"), author=owner, summary="Better.")
    ReviewComment.objects.create(revision=mine, author=reviewer, text="Why this?", line=1)
    ReviewComment.objects.create(revision=mine, author=owner, text="Because.", line=None)
    stuck = submit(owner, BASE.replace("first", "another"), article)
    Revision.objects.filter(pk=stuck.pk).update(based_on=first)
    deleted = make_article(slug="gone", title="Gone")
    Article.objects.filter(pk=deleted.pk).update(deleted_at=mine.created_at, deleted_by=reviewer)
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, signed_in(reviewer), live_server.url)
    wrong = []
    for name, path in {
        "queue": "review/",
        "review": f"review/{mine.pk}/?line=3",
        "conflict": f"review/{stuck.pk}/",
        "history": "npiv/history/",
        "revision": f"npiv/history/{first}/",
        "diff": f"npiv/diff/?a={first}&b={article.current_id}",
        "revert": f"npiv/history/{first}/revert/",
        "settings": "npiv/settings/",
        "delete": "npiv/delete/",
        "deleted": "deleted/",
        "dashboards": "dashboards/",
        "gone": "gone/",
        "article": "npiv/",
    }.items():
        page.goto(f"{live_server.url}/kb/{path}")
        for fold in page.locator("main details").all():
            fold.evaluate("fold => { fold.open = true }")
        _pictures(page, f"{name}-{width}-{scheme}")
        wrong += [f"{name}: {found}" for found in axe_findings(page)]
        if overflow(page):
            wrong.append(f"{name}: wider than the window by {overflow(page)}")
    assert not wrong, "\n".join(wrong)
