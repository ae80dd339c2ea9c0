"""Approving, sending back, withdrawing, saying something, bringing an older text back: each once, by whoever may."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied

from kb.models import Article, Draft, ReviewComment, Revision, Watch
from kb.roles import can_approve
from kb.services import review
from kb.services.review import ConflictsWithReaders, ReviewRefused
from kb.services.review_news import reviewers
from kb.tests.factories import NOW, make_article, publish_text
from kb.tests.review_factories import BASE, LATER, make_reviewer, submit
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer() -> User:
    return make_reviewer()


def approve(revision: Revision, reviewer: User, **more: Any) -> Revision:
    """Approved by somebody who looked a moment ago."""
    seen = Article.objects.get(pk=revision.article_id).current_id
    fields: dict[str, Any] = {"revision": revision, "reviewer": reviewer, "at": LATER, "seen": seen} | more
    return review.approve_revision(**fields)


def mails() -> list[tuple[str, str]]:
    return list(OutboxMessage.objects.order_by("pk").values_list("to_email", "subject"))


# ------------------------------------------------------------------------------------------ approving


def test_approved_text_of_a_new_article_is_what_readers_see(owner: User, reviewer: User) -> None:
    waiting = submit(owner, "## New\n\ntext\n", title="NPIV")
    shown = approve(waiting, reviewer, words="Well done.")
    article = Article.objects.get()
    assert (article.status, article.current, article.published_at) == ("published", shown, LATER)
    assert 'id="s-new"' in article.html
    assert (shown.pk, shown.state, shown.reviewer, shown.reviewed_at) == (
        waiting.pk,
        "approved",
        reviewer,
        LATER,
    )
    assert shown.verdict == "Well done."
    assert mails() == [(owner.email, "Approved: NPIV")]
    assert "Well done." in OutboxMessage.objects.get().text_body
    assert Watch.objects.filter(article=article, user=owner).exists()


def test_approving_twice_is_refused_and_mails_once(owner: User, reviewer: User) -> None:
    waiting = submit(owner, "text")
    approve(waiting, reviewer)
    with pytest.raises(ReviewRefused, match="decided"):
        approve(waiting, reviewer)
    assert Revision.objects.count() == 1
    assert len(mails()) == 1


def test_only_reviewers_approve_and_nobody_their_own_text(owner: User, member: User, reviewer: User) -> None:
    waiting, own = submit(owner, "text"), submit(reviewer, "text")
    for somebody in (owner, member):
        with pytest.raises(PermissionDenied):
            approve(waiting, somebody)
    with pytest.raises(ReviewRefused, match="Somebody else"):
        approve(own, reviewer)
    assert set(Revision.objects.values_list("state", flat=True)) == {"submitted"}


def test_reviewers_approve_their_own_typos_but_no_new_article_called_one(reviewer: User) -> None:
    article = make_article("teh text")
    assert (
        approve(submit(reviewer, "the text", article, significance="typo"), reviewer).content == "the text\n"
    )
    assert not can_approve(reviewer, submit(reviewer, "new", significance="typo"))
    assert can_approve(make_user("root@example.org", is_superuser=True), submit(reviewer, "new"))
    root = make_user("root2@example.org", is_superuser=True)
    assert can_approve(root, submit(root, "by a superuser"))


@pytest.mark.parametrize(
    ("before", "after", "is_small"),
    [
        ("teh text of `lsblk`", "the text of `lsblk`", True),
        ("See [it](/kb/a/).", "Look at [it](/kb/a/).", True),
        ("a word", "a word " * 20, False),
        ("Run `rm /tmp/x`.", "Run `rm /tmp/`.", False),
        ("See [it](/kb/a/).", "See [it](/kb/b/).", False),
        ("See https://a.example/x", "See https://b.example/x", False),
        ("[it]\n\n[it]: /a", "[it]\n\n[it]: /b", False),
        ("```\ndd of=a\n```\nx", "```\ndd of=b\n```\nx", False),
        ("x\n\n    dd of=a\n", "x\n\n    dd of=b\n", False),
        ("```\ndd of=a", "```\ndd of=b", False),
        ("{{ qemu-device a }}", "{{ qemu-device b }}", False),
        ("words", "words `reboot`", False),
    ],
)
def test_a_typo_is_a_few_words_and_nothing_that_readers_run_or_follow(
    reviewer: User, before: str, after: str, is_small: bool
) -> None:
    waiting = submit(reviewer, after, make_article(before), significance="typo")
    assert can_approve(reviewer, waiting) is is_small


def test_a_typo_leaves_the_head_as_it_was(reviewer: User) -> None:
    article = make_article("text")
    waiting = submit(reviewer, "text", article, significance="typo")
    waiting.document = replace(waiting.document, tags=("new",))
    assert not can_approve(reviewer, waiting)


def test_group_makes_a_reviewer_who_is_told_and_who_left_is_not(owner: User) -> None:
    group = Group.objects.create(name="Some reviewers")
    group.permissions.add(Permission.objects.get(codename="review_article"))
    one, gone = make_user("group@example.org"), make_user("gone@example.org", is_active=False)
    for user in (one, gone):
        user.groups.add(group)
    staff = make_user("staff@example.org", is_staff=True)
    make_user("plain@example.org")
    assert reviewers() == [one, staff]


def test_text_that_readers_moved_on_from_is_merged_where_both_changes_fit(
    owner: User, member: User, reviewer: User
) -> None:
    article = make_article(BASE)
    mine = submit(
        owner, BASE.replace("first", "first, by Asha"), article, summary="One.", significance="rewrite"
    )
    publish_text(article, BASE.replace("second", "second, by Ravi"), author=member, at=NOW)
    before = article.current
    shown = approve(mine, reviewer)
    assert shown.content == BASE.replace("first", "first, by Asha").replace("second", "second, by Ravi")
    assert (shown.author, shown.based_on, shown.state, shown.reviewer) == (
        owner,
        before,
        "approved",
        reviewer,
    )
    assert (shown.summary, shown.significance, shown.sha) == ("One.", "rewrite", shown.document.sha)
    assert Article.objects.get().current == shown
    mine.refresh_from_db()
    assert (mine.state, mine.content) == ("merged", BASE.replace("first", "first, by Asha"))
    assert "Both changes are in it" in OutboxMessage.objects.get(to_email=owner.email).text_body


def test_text_that_readers_have_already_makes_no_second_revision(owner: User, reviewer: User) -> None:
    article = make_article(BASE)
    mine = submit(owner, BASE.replace("first", "1st"), article)
    shown = publish_text(article, BASE.replace("first", "1st").replace("second", "2nd"))
    assert approve(mine, reviewer) == shown
    mine.refresh_from_db()
    assert (mine.state, Revision.objects.count()) == ("merged", 3)


def test_conflict_with_readers_is_refused_and_changes_nothing(owner: User, reviewer: User) -> None:
    article = make_article(BASE)
    mine = submit(owner, BASE.replace("first", "mine"), article)
    shown = publish_text(article, BASE.replace("first", "theirs"))
    with pytest.raises(ConflictsWithReaders) as refused:
        approve(mine, reviewer)
    assert len(refused.value.merge.conflicts) == 1
    mine.refresh_from_db()
    assert (mine.state, Article.objects.get().current, mails()) == ("submitted", shown, [])


def test_reviewer_who_looked_before_readers_text_changed_has_to_look_again(
    owner: User, reviewer: User
) -> None:
    article = make_article(BASE)
    seen = article.current_id
    mine = submit(owner, BASE.replace("first", "1st"), article)
    publish_text(article, BASE.replace("second", "2nd"))
    with pytest.raises(ReviewRefused, match="while you were looking"):
        approve(mine, reviewer, seen=seen)
    with pytest.raises(ReviewRefused, match="while you were looking"):
        approve(mine, reviewer, seen=None)
    assert Revision.objects.get(pk=mine.pk).state == "submitted"


def test_two_texts_that_are_too_much_together_are_not_put_together(owner: User, reviewer: User) -> None:
    article = make_article(BASE)
    many = "[\n\n" * 3_000
    mine = submit(owner, BASE + "\n" + many, article)
    shown = publish_text(article, many + "\n" + BASE)
    with pytest.raises(ReviewRefused, match="Put together with what readers see by now, this is too much"):
        approve(mine, reviewer)
    mine.refresh_from_db()
    assert (mine.state, Article.objects.get().current) == ("submitted", shown)


@pytest.mark.parametrize("gone", [{"status": "archived"}, {"deleted_at": NOW}])
def test_text_of_an_archived_or_deleted_article_is_not_approved(
    owner: User, reviewer: User, gone: dict[str, object]
) -> None:
    article = make_article(BASE)
    mine = submit(owner, "other", article)
    Article.objects.update(**gone)
    with pytest.raises(ReviewRefused, match="article is"):
        approve(mine, reviewer)
    assert Article.objects.get().current == article.current


# --------------------------------------------------------------------------- sending back, withdrawing


def test_text_sent_back_is_the_authors_draft_again_with_the_words_in_a_mail(
    owner: User, reviewer: User
) -> None:
    article = make_article(BASE, title="NPIV")
    mine = submit(owner, "text\n", article, summary="Anew.", significance="rewrite", tags=("npiv",))
    review.add_comment(revision=mine, author=reviewer, text="Which host?", line=1, at=NOW)
    OutboxMessage.objects.all().delete()
    draft = review.reject_revision(revision=mine, reviewer=reviewer, words=" Say the version. ", at=LATER)
    mine.refresh_from_db()
    assert (mine.state, mine.verdict, mine.reviewer) == ("rejected", "Say the version.", reviewer)
    assert draft == Draft.objects.get()
    assert (draft.document, draft.based_on, draft.author) == (mine.document, article.current, owner)
    assert (draft.summary, draft.significance, draft.article) == ("Anew.", "rewrite", article)
    [mail] = OutboxMessage.objects.all()
    assert (mail.to_email, mail.subject) == (owner.email, "Sent back: NPIV")
    assert "Say the version." in mail.text_body
    assert "Line 1, Vera Reviewer: Which host?" in mail.text_body
    with pytest.raises(ReviewRefused, match="decided"):
        review.reject_revision(revision=mine, reviewer=reviewer, words="Again.", at=LATER)


def test_draft_that_the_author_began_meanwhile_is_left_as_it_is(owner: User, reviewer: User) -> None:
    article = make_article(BASE)
    mine = submit(owner, "sent", article)
    begun = Draft.objects.create(author=owner, article=article, content="begun since")
    assert review.reject_revision(revision=mine, reviewer=reviewer, words="No.", at=LATER) == begun
    assert Draft.objects.get().content == "begun since"


def test_text_whose_author_left_is_sent_back_to_nobody(reviewer: User) -> None:
    mine = submit(None, "text", make_article(BASE))
    assert review.reject_revision(revision=mine, reviewer=reviewer, words="No.", at=LATER) is None
    assert (Draft.objects.count(), mails()) == (0, [])


def test_sending_back_needs_words_and_somebody_else_who_reviews(
    owner: User, member: User, reviewer: User
) -> None:
    mine, own = submit(owner, "text"), submit(reviewer, "text")
    with pytest.raises(ReviewRefused, match="Say what"):
        review.reject_revision(revision=mine, reviewer=reviewer, words="  ", at=LATER)
    with pytest.raises(ReviewRefused, match="Withdraw"):
        review.reject_revision(revision=own, reviewer=reviewer, words="No.", at=LATER)
    with pytest.raises(PermissionDenied):
        review.reject_revision(revision=mine, reviewer=member, words="No.", at=LATER)
    assert set(Revision.objects.values_list("state", flat=True)) == {"submitted"}


def test_author_alone_withdraws_once_and_has_the_text_as_a_draft(owner: User, reviewer: User) -> None:
    mine = submit(owner, "text\n")
    with pytest.raises(PermissionDenied):
        review.withdraw_revision(revision=mine, author=reviewer, at=LATER)
    draft = review.withdraw_revision(revision=mine, author=owner, at=LATER)
    assert draft is not None
    assert (draft.content, Revision.objects.get().state) == ("text\n", "withdrawn")
    with pytest.raises(ReviewRefused):
        review.withdraw_revision(revision=mine, author=owner, at=LATER)
    with pytest.raises(ReviewRefused, match="withdrawn"):
        approve(mine, reviewer)


# ------------------------------------------------------------------------------------------- comments


def test_words_to_a_line_reach_the_author_and_the_answer_the_reviewer(owner: User, reviewer: User) -> None:
    mine = submit(owner, "one\ntwo\n", title="NPIV")
    said = review.add_comment(revision=mine, author=reviewer, text=" Why two?\x00 ", line=2, at=NOW)
    again = review.add_comment(revision=mine, author=reviewer, text="Why two?", line=2, at=LATER)
    assert (said, said.text, said.line) == (again, "Why two?", 2)
    review.add_comment(revision=mine, author=owner, text="Because.", line=None, at=NOW)
    assert mails() == [(owner.email, "A word about your text: NPIV"), (reviewer.email, "An answer: NPIV")]


def test_several_words_of_one_reviewer_in_one_hour_are_one_mail(owner: User, reviewer: User) -> None:
    mine = submit(owner, "one\ntwo\n")
    for text in ("First.", "Second."):
        review.add_comment(revision=mine, author=reviewer, text=text, line=1, at=NOW)
    assert len(mails()) == 1
    review.add_comment(revision=mine, author=reviewer, text="Third.", line=1, at=LATER)
    assert len(mails()) == 2


def test_words_by_strangers_to_no_line_or_to_nothing_are_refused(
    owner: User, member: User, reviewer: User
) -> None:
    mine = submit(owner, "one\n")
    with pytest.raises(PermissionDenied):
        review.add_comment(revision=mine, author=member, text="Hello.", line=None, at=NOW)
    for text, line in (("Hello.", 99), (" ", 1)):
        with pytest.raises(ReviewRefused):
            review.add_comment(revision=mine, author=reviewer, text=text, line=line, at=NOW)
    approve(mine, reviewer)
    with pytest.raises(ReviewRefused, match="not waiting"):
        review.add_comment(revision=mine, author=reviewer, text="Late.", line=None, at=NOW)
    assert not ReviewComment.objects.exists()


# ------------------------------------------------------------------------------------- an older text


def test_older_text_comes_back_as_a_new_revision_once(owner: User, member: User, reviewer: User) -> None:
    article = make_article("old\n")
    old = article.current
    now = publish_text(article, "new\n", author=owner)
    Watch.objects.create(article=article, user=member)
    assert old is not None
    shown = review.revert_to(revision=old, reviewer=reviewer, at=LATER, seen=now.pk, reason="It was right.")
    stored = Article.objects.get()
    assert (stored.current, stored.html) == (shown, "<p>old</p>")
    assert (shown.based_on, shown.author, shown.reviewer) == (now, reviewer, reviewer)
    assert shown.summary == "Back to the text of 2026-11-22: It was right."
    assert [to for to, _ in mails()] == [member.email]
    with pytest.raises(ReviewRefused, match="already"):
        review.revert_to(revision=old, reviewer=reviewer, at=LATER, seen=now.pk, reason="")
    assert Revision.objects.count() == 3


def test_what_is_brought_back_was_approved_and_readers_text_is_what_the_reviewer_saw(
    owner: User, reviewer: User
) -> None:
    article = make_article("old\n")
    old, waiting = article.current, submit(owner, "waiting", article)
    publish_text(article, "new\n")
    assert old is not None
    assert article.current_id is not None
    with pytest.raises(ReviewRefused, match="while you were looking"):
        review.revert_to(revision=old, reviewer=reviewer, at=LATER, seen=old.pk, reason="")
    with pytest.raises(ReviewRefused, match="have seen"):
        review.revert_to(revision=waiting, reviewer=reviewer, at=LATER, seen=article.current_id, reason="")
    with pytest.raises(PermissionDenied):
        review.revert_to(revision=old, reviewer=owner, at=LATER, seen=article.current_id, reason="")


# ------------------------------------------------------------------------------------------ watchers


def test_watchers_are_told_of_changes_but_not_of_typos_nor_of_their_own(
    owner: User, member: User, reviewer: User
) -> None:
    article = make_article(BASE, title="NPIV")
    for user in (owner, member, reviewer):
        Watch.objects.create(article=article, user=user)
    approve(submit(owner, BASE + "typo\n", article, significance="typo"), reviewer)
    assert [to for to, _ in mails()] == [owner.email]  # that it is approved
    article.refresh_from_db()
    before = article.current_id
    shown = approve(submit(owner, BASE + "more\n", article, summary="More."), reviewer)
    told = OutboxMessage.objects.get(to_email=member.email)
    assert told.subject == "Changed: NPIV"
    assert f"/kb/{article.slug}/diff/?a={before}&b={shown.pk}" in told.text_body
    assert "More." in told.text_body
    assert "/kb/unwatch/" in told.headers["List-Unsubscribe"]
    assert OutboxMessage.objects.filter(subject__startswith="Changed").count() == 1


def test_member_who_stopped_watching_is_not_made_to_watch_again(owner: User, reviewer: User) -> None:
    article = make_article(BASE)
    approve(submit(owner, BASE + "a\n", article), reviewer)
    assert Watch.objects.filter(user=owner).exists()
    Watch.objects.all().delete()
    article.refresh_from_db()
    approve(submit(owner, BASE + "b\n", article), reviewer)
    assert not Watch.objects.exists()
