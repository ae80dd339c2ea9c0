"""How much mail of each chapter: on the notifications page, for the member alone."""

import pytest
from django.test import Client
from django.urls import reverse

from events.models import ChapterFollow
from events.tests.factories import make_chapter
from events.tests.mail_making import make_follow
from portal.accounts.models import User

pytestmark = pytest.mark.django_db


def test_each_followed_chapter_has_its_choice_and_keeps_it(
    as_owner: Client, owner: User, member: User
) -> None:
    pune, mumbai = make_chapter("pune"), make_chapter("mumbai")
    for chapter in (pune, mumbai):
        make_follow(chapter, owner)
    others = make_follow(pune, member)
    page = as_owner.get(reverse("me_notifications")).content.decode()
    assert page.index("Mumbai") < page.index("Pune")
    assert page.count('<option value="each" selected>') == 2
    as_owner.post(
        reverse("me_notifications"), {f"chapter-{pune.pk}": "weekly", f"chapter-{mumbai.pk}": "hourly"}
    )
    assert ChapterFollow.objects.get(chapter=pune, user=owner).notify == "weekly"
    assert ChapterFollow.objects.get(chapter=mumbai, user=owner).notify == "each"
    others.refresh_from_db()
    assert others.notify == "each"


def test_who_follows_nothing_has_no_such_part(as_owner: Client, owner: User, member: User) -> None:
    make_follow(make_chapter("pune"), member)
    assert "Chapters that you follow" not in as_owner.get(reverse("me_notifications")).content.decode()


def test_an_address_that_is_not_confirmed_is_none_of_the_members(as_owner: Client, owner: User) -> None:
    make_follow(make_chapter("pune"), owner, confirmed_at=None)
    assert "Chapters that you follow" not in as_owner.get(reverse("me_notifications")).content.decode()
