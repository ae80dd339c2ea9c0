"""From a heading to a question, its change and its withdrawal, without scripts; and how the pages look to axe."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kb.models import Article, Question
from kb.services import own_posts
from kb.services import questions as service
from kb.tests.factories import NOW, make_article, publish_text
from kb.tests.review_factories import LATER, make_reviewer
from portal.accounts.models import User
from portal.tests.browser import NewPage, axe_findings, overflow, sign_in
from portal.tests.factories import PASSWORD, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "Create a vHBA that is there after the host was started again, with `nodedev-define`"
TEXT = f"Words.\n\n## Find the HBA\n\nMore.\n\n### {LONG}\n\nAnd more.\n"


@pytest.fixture
def article(owner: User) -> Article:
    """An article of the owner's, whose posts are seen at once."""
    article = make_article(None, slug="one", title="One", owner=owner)
    publish_text(article, TEXT, author=owner)
    return article


def test_a_visitor_asks_from_a_heading_changes_it_and_takes_it_back_without_scripts(
    new_page: NewPage, live_server: LiveServer, article: Article, owner: User
) -> None:
    page: Page = new_page(java_script_enabled=False)
    page.goto(f"{live_server.url}/kb/one/")
    page.get_by_role("link", name="Ask about: Find the HBA").click()
    expect(page.get_by_text("About: Find the HBA")).to_be_visible()
    page.get_by_role("link", name="Sign in to ask").click()
    page.locator("input[name=login]").fill(owner.email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    assert page.url == f"{live_server.url}/kb/one/questions/?section=s-find-the-hba#ask"
    assert page.locator("select[name=section]").input_value() == "s-find-the-hba"
    page.get_by_label("Your question").fill("Which one?")
    page.locator("form:has(select[name=section])").get_by_role("button").click()
    page.get_by_role("link", name="Change your question").click()
    page.get_by_label("Your question").fill("Which of them?")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("Which of them?")).to_be_visible()
    page.get_by_role("link", name="Withdraw your question").click()
    page.get_by_role("button", name="Withdraw it").click()
    page.get_by_role("button", name="Bring your question back").click()
    asked = Question.objects.get()
    assert (asked.section, asked.text, asked.withdrawn_at) == ("s-find-the-hba", "Which of them?", None)


def test_the_link_is_not_printed(new_page: NewPage, live_server: LiveServer, article: Article) -> None:
    page = new_page()
    page.goto(f"{live_server.url}/kb/one/")
    expect(page.get_by_role("link", name="Ask about: Find the HBA")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name="Ask about: Find the HBA")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_of_questions_are_right_for_axe_and_fit_the_window(
    new_page: NewPage,
    live_server: LiveServer,
    article: Article,
    owner: User,
    member: User,
    width: int,
    scheme: str,
) -> None:
    asked = service.ask(article=article, user=owner, section="s-find-the-hba", text="Which?", at=NOW)
    given = service.answer(question=asked, user=owner, text="This: " + "x" * 200, at=NOW)
    gone = service.ask(article=article, user=owner, section="", text="Mine alone.", at=NOW)
    own_posts.withdraw_post(post=gone, user=owner, at=LATER)
    service.ask(article=article, user=member, section="", text="Held?", at=NOW)
    service.answer(question=asked, user=member, text="Held.", at=NOW)
    page = new_page(width=width, color_scheme=scheme)
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(f"{name}: {found}" for found in axe_findings(page))
        if overflow(page):
            wrong.append(f"{name}: wider than the window by {overflow(page)}")

    sign_in(page, signed_in(owner), live_server.url)
    for path in ("one/", "one/questions/", f"questions/answers/{given.pk}/withdraw/", "one/did-it-work/"):
        page.goto(f"{live_server.url}/kb/{path}")
        look(path)
    page.goto(f"{live_server.url}/kb/questions/{asked.pk}/edit/")
    own_posts.edit_post(post=asked, user=owner, version=0, text="Changed elsewhere.", at=LATER)
    page.get_by_label("Your question").fill("Typed here.")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert")).to_contain_text("Changed elsewhere.")
    look("two tabs")
    page.context.clear_cookies()
    sign_in(page, signed_in(make_reviewer()), live_server.url)
    page.goto(f"{live_server.url}/kb/questions/held/")
    expect(page.get_by_text("Held?")).to_be_visible()
    look("held")
    assert not wrong, "\n".join(wrong)
