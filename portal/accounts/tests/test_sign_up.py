"""From nothing to a member: sign-up, confirmation, sign-in, sign-out."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.tests.conftest import SignIn, last_mail, link_in
from portal.mail.models import OutboxMessage
from portal.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
NEW = {"email": "new@example.org", "password1": PASSWORD}


def test_a_newcomer_signs_up_confirms_and_is_signed_in(client: Client) -> None:
    answer = client.post(reverse("account_signup"), NEW)
    assert answer.url == reverse("account_email_verification_sent")  # type: ignore[attr-defined]  # a redirect
    page = client.get(link_in(last_mail("new@example.org"), "confirm-email"))
    assert "Confirm the address" in page.content.decode()
    assert not EmailAddress.objects.get().verified, "looking at the link confirms nothing"
    answer = client.post(page.request["PATH_INFO"])
    assert answer.url == reverse("me")  # type: ignore[attr-defined]  # a redirect
    assert EmailAddress.objects.get().verified
    assert client.get(reverse("me")).status_code == 200


def test_nobody_signs_in_before_the_address_is_confirmed(client: Client) -> None:
    client.post(reverse("account_signup"), NEW)
    other = Client()
    answer = other.post(reverse("account_login"), {"login": NEW["email"], "password": PASSWORD})
    assert answer.url == reverse("account_email_verification_sent")  # type: ignore[attr-defined]  # a redirect
    assert other.get(reverse("me")).status_code == 302


def test_an_address_that_is_taken_gets_the_same_answer_and_a_mail(
    client: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    set_password = User.set_password

    def counted(user: User, password: str | None) -> None:
        hashed.append(user.email)
        set_password(user, password)

    monkeypatch.setattr(User, "set_password", counted)
    free = client.post(reverse("account_signup"), NEW)
    taken = Client().post(reverse("account_signup"), {**NEW, "email": owner.email})
    assert len(hashed) == 2, "the time that hashing takes would tell them apart"
    assert (taken.status_code, taken.headers["Location"]) == (free.status_code, free.headers["Location"])
    assert User.objects.filter(email__iexact=owner.email).count() == 1
    assert last_mail(owner.email).subject == "You already have an account"


def test_a_mail_that_cannot_be_queued_leaves_no_member(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO no_such_outbox VALUES (1)")

    monkeypatch.setattr("portal.accounts.adapter.queue_mail", full)
    client.raise_request_exception = False
    assert client.post(reverse("account_signup"), NEW).status_code == 500
    assert not User.objects.exists()
    assert not EmailAddress.objects.exists()


def test_a_sign_up_that_fails_leaves_no_mail(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(
        "allauth.account.adapter.DefaultAccountAdapter.respond_email_verification_sent", broken
    )
    client.raise_request_exception = False
    assert client.post(reverse("account_signup"), NEW).status_code == 500
    assert not OutboxMessage.objects.exists()
    assert not User.objects.exists()


def test_errors_are_summed_up_and_tied_to_their_fields(client: Client) -> None:
    page = client.post(
        reverse("account_signup"), {"email": "nonsense", "password1": "12345"}
    ).content.decode()
    assert 'class="error-summary"' in page
    assert 'href="#id_email"' in page
    assert 'aria-invalid="true"' in page


def test_signing_out_takes_a_post(owner: User, sign_in: SignIn) -> None:
    client = sign_in(owner)
    page = client.get(reverse("account_logout"))
    assert "Sign out" in page.content.decode()
    assert client.get(reverse("me")).status_code == 200
    assert client.post(reverse("account_logout")).headers["Location"] == reverse("home")
    assert client.get(reverse("me")).status_code == 302


def test_next_leads_on_within_the_portal_only(owner: User, client: Client) -> None:
    credentials = {"login": owner.email, "password": PASSWORD}
    kept = client.post(reverse("account_login"), {**credentials, "next": "/about/"})
    assert kept.headers["Location"] == "/about/"
    for evil in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"):
        answer = Client().post(reverse("account_login"), {**credentials, "next": evil})
        assert answer.headers["Location"] == reverse("me"), evil
        client.post(reverse("account_login"), credentials)
        assert client.post(reverse("account_logout"), {"next": evil}).headers["Location"] == reverse("home")


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    owner: User, sign_in: SignIn, settings: Any
) -> None:
    cookie = sign_in(owner).cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_the_sign_in_page_tells_where_mail_goes_only_in_the_embedded_default(
    client: Client, settings: Any
) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert "nothing is sent" in page
    assert f'href="{reverse("mail:mailbox")}"' in page
    settings.MAILBOX_PAGE = False
    assert "nothing is sent" not in client.get(reverse("account_login")).content.decode()


def test_a_superuser_signs_in_without_a_mail_and_reaches_the_administration(client: Client) -> None:
    root = User.objects.create_superuser("Root@Example.org", PASSWORD)
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))
    client.post(reverse("account_login"), {"login": "root@example.org", "password": PASSWORD})
    assert client.get("/admin/").status_code == 200
    assert EmailAddress.objects.get(user=root).verified


def test_a_member_who_is_not_staff_is_kept_out_of_the_administration(owner: User, sign_in: SignIn) -> None:
    assert sign_in(owner).get("/admin/login/").status_code == 403


def test_too_many_sign_ins_are_refused_in_the_portals_own_look(client: Client) -> None:
    credentials = {"login": "nobody@example.org", "password": "wrong"}
    answers = [client.post(reverse("account_login"), credentials) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert "Too many attempts" in answers[-1].content.decode()
    assert '<main class="page' in answers[-1].content.decode()


def test_guessing_the_password_of_one_member_ends_after_five(owner: User, client: Client) -> None:
    for _ in range(5):
        client.post(reverse("account_login"), {"login": owner.email, "password": "wrong"})
    answer = client.post(reverse("account_login"), {"login": owner.email, "password": PASSWORD})
    assert "Too many failed login attempts" in answer.content.decode()
