"""Passwords, addresses, authenticator apps and recovery codes, as a person goes through them."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.tests.conftest import SignIn, confirmed, last_mail, link_in
from portal.mail.models import OutboxMessage
from portal.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
FRESH = "another horse, another battery"


def read(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def code_now(secret: str, steps: int = 0) -> str:
    """What an authenticator app shows for ``secret`` (RFC 6238), ``steps`` periods from now."""
    code: str = format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))
    return code


def with_app(client: Client) -> str:
    """Set up an authenticator app for the member who is signed in; returns its secret."""
    page = read(confirmed(client).get(reverse("mfa_activate_totp")))
    found = re.search(r"<code[^>]*>\s*([A-Z2-7]+)\s*</code>", page)
    assert found
    with time_machine.travel(datetime.now(UTC), tick=False):  # or the code may run out on its way
        answer = client.post(reverse("mfa_activate_totp"), {"code": code_now(found[1])})
    assert answer.headers["Location"] == reverse("mfa_view_recovery_codes"), read(answer)
    return found[1]


# ------------------------------------------------------------------------------------------ password


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(client: Client, owner: User) -> None:
    answer = client.post(reverse("account_reset_password"), {"email": owner.email})
    assert answer.headers["Location"] == reverse("account_reset_password_done")
    link = link_in(last_mail(owner.email), "password/reset/key")
    page = client.get(link, follow=True)
    assert "Choose a new password" in read(page)
    answer = client.post(page.request["PATH_INFO"], {"password1": FRESH, "password2": FRESH}, follow=True)
    assert "Your password is changed" in read(answer)
    assert last_mail(owner.email).subject == "Your password is changed"
    owner.refresh_from_db()
    assert owner.check_password(FRESH)
    assert "This link no longer works" in read(Client().get(link, follow=True))


def test_asking_for_an_unknown_address_gets_the_same_answer_and_another_mail(
    client: Client, owner: User
) -> None:
    known = client.post(reverse("account_reset_password"), {"email": owner.email})
    unknown = Client().post(reverse("account_reset_password"), {"email": "nobody@example.org"})
    assert (unknown.status_code, unknown.headers["Location"]) == (
        known.status_code,
        known.headers["Location"],
    )
    assert last_mail("nobody@example.org").subject == "There is no account with this address"


def test_the_password_is_changed_with_a_mail_that_says_so(owner: User, sign_in: SignIn) -> None:
    client = sign_in(owner)
    passwords = {"oldpassword": PASSWORD, "password1": FRESH, "password2": FRESH}
    client.post(reverse("account_change_password"), passwords)
    owner.refresh_from_db()
    assert owner.check_password(FRESH)
    text = last_mail(owner.email).text_body
    assert "The password of your account is changed." in text
    assert "If it was not" in text
    assert reverse("account_reset_password") in text


def test_a_weak_password_is_refused_in_words(owner: User, sign_in: SignIn) -> None:
    passwords = {"oldpassword": PASSWORD, "password1": "password", "password2": "password"}
    page = read(sign_in(owner).post(reverse("account_change_password"), passwords))
    assert "too common" in page


# ----------------------------------------------------------------------------------------- addresses


def test_an_address_is_added_confirmed_made_primary_and_the_old_one_removed(
    owner: User, sign_in: SignIn
) -> None:
    client, old = confirmed(sign_in(owner)), owner.email
    emails = reverse("account_email")
    client.post(emails, {"action_add": "", "email": "asha.new@example.org"})
    assert "Not confirmed" in read(client.get(emails))
    client.post(link_in(last_mail("asha.new@example.org"), "confirm-email"))
    assert EmailAddress.objects.get(email="asha.new@example.org").verified
    client.post(emails, {"action_primary": "", "email": "asha.new@example.org"})
    assert last_mail(old).subject == "Your primary address is changed"
    client.post(emails, {"action_remove": "", "email": old})
    owner.refresh_from_db()
    assert owner.email == "asha.new@example.org"
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["asha.new@example.org"]
    answer = Client().post(reverse("account_login"), {"login": owner.email, "password": PASSWORD})
    assert answer.headers["Location"] == reverse("me")


def test_the_address_of_another_member_is_not_told(owner: User, member: User, sign_in: SignIn) -> None:
    client = confirmed(sign_in(owner))
    answer = client.post(reverse("account_email"), {"action_add": "", "email": member.email}, follow=True)
    assert f"on its way to {member.email}" in read(answer)


def test_adding_an_address_asks_for_the_password_again(owner: User, sign_in: SignIn) -> None:
    answer = sign_in(owner).post(reverse("account_email"), {"action_add": "", "email": "x@example.org"})
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert not EmailAddress.objects.filter(email="x@example.org").exists()


# ------------------------------------------------------------------------------ app, recovery codes


def test_an_authenticator_app_is_set_up_and_asked_for(owner: User, sign_in: SignIn) -> None:
    client = confirmed(sign_in(owner))
    page = read(client.get(reverse("mfa_activate_totp")))
    assert 'src="data:image/svg+xml;base64,' in page
    assert "<script>" not in page
    secret = with_app(client)
    assert last_mail(owner.email).subject == "Authenticator app switched on"
    other = sign_in(owner)
    assert other.get(reverse("me")).status_code == 302, "the password alone is not enough"
    page = read(other.get(reverse("mfa_authenticate")))
    assert "The second step" in page
    assert 'data-passkey="authenticate"' not in page, "there is no passkey to offer"
    wrong = other.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "This code is not right" in read(wrong)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=30), tick=False):
        assert other.post(reverse("mfa_authenticate"), {"code": code_now(secret)}).headers[
            "Location"
        ] == reverse("me")
        assert other.get(reverse("me")).status_code == 200
        again = sign_in(owner).post(reverse("mfa_authenticate"), {"code": code_now(secret)})
        assert again.status_code == 200, "a code that was seen over the shoulder is of no use"


@pytest.mark.parametrize("change", ["password", "app"])
def test_a_change_whose_mail_cannot_be_queued_is_not_made(
    change: str, owner: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = confirmed(sign_in(owner))
    secret = re.search(r"<code[^>]*>\s*([A-Z2-7]+)\s*</code>", read(client.get(reverse("mfa_activate_totp"))))
    assert secret

    def full(**kwargs: Any) -> None:
        raise RuntimeError("The outbox takes nothing.")

    monkeypatch.setattr("portal.accounts.adapter.queue_mail", full)
    client.raise_request_exception = False
    if change == "app":
        with time_machine.travel(datetime.now(UTC), tick=False):
            answer = client.post(reverse("mfa_activate_totp"), {"code": code_now(secret[1])})
    else:
        passwords = {"oldpassword": PASSWORD, "password1": FRESH, "password2": FRESH}
        answer = client.post(reverse("account_change_password"), passwords)
    assert answer.status_code == 500
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
    assert not Authenticator.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_a_recovery_code_works_once_and_new_ones_replace_the_old(owner: User, sign_in: SignIn) -> None:
    client = sign_in(owner)
    with_app(client)
    page = read(client.get(reverse("mfa_view_recovery_codes")))
    codes = re.findall(r"<li>\s*(\d{8})\s*</li>", page)
    assert len(codes) == 10
    download = client.get(reverse("mfa_download_recovery_codes"))
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert read(download).split() == codes
    other = sign_in(owner)
    assert other.post(reverse("mfa_authenticate"), {"code": codes[0]}).headers["Location"] == reverse("me")
    again = sign_in(owner)
    assert again.post(reverse("mfa_authenticate"), {"code": codes[0]}).status_code == 200
    client.post(reverse("mfa_generate_recovery_codes"))
    fresh = re.findall(r"<li>\s*(\d{8})\s*</li>", read(client.get(reverse("mfa_view_recovery_codes"))))
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)


def test_the_app_is_switched_off_and_no_longer_asked_for(owner: User, sign_in: SignIn) -> None:
    client = sign_in(owner)
    with_app(client)
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert sign_in(owner).get(reverse("me")).status_code == 200
    assert last_mail(owner.email).subject == "Authenticator app switched off"


def test_codes_are_not_shown_to_someone_who_finds_the_browser_open(
    owner: User, sign_in: SignIn, as_owner: Client
) -> None:
    with_app(sign_in(owner))
    for name in ("mfa_view_recovery_codes", "mfa_download_recovery_codes"):
        answer = as_owner.get(reverse(name))
        assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))


@pytest.mark.parametrize("name", ["mfa_edit_webauthn", "mfa_remove_webauthn"])
def test_a_member_cannot_touch_another_members_passkey(
    name: str, owner: User, member: User, sign_in: SignIn
) -> None:
    theirs = Authenticator.objects.create(
        user=owner, type="webauthn", data={"name": "Blue key", "credential": {}}
    )
    client = confirmed(sign_in(member))
    assert client.get(reverse(name, args=[theirs.pk])).status_code == 404
    assert client.post(reverse(name, args=[theirs.pk]), {"name": "Mine now"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.data["name"] == "Blue key"
