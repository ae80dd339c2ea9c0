"""Signing in with GitHub, as far as it can be tried without GitHub: buttons, connecting, disconnecting."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from django.conf import settings
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.tests.conftest import SignIn, confirmed, last_mail
from portal.mail.models import OutboxMessage
from portal.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN, CALLBACK, CONNECTIONS = (
    "/accounts/github/login/",
    "/accounts/github/login/callback/",
    "socialaccount_connections",
)


@pytest.fixture
def github(settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """GitHub with keys set; the returned profile is what it says about whoever comes from there."""
    keys = {"client_id": "id", "secret": "secret"}
    settings.SOCIALACCOUNT_PROVIDERS = {**settings.SOCIALACCOUNT_PROVIDERS, "github": {"APPS": [keys]}}
    profile = {"id": 7, "login": "asha-hub", "email": "asha.hub@example.org", "name": "Asha"}

    def complete(self: Any, request: Any, app: Any, token: Any, **kwargs: Any) -> Any:
        return self.get_provider().sociallogin_from_response(request, profile)

    monkeypatch.setattr(OAuth2Client, "get_access_token", lambda *args, **kwargs: {"access_token": "t"})
    monkeypatch.setattr(GitHubOAuth2Adapter, "complete_login", complete)
    return profile


def come_back(client: Client, process: str = "login") -> Any:
    """Press the button here, say yes there, and come back."""
    answer = client.post(LOGIN + (f"?process={process}" if process != "login" else ""))
    assert answer.status_code == 302
    address = urlsplit(answer.headers["Location"])
    assert address.netloc == "github.com"
    return client.get(CALLBACK, {"code": "c", "state": parse_qs(address.query)["state"][0]})


def test_without_keys_there_is_no_button(client: Client) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert "GitHub" not in page
    assert "Google" not in page


def test_the_button_is_a_form_of_its_own(client: Client, github: dict[str, Any]) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert "Sign in with GitHub" in page
    assert f'action="{LOGIN}' in page
    assert client.get(LOGIN).status_code == 200, "a link alone must not send anybody away"


def test_a_newcomer_from_github_confirms_the_address_before_the_account_counts(
    client: Client, github: dict[str, Any]
) -> None:
    answer = come_back(client)
    assert answer.headers["Location"] == reverse("socialaccount_signup")
    assert not User.objects.exists()
    page = client.get(reverse("socialaccount_signup")).content.decode()
    assert "asha.hub@example.org" in page
    answer = client.post(reverse("socialaccount_signup"), {"email": "asha.hub@example.org"})
    assert answer.headers["Location"] == reverse("account_email_verification_sent")
    assert last_mail("asha.hub@example.org").subject == "Confirm your address"
    assert SocialAccount.objects.get().user.email == "asha.hub@example.org"


def test_an_account_that_is_connected_signs_in_and_is_disconnected(
    owner: User, sign_in: SignIn, github: dict[str, Any]
) -> None:
    client = confirmed(sign_in(owner))
    answer = come_back(client, "connect")
    assert answer.headers["Location"] == reverse(CONNECTIONS)
    assert last_mail(owner.email).subject == "An account is connected"
    assert "asha-hub" in client.get(reverse(CONNECTIONS)).content.decode()
    assert come_back(Client()).headers["Location"] == reverse("me")
    account = SocialAccount.objects.get(user=owner)
    client.post(reverse(CONNECTIONS), {"account": account.pk})
    assert not SocialAccount.objects.exists()
    assert last_mail(owner.email).subject == "An account is disconnected"


def test_a_connection_whose_mail_cannot_be_queued_is_not_made(
    owner: User, sign_in: SignIn, github: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = confirmed(sign_in(owner))

    def full(**kwargs: Any) -> None:
        raise RuntimeError("The outbox takes nothing.")

    monkeypatch.setattr("portal.accounts.adapter.queue_mail", full)
    client.raise_request_exception = False
    assert come_back(client, "connect").status_code == 500
    assert not SocialAccount.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_an_address_of_a_member_does_not_open_their_account_from_github(
    owner: User, github: dict[str, Any]
) -> None:
    github["email"] = owner.email
    client = Client()
    assert come_back(client).headers["Location"] == reverse("socialaccount_signup")
    client.post(reverse("socialaccount_signup"), {"email": owner.email})
    assert client.get(reverse("me")).status_code == 302
    assert not SocialAccount.objects.exists()
    assert EmailAddress.objects.filter(email=owner.email).count() == 1


def test_what_another_member_connected_cannot_be_disconnected(
    owner: User, member: User, sign_in: SignIn, github: dict[str, Any]
) -> None:
    theirs = SocialAccount.objects.create(
        user=owner, provider="github", uid="7", extra_data={"login": "asha-hub"}
    )
    client = confirmed(sign_in(member))
    assert "asha-hub" not in client.get(reverse(CONNECTIONS)).content.decode()
    client.post(reverse(CONNECTIONS), {"account": theirs.pk})
    assert SocialAccount.objects.filter(pk=theirs.pk).exists()


def test_the_answer_of_a_stranger_is_refused_in_the_portals_own_look(
    client: Client, github: dict[str, Any]
) -> None:
    answer = client.get(CALLBACK, {"code": "c", "state": "forged"})
    assert "The other site did not sign you in" in answer.content.decode()
    assert "The other site" in client.get(reverse("socialaccount_login_error")).content.decode()


def test_passwords_still_count_beside_a_connection(
    owner: User, sign_in: SignIn, github: dict[str, Any]
) -> None:
    come_back(confirmed(sign_in(owner)), "connect")
    answer = Client().post(reverse("account_login"), {"login": owner.email, "password": PASSWORD})
    assert answer.headers["Location"] == reverse("me")
    assert settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION is False
