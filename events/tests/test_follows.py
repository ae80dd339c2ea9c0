"""Following a chapter, with an account and without."""

import datetime as dt
import re

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.test import Client

from events.models import Block, ChapterFollow, Person
from events.services import follow_links, follows
from events.tests.factories import NOW, make_chapter
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def link_in_mail() -> str:
    """The path of the link in the newest mail."""
    body = OutboxMessage.objects.latest("pk").text_body
    found = re.search(r"https?://[^/]+(/follows/\S+)", body)
    assert found
    return found[1]


def test_member_follows_chooses_and_unfollows_in_one_click_each(as_member: Client, member: User) -> None:
    pune = make_chapter("pune")
    assert as_member.post("/chapters/pune/follow/").status_code == 302
    row = ChapterFollow.objects.get()
    assert (row.user, row.email, row.notify, row.confirmed_at is not None) == (member, "", "each", True)
    as_member.post("/chapters/pune/follow/", {"notify": "weekly"})
    assert ChapterFollow.objects.get(chapter=pune).notify == "weekly"
    as_member.post("/chapters/pune/unfollow/")
    assert not ChapterFollow.objects.exists()


def test_address_follows_only_after_its_owner_pressed_the_button(as_stranger: Client) -> None:
    make_chapter("pune")
    as_stranger.post("/chapters/pune/follow/", {"email": "Priya@Example.org"})
    row = ChapterFollow.objects.get()
    assert (row.email, row.confirmed_at) == ("priya@example.org", None)
    path = link_in_mail()
    assert "Follow Pune?" in as_stranger.get(path).content.decode()
    row.refresh_from_db()
    assert row.confirmed_at is None  # a scanner that follows links confirms nothing
    as_stranger.post(path)
    row.refresh_from_db()
    assert row.confirmed_at


def test_old_link_confirms_nothing(as_stranger: Client) -> None:
    make_chapter("pune")
    with time_machine.travel(NOW, tick=False):
        as_stranger.post("/chapters/pune/follow/", {"email": "priya@example.org"})
        path = link_in_mail()
    with time_machine.travel(NOW + 3 * DAY + dt.timedelta(seconds=1), tick=False):
        assert "too old" in as_stranger.post(path).content.decode()
    assert ChapterFollow.objects.get().confirmed_at is None
    with time_machine.travel(NOW + 3 * DAY - dt.timedelta(seconds=1), tick=False):
        as_stranger.post(path)
    assert ChapterFollow.objects.get().confirmed_at


def test_answer_tells_nothing_about_the_address(as_stranger: Client, member: User) -> None:
    pune = make_chapter("pune")
    ChapterFollow.objects.create(chapter=pune, email="follows@example.org", confirmed_at=NOW)
    Block.objects.create(chapter=pune, email="blocked@example.org")
    follows.follow_chapter(chapter=pune, user=member, at=NOW)
    answers = set()
    for email in ("new@example.org", "follows@example.org", "blocked@example.org", member.email):
        response = as_stranger.post("/chapters/pune/follow/", {"email": email}, follow=True)
        answers.add(response.content.decode().replace(email, "ADDRESS"))
    texts = {re.sub(r'value="[A-Za-z0-9]{64}"|[0-9a-f]{16,32}', "", answer) for answer in answers}
    assert len(texts) == 1
    assert [mail.to_email for mail in OutboxMessage.objects.all()] == ["new@example.org"]


def test_asking_again_at_once_sends_no_second_mail_and_later_a_fresh_link(as_stranger: Client) -> None:
    pune = make_chapter("pune")
    for minutes, mails in ((0, 1), (5, 1), (30, 2)):
        follows.ask_to_follow(chapter=pune, email="priya@example.org", at=NOW + dt.timedelta(minutes=minutes))
        assert OutboxMessage.objects.count() == mails


def test_form_by_email_is_limited(as_stranger: Client) -> None:
    make_chapter("pune")
    statuses = [
        as_stranger.post("/chapters/pune/follow/", {"email": "priya@example.org"}).status_code
        for _ in range(4)
    ]
    assert statuses == [302, 302, 302, 429]


def test_link_in_a_mail_changes_and_ends_the_follow_without_sign_in() -> None:
    client = Client(enforce_csrf_checks=True)
    row = ChapterFollow.objects.create(chapter=make_chapter("pune"), email="p@example.org", confirmed_at=NOW)
    path = "/" + follow_links.follow_url(row, "manage").split("/", 3)[3]
    assert client.get(path).status_code == 200
    assert ChapterFollow.objects.get().notify == "each"
    client.post(path, {"do": "change", "notify": "none"})
    assert ChapterFollow.objects.get().notify == "none"
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not ChapterFollow.objects.exists()
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200  # twice is no error
    assert "You do not follow" in client.get(path).content.decode()


def test_forged_and_cut_links_are_not_found(as_stranger: Client) -> None:
    row = ChapterFollow.objects.create(chapter=make_chapter(), email="p@example.org", confirmed_at=NOW)
    path = "/" + follow_links.follow_url(row, "manage").split("/", 3)[3]
    for forged in (path[:-4] + "/", path.replace("/follows/", "/follows/x"), "/follows/a:b:c/"):
        assert as_stranger.post(forged, {"do": "unfollow"}).status_code == 404
    assert ChapterFollow.objects.count() == 1


def test_blocked_people_follow_neither_by_account_nor_by_address(as_member: Client, member: User) -> None:
    pune = make_chapter("pune")
    Block.objects.create(chapter=pune, email=member.email)
    as_member.post("/chapters/pune/follow/")
    follows.ask_to_follow(chapter=pune, email=member.email, at=NOW)
    Block.objects.all().delete()
    Block.objects.create(chapter=pune, user=member)
    follows.ask_to_follow(chapter=pune, email=member.email.upper(), at=NOW)
    assert not ChapterFollow.objects.exists()


def test_verified_address_hands_its_follow_to_the_member() -> None:
    pune, nashik = make_chapter("pune"), make_chapter("nashik")
    for chapter in (pune, nashik):
        ChapterFollow.objects.create(
            chapter=chapter, email="priya@example.org", confirmed_at=NOW, notify="weekly"
        )
    user = make_user("priya@example.org")
    follows.follow_chapter(chapter=nashik, user=user, notify="none", at=NOW)
    rows = ChapterFollow.objects.order_by("chapter__slug").values_list(
        "chapter__slug", "user", "email", "notify"
    )
    assert list(rows) == [("nashik", user.pk, "", "none"), ("pune", user.pk, "", "weekly")]


def test_unverified_addresses_and_unconfirmed_follows_are_nobodys(member: User) -> None:
    pune = make_chapter("pune")
    ChapterFollow.objects.create(chapter=pune, email=member.email)  # anybody may have typed it
    ChapterFollow.objects.create(chapter=pune, email="second@example.org", confirmed_at=NOW)
    EmailAddress.objects.create(user=member, email="second@example.org", verified=False)
    assert follows.adopt_all_follows() == 0
    assert not ChapterFollow.objects.filter(user=member).exists()
    EmailAddress.objects.filter(email="second@example.org").update(verified=True)
    assert follows.adopt_all_follows() == 1
    assert ChapterFollow.objects.filter(user=member, email="").count() == 1


def test_confirming_an_address_that_a_member_has_verified_makes_one_follow(member: User) -> None:
    pune = make_chapter("pune")
    row = ChapterFollow.objects.create(chapter=pune, email=member.email)
    confirmed = follows.confirm_follow(follow=row, at=NOW)
    assert (confirmed.user, confirmed.email) == (member, "")
    assert follows.unfollow_chapter(chapter=pune, person=Person.of(member))
    assert not ChapterFollow.objects.exists()
