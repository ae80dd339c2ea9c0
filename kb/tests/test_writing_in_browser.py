"""Writing in a real browser: with the editor and with the plain box, without JavaScript, without a network."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kb.documents import Document
from kb.models import Draft, Revision
from kb.services.writing import save_draft, start_draft
from kb.tests.factories import NOW, make_article
from portal.accounts.models import User
from portal.tests.browser import NewPage, axe_findings, overflow, sign_in
from portal.tests.factories import signed_in
from portal.tests.pictures import picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def make_draft(author: User, content: str = "") -> Draft:
    return start_draft(author=author, at=NOW, document=Document("A LUN of its own", content))


def open_editor(page: Page, client: Client, live_server: LiveServer, draft: Draft) -> None:
    sign_in(page, client, live_server.url)
    page.goto(f"{live_server.url}{reverse('kb:draft', args=[draft.key])}")
    page.locator("form[data-ready]").wait_for()


def saved(page: Page) -> None:
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d\d:\d\d$"), timeout=20000)


def test_an_article_is_written_seen_and_sent(owner: User, live_server: LiveServer, new_page: NewPage) -> None:
    draft = make_draft(owner)
    page = new_page()
    open_editor(page, signed_in(owner), live_server, draft)
    text = page.get_by_role("textbox", name="Text, in Markdown")
    text.focus()
    page.keyboard.type("## Find it\n\n- one\ntwo\n\n\n")
    page.keyboard.press("Control+b")
    page.keyboard.type("first")
    page.keyboard.press("End")
    page.get_by_role("button", name="Console").click()
    page.keyboard.type("virsh nodedev-list --cap vports")
    preview = page.get_by_role("region", name="Preview")
    expect(preview.get_by_role("heading", name="Find it")).to_be_visible()
    expect(preview.locator(".code .prompt")).to_have_text("$ ")
    expect(preview.get_by_role("button", name="Copy")).to_be_visible()
    saved(page)
    kept = Draft.objects.get()
    assert kept.content == (
        "## Find it\n\n- one\n- two\n\n**first**\n\n```console\n$ virsh nodedev-list --cap vports\n```\n"
    )
    # Tab leads out of the text, to the next control.
    text.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('[data-codemirror]')") is None
    page.get_by_role("button", name="Send for review").click()
    expect(page.get_by_text("was sent for review")).to_be_visible()
    assert Revision.objects.get().content == kept.content


def test_remarks_lead_to_their_line(owner: User, live_server: LiveServer, new_page: NewPage) -> None:
    page = new_page()
    open_editor(page, signed_in(owner), live_server, make_draft(owner, "one\n\ntwo\n\n![](/kb/x)\n"))
    page.get_by_role("button", name="Line 5").click()
    page.keyboard.type("gone")
    saved(page)
    assert Draft.objects.get().content == "one\n\ntwo\n\ngone\n"


def test_the_plain_box_is_a_choice_that_is_remembered(
    owner: User, live_server: LiveServer, new_page: NewPage
) -> None:
    page = new_page()
    open_editor(page, signed_in(owner), live_server, make_draft(owner, "words\n"))
    page.get_by_role("button", name="Plain box").click()
    box = page.locator("textarea[name=content]")
    box.press("Control+End")
    box.press("Control+b")
    page.keyboard.type("loud")
    assert box.input_value() == "words\n**loud**"
    saved(page)
    page.reload()
    page.locator("form[data-ready]").wait_for()
    assert box.is_visible()
    page.get_by_role("button", name="Plain box").click()
    expect(page.get_by_role("textbox", name="Text, in Markdown")).to_contain_text("loud")


def test_everything_works_without_javascript(owner: User, live_server: LiveServer, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, signed_in(owner), live_server.url)
    page.goto(f"{live_server.url}/kb/")
    page.get_by_role("link", name="Write an article").click()
    page.get_by_label("Title").fill("Without a script")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("textbox", name="Text").fill("## One\n\nwords [dead](/nowhere/)")
    page.get_by_role("button", name="Save and preview").click()
    assert page.get_by_role("heading", name="One").is_visible()
    assert page.get_by_text("The portal has no page at /nowhere/.").is_visible()
    page.get_by_role("link", name="Back to the editor").click()
    page.get_by_role("textbox", name="Text").fill("## One\n\nwords")
    page.get_by_role("button", name="Send for review").click()
    assert page.get_by_text("was sent for review").is_visible()
    assert Revision.objects.get().content == "## One\n\nwords\n"


def test_what_is_typed_without_a_network_is_kept_and_offered(
    owner: User, live_server: LiveServer, new_page: NewPage
) -> None:
    draft = make_draft(owner, "words\n")
    page = new_page()
    open_editor(page, signed_in(owner), live_server, draft)
    page.route("**/save/", lambda route: route.abort("internetdisconnected"))
    page.get_by_role("textbox", name="Text, in Markdown").focus()
    page.keyboard.type("typed in a tunnel, ")
    page.keyboard.press("Control+s")
    state = page.locator("[data-saved]")
    expect(state).to_have_text("Not saved: no network. Your text is kept in this browser.")
    page.unroute("**/save/")
    page.route("**/save/", lambda route: route.abort("internetdisconnected"))
    page.reload()
    page.locator("form[data-ready]").wait_for()
    assert "tunnel" not in page.get_by_role("textbox", name="Text, in Markdown").inner_text()
    page.get_by_role("heading", name="This browser keeps a text that was not saved").wait_for()
    page.unroute("**/save/")
    page.get_by_role("button", name="Use it").click()
    saved(page)
    assert Draft.objects.get().content == "typed in a tunnel, words\n"
    page.reload()
    page.locator("form[data-ready]").wait_for()
    assert not page.get_by_text("This browser keeps").is_visible()


#: The time that the page allows for saving, shortened.
SLOW = """AbortSignal.timeout = () => {
  const one = new AbortController();
  setTimeout(() => one.abort(new DOMException("", "TimeoutError")), 200);
  return one.signal;
};"""


def refuse(page: Page, status: int) -> None:
    """Let the portal refuse to save by ``status``; 0: never answer."""
    page.route("**/save/", lambda route: route.fulfill(status=status) if status else None)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (429, "saved very often; tried again in a minute"),
        (403, "you are signed out, or the draft is gone"),
        (404, "you are signed out, or the draft is gone"),
        (500, "the portal did not answer as it should"),
        (0, "the network is too slow"),
    ],
)
def test_what_cannot_be_saved_is_kept_and_the_writer_is_told_why(
    owner: User, live_server: LiveServer, new_page: NewPage, status: int, why: str
) -> None:
    draft = make_draft(owner, "before\n")
    page = new_page()
    page.add_init_script(SLOW if status == 0 else "")
    open_editor(page, signed_in(owner), live_server, draft)
    refuse(page, status)
    page.get_by_role("textbox", name="Text, in Markdown").focus()
    page.keyboard.type("Written meanwhile. ")
    state = page.locator("[data-saved]")
    expect(state).to_have_text(f"Not saved: {why}. Your text is kept in this browser.", timeout=20000)
    assert Draft.objects.get().content == "before\n"
    page.unroute("**/save/")
    page.reload()
    page.locator("form[data-ready]").wait_for()
    page.get_by_role("button", name="Use it").click()
    saved(page)
    assert "Written meanwhile." in Draft.objects.get().content


def test_who_is_signed_out_meanwhile_is_told_and_keeps_the_text(
    owner: User, live_server: LiveServer, new_page: NewPage
) -> None:
    page = new_page()
    open_editor(page, signed_in(owner), live_server, make_draft(owner, "before\n"))
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("textbox", name="Text, in Markdown").focus()
    page.keyboard.type("Written meanwhile. ")
    expect(page.locator("[data-saved]")).to_contain_text("you are signed out", timeout=20000)
    sign_in(page, signed_in(owner), live_server.url)
    page.reload()
    page.get_by_role("button", name="Use it").click()
    saved(page)
    assert "Written meanwhile." in Draft.objects.get().content


def test_two_tabs_lose_nothing(owner: User, live_server: LiveServer, new_page: NewPage) -> None:
    draft = make_draft(owner, "one\n\ntwo\n")
    client = signed_in(owner)
    page = new_page(width=360, height=740)
    open_editor(page, client, live_server, draft)
    save_draft(draft=draft, version=0, document=Document("A LUN of its own", "elsewhere\n\ntwo\n"), at=NOW)
    page.get_by_role("textbox", name="Text, in Markdown").focus()
    page.keyboard.type("here ")
    page.keyboard.press("Control+s")
    expect(page.locator("[data-saved]")).to_contain_text("changed in another tab")
    page.get_by_role("button", name="Compare the two").click()
    page.get_by_role("heading", name="Two texts, one question to settle").wait_for()
    assert axe_findings(page) == []
    assert overflow(page) == 0
    page.get_by_label("Write it as follows").check()
    page.get_by_label("Your own text for line 1").fill("here and elsewhere one")
    page.get_by_role("button", name="Save it so").click()
    page.locator("form[data-ready]").wait_for()
    assert Draft.objects.get().content == "here and elsewhere one\n\ntwo\n"


def test_two_people_in_two_browsers_put_their_texts_together(
    owner: User, member: User, live_server: LiveServer, new_page: NewPage
) -> None:
    make_article("one\n\ntwo\n\nthree\n", slug="shared", title="Shared")
    pages = {}
    for person, word in ((owner, "OWNER "), (member, "MEMBER ")):
        page = pages[person] = new_page()
        sign_in(page, signed_in(person), live_server.url)
        page.goto(f"{live_server.url}/kb/shared/")
        page.get_by_role("link", name="Edit this article").click()
        page.get_by_role("button", name="Start editing").click()
        page.locator("form[data-ready]").wait_for()
        page.get_by_role("textbox", name="Text, in Markdown").focus()
        if person == member:
            page.keyboard.press("Control+End")
        page.keyboard.type(word)
        saved(page)
    pages[owner].get_by_role("button", name="Send for review").click()
    pages[owner].get_by_text("was sent for review").wait_for()
    from django.db import transaction

    from kb.services.publishing import lock_article, make_current

    with transaction.atomic():
        revision = Revision.objects.get(state="submitted")
        Revision.objects.filter(pk=revision.pk).update(state="approved", reviewed_at=NOW)
        revision.refresh_from_db()
        make_current(article=lock_article(revision.article), revision=revision, at=NOW)
    pages[member].get_by_role("button", name="Send for review").click()
    pages[member].get_by_text("their changes and yours are both in it").wait_for()
    assert Revision.objects.get(state="submitted").content == "OWNER one\n\ntwo\n\nthree\nMEMBER\n"


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_axe_finds_nothing_in_the_editor(
    owner: User, live_server: LiveServer, new_page: NewPage, width: int, scheme: str, shown: bool
) -> None:
    text = "## One\n\nA [link](/kb/x/), `code`, **bold**.\n\n```console\n$ virsh list\n```\n\n# Big\n"
    page = new_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    open_editor(page, signed_in(owner), live_server, make_draft(owner, text))
    toggle = page.get_by_role("button", name="Preview", exact=True)
    if (toggle.get_attribute("aria-pressed") == "true") is not shown:
        toggle.click()
    if shown:
        page.locator("[data-preview] .prose").wait_for()
    else:
        page.get_by_role("button", name="Help").click()
    assert axe_findings(page) == []
    assert overflow(page) == 0


PASTE = """async (bytes) => {
  const file = new File([new Uint8Array(bytes)], "pool.png", { type: "image/png" });
  const data = new DataTransfer();
  data.items.add(file);
  const kind = { clipboardData: data, bubbles: true, cancelable: true };
  document.querySelector(".cm-content").dispatchEvent(new ClipboardEvent("paste", kind));
}"""


def test_a_picture_is_pasted_with_words_and_seen(
    owner: User, live_server: LiveServer, new_page: NewPage
) -> None:
    page = new_page()
    open_editor(page, signed_in(owner), live_server, make_draft(owner, "words\n"))
    page.evaluate(PASTE, list(picture(form="PNG")))
    dialog = page.get_by_role("dialog", name="Add a picture")
    assert dialog.get_by_text("pool.png").is_visible()
    assert axe_findings(page) == []
    page.keyboard.type("The pool's page")
    dialog.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("region", name="Preview").get_by_alt_text("The pool's page")).to_be_visible()
    saved(page)
    assert "![The pool's page](/kb/pictures/" in Draft.objects.get().content
    # By the button, with a file that is none.
    page.get_by_role("button", name="Picture").click()
    dialog.get_by_label("Picture").set_input_files(
        {"name": "x.svg", "mimeType": "image/svg+xml", "buffer": b"<svg onload='alert(1)'/>"}
    )
    dialog.get_by_label("What is to be seen?").fill("Nothing")
    dialog.get_by_role("button", name="Add it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("SVG")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
