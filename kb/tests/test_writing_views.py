"""The writer's pages, each as three persons; and two editors of one text."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kb.documents import Document
from kb.models import Article, Draft, ReviewComment, Revision, Tag
from kb.services.writing import MAX_CONTENT, start_draft
from kb.tests.factories import NOW, make_article, publish_text
from kb.views import writing
from portal.accounts.models import User

pytestmark = pytest.mark.django_db
TEXT = "one\n\ntwo\n\nthree\n"
JSON = {"Accept": "application/json"}


def make_draft(author: User, article: Article | None = None, **fields: Any) -> Draft:
    document = Document(**({"title": "My draft", "content": "words\n"} | fields))
    return start_draft(author=author, at=NOW, article=article, document=document)


def page_of(draft: Draft, name: str = "draft") -> str:
    return reverse(f"kb:{name}", args=[draft.key])


def sent(draft: Draft, **changes: Any) -> dict[str, Any]:
    """What the editor's form sends, with changes."""
    return {
        "title": draft.title,
        "kind": draft.kind,
        "abstract": draft.abstract,
        "tags": ", ".join(draft.tags),
        "series": draft.series,
        "part": draft.part or "",
        "content": draft.content,
        "summary": draft.summary,
        "significance": draft.significance,
        "version": draft.version,
        "applies-TOTAL_FORMS": 0,
        "applies-INITIAL_FORMS": 0,
    } | changes


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


# ------------------------------------------------------------------------------------------ who may what


@pytest.mark.parametrize(
    ("name", "method"),
    [
        (name, method)
        for name, methods in {
            "draft": "get",
            "draft_save": "post",
            "draft_preview": "get post",
            "draft_submit": "post",
            "draft_merge": "get post",
            "draft_discard": "get post",
        }.items()
        for method in methods.split()
    ],
)
def test_a_draft_is_its_authors_alone(
    as_member: Client, as_stranger: Client, owner: User, member: User, name: str, method: str
) -> None:
    draft = make_draft(owner, title="Unmistakable")
    User.objects.filter(pk=member.pk).update(is_staff=True, is_superuser=True)
    response = getattr(as_member, method)(page_of(draft, name), sent(draft))
    assert (response.status_code, "Unmistakable" in text(response)) == (404, False)
    response = getattr(as_stranger, method)(page_of(draft, name), sent(draft))
    assert response.status_code == (302 if method == "get" else 404)
    kept = Draft.objects.get()
    assert (kept.version, kept.content) == (0, "words\n")


def test_an_article_that_one_may_not_read_cannot_be_edited(
    as_owner: Client, as_member: Client, as_stranger: Client, owner: User
) -> None:
    make_article(None, slug="secret", owner=owner)
    address = reverse("kb:article_edit", args=["secret"])
    assert as_owner.get(address).status_code == 200
    assert as_member.get(address).status_code == 404
    assert as_member.post(address).status_code == 404
    assert as_stranger.post(address).status_code == 404
    assert as_stranger.get(address)["Location"].startswith(reverse("account_login"))
    assert not Draft.objects.exists()


# ------------------------------------------------------------------------------------------------- write


def test_a_new_article_is_named_written_and_sent(as_owner: Client, owner: User) -> None:
    assert as_owner.post("/kb/new/", {"title": "", "kind": "how-to"}).status_code == 422
    begun = as_owner.post("/kb/new/", {"title": "A LUN of its own", "kind": "reference"})
    draft = Draft.objects.get()
    assert begun["Location"] == page_of(draft)
    assert (draft.title, draft.kind, draft.author) == ("A LUN of its own", "reference", owner)
    rows = {"applies-TOTAL_FORMS": 2, "applies-0-component": "qemu", "applies-0-minimum": "7.2"}
    done = as_owner.post(
        page_of(draft, "draft_submit"),
        sent(draft, content="## Do it\r\n\r\nSo.\r\n", tags="Storage, npiv", abstract="How.", **rows),
        follow=True,
    )
    assert "was sent for review" in text(done)
    revision = Revision.objects.get()
    assert revision.document.content == "## Do it\n\nSo.\n"
    assert revision.document.tags == ("npiv", "Storage")
    assert revision.applies_to == [["qemu", "7.2", ""]]
    assert revision.article.slug == "a-lun-of-its-own"


def test_editing_begins_once_and_goes_on(as_member: Client, member: User, owner: User) -> None:
    article = make_article(TEXT, slug="one", title="One")
    Revision.objects.create(article=article, author=owner, content="x")
    page = text(as_member.get("/kb/one/edit/"))
    assert "A change of somebody else's waits for review" in page
    assert "/kb/one/edit/" in text(as_member.get("/kb/one/"))
    first = as_member.post("/kb/one/edit/")
    draft = Draft.objects.get()
    assert first["Location"] == page_of(draft)
    assert as_member.get("/kb/one/edit/")["Location"] == page_of(draft)
    assert TEXT.strip() in as_member.get(page_of(draft)).content.decode()


def test_a_text_keeps_its_first_line_though_it_is_blank(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner, content="\nx\n")
    assert ">\n\nx\n</textarea>" in as_owner.get(page_of(draft)).content.decode()


def test_saving_by_button_and_by_program(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner)
    page = as_owner.post(page_of(draft, "draft_save"), sent(draft, content="new"), follow=True)
    assert "Your draft is saved" in text(page)
    answer = as_owner.post(
        page_of(draft, "draft_save"), sent(draft, version=1, content="newer"), headers=JSON
    )
    assert answer.json().keys() == {"version", "saved"}
    assert (answer.json()["version"], Draft.objects.get().content) == (2, "newer\n")
    on = as_owner.post(page_of(draft, "draft_save"), sent(draft, version=2, content="last", then="preview"))
    assert on["Location"] == page_of(draft, "draft_preview")


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"content": "x" * (MAX_CONTENT + 1)}, "content", "200,001 characters"),
        ({"title": "x" * 121}, "title", "at most 120"),
        ({"tags": ",".join(f"tag{n}" for n in range(11))}, "tags", "At most 10 tags"),
        ({"part": "-1"}, "part", "greater than or equal to 1"),
        ({"kind": "novel"}, "kind", "Select a valid choice"),
        ({"applies-TOTAL_FORMS": 1, "applies-0-component": "emacs"}, "applies_to", "Select a valid choice"),
    ],
)
def test_what_cannot_be_saved_is_said_and_stays_in_the_form(
    as_owner: Client, owner: User, wrong: dict[str, Any], field: str, said: str
) -> None:
    draft = make_draft(owner)
    answer = as_owner.post(page_of(draft, "draft_save"), sent(draft, summary="Typed.", **wrong), headers=JSON)
    assert answer.status_code == 422
    assert said in answer.json()["problems"][field][0]
    page = as_owner.post(page_of(draft, "draft_save"), sent(draft, summary="Typed.", **wrong))
    assert page.status_code == 422
    assert said in text(page)
    assert Draft.objects.get().version == 0


def test_another_word_for_a_tag_becomes_the_tag(as_owner: Client, owner: User) -> None:
    Tag.objects.create(slug="npiv", name="NPIV", aliases=["vhba"])
    draft = make_draft(owner)
    as_owner.post(page_of(draft, "draft_save"), sent(draft, tags="vHBA, npiv,, own word ,"))
    assert Draft.objects.get().tags == ["NPIV", "own word"]


def test_discarding_asks_first(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner)
    assert "cannot be brought back" in text(as_owner.get(page_of(draft, "draft_discard")))
    assert Draft.objects.exists()
    assert "is gone" in text(as_owner.post(page_of(draft, "draft_discard"), follow=True))
    assert not Draft.objects.exists()


# ------------------------------------------------------------------------------------------------- check


def test_pictures_without_words_hold_a_text_back_and_nothing_is_lost(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner)
    page = as_owner.post(page_of(draft, "draft_submit"), sent(draft, content="a\n\n![](/kb/x)\n"))
    assert page.status_code == 422
    assert "Mend before sending" in text(page)
    assert ">Line 3<" in text(page)
    assert Draft.objects.get().content == "a\n\n![](/kb/x)\n"
    assert not Revision.objects.exists()


def test_warnings_hold_nothing_back(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner, content="# Big\n\n[x](/nowhere/)\n")
    assert "2 things to look at" in text(as_owner.get(page_of(draft, "draft_preview")))
    as_owner.post(page_of(draft, "draft_submit"), sent(draft))
    assert Revision.objects.count() == 1


def test_what_the_service_refuses_is_said(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner)
    page = as_owner.post(page_of(draft, "draft_submit"), sent(draft, title=" "))
    assert "Give the article a title. Your draft is saved." in text(page)


# ----------------------------------------------------------------------------------------------- preview


def test_preview_is_what_the_renderer_makes(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner, content="```console\n$ virsh list --all\n```\n")
    for response in (
        as_owner.get(page_of(draft, "draft_preview")),
        as_owner.post(page_of(draft, "draft_preview"), {"content": draft.content}),
    ):
        assert '<span class="gp prompt">$ </span>' in response.content.decode()
    assert "Nothing is written yet" in text(as_owner.post(page_of(draft, "draft_preview"), {"content": " "}))


@pytest.mark.parametrize(
    ("content", "is_said"),
    [
        ("```mermaid\ngraph LR\n```\n", True),
        ("```variables\npool = default | Storage pool | name\n```\n", True),
        ('The words `<div class="code diagram"`.\n', False),
    ],
)
def test_the_pane_says_what_only_the_whole_preview_draws(
    owner: User, as_owner: Client, content: str, is_said: bool
) -> None:
    pane = text(as_owner.post(page_of(make_draft(owner), "draft_preview"), {"content": content}))
    assert ("come to life in the whole page" in pane) is is_said
    assert Draft.objects.get().version == 0, "looking changes nothing"


def test_preview_is_bounded_in_size_and_number(
    as_owner: Client, owner: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = make_draft(owner)
    long = as_owner.post(page_of(draft, "draft_preview"), {"content": "x" * (MAX_CONTENT + 1)})
    assert (long.status_code, long["Content-Type"]) == (422, "text/plain; charset=utf-8")
    settings.ACCOUNT_RATE_LIMITS = {"kb_preview": "2/m/user", "kb_save": "1/m/user", "kb_submit": "1/m/user"}
    got = [as_owner.post(page_of(draft, "draft_preview"), {"content": "x"}).status_code for _ in range(3)]
    assert got[-1] == 429
    for name in ("draft_save", "draft_submit"):
        answers = [as_owner.post(page_of(draft, name), {}).status_code for _ in range(2)]
        assert answers == [422, 429]


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVa\tScript:alert(1))",
    "![x](javascript:alert(1))",
    '![x" onerror="alert(1)](/x)',
    "<svg/onload=alert(1)>",
    '!!! note "<img src=x onerror=alert(1)>"\n    x',
    '=== "<script>alert(1)</script>"\n    x',
    '## x {: onclick="alert(1)" style="position:fixed" }',
    "x{: .site-header #main data-editor=x }",
    "```{ .html onload=alert(1) }\n<script>alert(1)</script>\n```",
    '```html title="</span><script>alert(1)</script>"\nx\n```',
    "</textarea><script>alert(1)</script>",
    "</div></form><form action=https://evil.example><input name=csrfmiddlewaretoken>",
    "[x]: javascript:alert(1)\n\n[x]",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "`<script>alert(1)</script>`",
    '*[x]: " onmouseover=alert(1)\n\nx',
    "| <script>alert(1)</script> |\n| --- |\n| <img src=x onerror=alert(1)> |",
    "x[^1]\n\n[^1]: <iframe src=javascript:alert(1)>",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_hostile_gets_through_preview_editor_or_conflict(
    as_owner: Client, owner: User, hostile: str
) -> None:
    draft = make_draft(owner, content=hostile, title=hostile[:120], abstract=hostile[:250])
    pages = [
        as_owner.post(page_of(draft, "draft_preview"), {"content": hostile}),
        as_owner.get(page_of(draft, "draft_preview")),
        as_owner.get(page_of(draft)),
        as_owner.get("/kb/drafts/"),
        as_owner.post(page_of(draft, "draft_save"), sent(draft, version=7, content=hostile + " changed")),
    ]
    for page in pages:
        tags = re.findall(r"<[a-z][^>]*>", page.content.decode(), re.IGNORECASE)
        shown = [tag for tag in tags if not tag.startswith(("<input", "<script type=", "<script src="))]
        for tag in shown:
            bare = re.sub(r'"[^"]*"', '""', tag)
            assert not re.search(r"\son\w+=|\sstyle=|<script>|<iframe|<svg/", bare, re.IGNORECASE), tag
            assert not re.search(r'(href|src|action)="\s*(javascript|data):', tag, re.IGNORECASE), tag
            assert "evil.example" not in bare
            assert 'class="site-header"' not in tag or tag.startswith("<header")


# ------------------------------------------------------------------------------------------ nothing to keep it in


@pytest.mark.parametrize("name", ["draft_save", "draft_submit"])
def test_what_was_typed_comes_back_where_the_draft_is_gone(
    name: str, as_owner: Client, as_member: Client, as_stranger: Client, owner: User
) -> None:
    draft = make_draft(owner, content=TEXT)
    typed = sent(draft, content="Unmistakable </textarea><b>")
    for client, heading in ((as_member, "This draft is gone"), (as_stranger, "You are signed out")):
        answer = client.post(page_of(draft, name), typed)
        assert answer.status_code == 404
        assert heading in text(answer)
        assert "Unmistakable &lt;/textarea&gt;&lt;b&gt;" in text(answer)
        assert "three" not in text(answer)  # the draft itself is its owner's
    assert Draft.objects.get().content == TEXT
    draft.delete()
    assert "This draft is gone" in text(as_owner.post(page_of(draft, name), typed))
    assert as_owner.get(page_of(draft)).status_code == 404


def test_what_was_made_of_two_texts_comes_back_where_the_draft_is_gone(
    as_owner: Client, as_member: Client, as_stranger: Client, owner: User
) -> None:
    article = make_article(TEXT)
    draft = make_draft(owner, article)
    Draft.objects.update(content=TEXT.replace("one", "mine"))
    publish_text(article, TEXT.replace("one", "theirs"))
    asked = as_owner.get(page_of(draft, "draft_merge")).content.decode()
    form = {
        name: unescape(value)
        for name, value in re.findall(r'<input\s+type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"', asked)
    }
    number = next(name for name in form if name.startswith("mine-")).removeprefix("mine-")
    form |= {f"choice-{number}": "own", f"own-{number}": "Unmistakable </textarea><b>\n"}
    for client, heading in ((as_member, "This draft is gone"), (as_stranger, "You are signed out")):
        answer = client.post(page_of(draft, "draft_merge"), form)
        assert answer.status_code == 404
        assert heading in text(answer)
        kept = text(answer).partition("What you sent")[2]
        assert "Unmistakable &lt;/textarea&gt;&lt;b&gt;" in kept
        assert "three" in kept, "with the passages that nobody disputed"
    draft.delete()
    gone = as_owner.post(page_of(draft, "draft_merge"), form)
    assert "This draft is gone" in text(gone)
    assert "Unmistakable" in text(gone)


def test_of_two_clicks_the_slower_is_told(
    as_owner: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The draft goes between its being found and its being locked."""
    draft = make_draft(owner, content=TEXT)
    found = writing.own_draft

    def too_late(*args: Any) -> Draft:
        late = found(*args)
        Draft.objects.all().delete()
        return late

    monkeypatch.setattr(writing, "own_draft", too_late)
    answer = as_owner.post(page_of(draft, "draft_submit"), sent(draft, content="Unmistakable"))
    assert (answer.status_code, "Unmistakable" in text(answer)) == (404, True)


# ------------------------------------------------------------------------------------------ two editors


def test_two_tabs_get_a_page_with_both_texts(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner, content=TEXT)
    as_owner.post(page_of(draft, "draft_save"), sent(draft, content=TEXT.replace("one", "first")))
    late = sent(draft, content=TEXT.replace("one", "second"), title="Another title")
    assert as_owner.post(page_of(draft, "draft_save"), late, headers=JSON).json() == {
        "stale": True,
        "version": 1,
    }
    for name in ("draft_save", "draft_submit"):
        page = as_owner.post(page_of(draft, name), late)
        assert page.status_code == 409
        assert "first" in text(page)
        assert "second" in text(page)
        assert "saved in another tab" in text(page)
    assert (Draft.objects.get().content, Draft.objects.get().title) == (
        TEXT.replace("one", "first"),
        "My draft",
    )
    answer = as_owner.post(page_of(draft, "draft_merge"), answers(page, {"choice-0": "both"}))
    assert answer["Location"] == page_of(draft)
    kept = Draft.objects.get()
    assert kept.content == TEXT.replace("one", "second\nfirst")
    assert kept.title == "Another title"


def answers(page: Any, chosen: dict[str, str]) -> dict[str, str]:
    """What a browser sends from a conflict page: hidden fields, boxes, the first of each choice, and ``chosen``."""
    html = page.content.decode()
    form = html[html.index("<form", html.index("<main")) :]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        kept = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in kept and (kept.get("type") != "radio" or re.search(r"\schecked", tag)):
            found[kept["name"]] = unescape(kept.get("value", ""))
    for name, words in re.findall(r'<textarea[^>]*?name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        found[name] = unescape(words)
    assert set(chosen) <= set(found)
    return found | chosen


@pytest.mark.parametrize(
    ("choice", "line"), [("mine", "mine"), ("theirs", "theirs"), ("both", "mine\ntheirs"), ("own", "ours")]
)
def test_two_people_settle_what_both_changed(
    as_owner: Client, owner: User, member: User, choice: str, line: str
) -> None:
    article = make_article(TEXT, slug="one", title="T", summary="old")
    draft = make_draft(owner, article)
    mine = sent(draft, content=TEXT.replace("two", "mine"), title="Mine")
    current = publish_text(article, TEXT.replace("two", "theirs").replace("three", "THREE"), author=member)
    gone = as_owner.post(page_of(draft, "draft_submit"), mine)
    assert gone["Location"] == page_of(draft, "draft_merge")
    page = as_owner.get(page_of(draft, "draft_merge"))
    assert "Ravi Member changed the article while you were writing" in text(page)
    chosen = answers(page, {"choice-1": choice} | ({"own-1": "ours"} if choice == "own" else {}))
    assert chosen["current"] == str(current.pk)
    as_owner.post(page_of(draft, "draft_merge"), chosen)
    kept = Draft.objects.get()
    assert kept.content == f"one\n\n{line}\n\nTHREE\n"
    assert (kept.title, kept.based_on) == ("Mine", current)
    as_owner.post(page_of(draft, "draft_submit"), sent(kept))
    assert Revision.objects.waiting().get().content == f"one\n\n{line}\n\nTHREE\n"


def test_what_was_written_counts_though_the_choice_was_left(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner, content=TEXT)
    as_owner.post(page_of(draft, "draft_save"), sent(draft, content=TEXT.replace("two", "saved")))
    page = as_owner.post(page_of(draft, "draft_save"), sent(draft, content=TEXT.replace("two", "mine")))
    as_owner.post(page_of(draft, "draft_merge"), answers(page, {"own-1": "written anew"}))
    assert Draft.objects.get().content == TEXT.replace("two", "written anew")


def test_fields_that_both_changed_are_chosen_too(as_owner: Client, owner: User) -> None:
    article = make_article(TEXT, slug="one", title="T", summary="old")
    draft = make_draft(owner, article)
    as_owner.post(page_of(draft, "draft_save"), sent(draft, title="Mine", abstract="mine"))
    article.title, article.summary = "Theirs", "theirs"
    publish_text(article, TEXT)
    page = as_owner.get(page_of(draft, "draft_merge"))
    as_owner.post(page_of(draft, "draft_merge"), answers(page, {"head-abstract": "theirs"}))
    kept = Draft.objects.get()
    assert (kept.title, kept.abstract, kept.content) == ("Mine", "theirs", TEXT)


def test_a_conflict_settled_too_late_is_asked_about_again_with_all_of_it(
    as_owner: Client, owner: User
) -> None:
    article = make_article(TEXT, slug="one", title="T")
    draft = make_draft(owner, article)
    as_owner.post(page_of(draft, "draft_save"), sent(draft, content=TEXT.replace("two", "mine")))
    publish_text(article, TEXT.replace("two", "theirs"))
    page = as_owner.get(page_of(draft, "draft_merge"))
    publish_text(article, TEXT.replace("two", "newest"))
    again = as_owner.post(page_of(draft, "draft_merge"), answers(page, {"choice-1": "both"}))
    assert again["Location"] == page_of(draft, "draft_merge")
    assert Draft.objects.get().content == TEXT.replace("two", "mine\ntheirs")
    page = as_owner.get(page_of(draft, "draft_merge"))
    assert all(word in text(page) for word in ("mine", "theirs", "newest"))
    # and another tab saves while one chooses
    as_owner.post(page_of(draft, "draft_save"), sent(Draft.objects.get(), content="elsewhere"))
    late = as_owner.post(page_of(draft, "draft_merge"), answers(page, {"choice-1": "theirs"}))
    assert late.status_code == 409
    assert "newest" in text(late)
    assert "elsewhere" in text(late)


def test_two_texts_that_are_too_long_together_are_given_back_to_be_cut(as_owner: Client, owner: User) -> None:
    article = make_article(TEXT, slug="one", title="T")
    draft = make_draft(owner, article)
    mine = TEXT.replace("two", "mine " * 21_000)
    as_owner.post(page_of(draft, "draft_save"), sent(draft, content=mine, title="Mine"))
    current = publish_text(article, TEXT.replace("two", "theirs " * 15_000))
    page = as_owner.get(page_of(draft, "draft_merge"))
    refused = as_owner.post(page_of(draft, "draft_merge"), answers(page, {"choice-1": "both"}))
    assert refused.status_code == 422
    assert "characters; 200,000 are the most" in text(refused)
    assert Draft.objects.get().content == mine  # nothing was saved, and nothing was lost:
    again = answers(refused, {})
    assert again["piece-0"].count("mine ") == 21_000
    assert again["piece-0"].count("theirs ") == 15_000
    # cut, it is what it would have been
    cut = again["piece-0"].replace("mine ", "", 5_000)
    as_owner.post(page_of(draft, "draft_merge"), again | {"piece-0": cut})
    kept = Draft.objects.get()
    assert (kept.content.count("mine "), kept.content.count("theirs ")) == (16_000, 15_000)
    assert (kept.title, kept.based_on) == ("Mine", current)


def test_thousands_of_differences_are_one_question(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner, content="".join(f"same {n}\nold {n}\n" for n in range(2000)))
    mine = "".join(f"same {n}\nnew {n}\n" for n in range(2000))
    as_owner.post(page_of(draft, "draft_save"), sent(draft, content=draft.content + "x"))
    page = as_owner.post(page_of(draft, "draft_save"), sent(draft, content=mine))
    assert "one question to settle" in text(page)
    as_owner.post(page_of(draft, "draft_merge"), answers(page, {}))
    assert Draft.objects.get().content == mine


@pytest.mark.parametrize(
    "made_up",
    [
        {},
        {"merged": "{}", "theirs": "{}"},
        {"merged": "[]", "theirs": "null", "version": "0"},
        {"merged": json.dumps({"title": "x", "kind": "novel"}), "theirs": "{}", "version": "0"},
        {"version": "x"},
    ],
)
def test_a_made_up_answer_changes_nothing(as_owner: Client, owner: User, made_up: dict[str, str]) -> None:
    draft = make_draft(owner)
    page = as_owner.post(page_of(draft, "draft_merge"), made_up, follow=True)
    assert "Nothing was changed." in text(page)
    assert Draft.objects.get().version == 0


def test_the_editor_shows_why_a_text_came_back(as_owner: Client, owner: User, member: User) -> None:
    article = make_article(None, slug="sent", title="x", owner=owner)
    back = Revision.objects.create(
        article=article,
        author=owner,
        title="T",
        state="rejected",
        verdict="More.",
        reviewed_at=NOW,
        reviewer=member,
    )
    ReviewComment.objects.create(revision=back, author=member, line=3, text="Which version?")
    as_owner.post("/kb/sent/edit/")
    page = text(as_owner.get(page_of(Draft.objects.get())))
    assert "Ravi Member asks for changes" in page
    assert "More." in page
    assert '<strong data-line="3">Line 3</strong>' in page
    assert "Which version?" in page
    assert reverse("kb:review", args=[back.pk]) in page


# ------------------------------------------------------------------------------------------------- lists


def test_the_desk_shows_what_is_in_hand_and_nothing_of_others(
    as_owner: Client, as_member: Client, owner: User
) -> None:
    assert "Nothing in hand" in text(as_owner.get("/kb/drafts/"))
    make_draft(owner, title="In hand")
    article = make_article(None, slug="sent", title="x", owner=owner)
    back = Revision.objects.create(
        article=article, author=owner, title="Came back", state="rejected", verdict="More.", reviewed_at=NOW
    )
    page = text(as_owner.get("/kb/drafts/"))
    assert "In hand" in page
    assert "Came back" in page
    assert "More." in page
    assert "In hand" in text(as_owner.get("/me/"))
    assert "Came back" not in text(as_member.get("/kb/drafts/"))
    Revision.objects.create(article=article, author=owner, title="Better now", based_on=back)
    page = text(as_owner.get("/kb/drafts/"))
    assert "Better now" in page
    assert "Came back" not in page


def test_queries_do_not_grow_with_what_is_in_hand(as_owner: Client, owner: User) -> None:
    counts: list[int] = []
    as_owner.get("/kb/drafts/")
    for _ in range(2):
        for _ in range(1 if not counts else 2):
            make_draft(owner)
            make_draft(owner, make_article(TEXT))
            Revision.objects.create(article=make_article(TEXT), author=owner, title="W")
            Revision.objects.create(
                article=make_article(TEXT), author=owner, title="R", state="rejected", reviewed_at=NOW
            )
        with CaptureQueriesContext(connection) as captured:
            as_owner.get("/kb/drafts/")
        counts.append(len(captured))
    assert counts[0] == counts[1]
