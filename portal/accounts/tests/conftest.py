"""What the tests of accounts share: people who sign in as people do, and their mail."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import PASSWORD

SignIn = Callable[..., Client]


@pytest.fixture
def sign_in() -> SignIn:
    """Signs a member in with the password, so that allauth knows they have just proved who they are."""

    def sign_in(user: User, password: str = PASSWORD, user_agent: str = "") -> Client:
        client = Client(HTTP_USER_AGENT=user_agent) if user_agent else Client()
        answer = client.post(reverse("account_login"), {"login": user.email, "password": password})
        assert answer.status_code == 302, answer.content.decode()
        return client

    return sign_in


def confirmed(client: Client, password: str = PASSWORD) -> Client:
    """The same browser after its member has given the password once more."""
    answer = client.post(reverse("account_reauthenticate"), {"password": password})
    assert answer.status_code == 302, answer.content.decode()
    return client


def last_mail(to: str) -> OutboxMessage:
    """The latest mail to an address."""
    message = OutboxMessage.objects.filter(to_email=to).order_by("-pk").first()
    assert message, f"no mail to {to}"
    return message


def link_in(message: OutboxMessage, part: str) -> str:
    """The path of the first link in a mail whose address contains ``part``."""
    found = re.search(rf"https?://[^/\s]+(/\S*{part}\S*)", message.text_body)
    assert found, message.text_body
    return found[1]
