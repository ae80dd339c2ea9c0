"""Drafts: begun, saved, brought up to date, sent; and nothing of them lost on the way."""

import datetime as dt
from dataclasses import replace

import pytest
from allauth.account.models import EmailAddress

from kb.documents import Document
from kb.models import RESERVED_SLUGS, Article, Draft, Revision, SlugRedirect
from kb.services import writing as services
from kb.services.slugs import free_slug, is_free_slug
from kb.services.writing import (
    MAX_CONTENT,
    MOST_DRAFTS,
    MOST_WAITING,
    DraftGone,
    StaleDraft,
    TextMovedOn,
    WritingRefused,
    discard_draft,
    merge_of,
    save_draft,
    settle_draft,
    start_draft,
    submit_draft,
)
from kb.tests.factories import NOW, make_article, publish_text
from kb.tests.review_factories import make_known
from portal.accounts.models import User

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=1)
TEXT = "one\n\ntwo\n\nthree\n"


def begin(author: User, title: str = "A guest's own LUN", content: str = "words\n") -> Draft:
    return start_draft(author=author, at=NOW, document=Document(title=title, content=content))


def change(draft: Draft, content: str, **head: object) -> Draft:
    document = replace(draft.document, content=content, **head)  # type: ignore[arg-type]
    return save_draft(draft=draft, version=draft.version, document=document, at=LATER)


# ----------------------------------------------------------------------------------------------- begin


def test_a_draft_of_an_article_begins_with_what_readers_see(owner: User) -> None:
    article = make_article(TEXT, title="T")
    draft = start_draft(author=owner, article=article, at=NOW)
    assert article.current is not None
    assert (draft.document, draft.based_on) == (article.current.document, article.current)
    again = start_draft(author=owner, article=article, at=LATER)
    assert (again.pk, Draft.objects.count()) == (draft.pk, 1)


def test_whoever_did_not_confirm_an_address_writes_nothing(owner: User) -> None:
    EmailAddress.objects.update(verified=False)
    with pytest.raises(WritingRefused, match="Confirm your e-mail address"):
        begin(owner)
    EmailAddress.objects.update(verified=True)
    draft = begin(owner)
    EmailAddress.objects.update(verified=False)
    with pytest.raises(WritingRefused, match="Confirm your e-mail address"):
        submit_draft(draft=draft, at=NOW)


def test_drafts_of_one_member_are_bounded(owner: User, member: User) -> None:
    Draft.objects.bulk_create(Draft(author=owner) for _ in range(MOST_DRAFTS))
    with pytest.raises(WritingRefused, match="50 drafts"):
        begin(owner)
    assert begin(member).pk


@pytest.mark.parametrize("state", ["submitted", "rejected"])
def test_an_author_goes_on_with_what_was_sent_and_is_not_approved(
    owner: User, member: User, state: str
) -> None:
    article = make_article(TEXT)
    draft = change(start_draft(author=owner, article=article, at=NOW), TEXT + "mine\n")
    sent = submit_draft(draft=draft, at=NOW).revision
    Revision.objects.filter(pk=sent.pk).update(state=state, reviewed_at=NOW)
    assert start_draft(author=owner, article=article, at=LATER).content == TEXT + "mine\n"
    assert start_draft(author=member, article=article, at=LATER).content == TEXT


def test_after_an_approval_the_author_begins_with_what_readers_see(owner: User) -> None:
    article = make_article(TEXT)
    publish_text(article, TEXT + "mine\n", author=owner)
    publish_text(article, TEXT + "others\n", author=None)
    assert start_draft(author=owner, article=article, at=LATER).content == TEXT + "others\n"


@pytest.mark.parametrize("state", ["merged", "withdrawn", "approved"])
def test_what_is_settled_is_not_gone_on_with(owner: User, state: str) -> None:
    article = make_article(TEXT)
    Revision.objects.create(article=article, author=owner, content="old", state=state, reviewed_at=NOW)
    assert start_draft(author=owner, article=article, at=LATER).content == TEXT


# ------------------------------------------------------------------------------------------------ save


def test_saving_counts_up_and_keeps_what_it_was_not_told(owner: User) -> None:
    draft = begin(owner)
    saved = save_draft(draft=draft, version=0, document=Document("T", "x\r\ny"), at=LATER, summary="Why.")
    assert (saved.version, saved.content, saved.summary, saved.updated_at) == (1, "x\ny\n", "Why.", LATER)
    saved = save_draft(draft=draft, version=1, document=Document("T", "z"), at=LATER)
    assert (saved.version, saved.summary) == (2, "Why.")


def test_a_save_that_is_sent_twice_is_one(owner: User) -> None:
    draft = begin(owner)
    for _ in range(2):
        saved = save_draft(draft=draft, version=0, document=Document("T", "x"), at=LATER)
        assert saved.version == 1


def test_the_second_of_two_tabs_is_told_and_overwrites_nothing(owner: User) -> None:
    draft = begin(owner)
    save_draft(draft=draft, version=0, document=Document("T", "first tab"), at=LATER)
    with pytest.raises(StaleDraft) as stale:
        save_draft(draft=draft, version=0, document=Document("T", "second tab"), at=LATER)
    assert stale.value.draft.content == "first tab\n"
    assert Draft.objects.get().content == "first tab\n"


def test_discarding_twice_is_discarding(owner: User) -> None:
    draft = begin(owner)
    discard_draft(draft=draft)
    discard_draft(draft=draft)
    assert not Draft.objects.exists()


def test_a_draft_that_went_meanwhile_is_named_so(owner: User) -> None:
    draft = begin(owner)
    discard_draft(draft=draft)
    with pytest.raises(DraftGone):
        save_draft(draft=draft, version=0, document=Document("T", "x"), at=LATER)
    with pytest.raises(DraftGone):
        submit_draft(draft=draft, at=LATER)


# ------------------------------------------------------------------------------------------------ send


def test_a_new_article_is_made_when_it_is_sent(owner: User, member: User) -> None:
    done = submit_draft(draft=begin(owner), at=LATER)
    article = Article.objects.get()
    assert (article.slug, article.status, article.owner, article.current) == (
        "a-guests-own-lun",
        "draft",
        owner,
        None,
    )
    revision = done.revision
    assert (revision.article, revision.state, revision.author) == (article, "submitted", owner)
    assert (revision.sha, revision.created_at, done.was_merged) == (revision.document.sha, LATER, False)
    assert not Draft.objects.exists()
    assert not Article.objects.visible_to(member).exists()


@pytest.mark.parametrize(
    ("title", "content", "why"),
    [
        ("", "x", "title"),
        ("T", "  \n", "no text"),
        ("T", "x" * MAX_CONTENT, "200,001 characters"),
        ("T", "# a\n" * 2000, "2,000 headings"),
    ],
)
def test_what_is_unfinished_is_not_sent_and_stays(owner: User, title: str, content: str, why: str) -> None:
    draft = begin(owner, title, content.rstrip("\n"))
    Draft.objects.filter(pk=draft.pk).update(content=content)
    with pytest.raises(WritingRefused, match=why):
        submit_draft(draft=draft, at=LATER)
    assert Draft.objects.exists()
    assert not Article.objects.exists()


def test_what_readers_see_already_is_no_change(owner: User) -> None:
    draft = start_draft(author=owner, article=make_article(TEXT), at=NOW)
    with pytest.raises(WritingRefused, match="nothing is changed"):
        submit_draft(draft=draft, at=LATER)


def test_a_deleted_article_takes_no_text(owner: User) -> None:
    article = make_article(TEXT)
    draft = change(start_draft(author=owner, article=article, at=NOW), "x")
    Article.objects.update(deleted_at=NOW)
    with pytest.raises(WritingRefused, match="deleted meanwhile"):
        submit_draft(draft=draft, at=LATER)
    assert Draft.objects.get().content == "x\n"


def test_the_second_text_for_an_article_withdraws_the_first(owner: User, member: User) -> None:
    article = make_article(TEXT)
    sent = []
    for author, words in ((owner, "a"), (member, "b"), (owner, "c")):
        draft = change(start_draft(author=author, article=article, at=NOW), TEXT + words)
        sent.append(submit_draft(draft=draft, at=LATER).revision)
    states = Revision.objects.filter(pk__in=[one.pk for one in sent]).order_by("pk")
    assert list(states.values_list("state", flat=True)) == ["withdrawn", "submitted", "submitted"]
    assert sent[2].content == f"{TEXT}c\n"


def test_texts_that_wait_are_bounded_but_not_for_reviewers(owner: User) -> None:
    make_known(owner)
    before = Article.objects.count()
    for number in range(MOST_WAITING):
        submit_draft(draft=begin(owner, f"Article {number}"), at=LATER)
    draft = begin(owner, "One more")
    with pytest.raises(WritingRefused, match="5 texts of yours wait"):
        submit_draft(draft=draft, at=LATER)
    assert Article.objects.count() == before + MOST_WAITING
    User.objects.update(is_staff=True)
    submit_draft(draft=draft, at=LATER)
    assert Article.objects.count() == before + MOST_WAITING + 1


def test_a_better_text_for_what_waits_needs_no_room(owner: User) -> None:
    make_known(owner)
    for number in range(MOST_WAITING):
        submit_draft(draft=begin(owner, f"Article {number}"), at=LATER)
    draft = change(start_draft(author=owner, article=Article.objects.get(title="Article 2"), at=NOW), "new")
    assert submit_draft(draft=draft, at=LATER).revision.content == "new\n"


# --------------------------------------------------------------------------------------------- merging


def test_changes_of_others_elsewhere_are_put_into_the_text(owner: User) -> None:
    article = make_article(TEXT, title="T")
    draft = change(start_draft(author=owner, article=article, at=NOW), TEXT.replace("one", "ONE"))
    publish_text(article, TEXT.replace("three", "THREE"), at=LATER)
    article.refresh_from_db()
    done = submit_draft(draft=draft, at=LATER)
    assert done.was_merged
    assert done.revision.content == "ONE\n\ntwo\n\nTHREE\n"
    assert done.revision.based_on == article.current


def test_changes_of_the_same_are_asked_about_and_nothing_is_sent(owner: User) -> None:
    article = make_article(TEXT, title="T")
    draft = change(start_draft(author=owner, article=article, at=NOW), TEXT.replace("one", "mine"))
    theirs = publish_text(article, TEXT.replace("one", "theirs"), at=LATER)
    with pytest.raises(TextMovedOn) as moved:
        submit_draft(draft=draft, at=LATER)
    assert moved.value.current == theirs
    assert [(one.mine, one.theirs) for one in moved.value.merge.conflicts] == [("mine\n", "theirs\n")]
    assert Draft.objects.get().content == TEXT.replace("one", "mine")
    assert not Revision.objects.waiting().exists()


def test_a_settled_draft_is_based_on_what_it_was_settled_with(owner: User) -> None:
    article = make_article(TEXT, title="T")
    draft = change(start_draft(author=owner, article=article, at=NOW), TEXT.replace("one", "mine"))
    theirs = publish_text(article, TEXT.replace("one", "theirs"), at=LATER)
    both = replace(draft.document, content=TEXT.replace("one", "mine and theirs"))
    settled = settle_draft(draft=draft, version=1, current=theirs.pk, document=both, at=LATER)
    assert settled.based_on == theirs
    assert merge_of(Draft.objects.get()) is None
    assert submit_draft(draft=settled, at=LATER).revision.content == TEXT.replace("one", "mine and theirs")


def test_a_draft_is_never_based_on_a_text_of_another_article_or_an_unapproved_one(owner: User) -> None:
    article, other = make_article(TEXT), make_article("other")
    waiting = Revision.objects.create(article=article, content="x")
    draft = start_draft(author=owner, article=article, at=NOW)
    for wrong in (other.current, waiting):
        assert wrong is not None
        settled = settle_draft(
            draft=draft, version=draft.version, current=wrong.pk, document=draft.document, at=LATER
        )
        assert settled.based_on == article.current


# ------------------------------------------------------------------------------------------- addresses


def test_addresses_are_of_the_title_and_free(owner: User) -> None:
    article = make_article(slug="npiv")
    SlugRedirect.objects.create(slug="npiv-2", article=article)
    make_article(slug="npiv-4", deleted_at=NOW)
    assert free_slug("NPIV") == "npiv-3"
    assert free_slug("एनपीआईवी") == "article"
    assert free_slug("---") == "article"
    assert len(free_slug("word " * 60)) <= 80
    make_article(slug=free_slug("word " * 60))
    assert len(free_slug("word " * 60)) <= 80
    assert is_free_slug(free_slug("word " * 60))


@pytest.mark.parametrize("word", sorted(RESERVED_SLUGS))
def test_no_article_takes_the_address_of_a_page(word: str) -> None:
    assert free_slug(word) == f"{word}-2"
    assert not is_free_slug(word)


def test_an_article_may_keep_and_take_back_its_own_addresses() -> None:
    article = make_article(slug="new")
    SlugRedirect.objects.create(slug="old", article=article)
    make_article(slug="other")
    free = [is_free_slug(slug, apart_from=article) for slug in ("old", "other", "drafts", "free")]
    assert free == [True, False, False, True]


def test_two_articles_of_one_title_sent_at_once_get_two_addresses(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_article(slug="same")
    answers = iter(["same", "same-2"])
    monkeypatch.setattr(services, "free_slug", lambda title: next(answers))
    assert submit_draft(draft=begin(owner, "Same"), at=LATER).revision.article.slug == "same-2"
