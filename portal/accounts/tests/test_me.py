"""One's own pages: what they show, to whom, and what they change."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.models import Chapter, ChapterMembership
from kb.models import Article
from labtools.models import ImageCheck, Upload
from portal.accounts import me_sections, personal_data, tokens
from portal.accounts.models import User
from portal.accounts.queries import name_browser
from portal.accounts.tests.conftest import SignIn, confirmed
from portal.mail import kinds
from portal.mail.preferences import preferences_of
from portal.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
PAGES = [
    "me",
    "me_profile",
    "me_notifications",
    "me_sessions",
    "me_data",
    "account_email",
    "account_change_password",
]
POSTS = ["me_export", "me_sessions_end_others"]


def read(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


@pytest.mark.parametrize(
    "name", [*PAGES, "me_delete", "mfa_index", "mfa_list_webauthn", "socialaccount_connections"]
)
def test_a_stranger_is_asked_to_sign_in_and_comes_back(name: str, as_stranger: Client) -> None:
    answer = as_stranger.get(reverse(name))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", PAGES)
def test_owner_and_member_each_see_only_themselves(
    name: str, owner: User, member: User, as_owner: Client, as_member: Client
) -> None:
    User.objects.filter(pk=owner.pk).update(city="Pune")
    mine, theirs = read(as_owner.get(reverse(name))), read(as_member.get(reverse(name)))
    assert mine.count("<h1") == 1
    for secret in (owner.email, "Asha Owner", 'value="Pune"'):
        assert secret not in theirs


@pytest.mark.parametrize("name", POSTS)
def test_what_changes_or_hands_out_takes_a_post(name: str, as_owner: Client, as_stranger: Client) -> None:
    assert as_owner.get(reverse(name)).status_code == 405
    assert as_stranger.post(reverse(name)).headers["Location"].startswith(reverse("account_login"))


def test_pages_about_oneself_are_kept_out_of_caches_and_search_engines(as_owner: Client) -> None:
    for name in ("me", "me_profile", "me_sessions", "me_data"):
        answer = as_owner.get(reverse(name))
        assert "no-store" in answer.headers["Cache-Control"]
        assert 'content="noindex"' in read(answer)


# ------------------------------------------------------------------------------------- profile, mail


def test_the_profile_is_saved(as_owner: Client, owner: User) -> None:
    wished = {"display_name": "Asha K.", "city": "Aurangabad", "time_zone": "Europe/Berlin"}
    answer = as_owner.post(reverse("me_profile"), wished, follow=True)
    assert "Your profile is saved." in read(answer)
    owner.refresh_from_db()
    assert (owner.display_name, owner.city, owner.time_zone) == tuple(wished.values())


def test_a_time_zone_that_does_not_exist_is_refused(as_owner: Client, owner: User) -> None:
    page = read(as_owner.post(reverse("me_profile"), {"time_zone": "Mars/Olympus"}))
    assert "is not a time zone" in page
    owner.refresh_from_db()
    assert owner.time_zone == "Asia/Kolkata"


def test_a_kind_of_mail_is_switched_off_and_on(
    as_owner: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = kinds.Kind("news-of-test", "News", "A few lines.", can_switch_off=True)
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, news.key: news})
    page = read(as_owner.get(reverse("me_notifications")))
    assert 'value="news-of-test"' in page
    as_owner.post(reverse("me_notifications"), {})
    assert {p.kind.key: p.wanted for p in preferences_of(owner)} == {
        "account": True,
        "news-of-test": False,
    } | {p.kind.key: ANY for p in preferences_of(owner) if p.kind.key not in ("account", "news-of-test")}
    as_owner.post(reverse("me_notifications"), {"wanted": ["news-of-test"]})
    assert {p.kind.key: p.wanted for p in preferences_of(owner)}["news-of-test"] is True


# ------------------------------------------------------------------------------------------ sessions


def test_sessions_are_listed_in_words_and_one_is_ended(owner: User, sign_in: SignIn) -> None:
    here, phone = sign_in(owner, user_agent=FIREFOX), sign_in(owner, user_agent=PHONE)
    page = read(here.get(reverse("me_sessions")))
    assert "Firefox on Linux" in page
    assert "Chrome on Android" in page
    assert page.count("This browser") == 1
    theirs = UserSession.objects.get(user_agent=PHONE)
    here.post(reverse("me_session_end", args=[theirs.pk]))
    assert phone.get(reverse("me")).status_code == 302
    assert here.get(reverse("me")).status_code == 200
    assert not UserSession.objects.filter(pk=theirs.pk).exists()


def test_all_other_sessions_are_ended_at_once(owner: User, sign_in: SignIn) -> None:
    here, *others = (sign_in(owner) for _ in range(3))
    here.post(reverse("me_sessions_end_others"))
    assert [client.get(reverse("me")).status_code for client in (here, *others)] == [200, 302, 302]


def test_ending_the_session_in_use_signs_out(owner: User, sign_in: SignIn) -> None:
    here = sign_in(owner)
    assert (
        here.post(reverse("me_session_end", args=[UserSession.objects.get().pk])).headers["Location"] == "/"
    )
    assert here.get(reverse("me")).status_code == 302


def test_a_member_cannot_end_another_members_session(owner: User, member: User, sign_in: SignIn) -> None:
    theirs, me = sign_in(owner), sign_in(member)
    session = UserSession.objects.get(user=owner)
    assert me.post(reverse("me_session_end", args=[session.pk])).status_code == 404
    assert theirs.get(reverse("me")).status_code == 200


def test_a_new_password_ends_the_other_sessions_and_they_are_no_longer_listed(
    owner: User, sign_in: SignIn
) -> None:
    here, other = sign_in(owner, user_agent=FIREFOX), sign_in(owner, user_agent=PHONE)
    fresh = "another horse, another battery"
    here.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh},
    )
    assert other.get(reverse("me")).status_code == 302
    page = read(here.get(reverse("me_sessions")))
    assert "Firefox on Linux" in page
    assert "Chrome on Android" not in page


def test_being_seen_is_noted_once_in_five_minutes(owner: User, sign_in: SignIn) -> None:
    here = sign_in(owner)
    long_ago = timezone.now() - timedelta(days=1)
    here.get(reverse("me"))
    UserSession.objects.update(last_seen_at=long_ago)
    here.get(reverse("me"))
    assert UserSession.objects.get().last_seen_at == long_ago
    cache.clear()
    here.get(reverse("me"))
    assert UserSession.objects.get().last_seen_at > long_ago


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Chrome on Android"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1",
            "Safari on iOS",
        ),
        ("curl/8.14.1", "curl"),
        ("", "A browser"),
    ],
)
def test_browsers_are_named_as_people_know_them(user_agent: str, words: str) -> None:
    assert name_browser(user_agent) == words


@pytest.mark.parametrize("name", ["me_sessions", "me", "me_profile", "mfa_index", "account_email"])
def test_pages_cost_the_same_with_three_sessions_and_images_as_with_one(
    name: str, owner: User, sign_in: SignIn
) -> None:
    client = sign_in(owner)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(name)).status_code == 200
        return len(queries)

    ImageCheck.objects.create(owner=owner, filename="disk.qcow2")
    cost()  # the first look also notes that the session is in use
    with_one = cost()
    for number in range(2):
        sign_in(owner)
        ImageCheck.objects.create(owner=owner, filename=f"disk{number}.qcow2")
    assert cost() == with_one


# -------------------------------------------------------------------------------- sections of rooms


def test_my_images_are_on_my_page_and_on_nobody_elses(
    owner: User, as_owner: Client, as_member: Client
) -> None:
    check = ImageCheck.objects.create(owner=owner, filename="broken.qcow2", visibility="public")
    mine, theirs = read(as_owner.get(reverse("me"))), read(as_member.get(reverse("me")))
    assert check.get_absolute_url() in mine
    assert "broken.qcow2" in mine
    assert "broken.qcow2" not in theirs
    assert "No images yet" in theirs
    assert '<span class="tag">queued</span>' in mine
    ImageCheck.objects.filter(pk=check.pk).update(state="finished", verdict="corrupt", result={})
    assert '<span class="tag tone-bad">corrupt</span>' in read(as_owner.get(reverse("me")))


def test_chapters_and_articles_are_on_the_page_of_those_who_have_some(
    owner: User, as_owner: Client, as_member: Client
) -> None:
    chapter = Chapter.objects.create(slug="pune-test", city="Pune")
    ChapterMembership.objects.create(chapter=chapter, user=owner, role="lead")
    Article.objects.create(slug="mine", title="Bridges without tears", owner=owner)
    mine, theirs = read(as_owner.get(reverse("me"))), read(as_member.get(reverse("me")))
    for words in ("My chapters", "Lead organizer", "My articles", "Bridges without tears"):
        assert words in mine
        assert words not in theirs


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="account"):
        personal_data.register("account", export=str, erase=print)
    with pytest.raises(ValueError, match="images"):
        me_sections.register("images", template="x.html", query=str)


# ------------------------------------------------------------------------------------------- export


def unzip(answer: Any) -> dict[str, Any]:
    content: Iterator[bytes] = answer.streaming_content
    archive = zipfile.ZipFile(io.BytesIO(b"".join(content)))
    assert archive.testzip() is None
    return {name: archive.read(name).decode() for name in archive.namelist()}


def test_the_export_holds_what_every_part_keeps(owner: User, member: User, sign_in: SignIn) -> None:
    client = confirmed(sign_in(owner))
    upload = Upload.objects.create(owner=owner, filename="half.qcow2", length=9, expires_at=timezone.now())
    ImageCheck.objects.create(
        owner=owner,
        filename="mine.qcow2",
        sha256="ab" * 32,
        state="finished",
        result={"format": 1, "verdict": "sound"},
    )
    ImageCheck.objects.create(owner=member, filename="theirs.qcow2")
    token, secret = tokens.create_token(user=owner, name="backup script", days=30)
    answer = client.post(reverse("me_export"))
    assert answer.headers["Content-Type"] == "application/zip"
    files = unzip(answer)
    assert {"README.txt", "account.json", "events.json", "kb.json", "lab.json", "mail.json"} <= set(files)
    account, lab = json.loads(files["account.json"]), json.loads(files["lab.json"])
    assert account["profile"]["email"] == owner.email
    assert account["email_addresses"] == [{"email": owner.email, "verified": True, "primary": True}]
    assert [check["filename"] for check in lab["image_checks"]] == ["mine.qcow2"]
    assert lab["image_checks"][0]["result"] == {"format": 1, "verdict": "sound"}
    assert [file["id"] for file in lab["files"]] == [str(upload.pk)]
    everything = "".join(files.values())
    assert [one["name"] for one in account["api_tokens"]] == ["backup script"]
    for kept_secret in (owner.password, secret, token.digest):
        assert kept_secret not in everything
    assert "theirs.qcow2" not in everything
    assert "account.json" in files["README.txt"]


def test_the_export_asks_for_the_password_when_it_was_given_long_ago(as_owner: Client) -> None:
    answer = as_owner.post(reverse("me_export"))
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    # and hands the archive over once it is given
    answer = as_owner.post(answer.headers["Location"], {"password": PASSWORD, "next": reverse("me_export")})
    assert "account.json" in unzip(answer)


def test_a_session_row_is_what_the_session_is(owner: User, sign_in: SignIn) -> None:
    """The list is made from allauth's rows; were they not the real sessions, ending one would end nothing."""
    sign_in(owner)
    assert Session.objects.get().pk == UserSession.objects.get().session_key
